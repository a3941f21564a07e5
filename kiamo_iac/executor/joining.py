"""A rename and the update of the same resource behind it as one call, where nothing has to happen between them.

A plan has a step for each. They are performed as a `JoinedStep`, and what becomes of that is a result for each.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Final

from kiamo_iac.executor.report import Effect, Status, StepResult
from kiamo_iac.planner.plan import Action, Step


@dataclass(frozen=True, slots=True)
class JoinedStep(Step):
    """A rename that makes an update in the same call. It has the id of the rename."""

    parts: tuple[Step, Step] = field(kw_only=True)
    """The rename and the update, as the plan has them."""


_FIELDS: Final = tuple(each.name for each in fields(Step))


def joined(steps: Iterable[Step]) -> list[Step]:
    """The steps to perform, in their order: those of a plan, with each rename and the update behind it as one.

    An update waits for its rename, and for nothing that comes after that: else it stays a step of its own.
    """
    by_id = {step.id: step for step in steps}
    with_rename: dict[int, int] = {}
    """Id of an update → that of its rename."""
    for step in by_id.values():
        rename = by_id.get(max(step.depends_on, default=0))  # what it waits for last
        if (
            step.action is Action.UPDATE
            and rename is not None
            and (rename.action, rename.address) == (Action.RENAME, step.address)
        ):
            with_rename[step.id] = rename.id
    if not with_rename:
        return list(by_id.values())
    updates = {rename: by_id[update] for update, rename in with_rename.items()}
    found: list[Step] = []
    for step in by_id.values():
        if step.id not in with_rename:
            needed = {with_rename.get(id_, id_) for id_ in step.depends_on}
            update = updates.get(step.id)
            if update is not None:
                needed |= {with_rename.get(id_, id_) for id_ in update.depends_on if id_ != step.id}
                step = _joined(step, update)  # noqa: PLW2901 - it stands for both
            found.append(replace(step, depends_on=tuple(sorted(needed))))
    return found


def _joined(rename: Step, update: Step) -> JoinedStep:
    values = {name: getattr(rename, name) for name in _FIELDS}
    values |= {
        "before": {**rename.before, **update.before},
        "after": {**rename.after, **update.after},
        "changes": (*rename.changes, *update.changes),
        "seen": {**rename.seen, **update.seen},
    }
    return JoinedStep(**values, parts=(rename, update))


def parts_of(step: Step) -> tuple[Step, ...]:
    """The steps of the plan that a step stands for."""
    return step.parts if isinstance(step, JoinedStep) else (step,)


def results_of(results: Sequence[StepResult]) -> list[StepResult]:
    """A result for each step of the plan."""
    return [part for result in results for part in _apart(result)]


def _apart(result: StepResult) -> Iterable[StepResult]:
    if not isinstance(result.step, JoinedStep):
        return (result,)
    rename, update = result.step.parts
    outcome = result.outcome
    named = replace(outcome, kept=(), notes=()) if outcome is not None else None
    if result.status is Status.FAILED and result.effect is Effect.NONE:
        return replace(result, step=rename), StepResult(update, Status.SKIPPED, because=rename.id)
    return replace(result, step=rename, outcome=named), replace(result, step=update)
