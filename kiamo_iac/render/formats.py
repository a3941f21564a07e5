"""The formats of each output and where their renderers are; no renderer is imported for it."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from kiamo_iac.render.graph.model import Graph


PLAN_FORMATS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "text": "kiamo_iac.render.text:TextPlan",
        "json": "kiamo_iac.render.json_formats:JsonPlan",
        "markdown": "kiamo_iac.render.markdown:MarkdownPlan",
        "html": "kiamo_iac.render.html.plan:HtmlPlan",
        "github": "kiamo_iac.render.github:GithubPlan",
        "gitlab": "kiamo_iac.render.gitlab:GitlabPlan",
    }
)
"""Format of a plan → `module:class` (a `base.PlanRenderer`), imported when it is asked for."""

DRIFT_FORMATS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "text": "kiamo_iac.render.text:TextDrift",
        "json": "kiamo_iac.render.json_formats:JsonDrift",
        "markdown": "kiamo_iac.render.markdown:MarkdownDrift",
        "html": "kiamo_iac.render.html.drift:HtmlDrift",
        "github": "kiamo_iac.render.github:GithubDrift",
        "gitlab": "kiamo_iac.render.gitlab:GitlabDrift",
    }
)
"""The same of a drift (a `base.DriftRenderer`)."""

CHECK_FORMATS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "text": "kiamo_iac.render.diagnostics:TextCheck",
        "json": "kiamo_iac.render.json_formats:JsonCheck",
        "github": "kiamo_iac.render.github:GithubCheck",
        "gitlab": "kiamo_iac.render.gitlab:GitlabCheck",
        "junit": "kiamo_iac.render.junit:JunitCheck",
        "sarif": "kiamo_iac.render.sarif:SarifCheck",
    }
)
"""The same of what `validate` found (a `base.CheckRenderer`)."""

REPOSITORY_FORMATS: Final = frozenset({"markdown", "github", "gitlab", "junit", "sarif"})
"""Read beside a repository, where files are named from its root: the others name them from the project's folder."""


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
