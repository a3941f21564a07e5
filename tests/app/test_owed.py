"""Run states that a run was bringing a batch to when it ended: the ledger has them, and the next plan pays them."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest

from kiamo_iac.app.adopting import adopt_resources
from kiamo_iac.app.applying import start_apply
from kiamo_iac.app.ownership import waive_owed
from kiamo_iac.app.planning import detect_drift, plan_environment
from kiamo_iac.core.address import Address
from kiamo_iac.core.errors import Interrupted, UsageError
from kiamo_iac.core.state import OwedState
from kiamo_iac.emulator import EmulatorRequest, EmulatorResponse
from kiamo_iac.planner.guards import Consents
from kiamo_iac.planner.plan import Action, Cause, Risk
from kiamo_iac.planner.plan_file import Options
from tests.app.conftest import Site
from tests.app.killing import Kill, applied, killed, ledger_file

SPRING = Address("bases/prospects/batches/spring")
HOME = Address("bases/prospects/fields/home")
FIELDS = [{"name": "home", "label": "Home", "datatype": "phone"}]


def live(site: Site, state: str, role: str = "phone") -> None:
    """The base and the batch, made by others."""
    batch = {"name": "spring", "service": "Sales", "association": {"destination": role}, "state": state}
    site.emulator.reset()
    site.emulator.seed(
        {
            "services": [{"name": "Sales", "label": "Sales"}],
            "bases": [{"name": "prospects", "label": "Prospects", "fields": FIELDS, "batches": [batch]}],
        }
    )


def declare(site: Site, role: str = "phone", batch: str = "", **base: str) -> None:
    """The base and the batch as a manifest; `batch`: more of its keys."""
    more = f", {batch}" if batch else ""
    site.manifest(
        "services:\n  - name: Sales\n"
        "bases:\n"
        f"  - name: prospects\n    label: {base.get('label', 'Prospects')}\n"
        "    fields:\n      - {name: home, label: Home, datatype: phone}\n"
        "    batches:\n"
        f"      - {{name: spring, service: Sales, association: {{destination: {role}}}{more}}}\n"
    )


def spring(site: Site) -> dict[str, Any]:
    """The live batch."""
    found: dict[str, Any] = site.emulator.dump()["bases"][0]["batches"][0]
    return found


def steps(site: Site) -> list[str]:
    """What a plan would do."""
    return [f"{s.action} {s.address}: {s.reason}" for s in plan_environment(site.workspace, "staging").plan.steps]


def manage(site: Site) -> None:
    """Record base, field and batch in the ledger, without a change of theirs that lasts."""
    adopt_resources(site.workspace, "staging", [Address("bases/prospects"), HOME, SPRING])


@pytest.mark.parametrize("managed", [True, False])
@pytest.mark.parametrize("back", [True, False])
@pytest.mark.parametrize("committed", [True, False])
@pytest.mark.parametrize("unsaved", [False, True])
def test_f26_a_detour_cut_at_any_write_is_ended(
    site: Site, *, managed: bool, back: bool, committed: bool, unsaved: bool
) -> None:
    """A started batch whose association changes: forward again, and back in git."""
    for at in count(1):
        live(site, "started")
        ledger_file(site).unlink(missing_ok=True)
        declare(site)
        if managed:
            manage(site)
        declare(site, "home")
        if not killed(site, Kill(at, committed, unsaved)):
            break
        paused = spring(site)["state"] == "paused"
        assert paused == (committed if at == 1 else at == 2 or not committed)
        declare(site, "phone" if back else "home")
        planned = plan_environment(site.workspace, "staging").plan
        assert [s.action for s in planned.steps if s.cause is Cause.OWED] == [Action.START] * paused
        applied(site)
        assert (spring(site)["state"], spring(site)["association"]) == (
            "started",
            {"destination": "phone" if back else "home"},
        )
        assert steps(site) == []
        assert {entry.owed for entry in site.owned().values()} <= {None}
    assert at == 4
    assert spring(site)["state"] == "started"


@pytest.mark.parametrize("goal", ["started", "paused", "stopped"])
@pytest.mark.parametrize("committed", [True, False])
@pytest.mark.parametrize("unsaved", [False, True])
def test_f26_an_initial_state_cut_at_any_write_is_reached(
    site: Site, goal: str, *, committed: bool, unsaved: bool
) -> None:
    for at in count(1):
        site.emulator.reset()
        site.emulator.seed({"services": [{"name": "Sales", "label": "Sales"}], "bases": []})
        ledger_file(site).unlink(missing_ok=True)
        declare(site, batch=f"initial_state: {goal}")
        if not killed(site, Kill(at, committed, unsaved)):
            break
        applied(site)
        assert spring(site)["state"] == goal
        assert steps(site) == []
        site.call("GET", "/api/bases")
    assert at == (5 if goal == "paused" else 4)
    assert spring(site)["state"] == goal


@pytest.mark.parametrize("committed", [True, False])
def test_f26_the_way_through_started_is_ended_without_its_declaration(site: Site, *, committed: bool) -> None:
    """From new to paused it goes through started: a batch that dials is not left so when `state` is taken back."""
    for at in count(1):
        live(site, "new")
        ledger_file(site).unlink(missing_ok=True)
        declare(site)
        manage(site)
        declare(site, batch="state: paused")
        if not killed(site, Kill(at, committed)):
            break
        declare(site)
        applied(site)
        assert spring(site)["state"] in {"new", "paused"}
        assert steps(site) == []
    assert at == 3
    assert spring(site)["state"] == "paused"


def left_paused(site: Site) -> OwedState:
    """A run that was killed after it had paused the batch: what it owes."""
    live(site, "started")
    declare(site)
    manage(site)
    declare(site, "home")
    assert killed(site, Kill(2, committed=False))
    owed = site.owned()[SPRING].owed
    assert owed is not None
    return owed


def test_o01_the_plan_says_what_it_pays(site: Site) -> None:
    owed = left_paused(site)
    assert (owed.state, owed.left_in) == ("started", "paused")
    declare(site)
    plan = plan_environment(site.workspace, "staging").plan
    (start,) = plan.steps
    moment = f"{owed.since[:10]} {owed.since[11:16]} UTC"
    assert start.reason == f"back to started, paused by the run of {moment} (dials contacts)"
    assert (start.action, start.cause, start.risk) == (Action.START, Cause.OWED, Risk.IRREVERSIBLE)
    (note,) = (d for d in plan.diagnostics if d.code == "KIA0620")
    assert note.summary == f"{SPRING}: left paused by the run of {moment}, to be started; this plan does that"
    assert note.detail == f"Run {owed.run}."
    assert note.hint is not None
    assert f"ledger forget --owed {SPRING}" in note.hint
    name, drift = detect_drift(site.workspace, "staging")
    assert (name, drift.any, dict(drift.owed)) == ("staging", False, {SPRING: owed})


def test_o01_an_initial_state_that_was_not_reached_is_said(site: Site) -> None:
    declare(site, batch="initial_state: started")
    assert killed(site, Kill(3, committed=False))
    (step,) = steps(site)
    since = site.owned()[SPRING].owed
    assert since is not None
    assert step == (
        f"start {SPRING}: created with initial_state: started by the run of "
        f"{since.since[:10]} {since.since[11:16]} UTC, not started yet (dials contacts)"
    )


def test_o01_a_refused_start_is_owed_too(site: Site) -> None:
    """Not only a kill: the run ends by itself, and says that it failed."""
    live(site, "started")
    declare(site)
    manage(site)
    declare(site, "home")
    handle = site.emulator.handle

    def refusing(request: EmulatorRequest) -> EmulatorResponse:
        if request.method == "PUT" and b'"start"' in request.body:
            return EmulatorResponse(400, {}, b'{"code": "ERR_1000", "message": "no"}')
        return handle(request)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(site.emulator, "handle", refusing)
        with start_apply(site.workspace, "staging") as run:
            run.check_guards(Consents(every_start=True))
            assert not run.perform(parallelism=1).ok
    assert spring(site)["state"] == "paused"
    declare(site)
    assert [step.split(":")[0] for step in steps(site)] == [f"update {SPRING}", f"start {SPRING}"]
    applied(site)
    assert spring(site)["state"] == "started"
    assert steps(site) == []


def test_a_declared_state_wins(site: Site) -> None:
    left_paused(site)
    declare(site, batch="state: paused")
    assert steps(site) == []
    applied(site)
    declare(site)
    assert steps(site) == []
    assert site.owned()[SPRING].owed is None


def test_a_declared_state_that_is_the_owed_one_is_not_blamed_on_the_instance(site: Site) -> None:
    owed = left_paused(site)
    declare(site, batch="state: started")
    (start,) = plan_environment(site.workspace, "staging").plan.steps
    moment = f"{owed.since[:10]} {owed.since[11:16]} UTC"
    assert start.cause is Cause.DECLARED
    assert start.reason == f"declared to be started; left paused by the run of {moment} (dials contacts)"


@pytest.mark.parametrize("command", ["start", "stop"])
def test_it_lapses_when_a_supervisor_decides(site: Site, command: str) -> None:
    left_paused(site)
    declare(site)
    (base,) = site.emulator.dump(ids=True)["bases"]
    batch = base["batches"][0]["id"]
    site.call("PUT", f"/api/bases/{base['id']}/batches/{batch}/command", {"command": command})
    plan = plan_environment(site.workspace, "staging").plan
    assert plan.steps == ()
    assert [d.code for d in plan.diagnostics] == (["KIA0621"] if command == "stop" else [])
    applied(site)
    assert site.owned()[SPRING].owed is None


def test_it_lapses_when_the_batch_is_no_longer_declared(site: Site) -> None:
    left_paused(site)
    site.manifest("services:\n  - name: Sales\nbases:\n  - {name: prospects, label: Prospects}\n")
    plan = plan_environment(site.workspace, "staging").plan
    assert plan.steps == ()
    (note,) = (d for d in plan.diagnostics if d.code == "KIA0621")
    assert "is no longer declared, and stays paused" in note.summary
    applied(site)
    assert site.owned()[SPRING].owed is None
    declare(site)
    assert steps(site) == []


def test_it_lapses_with_a_batch_that_is_deleted(site: Site) -> None:
    left_paused(site)
    declare(site, batch="ensure: absent")
    assert [step.split(":")[0] for step in steps(site)] == [f"stop {SPRING}", f"delete {SPRING}"]


def test_a_waived_state_is_not_paid(site: Site) -> None:
    left_paused(site)
    declare(site)
    with pytest.raises(UsageError, match="No run state is owed to bases/prospects/fields/home"):
        waive_owed(site.workspace, "staging", [Address("bases/prospects/fields/home")])
    assert waive_owed(site.workspace, "staging", [Address("bases/prospects")]) == [SPRING]
    assert steps(site) == []
    assert site.owned()[SPRING].remote_id is not None


def test_a_run_that_did_not_begin_the_detour_owes_nothing(site: Site) -> None:
    live(site, "started")
    declare(site)
    manage(site)
    before = site.owned()[SPRING]
    declare(site, "home", label="Leads")
    workspace = site.workspace
    reports = []

    def stopped() -> None:
        with start_apply(workspace, "staging") as run:
            run.check_guards(Consents(every_start=True))
            workspace.interruption.request()
            reports.append(run.perform(parallelism=1))

    with pytest.raises(Interrupted):
        stopped()
    assert not reports[0].ok
    assert site.owned()[SPRING] == before


def test_a_target_that_needs_a_paused_batch_starts_it_again(site: Site) -> None:
    """The service can only be deleted when the batch refers to another one."""
    live(site, "started")
    site.call("POST", "/api/services", {"name": "Other", "label": "Other"})
    site.manifest(
        "services:\n  - {name: Sales, managed: true, ensure: absent}\n  - name: Other\n"
        "bases:\n  - name: prospects\n    batches:\n"
        "      - {name: spring, service: Other, association: {destination: phone}}\n"
    )
    options = Options(targets=(Address("services/Sales"),))
    actions = [s.action.value for s in plan_environment(site.workspace, "staging", options).plan.steps]
    assert sorted(actions) == ["delete", "pause", "start", "update"]
