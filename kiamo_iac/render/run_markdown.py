"""The report of an apply as Markdown, for the summary of a CI job: what to do first, then a table of all steps.

As in a comment, data is in code only (`comment_page`). In a table, no backslash protects a `|` after another backslash,
so it is written as an escape.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kiamo_iac.core.errors import KiamoIacError
from kiamo_iac.planner.plan import Plan, Step
from kiamo_iac.render.comment_page import (
    NOTICE,
    SizeBudget,
    code,
    listed,
    marker,
    notice,
    provenance_lines,
    size,
    take,
)
from kiamo_iac.render.run import (
    DONE,
    FAILED,
    NOT_TRIED,
    ReportedStep,
    RunFacts,
    heading,
    rfc3339,
    totals,
    why,
    words,
)

_HEAD = ("step", "action", "resource", "outcome", "started at", "seconds")


def run_markdown(plan: Plan, results: Sequence[ReportedStep], facts: RunFacts, *, failure: KiamoIacError | None) -> str:
    """The page, below `comment_page.MAX_BYTES`, ending with a newline. `failure`: how the run ends; None: well."""
    steps = {result.step.id: result.step for result in results}
    budget = SizeBudget()
    head = [marker("apply", plan.environment), f"### Apply to {code(plan.environment)}", ""]
    head += [f"**{heading(results)}: {totals(results)}.**", ""]
    if failure is not None:
        head += [f"**Error:** {code(str(failure))}", ""]
        head += [f"**What to do next:** {code(failure.hint)}", ""] if failure.hint else []
    times = f"started at {code(rfc3339(facts.started_at))}, {facts.seconds:.1f} s"
    head += [f"Run {code(facts.run_id)} on {code(plan.url)}, {times}.", ""]
    head += provenance_lines(facts.provenance)
    budget.left -= size("\n".join(head)) + NOTICE
    for title, outcome in (("Failed", FAILED), ("Not tried", NOT_TRIED)):
        found = [result for result in results if result.status == outcome]
        head += listed(title, (_reason(result, steps) for result in found), budget, count=len(found))
    noted = [(result, note) for result in results for note in result.notes]
    head += listed(
        "Notes", (f"{_named(result.step)}: {code(note)}" for result, note in noted), budget, count=len(noted)
    )
    if not results:
        return "\n".join(head).rstrip("\n") + "\n"
    table = [_row(_HEAD), _row(["---:", "---", "---", "---", "---", "---:"])]
    budget.left -= size("\n".join(table)) + 1
    taken = take(([_row(list(_cells(result)))] for result in results), budget, count=len(results))
    left_out = [f"{taken.left_out:,} of {len(results):,} steps"] if taken.left_out else []
    return "\n".join([*head, *notice(left_out), *table, *taken.lines]) + "\n"


def _reason(result: ReportedStep, steps: dict[int, Step]) -> str:
    hint = f" Hint: {code(result.error.hint)}" if result.error is not None and result.error.hint else ""
    place = f" at {code(str(result.step.source))}" if result.step.source else ""
    return f"{_named(result.step)}{place}: {code(why(result, steps) or '')}{hint}"


def _named(step: Step) -> str:
    return f"{step.action.value} {code(step.address)}"


def _cells(result: ReportedStep) -> Iterator[str]:
    step, outcome = result.step, words(result.status)
    yield str(step.id)
    yield step.action.value
    yield code(str(step.address).replace("|", "\\u007c"))
    yield outcome if result.status == DONE else f"**{outcome}**"
    yield code(rfc3339(result.started_at)) if result.started_at is not None else "-"
    yield f"{result.seconds:.1f}" if result.started_at is not None else "-"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
