"""Which formats there are of what: names and where their renderers stand; nothing is imported to know them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

PLAN_FORMATS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "text": "kiamo_iac.render.text:TextPlan",
        "json": "kiamo_iac.render.json_plan:JsonPlan",
    }
)
"""Format of a plan → `module:class` (a `base.PlanRenderer`), imported when it is asked for."""

DRIFT_FORMATS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "text": "kiamo_iac.render.drift:TextDrift",
        "json": "kiamo_iac.render.drift_json:JsonDrift",
    }
)
"""The same of a drift (a `base.DriftRenderer`)."""

CHECK_FORMATS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "text": "kiamo_iac.render.diagnostics:TextCheck",
        "json": "kiamo_iac.render.diagnostics:JsonCheck",
    }
)
"""The same of what `validate` found (a `base.CheckRenderer`)."""
