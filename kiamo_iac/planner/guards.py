"""What a plan may not do unasked: every limit that it breaks, with the numbers and the way out. There is no way
around all of them at once, on purpose."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from kiamo_iac.core.address import Address
from kiamo_iac.core.change_window import DAYS
from kiamo_iac.core.diagnostics import Diagnostic, Severity, SourceRange
from kiamo_iac.core.printable import shell_word
from kiamo_iac.core.settings import GuardSettings
from kiamo_iac.core.state import Ownership
from kiamo_iac.planner.plan import Action, Cause, Plan, Risk, Step

ENOUGH: Final = 10
"""Percentages are counted from this many owned things on: of fewer, a single one is too large a part."""


def check_guards(
    plan: Plan,
    settings: GuardSettings,
    *,
    owned: Ownership | None,
    desired_count: int,
    now: datetime,
    allow_start: bool,
    allow_data_loss: Collection[Address],
) -> tuple[Diagnostic, ...]:
    """Every refusal of `plan`, in a fixed order; empty when it may be applied, as a plan without steps always may.

    `owned`: what the ledger has (None: there is none), `desired_count`: how many things the manifests declare, `now`:
    with its time zone, `allow_start` and `allow_data_loss`: what the options say.

    Raises:
        ValueError: there is a change window, and `now` has no time zone.
    """
    if not plan.steps:
        return ()
    guard = _Guard(plan, settings, len(owned or ()))
    starting = allow_start or settings.allow_start
    limits = guard.limits(desired_count, allow_start=starting, allow_data_loss=allow_data_loss)
    return (*guard.hours(now), *limits)


def foreseen(
    plan: Plan, settings: GuardSettings, *, owned: Ownership | None, desired_count: int
) -> tuple[Diagnostic, ...]:
    """What an apply with no options would refuse of `plan`, as notes for those who read it. Not the change window: what
    counts is when the apply is."""
    guard = _Guard(plan, settings, len(owned or ()))
    return tuple(
        replace(refusal, severity=Severity.NOTE, summary=f"apply will refuse: {refusal.summary}")
        for refusal in guard.limits(desired_count, allow_start=settings.allow_start, allow_data_loss=())
    )


@dataclass(frozen=True, slots=True)
class _Guard:
    plan: Plan
    settings: GuardSettings
    owned: int

    def limits(
        self, desired_count: int, *, allow_start: bool, allow_data_loss: Collection[Address]
    ) -> Iterator[Diagnostic]:
        """All refusals that do not go by the clock."""
        yield from self.nothing_declared(desired_count)
        yield from self.deletes()
        yield from self.unwritten_deletes()
        yield from self.updates()
        if not allow_start:
            yield from self.starts()
        yield from self.data_loss(allow_data_loss)

    def hours(self, now: datetime) -> Iterator[Diagnostic]:
        window = self.settings.change_window
        if window is None or window.is_open(now):
            return
        opening = window.next_opening(now)
        wait = f"wait until {_moment(opening)}" if opening else "it will not open within two weeks"
        local = now.astimezone(window.spans[0].zone)
        yield Diagnostic(
            "KIA0706",
            f"{self.plan.environment} may be changed {window.text} alone, and it is {_moment(local)}",
            hint=f"{wait}, or correct change_window {self._where}",
            source=self._source("change_window"),
        )

    def nothing_declared(self, desired_count: int) -> Iterator[Diagnostic]:
        pruned = [step for step in self._deletes if step.cause is Cause.PRUNE]
        if desired_count or not pruned:
            return
        yield Diagnostic(
            "KIA0705",
            f"the manifests declare nothing, and this plan would prune {_counted(len(pruned), 'thing')}",
            detail=f"That is mostly an empty folder, or another one than was meant. {_listed(pruned)}",
            hint="correct manifests in the project file; what is really to go, declare with ensure: absent",
        )

    def deletes(self) -> Iterator[Diagnostic]:
        limit = self.settings.max_deletes
        if limit is None or len(self._deletes) <= limit:
            return
        yield Diagnostic(
            "KIA0702",
            f"this plan would delete {_counted(len(self._deletes), 'thing')}, and max_deletes is {limit}",
            detail=_listed(self._deletes),
            hint=self._hint("max_deletes", len(self._deletes)),
            source=self._source("max_deletes"),
            related=_places(self._deletes),
        )

    def unwritten_deletes(self) -> Iterator[Diagnostic]:
        unwritten = [step for step in self._deletes if step.cause in {Cause.PRUNE, Cause.EXCLUSIVE}]
        limit = self.settings.max_delete_percent
        if not self._exceeds(len(unwritten), limit):
            return
        ours = f"{len(unwritten)} of {self.owned} owned things ({self._share(len(unwritten), limit)})"
        yield Diagnostic(
            "KIA0703",
            f"this plan would delete {ours}, and max_delete_percent is {limit}",
            detail=f"No manifest says that they are to go: they are only declared no more. {_listed(unwritten)}",
            hint=f"declare them with ensure: absent, or {self._hint('max_delete_percent', self._needed(unwritten))}",
            source=self._source("max_delete_percent"),
            related=_places(unwritten),
        )

    def updates(self) -> Iterator[Diagnostic]:
        changed = list(
            {s.address: s for s in self.plan.steps if s.action in {Action.UPDATE, Action.RENAME}}.values()
        )  # a thing that is renamed and updated counts once
        limit = self.settings.max_update_percent
        if limit is None or not self._exceeds(len(changed), limit):
            return
        ours = f"{_counted(len(changed), 'thing')}, {self.owned} being owned ({self._share(len(changed), limit)})"
        yield Diagnostic(
            "KIA0704",
            f"this plan would change {ours}, and max_update_percent is {limit}",
            detail=_listed(changed),
            hint=self._hint("max_update_percent", self._needed(changed)),
            source=self._source("max_update_percent"),
            related=_places(changed),
        )

    def starts(self) -> Iterator[Diagnostic]:
        for step in self.plan.steps:
            if step.action is Action.START:
                yield Diagnostic(
                    "KIA0701",
                    "this would dial people, and nobody allowed it",
                    hint=f"say --allow-start, or set allow_start: true {self._where}, if people are to be called now",
                    address=step.address,
                    source=step.source,
                )

    def data_loss(self, allowed: Collection[Address]) -> Iterator[Diagnostic]:
        for step in self.plan.steps:
            if step.risk is Risk.DATA_LOSS and step.address not in allowed:
                yield Diagnostic(
                    "KIA0707",
                    f"this would {step.action.value} contacts, or what is known of them, and nobody allowed it",
                    detail=f"Why it is in the plan: {step.reason}.",
                    hint=f"say --allow-data-loss {shell_word(step.address, 'ADDRESS')} if they are to be lost for good",
                    address=step.address,
                    source=step.source,
                )

    @property
    def _deletes(self) -> list[Step]:
        return [step for step in self.plan.steps if step.action is Action.DELETE]

    @property
    def _where(self) -> str:
        return f"in guards of {self.plan.environment} in the project file"

    def _hint(self, key: str, value: int) -> str:
        return f"apply it in smaller parts, or set {key}: {value} {self._where}"

    def _source(self, key: str) -> SourceRange | None:
        """Where the limit is set; one that nobody set has no place."""
        place = self.settings.place
        return place.at(key) if place is not None and key in place else None

    def _exceeds(self, count: int, percent: int) -> bool:
        return self.owned >= ENOUGH and percent < 100 and count * 100 > percent * self.owned

    def _share(self, count: int, limit: int) -> str:
        """`38 %`; where rounding would hide that it is more than the limit, `more than 30 %`."""
        percent = count * 100 // self.owned
        return f"{percent} %" if percent > limit else f"more than {limit} %"

    def _needed(self, steps: Sequence[Step]) -> int:
        """The least percentage that would let them pass."""
        return min(100, -(-len(steps) * 100 // self.owned))


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _listed(steps: Sequence[Step]) -> str:
    return f"It is about {', '.join(step.address for step in steps)}."


def _places(steps: Sequence[Step]) -> tuple[tuple[str, SourceRange], ...]:
    return tuple((f"{step.action.value} {step.address}", step.source) for step in steps if step.source)


def _moment(at: datetime) -> str:
    """`Mon 2026-03-30 19:00 Europe/Paris`; the names of days are not those of the machine's language."""
    return f"{DAYS[at.weekday()]} {at:%Y-%m-%d %H:%M} {at.tzinfo}"
