"""The manifests of one environment put together, for people to look at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from kiamo_iac.core.diagnostics import Diagnostic
from kiamo_iac.manifest.composed import ComposedThing, composed_things

if TYPE_CHECKING:
    from kiamo_iac.app.opening import Workspace


def composed(
    workspace: Workspace, environment: str
) -> tuple[Mapping[str, tuple[ComposedThing, ...]], tuple[Diagnostic, ...]]:
    """Collection → the things of an environment with the origin of each value; and the warnings on them.

    Raises:
        UsageError: there is no such environment.
        ManifestError: the manifests hold errors.
    """
    loaded = workspace.load(environment, keep_parts=True)
    loaded.checked()
    return composed_things(loaded), loaded.diagnostics
