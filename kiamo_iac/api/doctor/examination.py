"""What an examination of an instance found: a check for each look at it, and a verdict for each assumption."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from pydantic import JsonValue

from kiamo_iac.contract.assumptions import Assumption, assumptions
from kiamo_iac.contract.entries import Basis
from kiamo_iac.contract.model import Contract
from kiamo_iac.contract.places import EntryPath
from kiamo_iac.document.writing import flow_text

_OF_A_KIND: Final = 3
"""Length of the path of an entry that has no basis around it: `kinds.base.item`."""


class CheckOutcome(StrEnum):
    """What a check found."""

    OK = "ok"
    NOTE = "note"
    """Nothing is wrong, and it is good to know."""
    FAILED = "failed"
    SKIPPED = "skipped"
    """It could not be made."""


class AssumptionVerdict(StrEnum):
    """What an examination says of an assumption."""

    CONFIRMED = "confirmed"
    CONTRADICTED = "contradicted"
    NOT_SEEN = "not_seen"


@dataclass(frozen=True, slots=True)
class ExaminationCheck:
    """One look at the instance."""

    name: str
    """`url`, `tls`, `token`, `list of bases`, …"""
    outcome: CheckOutcome
    text: str
    """What was found, one clause."""
    hint: str | None = None
    """What to do about it."""


@dataclass(frozen=True, slots=True)
class JudgedAssumption:
    """One assumption of the contract, and what the instance shows of it."""

    assumption: Assumption
    verdict: AssumptionVerdict
    why: str
    """What was seen, one clause; where nothing was, the reason."""
    place: str | None
    """The entry that states it, with file and line; None: no entry does."""
    mend: str | None = None
    """What to change where it is contradicted."""


@dataclass(frozen=True, slots=True)
class Examination:
    """All of it. Texts hold names of the instance: escape them where they are shown."""

    environment: str
    url: str
    contract: str
    """The contract's name."""
    origin: str
    """Where the contract is changed."""
    checks: tuple[ExaminationCheck, ...]
    judged: tuple[JudgedAssumption, ...]
    """In the order of the contract."""
    override: Mapping[str, Any] | None
    """What corrects the contract, as far as the instance shows it; None: it shows no correction, or one that no
    contract can have."""
    calls: int
    """How many responses came."""

    def of(self, verdict: AssumptionVerdict) -> tuple[JudgedAssumption, ...]:
        """The assumptions with this verdict."""
        return tuple(each for each in self.judged if each.verdict is verdict)

    @property
    def summary(self) -> Mapping[AssumptionVerdict, int]:
        """How many assumptions have each verdict."""
        return {verdict: len(self.of(verdict)) for verdict in AssumptionVerdict}

    @property
    def is_sound(self) -> bool:
        """Whether nothing is contradicted, and no check failed."""
        return not self.of(AssumptionVerdict.CONTRADICTED) and all(
            check.outcome is not CheckOutcome.FAILED for check in self.checks
        )


@dataclass(slots=True)
class _Seen:
    verdict: AssumptionVerdict
    why: str
    mend: str | None = None
    patch: ContractPatch | None = None


@dataclass(frozen=True, slots=True)
class ContractPatch:
    """A value that an entry of the contract should have."""

    entry: EntryPath
    value: JsonValue


@dataclass(slots=True)
class Findings:
    """What is found while an instance is read. Of an assumption, a contradiction outweighs all else, and a confirmation
    outweighs a reason why it was not seen; of two alike, the first stays."""

    contract: Contract
    checks: list[ExaminationCheck] = field(default_factory=list)
    _seen: dict[str, _Seen] = field(default_factory=dict)

    def check(self, name: str, outcome: CheckOutcome, text: str, hint: str | None = None) -> None:
        """Add a check."""
        self.checks.append(ExaminationCheck(name, outcome, text, hint))

    def confirm(self, key: str, why: str) -> None:
        """The instance shows that an assumption is right."""
        self._add(key, _Seen(AssumptionVerdict.CONFIRMED, why))

    def contradict(self, key: str, why: str, patch: ContractPatch | None = None) -> None:
        """The instance shows that an assumption is wrong; `patch`: what corrects it."""
        mend = None
        if patch is not None:
            place = self.contract.entry(*patch.entry[:-1])
            mend = f"write {patch.entry[-1]}: {flow_text(patch.value)} at {place}"
        self._add(key, _Seen(AssumptionVerdict.CONTRADICTED, why, mend, patch))

    def leave(self, key: str, why: str) -> None:
        """An assumption was not seen, for this reason."""
        self._add(key, _Seen(AssumptionVerdict.NOT_SEEN, why))

    def is_contradicted(self, key: str) -> bool:
        """Whether something contradicts it so far."""
        return key in self._seen and self._seen[key].verdict is AssumptionVerdict.CONTRADICTED

    def _add(self, key: str, seen: _Seen) -> None:
        rank = {AssumptionVerdict.CONTRADICTED: 2, AssumptionVerdict.CONFIRMED: 1, AssumptionVerdict.NOT_SEEN: 0}
        if key not in self._seen or rank[self._seen[key].verdict] < rank[seen.verdict]:
            self._seen[key] = seen

    def contradict_entry(self, kind: str, entry: Iterable[str], why: str, patch: ContractPatch | None = None) -> None:
        """As `contradict`, of the assumption that the entry of a kind's contract belongs to."""
        path = ("kinds", kind, *entry)
        known = {each.key: each for each in assumptions(self.contract)}
        for depth in range(len(path), 2, -1):
            key = ".".join(path[:depth])
            if key in known:
                self.contradict(key, why, patch)
                return
        key = f"kinds.{kind}.operations.read" if path[2:] == ("item",) else f"kinds.{kind}.listing"
        self.contradict(key, why, patch)

    def override(self) -> Mapping[str, Any] | None:
        """As `Examination` has it."""
        data: dict[str, Any] = {}
        for patch in [seen.patch for seen in self._seen.values() if seen.patch is not None]:
            inner = data
            for part in patch.entry[:-1]:
                inner = inner.setdefault(part, {})
            inner[patch.entry[-1]] = patch.value
            if len(patch.entry) != _OF_A_KIND:
                inner["basis"] = Basis.OBSERVED.value
        return data if data and self.contract.accepts(data) else None

    def judged(self) -> tuple[JudgedAssumption, ...]:
        """A verdict for each assumption of the contract."""
        return tuple(self._judged(each) for each in assumptions(self.contract))

    def _judged(self, assumption: Assumption) -> JudgedAssumption:
        if (seen := self._seen.get(assumption.key)) is None:
            why = "only a write shows it" if assumption.shown_by is None else "nothing of it was read"
            seen = _Seen(AssumptionVerdict.NOT_SEEN, why)
        place = placed(self.contract, assumption) if assumption.entry else None
        mend = seen.mend
        if seen.verdict is AssumptionVerdict.CONTRADICTED and mend is None and place is not None:
            mend = f"correct {place}"
        return JudgedAssumption(assumption, seen.verdict, seen.why, place, mend)


def placed(contract: Contract, assumption: Assumption) -> str:
    """The entry that states an assumption, with file and line; of one that no file has, those of its parent."""
    entry = assumption.entry
    shown = contract.entry(*entry)
    while "(" not in shown and len(entry) > 1:
        entry = entry[:-1]
        shown = contract.entry(*entry)
    if entry == assumption.entry or "(" not in shown:
        return shown
    return f"{'.'.join(assumption.entry)} {shown.removeprefix('.'.join(entry)).strip()}"
