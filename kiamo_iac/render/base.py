"""The protocol that every plan format meets, the style of text formats, and the registry of formats."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

from kiamo_iac.planner.plan import Plan
from kiamo_iac.render.symbols import UNICODE, Symbols


@dataclass(frozen=True, slots=True)
class Style:
    """How text may look where it is going."""

    symbols: Symbols = UNICODE
    color: bool = False
    """Whether ANSI colours are understood there; nothing is ever told by colour alone."""


class PlanRenderer(Protocol):
    """One format of a plan."""

    def __init__(self, style: Style) -> None: ...

    def render(self, plan: Plan) -> str:
        """The whole plan, ending with a newline."""
        ...


PLAN_FORMATS: Mapping[str, str] = MappingProxyType(
    {
        "text": "kiamo_iac.render.text:TextPlan",
        "json": "kiamo_iac.render.json_plan:JsonPlan",
    }
)
"""Format → `module:class`; a format's module is imported when it is asked for."""


def plan_renderer(name: str, style: Style) -> PlanRenderer:
    """The renderer of the format `name`.

    Raises:
        KeyError: there is no such format.
    """
    module, _, attribute = PLAN_FORMATS[name].partition(":")
    renderer: type[PlanRenderer] = getattr(importlib.import_module(module), attribute)
    return renderer(style)
