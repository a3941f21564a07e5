"""The neutral form of a collection: its requests, whatever format it was published in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any, Final

from pydantic import JsonValue

from kiamo_iac.contract.collection.words import is_of_object

_VARIABLE: Final = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")
_ANGLES: Final = re.compile(r"<([^<>]*)>")
_EXAMPLE_ID: Final = re.compile(r"\d+|[0-9a-fA-F]{8}-[0-9a-fA-F-]{27}|[0-9a-fA-F]{24}")
_MOST_TEXT: Final = 200_000
"""Characters of a description that are read."""
_BLOCKS: Final = frozenset({"p", "br", "li", "tr", "div", "h1", "h2", "h3", "h4", "pre", "table", "ul", "ol"})


@dataclass(frozen=True, slots=True)
class SavedResponse:
    """The example of an answer."""

    status: int | None
    body: JsonValue
    """None also where there is none, or it is not JSON."""
    headers: tuple[str, ...] = ()
    """The names of its headers, in lower case."""


@dataclass(frozen=True, slots=True)
class CollectionRequest:
    """One request of a collection."""

    name: str
    folders: tuple[str, ...]
    """From the outermost to the innermost."""
    method: str
    path: str
    """From the root of the server: `/api/bases/{id}`. Placeholders are in braces, as the collection names them."""
    place: str
    """Where it stands in the file, as a JSON pointer."""
    query: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    body: JsonValue = None
    """The example of the body; values may be placeholders: `<string>`, `<integer>`."""
    form: str | None = None
    """The encoding of the body, where it is no JSON."""
    required: frozenset[str] = frozenset()
    """Top keys that the body must have, where that is documented."""
    enums: Mapping[str, tuple[str, ...]] | None = None
    """Closed lists of values of the body, by key."""
    answer_enums: Mapping[str, tuple[str, ...]] | None = None
    """Those of the answers."""
    answers: tuple[SavedResponse, ...] = ()
    text: str = ""
    """Its description without markup; code is in backticks."""
    folder_text: str = ""
    """The descriptions of its folders."""
    deprecated: bool = False

    @property
    def answer(self) -> JsonValue:
        """The body of the first successful example; None: there is none."""
        for each in self.answers:
            if (each.status is None or 200 <= each.status < 300) and each.body is not None:
                return each.body
        return None

    @property
    def success(self) -> SavedResponse | None:
        """The first successful example; None: there is none."""
        return next((each for each in self.answers if each.status is not None and 200 <= each.status < 300), None)

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(frozen=True, slots=True)
class Collection:
    """A whole collection."""

    name: str
    format: str
    """`Postman 2.0`, `Postman 2.1`, `OpenAPI 3`."""
    requests: tuple[CollectionRequest, ...]
    text: str = ""
    """The description of the whole."""
    header: str | None = None
    """The header that carries the token, where the collection names it."""
    unknown_base: bool = False
    """Paths begin behind a variable without a value, which may hold the beginning of every path."""


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002 - of the base class
        if tag == "code":
            self.parts.append("`")
        elif tag in _BLOCKS:
            self.parts.append("\n")
        elif tag in {"td", "th"}:
            self.parts.append(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag == "code":
            self.parts.append("`")

    def handle_data(self, data: str) -> None:
        self.parts.append(data)


def plain_text(markup: Any) -> str:
    """A description in HTML or Markdown, without tags."""
    if isinstance(markup, Mapping):
        markup = markup.get("content")
    if not isinstance(markup, str):
        return ""
    text: str = markup[:_MOST_TEXT]
    if "<" not in text:
        return text
    reader = _Text()
    reader.feed(text)
    reader.close()
    return "".join(reader.parts)


def plain_path(address: str, variables: Mapping[str, str]) -> tuple[str, bool]:
    """The path of an address, and whether it begins with a variable that has no value.

    `https://x/api/bases/:id`, `{{url}}/bases/{{id}}` and `/bases/<id>` have `{id}` in their paths; an example of an id
    is `{}`.
    """
    address = address.partition("?")[0].partition("#")[0].strip()
    unknown = False
    if first := _VARIABLE.match(address):
        value = variables.get(first[1], "")
        unknown = not value
        address = (
            f"https://{first[1] or 'x'}{address[first.end() :]}" if unknown else f"{value}{address[first.end() :]}"
        )
    path = address.partition("://")[2].partition("/")[2] if "://" in address else _without_host(address)
    segments = [_segment(part, variables) for part in path.split("/") if part]
    return "/" + "/".join(segments), unknown


def _without_host(address: str) -> str:
    """`server:8080/api` → `api`; `/api` → `api`."""
    first, slash, rest = address.partition("/")
    return (
        rest if slash and (not first or "." in first or ":" in first.lstrip(":") or first == "localhost") else address
    )


def _segment(text: str, variables: Mapping[str, str]) -> str:
    if text.startswith(":") and len(text) > 1:
        name, dot, ending = text[1:].partition(".")
        return f"{{{name}}}{dot}{ending}"
    if whole := _VARIABLE.fullmatch(text) or _ANGLES.fullmatch(text):
        value = variables.get(whole[1], "")
        return value if value and not is_of_object(whole[1]) else f"{{{whole[1]}}}"
    text = _VARIABLE.sub(lambda found: variables.get(found[1]) or f"{{{found[1]}}}", text)
    return "{}" if _EXAMPLE_ID.fullmatch(text) else text
