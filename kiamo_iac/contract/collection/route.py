"""The path of a request as the contract reads it: prefix, kinds with their ids, and what stands behind them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from types import MappingProxyType
from typing import Final

from kiamo_iac.contract.collection.requests import CollectionRequest
from kiamo_iac.contract.collection.words import (
    COMMAND_WORDS,
    FOREIGN_FOLDERS,
    ID_WORDS,
    KIND_WORDS,
    REACHED_WORDS,
    STATE_WORDS,
    VERB_WORDS,
    compact,
    kind_of,
    meaning_of,
    whole_kind,
    without_kind,
    words,
)

PARENTS: Final[Mapping[str, str]] = {"field": "base", "batch": "base"}
"""Kind → the kind of its parent, where it has one."""


@dataclass(frozen=True, slots=True)
class RequestRoute:
    """The path of a request, in the contract's words."""

    kind: str
    """That of the last segment that names one."""
    prefix: str
    """What stands before the first kind."""
    path: str
    """What follows the prefix, with `{id}` and `{base}` as placeholders."""
    has_id: bool
    """Whether the path names the object."""
    has_parent: bool
    verb: str | None = None
    """A verb in the path: list, create, read, update or delete."""
    command: str | None = None
    """A command of a batch in the path: start, pause, stop or resume."""
    is_state: bool = False
    """The last segment is a state or a command without a word: `/state`, `/command`."""
    others: tuple[str, ...] = ()
    """Segments and placeholders that have no place in the contract."""
    loose: tuple[str, ...] = ()
    """Segments that may name a kind, and may not."""


def route_of(
    request: CollectionRequest, loose: Mapping[str, str] = MappingProxyType({}), *, start: int = 0
) -> RequestRoute | None:
    """The route of a request; None: its path names no kind. `loose`: words that are taken for kinds too. `start`: so
    many segments begin every path of the collection."""
    segments = [part for part in request.path.split("/") if part]
    found, parents = _kinds(segments, loose, start)
    if not found:
        return None
    reader = _RouteReader(segments, dict(found), parents)
    for at in range(reader.first, len(segments)):
        reader.read(at)
    return RequestRoute(
        reader.kind,
        "/" + "/".join(segments[: reader.first]) if reader.first else "",
        "/" + "/".join(reader.written) + ("/" if request.path.endswith("/") else ""),
        reader.kind in reader.ids,
        PARENTS.get(reader.kind) in reader.ids,
        verb=reader.verb,
        command=reader.command,
        is_state=reader.is_state,
        others=tuple(reader.others),
        loose=tuple(segments[at] for at, _ in found if _kind(_parts(segments[at])[0]) is None),
    )


class _RouteReader:
    """Reads segment after segment, from the first one that names a kind."""

    def __init__(self, segments: list[str], at_kind: dict[int, str], parents: dict[int, str]) -> None:
        self._segments = segments
        self._at_kind = at_kind
        self._parents = parents
        self.first, self._last = min(at_kind), max(at_kind)
        self.kind = at_kind[self._last]
        self.written: list[str] = []
        self.others = [
            part
            for part in segments[: self.first]
            if _is_placeholder(part) or not FOREIGN_FOLDERS.isdisjoint(words(part))
        ]
        self.ids: set[str] = set()
        self.verb: str | None = None
        self.command: str | None = None
        self.is_state = False

    def read(self, at: int) -> None:
        part, ending, method = _parts(self._segments[at])
        if method:
            command = meaning_of((compact(method),), COMMAND_WORDS)
            if command is None or at <= self._last or at != len(self._segments) - 1:
                self.others.append(method)
            self.command = self.command or command
        if _is_placeholder(part):
            self._placeholder(at, part, ending)
            return
        self.written.append(self._segments[at])
        if at + 1 in self._parents:
            self.verb = self.verb or "list"
        elif at in self._at_kind:
            if self._at_kind[at] not in {self.kind, PARENTS.get(self.kind)} or self._at_kind[at] in self.ids:
                self.others.append(part)
            self.verb = self.verb or _verb_in(part)
            self.command = self.command or (_command_in(part) if at == self._last else None)
        elif at < self._last or not self._says_what_is_done(part):
            self.others.append(part)

    def _placeholder(self, at: int, part: str, ending: str) -> None:
        above = self._at_kind.get(at - 1) if at <= self._last else (self.kind if self.kind not in self.ids else None)
        above = self._parents.get(at, above)
        if (
            above is None
            or above in self.ids
            or above not in {self.kind, PARENTS.get(self.kind)}
            or _is_of_another(part, above)
        ):
            self.others.append(part)
            return
        self.ids.add(above)
        self.written.append(("{id}" if above == self.kind else f"{{{above}}}") + ending)

    def _says_what_is_done(self, part: str) -> bool:
        """Whether a segment behind the kind is a command, a state or a verb."""
        own = tuple(
            word for word in words(_RPC.sub("", part)) if word not in KIND_WORDS[self.kind] and word not in _ONE
        )
        if command := meaning_of(("".join(own),), COMMAND_WORDS):
            self.command = self.command or command
        elif compact(part) in STATE_WORDS:
            self.is_state = True
        elif self.is_state and (reached := meaning_of((compact(part),), REACHED_WORDS)):
            self.command = self.command or reached
        elif (verb := meaning_of(("".join(own),), VERB_WORDS)) and self.verb in {None, verb}:
            self.verb = verb
        else:
            return False
        return True


