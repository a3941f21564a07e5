"""A whole project with many problems: every one of them at once, each at its `file:line:column`, word by word."""

from __future__ import annotations

from pathlib import Path

from kiamo_iac.core.diagnostics import Diagnostic
from kiamo_iac.manifest.loader import load
from kiamo_iac.manifest.project.file import load_project
from tests.manifest.packaged import CAPABILITIES

GOLDEN = Path(__file__).parent / "golden"


def lines_of(diagnostic: Diagnostic) -> list[str]:
    return [
        f"{diagnostic.source} {diagnostic.severity} {diagnostic.code} {diagnostic.summary}",
        *(f"    {word}: {place}" for word, place in diagnostic.related),
        f"    hint: {diagnostic.hint}",
    ]


def rendered() -> str:
    project = load_project(GOLDEN / "project" / "kiamo.yaml")
    found = load(project.manifests, root=project.root, capabilities=CAPABILITIES)
    return "\n".join(line for diagnostic in found.diagnostics for line in lines_of(diagnostic)) + "\n"


def test_a_project_with_many_problems() -> None:
    assert rendered() == (GOLDEN / "project.txt").read_text(encoding="utf-8")
