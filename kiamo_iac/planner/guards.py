"""Guards: every limit that a plan exceeds, with its numbers and the option or setting that allows it. No single option
lifts all of them, on purpose."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from kiamo_iac.core.address import Address, covered
from kiamo_iac.core.change_window import DAYS
from kiamo_iac.core.diagnostics import Diagnostic, Severity, SourceRange
from kiamo_iac.core.printable import shell_word
from kiamo_iac.core.settings import FEW, GuardSettings
from kiamo_iac.core.state import Ownership, State
from kiamo_iac.planner.plan import Action, Cause, Plan, Risk, Standing, Step
from kiamo_iac.resources import kinds


@dataclass(frozen=True, slots=True)
class Consents:
    """What the options of one run allow. An address covers what stands below it."""

    every_start: bool = False
    """`--allow-start`"""
    starts: tuple[Address, ...] = ()
    """`--allow-start-of`"""
    stops: tuple[Address, ...] = ()
    """`--allow-stop`"""
    data_loss: tuple[Address, ...] = ()
    """`--allow-data-loss`"""


NO_CONSENTS: Final = Consents()


def managed_count(desired: State) -> int:
    """How many resources are declared to be managed: a reference only has to exist, and declares nothing."""
    return sum(resource.lifecycle.managed for resource in desired)


def check_guards(
    plan: Plan,
    settings: GuardSettings,
    *,
    owned: Ownership | None,
    declared: int,
    now: datetime,
    consents: Consents = NO_CONSENTS,
) -> tuple[Diagnostic, ...]:
    """Every guard that blocks `plan`, in a fixed order; empty when it may be applied. A plan without steps always may.

    `owned`: the ledger's entries (None: there is no ledger), `declared`: see `managed_count`, `now`: with a time zone.

    Raises:
        ValueError: there is a change window, and `now` has no time zone.
    """
    if not plan.steps:
        return ()
    guard = _Guard(plan, settings, len(owned or ()), consents)
    return (*guard.hours(now), *guard.limits(declared))


def preview_guards(
    plan: Plan, settings: GuardSettings, *, owned: Ownership | None, declared: int
) -> tuple[Diagnostic, ...]:
    """The guards that would block an apply of `plan` without options, as notes. The change window is not among them: it
    depends on when the apply runs."""
    return tuple(
        replace(refusal, severity=Severity.NOTE, summary=f"apply will be blocked: {refusal.summary}")
        for refusal in _Guard(plan, settings, len(owned or ()), NO_CONSENTS).limits(declared)
    )


@dataclass(frozen=True, slots=True)
class _Guard:
    plan: Plan
    settings: GuardSettings
    owned: int
    consents: Consents

    def limits(self, declared: int) -> Iterator[Diagnostic]:
        """All guards but the change window."""
        yield from self.nothing_declared(declared)
        yield from self.deletes()
        yield from self.undeclared_deletes()
        yield from self.updates()
        yield from self.starts()
        yield from self.stops()
        yield from self.data_loss()

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

    def nothing_declared(self, declared: int) -> Iterator[Diagnostic]:
        pruned = self._deletes(Cause.PRUNE)
        if declared or not pruned:
            return
        yield Diagnostic(
            "KIA0705",
            f"the manifests declare nothing that is managed, and the plan prunes {_resources(_number(pruned))}",
            detail=f"The manifests folder is probably empty, or the wrong one. {_listed(pruned)}",
            hint="correct manifests in the project file; to delete resources, declare them with ensure: absent",
        )

    def deletes(self) -> Iterator[Diagnostic]:
        limit, deletes = self.settings.max_deletes, self._deletes(*Cause)
        number = _number(deletes)
        if limit is None or number <= limit:
            return
        yield Diagnostic(
            "KIA0702",
            f"the plan deletes {_resources(number)}, and max_deletes is {limit}",
            detail=_listed(deletes),
            hint=self._hint("max_deletes", number),
            source=self._source("max_deletes"),
            related=_places(deletes),
        )

    def undeclared_deletes(self) -> Iterator[Diagnostic]:
        limit, undeclared = self.settings.delete_percent(self.owned), self._deletes(Cause.PRUNE, Cause.EXCLUSIVE)
        number = _number(undeclared)
        if not self._exceeds(number, limit):
            return
        default = f" (the default below {FEW})" if self.settings.max_delete_percent is None and self.owned < FEW else ""
        yield Diagnostic(
            "KIA0703",
            f"the plan deletes {self._part(number, limit)}, and max_delete_percent is {limit}{default}",
            detail=f"Their blocks were removed, not set to ensure: absent. {_listed(undeclared)}",
            hint=f"declare them with ensure: absent, or {self._hint('max_delete_percent', self._needed(number))}",
            source=self._source("max_delete_percent"),
            related=_places(undeclared),
        )

    def updates(self) -> Iterator[Diagnostic]:
        changed = list(
            {s.address: s for s in self.plan.steps if s.action in {Action.UPDATE, Action.RENAME}}.values()
        )  # a resource that is renamed and updated counts once
        limit = self.settings.max_update_percent
        if limit is None or self.owned < FEW or not self._exceeds(len(changed), limit):
            return
        yield Diagnostic(
            "KIA0704",
            f"the plan changes {self._part(len(changed), limit)}, and max_update_percent is {limit}",
            detail=_listed(changed),
            hint=self._hint("max_update_percent", self._needed(len(changed))),
            source=self._source("max_update_percent"),
            related=_places(changed),
        )

    def starts(self) -> Iterator[Diagnostic]:
        for step in self.plan.steps:
            if step.action is not Action.START or self._may_start(step):
                continue
            setting = "" if step.cause is Cause.OWED else f", or set allow_start: true {self._where}"
            yield Diagnostic(
                "KIA0701",
                "starting this batch dials contacts; pass --allow-start",
                detail="An earlier run owes this start: allow_start does not cover it."
                if step.cause is Cause.OWED and self.settings.allow_start
                else None,
                hint=f"pass --allow-start to dial them now, or --allow-start-of ADDRESS for one batch{setting}",
                address=step.address,
                source=step.source,
            )

    def _may_start(self, step: Step) -> bool:
        if self.consents.every_start or covered(step.address, self.consents.starts):
            return True
        return self.settings.allow_start and step.cause is not Cause.OWED

    def stops(self) -> Iterator[Diagnostic]:
        running = self._running()
        for step in self.plan.steps:
            if step.action is not Action.STOP or covered(step.address, self.consents.stops):
                continue
            unmanaged = step.standing is Standing.UNMANAGED
            if not unmanaged and self.settings.allow_stop:
                continue
            if step.address in running:
                what = "this batch is running"
            elif step.standing is not Standing.MANAGED:
                what = "this batch is not managed"
            else:
                continue
            setting = "" if unmanaged else f", or set allow_stop: true {self._where}"
            yield Diagnostic(
                "KIA0708",
                f"{what}, and a stopped batch never runs again; pass --allow-stop ADDRESS",
                detail=f"Reason of the step: {step.reason}.",
                hint=f"to stop it for good, pass --allow-stop {shell_word(step.address, 'ADDRESS')}{setting}",
                address=step.address,
                source=step.source,
            )

    def _running(self) -> set[Address]:
        """The addresses that the plan finds running, even if it pauses them before it stops them."""
        found: dict[Address, bool] = {}
        for step in self.plan.steps:
            if step.action in {Action.START, Action.PAUSE, Action.STOP}:
                machine = kinds()[step.kind].machine
                found.setdefault(step.address, machine is not None and step.before.get("state") in machine.running)
        return {address for address, runs in found.items() if runs}

    def data_loss(self) -> Iterator[Diagnostic]:
        for step in self.plan.steps:
            if step.risk is Risk.DATA_LOSS and not covered(step.address, self.consents.data_loss):
                yield Diagnostic(
                    "KIA0707",
                    "this deletes contacts or their data; pass --allow-data-loss ADDRESS",
                    detail=f"Reason of the step: {step.reason}.",
                    hint=f"to delete them for good, pass --allow-data-loss {shell_word(step.address, 'ADDRESS')}",
                    address=step.address,
                    source=step.source,
                )

    def _deletes(self, *causes: Cause) -> list[Step]:
        return [step for step in self.plan.steps if step.action is Action.DELETE and step.cause in causes]

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
        return self.owned > 0 and percent < 100 and count * 100 > percent * self.owned

    def _part(self, number: int, limit: int) -> str:
        """`4 resources, with 10 managed (40 %)`; `more than 30 %` where rounding would hide what exceeds the limit."""
        percent = number * 100 // self.owned
        share = f"{percent} %" if percent > limit else f"more than {limit} %"
        return f"{_resources(number)}, with {self.owned} managed ({share})"

    def _needed(self, number: int) -> int:
        """The lowest percentage that allows as many resources."""
        return min(100, -(-number * 100 // self.owned))


def _number(deletes: Sequence[Step]) -> int:
    """How many resources go: what is deleted, and what is below it."""
    return len({address for step in deletes for address in (step.address, *step.also_deletes)})


def _resources(number: int) -> str:
    return "1 resource" if number == 1 else f"{number} resources"


def _listed(steps: Sequence[Step]) -> str:
    return f"Affected: {', '.join(map(_with_below, steps))}."


def _with_below(step: Step) -> str:
    return f"{step.address} (and {len(step.also_deletes)} below it)" if step.also_deletes else step.address


def _places(steps: Sequence[Step]) -> tuple[tuple[str, SourceRange], ...]:
    return tuple((f"{step.action.value} {step.address}", step.source) for step in steps if step.source)


def _moment(at: datetime) -> str:
    """`Mon 2026-03-30 19:00 Europe/Paris`; the day's name does not depend on the locale."""
    return f"{DAYS[at.weekday()]} {at:%Y-%m-%d %H:%M} {at.tzinfo}"
