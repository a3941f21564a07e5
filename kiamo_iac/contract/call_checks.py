"""Calls that do something else than their operation says: that delete, dial, or send other values than are declared."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any, Final
from urllib.parse import unquote

from kiamo_iac.contract.collection.words import COMMAND_WORDS, REACHED_WORDS, compact
from kiamo_iac.contract.entries import KindContract, Operation
from kiamo_iac.contract.operation_checks import Contradiction
from kiamo_iac.core.printable import quote
from kiamo_iac.core.resource import Resource

_PLACEHOLDER: Final = re.compile(r"\{(\w+)\}")
_STARTS: Final = frozenset({"start", "resume"})
_NO_DELETE: Final = frozenset({"create", "update", *_STARTS})
_ENDS: Final = frozenset({"pause", "stop"})
_NOUNS: Final = frozenset({"run", "launch", "lancement", "demarrage", "arret", "suspension", "reprise"})
"""Words of commands that name what runs, too: the path of a stop may be `/batches/{id}/run`."""
_WORDS: Final[Mapping[str, frozenset[str]]] = {
    "start": COMMAND_WORDS["start"] | COMMAND_WORDS["resume"] | REACHED_WORDS["start"],
    "pause": COMMAND_WORDS["pause"] | REACHED_WORDS["pause"],
    "stop": COMMAND_WORDS["stop"] | REACHED_WORDS["stop"],
}

_EFFECTS: Final = {
    "start": "start the batch, which dials",
    "pause": "pause the batch",
    "stop": "end the batch for good",
}


def call_contradictions(kinds: Mapping[str, KindContract]) -> Iterator[Contradiction]:
    """Two operations of different kinds that are one call, unless both only read."""
    calls = [
        (kind, name, call)
        for kind, stanza in kinds.items()
        if stanza.inside is None  # else all of them are the parent's
        for name, call in stanza.operations.items()
    ]
    written: dict[Any, tuple[str, str]] = {}
    for kind, name, call in sorted(calls, key=lambda each: _only_reads(kinds[each[0]], each[1])):
        shape = call_shape(call)
        other_kind, other = written.get(shape, (kind, name))
        if other_kind != kind:
            yield Contradiction(
                ("kinds", kind, "operations", name),
                f"the same call as {other} of a {other_kind}: {call.method} {call.path}",
                "correct its method, path, query or body",
                other=("kinds", other_kind, "operations", other),
            )
        if not _only_reads(kinds[kind], name):
            written.setdefault(shape, (kind, name))


def same_calls(stanza: KindContract) -> Iterator[tuple[str, str]]:
    """Operations of a kind that are one call: a stop that is the call of a start dials. Only create and update may, and
    those of what exists inside its parent, which are the parent's."""
    for one, other in combinations(stanza.operations, 2) if stanza.inside is None else ():
        calls = stanza.operations[one], stanza.operations[other]
        is_search = _only_reads(stanza, one) != _only_reads(stanza, other) and {one, other} & {"create", "update"}
        shapes = {call_shape(call, ids=True, placeholders=not is_search) for call in calls}
        if {one, other} != {"create", "update"} and len(shapes) == 1:
            yield one, other


def harm_contradictions(
    stanza: KindContract,
    model: type[Resource],
    *,
    at: tuple[str, ...],
    inside: tuple[str, ...],
    twins: frozenset[str],
) -> Iterator[Contradiction]:
    """Operations of a kind that delete, dial, or send something else. `at`: its path; `inside`: the names under which
    it sends children that exist only inside of it; `twins`: operations that are the call of another one."""
    for name, call in stanza.operations.items() if stanza.inside is None else ():
        here = (*at, "operations", name)
        yield from _deletes(stanza, name, call=call, at=here)
        yield from _overrides(stanza, name, call=call, at=here, inside=inside)
        if model.machine is not None and name not in twins:
            yield from _commands(name, call=call, at=here)


