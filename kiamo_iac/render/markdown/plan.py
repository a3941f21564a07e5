"""A plan as a comment on a merge request: what matters first, the steps folded, and never too long to be posted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, assert_never

from kiamo_iac.core.diagnostics import Diagnostic, Severity
from kiamo_iac.planner.plan import Action, Plan, Risk, Step
from kiamo_iac.render.base import Style
from kiamo_iac.render.diagnostics import counted
from kiamo_iac.render.escape import value, visible
from kiamo_iac.render.markdown.page import NOTICE, Section, SizeBudget, code, folded, listed, marker, notice, size
from kiamo_iac.render.markdown.said import in_full, in_short
from kiamo_iac.render.wording import attributes, changes, consequence, held, remark, summary_line

_ERRORS: Final = 20
_RISKS: Final = 10
"""How many are named above the folds; all of them stand in the folds."""


class MarkdownPlan:
    """The Markdown format; the style of text does not touch it."""

    def __init__(self, style: Style) -> None:
        del style

    def render(self, plan: Plan) -> str:
        """The comment, below `page.MAX_BYTES`, ending with a newline."""
        room = SizeBudget()
        head = [marker("plan", plan.environment), f"### Plan for {code(plan.environment)}", "", *_counts(plan), ""]
        head += [f"Instance: {code(plan.url)}", ""] if plan.url else []
        room.left -= size("\n".join(head)) + NOTICE
        head += _alarms(plan, room)
        said = in_full(plan.diagnostics, room)
        gone = [step for step in plan.steps if is_loss(step)]
        rest = [step for step in plan.steps if not is_loss(step)]
        losses = _fold("Deletions and data loss", gone, room)
        others = _fold("The other steps" if gone else "Steps", rest, room)
        body = [*losses.lines, *others.lines, *said.lines]
        return "\n".join([*head, *notice(_missing(plan, losses, others, said)), *body]).rstrip("\n") + "\n"


def _fold(title: str, steps: Sequence[Step], room: SizeBudget) -> Section:
    return folded(f"{title}: {len(steps):,}", map(_lines, steps), room, count=len(steps), language="diff")


def is_loss(step: Step) -> bool:
    """Whether something is gone after it."""
    return step.action is Action.DELETE or step.risk is Risk.DATA_LOSS


def _counts(plan: Plan) -> Iterator[str]:
    errors = sum(d.severity is Severity.ERROR for d in plan.diagnostics)
    if not plan.applyable:
        yield f"**Refused: this plan will not be applied, because of {counted(errors, 'error')}.**"
        if plan.steps:
            yield ""
    if plan.steps:
        yield f"**{summary_line(plan)}**"
    elif plan.applyable:
        yield "**No changes:** it is as its manifests say."


def _alarms(plan: Plan, room: SizeBudget) -> list[str]:
    """Why it is refused, or will be by apply; what it loses, whom it dials, what cannot be undone: short lists."""
    errors = sorted((d for d in plan.diagnostics if d.severity is Severity.ERROR), key=Diagnostic.sort_key)
    lines = listed("Why it is refused", map(in_short, errors[:_ERRORS]), room, count=len(errors))
    guards = list(_guards(plan))
    lines += listed("Apply will refuse it as it stands", guards[:_RISKS], room, count=len(guards))
    lasting = [step for step in plan.steps if step.risk is not Risk.REVERSIBLE or step.action is Action.START]
    loses = [step for step in lasting if step.risk is Risk.DATA_LOSS]
    dials = [step for step in lasting if step.action is Action.START and step.risk is not Risk.DATA_LOSS]
    other = [step for step in lasting if step.action is not Action.START and step.risk is not Risk.DATA_LOSS]
    for title, steps in (("Data is lost", loses), ("People are dialled", dials), ("Cannot be undone", other)):
        lines += listed(title, map(_alarm, steps[:_RISKS]), room, count=len(steps))
    return lines


def _guards(plan: Plan) -> Iterator[str]:
    """Why apply will refuse it, each reason once, however many steps it holds for."""
    reasons: dict[tuple[str, str], list[Diagnostic]] = {}
    for said in held(plan):
        reasons.setdefault((said.code, said.summary), []).append(said)
    for first, *others in reasons.values():
        yield in_short(first) + (f" And {len(others):,} more of these." if others else "")


def _alarm(step: Step) -> str:
    return f"{step.action.value} {code(step.address)}: {consequence(step)}"


def _missing(plan: Plan, losses: Section, others: Section, said: Section) -> Iterator[str]:
    if steps := losses.left_out + others.left_out:
        yield f"{steps:,} of {len(plan.steps):,} steps"
    if said.left_out:
        yield f"{said.left_out:,} of {len(plan.diagnostics):,} diagnostics"


def _lines(step: Step) -> list[str]:
    """A step as lines of a diff, which GitHub and GitLab colour by their first sign."""
    sign = _sign(step.action)
    note = f", {said}" if (said := remark(step)) else ""
    lines = [f"{sign} {step.id}. {step.action.value} {visible(step.address)} ({visible(step.kind)}{note})"]
    both = list(changes(step))
    for path, before, after in both:
        lines += [f"-     {visible(path)}: {value(before)}", f"+     {visible(path)}: {value(after)}"]
    if not both:
        lines += [f"{sign}     {visible(path)}: {value(data)}" for path, data in attributes(step)]
    where = f"{visible(str(step.source))}: " if step.source else ""
    return [*lines, f"#     {where}{visible(step.reason)}"]


def _sign(action: Action) -> str:
    match action:
        case Action.CREATE:
            return "+"
        case Action.DELETE:
            return "-"
        case Action.UPDATE | Action.RENAME | Action.START | Action.PAUSE | Action.STOP:
            return "!"
        case _:
            assert_never(action)
