"""Saved plans: written, read, applied once, refused when anything differs."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kiamo_iac.app.planning import plan_environment
from kiamo_iac.app.saved_plans import load_saved_plan, save_plan, start_saved_apply
from kiamo_iac.core.errors import PlanFileError, StaleError
from tests.app.conftest import MANIFEST, PROJECT, Site

NOON = datetime(2024, 5, 1, 12, 0, tzinfo=UTC)


def saved(site: Site) -> Path:
    file = site.folder / "a.plan"
    workspace = replace(site.workspace, now=lambda: NOON)
    save_plan(workspace, plan_environment(workspace, "staging"), file)
    return file


def test_it_is_read_as_it_was_saved(site: Site) -> None:
    loaded = load_saved_plan(saved(site))
    made = plan_environment(site.workspace, "staging").plan
    assert (loaded.plan.environment, loaded.plan.url, loaded.plan.steps) == (made.environment, made.url, made.steps)
    assert loaded.created_at == "2024-05-01T12:00:00Z"


def test_it_is_applied_once(site: Site) -> None:
    file = saved(site)
    with start_saved_apply(site.workspace, file, environment=None) as run:
        assert run.perform(parallelism=2).ok
    assert len(site.emulator.dump()["bases"]) == 1
    before = len(site.emulator.calls())
    with (
        pytest.raises(PlanFileError, match="was applied already"),
        start_saved_apply(site.workspace, file, environment="staging"),
    ):
        pytest.fail("it was applied twice")
    assert len(site.emulator.calls()) == before


def test_it_is_refused_if_anything_has_changed(site: Site) -> None:
    file = saved(site)
    site.call("POST", "/api/bases", {"name": "prospects", "label": "Theirs", "fields": []})
    with pytest.raises(StaleError), start_saved_apply(site.workspace, file, environment=None):
        pytest.fail("the instance had changed")
    file = saved(site)
    site.manifest(MANIFEST.replace("City", "Town"))
    with pytest.raises(StaleError), start_saved_apply(site.workspace, file, environment=None):
        pytest.fail("the manifests had changed")


def test_d27_comments_line_ends_and_layout_do_not_make_a_plan_stale(site: Site) -> None:
    site.apply()
    site.manifest(MANIFEST.replace("City", "Town"))
    file = saved(site)
    text = MANIFEST.replace("City", "Town")
    changed = f"# a comment\n\n{text}".replace("label: Prospects", 'label: "Prospects"   # another')
    (site.folder / "manifests" / "a.yaml").write_bytes(changed.replace("\n", "\r\n").encode())
    with start_saved_apply(site.workspace, file, environment=None) as run:
        assert run.perform(parallelism=2).ok
    assert "Town" in {field["label"] for field in site.emulator.dump()["bases"][0]["fields"]}


def test_d27_a_variable_that_changes_what_is_declared_makes_a_plan_stale(site: Site) -> None:
    (site.folder / "kiamo.yaml").write_text(f"{PROJECT}variables: {{town: City}}\n")
    site.manifest(MANIFEST.replace("City", '"${town}"'))
    file = saved(site)
    (site.folder / "kiamo.yaml").write_text(f"{PROJECT}variables: {{town: Town}}\n")
    with (
        pytest.raises(StaleError, match="Manifests changed since the plan was saved"),
        start_saved_apply(site.workspace, file, environment=None),
    ):
        pytest.fail("a variable had changed")


def stale(site: Site, file: Path) -> dict[str, str | None]:
    """Address → what the diagnostic of a stale plan says of its attributes."""
    with pytest.raises(StaleError) as caught, start_saved_apply(site.workspace, file, environment=None):
        pytest.fail("the instance had changed")
    assert {d.code for d in caught.value.diagnostics} == {"KIA0805"}
    return {str(d.address): d.detail for d in caught.value.diagnostics}


def test_d10_a_stale_plan_says_what_has_changed(site: Site) -> None:
    site.apply()
    site.manifest(MANIFEST.replace("label: Prospects", "label: Leads\n    settings: {pace: 2, smtp_password: a}"))
    site.call("PUT", f"/api/bases/{site.base_id()}", {"pace": 1, "smtp_password": "hunter22"})
    file = saved(site)
    assert "hunter22" not in file.read_text()
    site.call("PUT", f"/api/bases/{site.base_id()}", {"label": "Theirs", "pace": 3, "mood": "\u202eblue"})
    assert stale(site, file) == {
        "bases/prospects": 'Label was "Prospects" and is "Theirs"; settings.mood was not set and is "\\u202eblue"; '
        "settings.pace was 1 and is 3."
    }
    site.call("PUT", f"/api/bases/{site.base_id()}", {"label": "Prospects", "pace": 1, "mood": None})
    file = saved(site)
    site.call("PUT", f"/api/bases/{site.base_id()}", {"label": "Leads", "pace": 2, "smtp_password": "a"})
    assert stale(site, file) == {"bases/prospects": 'Label was "Prospects" and is "Leads".'}


def test_d10_contacts_that_came_since_are_counted(site: Site) -> None:
    site.apply()
    site.manifest('{"bases": [{"name": "prospects", "ensure": "absent"}]}')
    file = saved(site)
    site.emulator.set_contacts("prospects", 77)
    assert stale(site, file)["bases/prospects"] == "Contacts was 0 and is 77."


def test_a_file_that_is_none_or_was_altered_or_is_for_another_environment_is_refused(site: Site) -> None:
    file = saved(site)
    with pytest.raises(PlanFileError), start_saved_apply(site.workspace, file, environment="guarded"):
        pytest.fail("it is for staging")
    file.write_text(file.read_text(encoding="ascii").replace("prospects", "prospect5"), encoding="ascii")
    with pytest.raises(PlanFileError):
        load_saved_plan(file)
    with pytest.raises(PlanFileError, match="cannot be read") as caught:
        load_saved_plan(site.folder / "none.plan")
    assert caught.value.hint == "pass a file written by plan --out"


def test_it_cannot_be_saved_into_a_missing_folder(site: Site) -> None:
    with pytest.raises(PlanFileError, match="cannot be saved"):
        save_plan(site.workspace, plan_environment(site.workspace, "staging"), site.folder / "none" / "a.plan")


def test_a_refused_plan_is_not_saved(site: Site) -> None:
    site.manifest(MANIFEST.replace("Sales", "Nowhere"))
    result = plan_environment(site.workspace, "staging")
    assert not result.plan.applyable
    with pytest.raises(ValueError, match=r"."):
        save_plan(site.workspace, result, site.folder / "a.plan")
    assert not (site.folder / "a.plan").exists()