def _parts(segment: str) -> tuple[str, str, str]:
    """A segment without its ending, the ending, and the method in it: `{id}:start`, `{id}.json`."""
    if not segment.startswith("{"):
        name, colon, method = segment.partition(":")
        return name, colon + method, method
    name, brace, ending = segment.partition("}")
    if ending.startswith(":"):
        return name + brace, ending, ending[1:]
    return (name + brace, ending, "") if _RPC.fullmatch(ending) else (segment, "", "")


def shared_start(requests: Sequence[CollectionRequest]) -> int:
    """How many segments begin every path, and so name no kind: two of `/services/rest/bases`."""
    paths = [[part for part in request.path.split("/") if part] for request in requests]
    shared = list(takewhile(lambda parts: len(set(parts)) == 1, zip(*paths, strict=False)))
    while shared and (shared[-1][0].startswith("{") or _kind(_parts(shared[-1][0])[0]) is not None):
        shared.pop()
    behind = sum(bool(_kinds(path, {}, len(shared))[0]) for path in paths)
    return len(shared) if 2 * behind > len(paths) else 0


def _kinds(
    segments: list[str], loose: Mapping[str, str], start: int = 0
) -> tuple[list[tuple[int, str]], dict[int, str]]:
    """The segments that name a kind, and the placeholders of a parent behind `GetByBase`: position → kind."""
    found: list[tuple[int, str]] = []
    parents: dict[int, str] = {}
    for at, part in enumerate(segments):
        name = _parts(part)[0]
        kind = None if at < start or part.startswith("{") else _kind(name) or loose.get(compact(name))
        if kind is None:
            continue
        if found and PARENTS.get(found[-1][1]) == kind and not _BY.isdisjoint(words(name)):
            parents[at + 1] = kind
        else:
            found.append((at, kind))
    return found, parents


def is_id_name(name: str, kind: str) -> bool:
    """Whether a parameter or key is the id of a kind: `id` (of the kind itself), `baseId`, `id_base`."""
    whole = compact(name)
    return any(whole in {f"{known}id", f"id{known}", f"{known}uuid", known} for known in KIND_WORDS[kind])


def is_plain_id(name: str) -> bool:
    """Whether a parameter or key is called id."""
    return name.lower() in ID_WORDS


def _is_of_another(placeholder: str, kind: str) -> bool:
    """Whether a placeholder is the id of another kind: `/batches/{baseId}/start` starts all batches of a base."""
    name = placeholder.strip("{}")
    if not name or is_plain_id(name) or is_id_name(name, kind):
        return False
    return any(is_id_name(name, other) for other in KIND_WORDS if other != kind)


def _is_placeholder(part: str) -> bool:
    return part.startswith("{") and part.endswith("}")


_EVERY_KIND_WORD: Final = frozenset(word for known in KIND_WORDS.values() for word in known)
_ONE: Final = frozenset({"by", "id", "one"})
"""Beside a verb: `GetById`."""
_BY: Final = frozenset({"by", "par", "for"})
_RPC: Final = re.compile(r"\.(?:json|php|do|aspx?)$")


def _kind(part: str) -> str | None:
    parts = words(_RPC.sub("", part))
    if kind := whole_kind(parts):
        return kind
    rest = tuple(word for word in parts if not _is_action(word))
    return kind_of(rest) if rest and _names_only(rest) else None


def _is_action(word: str) -> bool:
    spellings = (*VERB_WORDS.values(), *COMMAND_WORDS.values())
    return any(word in known for known in spellings)


_NEUTRAL: Final = frozenset(
    {
        "contact",
        "de",
        "d",
        "attente",
        "des",
        "by",
        "base",
        "kiamo",
        "call",
        "outbound",
        "appel",
        "the",
        "all",
        "custom",
        "personnalise",
        "personnalisee",
        "sortant",
    }
)


def _names_only(parts: tuple[str, ...]) -> bool:
    """Whether words name a kind and nothing else: `contact-bases` does, `service-level` does not."""
    return all(part in _EVERY_KIND_WORD or part in _NEUTRAL for part in parts)


def _verb_in(part: str) -> str | None:
    """The verb beside a kind: `createBase`."""
    return meaning_of(_beside_kind(part), VERB_WORDS)


def _command_in(part: str) -> str | None:
    """The command beside a kind: `startBatch`."""
    return meaning_of(_beside_kind(part), COMMAND_WORDS)


def _beside_kind(part: str) -> tuple[str, ...]:
    parts = words(_RPC.sub("", part))
    return without_kind(parts) if len(parts) > 1 else ()
