"""Lists that are empty though the ledger has ids of what was in them: cut short, or really empty."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from kiamo_iac.app.exporting import export_instance
from kiamo_iac.app.ownership import forget_entries
from kiamo_iac.app.planning import detect_drift, plan_environment
from kiamo_iac.authoring.selection import ExportSelection
from kiamo_iac.core.address import Address
from kiamo_iac.core.errors import VanishedError
from kiamo_iac.emulator import EmulatorRequest, EmulatorResponse
from kiamo_iac.planner.plan_file import Options
from tests.app.conftest import Site
from tests.app.killing import Kill, applied, killed

BASE = Address("bases/prospects")


def emptied(site: Site, path: str, times: int, patch: pytest.MonkeyPatch) -> list[str]:
    """The instance answers `[]` to the first `times` lists whose path ends so; which calls it got."""
    handle = site.emulator.handle
    left = times
    calls: list[str] = []

    def answer(request: EmulatorRequest) -> EmulatorResponse:
        nonlocal left
        calls.append(f"{request.method} {request.path}")
        if request.method == "GET" and request.path.endswith(path) and left:
            left -= 1
            return EmulatorResponse(200, {"content-type": "application/json"}, b"[]")
        return handle(request)

    patch.setattr(site.emulator, "handle", answer)
    return calls


READINGS: dict[str, Callable[[Site], object]] = {
    "plan": lambda site: plan_environment(site.workspace, "staging"),
    "plan --prune": lambda site: plan_environment(site.workspace, "staging", Options(prune=True)),
    "apply": applied,
    "drift": lambda site: detect_drift(site.workspace, "staging"),
    "export": lambda site: export_instance(site.workspace, "staging", ExportSelection(), folder=None, single=False),
}


@pytest.mark.parametrize("reading", READINGS)
def test_f16_a_list_of_bases_that_drops_to_nothing_is_read_twice_then_refused(
    site: Site, reading: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    applied(site)
    before = site.owned()
    calls = emptied(site, "/api/bases", 99, monkeypatch)
    with pytest.raises(
        VanishedError, match="The instance lists no bases, read twice, and the ledger has bases/pro"
    ) as error:
        READINGS[reading](site)
    assert [d.code for d in error.value.diagnostics] == ["KIA0442"]
    assert "ledger forget" in (error.value.hint or "")
    assert calls.count("GET /api/bases") == 2
    assert {call.split()[0] for call in calls} == {"GET"}
    assert site.owned() == before


def test_o11_a_list_that_is_cut_once_changes_nothing(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    applied(site)
    before = site.owned()
    emptied(site, "/api/bases", 1, monkeypatch)
    assert applied(site).results == ()
    assert site.owned() == before


@pytest.mark.parametrize(("times", "steps"), [(1, []), (2, ["create bases/prospects/batches/spring"])])
def test_f16_children_are_believed_after_the_second_reading(
    site: Site, times: int, steps: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    applied(site)
    emptied(site, "/batches", times, monkeypatch)
    plan = plan_environment(site.workspace, "staging").plan
    assert [f"{s.action} {s.address}" for s in plan.steps] == steps


def test_f16_managed_services_count_too(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.manifest("services:\n  - {name: Sales, managed: true, label: Desk}\n")
    applied(site)
    emptied(site, "/api/services", 99, monkeypatch)
    with pytest.raises(VanishedError, match="no services"):
        plan_environment(site.workspace, "staging")


def test_an_empty_list_is_read_once_where_the_ledger_has_nothing_of_it(site: Site) -> None:
    plan_environment(site.workspace, "staging")
    assert [call.path for call in site.emulator.calls() if call.path == "/api/bases"] == ["/api/bases"]


def test_what_was_deleted_on_purpose_is_forgotten_by_name(site: Site) -> None:
    applied(site)
    site.emulator.reset()
    site.emulator.seed({"services": [{"name": "Sales", "label": "Sales"}], "bases": []})
    with pytest.raises(VanishedError):
        plan_environment(site.workspace, "staging")
    forget_entries(site.workspace, "staging", [BASE])
    assert len(plan_environment(site.workspace, "staging").plan.steps) == 3


@pytest.mark.parametrize("committed", [True, False])
@pytest.mark.parametrize("how", ["absent", "prune"])
def test_a_run_that_was_killed_at_the_last_delete_is_ended(site: Site, how: str, *, committed: bool) -> None:
    """Nothing is created anew by believing the empty list, and nothing remains to be deleted."""
    project = site.folder / "kiamo.yaml"
    project.write_text(
        project.read_text("utf-8").replace('8090"}', '8090", guards: {max_delete_percent: 100}}', 1), "utf-8"
    )
    applied(site)
    service = "services: [{name: Sales, managed: true}]\n"
    site.manifest(service + ("bases: [{name: prospects, ensure: absent}]\n" if how == "absent" else ""))
    options = Options(prune=how == "prune")
    assert killed(site, Kill(2, committed=committed), options)
    applied(site, options)
    assert not site.emulator.dump().get("bases")
    assert plan_environment(site.workspace, "staging", options).plan.steps == ()
    assert dict(site.owned()) == {}


def test_the_folder_of_an_export_is_untouched(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    applied(site)
    text = (site.folder / "manifests" / "a.yaml").read_text("utf-8")
    emptied(site, "/api/bases", 99, monkeypatch)
    with pytest.raises(VanishedError):
        export_instance(site.workspace, "staging", ExportSelection(), folder=tmp_path / "manifests", single=False)
    assert (site.folder / "manifests" / "a.yaml").read_text("utf-8") == text
