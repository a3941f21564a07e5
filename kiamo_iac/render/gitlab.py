"""What GitLab reads from the artifacts of a job: the Terraform widget of a merge request, and Code Quality.

The widget, `artifacts:reports:terraform`, shows three numbers: what is created, updated and deleted. They count
objects, not steps: a batch that is paused, changed and started again is one object to update.
https://docs.gitlab.com/user/infrastructure/iac/mr_integration/.

Paths of Code Quality count from the root of the repository; a diagnostic without a place is put at the first line of
the project file. https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, assert_never

from kiamo_iac.core.diagnostics import Diagnostic, Severity, SourceRange
from kiamo_iac.planner.plan import Action, Plan
from kiamo_iac.render.base import CheckReport, Style
from kiamo_iac.render.diagnostics import fingerprinted
from kiamo_iac.render.escape import json_document, visible

if TYPE_CHECKING:
    from kiamo_iac.core.provenance import PlanProvenance
    from kiamo_iac.planner.drift import Drift, ResourceDrift


class GitlabPlan:
    """Objects that the plan creates, updates and deletes; the style of text does not touch it.

    An object that is created counts as created whatever else is done to it (a start); so does one that is deleted, be
    it with its base. A replacement is both. All others, renamed, started, paused or stopped ones included, are updated.
    """

    def __init__(self, style: Style) -> None:
        del style

    def render(self, plan: Plan, provenance: PlanProvenance | None = None) -> str:  # noqa: ARG002 - not shown
        """`{"create": …, "update": …, "delete": …}`, ending with a newline."""
        created = {step.address for step in plan.steps if step.action is Action.CREATE}
        deleted = {step.address for step in plan.steps if step.action is Action.DELETE} | plan.also_deleted
        others = {step.address for step in plan.steps} - created - deleted
        return _report(create=len(created), update=len(others), delete=len(deleted))


class GitlabDrift:
    """Drifted resources, by what would make the instance match its manifests again.

    Created: what only git has. Deleted: what git no longer has. Updated: all others. The widget cannot say who changed
    them.
    """

    def __init__(self, style: Style) -> None:
        del style

    def render(self, drift: Drift, *, environment: str) -> str:
        """`{"create": …, "update": …, "delete": …}`, ending with a newline."""
        del environment
        counts = Counter(map(_action, drift.resources))
        return _report(create=counts["create"], update=counts["update"], delete=counts["delete"])


def _action(resource: ResourceDrift) -> str:
    from kiamo_iac.planner.drift import DriftEvent

    match resource.event:
        case DriftEvent.NEW | DriftEvent.DELETED:
            return "create"
        case DriftEvent.GONE:
            return "delete"
        case DriftEvent.CHANGED | DriftEvent.REMADE | DriftEvent.RENAMED | DriftEvent.NOT_OWNED:
            return "update"
        case _:
            assert_never(resource.event)


def _report(*, create: int, update: int, delete: int) -> str:
    return json_document({"create": create, "update": update, "delete": delete})


class GitlabCheck:
    """The format for GitLab's Code Quality; the style of text does not touch it."""

    def __init__(self, style: Style) -> None:
        del style

    def render(self, report: CheckReport) -> str:
        """A JSON array, by place, ending with a newline; empty without diagnostics."""
        found = fingerprinted(report.diagnostics)
        return json_document([_issue(diagnostic, name, report.home) for diagnostic, name in found])


def _issue(diagnostic: Diagnostic, fingerprint: str, home: str) -> dict[str, Any]:
    place = diagnostic.source or SourceRange(home, 1, 1)
    parts = [
        diagnostic.summary,
        diagnostic.of_row,
        diagnostic.detail,
        f"hint: {diagnostic.hint}" if diagnostic.hint else None,
    ]
    return {
        "description": " \N{EN DASH} ".join(visible(text) for text in parts if text),
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
