"""Steps as calls, on the emulator under both contracts."""

from __future__ import annotations

import json
import unicodedata
from dataclasses import replace

import pytest

from kiamo_iac.api.client import Client
from kiamo_iac.contract.model import Contract
from kiamo_iac.core.errors import Interrupted, KiamoIacError, LedgerError
from kiamo_iac.core.secret import Secret
from kiamo_iac.emulator import FULL_TOKEN, Emulator, EmulatorRequest, EmulatorResponse
from kiamo_iac.executor.delivery import Polling
from kiamo_iac.executor.report import Effect, Status
from kiamo_iac.executor.scheduler import execute
from kiamo_iac.executor.writer import Writer
from kiamo_iac.http.transport import InProcess
from kiamo_iac.planner.plan import Action
from tests.executor.checking import Clock
from tests.executor.rig import CITY, PHONE, base_of, bindings_of, live_of, mark, perform, reads, run, writes
from tests.executor.steps import plan, step

DONE, FAILED, SKIPPED = Status.DONE, Status.FAILED, Status.SKIPPED

NEW_BASE = [
    step(1, Action.CREATE, "services/Win back", after={"name": "Win back", "label": "Desk"}),
    step(2, Action.CREATE, "bases/clients", after={"name": "clients", "label": "Clients", "settings": {"zone": "EU"}}),
    step(3, Action.CREATE, "bases/clients/fields/city", needs=[2], after=CITY),
    step(
        4,
        Action.CREATE,
        "bases/clients/fields/since",
        needs=[2],
        after={"name": "since", "label": "S", "datatype": "date"},
    ),
    step(
        5,
        Action.CREATE,
        "bases/clients/batches/spring",
        needs=[1, 2, 3, 4],
        after={"name": "spring", "service": "Win back", "association": {"destination": "phone", "town": "city"}},
    ),
    step(
        6, Action.START, "bases/clients/batches/spring", needs=[5], before={"state": "new"}, after={"state": "started"}
    ),
    step(
        7,
        Action.PAUSE,
        "bases/clients/batches/spring",
        needs=[6],
        before={"state": "started"},
        after={"state": "paused"},
    ),
]


def test_a_whole_base_is_made_with_few_calls(emulator: Emulator) -> None:
    bindings = bindings_of(emulator)
    begun = mark(emulator)
    report = run(emulator, *NEW_BASE, bindings=bindings)
    assert report.ok, [r.error for r in report.results]
    spring = {
        "name": "spring",
        "service": "Win back",
        "association": {"destination": "phone", "town": "city"},
        "state": "paused",
    }
    assert base_of(emulator, "clients") == {
        "name": "clients",
        "label": "Clients",
        "settings": {"zone": "EU"},
        "fields": [PHONE, CITY, {"name": "since", "label": "S", "datatype": "date"}],
        "batches": [spring],
    }
    assert sorted(writes(emulator, begun)) == [
        ("base", "create"),
        ("batch", "create"),
        ("batch", "pause"),
        ("batch", "start"),
        ("service", "create"),
    ]
    assert set(reads(emulator, begun)) == {"field"}
    assert [r.outcome.found for r in report.results if r.outcome] == [False, False, True, True, False, False, False]
    ids = {r.step.address: r.outcome.remote_id for r in report.results if r.outcome}
    assert ids == {i.address: i.remote_id for i in live_of(emulator, "clients") if i.address in ids}


def test_the_fields_of_a_base_are_listed_once_however_many_they_are(contract: Contract) -> None:
    with Emulator(contract) as emulator:
        fields = [
            step(
                n,
                Action.CREATE,
                f"bases/b/fields/f{n}",
                needs=[1],
                after={"name": f"f{n}", "label": "F", "datatype": "text"},
            )
            for n in range(2, 30)
        ]
        bindings, begun = bindings_of(emulator), mark(emulator)
        report = run(emulator, step(1, Action.CREATE, "bases/b", after={"name": "b"}), *fields, bindings=bindings)
        assert report.ok
        assert [(call.method, call.kind) for call in emulator.calls(after=begun)] == [
            ("POST", "base"),
            ("GET", "field"),
        ]


@pytest.mark.parametrize(
    ("refusal", "status"), [(None, DONE), (Interrupted("stopped"), SKIPPED), (LedgerError("lost"), FAILED)]
)
def test_what_a_create_left_out_is_created_only_while_the_run_may_write(
    emulator: Emulator, refusal: KiamoIacError | None, status: Status
) -> None:
    """The instance drops the fields of a new base, which are looked for and then created one by one."""
    wire = emulator.contract.kinds["base"].embedded["field"].wire
    asked: list[int] = []

    def without_fields(request: EmulatorRequest) -> EmulatorResponse:
        body = json.loads(request.body) if request.body else {}
        return emulator.handle(
            replace(request, body=json.dumps({**body, wire: []}).encode()) if wire in body else request
        )

    def may_write() -> None:
        asked.append(1)
        if len(asked) > 1 and refusal is not None:
            raise refusal

    made = plan(*NEW_BASE[1:4], bindings=bindings_of(emulator))
    begun, clock = mark(emulator), Clock()
    transport = InProcess(without_fields, request=EmulatorRequest)
    with Client("http://127.0.0.1:1", Secret(FULL_TOKEN), emulator.contract, transport=transport) as client:
        polling = Polling(clock=clock, pause=clock.advance)
        writer = Writer(client, emulator.contract, made, polling=polling, may_write=may_write)
        report = execute(made, writer, verification_group=writer.verification_group)
    assert [result.status for result in report.results] == [DONE, status, status]
    assert [result.effect for result in report.results[1:]] == [Effect.NONE if status is FAILED else None] * 2
    created = [("field", "create")] * 2 if refusal is None else []
    assert writes(emulator, begun) == [("base", "create"), *created]
    assert len(asked) == 3


