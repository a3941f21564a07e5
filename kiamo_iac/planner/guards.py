"""Guards: every limit that a plan exceeds, with its numbers and the option or setting that allows it. No single option
lifts all of them, on purpose."""

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

MIN_FOR_PERCENT: Final = 10
"""Percentages apply from this many managed resources on: of fewer, one is too large a share."""


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
    """Every guard that blocks `plan`, in a fixed order; empty when it may be applied. A plan without steps always may.

    `owned`: the ledger's entries (None: there is no ledger), `desired_count`: number of declared resources, `now`: with
    its time zone, `allow_start` and `allow_data_loss`: the values of the options.

    Raises:
        ValueError: there is a change window, and `now` has no time zone.
    """
    if not plan.steps:
        return ()
    guard = _Guard(plan, settings, len(owned or ()))
    starting = allow_start or settings.allow_start
    limits = guard.limits(desired_count, allow_start=starting, allow_data_loss=allow_data_loss)
    return (*guard.hours(now), *limits)


def preview_guards(
    plan: Plan, settings: GuardSettings, *, owned: Ownership | None, desired_count: int
) -> tuple[Diagnostic, ...]:
    """The guards that would block an apply of `plan` without options, as notes. The change window is not among them: it
    depends on when the apply runs."""
    guard = _Guard(plan, settings, len(owned or ()))
    return tuple(
        replace(refusal, severity=Severity.NOTE, summary=f"apply will be blocked: {refusal.summary}")
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
        """All guards but the change window."""
        yield from self.nothing_declared(desired_count)
        yield from self.deletes()
        yield from self.undeclared_deletes()
        yield from self.updates()
        if not allow_start:
            yield from self.starts()
        yield from self.data_loss(allow_data_loss)

    def hours(self, now: datetime) -> Iterator[Diagnostic]:
        window = self.settings.change_window
        if window is None or window.is_open(now):
            return
        opening = window.next_opening(now)
        wait = f"wait until {_moment(opening)}" if opening else "the window does not open within two weeks"
        local = now.astimezone(window.spans[0].zone)
        yield Diagnostic(
            "KIA0706",
            f"{self.plan.environment}: changes are allowed only {window.text}, and it is {_moment(local)}",
            hint=f"{wait}, or correct change_window {self._where}",
            source=self._source("change_window"),
        )

    def nothing_declared(self, desired_count: int) -> Iterator[Diagnostic]:
        pruned = [step for step in self._deletes if step.cause is Cause.PRUNE]
        if desired_count or not pruned:
            return
        yield Diagnostic(
            "KIA0705",
            f"the manifests declare nothing, and the plan prunes {_counted(len(pruned), 'resource')}",
            detail=f"The manifests folder is probably empty, or the wrong one. {_listed(pruned)}",
            hint="correct manifests in the project file; to delete resources, declare them with ensure: absent",
        )

    def deletes(self) -> Iterator[Diagnostic]:
        limit = self.settings.max_deletes
        if limit is None or len(self._deletes) <= limit:
            return
        yield Diagnostic(
            "KIA0702",
            f"the plan deletes {_counted(len(self._deletes), 'resource')}, and max_deletes is {limit}",
            detail=_listed(self._deletes),
            hint=self._hint("max_deletes", len(self._deletes)),
            source=self._source("max_deletes"),
            related=_places(self._deletes),
        )

    def undeclared_deletes(self) -> Iterator[Diagnostic]:
        undeclared = [step for step in self._deletes if step.cause in {Cause.PRUNE, Cause.EXCLUSIVE}]
        limit = self.settings.max_delete_percent
        if not self._exceeds(len(undeclared), limit):
            return
        share = f"{len(undeclared)} of {self.owned} managed resources ({self._share(len(undeclared), limit)})"
        yield Diagnostic(
            "KIA0703",
            f"the plan deletes {share}, and max_delete_percent is {limit}",
            detail=f"Their blocks were removed, not set to ensure: absent. {_listed(undeclared)}",
            hint=f"declare them with ensure: absent, or {self._hint('max_delete_percent', self._needed(undeclared))}",
            source=self._source("max_delete_percent"),
            related=_places(undeclared),
        )

    def updates(self) -> Iterator[Diagnostic]:
        changed = list(
            {s.address: s for s in self.plan.steps if s.action in {Action.UPDATE, Action.RENAME}}.values()
        )  # a resource that is renamed and updated counts once
        limit = self.settings.max_update_percent
        if limit is None or not self._exceeds(len(changed), limit):
            return
        count = _counted(len(changed), "resource")
        share = f"{count}, with {self.owned} managed ({self._share(len(changed), limit)})"
        yield Diagnostic(
            "KIA0704",
            f"the plan changes {share}, and max_update_percent is {limit}",
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
                    "starting this batch dials contacts; pass --allow-start",
                    hint=f"pass --allow-start to dial them now, or set allow_start: true {self._where}",
                    address=step.address,
                    source=step.source,
                )

    def data_loss(self, allowed: Collection[Address]) -> Iterator[Diagnostic]:
        for step in self.plan.steps:
            if step.risk is Risk.DATA_LOSS and step.address not in allowed:
                yield Diagnostic(
                    "KIA0707",
                    "this deletes contacts or their data; pass --allow-data-loss ADDRESS",
                    detail=f"Reason of the step: {step.reason}.",
                    hint=f"to delete them for good, pass --allow-data-loss {shell_word(step.address, 'ADDRESS')}",
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
        """Where the limit is set; None for a default."""
        place = self.settings.place
        return place.at(key) if place is not None and key in place else None

    def _exceeds(self, count: int, percent: int) -> bool:
        return self.owned >= MIN_FOR_PERCENT and percent < 100 and count * 100 > percent * self.owned

    def _share(self, count: int, limit: int) -> str:
        """`38 %`; `more than 30 %` where rounding would hide that it exceeds the limit."""
        percent = count * 100 // self.owned
        return f"{percent} %" if percent > limit else f"more than {limit} %"

    def _needed(self, steps: Sequence[Step]) -> int:
        """The lowest percentage that allows these steps."""
        return min(100, -(-len(steps) * 100 // self.owned))


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _listed(steps: Sequence[Step]) -> str:
    return f"Affected: {', '.join(step.address for step in steps)}."


def _places(steps: Sequence[Step]) -> tuple[tuple[str, SourceRange], ...]:
    return tuple((f"{step.action.value} {step.address}", step.source) for step in steps if step.source)


def _moment(at: datetime) -> str:
    """`Mon 2026-03-30 19:00 Europe/Paris`; the day's name does not depend on the locale."""
    return f"{DAYS[at.weekday()]} {at:%Y-%m-%d %H:%M} {at.tzinfo}"
