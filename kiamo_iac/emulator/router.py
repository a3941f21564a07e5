"""Maps a request to an operation of the contract, and to the ids in the request."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from kiamo_iac.contract.entries import OBJECT_OPERATIONS, KindContract, Operation
from kiamo_iac.contract.model import Contract
from kiamo_iac.emulator.refusal import Refusal

_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")


@dataclass(frozen=True, slots=True)
class Template:
    """A string of the contract, with or without placeholders."""

    text: str
    pattern: re.Pattern[str] | None
    """None where the text has no placeholder."""
    whole: str | None = None
    """The placeholder, where there is nothing else in the text."""

    @classmethod
    def of(cls, text: str) -> Template:
        """Read a text of the contract."""
        parts = _PLACEHOLDER.split(text)
        if len(parts) == 1:
            return cls(text, None)
        named = [f"(?P<{part}>.+)" if at % 2 else re.escape(part) for at, part in enumerate(parts)]
        whole = _PLACEHOLDER.fullmatch(text)
        return cls(text, re.compile("".join(named), re.DOTALL), whole[1] if whole else None)


@dataclass(frozen=True, slots=True)
class Route:
    """One operation of one kind."""

    kind: str
    parent: str | None
    """The kind of its parent."""
    operation: str
    call: Operation
    path: tuple[Template, ...]
    query: Mapping[str, Template]
    body: Mapping[str, Template | Any]
    """Templates for texts, in objects and lists too; any other value is compared as it is."""
    integers: frozenset[str]
    """Placeholders that are JSON integers in a body."""
    shows: tuple[str, ...] = ()
    """The attributes that it alone shows."""
    name: str = ""
    """The key that the name has in a body."""
    pages_in_body: bool = False
    """Whether the page of a list is in the body."""

    @property
    def is_command(self) -> bool:
        """Whether it changes the run state."""
        return self.operation not in OBJECT_OPERATIONS and not self.shows

    @property
    def reads_body(self) -> bool:
        """Whether the call has a body that matters."""
        return bool(self.body) or self.operation in {"create", "update"} or bool(self.call.carry) or self.pages_in_body

    @property
    def rank(self) -> tuple[int, int, bool]:
        """Its fixed texts, and all of its texts, by number: of two routes that match, the one with more is called; a
        create before a list of the same call."""
        templates = [*self.path, *self.query.values(), *_leaves(self.body)]
        fixed = sum(not isinstance(t, Template) or t.pattern is None for t in templates)
        return fixed, len(templates), self.operation == "create"


@dataclass(frozen=True, slots=True)
class Match:
    """The operation that a request calls."""

    route: Route
    ids: dict[str, str] = field(default_factory=dict)
    """Placeholder → id, as text."""
    body: Mapping[str, Any] | None = None
    """None: the call has none that matters."""

    @property
    def parent(self) -> str | None:
        """The id of the parent, where the call names it."""
        return self.ids.get(self.route.parent) if self.route.parent else None


class Router:
    """Every route of a contract."""

    def __init__(self, contract: Contract) -> None:
        self._routes: dict[int, list[Route]] = {}
        routes = [
            _route(contract, kind, stanza, name, operation)
            for kind, stanza in contract.kinds.items()
            if stanza.inside is None  # it has the calls of its parent
            for name, operation in stanza.operations.items()
        ]
        for route in sorted(routes, key=lambda r: r.rank, reverse=True):
            self._routes.setdefault(len(route.path), []).append(route)

    def find(self, method: str, path: str) -> list[Match]:
        """Every operation that this method and path may call, the most specific first.

        Raises:
            Refusal: ERR_3000 for an unknown path, ERR_3100 for a path that does not take this method.
        """
        segments = [unquote(segment) for segment in path.split("/")]
        found = [
            Match(route, ids)
            for route in self._routes.get(len(segments), ())
            if (ids := _path_ids(route, segments)) is not None
        ]
        if not found:
            raise Refusal("ERR_3000")
        matching = [match for match in found if match.route.call.method == method]
        if not matching:
            raise Refusal("ERR_3100")
        return matching

    def choose(
        self, found: Iterable[Match], query: Mapping[str, str], body: Callable[[Operation], Mapping[str, Any]] | None
    ) -> Match:
        """The match of `found` whose query and body fit, with all of its ids. `body`: the body, read as an operation
        has it; None: there is none.

        Raises:
            Refusal: none fits. ERR_1130 for a command that is missing, ERR_1190 for one that is unknown,
                ERR_1160 for an id that is missing, ERR_1010 and ERR_1020 for anything else.
        """
        refusal: Refusal | None = None
        found = [*found]
        may_list = any(match.route.operation == "list" for match in found)
        for match in found:
            try:
                sent = body(match.route.call) if body is not None else None
                if may_list and match.route.operation == "create" and match.route.name not in (sent or {}):
                    raise Refusal("ERR_1040")  # it is a list
                ids = match.ids | _query_ids(match.route, query) | _body_ids(match.route, sent or {})
            except Refusal as refused:
                refusal = refusal or refused
            else:
                return Match(match.route, ids, sent)
        raise refusal or Refusal("ERR_3000")


def _route(contract: Contract, kind: str, stanza: KindContract, name: str, operation: Operation) -> Route:
    segments = (contract.prefix.path + operation.path).split("/")
    types = {"id": stanza.id.type}
    if stanza.parent:
        types[stanza.parent] = contract.kinds[stanza.parent].id.type
    return Route(
        kind=kind,
        parent=stanza.parent,
        operation=name,
        call=operation,
        path=tuple(Template.of(segment) for segment in segments),
        query={key: Template.of(text) for key, text in operation.query.items()},
        body={key: _templates(value) for key, value in operation.body.items()},
        integers=frozenset(placeholder for placeholder, type_ in types.items() if type_ == "integer"),
        shows=tuple(attribute for attribute, entry in stanza.attributes.items() if entry.source == name),
        name=stanza.attributes["name"].wire.split(".")[0],
        pages_in_body=name == "list" and stanza.listing.paging.within == "body",
    )


def _templates(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _templates(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_templates(inner) for inner in value]
    return Template.of(value) if isinstance(value, str) else value


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping | list):
        for inner in value.values() if isinstance(value, Mapping) else value:
            yield from _leaves(inner)
    else:
        yield value


def _path_ids(route: Route, segments: list[str]) -> dict[str, str] | None:
    ids: dict[str, str] = {}
    for template, segment in zip(route.path, segments, strict=True):
        if template.pattern is None:
            if template.text != segment:
                return None
        elif found := template.pattern.fullmatch(segment):
            ids |= found.groupdict()
        else:
            return None
    return ids


def _query_ids(route: Route, query: Mapping[str, str]) -> dict[str, str]:
    ids: dict[str, str] = {}
    for key, template in route.query.items():
        if key not in query:
            raise Refusal("ERR_1010")
        ids |= _text_ids(template, query[key], "ERR_1020")
    return ids


def _body_ids(route: Route, body: Mapping[str, Any]) -> dict[str, str]:
    ids: dict[str, str] = {}
    wrong = "ERR_1190" if route.is_command else "ERR_1020"
    for key, wanted in route.body.items():
        if key not in body:
            raise Refusal(_missing(route, wanted))
        ids |= _value_ids(route, wanted, body[key], wrong)
    return ids


def _value_ids(route: Route, wanted: Any, value: Any, wrong: str) -> dict[str, str]:
    if isinstance(wanted, dict | list):
        return _inner_ids(route, wanted, value, wrong)
    if not isinstance(wanted, Template):
        if json.dumps(wanted) != json.dumps(value):
            raise Refusal(wrong)
        return {}
    if wanted.whole in route.integers and not (route.call.form is not None and isinstance(value, str)):
        if type(value) is not int:
            raise Refusal("ERR_1020")
        return {wanted.whole or "": str(value)}
    if not isinstance(value, str):
        raise Refusal(wrong)
    return _text_ids(wanted, value, wrong)


def _inner_ids(route: Route, wanted: Any, value: Any, wrong: str) -> dict[str, str]:
    if type(value) is not type(wanted) or len(value) != len(wanted):
        raise Refusal(wrong)
    if isinstance(wanted, dict) and value.keys() != wanted.keys():
        raise Refusal(wrong)
    pairs = ((wanted[key], value[key]) for key in (wanted if isinstance(wanted, dict) else range(len(wanted))))
    ids: dict[str, str] = {}
    for inner, found in pairs:
        ids |= _value_ids(route, inner, found, wrong)
    return ids


def _missing(route: Route, wanted: object) -> str:
    if isinstance(wanted, Template) and wanted.whole == "id":
        return "ERR_1160"
    if isinstance(wanted, Template) and wanted.whole:
        return "ERR_1010"
    return "ERR_1130" if route.is_command else "ERR_1010"


def _text_ids(template: Template, text: str, wrong: str) -> dict[str, str]:
    if template.pattern is None:
        if template.text != text:
            raise Refusal(wrong)
        return {}
    found = template.pattern.fullmatch(text)
    if found is None:
        raise Refusal(wrong)
    return found.groupdict()
