"""The objects of one kind as an instance shows them, held against the kind's stanza of the contract."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import JsonValue

from kiamo_iac.api.doctor.examination import CheckOutcome, ContractPatch, Findings
from kiamo_iac.api.response import ApiResponse, dig, kind_of
from kiamo_iac.api.wire import Decoder
from kiamo_iac.contract.collection.words import ATTRIBUTE_WORDS, compact
from kiamo_iac.contract.entries import Attribute, KindContract
from kiamo_iac.contract.model import Contract
from kiamo_iac.contract.request_checks import refused_id
from kiamo_iac.core.address import identity
from kiamo_iac.core.errors import ResponseError
from kiamo_iac.core.linear_pattern import linear_pattern
from kiamo_iac.core.printable import printable
from kiamo_iac.core.resource import Resource
from kiamo_iac.core.state import RemoteId

_SHOWN: Final = 5
"""Names, words or keys in one text."""
_MOST_WORDS: Final = 200
"""Values of one attribute that are kept."""

Parent = RemoteId | None


@dataclass(frozen=True, slots=True)
class ListedObject:
    """One object of a list."""

    remote_id: RemoteId
    parent: Parent
    item: Mapping[str, Any]
    """Its row."""
    flat: Mapping[str, Any]
    """The same by wire names."""


@dataclass(slots=True)
class KindSightings:
    """What was seen of one kind."""

    contract: Contract
    kind: type[Resource]
    objects: list[ListedObject] = field(default_factory=list)
    """Those of the lists that have an id which a path can hold."""
    rows: int = 0
    lists: int = 0
    """Lists that were answered as the contract describes."""
    reads: int = 0
    """Objects that were read."""
    decoder: Decoder = field(init=False)
    _wrong: dict[tuple[str, ...], tuple[int, str]] = field(default_factory=dict)
    """Entry → how many objects do not fit it, and how the first does not."""
    _keys: set[str] = field(default_factory=set)
    _patches: dict[tuple[str, ...], ContractPatch] = field(default_factory=dict)
    _in_rows: Counter[str] = field(default_factory=Counter)
    _in_reads: Counter[str] = field(default_factory=Counter)
    _only_read: Counter[str] = field(default_factory=Counter)
    _words: dict[str, Counter[Any]] = field(default_factory=dict)
    _names: dict[Parent, Counter[str]] = field(default_factory=dict)
    _unlike: list[str] = field(default_factory=list)
    """Names that the pattern refuses."""
    _differs: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.decoder = Decoder(self.contract, self.kind, intern=False)

    @property
    def stanza(self) -> KindContract:
        """Of the contract."""
        return self.contract.kinds[self.kind.kind]

    @property
    def name_wire(self) -> str:
        """The wire name of the name."""
        return self.stanza.attributes["name"].wire

    @property
    def _is_completed(self) -> bool:
        """Whether other calls show what a row does not, by the contract."""
        return self.stanza.listing.detail == "read" or any(a.source for a in self.stanza.attributes.values())

    # --- what is seen ------------------------------------------------------------------------------------------------

    def add_row(self, item: Any, response: ApiResponse, parent: Parent) -> None:
        """One object of a list; `parent`: whose list it is, where it is one's."""
        self.rows += 1
        if not self._is_completed:
            self._decode(item, response)
        if not isinstance(item, dict):
            return
        flat = self.decoder.flat(item)
        self._keys.update(flat)
        self._in_rows.update(key for key, value in flat.items() if value is not None)
        if self.stanza.parent_wire is not None and parent is None:
            found = dig(item, self.stanza.parent_wire)
            parent = found if type(found) in {str, int} else None
        self._note_values(flat, parent)
        remote_id = flat.get(self.stanza.id.wire)
        if isinstance(remote_id, str | int) and not isinstance(remote_id, bool) and not refused_id(remote_id):
            self.objects.append(ListedObject(remote_id, parent, item, flat))

    def add_read(self, listed: ListedObject, item: Mapping[str, Any], response: ApiResponse) -> None:
        """The same object, as a read shows it."""
        self.reads += 1
        flat = self.decoder.flat(item)
        if flat.get(self.stanza.id.wire) is None and flat.get(self.name_wire) is None:
            inner = [key for key, value in item.items() if isinstance(value, dict) and self.stanza.id.wire in value]
            self._note(("item",), f"the answer to a read has neither id nor name, but {_listed(item) or 'no key'}")
            if len(inner) != 1:
                return
            self._patches[("item",)] = self._patch("item", value=inner[0])
            item = item[inner[0]]
            flat = self.decoder.flat(item)
        self._decode({**listed.item, **item} if self._is_completed else item, response)
        self._keys.update(flat)
        self._in_reads.update(key for key, value in flat.items() if value is not None)
        for key, value in flat.items():
            if listed.flat.get(key) is None and value not in (None, "", [], {}):
                self._only_read[key] += 1
        wires = {attribute.wire for attribute in self.stanza.attributes.values() if attribute.source is None}
        for wire in sorted(wires & flat.keys() & listed.flat.keys()):
            if listed.flat[wire] != flat[wire] and listed.flat[wire] is not None:
                self._differs.append(wire)
        self._note_words(flat)
        if flat.get(self.stanza.id.wire, listed.remote_id) != listed.remote_id:
            why = f"a read of {_quoted(listed.remote_id)} shows the object {_quoted(flat[self.stanza.id.wire])}"
            self._note(("operations", "read", "path"), why)

    def _decode(self, item: Any, response: ApiResponse) -> None:
        try:
            self.decoder.row(item, response)
        except ResponseError as error:
            self._note(error.entry, str(error))

    def _note(self, entry: tuple[str, ...], why: str) -> None:
        count, first = self._wrong.get(entry, (0, why))
        self._wrong[entry] = (count + 1, first)

    def _note_values(self, flat: Mapping[str, Any], parent: Parent) -> None:
        self._note_words(flat)
        name = flat.get(self.name_wire)
        if isinstance(name, str) and name:
            self._names.setdefault(parent, Counter())[identity(name)] += 1
            rule = self.stanza.names
            if rule is not None and not linear_pattern(rule.pattern).matches(name):
                self._unlike.append(name)

    def _note_words(self, flat: Mapping[str, Any]) -> None:
        for name, attribute in self.stanza.attributes.items():
            if attribute.choices is None and attribute.values is None:
                continue
            value = flat.get(attribute.wire)
            if value is not None and not isinstance(value, dict | list):
                words = self._words.setdefault(name, Counter())
                if value in words or len(words) < _MOST_WORDS:
                    words[value] += 1

    # --- what it says ------------------------------------------------------------------------------------------------

    def judge(self, findings: Findings) -> None:
        """The verdicts on what rows and reads show."""
        kind, at = self.kind.kind, f"kinds.{self.kind.kind}"
        for entry, (count, first) in self._wrong.items():
            more = f" (and {count - 1} more)" if count > 1 else ""
            findings.contradict_entry(kind, entry, f"{first.rstrip('.')}{more}", self._patches.get(entry))
        seen = self.rows + self.reads
        if not seen:
            keys = ("id", "names.pattern", "names.taken", *(f"attributes.{name}" for name in self.stanza.attributes))
            for key in keys:
                findings.leave(f"{at}.{key}", f"no {kind} was seen")
        elif self.objects:
            findings.confirm(f"{at}.id", f"{counted(len(self.objects), 'object')} {_have(len(self.objects))} one")
        for name, attribute in self.stanza.attributes.items():
            if attribute.source is None and seen:
                self._judge_attribute(findings, name, attribute)
            self._judge_words(findings, name, attribute)
        self._judge_names(findings)
        self._judge_detail(findings)

    def _judge_attribute(self, findings: Findings, name: str, attribute: Attribute) -> None:
        key, wire = f"kinds.{self.kind.kind}.attributes.{name}", attribute.wire
        shown = attribute.read or wire
        in_rows, in_reads = self._in_rows[wire], self._in_reads[wire]
        if in_rows:
            findings.confirm(key, f"{counted(in_rows, 'row')} of {self.rows} {_have(in_rows)} it")
        elif in_reads:
            findings.confirm(key, f"{counted(in_reads, 'read')} of {self.reads} {_have(in_reads)} it, and no row does")
        elif wire in self._keys:
            findings.confirm(key, f"it is there, and not set in any of {counted(self.rows, 'row')}")
        else:
            others = self._unknown()
            near = [each for each in others if compact(each) in ATTRIBUTE_WORDS.get(name, ())]
            why = f'no row and no read has "{printable(shown, 60)}"'
            why += f"; unknown keys are {_listed(others)}" if others else ""
            is_always_shown = attribute.required or attribute.read_only or name == "name"
            if near and not (attribute.read is not None or "." in wire):
                findings.contradict(key, why, self._patch("attributes", name, "wire", value=near[0]))
            elif is_always_shown and (self.reads or "read" not in self.stanza.operations):
                findings.contradict(key, why)
            else:
                findings.leave(key, why)

    def _judge_words(self, findings: Findings, name: str, attribute: Attribute) -> None:
        at = f"kinds.{self.kind.kind}.attributes.{name}"
        words = self._words.get(name, Counter())
        seen = _listed(map(str, words))
        for of, known in (("choices", attribute.choices), ("values", attribute.values)):
            if known is None:
                continue
            if not words:
                findings.leave(f"{at}.{of}", "no value was seen")
                continue
            listed = {*known} if of == "choices" and attribute.values is None else _on_wire(attribute)
            unlisted = [word for word in words if (type(word), word) not in listed and word not in listed]
            if unlisted:
                total = sum(words[word] for word in unlisted)
                what = f"{_listed(map(str, unlisted))} {'is' if len(unlisted) == 1 else 'are'} not listed"
                findings.contradict(f"{at}.{of}", f"{what} ({counted(total, 'object')}); seen: {seen}")
            else:
                findings.confirm(f"{at}.{of}", f"seen: {seen} ({len(words)} of {len(known)})")

    def _judge_names(self, findings: Findings) -> None:
        at, total = f"kinds.{self.kind.kind}.names", sum(count.total() for count in self._names.values())
        if self._unlike:
            few = _listed(dict.fromkeys(self._unlike))
            findings.contradict(
                f"{at}.pattern", f"{len(self._unlike)} of {counted(total, 'name')} outside of it: {few}"
            )
        elif total:
            findings.confirm(
                f"{at}.pattern", f"all {counted(total, 'name')} match" if total > 1 else "the name matches"
            )
        twice = [name for names in self._names.values() for name, count in names.items() if count > 1]
        if twice:
            patch = self._patch("names", "taken", value=None)
            findings.contradict(f"{at}.taken", f"several objects have the same name: {_listed(twice)}", patch)
        elif total > 1:
            findings.leave(f"{at}.taken", f"no two of {total} are equal; only a write confirms it")

    def _judge_detail(self, findings: Findings) -> None:
        key = f"kinds.{self.kind.kind}.listing.detail"
        if not self.reads:
            findings.leave(key, f"no {self.kind.kind} was read")
            return
        if self._differs:
            text = f"the row and the read of an object differ in {_listed(dict.fromkeys(self._differs))}"
            hint = "the instance may have changed meanwhile: run doctor again"
            findings.check(f"{self.kind.collection}: row and read", CheckOutcome.NOTE, text, hint)
        known = {a.wire: name for name, a in self.stanza.attributes.items() if a.source is None}
        missing = [known[wire] for wire in self._only_read if wire in known and not self._in_rows[wire]]
        settings = [key for key in self._only_read if key not in known and not self._in_rows[key]]
        if self.stanza.listing.detail == "read":
            if missing or settings:
                findings.confirm(key, f"only a read shows {_listed((*missing, *settings))}")
            else:
                findings.leave(key, f"rows show all that {counted(self.reads, 'read')} show")
        elif missing:
            patch = self._patch("listing", "detail", value="read")
            findings.contradict(key, f"only a read shows {_listed(missing)}", patch)
        else:
            findings.confirm(key, f"{counted(self.reads, 'object')} read, and nothing more is shown")
        if settings:
            text = f"only a read shows {_listed(settings)}, which the contract does not know"
            findings.check(f"{self.kind.collection}: read", CheckOutcome.NOTE, text)

    def describe(self, findings: Findings) -> None:
        """Keys that the contract does not know."""
        if unknown := self._unknown():
            text = f"the contract does not know {_listed(unknown, most=20)}: settings of a manifest"
            findings.check(f"{self.kind.collection}: attributes", CheckOutcome.NOTE, text)

    def _unknown(self) -> list[str]:
        return sorted(self._keys - self.decoder.known)

    def _patch(self, *entry: str, value: JsonValue) -> ContractPatch:
        return ContractPatch(("kinds", self.kind.kind, *entry), value)

    # --- what refers to others ---------------------------------------------------------------------------------------

    def judge_references(self, findings: Findings, seen: Mapping[str, KindSightings]) -> None:
        """Whether references hold what the contract says, the id or the name of an object that is there."""
        for reference in self.kind.references:
            attribute = self.stanza.attributes.get(reference.attribute)
            others = seen.get(attribute.refers_to or "") if attribute is not None else None
            if attribute is None or others is None or not others.objects or attribute.by == "key":
                continue
            ids = {each.remote_id for each in others.objects}
            names = {name for each in others.objects if isinstance(name := each.flat.get(others.name_wire), str)}
            targets = [
                target
                for each in self.objects
                if reference.fits(each.flat.get(attribute.wire))
                for _, target in reference.items(each.flat.get(attribute.wire))
                if target not in (None, "") and not isinstance(target, dict | list)
            ]
            wanted, other, instead = (ids, names, "name") if attribute.by == "id" else (names, ids, "id")
            wrong = [target for target in targets if target not in wanted]
            if wrong and all(target in other for target in wrong):
                why = f"{_quoted(wrong[0])} is the {instead} of a {others.kind.kind}"
                findings.contradict(
                    f"kinds.{self.kind.kind}.attributes.{reference.attribute}",
                    why,
                    self._patch("attributes", reference.attribute, "by", value=instead),
                )


