"""What an instance answered, without what it holds: the structure of each answer, the types of values, counts beside
rows, and the words of run states, datatypes and flags. Names, ids, labels, contact data and tokens are not in it.

A value is a placeholder, as in a vendor's collection: `"<string>"`, `"<integer>"`, `"<number>"`; the address of a page
is `/?<string>`. A key that may be data (an id, a name, a role) is `<key>`. Rows that look alike then are there once.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from pydantic import JsonValue

from kiamo_iac.contract.collection.words import ATTRIBUTE_WORDS, ID_WORDS, compact, kind_of, words
from kiamo_iac.contract.model import Contract
from kiamo_iac.core.common_records import count, major, version_of
from kiamo_iac.core.errors import ManifestError
from kiamo_iac.core.json_schema import Schema, schema_document
from kiamo_iac.core.record import Record, anything, boolean, integer, list_of, text
from kiamo_iac.core.resource import ReferenceShape
from kiamo_iac.core.secret import conceal
from kiamo_iac.core.strict_json import parse_json
from kiamo_iac.resources import kinds

FORMAT_VERSION: Final = "1.0"
"""The first number changes when a reader of the old form would misread the new one."""
MAX_BYTES: Final = 8 * 1024 * 1024
"""Of a file."""
_ANSWERS: Final = 50
"""Different answers to one operation that are kept."""
_ROWS: Final = 20
"""Different rows of one answer that are kept."""
_KEYS: Final = 80
"""Keys of one object; one with more is a mapping of data."""
_DEEPEST: Final = 12
_ADDRESS: Final = ("http://", "https://", "/", "?")
"""Beginnings of the address of a page, beside rows."""
_KEY: Final = re.compile(r"[A-Za-z_$@][A-Za-z0-9_.@$-]{0,39}")
_WORD: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,29}")
"""A run state, a datatype or a flag."""
_FEW_WORDS: Final = 24
"""Different words under one key; where there are more, they are texts."""
_SEVERAL: Final = 4
"""Objects, whose words are texts where no two are equal."""
_TEXTS: Final = frozenset({"name", "label"})
_LARGEST: Final = 10**9
"""Of a count."""
_ENVELOPE: Final = frozenset(
    {"data", "item", "items", "result", "results", "row", "rows", "record", "records", "entity", "entities", "object",
     "objects", "value", "values", "list", "content", "contents", "response", "answer", "payload", "body", "embedded",
     "element", "elements", "member", "members", "meta", "metadata", "page", "pages", "paging", "pagination", "cursor",
     "cursors", "link", "links", "next", "previous", "first", "last", "self", "error", "errors", "fault", "details",
     "resultat", "resultats", "donnees", "liste", "objets", "lignes", "pagine"}
)  # fmt: skip
"""Keys around rows and objects."""
_COUNTS: Final = re.compile(
    r"(?:x-?)?(?:total|count|nb|nombre|size|limit|offset|page|perpage|pagesize|pagecount|rowcount|length|pages)"
    r"(?:_?(?:count|items|elements|results|records|rows|pages))?|total_?\w{1,20}|\w{1,20}_?count",
    re.IGNORECASE,
)
"""Keys of numbers beside rows."""


@dataclass(frozen=True, slots=True)
class RecordedCall:
    """One answer to an operation, or several that look alike."""

    kind: str
    operation: str
    method: str
    path: str
    """With the prefix; placeholders as the contract has them."""
    status: int
    times: int
    rows: int
    """Of a list: the rows of the longest of them; else 0."""
    is_followed: bool
    """Whether a header Link names a next page."""
    answer: JsonValue
    """Null also where it was not JSON."""


@dataclass(frozen=True, slots=True)
class Recording:
    """What one instance answered under one contract."""

    contract: str
    """The name of that contract."""
    calls: tuple[RecordedCall, ...]

    def answered(self, kind: str, operation: str) -> tuple[RecordedCall, ...]:
        """The successful answers to an operation, those with most rows first."""
        found = [
            call
            for call in self.calls
            if (call.kind, call.operation) == (kind, operation) and 200 <= call.status < 300 and call.answer is not None
        ]
        return tuple(sorted(found, key=lambda call: -call.rows))


class AnswerRecorder:
    """Takes answers, and keeps what a recording may have of them."""

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self._kept: dict[tuple[str, str, int, bool, str], RecordedCall] = {}
        self._several: Counter[tuple[str, str]] = Counter()

    def __call__(self, kind: str, operation: str, status: int, data: Any, *, is_followed: bool = False) -> None:
        """Keep one answer; `data`: its JSON, None where it is not JSON. `is_followed`: a header Link names a next
        page."""
        blank = _Blank(self._contract, kind)
        answer = blank.of(data) if 200 <= status < 300 else None
        call = self._contract.kinds[kind].operations[operation]
        rows = blank.rows if operation == "list" else 0
        key = (kind, operation, status, is_followed, json.dumps(answer, sort_keys=True))
        known = self._kept.get(key)
        if known is None:
            if self._several[kind, operation] >= _ANSWERS:
                return
            self._several[kind, operation] += 1
        self._kept[key] = RecordedCall(
            kind,
            operation,
            call.method,
            self._contract.prefix.path + call.path,
            status,
            1 + (known.times if known is not None else 0),
            max(rows, known.rows if known is not None else 0),
            is_followed,
            answer,
        )

    def recording(self) -> Recording:
        """All that was kept."""
        words: dict[tuple[str, str], set[JsonValue]] = {}
        for call in self._kept.values():
            for key, value in _leaves(call.answer, ""):
                if isinstance(value, str) and not value.startswith("<"):
                    words.setdefault((call.kind, key), set()).add(value)
        many = {at for at, found in words.items() if len(found) > _FEW_WORDS}
        calls = (
            replace(call, answer=_blanked(call.answer, frozenset(key for kind, key in many if kind == call.kind)))
            for call in self._kept.values()
        )
        return Recording(self._contract.name, tuple(calls))


@dataclass(slots=True)
class _Blank:
    """Takes names, ids and texts out of one answer."""

    contract: Contract
    kind: str
    rows: int = 0
    """Of its longest list."""
    _words_under: frozenset[str] = field(init=False)
    _known: frozenset[str] = field(init=False)
    _mappings: frozenset[str] = field(init=False)
    """Keys of objects whose keys are roles."""
    _texts: frozenset[str] = field(default_factory=frozenset)
    """Every text of the answer that is no word: no key that is one of them is kept."""
    _allowed: Mapping[str, frozenset[Any]] = field(default_factory=dict)
    """Key → the words that are kept of it."""

    def __post_init__(self) -> None:
        known: set[str] = set()
        under: set[str] = set()
        mappings: set[str] = set()
        for name, stanza in self.contract.kinds.items():
            model, listing = kinds()[name], stanza.listing
            paths = [stanza.id.wire, stanza.parent_wire, stanza.item, listing.items, listing.total, listing.row]
            paths += [*listing.groups, listing.paging.next, listing.paging.url]
            paths += [each.wire for each in stanza.embedded.values()]
            paths += [call.item for call in stanza.operations.values()]
            roles = {each.attribute for each in model.references if each.shape is ReferenceShape.MAPPING}
            flag = model.system.flag if model.system is not None else None
            for attribute, entry in stanza.attributes.items():
                paths += [entry.wire, entry.read]
                last = (entry.read or entry.wire).rpartition(".")[2]
                if attribute in roles and entry.shape is None:
                    mappings.add(last)
                if entry.values is not None or entry.choices is not None or attribute == flag:
                    under.add(last)
            known |= {part for path in paths if path for part in path.split(".")}
        texts = {
            a.wire.rpartition(".")[2]
            for s in self.contract.kinds.values()
            for n, a in s.attributes.items()
            if n in _TEXTS
        }
        self._words_under = frozenset(under - texts)
        self._known, self._mappings = frozenset(known), frozenset(mappings)

    def of(self, data: Any) -> JsonValue:
        """The answer without them."""
        leaves = [*_leaves(data, "")]
        words: dict[str, Counter[Any]] = {}
        for key, value in leaves:
            if self._has_words(key) and _is_word(value):
                words.setdefault(key, Counter())[value] += 1
        self._allowed = {
            key: frozenset(found)
            for key, found in words.items()
            if len(found) <= _FEW_WORDS and (found.total() < _SEVERAL or len(found) < found.total())
        }
        self._texts = frozenset(
            value.casefold()
            for key, value in leaves
            if isinstance(value, str) and value not in self._allowed.get(key, ())
        )
        return self._blank(data, "", is_known=True, inside=False, depth=0)

    def _has_words(self, key: str) -> bool:
        """Whether a key is that of a run state, a datatype or a flag, by the contract or by its spelling."""
        model, spelled = kinds()[self.kind], compact(key)
        names = [name for name in ("datatype",) if name in model.model_fields]
        names += ["state"] if model.machine is not None else []
        names += [model.system.flag] if model.system is not None else []
        return key in self._words_under or any(spelled in ATTRIBUTE_WORDS.get(name, ()) for name in names)

    def _blank(self, value: Any, key: str, *, is_known: bool, inside: bool, depth: int) -> JsonValue:
        """`inside`: of an object or a row; else of what is around it. `is_known`: no key on the way may be data."""
        if depth > _DEEPEST:
            return "<deep>"
        if isinstance(value, dict):
            return self._object(value, is_known=is_known, inside=inside, depth=depth)
        if not isinstance(value, list):
            return self._leaf(value, key, inside=inside)
        self.rows = max(self.rows, len(value)) if not inside else self.rows
        below = inside or any(isinstance(each, dict) for each in value)
        return _distinct(self._blank(each, key, is_known=is_known, inside=below, depth=depth + 1) for each in value)

    def _leaf(self, value: Any, key: str, *, inside: bool) -> JsonValue:
        if value is None or isinstance(value, bool):
            return value
        is_allowed = value in self._allowed.get(key, ())
        if isinstance(value, str):
            if not inside and value.startswith(_ADDRESS):
                return "/?<string>"
            return value if is_allowed else "<string>"
        if isinstance(value, int):
            is_count = not inside and _COUNTS.fullmatch(key) is not None
            return value if (is_allowed or is_count) and abs(value) < _LARGEST else "<integer>"
        return "<number>"

    def _object(self, value: dict[str, Any], *, is_known: bool, inside: bool, depth: int) -> JsonValue:
        is_object = inside or any(self._is_id(key) for key in value)
        if not inside and not is_object and self.contract.kinds[self.kind].listing.keyed is not None:
            self.rows = max(self.rows, sum(isinstance(each, dict) for each in value.values()))
        found: dict[str, list[JsonValue]] = {}
        for key, each in value.items():
            keeps = is_known and len(value) <= _KEYS and self._is_kept(key, each)
            shown = key if keeps else "<key>"
            is_plain = keeps and key not in self._mappings
            blanked = self._blank(each, key if keeps else "", is_known=is_plain, inside=is_object, depth=depth + 1)
            found.setdefault(shown, []).append(blanked)
        return {key: each[0] if key != "<key>" else _one(each) for key, each in found.items()}

    def _is_id(self, key: str) -> bool:
        return compact(key) in ID_WORDS or key == self.contract.kinds[self.kind].id.wire

    def _is_kept(self, key: str, value: Any) -> bool:
        """Whether a key is no data."""
        if key in self._known or key.casefold() in _ENVELOPE:
            return True
        if _KEY.fullmatch(key) is None or conceal(key) != key or key.casefold() in self._texts:
            return False
        spelled = any(compact(key) in known for known in ATTRIBUTE_WORDS.values())
        return spelled or not isinstance(value, dict | list) or kind_of(words(key)) is not None


def _is_word(value: Any) -> bool:
    if isinstance(value, str):
        return _WORD.fullmatch(value) is not None and conceal(value) == value
    return type(value) is int and abs(value) < 1000


def _leaves(value: Any, key: str, depth: int = 0) -> Iterator[tuple[str, Any]]:
    if depth > _DEEPEST:
        return
    if isinstance(value, dict):
        for inner, each in value.items():
            yield from _leaves(each, inner, depth + 1)
    elif isinstance(value, list):
        for each in value:
            yield from _leaves(each, key, depth + 1)
    else:
        yield key, value


def _blanked(value: JsonValue, keys: frozenset[str], key: str = "") -> JsonValue:
    """An answer without the texts under some keys."""
    if isinstance(value, dict) and keys:
        return {inner: _blanked(each, keys, inner) for inner, each in value.items()}
    if isinstance(value, list) and keys:
        return _distinct(_blanked(each, keys, key) for each in value)
    return "<string>" if isinstance(value, str) and key in keys else value


def _distinct(values: Iterable[JsonValue]) -> list[JsonValue]:
    found: dict[str, JsonValue] = {}
    for each in values:
        text_ = json.dumps(each, sort_keys=True)
        if text_ not in found and len(found) >= _ROWS:
            break
        found.setdefault(text_, each)
    return list(found.values())


def _one(values: list[JsonValue]) -> JsonValue:
    """What stands for the values of a mapping of data: the first of them; of objects, all their keys."""
    if all(isinstance(each, dict) for each in values):
        merged: dict[str, JsonValue] = {}
        for each in values:
            merged = {**(each if isinstance(each, dict) else {}), **merged}
        return merged
    return values[0]


# --- the file --------------------------------------------------------------------------------------------------------

_CALL: Final = Record(
    RecordedCall,
    "One answer to an operation, or several that look alike.",
    {
        "kind": text("Of the objects, such as `batch`."),
        "operation": text("`list`, `read`, or the operation that an attribute is read from."),
        "method": text("As the contract has it."),
        "path": text("With the prefix; placeholders in braces."),
        "status": integer("The HTTP status.", minimum=100, maximum=999),
        "times": integer("How many answers look like this.", minimum=1),
        "rows": count("Of a list: the rows of the longest of them."),
        "is_followed": boolean("Whether a header Link names a next page."),
        "answer": anything("Its JSON with placeholders; null: a refusal, or no JSON."),
    },
)


def _recording(contract: str, calls: tuple[RecordedCall, ...]) -> Recording:
    return Recording(contract, calls)


RECORDING: Final = Record(
    _recording,
    "What an instance answered, without names, ids, contact data and tokens.",
    {
        "format_version": version_of(FORMAT_VERSION),
        "contract": text("The name of the contract that it was read under."),
        "calls": list_of(_CALL, "By kind, in the order in which they were first made."),
    },
)


def recording_text(recording: Recording) -> str:
    """The file."""
    return json.dumps(RECORDING.data(recording), ensure_ascii=True, indent=2) + "\n"


def read_recording(data: bytes, *, shown: str) -> Recording:
    """The recording in a file that `shown` names.

    Raises:
        ManifestError: it is none.
    """
    try:
        return RECORDING.parse(parse_json(data))
    except ValueError as error:
        msg = f"{shown} is no recording of doctor: {error}."
        raise ManifestError(msg, hint="pass a file written by doctor --record") from None


def recording_schema() -> Schema:
    """The schema of the file."""
    return schema_document(
        "recording", major(FORMAT_VERSION), title="A recording of kiamo-iac doctor", body=RECORDING.body
    )
