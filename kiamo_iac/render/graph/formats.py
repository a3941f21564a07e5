"""Which formats a graph can be written in; a writer is imported when it is asked for."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from kiamo_iac.render.graph.model import Graph

GRAPH_FORMATS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "mermaid": "kiamo_iac.render.graph.mermaid:mermaid",
        "dot": "kiamo_iac.render.graph.dot:dot",
        "svg": "kiamo_iac.render.graph.svg:svg",
    }
)
"""Format → `module:function`, from a graph to the whole text."""


def graph_text(graph: Graph, *, output: str) -> str:
    """The graph in the format `output`, ending with a newline.

    Raises:
        KeyError: there is no such format.
    """
    module, _, name = GRAPH_FORMATS[output].partition(":")
    writer: Callable[[Graph], str] = getattr(importlib.import_module(module), name)
    return writer(graph)
