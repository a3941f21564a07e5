"""Entries without an id: what a run was about to create. Only a run that was killed leaves any."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from itertools import count

import pytest

from kiamo_iac.app.applying import start_apply
from kiamo_iac.app.planning import detect_drift, plan_environment
from kiamo_iac.core.address import Address
from kiamo_iac.emulator import EmulatorRequest, EmulatorResponse
from kiamo_iac.planner.plan_file import Options
from tests.app.conftest import Site
from tests.app.killing import Kill, applied, killed

BASE = Address("bases/prospects")
CITY = BASE.child("fields", "city")
SPRING = BASE.child("batches", "spring")
ONE = "bases:\n  - {name: prospects, label: Prospects}\n"


def refusing(
    site: Site, is_refused: Callable[[EmulatorRequest], bool]
) -> Callable[[EmulatorRequest], EmulatorResponse]:
    """The instance, which refuses some calls."""
    handle = site.emulator.handle

    def answer(request: EmulatorRequest) -> EmulatorResponse:
        if is_refused(request):
            return EmulatorResponse(400, {}, b'{"code": "ERR_1000", "message": "no"}')
        return handle(request)

    return answer


def failed(site: Site, is_refused: Callable[[EmulatorRequest], bool]) -> None:
    """An apply in which calls are refused."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(site.emulator, "handle", refusing(site, is_refused))
        with start_apply(site.workspace, "staging") as run:
            assert not run.perform(parallelism=1).ok


def posted(request: EmulatorRequest, path: str) -> bool:
    return request.method == "POST" and request.path == path


def codes(site: Site, options: Options | None = None) -> list[str]:
    """The steps and the codes of a plan."""
    plan = plan_environment(site.workspace, "staging", options or Options()).plan
    return [s.action.value for s in plan.steps] + [d.code for d in plan.diagnostics]


def test_o09_an_intent_is_withdrawn_when_the_create_is_refused(site: Site) -> None:
    failed(site, lambda request: posted(request, "/api/bases"))
    assert dict(site.owned()) == {}


def test_f30_what_others_make_in_its_place_is_not_managed(site: Site) -> None:
    """The same name, the same content: noted, with the way to adopt it, and never pruned."""
    site.manifest(ONE)
    failed(site, lambda request: posted(request, "/api/bases"))
    site.call("POST", "/api/bases", {"name": "prospects", "label": "Prospects", "fields": []})
    plan = plan_environment(site.workspace, "staging").plan
    assert plan.steps == ()
    (note,) = plan.diagnostics
    assert (note.code, note.hint) == ("KIA0622", "to manage it: kiamo-iac adopt bases/prospects")
    assert note.summary == "1 declared resource exists on the instance and is not managed: bases/prospects"
    applied(site)
    assert dict(site.owned()) == {}
    site.manifest("services:\n  - name: Sales\n")
    assert codes(site, Options(prune=True)) == []


@pytest.mark.parametrize("label", ["Prospects", "Another"])
def test_f30_a_killed_run_adopts_only_what_is_as_it_was_sent(site: Site, label: str) -> None:
    """A run that is killed before its POST arrives leaves an intent; others make a base of that name."""
    site.manifest(ONE)
    assert killed(site, Kill(1, committed=False))
    assert site.owned()[BASE].remote_id is None
    assert site.owned()[BASE].attributes == {"name": "prospects", "label": "Prospects"}
    site.call("POST", "/api/bases", {"name": "prospects", "label": label, "fields": []})
    site.manifest(ONE.replace("label: Prospects", f"label: {label}"))
    assert codes(site) == ([] if label == "Prospects" else ["KIA0622"])
    applied(site)
    assert [entry.remote_id for entry in site.owned().values()] == ([site.base_id()] if label == "Prospects" else [])
    assert codes(site) == ([] if label == "Prospects" else ["KIA0622"])


@pytest.mark.parametrize("seen", [True, False])
def test_a_call_of_a_killed_run_that_takes_effect_behind_the_next_plan_is_managed(site: Site, *, seen: bool) -> None:
    """The create of that plan finds the object (`seen`), or is refused as its name is in use."""
    site.manifest(ONE)
    assert killed(site, Kill(1, committed=False))
    handle = site.emulator.handle

    def answer(request: EmulatorRequest) -> EmulatorResponse:
        if posted(request, "/api/bases") and not seen:
            handle(request)
        return handle(request)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(site.emulator, "handle", answer)
        with start_apply(site.workspace, "staging") as run:
            if seen:
                site.call("POST", "/api/bases", {"name": "prospects", "label": "Prospects", "fields": []})
            assert not run.perform(parallelism=1).ok
    assert codes(site) == []
    applied(site)
    assert site.owned()[BASE].remote_id == site.base_id()


