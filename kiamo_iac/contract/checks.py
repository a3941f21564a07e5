"""The consistency of a contract: every rule that concerns more than one entry."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from typing import Final

from kiamo_iac.contract.call_checks import call_contradictions, harm_contradictions, same_calls
from kiamo_iac.contract.entries import Attribute, KindContract
from kiamo_iac.contract.language_checks import language_contradictions, query_contradictions
from kiamo_iac.contract.listing_checks import listing_contradictions
from kiamo_iac.contract.operation_checks import Contradiction, operation_contradictions
from kiamo_iac.core.diagnostics import did_you_mean
from kiamo_iac.core.printable import quote
from kiamo_iac.core.resource import Resource
from kiamo_iac.core.state_machine import StateMachine
from kiamo_iac.resources import kinds as resources

_SCALARS = (str, int, float)
"""With bool, which is an int."""


class ContradictionError(ValueError):
    """The entries of a contract contradict each other; `found` says where and how."""

    def __init__(self, found: tuple[Contradiction, ...]) -> None:
        super().__init__("; ".join(f"{'.'.join(each.path)}: {each.why}" for each in found))
        self.found = found


def contradictions(
    kinds: Mapping[str, KindContract], *, query: str | None = None, absent: Collection[str] = ()
) -> Iterator[Contradiction]:
    """All contradictions between the entries of a contract's kinds. `query`: the parameter that carries the token;
    `absent`: the codes of an object that does not exist."""
    for kind, stanza in kinds.items():
        if stanza.names is not None and stanza.names.taken in absent:
            why = f"{stanza.names.taken} is the code of an object that does not exist, too"
            yield Contradiction(
                ("kinds", kind, "names", "taken"), why, "correct it, or errors.absent", other=("errors", "absent")
            )
    yield from query_contradictions(kinds, query)
    yield from call_contradictions(kinds)
    for kind, stanza in kinds.items():
        at = ("kinds", kind)
        yield from _parents(kinds, stanza, at=at)
        yield from _attributes(kinds, stanza, at=at)
        if (model := resources().get(kind)) is not None:
            yield from _meanings(model, stanza, at=at)
            yield from language_contradictions(kinds, stanza, model, at=at)
            below = (other.inside.wire for other in kinds.values() if other.inside is not None and other.parent == kind)
            twins = frozenset(name for pair in same_calls(stanza) for name in pair)
            yield from harm_contradictions(stanza, model, at=at, inside=tuple(below), twins=twins)
        yield from operation_contradictions(stanza, at=at)
        yield from listing_contradictions(stanza, at=at)
        for one, other in same_calls(stanza):
            call = stanza.operations[other]
            yield Contradiction(
                (*at, "operations", other),
                f"the same call as {one}: {call.method} {call.path}",
                f"correct its method, path, query or body, or remove it: {other}: null",
                other=(*at, "operations", one),
            )


def _parents(
    kinds: Mapping[str, KindContract], stanza: KindContract, *, at: tuple[str, ...]
) -> Iterator[Contradiction]:
    if stanza.parent is not None and stanza.parent not in kinds:
        yield Contradiction((*at, "parent"), f"unknown kind {quote(stanza.parent)}", did_you_mean(stanza.parent, kinds))
    if "list" in stanza.operations and stanza.parent and not stanza.listed_by_parent and not stanza.parent_wire:
        placeholder = "{" + stanza.parent + "}"
        yield Contradiction(
            (*at, "operations", "list"),
            f"the call has no {placeholder}: set parent_wire to the attribute that has the id of the parent",
            f"write {placeholder} in path, query or body, or parent_wire",
        )
    if stanza.parent is None and stanza.made_with_parent is not None:
        yield Contradiction((*at, "made_with_parent"), "has no effect: the kind has no parent", "remove it")
    for made in stanza.made_with_parent.things if stanza.made_with_parent else ():
        if not isinstance(made.get("name"), str):
            why = "name must be a string" if "name" in made else 'missing key "name"'
            yield Contradiction((*at, "made_with_parent", "things"), why)
    for child in stanza.embedded:
        other = kinds.get(child)
        if other is None or f"kinds/{other.parent}" != "/".join(at):
            yield Contradiction((*at, "embedded", child), f"{quote(child)} is not a child kind of this kind")


def _attributes(
    kinds: Mapping[str, KindContract], stanza: KindContract, *, at: tuple[str, ...]
) -> Iterator[Contradiction]:
    if "name" not in stanza.attributes:
        yield Contradiction((*at, "attributes"), 'missing key "name"')
    used_by = {stanza.id.wire: "the id"} if stanza.identity == "id" else {}
    for name, attribute in stanza.attributes.items():
        here = (*at, "attributes", name)
        if attribute.wire in used_by:
            what = f"duplicate wire name {quote(attribute.wire)}: {used_by[attribute.wire]} has it too"
            yield Contradiction((*here, "wire"), what, "write the name that the instance has for it")
        used_by.setdefault(attribute.wire, f"the attribute {quote(name)}")
        if attribute.refers_to is not None and attribute.refers_to not in kinds:
            why = f"unknown kind {quote(attribute.refers_to)}"
            yield Contradiction((*here, "refers_to"), why, did_you_mean(attribute.refers_to, kinds))
        target = kinds.get(attribute.refers_to or "")
        if attribute.by == "key" and target is not None and (target.parent or "key" not in target.attributes):
            why = f"a {attribute.refers_to} has no attribute key" if not target.parent else "only a kind without parent"
            hint = f"add kinds.{attribute.refers_to}.attributes.key, read_only, or write by: id or by: name"
            yield Contradiction((*here, "by"), why if not target.parent else f"{why} is referred to by key", hint)
        yield from _values(attribute, at=here)
    yield from _paths(stanza, at=at)
    named = [(("id", "wire"), stanza.id.wire), (("parent_wire",), stanza.parent_wire or "parent")]
    named += [(("attributes", name, "wire"), each.wire) for name, each in stanza.attributes.items()]
    named += [(("embedded", child, "wire"), each.wire) for child, each in stanza.embedded.items()]
    for path, wire in named:
        if wire.split(".")[0] in {"$group", "$from"}:
            hint = "write the name that the instance has for it; read: $group is the array of a row"
            yield Contradiction((*at, *path), f"{quote(wire)} is no name of the instance's", hint)
        if not all(wire.split(".")):
            hint = "write the names of nested objects with a dot between them: label.fr"
            yield Contradiction((*at, *path), f"{quote(wire)} is neither a name nor a path", hint)


def _paths(stanza: KindContract, *, at: tuple[str, ...]) -> Iterator[Contradiction]:
    """Attributes that are read at one place, and those of which one is sent over the other."""
    shown: dict[tuple[str | None, str], tuple[str, str]] = {}
    if stanza.identity == "id":
        shown[None, stanza.id.wire] = ("the id", stanza.id.wire)
    for name, attribute in stanza.attributes.items():
        path = attribute.read or attribute.wire
        other, wire = shown.setdefault((attribute.source, path), (f"the attribute {quote(name)}", attribute.wire))
        if attribute.wire != wire:
            key = "wire" if attribute.read is None else "read"
            why = f"{quote(path)} is where {other} is read"
            yield Contradiction((*at, "attributes", name, key), why, "write where the instance shows it")
    sent = {("attributes", name, "wire"): each.wire for name, each in stanza.attributes.items() if not each.read_only}
    sent |= {("embedded", child, "wire"): each.wire for child, each in stanza.embedded.items()}
    wires = {wire: entry for entry, wire in reversed([*sent.items()])}
    for entry, wire in sent.items():
        folders = [wire[:at] for at, char in enumerate(wire) if char == "."]
        clash = next((folder for folder in folders if folder in wires), None)
        if clash is None and entry[0] == "embedded" and wires[wire] != entry:
            clash = wire
        if clash is not None:
            why = f"{quote(wire)} and {quote(clash)} cannot be sent in one body"
            yield Contradiction((*at, *entry), why, "write the name that the instance has for it")


def _values(attribute: Attribute, *, at: tuple[str, ...]) -> Iterator[Contradiction]:
    """Values that cannot be read back, or that no attribute can have."""
    words: dict[tuple[type, object], str] = {}
    for word, value in (attribute.values or {}).items():
        here = (*at, "values", word)
        each = value if isinstance(value, list) else [value]
        if not each or not all(isinstance(one, _SCALARS) for one in each):
            hint = "several values for one word are a list of strings or numbers; the first is written"
            yield Contradiction(here, "must be a string, a number, true or false, or a list of them", hint)
            continue
        for one in each:
            if (other := words.setdefault((type(one), one), word)) != word:
                why = f"the same value as {quote(other)}: which of the two is meant cannot be read"
                yield Contradiction(here, why, f"write another value, or list it only where it is meant: {other}")


def _meanings(model: type[Resource], stanza: KindContract, *, at: tuple[str, ...]) -> Iterator[Contradiction]:
    """Attributes that mean something else than manifests do."""
    references = {each.attribute: each.kind for each in model.references}
    for name, attribute in stanza.attributes.items():
        here = (*at, "attributes", name)
        meant = references.get(name)
        if attribute.refers_to not in {None, meant} and attribute.refers_to in resources():
            why = f"must be {meant}" if meant is not None else f"{quote(name)} of a {model.kind} refers to nothing"
            yield Contradiction(
                (*here, "refers_to"),
                f"{why}, got {quote(str(attribute.refers_to))}" if meant is not None else why,
                f"write refers_to: {meant}" if meant is not None else "remove refers_to and by",
            )
        if attribute.values is not None:
            yield from _words(model, name, attribute, at=here)


_YES: Final = frozenset({"true", "yes", "y", "oui", "o", "vrai", "on"})
_NO: Final = frozenset({"false", "no", "n", "non", "faux", "off", "0", ""})


def _each(value: object) -> list[object]:
    return [*value] if isinstance(value, list) else [value]


def _misread(given: Mapping[str, object], machine: StateMachine, *, at: tuple[str, ...]) -> Iterator[Contradiction]:
    """A state that reads as a running one, or the other way round."""
    states = {*machine.moves, *machine.terminal}
    for word, value in given.items():
        for each in _each(value):
            other = each.strip().casefold() if isinstance(each, str) else ""
            if word in states and other in states and (word in machine.running) != (other in machine.running):
                why = f"the value {quote(other)} says another state, and only one of the two dials"
                yield Contradiction((*at, "values", word), why, "write the value that the instance has for this state")


def _swapped(given: Mapping[str, object], *, at: tuple[str, ...]) -> Iterator[Contradiction]:
    """A flag that says the opposite: every object would be one that the platform made, or none."""
    for word, opposite in (("true", _NO), ("false", _YES)):
        for each in _each(given.get(word)):
            if each is not None and str(each).strip().casefold() in opposite:
                why = f"the value {quote(each if isinstance(each, str) else json.dumps(each))} says the opposite"
                yield Contradiction((*at, "values", word), why, "write the value that the instance has for this word")


def _words(model: type[Resource], name: str, attribute: Attribute, *, at: tuple[str, ...]) -> Iterator[Contradiction]:
    """Words that manifests do not have, and states without a value."""
    given = attribute.values or {}
    machine = model.machine if name == "state" else None
    if name == "name" or attribute.refers_to is not None:
        why = (
            "has no effect: a name has no words" if name == "name" else "has no effect on what refers to another object"
        )
        yield Contradiction((*at, "values"), why, "remove it")
        return
    if machine is not None:
        known: tuple[str, ...] = (*machine.moves, *sorted(machine.terminal))
    elif model.system is not None and name == model.system.flag:
        known = ("true", "false")
    else:
        known = attribute.choices or tuple(given)
    for word in given:
        if word not in known:
            hint = did_you_mean(word, known) or f"known words: {', '.join(known)}"
            yield Contradiction((*at, "values", word), f"unknown word {quote(word)}", hint)
    if machine is not None:
        yield from _misread(given, machine, at=at)
    elif known == ("true", "false"):
        yield from _swapped(given, at=at)
    elif attribute.choices:
        read = {each: word for word, value in given.items() for each in _each(value) if isinstance(each, str)}
        for word in sorted(({*attribute.choices} - given.keys()) & read.keys()):
            why = f"the value of {quote(read[word])}, {quote(word)}, is that of the word {quote(word)}, too"
            yield Contradiction((*at, "values", read[word]), why, f"write the value of {quote(word)}, too")
    if machine is not None and (missing := [state for state in known if state not in given]):
        yield Contradiction(
            (*at, "values"),
            f"no value for {', '.join(missing)}",
            "write the value that the instance has for every run state: " + ", ".join(known),
        )
