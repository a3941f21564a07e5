"""What the examples of a collection show of a kind: its objects, their keys, the types of values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from pydantic import JsonValue

from kiamo_iac.contract.collection.matching import Certainty, MatchCandidate, OperationMatch, rows_path
from kiamo_iac.contract.collection.requests import CollectionRequest
from kiamo_iac.contract.collection.route import is_id_name, is_plain_id
from kiamo_iac.contract.collection.words import ATTRIBUTE_WORDS, KIND_WORDS, NESTING, compact, without_own_kind

_TOTALS: Final = frozenset({"total", "totalcount", "counttotal", "count", "nb", "nombre", "totalitem"})


@dataclass(frozen=True, slots=True)
class SeenObject:
    """An object in an answer."""

    path: str | None
    """Its dotted path; None: the answer is the object."""
    value: Mapping[str, JsonValue]


class KindExamples:
    """The examples of one kind: those of the requests that are certain."""

    def __init__(
        self, kind: str, matches: tuple[OperationMatch, ...], inside: tuple[KindExamples, str] | None = None
    ) -> None:
        """`inside`: the examples of the parent, and the key of the list of children in them. They count where the kind
        has no request of its own."""
        self.kind = kind
        self.inside: Final = inside
        self.certain: dict[str, MatchCandidate] = {
            match.operation: match.candidates[0]
            for match in matches
            if match.kind == kind and match.certainty is Certainty.CERTAIN
        }

    @property
    def requests(self) -> dict[str, CollectionRequest]:
        """Operation → its request."""
        return {operation: candidate.request for operation, candidate in self.certain.items()}

    @property
    def text(self) -> str:
        """The descriptions of all of them."""
        return "\n".join(request.text for request in self.requests.values())

    def objects(self) -> dict[str, SeenObject | None]:
        """Operation → the object that its answer shows; only operations with an example of an answer. None: the answer
        shows none."""
        return {
            operation: self._object(request.answer)
            for operation, request in self.requests.items()
            if operation not in {"list", "delete"} and request.answer is not None
        }

    def _object(self, answer: JsonValue) -> SeenObject | None:
        if not isinstance(answer, dict):
            return None
        if self._is_object(answer):
            return SeenObject(None, flat(answer))
        inner = {key: value for key, value in answer.items() if isinstance(value, dict)}
        deep = {
            f"{key}.{at}": below
            for key, value in inner.items()
            for at, below in value.items()
            if isinstance(below, dict)
        }
        for level in (inner, deep):
            found = [(path, value) for path, value in level.items() if self._is_object(value)]
            if found:
                return SeenObject(found[0][0], flat(found[0][1])) if len(found) == 1 else None
        return None

    def _is_object(self, value: Mapping[str, JsonValue]) -> bool:
        return any(self.is_id(key) or self._is_name(key) for key in value)

    def is_id(self, key: str) -> bool:
        """Whether a key of an object is its id."""
        key = key.rpartition(".")[2]
        return is_plain_id(key) or (is_id_name(key, self.kind) and compact(key) not in KIND_WORDS[self.kind])

    def rows(self) -> tuple[str | None, Mapping[str, JsonValue] | None] | None:
        """The dotted path of the list's array, and its first row; None: no example shows it."""
        call = self.requests.get("list")
        found = rows_path(call.answer) if call is not None else None
        if found is None:
            return None
        first = found[1][0] if found[1] else None
        return found[0], flat(first) if isinstance(first, dict) else None

    def total(self) -> str | None:
        """The dotted path of the number of objects in a list's answer."""
        call = self.requests.get("list")
        answer = call.answer if call is not None else None
        if not isinstance(answer, dict):
            return None
        paths: list[tuple[str, Any]] = list(answer.items())
        for key, value in answer.items():
            if isinstance(value, dict):
                paths += [(f"{key}.{inner}", each) for inner, each in value.items()]
        found = [
            path for path, value in paths if compact(path.rpartition(".")[2]) in _TOTALS and type_of(value) == "integer"
        ]
        return found[0] if len(found) == 1 else None

    def bodies(self) -> Iterator[Mapping[str, JsonValue]]:
        """What is sent in a create and an update, without its wrapping."""
        yield from filter(None, (self.body_of(operation) for operation in ("create", "update")))
        if self.inside is not None and not self.certain:
            yield from _rows_of(self.inside[0].bodies(), self.inside[1])

    def body_of(self, operation: str) -> Mapping[str, JsonValue] | None:
        """What an operation sends, without its wrapping; None: no example shows it."""
        request = self.requests.get(operation)
        if request is None or not isinstance(request.body, dict):
            return None
        wrapped = wrapping(request)
        inner = request.body[wrapped] if wrapped is not None else request.body
        return flat(inner) if isinstance(inner, dict) else None

    def answers(self) -> Iterator[Mapping[str, JsonValue]]:
        """The objects that answers show, rows of lists too."""
        yield from (seen.value for seen in self.objects().values() if seen is not None)
        rows = self.rows()
        if rows is not None and rows[1] is not None:
            yield rows[1]
        if self.inside is not None and not self.certain:
            yield from _rows_of(self.inside[0].answers(), self.inside[1])

    def values_of(self, which: str) -> frozenset[JsonValue]:
        """The ids, or the names, that examples show; no placeholders. `which`: `id` or `name`."""
        is_wanted = self.is_id if which == "id" else self._is_name
        return frozenset(
            value
            for seen in (*self.answers(), *self.bodies())
            for key, value in seen.items()
            if is_wanted(key) and isinstance(value, str | int) and not str(value).startswith(("<", "{{"))
        )

    def _is_name(self, key: str) -> bool:
        key = key.rpartition(".")[2]
        return not ATTRIBUTE_WORDS["name"].isdisjoint((compact(key), without_own_kind(key, self.kind)))

    def id_types(self) -> frozenset[str | None]:
        """The JSON types of the ids that answers show."""
        return frozenset(type_of(value) for seen in self.answers() for key, value in seen.items() if self.is_id(key))

    def enum(self, key: str) -> tuple[str, ...]:
        """The closed list of values of a key."""
        for request in self.requests.values():
            for known in (request.enums, request.answer_enums):
                if known and key in known:
                    return known[key]
        return ()