def test_an_intent_is_dropped_when_the_object_is_not_there(site: Site) -> None:
    site.manifest(ONE)
    assert killed(site, Kill(1, committed=False))
    site.manifest("services:\n  - name: Sales\n")
    applied(site)
    assert dict(site.owned()) == {}


def test_what_a_killed_run_created_and_nothing_declares_is_pruned_at_once(site: Site) -> None:
    others = "bases:\n" + "".join(f"  - {{name: b{n}, label: B}}\n" for n in range(4))
    site.manifest(others)
    applied(site)
    site.manifest(others + "  - {name: prospects, label: Prospects}\n")
    assert killed(site, Kill(1, committed=True))
    assert site.owned()[BASE].remote_id is None
    site.manifest(others)
    assert codes(site) == ["KIA0607"]
    applied(site, Options(prune=True))
    assert sorted(base["name"] for base in site.emulator.dump()["bases"]) == ["b0", "b1", "b2", "b3"]
    assert BASE not in site.owned()
    assert codes(site, Options(prune=True)) == []


@pytest.mark.parametrize("committed", [True, False])
@pytest.mark.parametrize("unsaved", [False, True])
def test_f07_what_a_killed_run_created_is_managed(site: Site, *, committed: bool, unsaved: bool) -> None:
    """At every write: the next run ends with all of it in the ledger, with its id, and the one after writes nothing."""
    manifest = (site.folder / "manifests" / "a.yaml").read_text("utf-8")
    for at in count(1):
        site.emulator.reset()
        site.emulator.seed({"services": [{"name": "Sales", "label": "Sales"}], "bases": []})
        (site.folder / ".kiamo" / "staging.ledger.jsonl").unlink(missing_ok=True)
        site.manifest(manifest)
        if not killed(site, Kill(at, committed, unsaved)):
            break
        applied(site)
        live = site.emulator.dump(ids=True)["bases"]
        assert len(live) == 1
        assert {a: e.remote_id for a, e in site.owned().items()} == {
            BASE: live[0]["id"],
            CITY: next(field["id"] for field in live[0]["fields"] if field["name"] == "city"),
            SPRING: live[0]["batches"][0]["id"],
        }
        assert codes(site) == []
    assert at == 3


def test_an_interrupted_run_keeps_only_what_may_have_been_created(site: Site) -> None:
    """The fields of a base are sent with it; its batch is not."""
    stop = threading.Event()
    with start_apply(site.workspace, "staging") as run:

        class Stopping:
            def started(self, step: object) -> None:
                pass

            def finished(self, results: object) -> None:
                stop.set()

        assert not run.perform(parallelism=1, observer=Stopping(), stop=stop).ok
    assert set(site.owned()) == {BASE, CITY}
    applied(site)
    assert all(entry.remote_id is not None for entry in site.owned().values())


def test_a_refused_create_in_the_place_of_a_deleted_object_keeps_the_entry(site: Site) -> None:
    """The object was deleted outside: its entry says so to the next plan too."""
    site.manifest(ONE + "  - {name: other, label: O}\n")
    applied(site)
    before = site.owned()
    site.call("DELETE", f"/api/bases/{site.base_id()}")
    failed(site, lambda request: posted(request, "/api/bases"))
    assert site.owned() == before
    assert codes(site) == ["create", "KIA0603"]


def test_a_refused_update_of_an_unmanaged_object_does_not_manage_it(site: Site) -> None:
    site.call("POST", "/api/bases", {"name": "prospects", "label": "Others", "fields": []})
    site.manifest(ONE)
    failed(site, lambda request: request.method == "PUT")
    assert dict(site.owned()) == {}
    applied(site)
    assert set(site.owned()) == {BASE}


def test_an_entry_without_id_and_content_proves_nothing(site: Site) -> None:
    """As older versions wrote it."""
    site.manifest(ONE)
    assert killed(site, Kill(1, committed=False))
    path = site.folder / ".kiamo" / "staging.ledger.jsonl"
    lines = path.read_text("utf-8").splitlines()
    old = [
        line.replace(json.dumps({"name": "prospects", "label": "Prospects"}, separators=(",", ":")), "{}")
        for line in lines
    ]
    assert old != lines
    path.write_text("\n".join(old) + "\n", "utf-8")
    site.call("POST", "/api/bases", {"name": "prospects", "label": "Prospects", "fields": []})
    assert codes(site) == ["KIA0622"]


def test_drift_does_not_take_an_intent_for_what_was_applied(site: Site) -> None:
    site.manifest(ONE)
    assert killed(site, Kill(1, committed=False))
    _, drift = detect_drift(site.workspace, "staging")
    assert [(r.address, r.event.value) for r in drift.resources] == [(BASE, "new")]
    site.call("POST", "/api/bases", {"name": "prospects", "label": "Another", "fields": []})
    _, drift = detect_drift(site.workspace, "staging")
    assert [(r.address, r.event.value) for r in drift.resources] == [(BASE, "not_owned")]
