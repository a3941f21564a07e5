"""What app writes for users: schemas, a new project, a comment, an export, a promotion."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kiamo_iac.app.commenting import post_comment, read_comment
from kiamo_iac.app.exporting import export_instance
from kiamo_iac.app.planning import plan_environment
from kiamo_iac.app.promoting import promote_environment, write_promotion
from kiamo_iac.app.scaffolding import EMULATOR, init_project
from kiamo_iac.app.schemas import catalogue, catalogue_in_force, find_schema, write_schemas
from kiamo_iac.app.validation import validate
from kiamo_iac.core.errors import KiamoIacError, UsageError
from kiamo_iac.resources import kinds
from tests.app.conftest import Site


def test_the_catalogue_has_a_schema_for_each_kind(tmp_path: Path) -> None:
    known = catalogue()
    assert set(kinds()) < set(known)
    assert find_schema("manifest", known) is known["manifest"]
    with pytest.raises(UsageError, match='no schema "manifst"') as caught:
        find_schema("manifst", known)
    assert caught.value.hint is not None
    assert "manifest" in caught.value.hint


def test_schemas_are_written_if_they_differ(tmp_path: Path) -> None:
    known = catalogue()
    wanted = {name: known[name] for name in ("manifest", "base")}
    assert write_schemas(wanted, tmp_path / "s", json.dumps) == 2
    assert write_schemas(wanted, tmp_path / "s", json.dumps) == 0
    (tmp_path / "s" / wanted["base"].file).write_text("{}", encoding="utf-8")
    assert write_schemas(wanted, tmp_path / "s", json.dumps) == 1
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(UsageError, match="cannot be written"):
        write_schemas(wanted, tmp_path / "file" / "s", json.dumps)


def test_schemas_in_force_are_those_of_the_project(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(site.folder)
    assert catalogue_in_force(None).keys() == catalogue().keys()
    with pytest.raises(UsageError):
        catalogue_in_force(site.folder / "none.yaml")


def test_a_new_project_is_valid_and_is_never_overwritten(tmp_path: Path) -> None:
    request, project = init_project(tmp_path / "p", ["staging", "production=https://kiamo.example.org"], ci="none")
    assert [(each.name, each.url) for each in request.environments] == [
        ("staging", EMULATOR),
        ("production", "https://kiamo.example.org"),
    ]
    assert all(file.read_text(encoding="utf-8") == text for file, text in project.files.items())
    assert validate(tmp_path / "p" / "kiamo.yaml").diagnostics == ()
    with pytest.raises(KiamoIacError, match="Nothing was written: these files exist already"):
        init_project(tmp_path / "p", ["staging"], ci="none")


@pytest.mark.parametrize(
    ("named", "url", "tool", "message"),
    [
        (["a b"], None, None, "not a valid environment name"),
        (["con"], None, None, "not a valid folder name"),
        (["a-b", "a_b"], None, None, "both map to KIAMO_A_B_TOKEN"),
        (["a"], "ftp://x", None, "The address of the instance is invalid"),
        (["a"], None, "http://github.com/o/n", "--tool is not the https address"),
    ],
)
def test_what_init_refuses(tmp_path: Path, named: list[str], url: str | None, tool: str | None, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        init_project(tmp_path / "p", named, url=url, ci="none", tool=tool)
    assert not (tmp_path / "p").exists()


def test_a_comment_needs_a_pipeline_and_a_marker(tmp_path: Path) -> None:
    file = tmp_path / "plan.md"
    file.write_bytes(b"\xef\xbb\xbf# Plan\n")
    assert read_comment(file) == "# Plan\n"
    with pytest.raises(UsageError):
        post_comment(read_comment(file), {})
    file.write_bytes(b"\xff\xfe\xfd")
    with pytest.raises(UsageError, match="cannot be read as UTF-8 text"):
        read_comment(file)


def test_an_export_makes_the_next_plan_empty(site: Site) -> None:
    site.call("POST", "/api/bases", {"name": "theirs", "label": "Theirs", "fields": []})
    result = export_instance(site.workspace, "staging", folder=site.folder / "manifests")
    assert (result.environment, result.document) == ("staging", ())
    assert result.created == ("manifests/theirs.yaml",)
    assert plan_environment(site.workspace, "staging").plan.steps == ()
    text = "".join(export_instance(site.workspace, "staging").texts())
    assert text is not None
    assert "name: theirs" in text
    assert site.owned_or_none() is None


def test_a_promotion_is_computed_and_then_written(site: Site) -> None:
    (site.folder / "kiamo.yaml").write_text(
        'manifests: [manifests]\nenvironments:\n  staging: {url: "http://127.0.0.1:1", patches: [patches]}\n'
        '  production: {url: "http://127.0.0.1:2"}\n',
        encoding="utf-8",
    )
    (site.folder / "patches").mkdir()
    patch = site.folder / "patches" / "a.yaml"
    patch.write_text("bases:\n  - {name: prospects, label: Leads}\n", encoding="utf-8")
    result = promote_environment(site.workspace, "staging", "production", live=False)
    assert not result.level
    assert patch.read_text(encoding="utf-8") == "bases:\n  - {name: prospects, label: Leads}\n"
    written = write_promotion(site.workspace, result)
    assert written
    assert promote_environment(site.workspace, "staging", "production", live=False).level
    with pytest.raises(KiamoIacError, match="has changed since it was read"):
        write_promotion(site.workspace, result)
    with pytest.raises(UsageError, match="both name"):
        promote_environment(site.workspace, "staging", "staging", live=False)
    assert site.emulator.calls() == []
