"""Reads a collection: Postman 2.0 and 2.1, as it is exported or as the documenter publishes it, and OpenAPI 3."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import unquote

from pydantic import JsonValue

from kiamo_iac.contract.collection.requests import (
    Collection,
    CollectionRequest,
    SavedResponse,
    plain_path,
    plain_text,
)
from kiamo_iac.core.errors import ManifestError
from kiamo_iac.core.strict_json import parse_json
from kiamo_iac.document.files import decode_text
from kiamo_iac.document.parser import parse

MAX_BYTES: Final = 32 * 1024 * 1024
"""Of a collection."""
MAX_REQUESTS: Final = 5_000
_DEEPEST: Final = 30
_DEEPEST_SCHEMA: Final = 8
_MOST_REFERENCES: Final = 20
"""From one to the next."""
_MOST_SCHEMAS: Final = 200_000
"""Looked at in one document; schemas that hold each other have no end."""
_METHODS: Final = ("get", "post", "put", "patch", "delete")
_BARE_VARIABLE: Final = re.compile(r"(?<=[:\[,\s])(\{\{[^{}]*\}\}|<[a-zA-Z]+>)(?=\s*[,\]}\s])")
_COMMENT: Final = re.compile(r'"(?:\\.|[^"\\])*"|//[^\n]*|/\*.*?\*/', re.DOTALL)
"""A string, or a comment, which JSON does not have and examples do."""
_BARE_STATUS: Final = re.compile(r"^(\s*)([1-5]\d\d):(?=\s|$)", re.MULTILINE)
"""A status as a key, without quotes: YAML reads a number."""
_SUCCESS: Final = re.compile(r"2\d\d|default")
_HINT: Final = (
    "use a Postman collection (v2.0 or v2.1) or an OpenAPI 3 document; kiamo-iac contract fetch downloads one"
)


def read_collection(data: bytes, *, shown: str) -> Collection:
    """The collection in `data`; `shown` is its name in messages.

    Raises:
        ManifestError: it is none that can be read.
    """
    tree = _tree(data, shown=shown)
    if not isinstance(tree, dict):
        raise _unreadable(shown, "it is not a JSON object")
    if isinstance(tree.get("collection"), dict):  # as the API of Postman answers
        tree = tree["collection"]
    if isinstance(tree.get("openapi"), str) and tree["openapi"].startswith("3"):
        found = _OpenApi(tree).collection()
    elif isinstance(tree.get("item"), list):
        found = _Postman(tree).collection()
    else:
        why = "it has the metadata of a collection, not its requests" if "info" in tree else "its format is not known"
        raise _unreadable(shown, why)
    if len(found.requests) > MAX_REQUESTS:
        raise _unreadable(shown, f"it has more than {MAX_REQUESTS:,} requests")
    return found


def _unreadable(shown: str, why: str) -> ManifestError:
    return ManifestError(f"{shown} cannot be read as a collection: {why}.", hint=_HINT)


def _tree(data: bytes, *, shown: str) -> Any:
    if data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in {b"{", b"[", b"<", b""}:
        try:
            return parse_json(data)
        except ValueError as error:
            raise _unreadable(shown, str(error)) from None
    text = _BARE_STATUS.sub(r"\1'\2':", decode_text(data, shown=shown))
    document = parse(text, file=shown)
    if document.data is None:
        raise ManifestError(f"{shown} cannot be read as a collection.", hint=_HINT, diagnostics=document.diagnostics)
    return document.data


def _dict(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _json(text: Any) -> JsonValue:
    """The value of an example; variables may stand where a value would. None: it is no JSON."""
    if not isinstance(text, str) or not text.strip():
        return None
    text = _BARE_VARIABLE.sub(lambda found: json.dumps(found[1]), text)
    bare = _COMMENT.sub(lambda found: found[0] if found[0].startswith('"') else "", text)
    for each in dict.fromkeys((text, bare)):
        try:
            value: JsonValue = parse_json(each.encode("utf-8", "replace"))
        except ValueError:
            continue
        return value
    return None


class _Postman:
    def __init__(self, tree: Mapping[str, Any]) -> None:
        self._tree = tree
        info = _dict(tree.get("info"))
        self._info = info
        self._variables = {
            _text(each.get("key") or each.get("id")): _text(each.get("value"))
            for each in map(_dict, _list(tree.get("variable")))
        }
        self._unknown_base = False

    def collection(self) -> Collection:
        requests = tuple(self._items(self._tree["item"], folders=(), texts=(), place="/item"))
        version = "2.1" if "v2.1" in _text(self._info.get("schema")) else "2.0"
        return Collection(
            _text(self._info.get("name")) or "a collection",
            f"Postman {version}",
            requests,
            text=plain_text(self._info.get("description")),
            header=_api_key(_dict(self._tree.get("auth"))),
            unknown_base=self._unknown_base,
        )

    def _items(
        self, items: list[Any], *, folders: tuple[str, ...], texts: tuple[str, ...], place: str
    ) -> Iterator[CollectionRequest]:
        if len(folders) > _DEEPEST:
            return
        for number, each in enumerate(map(_dict, items)):
            at = f"{place}/{number}"
            if isinstance(each.get("item"), list):
                below = (*folders, _text(each.get("name")))
                text = plain_text(each.get("description"))
                yield from self._items(each["item"], folders=below, texts=(*texts, text), place=f"{at}/item")
            elif isinstance(each.get("request"), dict | str):
                yield self._request(each, folders=folders, texts=texts, place=at)

    def _request(
        self, item: Mapping[str, Any], *, folders: tuple[str, ...], texts: tuple[str, ...], place: str
    ) -> CollectionRequest:
        request = item["request"] if isinstance(item["request"], dict) else {"url": item["request"]}
        address, query = _address(request)
        path, unknown = plain_path(address, self._variables)
        self._unknown_base |= unknown
        body, form = _body(_dict(request.get("body")))
        name = _text(item.get("name"))
        text = "\n".join(filter(None, (plain_text(request.get("description")), plain_text(item.get("description")))))
        headers = [each for each in map(_dict, _list(request.get("header"))) if each.get("disabled") is not True]
        own = _api_key(_dict(request.get("auth")))
        return CollectionRequest(
            name,
            folders,
            (_text(request.get("method")) or "GET").upper(),
            path,
            place,
            query=query,
            headers=(*(_text(each.get("key")) for each in headers), *((own,) if own else ())),
            body=body,
            form=form,
            answers=tuple(
                SavedResponse(
                    each["code"] if isinstance(each.get("code"), int) else None,
                    _json(each.get("body")),
                    tuple(_text(_dict(header).get("key")).lower() for header in _list(each.get("header"))),
                )
                for each in map(_dict, _list(item.get("response")))
            ),
            text=text,
            folder_text="\n".join(filter(None, texts)),
        )


def _api_key(auth: Mapping[str, Any]) -> str | None:
    """The header of an auth of type apikey: a list of pairs in 2.1, a mapping in 2.0."""
    found = auth.get("apikey")
    pairs = {_text(_dict(each).get("key")): _dict(each).get("value") for each in _list(found)} or _dict(found)
    if pairs.get("in", "header") != "header":
        return None
    return _text(pairs.get("key")) or None


def _address(request: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
    """The address of a request as text, and the names of its query. `urlObject` is the documenter's."""
    url = request.get("url")
    parts = _dict(url) or _dict(request.get("urlObject"))
    text = url if isinstance(url, str) else _text(parts.get("raw"))
    if not text or (parts.get("path") and not isinstance(url, str)):
        text = _joined(parts) or text
    names = [_text(_dict(each).get("key")) for each in _list(parts.get("query"))]
    names += [pair.partition("=")[0] for pair in text.partition("?")[2].split("&")]
    return text, tuple(dict.fromkeys(filter(None, names)))


