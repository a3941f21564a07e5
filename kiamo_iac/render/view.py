"""What every format says of a plan, worked out once: verdict, alarms, rows and counts. Formats only draw it.

A format draws `PlanView.alarms` and `PlanView.sections` alike, and the notes of each row: so a new alarm, a new list or
a new remark on a step is added here, and no format changes. Text of a view is data: each format escapes it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Self, assert_never

from kiamo_iac.core.address import Address
from kiamo_iac.core.diagnostics import Diagnostic, Severity, SourceRange, worst_first
from kiamo_iac.planner.plan import Action, Plan, Risk, Step
from kiamo_iac.render.diagnostics import DiagnosticGroup, counted, grouped

_GUARDS: Final = "KIA07"
"""Prefix of the codes of guards (see `codes`). In a plan they are notes: what `apply` will refuse."""

# --- alarms -----------------------------------------------------------------------------------------------------------


class Alarm(StrEnum):
    """What a person must not overlook about a step, worst first. Each of them means that it cannot be undone."""

    heading: str
    """The heading of the list of such steps."""
    label: str
    """Two or three words beside a step."""
    counted: tuple[str, str]
    """What one step does, and what several do."""

    def __new__(cls, value: str, heading: str, label: str, counted: tuple[str, str]) -> Self:
        """A member and its words."""
        alarm = str.__new__(cls, value)
        alarm._value_, alarm.heading, alarm.label, alarm.counted = value, heading, label, counted
        return alarm

    DATA_LOSS = "loss", "Data is lost", "data loss", ("loses data", "lose data")
    DIALS = "dials", "Contacts will be dialled", "dials contacts", ("dials contacts", "dial contacts")
    IRREVERSIBLE = "undone", "Cannot be undone", "cannot be undone", ("cannot be undone", "cannot be undone")


def alarms_of(step: Step) -> tuple[Alarm, ...]:
    """The alarms that a step raises, worst first.

    A start dials contacts whatever its risk, and one that also loses data raises both. A delete cannot be undone
    whatever its risk: the instance gives a new id to whatever is created in its place.
    """
    found = []
    if step.risk is Risk.DATA_LOSS:
        found.append(Alarm.DATA_LOSS)
    if step.action is Action.START:
        found.append(Alarm.DIALS)
    if not found and (step.risk is Risk.IRREVERSIBLE or step.action is Action.DELETE):
        found.append(Alarm.IRREVERSIBLE)
    return tuple(found)


def consequence(step: Step, alarm: Alarm) -> str:
    """What the alarm means for this step."""
    match alarm:
        case Alarm.DATA_LOSS:
            return "contacts or their data are deleted"
        case Alarm.DIALS:
            return "contacts will be dialled"
        case Alarm.IRREVERSIBLE:
            pass
        case _:
            assert_never(alarm)
    match step.action:
        case Action.STOP:
            return "once stopped, it never runs again"
        case Action.DELETE:
            return "its id and its history are lost"
        case Action.CREATE | Action.UPDATE | Action.RENAME | Action.PAUSE | Action.START:
            return "another apply cannot restore it"
        case _:
            assert_never(step.action)


def remark(step: Step) -> str:
    """The alarms of a step and what they mean, in one clause; empty without alarms."""
    found = alarms_of(step)
    if not found:
        return ""
    meanings = " and ".join(consequence(step, alarm) for alarm in found)
    return f"{'data loss, ' if Alarm.DATA_LOSS in found else ''}cannot be undone: {meanings}"


# --- rows and lists ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StepRow:
    """A step and what is shown with it."""

    step: Step
    alarms: tuple[Alarm, ...]
    remark: str
    """See `remark`."""
    changes: tuple[tuple[str, Any, Any], ...]
    """Attribute, before and after; empty for a create or a delete."""
    attributes: tuple[tuple[str, Any], ...]
    """The attributes of what is created or deleted, paths dotted; without a name that the address has."""
    notes: tuple[str, ...] = ()
    """Further sentences, drawn below the reason."""
    own_reason: str = ""
    """The reason of the step; empty where it is that of `PlanView.common_reasons`."""

    @property
    def removes(self) -> bool:
        """Whether the step deletes an object or data."""
        return self.step.action is Action.DELETE or Alarm.DATA_LOSS in self.alarms


COMMON_REASONS: Final = "Reasons of steps that show none"
"""The heading of the reasons that are given once."""


REPEATED: Final = 8
"""So many steps of one action have a reason that is given once; fewer give it each."""


@dataclass(frozen=True, slots=True)
class CommonReason:
    """The reason that most steps of one action have."""

    action: Action
    reason: str
    """Data."""
    count: int
    """How many steps have it; at least `REPEATED`."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a list."""

    address: Address
    action: Action | None = None
    words: str = ""
    """Its remark, in fixed words."""
    text: str = ""
    """The same where it holds data."""
    step: int | None = None
    """The id of its step, to link to."""
    source: SourceRange | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ListSection:
    """A titled list that every format draws the same way."""

    key: str
    """Names it within a page; lower-case letters."""
    title: str
    """The heading; fixed words, never data."""
    label: str
    """The same in two or three words."""
    entries: tuple[Entry, ...]
    alarm: bool = False
    """Whether it is drawn as an alarm: before the steps, and as a warning."""


