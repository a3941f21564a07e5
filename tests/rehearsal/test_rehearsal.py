"""Rehearsals: the emulator takes any live state, says what it would refuse, and what would be left to do."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from kiamo_iac.contract.file import load_contract
from kiamo_iac.contract.model import Contract
from kiamo_iac.core.address import Address
from kiamo_iac.core.diagnostics import Severity
from kiamo_iac.core.state import DanglingReference, ResourceState, State
from kiamo_iac.emulator import Emulator
from kiamo_iac.executor.report import Status
from kiamo_iac.planner.plan import Action, Plan
from kiamo_iac.planner.planner import build_plan
from kiamo_iac.rehearsal import rehearse
from kiamo_iac.rehearsal.seed import seed_of
from kiamo_iac.resources import kinds
from tests.e2e.rig import rig, write_manifest
from tests.e2e.worlds import World, worlds
from tests.executor.checking import planned
from tests.executor.rig import OTHER, live_of

WORLD: dict[str, Any] = {
    "services": [{"name": "Sales", "label": "S"}, {"name": "Été", "settings": {"pace": 2}}],
    "bases": [
        {
            "name": "prospects",
            "label": "P",
            "contacts": 12,
            "settings": {"zone": ["EU"]},
            "fields": [{"name": "city", "label": "City", "datatype": "string"}],
            "batches": [
                {
                    "name": "spring",
                    "service": "Sales",
                    "association": {"destination": "phone"},
                    "contacts": 3,
                    "state": "paused",
                },
                {"name": "done", "service": {"gone": "Old"}, "association": {"x": "city"}, "state": "finished"},
                {"name": "over", "service": "Été", "association": {"x": {"gone": "away"}}, "state": "stopped"},
            ],
        },
        {"name": "elsewhere", "fields": [{"name": "mail", "label": "M", "datatype": "email"}]},
    ],
}


@pytest.fixture(params=["packaged", "other"])
def emulator(request: pytest.FixtureRequest) -> Iterator[Emulator]:
    with Emulator(load_contract(OTHER if request.param == "other" else None)) as emulator:
        emulator.seed(copy.deepcopy(WORLD))
        yield emulator


def desired_of(name: str = "prospects") -> State:
    return State([ResourceState(Address.of("bases", name), kinds()["base"], {"name": name})])


def test_a_live_state_becomes_the_same_instance_with_the_same_ids(emulator: Emulator) -> None:
    live = live_of(emulator)
    seed = seed_of(live, desired_of(), emulator.contract)
    assert seed.notes == []
    with Emulator(emulator.contract) as copy_:
        copy_.seed(seed.document)
        again = live_of(copy_)
    assert list(again) == list(live)
    assert {type(i.attributes["service"]) for i in live if i.name == "done"} <= {DanglingReference, str}


MANIFEST: dict[str, Any] = {
    "services": [{"name": "Sales"}, {"name": "New", "managed": True}],
    "bases": [
        {
            "name": "prospects",
            "label": "Q",
            "fields": [{"name": "since", "label": "Since", "datatype": "date"}],
            "batches": [
                {"name": "spring", "service": "New", "association": {"destination": "since"}, "state": "started"},
                {"name": "done", "ensure": "absent"},
            ],
        },
        {"name": "fresh", "fields": [{"name": "a", "label": "A", "datatype": "text"}]},
    ],
}


def test_a_plan_that_works_says_nothing_and_touches_nothing(emulator: Emulator, tmp_path: Path) -> None:
    plan = planned(emulator, MANIFEST, tmp_path)
    before = emulator.dump(ids=True)
    rehearsal = rehearse(plan.plan, plan.live, plan.desired, emulator.contract)
    assert rehearsal.ok
    assert rehearsal.diagnostics == ()
    assert rehearsal.report is not None
    assert rehearsal.report.ok
    assert [r.step for r in rehearsal.report.results] == list(plan.plan.steps)
    assert rehearsal.difference is not None
    assert rehearsal.difference.steps == ()
    assert emulator.dump(ids=True) == before


def test_what_the_emulator_refuses_is_told_with_its_address_and_place(emulator: Emulator, tmp_path: Path) -> None:
    plan = planned(emulator, MANIFEST, tmp_path)
    at = next(s for s in plan.plan.steps if s.kind == "batch" and s.action is Action.UPDATE)
    wrong = replace(at, after={**at.after, "association": {"destination": "phone"}, "name": "pröspects/!"})
    steps = tuple(wrong if s.id == at.id else s for s in plan.plan.steps)
    rehearsal = rehearse(replace(plan.plan, steps=steps), plan.live, plan.desired, emulator.contract)
    assert not rehearsal.ok
    (said,) = rehearsal.diagnostics
    assert (said.code, said.address, said.source) == ("KIA0810", at.address, at.source)
    assert "ERR_" in (said.detail or "")
    assert said.hint
    assert rehearsal.difference is None
    assert rehearsal.report is not None
    assert rehearsal.report.counts[Status.FAILED] == 1
    assert rehearsal.report.counts[Status.SKIPPED] >= 1


def test_what_would_be_left_to_do_is_told(emulator: Emulator, tmp_path: Path) -> None:
    plan = planned(emulator, MANIFEST, tmp_path)
    at = next(s for s in plan.plan.steps if s.address == "bases/prospects" and s.action is Action.UPDATE)
    steps = tuple(replace(s, after={"label": "Other"}) if s.id == at.id else s for s in plan.plan.steps)
    rehearsal = rehearse(replace(plan.plan, steps=steps), plan.live, plan.desired, emulator.contract)
    (said,) = rehearsal.diagnostics
    assert (said.code, said.address, said.source) == ("KIA0811", at.address, at.source)
    assert rehearsal.difference is not None
    assert [s.action for s in rehearsal.difference.steps] == [Action.UPDATE]


def test_a_plan_cut_down_is_compared_as_it_was_made(emulator: Emulator, tmp_path: Path) -> None:
    whole = planned(emulator, MANIFEST, tmp_path)

    def only_the_service(live: State) -> Plan:
        return build_plan(
            whole.desired,
            live,
            capabilities=emulator.contract.capabilities(),
            environment="test",
            url="http://127.0.0.1:1",
            targets=[Address("services/New")],
        )

    plan = only_the_service(whole.live)
    assert len(plan.steps) == 1
    assert not rehearse(plan, whole.live, whole.desired, emulator.contract).ok
    assert rehearse(plan, whole.live, whole.desired, emulator.contract, replan=only_the_service).ok


def test_batches_of_bases_that_were_not_read_whole_bring_the_fields_that_they_name(
    emulator: Emulator, tmp_path: Path
) -> None:
    far = {"name": "far", "service": "Été", "association": {"destination": "mail"}}
    emulator.seed({"bases": [{"name": "other", "fields": [{"name": "mail"}], "batches": [far]}]})
    manifest = {
        "services": [{"name": "Old one", "ensure": "absent", "managed": True}, {"name": "Sales"}],
    }
    emulator.seed({"services": [{"name": "Old one"}]})
    plan = planned(emulator, manifest, tmp_path)
    assert [i.name for i in plan.live if i.kind.kind == "batch"]
    rehearsal = rehearse(plan.plan, plan.live, plan.desired, emulator.contract)
    assert rehearsal.ok, rehearsal.diagnostics
    assert rehearsal.diagnostics == ()


def _with(live: State, address: str, **changes: Any) -> State:
    return State(replace(i, **changes) if i.address == address else i for i in live)


def test_what_the_emulator_cannot_hold_is_noted_and_left_out(emulator: Emulator, tmp_path: Path) -> None:
    plan = planned(emulator, {"bases": [{"name": "prospects", "label": "Q"}]}, tmp_path)
    spring = plan.live[Address("bases/prospects/batches/spring")]
    attributes = {
        **spring.attributes,
        "service": DanglingReference("(gone: 17)"),
        "association": {"a": "nowhere", "b": "city"},
    }
    odd = _with(plan.live, spring.address, attributes=attributes, extras={"contacts": "many"})
    rehearsal = rehearse(plan.plan, odd, plan.desired, emulator.contract)
    assert rehearsal.ok
    assert {(d.code, d.severity, d.address) for d in rehearsal.diagnostics} == {
        ("KIA0812", Severity.NOTE, spring.address)
    }
    assert len(rehearsal.diagnostics) == 3


def test_a_state_that_it_cannot_hold_at_all_is_an_error(emulator: Emulator, tmp_path: Path) -> None:
    plan = planned(emulator, {"bases": [{"name": "prospects", "label": "Q"}]}, tmp_path)
    ids = {i.address: i.remote_id for i in plan.live if i.kind.kind == "service"}
    twice = State(replace(i, remote_id=min(ids.values(), key=str)) if i.address in ids else i for i in plan.live)
    rehearsal = rehearse(plan.plan, twice, plan.desired, emulator.contract)
    assert not rehearsal.ok
    assert [d.code for d in rehearsal.diagnostics] == ["KIA0813"]
    assert rehearsal.report is None


def test_default_fields_are_known_where_the_contract_does_not_flag_them(tmp_path: Path) -> None:
    data = load_contract().model_dump()
    del data["kinds"]["field"]["attributes"]["default"]
    contract = Contract.model_validate(data)
    with Emulator(contract) as emulator:
        emulator.seed({"bases": [{"name": "prospects"}]})
        plan = planned(emulator, {"bases": [{"name": "prospects", "label": "Q"}]}, tmp_path)
        assert rehearse(plan.plan, plan.live, plan.desired, contract).diagnostics == ()


@settings(
    max_examples=150,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(world=worlds())
def test_any_plan_on_any_live_state_is_rehearsed_as_it_is_applied(world: World, tmp_path: Path) -> None:
    bench = rig(world.contract)
    bench.emulator.reset()
    bench.emulator.seed(world.seed)
    loaded = bench.load([write_manifest(tmp_path / "all.yaml", world.manifest)], tmp_path)
    if any(d.severity is Severity.ERROR for d in loaded.diagnostics):
        return
    live = _live(bench, loaded.state)
    plan = bench.plan(loaded)
    if plan.applyable:
        rehearsal = rehearse(plan, live, loaded.state, bench.contract)
        assert rehearsal.diagnostics == ()
        assert rehearsal.difference is not None


def _live(bench: Any, desired: State) -> State:
    from kiamo_iac.api.reader import read

    return read(bench.client, bench.contract, desired, parallelism=2).state
