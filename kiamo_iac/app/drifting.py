"""Three sides of an environment compared: who changed what since the last apply."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kiamo_iac.app.owning import owned_by
from kiamo_iac.app.planning import read_sides
from kiamo_iac.planner.drift import Drift, drift

if TYPE_CHECKING:
    from kiamo_iac.app.opening import Workspace


def drift_of(workspace: Workspace, environment: str | None) -> tuple[str, Drift]:
    """The name of the environment, and its drift. Nothing is written, and no lock is taken.

    Raises:
        UsageError: the environment, its address or its token is missing or refused.
        KiamoIacError: as `planning.read_sides`.
    """
    target = workspace.target(environment)
    sides = read_sides(workspace, target, owned=lambda: owned_by(workspace, target.name))
    return target.name, drift(sides.desired, sides.live, sides.owned)
