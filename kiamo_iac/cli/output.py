"""Plans, drifts and check results written to stdout in the chosen format, and to the summary of a GitHub step."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from kiamo_iac.cli.terminal import is_terminal, write_data, write_message
from kiamo_iac.core.printable import shell_word
from kiamo_iac.core.secret import conceal
from kiamo_iac.render.formats import REPOSITORY_FORMATS

if TYPE_CHECKING:
    from kiamo_iac.app.validation import Validation
    from kiamo_iac.cli.session import Session
    from kiamo_iac.core.provenance import PlanProvenance
    from kiamo_iac.planner.drift import Drift
    from kiamo_iac.planner.plan import Plan


WITH_PROVENANCE: Final = frozenset({"json", "markdown", "html", "github"})
"""Formats of a plan that show where it comes from; `github` in the step's summary."""
COMPACT_ABOVE: Final = 60
"""Steps; a longer plan is shown compact on a terminal, unless an option says how."""


def show_plan(
    plan: Plan,
    session: Session,
    *,
    output: str,
    compact: bool | None = None,
    provenance: PlanProvenance | None = None,
    command: str = "",
) -> None:
    """Write a plan; as `github`, also to the step's summary. `compact`: one line for each step; None: where there are
    many and stdout is a terminal. `command`: the one that applies the plan.
    """
    from kiamo_iac.app.repository_paths import plan_in_repository
    from kiamo_iac.render.base import plan_renderer

    if output == "text":
        write_plan_text(plan, session, compact=compact)
        return
    if output == "html":
        write_data(_plan_page(plan, session, provenance, command), utf8=True)
        return
    if output in REPOSITORY_FORMATS:
        plan = plan_in_repository(plan, _project_prefix(session))
    style = session.style(sys.stdout)
    write_data(plan_renderer(output, style).render(plan, provenance), utf8=True)
    if output == "github":
        add_to_step_summary(plan_renderer("markdown", style).render(plan, provenance))


def apply_command(file: Path) -> str:
    """The command that applies a saved plan."""
    return f"kiamo-iac apply {shell_word(file.as_posix(), 'PLANFILE')}"


def _plan_page(plan: Plan, session: Session, provenance: PlanProvenance | None, command: str) -> str:
    from kiamo_iac.app.source_pages import source_pages
    from kiamo_iac.render.base import PageContext
    from kiamo_iac.render.html.plan import HtmlPlan

    project = _project_file(session)
    sources = source_pages(project.parent, provenance, os.environ) if project is not None and provenance else None
    return HtmlPlan(session.style(sys.stdout)).render(plan, provenance, PageContext(command, sources or ""))


def check_compact(compact: bool | None, *, output: str) -> None:
    """Return if `compact` is not passed, or `output` has a compact form.

    Raises:
        UsageError: it has none.
    """
    if compact is not None and output != "text":
        from kiamo_iac.core.errors import UsageError

        msg = "--compact and --no-compact are for --format text."
        raise UsageError(msg)


def write_plan_text(plan: Plan, session: Session, *, compact: bool | None, to_stderr: bool = False) -> None:
    """Write a plan as text; `compact` as `show_plan` has it."""
    from kiamo_iac.render.text import TextPlan

    stream = sys.stderr if to_stderr else sys.stdout
    by_itself = compact is None and len(plan.steps) > COMPACT_ABOVE and is_terminal(stream)
    style = replace(session.style(stream), compact=by_itself or bool(compact))
    text = TextPlan(style).render(plan)
    if to_stderr:
        write_message(text, nl=False)
    else:
        write_data(text)
    if by_itself:
        write_message(
            f"Compact, because the plan has {len(plan.steps):,} steps: pass --no-compact for all of each step."
        )


@contextmanager
def show_refusal(session: Session, *, environment: str, output: str) -> Iterator[None]:
    """Show manifests with errors as a refused plan, in the formats for comments and annotations.

    The error is raised again and reported on stderr as usual.
    """
    from kiamo_iac.core.errors import ManifestError

    try:
        yield
    except ManifestError as error:
        if output in {"markdown", "github"} and error.diagnostics:
            from kiamo_iac.planner.plan import Plan

            show_plan(Plan(environment, "", (), error.diagnostics), session, output=output)
        raise


def show_drift(drift: Drift, session: Session, *, environment: str, output: str) -> None:
    """Write a drift; as `github`, also to the step's summary."""
    from kiamo_iac.app.repository_paths import drift_in_repository
    from kiamo_iac.render.base import drift_renderer

    if output in REPOSITORY_FORMATS:
        drift = drift_in_repository(drift, _project_prefix(session))
    style = session.style(sys.stdout)
    write_data(drift_renderer(output, style).render(drift, environment=environment), utf8=output != "text")
    if output == "github":
        add_to_step_summary(drift_renderer("markdown", style).render(drift, environment=environment))


def show_check(found: Validation, session: Session, *, output: str, strict: bool, seconds: float) -> None:
    """Write the result of `validate`, which took so long."""
    from kiamo_iac.render.base import CheckReport, check_renderer

    if output in REPOSITORY_FORMATS or len(found.parts) > 1:  # files of several projects may have equal names
        from kiamo_iac.app.repository_paths import checked_in_repository

        checked = checked_in_repository(found, strict=strict)
    elif output == "text" and any(part.root != Path.cwd() for part in found.parts):  # to be clicked on
        from kiamo_iac.app.repository_paths import below_here, checked_in_repository

        checked = checked_in_repository(found, strict=strict, below=below_here)
    else:
        checked = CheckReport(found.diagnostics, files=found.files, things=found.resources, strict=strict)
    checked = replace(checked, seconds=seconds)
    write_data(check_renderer(output, session.style(sys.stdout)).render(checked), utf8=output != "text")


def _project_prefix(session: Session) -> str:
    """The folder of the project in its repository; empty without a project, where a saved plan may be shown."""
    from kiamo_iac.app.repository_paths import below_repository

    file = _project_file(session)
    return below_repository(file.parent) if file is not None else ""


def _project_file(session: Session) -> Path | None:
    from kiamo_iac.app.project import project_above

    return session.project or project_above(Path.cwd())


VARIABLE: Final = "GITHUB_STEP_SUMMARY"

MAX_BYTES: Final = 1024 * 1024
"""The limit of GitHub for one step; above it, no summary is shown."""


def add_to_step_summary(markdown: str) -> None:
    """Append `markdown` to the step's summary, if there is one.

    A summary that cannot be written, or would be too long, is reported on stderr and does not fail the run.
    """
    name = os.environ.get(VARIABLE)
    if not name:
        return
    path = Path(name)
    data = f"{conceal(markdown)}\n".encode("utf-8", "backslashreplace")
    try:
        if (path.stat().st_size if path.exists() else 0) + len(data) > MAX_BYTES:
            write_message(f"The step's summary is full ({MAX_BYTES // 1024} KiB): nothing was added to it.")
            return
        with path.open("ab") as stream:
            stream.write(data)
    except OSError as error:
        write_message(f"The step's summary could not be written: {error.strerror or type(error).__name__}.")
