"""The attributes of a kind as a collection shows them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from pydantic import JsonValue

from kiamo_iac.contract.collection.examples import KindExamples, type_of
from kiamo_iac.contract.collection.questions import ContractQuestion, Entry, documented
from kiamo_iac.contract.collection.route import is_id_name, is_plain_id
from kiamo_iac.contract.collection.words import (
    ATTRIBUTE_WORDS,
    KIND_WORDS,
    STATE_SPELLINGS,
    compact,
    singular,
    without_own_kind,
    words,
)
from kiamo_iac.document.writing import flow_text

_STATES: Final = tuple(STATE_SPELLINGS)
_IDS: Final = frozenset({"id", "identifiant", "uuid", "guid"})
_ROLES: Final = frozenset({"role", "usage", "fonction", "type"})
_TARGETS: Final[Mapping[str, str]] = {
    "field": "fields?|champs?|colonnes?|columns?",
    "service": "services?|queues?|files?",
}
_SAYS: Final[Mapping[str, str]] = {"name": "name|nom", "id": "id|identifier|identifiant"}


def derive_attributes(
    kind: str, examples: KindExamples, packaged: Entry, stanza: Entry, *, known: Mapping[str, KindExamples]
) -> list[ContractQuestion]:
    """Fill `attributes` and `embedded` of a stanza; the questions that are left. `known`: the examples of the kinds
    that it may refer to."""
    reader = _AttributeReader(kind, examples, stanza, known)
    for name, entry in packaged["attributes"].items():
        reader.read(name, entry)
    for child in packaged.get("embedded", {}):
        reader.embedded(child)
    return reader.questions


class _AttributeReader:
    def __init__(self, kind: str, examples: KindExamples, stanza: Entry, known: Mapping[str, KindExamples]) -> None:
        self.questions: list[ContractQuestion] = []
        self._kind = kind
        self._examples = examples
        self._known = known
        self._stanza = stanza
        self._sent: dict[str, JsonValue] = {}
        for body in examples.bodies():
            self._sent = {**body, **self._sent}
        self._shown: dict[str, JsonValue] = {}
        for answer in examples.answers():
            self._shown = {**answer, **self._shown}

    def ask(self, name: str, text: str, *candidates: str, about: str = "") -> None:
        at = ("kinds", self._kind, "attributes", name)
        self.questions.append(ContractQuestion(at, text, candidates, frozenset(about.split())))

    def read(self, name: str, entry: Entry) -> None:
        attributes = self._stanza["attributes"]
        found = self._wires(name)
        written: Entry = {}
        if "refers_to" in entry and (pair := self._sent_and_shown(found)):
            found, written = [pair[0]], {"read": pair[1]}
        if len(found) != 1:
            others = sorted(found or {*self._sent, *self._shown})
            seen = f"; keys of the examples: {', '.join(others)}" if others else "; no example shows its keys"
            self.ask(name, ("no key is known to be it" if not found else "several keys may be it") + seen)
            if name == "name":
                self._without_name()
            else:
                attributes[name] = None
            return
        wire = found[0]
        written = {"wire": wire, **written}
        if self._sent and wire not in self._sent and not entry.get("read_only"):
            written["read_only"] = True
            self.ask(name, "no example sends it, so it is read-only here", about="read_only")
        usable = (
            self._reference(name, entry, wire, written)
            if "refers_to" in entry
            else self._words(name, entry, wire, written)
        )
        attributes[name] = documented(written) if usable else None

    def _wires(self, name: str) -> list[str]:
        known = ATTRIBUTE_WORDS[name]
        keys = dict.fromkeys((*self._sent, *self._shown))
        found = [
            key
            for key in keys
            if (last := key.rpartition(".")[2]) == name
            or not known.isdisjoint((compact(last), without_own_kind(last, self._kind)))
            or (name == "service" and is_id_name(last, name))
        ]
        if name == "contacts":
            found = [key for key in found if type_of(self._shown.get(key)) == "integer"]
        exact = [key for key in found if key.rpartition(".")[2] == name]
        is_other_sent = any(key in self._sent for key in found if key not in exact)
        return exact if len(exact) == 1 and (exact[0] in self._sent or not is_other_sent) else found

    def _sent_and_shown(self, wires: list[str]) -> tuple[str, str] | None:
        """The key of a reference that is sent as its id (`serviceId`), and the path of the id in the object that it is
        shown as (`service: {id, name}`). None: it is not."""
        sent = [wire for wire in wires if wire in self._sent]
        objects = [(wire, value) for wire in wires if isinstance(value := self._shown.get(wire), dict)]
        if len(sent) != 1 or len(objects) != 1 or len(wires) != 2 or sent[0] == objects[0][0]:
            return None
        ids = [key for key in objects[0][1] if is_plain_id(key)]
        is_id = (compact(sent[0]) != "id" and compact(sent[0]).startswith("id")) or compact(sent[0]).endswith("id")
        return (sent[0], f"{objects[0][0]}.{ids[0]}") if len(ids) == 1 and is_id else None

    def _without_name(self) -> None:
        """Without its name no object is known: no call of the kind is made."""
        self._stanza["attributes"]["name"] = {"wire": "name", "basis": "assumed"}
        for operation, call in self._stanza["operations"].items():
            if call is not None:
                self._stanza["operations"][operation] = None
                path = ("kinds", self._kind, "operations", operation)
                why = "the key of the name is not known (see attributes)"
                self.questions.append(ContractQuestion(path, why, (f"{operation}: {flow_text(call)}",)))

    def _words(self, name: str, entry: Entry, wire: str, written: Entry) -> bool:
        """Closed lists and words of run states."""
        listed = self._examples.enum(wire)
        if "choices" in entry:
            written["choices"] = list(listed) or None
            if not listed:
                self.ask(name, "which values may it have?", about="choices values")
        if "values" in entry:
            known = state_words(listed)
            if known.keys() == {*_STATES}:
                written["values"] = known
            else:
                written["values"] = None
                seen = f" Seen: {', '.join(listed)}" if listed else ""
                shown = {**written, "values": {state: known.get(state, "?") for state in _STATES}}
                candidates = (f"{name}: {flow_text(documented(shown))}",) if known else ()
                self.ask(
                    name, f"which word stands for each of {', '.join(_STATES)}?{seen}", *candidates, about="values"
                )
        shown_value = self._shown.get(wire)
        if name == "default" and type_of(shown_value) in {"string", "integer"}:
            flags = {
                **written,
                "values": {"true": 1, "false": 0} if isinstance(shown_value, int) else {"true": "O", "false": "N"},
            }
            candidate = f"{name}: {flow_text(documented(flags))}"
            self.ask(name, f"which values does it have? Seen: {shown_value}", candidate, about="values")
        return True

    def _reference(self, name: str, entry: Entry, wire: str, written: Entry) -> bool:
        """The form of a reference; False: it is not certain."""
        value = self._sent.get(wire, self._shown.get(wire))
        target, key = entry["refers_to"], wire
        shape: Any = None
        if isinstance(value, list):
            shape, key, value = _row_shape(value, wire)
            if shape is None:
                self.ask(name, "it is a list: in which form?")
                return False
            written["shape"] = [shape]
        elif isinstance(value, dict) and name == "association":
            value = next(iter(value.values()), None)
        elif isinstance(value, dict) and len(value) == 1 and wire in self._sent:
            inner = next(iter(value))
            written["shape"] = {inner: "$"}
            key, value = f"{target}_{inner}", value[inner]
        if isinstance(value, dict):
            self.ask(
                name,
                f"it is an object with {', '.join(value)}: which key identifies the {target}, also when it is sent?",
            )
            return False
        by = self._by(key, value, target)
        if by is None:
            body = {**written, "refers_to": target, "by": "id", "basis": "documented"}
            self.ask(
                name,
                f"does it hold the id or the name of the {target}?",
                f"{name}: {flow_text(body)}",
                f"{name}: {flow_text({**body, 'by': 'name'})}",
            )
            return False
        written["refers_to"], written["by"] = target, by
        return True

    def _by(self, wire: str, value: JsonValue, target: str) -> str | None:
        parts = words(wire)
        if len(parts) > 1 and not _IDS.isdisjoint((parts[0], parts[-1])):
            return "id"
        if len(parts) > 1 and not {"name", "nom"}.isdisjoint((parts[0], parts[-1])):
            return "name"
        if type_of(value) == "integer":
            return "id"
        examples = self._known.get(target)
        if examples is not None and type_of(value) == "string" and not str(value).startswith("<"):
            same = {by for by in ("id", "name") if value in examples.values_of(by)}
            if len(same) == 1:
                return same.pop()
            if examples.id_types() == {"integer"}:
                return "name"
        said = {by for by, word in _SAYS.items() if self._is_said(word, _TARGETS[target])}
        return said.pop() if len(said) == 1 else None

    def _is_said(self, word: str, target: str) -> bool:
        """Whether a text has `the name of the field`."""
        return bool(re.search(rf"\b(?:{word})\b[^.;,\n]{{0,30}}\b(?:{target})\b", self._examples.text, re.IGNORECASE))

    def embedded(self, child: str) -> None:
        """Children that are sent inside of a create."""
        known = KIND_WORDS[child]
        keys = [key for key, value in self._sent.items() if singular(compact(key)) in known and isinstance(value, list)]
        path = ("kinds", self._kind, "embedded", child)
        if len(keys) == 1:
            self._stanza["embedded"] = {child: documented({"wire": keys[0]})}
            return
        self._stanza["embedded"] = {child: None}
        if "create" in self._examples.certain:
            self.questions.append(
                ContractQuestion(path, f"is a {self._kind} created with its {child}s? No example sends them")
            )


def state_words(listed: Sequence[str]) -> dict[str, str]:
    """Run state → the word that stands for it, of a closed list; a state that two words may stand for is left out."""
    found: dict[str, str] = {}
    for state, spellings in STATE_SPELLINGS.items():
        same = [word for word in listed if compact(word) in spellings]
        if len(same) == 1:
            found[state] = same[0]
    return found


def _row_shape(rows: list[JsonValue], wire: str) -> tuple[Entry | None, str, JsonValue]:
    """The shape of an entry of a mapping that is sent as a list, the key of the value in it, and that value."""
    first = rows[0] if rows else None
    if not isinstance(first, dict) or len(first) != 2:
        return None, wire, None
    roles = [key for key in first if compact(key) in _ROLES]
    if len(roles) != 1:
        return None, wire, None
    other = next(key for key in first if key != roles[0])
    return {roles[0]: "$role", other: "$field"}, other, first[other]
