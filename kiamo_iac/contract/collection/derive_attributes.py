"""The attributes of a kind as a collection shows them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from pydantic import JsonValue

from kiamo_iac.contract.collection.examples import KindExamples, type_of
from kiamo_iac.contract.collection.questions import ContractQuestion, Entry, documented
from kiamo_iac.contract.collection.words import ATTRIBUTE_WORDS, KIND_WORDS, compact, singular
from kiamo_iac.document.writing import flow_text

_STATES: Final = ("new", "started", "paused", "stopped", "finished")
_ROLES: Final = frozenset({"role", "usage", "fonction", "type"})
_BY_NAME: Final = re.compile(
    r"\b(?:name|nom)\b[^.\n]{0,30}\b(?:field|champ|service|colonne|column|queue)", re.IGNORECASE
)
_BY_ID: Final = re.compile(
    r"\b(?:id|identifier|identifiant)\b[^.\n]{0,30}\b(?:field|champ|service|colonne|column|queue)", re.IGNORECASE
)


def derive_attributes(
    kind: str, examples: KindExamples, packaged: Entry, stanza: Entry, *, ids: Mapping[str, str]
) -> list[ContractQuestion]:
    """Fill `attributes` and `embedded` of a stanza; the questions that are left. `ids`: kind → the type of its id."""
    reader = _AttributeReader(kind, examples, stanza, ids)
    for name, entry in packaged["attributes"].items():
        reader.read(name, entry)
    for child in packaged.get("embedded", {}):
        reader.embedded(child)
    return reader.questions


class _AttributeReader:
    def __init__(self, kind: str, examples: KindExamples, stanza: Entry, ids: Mapping[str, str]) -> None:
        self.questions: list[ContractQuestion] = []
        self._kind = kind
        self._examples = examples
        self._ids = ids
        self._stanza = stanza
        self._sent: dict[str, JsonValue] = {}
        for body in examples.bodies():
            self._sent = {**body, **self._sent}
        self._shown: dict[str, JsonValue] = {}
        for answer in examples.answers():
            self._shown = {**answer, **self._shown}

    def ask(self, name: str, text: str, *candidates: str) -> None:
        self.questions.append(ContractQuestion(("kinds", self._kind, "attributes", name), text, candidates))

    def read(self, name: str, entry: Entry) -> None:
        attributes = self._stanza["attributes"]
        found = self._wires(name)
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
        written: Entry = {"wire": wire}
        if self._sent and wire not in self._sent and not entry.get("read_only"):
            written["read_only"] = True
            self.ask(name, "no example sends it, so it is read-only here")
        usable = (
            self._reference(name, entry, wire, written)
            if "refers_to" in entry
            else self._words(name, entry, wire, written)
        )
        attributes[name] = documented(written) if usable else None

    def _wires(self, name: str) -> list[str]:
        known = ATTRIBUTE_WORDS[name]
        keys = dict.fromkeys((*self._sent, *self._shown))
        found = [key for key in keys if compact(key) in known or key == name]
        if name == "contacts":
            found = [key for key in found if type_of(self._shown.get(key)) == "integer"]
        return [name] if name in found else found

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
                self.ask(name, "which values may it have?")
        if "values" in entry:
            words = {state: state for state in _STATES if state in listed}
            if len(words) == len(_STATES):
                written["values"] = words
            else:
                written["values"] = None
                seen = f" Seen: {', '.join(listed)}" if listed else ""
                self.ask(name, f"which word stands for each of {', '.join(_STATES)}?{seen}")
        return True

    def _reference(self, name: str, entry: Entry, wire: str, written: Entry) -> bool:
        """The form of a reference; False: it is not certain."""
        value = self._sent.get(wire, self._shown.get(wire))
        target = entry["refers_to"]
        shape: Any = None
        if isinstance(value, list):
            shape, value = _row_shape(value)
            if shape is None:
                self.ask(name, "it is a list: in which form?")
                return False
            written["shape"] = [shape]
        elif isinstance(value, dict):
            value = next(iter(value.values()), None) if name == "association" else value
        if isinstance(value, dict):
            self.ask(
                name,
                f"it is an object with {', '.join(value)}: which key identifies the {target}, also when it is sent?",
            )
            return False
        by = self._by(wire, value, target)
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
        whole = compact(wire)
        if whole.endswith(("id", "identifiant")) and whole != "id":
            return "id"
        if whole.endswith(("name", "nom")):
            return "name"
        if type_of(value) == "integer":
            return "id"
        text = self._examples.text
        if type_of(value) == "string" and not str(value).startswith("<") and self._ids.get(target) == "integer":
            return "name"
        said = {by for by, pattern in (("id", _BY_ID), ("name", _BY_NAME)) if pattern.search(text)}
        return said.pop() if len(said) == 1 else None

    def embedded(self, child: str) -> None:
        """Children that are sent inside of a create."""
        words = KIND_WORDS[child]
        keys = [key for key, value in self._sent.items() if singular(compact(key)) in words and isinstance(value, list)]
        path = ("kinds", self._kind, "embedded", child)
        if len(keys) == 1:
            self._stanza["embedded"] = {child: documented({"wire": keys[0]})}
            return
        self._stanza["embedded"] = {child: None}
        if "create" in self._examples.certain:
            self.questions.append(
                ContractQuestion(path, f"is a {self._kind} created with its {child}s? No example sends them")
            )


def _row_shape(rows: list[JsonValue]) -> tuple[Entry | None, JsonValue]:
    """The shape of an entry of a mapping that is sent as a list, and the value in it."""
    first = rows[0] if rows else None
    if not isinstance(first, dict) or len(first) != 2:
        return None, None
    roles = [key for key in first if compact(key) in _ROLES]
    if len(roles) != 1:
        return None, None
    other = next(key for key in first if key != roles[0])
    return {roles[0]: "$role", other: "$field"}, first[other]
