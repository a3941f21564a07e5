"""The path of a request as the contract reads it: prefix, kinds with their ids, and what stands behind them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from kiamo_iac.contract.collection.requests import CollectionRequest
from kiamo_iac.contract.collection.words import (
    COMMAND_WORDS,
    FOREIGN_FOLDERS,
    ID_WORDS,
    KIND_WORDS,
    STATE_WORDS,
    VERB_WORDS,
    compact,
    kind_of,
    meaning_of,
    whole_kind,
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


def route_of(request: CollectionRequest, loose: Mapping[str, str] = MappingProxyType({})) -> RequestRoute | None:
    """The route of a request; None: its path names no kind. `loose`: words that are taken for kinds too."""
    segments = [part for part in request.path.split("/") if part]
    found = [
        (at, kind)
        for at, part in enumerate(segments)
        if not _is_placeholder(part) and (kind := _kind(part) or loose.get(compact(part)))
    ]
    if not found:
        return None
    first, (last, kind) = found[0][0], found[-1]
    at_kind = dict(found)
    written: list[str] = []
    others = [part for part in segments[:first] if _is_placeholder(part) or not FOREIGN_FOLDERS.isdisjoint(words(part))]
    ids: set[str] = set()
    verb, command, is_state = None, None, False
    for at, part in enumerate(segments[first:], first):
        if _is_placeholder(part):
            above = at_kind.get(at - 1) if at <= last else (kind if kind not in ids else None)
            known = above is not None and above not in ids and above in {kind, PARENTS.get(kind)}
            if above is None or not known:
                others.append(part)
                continue
            ids.add(above)
            written.append("{id}" if above == kind else f"{{{above}}}")
            continue
        written.append(part)
        if at in at_kind:
            if at_kind[at] not in {kind, PARENTS.get(kind)}:
                others.append(part)
            verb = verb or _verb_in(part)
            command = command or (_command_in(part) if at == last else None)
            continue
        verb_here = meaning_of(words(part), VERB_WORDS)
        command_here = meaning_of(words(part), COMMAND_WORDS)
        if at > last and command_here:
            command = command or command_here
        elif at > last and compact(part) in STATE_WORDS:
            is_state = True
        elif at > last and verb_here and len(words(part)) == 1:
            verb = verb or verb_here
        else:
            others.append(part)
    return RequestRoute(
        kind,
        "/" + "/".join(segments[:first]) if first else "",
        "/" + "/".join(written) + ("/" if request.path.endswith("/") else ""),
        kind in ids,
        PARENTS.get(kind) in ids,
        verb=verb,
        command=command,
        is_state=is_state,
        others=tuple(others),
        loose=tuple(part for at, part in enumerate(segments) if at in at_kind and _kind(part) is None),
    )


def is_id_name(name: str, kind: str) -> bool:
    """Whether a parameter or key is the id of a kind: `id` (of the kind itself), `baseId`, `id_base`."""
    whole = compact(name)
    return any(whole in {f"{known}id", f"id{known}", f"{known}uuid", known} for known in KIND_WORDS[kind])


def is_plain_id(name: str) -> bool:
    """Whether a parameter or key is called id."""
    return name.lower() in ID_WORDS


def _is_placeholder(part: str) -> bool:
    return part.startswith("{") and part.endswith("}")


_EVERY_KIND_WORD: Final = frozenset(word for known in KIND_WORDS.values() for word in known)
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
    {"contact", "de", "d", "attente", "des", "by", "base", "kiamo", "call", "outbound", "appel", "the", "all"}
)


def _names_only(parts: tuple[str, ...]) -> bool:
    """Whether words name a kind and nothing else: `contact-bases` does, `service-level` does not."""
    return all(part in _EVERY_KIND_WORD or part in _NEUTRAL for part in parts)


def _verb_in(part: str) -> str | None:
    parts = words(part)
    return meaning_of(parts, VERB_WORDS) if len(parts) > 1 and whole_kind(parts) is None else None


def _command_in(part: str) -> str | None:
    parts = words(part)
    return meaning_of(parts, COMMAND_WORDS) if len(parts) > 1 and whole_kind(parts) is None else None
