"""Plan and drift as a comment on a merge request, for GitHub and GitLab: what matters first, the rest folded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final, assert_never

from kiamo_iac.core.diagnostics import Severity
from kiamo_iac.planner.plan import Action, Plan
from kiamo_iac.render.base import Style
from kiamo_iac.render.comment_page import (
    NOTICE,
    SizeBudget,
    TakenParts,
    code,
    folded,
    listed,
    marker,
    notice,
    provenance_lines,
    size,
)
from kiamo_iac.render.diagnostics import DiagnosticGroup, counted, tally
from kiamo_iac.render.escape import value, visible
from kiamo_iac.render.view import (
    COMMON_REASONS,
    Entry,
    ListSection,
    PlanVerdict,
    PlanView,
    StepRow,
    plan_view,
    unchanged,
)

if TYPE_CHECKING:
    from kiamo_iac.core.provenance import PlanProvenance
    from kiamo_iac.planner.drift import Drift
    from kiamo_iac.render.view_drift import DriftRow, DriftView

_ERRORS: Final = 20
_NAMED: Final = 10
"""How many of a list are named above the folds; all of them are in the folds."""
_DIAGNOSTICS: Final = 14_000
"""Bytes of a comment, at most, for the diagnostics, so that they leave room for the steps."""


class MarkdownPlan:
    """The Markdown format of a plan; the style of text does not touch it."""

    def __init__(self, style: Style) -> None:
        del style

    def render(self, plan: Plan, provenance: PlanProvenance | None = None) -> str:
        """The comment, below `comment_page.MAX_BYTES`, ending with a newline."""
        return self.draw(plan_view(plan), provenance)

    def draw(self, view: PlanView, provenance: PlanProvenance | None = None) -> str:
        """The same of a view."""
        budget = SizeBudget()
        head = [marker("plan", view.environment), f"### Plan for {code(view.environment)}", "", _verdict(view), ""]
        head += [f"Plan: {view.summary}", ""] if view.rows else []
        head += [f"Instance: {code(view.url)}", ""] if view.url else []
        head += provenance_lines(provenance)
        budget.left -= size("\n".join(head)) + NOTICE
        head += _named("Errors", view.errors, budget, most=_ERRORS)
        head += _named("Apply will be blocked", view.guards, budget, most=_NAMED)
        for section in view.lists:
            head += _list(section, budget)
        reasons = (
            f"{each.action.value}: {code(each.reason)}, {counted(each.count, 'step')}" for each in view.common_reasons
        )
        head += listed(COMMON_REASONS, reasons, budget, count=len(view.common_reasons))
        diagnostics = _diagnostics(view, budget)
        removing = [row for row in view.rows if row.removes]
        rest = [row for row in view.rows if not row.removes]
        losses = _fold("Deletions and data loss", map(_step_lines, removing), len(removing), budget)
        others = _fold("Other steps" if removing else "Steps", map(_step_lines, rest), len(rest), budget)
        missing = []
        if left_out := losses.left_out + others.left_out:
            missing.append(f"{left_out:,} of {len(view.rows):,} steps")
        if diagnostics.left_out:
            missing.append(f"{diagnostics.left_out:,} of {view.diagnostic_count:,} diagnostics")
        return _page([*head, *notice(missing), *losses.lines, *others.lines, *diagnostics.lines])


class MarkdownDrift:
    """The Markdown format of a drift; the style of text does not touch it."""

    def __init__(self, style: Style) -> None:
        del style

    def render(self, drift: Drift, *, environment: str) -> str:
        """The comment, below `comment_page.MAX_BYTES`, ending with a newline."""
        from kiamo_iac.render.view_drift import drift_view

        return self.draw(drift_view(drift, environment=environment))

    def draw(self, view: DriftView) -> str:
        """The same of a view."""
        from kiamo_iac.render.view_drift import NO_LEDGER, OUTSIDE_GIT

        budget = SizeBudget()
        head = [marker("drift", view.environment), f"### Drift of {code(view.environment)}", ""]
        head += [f"**{view.verdict_line}**", "", view.summary, ""] if view.drifted else [f"**{view.summary}**", ""]
        head += [] if view.ledger else [NO_LEDGER, ""]
        budget.left -= size("\n".join(head)) + NOTICE
        for section in (*view.alarms, *view.sections):
            head += _list(section, budget)
        outside = [row for row in view.rows if row.outside_git]
        by_git = [row for row in view.rows if not row.outside_git]
        elsewhere = _fold(OUTSIDE_GIT, map(_drift_lines, outside), len(outside), budget)
        in_git = _fold("Changed in git", map(_drift_lines, by_git), len(by_git), budget)
        left_out = elsewhere.left_out + in_git.left_out
        missing = [f"{left_out:,} of {len(view.rows):,} drifted resources"] if left_out else []
        return _page([*head, *notice(missing), *elsewhere.lines, *in_git.lines])


def _page(lines: Iterable[str]) -> str:
    return "\n".join(lines).rstrip("\n") + "\n"


def _verdict(view: PlanView) -> str:
    return unchanged(code(view.environment)) if view.verdict is PlanVerdict.UNCHANGED else f"**{view.verdict_line}**"


def _list(section: ListSection, budget: SizeBudget) -> list[str]:
    items = map(_item, section.entries[:_NAMED])
    return listed(section.title, items, budget, count=len(section.entries))


def _item(entry: Entry) -> str:
    action = f"{entry.action.value} " if entry.action is not None else ""
    parts = (f"{action}{code(entry.address)}", entry.words, code(entry.text) if entry.text else "")
    return ": ".join(filter(None, parts))


def _fold(title: str, parts: Iterable[Sequence[str]], count: int, budget: SizeBudget) -> TakenParts:
    return folded(f"{title}: {count:,}", parts, budget, count=count, language="diff")


def _step_lines(row: StepRow) -> list[str]:
    """A step as lines of a diff, which GitHub and GitLab colour by their first sign."""
    step = row.step
    sign = _action_sign(step.action)
    note = f", {row.remark}" if row.remark else ""
    lines = [f"{sign} {step.id}. {step.action.value} {visible(step.address)} ({visible(step.kind)}{note})"]
    for path, before, after in row.changes:
        lines += [f"-     {visible(path)}: {value(before)}", f"+     {visible(path)}: {value(after)}"]
    lines += [f"{sign}     {visible(path)}: {value(data)}" for path, data in row.attributes]
    where = visible(str(step.source)) if step.source else ""
    why = ": ".join(filter(None, (where, visible(row.own_reason))))
    return [*lines, *(f"#     {line}" for line in (why, *map(visible, row.notes)) if line)]


def _drift_lines(row: DriftRow) -> list[str]:
    resource = row.resource
    head = f"! {visible(resource.address)} ({visible(resource.kind)}): {row.event_text}"
    return [head, *(f"      {line}" for line in row.lines), *(f"#     {line}" for line in row.notes)]


def _action_sign(action: Action) -> str:
    match action:
        case Action.CREATE:
            return "+"
        case Action.DELETE:
            return "-"
        case Action.UPDATE | Action.RENAME | Action.START | Action.PAUSE | Action.STOP:
            return "!"
        case _:
            assert_never(action)


# --- diagnostics ------------------------------------------------------------------------------------------------------


def _named(title: str, groups: Sequence[DiagnosticGroup], budget: SizeBudget, *, most: int) -> list[str]:
    """The first groups in a few words each: code, place, what is wrong and what to do about it, on one line."""
    return listed(title, map(_one_line, groups[:most]), budget, count=len(groups))


def _one_line(group: DiagnosticGroup) -> str:
    diagnostic = group.first
    place = f" at {code(str(diagnostic.source))}" if diagnostic.source else ""
    hint = f" Hint: {code(diagnostic.hint)}" if diagnostic.hint else ""
    more = f" And {len(group.others):,} more of these." if group.others else ""
    return f"**{code(diagnostic.code)}**{place}: {code(diagnostic.summary)}{hint}{more}"


def _diagnostics(view: PlanView, budget: SizeBudget) -> TakenParts:
    """Every group, worst first, with all that there is to say about it; what is left out counts each place."""
    inside = SizeBudget(min(budget.left, _DIAGNOSTICS))
    given = inside.left
    title = f"Diagnostics: {tally(one for group in view.diagnostics for one in (group.first, *group.others))}"
    parts = (list(_diagnostic_lines(group)) for group in view.diagnostics)
    taken = folded(title, parts, inside, count=len(view.diagnostics), language="diff")
    taken.left_out = sum(group.count for group in view.diagnostics[taken.shown :])
    budget.left -= given - inside.left
    return taken


def _diagnostic_lines(group: DiagnosticGroup) -> Iterator[str]:
    diagnostic = group.first
    place = f" {visible(str(diagnostic.source))}:" if diagnostic.source else ""
    label = f"{diagnostic.severity.value} {visible(diagnostic.code)}"
    yield f"{_severity_sign(diagnostic.severity)} {label}{place} {visible(diagnostic.summary)}"
    if diagnostic.address:
        yield f"      of {visible(diagnostic.address)}"
    if diagnostic.detail:
        yield f"      {visible(diagnostic.detail)}"
    yield from (f"      {visible(str(where))}: {visible(message)}" for message, where in diagnostic.related)
    if diagnostic.hint:
        yield f"      hint: {visible(diagnostic.hint)}"
    if more := group.more():
        yield f"      {visible(more)}"


def _severity_sign(severity: Severity) -> str:
    """What a fence of the language `diff` colours red, orange and grey."""
    match severity:
        case Severity.ERROR:
            return "-"
        case Severity.WARNING:
            return "!"
        case Severity.NOTE:
            return "#"
        case _:
            assert_never(severity)