def made_with_parent(findings: Findings, seen: KindSightings, parents: Iterable[Parent]) -> None:
    """Whether each parent has the objects that the platform is said to make with it."""
    made, key = seen.stanza.made_with_parent, f"kinds.{seen.kind.kind}.made_with_parent"
    read = list(parents)
    if made is None or not read:
        return
    flag = seen.stanza.attributes.get(seen.kind.system.flag) if seen.kind.system is not None else None
    wanted = {str(each.get("name")) for each in made.things}
    lacking = 0
    default: Counter[str] = Counter()
    for parent in read:
        rows = [each.flat for each in seen.objects if each.parent == parent]
        names = {str(row.get(seen.name_wire)) for row in rows}
        lacking += not wanted <= names
        if flag is not None:
            default.update(str(row.get(seen.name_wire)) for row in rows if row.get(flag.wire) is True)
    if lacking:
        always = sorted(name for name, count in default.items() if count == len(read))
        also = f"; flagged in all of them: {_listed(always)}" if always else ""
        why = f"{lacking} of {len(read)} objects of the kind {seen.kind.parent} lack {_listed(sorted(wanted))}{also}"
        findings.contradict(key, why)
    else:
        findings.confirm(key, f"{len(read)} of {len(read)} have {_listed(sorted(wanted))}")


def _on_wire(attribute: Attribute) -> set[tuple[type, Any]]:
    values = attribute.values or {}
    several = (value if isinstance(value, list) else [value] for value in values.values())
    return {(type(each), each) for group in several for each in group if not isinstance(each, dict | list)}


def _quoted(value: Any) -> str:
    return kind_of(value).removeprefix("the string ").removeprefix("the number ")


def _listed(texts: Iterable[str], *, most: int = _SHOWN) -> str:
    shown = [printable(text, 40) for text in texts]
    more = f" and {len(shown) - most} more" if len(shown) > most else ""
    return ", ".join(shown[:most]) + more


def counted(number: int, noun: str) -> str:
    """`1 row`, `2 rows`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _have(number: int) -> str:
    return "has" if number == 1 else "have"