def flat(value: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """An object with the keys below `attributes` beside its own, as dotted paths."""
    found: dict[str, JsonValue] = {}
    for key, each in value.items():
        if isinstance(each, dict) and compact(key) in NESTING:
            found |= {f"{key}.{inner}": below for inner, below in each.items()}
        else:
            found[key] = each
    return found


def _rows_of(objects: Iterator[Mapping[str, JsonValue]], key: str) -> Iterator[Mapping[str, JsonValue]]:
    """The first entry of each list under a key."""
    for each in objects:
        rows = each.get(key)
        if isinstance(rows, list) and rows and isinstance(rows[0], dict):
            yield rows[0]


def wrapping(request: CollectionRequest) -> str | None:
    """The single key that a body is sent under; None: it is not wrapped."""
    if not isinstance(request.body, dict) or len(request.body) != 1:
        return None
    key, value = next(iter(request.body.items()))
    attributes = {word for known in ATTRIBUTE_WORDS.values() for word in known} - ATTRIBUTE_WORDS["service"]
    return key if isinstance(value, dict) and compact(key) not in attributes else None


def type_of(value: JsonValue) -> Literal["string", "integer", "boolean"] | None:
    """The type of an example, also of a placeholder; None: another, or not known."""
    if isinstance(value, bool) or value == "<boolean>":
        return "boolean"
    if isinstance(value, int) or value in ("<integer>", "<long>", "<int>"):
        return "integer"
    if isinstance(value, str) and value != "<number>" and not value.startswith("{{"):
        return "string"
    return None