def call_shape(call: Operation, *, ids: bool = False, placeholders: bool = True) -> Any:
    """What makes a call the same as another one, for a server that may not tell letters by their case. `ids`: the id of
    an object is another one than that of its parent. `placeholders`: values of the body that are ids count."""

    def plain(value: Any) -> Any:
        if isinstance(value, Mapping):
            return tuple(sorted((key.casefold(), plain(each)) for key, each in value.items()))
        if isinstance(value, list):
            return tuple(map(plain, value))
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        return (str(value) if ids else _PLACEHOLDER.sub("{}", str(value))).casefold()

    body = {key: each for key, each in call.body.items() if placeholders or not _is_placeholder(each)}
    path = unquote(call.path.rstrip("/"))
    return call.method, plain(path), plain(call.query), plain(body), plain(call.wrap)


def _is_placeholder(value: Any) -> bool:
    return isinstance(value, str) and _PLACEHOLDER.fullmatch(value) is not None


def _only_reads(stanza: KindContract, name: str) -> bool:
    return name in {"list", "read"} | {attribute.source for attribute in stanza.attributes.values()}


def _deletes(stanza: KindContract, name: str, *, call: Operation, at: tuple[str, ...]) -> Iterator[Contradiction]:
    if call.method != "DELETE":
        return
    last = call.path.rstrip("/").rpartition("/")[2]
    if name in _NO_DELETE:
        why = f"must not be DELETE for {name}: the call deletes"
        yield Contradiction((*at, "method"), why, "write the method that the instance has for it, such as PUT or POST")
    elif name in _ENDS and last == "{id}":
        hint = "write the path of the command, or remove it: null"
        yield Contradiction((*at, "path"), f"the call of the {name} deletes the object", hint)
    elif stanza.parent is not None and last == "{" + stanza.parent + "}":
        hint = "end the path with the object, not with its parent"
        yield Contradiction((*at, "path"), f"the call deletes the {stanza.parent}", hint)


def _overrides(
    stanza: KindContract, name: str, *, call: Operation, at: tuple[str, ...], inside: tuple[str, ...]
) -> Iterator[Contradiction]:
    """Fixed keys of a body that take the place of what is sent."""
    if name not in {"create", "update"}:
        return
    hint = "remove the key: what is declared is sent under it"
    if call.wrap is not None:
        if call.wrap in call.body:
            yield Contradiction((*at, "body"), f"{quote(call.wrap)} is the key of wrap", hint)
        return
    taken = {a.wire.split(".")[0]: f"the attribute {word}" for word, a in stanza.attributes.items() if not a.read_only}
    taken |= {path.split(".")[0]: f"what is carried ({path})" for path in call.carry}
    if name == "create":
        taken |= {embedded.wire: f"the embedded {child}" for child, embedded in stanza.embedded.items()}
    taken |= {wire.split(".")[0]: "what exists only inside of it" for wire in inside}
    for key, value in call.body.items():
        if key in taken and not _is_placeholder(value):
            yield Contradiction((*at, "body"), f"{quote(key)} is the key of {taken[key]}", hint)


def _commands(name: str, *, call: Operation, at: tuple[str, ...]) -> Iterator[Contradiction]:
    """A call whose words are those of another command."""
    if name == "list":
        return
    own = "start" if name in _STARTS else name
    fixed = {compact(text): text for text in [*call.query.values(), *call.texts()]}
    fixed = {word: text for word, text in fixed.items() if own in _WORDS or word not in _NOUNS}
    last = call.path.rstrip("/").rpartition("/")[2]
    if name != "create" and compact(last) not in _NOUNS:
        fixed.setdefault(compact(last), last)
    if any(word in _WORDS.get(own, ()) for word in fixed):
        return
    for command in _WORDS if own in _WORDS else ("start",):
        if found := fixed.keys() & _WORDS[command]:
            why = f"the call says {quote(fixed[min(found)])}: it may {_EFFECTS[command]}"
            yield Contradiction(at, why, f"correct its path, query or body, or remove it: {name}: null")
            return