def _joined(parts: Mapping[str, Any]) -> str:
    path = parts.get("path")
    segments = path.strip("/").split("/") if isinstance(path, str) else [_piece(each) for each in _list(path)]
    host = parts.get("host")
    server = host if isinstance(host, str) else ".".join(_text(each) for each in _list(host))
    if server.startswith("{{") or "://" in server:
        return "/".join((server, *segments))
    return "/".join(("https:/", server or "server", *segments))


def _piece(value: Any) -> str:
    return value if isinstance(value, str) else _text(_dict(value).get("value"))


def _body(body: Mapping[str, Any]) -> tuple[JsonValue, str | None]:
    """The example of a body, and its encoding where that is no JSON."""
    mode = _text(body.get("mode"))
    if mode == "raw":
        return _json(body.get("raw")), None
    if mode in {"urlencoded", "formdata"}:
        fields = {_text(_dict(each).get("key")): _text(_dict(each).get("value")) for each in _list(body.get(mode))}
        return dict(fields), "form"
    return None, None


class _OpenApi:
    def __init__(self, tree: Mapping[str, Any]) -> None:
        self._tree = tree
        self._left = _MOST_SCHEMAS

    def collection(self) -> Collection:
        info = _dict(self._tree.get("info"))
        schemes = _dict(_dict(self._tree.get("components")).get("securitySchemes"))
        keys = [self._resolved(each) for each in schemes.values()]
        headers = [
            _text(each.get("name")) for each in keys if each.get("type") == "apiKey" and each.get("in") == "header"
        ]
        return Collection(
            _text(info.get("title")) or "an API",
            "OpenAPI 3",
            tuple(self._requests()),
            text=plain_text(info.get("description")),
            header=headers[0] if len(headers) == 1 else None,
            unknown_base=not _list(self._tree.get("servers")),
        )

    def _requests(self) -> Iterator[CollectionRequest]:
        first = _dict(next(iter(_list(self._tree.get("servers"))), None))
        server = _text(first.get("url"))
        for name, variable in _dict(first.get("variables")).items():
            server = server.replace(f"{{{name}}}", _text(_dict(variable).get("default")) or f"{{{name}}}")
        texts = {
            _text(_dict(tag).get("name")): plain_text(_dict(tag).get("description"))
            for tag in _list(self._tree.get("tags"))
        }
        base = plain_path(server, {})[0].rstrip("/")
        for path, entry in _dict(self._tree.get("paths")).items():
            calls = self._resolved(entry)
            for method in _METHODS:
                if isinstance(calls.get(method), dict):
                    yield self._request(method, path, calls, base=base, texts=texts)

    def _request(
        self, method: str, path: str, entry: Mapping[str, Any], *, base: str, texts: Mapping[str, str]
    ) -> CollectionRequest:
        call = entry[method]
        tags = tuple(_text(tag) for tag in _list(call.get("tags")))
        parameters = [
            self._resolved(each) for each in (*_list(entry.get("parameters")), *_list(call.get("parameters")))
        ]
        content = _dict(self._resolved(call.get("requestBody")).get("content"))
        schema, body = self._content(content)
        enums: dict[str, tuple[str, ...]] = {}
        self._collect_enums(schema, enums, depth=0)
        answer_enums: dict[str, tuple[str, ...]] = {}
        answers = []
        for status, each in _dict(call.get("responses")).items():
            answer = self._resolved(each)
            shape, example = self._content(_dict(answer.get("content")))
            if _SUCCESS.fullmatch(status):
                self._collect_enums(shape, answer_enums, depth=0)
            headers = tuple(_text(header).lower() for header in _dict(answer.get("headers")))
            answers.append(SavedResponse(int(status) if status.isdecimal() else None, example, headers))
        return CollectionRequest(
            _text(call.get("summary")) or _text(call.get("operationId")) or path,
            tags,
            method.upper(),
            base + path,
            f"/paths/{path.replace('~', '~0').replace('/', '~1')}/{method}",
            query=tuple(_text(each.get("name")) for each in parameters if each.get("in") == "query"),
            headers=tuple(_text(each.get("name")) for each in parameters if each.get("in") == "header"),
            body=body,
            form="form" if content and not any("json" in kind for kind in content) else None,
            required=frozenset(_text(key) for key in _list(schema.get("required"))),
            enums=enums,
            answer_enums=answer_enums,
            answers=tuple(answers),
            text="\n".join(filter(None, (_text(call.get("operationId")), plain_text(call.get("description"))))),
            folder_text="\n".join(filter(None, (texts.get(tag) for tag in tags))),
            deprecated=call.get("deprecated") is True,
        )

    def _content(self, content: Mapping[str, Any]) -> tuple[Mapping[str, Any], JsonValue]:
        """Schema and example of a body."""
        kind = next((name for name in content if "json" in name), next(iter(content), ""))
        media = _dict(content.get(kind))
        schema = self._resolved(media.get("schema"))
        example = media.get("example")
        if example is None:
            example = self._resolved(next(iter(_dict(media.get("examples")).values()), None)).get("value")
        return schema, example if example is not None else self._example(schema, depth=0)

    def _example(self, schema: Mapping[str, Any], *, depth: int) -> JsonValue:
        """A value of a schema, with placeholders as Postman writes them."""
        self._left -= 1
        if depth > _DEEPEST_SCHEMA or self._left < 0 or not schema:
            return None
        if "example" in schema:
            value: JsonValue = schema["example"]
            return value
        kind = schema.get("type")
        if isinstance(kind, list):  # 3.1
            kind = next((each for each in kind if each != "null"), None)
        if kind == "array":
            return [self._example(self._resolved(schema.get("items")), depth=depth + 1)]
        properties = self._properties(schema)
        if properties or kind == "object":
            return {key: self._example(self._resolved(each), depth=depth + 1) for key, each in properties.items()}
        return f"<{kind}>" if isinstance(kind, str) else None

    def _properties(self, schema: Mapping[str, Any], *, depth: int = 0) -> dict[str, Any]:
        """Its own, and those of the schemas that it is composed of, at any depth."""
        self._left -= 1
        found: dict[str, Any] = {}
        if depth < _DEEPEST_SCHEMA and self._left > 0:
            for part in (*_list(schema.get("allOf")), *_list(schema.get("oneOf"))[:1], *_list(schema.get("anyOf"))[:1]):
                found.update(self._properties(self._resolved(part), depth=depth + 1))
        return {**found, **_dict(schema.get("properties"))}

    def _collect_enums(self, schema: Mapping[str, Any], found: dict[str, tuple[str, ...]], *, depth: int) -> None:
        self._left -= 1
        if depth > _DEEPEST_SCHEMA or self._left < 0:
            return
        if schema.get("type") == "array":
            self._collect_enums(self._resolved(schema.get("items")), found, depth=depth + 1)
        for key, each in self._properties(schema).items():
            inner = self._resolved(each)
            values = _list(inner.get("enum"))
            if values and all(isinstance(value, str) for value in values):
                found.setdefault(key, tuple(values))
            self._collect_enums(inner, found, depth=depth + 1)

    def _resolved(self, node: Any) -> Mapping[str, Any]:
        return resolved(self._tree, node)


def resolved(tree: Mapping[str, Any], node: Any) -> Mapping[str, Any]:
    """A mapping of an OpenAPI document, behind its references within the document; empty: it is none, or a reference
    leads nowhere, in a circle or to another document, which is never fetched."""
    for _ in range(_MOST_REFERENCES):
        if not isinstance(node, dict):
            return {}
        target = node.get("$ref")
        if not isinstance(target, str):
            return node
        if not target.startswith("#/"):
            return {}
        node = tree
        for part in unquote(target[2:]).split("/"):
            node = _below(node, part.replace("~1", "/").replace("~0", "~"))
    return {}


def _below(node: Any, key: str) -> Any:
    if isinstance(node, list):
        return node[int(key)] if key.isdecimal() and key.isascii() and int(key) < len(node) else None
    return _dict(node).get(key)