def test_a_base_without_fields_is_created_with_an_empty_list(emulator: Emulator) -> None:
    assert perform(emulator, step(1, Action.CREATE, "bases/bare", after={"name": "bare"})).ok
    assert base_of(emulator, "bare")["fields"] == [PHONE]
    (created,) = [call for call in emulator.calls() if call.operation == "create"]
    assert created.body[emulator.contract.kinds["base"].embedded["field"].wire] == []


def test_a_field_of_a_base_that_was_there_is_created_by_itself(emulator: Emulator) -> None:
    begun = mark(emulator)
    after = {"name": "since", "label": "Since", "datatype": "date", "settings": {"x": [1]}}
    assert perform(emulator, step(1, Action.CREATE, "bases/prospects/fields/since", after=after)).ok
    assert base_of(emulator)["fields"][-1] == {**after}
    assert writes(emulator, begun) == [("field", "create")]


def test_an_update_sends_what_changes_and_nothing_else(emulator: Emulator) -> None:
    spring = "bases/prospects/batches/spring"
    after = {
        "service": "Care",
        "association": {"destination": "city", "town": "phone"},
        "settings": {"b": 3, "c": None},
    }
    assert perform(emulator, step(1, Action.UPDATE, spring, after=after)).ok
    (sent,) = [call.body for call in emulator.calls() if call.operation == "update"]
    attributes = emulator.contract.kinds["batch"].attributes
    fixed = emulator.contract.kinds["batch"].operations["update"].body
    assert set(sent) - set(fixed) == {attributes["service"].wire, attributes["association"].wire, "b", "c"}
    found = base_of(emulator)["batches"][0]
    assert (found["service"], found["association"]) == ("Care", {"destination": "city", "town": "phone"})
    assert found["settings"] == {"a": 1, "b": 3, "c": None}


def test_a_rename_and_what_refers_to_the_new_name(emulator: Emulator) -> None:
    steps = [
        step(1, Action.RENAME, "services/Help", before={"name": "Care"}, after={"name": "Help"}),
        step(2, Action.UPDATE, "bases/clients/batches/spring", needs=[1], after={"service": "Help"}),
        step(3, Action.RENAME, "bases/clients", before={"name": "prospects"}, after={"name": "clients"}),
        step(
            4, Action.CREATE, "bases/clients/fields/x", needs=[3], after={"name": "x", "label": "X", "datatype": "text"}
        ),
    ]
    renamed = {"services/Care": "services/Help", "bases/prospects": "bases/clients"}
    assert perform(emulator, *steps, renamed=renamed).ok
    assert [s["name"] for s in emulator.dump()["services"]] == ["Sales", "Help"]
    assert base_of(emulator, "clients")["batches"][0]["service"] == "Help"
    assert base_of(emulator, "clients")["fields"][-1]["name"] == "x"


def test_a_reference_before_the_rename_still_finds_its_service(emulator: Emulator) -> None:
    steps = [
        step(1, Action.UPDATE, "bases/prospects/batches/spring", after={"service": "Help"}),
        step(2, Action.RENAME, "services/Help", needs=[1], before={"name": "Care"}, after={"name": "Help"}),
    ]
    assert perform(emulator, *steps, renamed={"services/Care": "services/Help"}).ok
    assert base_of(emulator)["batches"][0]["service"] == "Help"


def test_commands_and_deletions(emulator: Emulator) -> None:
    running, spring = "bases/prospects/batches/running", "bases/prospects/batches/spring"
    steps = [
        step(1, Action.PAUSE, running),
        step(2, Action.START, running, needs=[1]),
        step(3, Action.STOP, running, needs=[2]),
        step(4, Action.DELETE, running, needs=[3]),
        step(5, Action.STOP, spring),
        step(6, Action.DELETE, spring, needs=[5]),
        step(7, Action.DELETE, "bases/prospects/fields/city", needs=[6]),
        step(8, Action.DELETE, "services/Care"),
        step(9, Action.DELETE, "bases/prospects", needs=[4, 7]),
    ]
    report = perform(emulator, *steps)
    assert report.ok, [r.error for r in report.results]
    assert emulator.dump() == {"services": [{"name": "Sales"}]}


def test_exact_names_are_sent_back(emulator: Emulator) -> None:
    exact = unicodedata.normalize("NFD", "Été")
    emulator.seed({"services": [{"name": exact}]})
    after = {"service": "Été"}
    assert perform(emulator, step(1, Action.UPDATE, "bases/prospects/batches/spring", after=after)).ok
    assert base_of(emulator)["batches"][0]["service"] == exact
