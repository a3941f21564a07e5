"""What `validate` found as a Code Quality report.

https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format. Paths count from the root of the
repository; a diagnostic without a place stands at the first line of the project file.
"""

from __future__ import annotations

from typing import Any, assert_never

from kiamo_iac.core.diagnostics import Diagnostic, Severity, SourceRange
from kiamo_iac.render.base import Checked, Style
from kiamo_iac.render.escape import json_document, visible
from kiamo_iac.render.fingerprints import fingerprinted


class GitlabCheck:
    """The format for GitLab's Code Quality; the style of text does not touch it."""

    def __init__(self, style: Style) -> None:
        del style

    def render(self, checked: Checked) -> str:
        """A JSON array, by place, ending with a newline; empty where there is nothing to say."""
        found = fingerprinted(checked.diagnostics)
        return json_document([_issue(diagnostic, name, checked.home) for diagnostic, name in found])


def _issue(diagnostic: Diagnostic, fingerprint: str, home: str) -> dict[str, Any]:
    place = diagnostic.source or SourceRange(home, 1, 1)
    said = [diagnostic.summary, diagnostic.detail, f"hint: {diagnostic.hint}" if diagnostic.hint else None]
    return {
        "description": " \N{EN DASH} ".join(visible(text) for text in said if text),
        "check_name": diagnostic.code,
        "fingerprint": fingerprint,
        "severity": _severity(diagnostic.severity),
        "location": {"path": place.file, "lines": {"begin": place.line}},
    }


def _severity(severity: Severity) -> str:
    """Of GitLab's five (info, minor, major, critical, blocker)."""
    match severity:
        case Severity.ERROR:
            return "critical"
        case Severity.WARNING:
            return "minor"
        case Severity.NOTE:
            return "info"
        case _:
            assert_never(severity)
