"""Which formats there are of what: names and where their renderers stand; nothing is imported to know them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

PLAN_FORMATS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "text": "kiamo_iac.render.text:TextPlan",
        "json": "kiamo_iac.render.json_plan:JsonPlan",
        "markdown": "kiamo_iac.render.markdown.plan:MarkdownPlan",
        "html": "kiamo_iac.render.html.plan:HtmlPlan",
        "github": "kiamo_iac.render.github.plan:GithubPlan",
        "gitlab": "kiamo_iac.render.gitlab.widget:GitlabPlan",
    }
)
"""Format of a plan → `module:class` (a `base.PlanRenderer`), imported when it is asked for."""

DRIFT_FORMATS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "text": "kiamo_iac.render.drift:TextDrift",
        "json": "kiamo_iac.render.drift_json:JsonDrift",
        "markdown": "kiamo_iac.render.markdown.drift:MarkdownDrift",
        "html": "kiamo_iac.render.html.drift:HtmlDrift",
        "github": "kiamo_iac.render.github.drift:GithubDrift",
        "gitlab": "kiamo_iac.render.gitlab.widget:GitlabDrift",
    }
)
"""The same of a drift (a `base.DriftRenderer`)."""

CHECK_FORMATS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "text": "kiamo_iac.render.diagnostics:TextCheck",
        "json": "kiamo_iac.render.diagnostics:JsonCheck",
        "github": "kiamo_iac.render.github.check:GithubCheck",
        "gitlab": "kiamo_iac.render.gitlab.code_quality:GitlabCheck",
        "junit": "kiamo_iac.render.junit:JunitCheck",
        "sarif": "kiamo_iac.render.sarif:SarifCheck",
    }
)
"""The same of what `validate` found (a `base.CheckRenderer`)."""

REPOSITORY_FORMATS: Final = frozenset({"markdown", "github", "gitlab", "junit", "sarif"})
"""Read beside a repository, where files are named from its root: the others name them from the project's folder."""
