"""A plan for every environment of a project, side by side."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from kiamo_iac.app.planning import planned
from kiamo_iac.core.errors import KiamoIacError, UsageError
from kiamo_iac.manifest.sources import Sources
from kiamo_iac.render.environments import Row

if TYPE_CHECKING:
    from kiamo_iac.app.opening import Workspace
    from kiamo_iac.planner.plan_file import Options

AT_A_TIME: Final = 4
"""Environments that are read at the same time."""


def plan_all(workspace: Workspace, options: Options) -> list[Row]:
    """A plan, or an error, for every environment, in the order of the project file. Nothing is written.

    Raises:
        UsageError: the project has no environments.
    """
    names = list(workspace.project.environments)
    if not names:
        msg = "The project has no environments."
        raise UsageError(msg, hint="add one under environments: in the project file")
    together = replace(workspace, sources=Sources(workspace.project.root, keep=True))
    pool = ThreadPoolExecutor(AT_A_TIME, thread_name_prefix="plan")
    try:
        futures = [pool.submit(_row, together, name, options) for name in names]
        _wait(futures)
        return [future.result() for future in futures]
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _row(workspace: Workspace, name: str, options: Options) -> Row:
    try:
        return Row(name, planned(workspace, name, options).plan)
    except KiamoIacError as error:
        return Row(name, None, error)


def _wait(futures: list[Future[Row]]) -> None:
    """In turns, since on Windows a wait without an end cannot be interrupted."""
    while wait(futures, timeout=0.5).not_done:
        continue