class PlanVerdict(StrEnum):
    """What becomes of a plan."""

    REFUSED = "refused"
    """It has errors, and is not applied."""
    GUARDED = "guarded"
    """`apply` will be blocked by a guard unless an option allows it."""
    READY = "ready"
    UNCHANGED = "unchanged"
    """There is nothing to do."""


@dataclass(frozen=True, slots=True)
class PlanView:
    """A plan, ready to be drawn."""

    environment: str
    url: str
    verdict: PlanVerdict
    verdict_line: str
    """The verdict as one sentence; of an unchanged environment without its name, see `unchanged`."""
    counts: tuple[tuple[Action, int], ...]
    rows: tuple[StepRow, ...]
    alarms: tuple[ListSection, ...]
    """A list for each alarm that is raised, worst first."""
    errors: tuple[DiagnosticGroup, ...]
    """Why the plan is refused."""
    guards: tuple[DiagnosticGroup, ...]
    """Why `apply` will be blocked."""
    diagnostics: tuple[DiagnosticGroup, ...]
    """All of them, errors and guards included, worst first."""
    sections: tuple[ListSection, ...] = ()
    """Other lists, drawn after the steps."""
    common_reasons: tuple[CommonReason, ...] = ()
    """The reasons that a list of steps gives once, above them: see `StepRow.own_reason`."""
    also_deleted: int = 0
    """How many resources go with what is deleted: see `Plan.also_deleted`."""

    @property
    def also_deleted_text(self) -> str:
        """`12 resources go with it`; empty when none does."""
        if not self.also_deleted:
            return ""
        go = f"{counted(self.also_deleted, 'resource')} {'goes' if self.also_deleted == 1 else 'go'} with"
        return f"{go} {'it' if dict(self.counts)[Action.DELETE] == 1 else 'them'}"

    @property
    def summary(self) -> str:
        """`2 to create, 1 to delete (12 resources go with it); 1 to start.`: zero counts are left out."""
        runs = (Action.START, Action.PAUSE, Action.STOP)
        parts = {action: f"{count:,} to {action.value}" for action, count in self.counts if count}
        if self.also_deleted:
            parts[Action.DELETE] += f" ({self.also_deleted_text})"
        objects = ", ".join(part for action, part in parts.items() if action not in runs)
        commands = ", ".join(part for action, part in parts.items() if action in runs)
        return f"{'; '.join(filter(None, (objects, commands)))}."

    @property
    def lists(self) -> tuple[ListSection, ...]:
        """Every list, alarms first."""
        return (*self.alarms, *self.sections)

    @property
    def diagnostic_count(self) -> int:
        """How many diagnostics there are, each place counted."""
        return sum(group.count for group in self.diagnostics)

    @property
    def error_count(self) -> int:
        """How many errors the plan has, each place counted."""
        return sum(group.count for group in self.errors)

    @property
    def guard_count(self) -> int:
        """How many guards will block `apply`, each counted once however many steps it is about."""
        return len({group.first.code for group in self.guards})


def unchanged(environment: str) -> str:
    """The verdict on an environment without changes; `environment` is escaped already."""
    return f"No changes: {environment} matches its manifests."


# --- a plan as a view -------------------------------------------------------------------------------------------------


