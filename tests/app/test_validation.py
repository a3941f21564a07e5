"""Manifests checked offline, and their files named from the root of the repository."""

from __future__ import annotations

from pathlib import Path

import pytest

from kiamo_iac.app.planning import plan_environment
from kiamo_iac.app.repository_paths import below_here, below_repository, checked_in_repository, plan_in_repository
from kiamo_iac.app.validation import validate
from kiamo_iac.core.errors import UsageError
from tests.app.conftest import Site


def test_a_valid_project_is_counted(site: Site) -> None:
    found = validate(site.folder / "kiamo.yaml")
    assert (found.diagnostics, found.files, found.resources, found.ignored) == ((), 1, 4, ())
    (folder,) = found.parts
    assert folder.root == site.folder
    assert folder.project is not None
    assert site.emulator.calls() == []


def test_paths_select_projects_and_name_what_is_no_manifest(site: Site) -> None:
    other = site.folder / "other.yaml"
    other.write_text("bases: []\n", encoding="utf-8")
    found = validate(None, paths=[site.folder / "manifests" / "a.yaml", other])
    assert (found.resources, found.ignored) == (4, (other,))


def test_every_problem_is_reported_at_once(site: Site) -> None:
    site.manifest("bases:\n  - {name: b, lable: B}\n", "b.yaml")
    site.manifest("services:\n  - {name: 1}\n", "c.yaml")
    found = validate(site.folder / "kiamo.yaml")
    assert {d.source.file for d in found.diagnostics if d.source} == {"manifests/b.yaml", "manifests/c.yaml"}


def test_a_broken_project_file_is_a_diagnostic(site: Site) -> None:
    (site.folder / "kiamo.yaml").write_text("manifests: 1\n", encoding="utf-8")
    found = validate(site.folder / "kiamo.yaml")
    assert found.diagnostics
    assert found.parts[0].project is None


def test_manifests_outside_a_project_are_checked_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    loose = tmp_path / "a.yaml"
    loose.write_text("bases:\n  - {name: a, label: A}\n", encoding="utf-8")
    found = validate(None, paths=[loose])
    assert (found.diagnostics, found.resources) == ((), 1)
    assert found.parts[0].loose == (loose,)
    with pytest.raises(UsageError):
        validate(None)


def test_files_are_named_from_the_root_of_the_repository(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    root = site.folder.parent
    here = f"{site.folder.name}/"
    assert below_repository(site.folder, {}) == ""
    assert below_repository(site.folder, {"GITHUB_WORKSPACE": str(root)}) == here
    assert below_repository(root, {"GITHUB_WORKSPACE": str(root)}) == ""
    monkeypatch.chdir(root)
    assert below_here(site.folder) == here
    assert below_here(root) == ""


def test_plans_and_checks_are_renamed_as_a_whole(site: Site) -> None:
    plan = plan_environment(site.workspace, "staging").plan
    assert plan_in_repository(plan, "") is plan
    moved = plan_in_repository(plan, "ops/")
    assert {step.source.file for step in moved.steps if step.source} == {"ops/manifests/a.yaml"}
    site.manifest("bases:\n  - {name: b, lable: B}\n", "b.yaml")
    found = validate(site.folder / "kiamo.yaml")
    report = checked_in_repository(found, strict=False, below=lambda _: "ops/")
    assert [d.source.file for d in report.diagnostics if d.source] == ["ops/manifests/b.yaml"]
    assert (set(report.names), report.home) == ({"ops/manifests/a.yaml", "ops/manifests/b.yaml"}, "ops/kiamo.yaml")