def plan_view(plan: Plan) -> PlanView:
    """Everything that a format says of `plan`."""
    common = _common_reasons(plan.steps)
    rows = tuple(_row(step, common) for step in plan.steps)
    ordered = worst_first(plan.diagnostics)
    errors = [diagnostic for diagnostic in ordered if diagnostic.severity is Severity.ERROR]
    guards = [diagnostic for diagnostic in ordered if _is_guard(diagnostic)]
    verdict = _verdict(plan, guarded=bool(guards))
    return PlanView(
        environment=plan.environment,
        url=plan.url,
        verdict=verdict,
        verdict_line=_verdict_line(verdict, rows, errors=len(errors), guards=len({guard.code for guard in guards})),
        counts=tuple(plan.summary.items()),
        rows=rows,
        alarms=tuple(_alarm_sections(rows)),
        errors=tuple(grouped(errors, least=2)),
        guards=tuple(grouped(guards, least=2)),
        diagnostics=tuple(grouped(ordered)),
        common_reasons=common,
        also_deleted=len(plan.also_deleted),
    )


def _common_reasons(steps: Sequence[Step]) -> tuple[CommonReason, ...]:
    """The most frequent reason of each action that `REPEATED` or more of its steps have, by action."""
    counts = Counter((step.action, step.reason) for step in steps)
    most: dict[Action, CommonReason] = {}
    for (action, reason), count in counts.items():
        if count >= REPEATED and (action not in most or count > most[action].count):
            most[action] = CommonReason(action, reason, count)
    return tuple(most[action] for action in Action if action in most)


def _is_guard(diagnostic: Diagnostic) -> bool:
    return diagnostic.code.startswith(_GUARDS) and diagnostic.severity is not Severity.ERROR


def _verdict(plan: Plan, *, guarded: bool) -> PlanVerdict:
    if not plan.applyable:
        return PlanVerdict.REFUSED
    if not plan.steps:
        return PlanVerdict.UNCHANGED
    return PlanVerdict.GUARDED if guarded else PlanVerdict.READY


def _verdict_line(verdict: PlanVerdict, rows: Sequence[StepRow], *, errors: int, guards: int) -> str:
    match verdict:
        case PlanVerdict.REFUSED:
            return f"Plan refused: {counted(errors, 'error')}."
        case PlanVerdict.GUARDED:
            return f"Apply will be blocked by {counted(guards, 'guard')}; {_risk_summary(rows)}."
        case PlanVerdict.READY:
            return f"{_risk_summary(rows)}."
        case PlanVerdict.UNCHANGED:
            return unchanged("the environment")
        case _:
            assert_never(verdict)


def _risk_summary(rows: Sequence[StepRow]) -> str:
    """`11 steps: 1 loses data, 1 dials contacts, 2 more cannot be undone`."""
    raised = Counter(alarm for row in rows for alarm in row.alarms)
    steps = counted(len(rows), "step")
    if not raised:
        return f"{steps}, {'reversible' if len(rows) == 1 else 'all reversible'}"
    parts = [
        f"{count:,}{' more' if alarm is Alarm.IRREVERSIBLE and len(raised) > 1 else ''} {alarm.counted[count != 1]}"
        for alarm in Alarm
        if (count := raised[alarm])
    ]
    return f"{steps}: {', '.join(parts)}"


def _row(step: Step, common: Sequence[CommonReason]) -> StepRow:
    changes = tuple(_changes(step))
    return StepRow(
        step,
        alarms=alarms_of(step),
        remark=remark(step),
        changes=changes,
        attributes=() if changes else tuple(_attributes(step)),
        own_reason="" if any(c.action is step.action and c.reason == step.reason for c in common) else step.reason,
    )


def _alarm_sections(rows: Sequence[StepRow]) -> Iterator[ListSection]:
    """A list for each alarm; a step is in the list of each alarm that it raises."""
    for alarm in Alarm:
        entries = tuple(_entry(row.step, alarm) for row in rows if alarm in row.alarms)
        if entries:
            yield ListSection(alarm.value, alarm.heading, alarm.label, entries, alarm=True)


def _entry(step: Step, alarm: Alarm) -> Entry:
    return Entry(
        step.address,
        action=step.action,
        words=consequence(step, alarm),
        step=step.id,
        source=step.source,
        reason=step.reason,
    )


def _changes(step: Step) -> Iterable[tuple[str, Any, Any]]:
    if step.changes:
        return ((change.path, change.before, change.after) for change in step.changes)
    if step.before and step.after:
        paths = dict.fromkeys([*step.before, *step.after])
        return ((path, step.before.get(path), step.after.get(path)) for path in paths)
    return ()


def _attributes(step: Step) -> Iterator[tuple[str, Any]]:
    for path, data in _flat(step.after or step.before):
        if not (path == "name" and data == step.address.name):
            yield path, data


def _flat(data: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, item in data.items():
        if isinstance(item, Mapping) and item:
            yield from _flat(item, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", item
