"""Steps that the instance refuses, or answers as it should not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpx
import pytest

from kiamo_iac.contract.entries import NameRule
from kiamo_iac.contract.model import Contract
from kiamo_iac.core.address import Address
from kiamo_iac.core.codes import CODES
from kiamo_iac.core.errors import AbsentError, AccessError, OppositeError, RefusedError, UnknownOutcomeError
from kiamo_iac.core.state import KeptValue
from kiamo_iac.emulator import FULL_TOKEN, Emulator
from kiamo_iac.executor.delivery import Polling
from kiamo_iac.executor.report import Effect, Outcome, Report, Status, StepResult
from kiamo_iac.executor.scheduler import execute
from kiamo_iac.executor.writer import Writer
from kiamo_iac.planner.plan import Action, Binding, Step
from tests.api.clients import client_of
from tests.executor.checking import Clock
from tests.executor.rig import CITY, WORLD, bindings_of, client_to, mark, perform, run
from tests.executor.steps import plan, step
from tests.http.stubs import Stub, in_turn, reply


def test_a_refusal_is_reported_with_code_address_and_place(emulator: Emulator) -> None:
    report = perform(emulator, step(4, Action.DELETE, "bases/prospects/batches/running"))
    (result,) = report.results
    assert result.status is Status.FAILED
    assert isinstance(result.error, RefusedError)
    assert result.error.code == "ERR_2010"
    assert "Batch must be stopped before deletion" in (result.detail or "")
    (diagnostic,) = result.error.diagnostics
    assert (diagnostic.code, diagnostic.address) == ("KIA0431", Address("bases/prospects/batches/running"))
    assert str(diagnostic.source) == "manifests/a.yaml:4:3"
    assert diagnostic.summary == str(result.error).rstrip(".")
    assert diagnostic.code in CODES


def test_an_unknown_address_makes_no_call(emulator: Emulator) -> None:
    begun = mark(emulator)
    made = step(1, Action.UPDATE, "services/Nobody", after={"label": "x"})
    (result,) = run(emulator, made, bindings={}).results
    assert "The id of services/Nobody is unknown" in (result.detail or "")
    assert emulator.calls(after=begun) == []


def test_a_failed_create_takes_its_children_along(emulator: Emulator) -> None:
    steps = [
        step(1, Action.CREATE, "bases/prospects2", after={"name": "prospects"}),
        step(2, Action.CREATE, "bases/prospects2/fields/city", needs=[1], after=CITY),
        step(3, Action.UPDATE, "services/Care", after={"label": "C"}),
    ]
    report = perform(emulator, *steps)
    assert [(r.status, r.because) for r in report.results] == [
        (Status.FAILED, None),
        (Status.SKIPPED, 1),
        (Status.DONE, None),
    ]


def test_an_attribute_without_a_wire_name_is_named_with_its_place(contract: Contract) -> None:
    with Emulator(contract) as emulator:
        (result,) = run(
            emulator, step(1, Action.CREATE, "bases/b", after={"name": "b", "zone": "EU"}), bindings={}
        ).results
    assert 'no wire name for "zone" of a base' in (result.detail or "")
    assert result.error is not None
    assert "kinds.base.attributes.zone" in (result.error.hint or "")


# --- answers that are none -------------------------------------------------------------------------------------------

CREATE = step(1, Action.CREATE, "bases/b", after={"name": "b"})
FIELD = step(2, Action.CREATE, "bases/b/fields/city", needs=[1], after=CITY)
MISSING = reply({"code": "ERR_3001"}, status=404)
LOOKS = 12
"""Readings within `Patience.lost`."""
SHORT_LOOKS = 7
"""Readings within `Patience.accepted`."""
SERVICE = {Address("services/Care"): Binding("7", "Care")}
UPDATE = step(1, Action.UPDATE, "services/Care", after={"label": "C"})


def against(contract: Contract, *replies: httpx.Response | Exception, steps: tuple[Step, ...]) -> tuple[Report, Stub]:
    stub = Stub(in_turn(*replies))
    made = plan(*steps, bindings=SERVICE)
    clock = Clock()
    polling = Polling(clock=clock, pause=clock.advance)
    with client_of(contract, stub) as client:
        return execute(made, Writer(client, contract, made, polling=polling), parallelism=1), stub


@pytest.mark.parametrize("data", [None, [], {}, {"id": 7}, {"id": ""}, {"id": None}, {"data": {"id": "7"}}, b"<html>"])
def test_f01_a_create_whose_answer_has_no_id_is_found_by_its_name(contract: Contract, data: Any) -> None:
    shown = reply([{"id": "7", "name": "b"}])
    report, stub = against(contract, reply(data, status=201), shown, steps=(CREATE,))
    assert stub.asked == ["POST /api/bases", "GET /api/bases"]
    assert report.ok
    assert report.results[0].outcome == Outcome("7", notes=report.results[0].notes)
    assert (
        report.results[0].notes[0].startswith("The create had no usable answer, and bases/b was found on the instance")
    )


def test_a_create_with_an_id_alone_in_its_answer_is_read(contract: Contract) -> None:
    report, stub = against(contract, reply({"id": "7"}, status=201), reply({"id": "7", "name": "b"}), steps=(CREATE,))
    assert stub.asked == ["POST /api/bases", "GET /api/bases/7"]
    assert [r.outcome for r in report.results] == [Outcome("7")]


BASE = {"id": "7", "name": "b"}


def test_a_child_that_was_not_made_inside_is_made_by_itself_after_the_list_had_its_time(contract: Contract) -> None:
    made = reply({"id": "9", **CITY}, status=201)
    lists = [reply([])] * LOOKS
    report, stub = against(contract, reply(BASE), *lists, made, steps=(CREATE, FIELD))
    assert report.ok
    assert stub.asked == ["POST /api/bases", *["GET /api/bases/7/fields"] * LOOKS, "POST /api/bases/7/fields"]
    assert stub.bodies[0]["fields"] == [stub.bodies[-1]] == [CITY]
    assert [r.outcome for r in report.results] == [Outcome("7"), Outcome("9")]


def test_a_child_whose_label_was_kept_otherwise_is_done_with_a_note(contract: Contract) -> None:
    other = {"id": "9", **CITY, "label": "Town"}
    report, stub = against(contract, reply(BASE), reply([other]), reply(other), steps=(CREATE, FIELD))
    assert report.results[1].outcome == Outcome(
        "9", found=True, kept=(KeptValue("label", "City", "Town"),), notes=report.results[1].notes
    )
    (note,) = report.results[1].notes
    assert note.startswith('label is kept otherwise: "City" was sent, and the instance has "Town". ')
    assert len(stub.asked) == 3


def test_a_child_with_another_datatype_is_a_failure(contract: Contract) -> None:
    other = {"id": "9", **CITY, "datatype": "text"}
    report, _ = against(contract, reply(BASE), reply([other]), reply(other), steps=(CREATE, FIELD))
    assert report.results[1].detail == (
        'bases/b/fields/city was created, and the instance has other values than were sent: datatype is "text", not '
        '"string".'
    )
    assert report.results[1].outcome == Outcome("9")
    assert report.results[1].effect is Effect.OTHERWISE
    assert report.results[1].error is not None
    assert report.results[1].error.diagnostics[0].code == "KIA0437"


def test_a_list_that_fails_is_asked_for_again_by_the_next_child(contract: Contract) -> None:
    since = step(3, Action.CREATE, "bases/b/fields/since", needs=[1], after={**CITY, "name": "since"})
    lists = [reply({"code": "ERR_4080"}, status=500), reply([{"id": "9", **CITY, "name": "since"}])]
    report, _ = against(contract, reply(BASE), *lists, steps=(CREATE, FIELD, since))
    assert [r.status for r in report.results] == [Status.DONE, Status.FAILED, Status.DONE]


def test_an_update_that_returns_another_object_is_reported(contract: Contract) -> None:
    report, _ = against(contract, reply({"id": "8", "name": "Care", "label": "C"}), steps=(UPDATE,))
    assert report.results[0].detail == (
        'The update of services/Care was answered with another object: its id is "8", not "7".'
    )


@pytest.mark.parametrize(
    "data", [None, {}, [], "ok", {"id": "7"}, {"id": 7}, {"id": "7", "label": "C"}, {"success": False}]
)
def test_o04_an_update_is_read_back_where_its_answer_does_not_show_the_object(contract: Contract, data: Any) -> None:
    report, stub = against(contract, reply(data), reply({"id": "7", "name": "Care", "label": "C"}), steps=(UPDATE,))
    assert report.ok
    assert stub.asked == ["PUT /api/services/7", "GET /api/services/7"]


@pytest.mark.parametrize("data", [{}, {"success": False}, {"id": "7", "name": "Care"}])
def test_o04_an_update_that_was_accepted_and_not_done_is_a_failure(contract: Contract, data: Any) -> None:
    before = replace(UPDATE, before={"label": "A"})
    report, _ = against(contract, reply(data), reply({"id": "7", "name": "Care", "label": "A"}), steps=(before,))
    assert report.results[0].detail == (
        'The instance accepted the update of services/Care, and did not do it: label is "A", not "C".'
    )


def test_f01_a_create_of_unknown_outcome_is_looked_for_and_adopted(contract: Contract) -> None:
    late = [reply([]), reply([{"id": "6", "name": "a"}]), reply([BASE])]
    report, stub = against(contract, httpx.ReadError("reset"), *late, steps=(CREATE,))
    assert stub.asked == ["POST /api/bases", *["GET /api/bases"] * 3]
    assert report.ok


def test_f02_a_create_that_was_dropped_is_sent_once_more(contract: Contract) -> None:
    calls: list[httpx.Response | Exception] = [httpx.ReadError("reset"), *[reply([])] * LOOKS, reply(BASE, status=201)]
    report, stub = against(contract, *calls, steps=(CREATE,))
    assert stub.asked == ["POST /api/bases", *["GET /api/bases"] * LOOKS, "POST /api/bases"]
    assert report.ok


@pytest.mark.parametrize("taken", [reply({"code": "ERR_2060"}, status=400), reply(status=409)])
def test_f03_a_second_create_that_is_refused_as_taken_finds_the_first(contract: Contract, taken: Any) -> None:
    calls: list[httpx.Response | Exception] = [
        httpx.ReadError("reset"),
        *[reply([])] * LOOKS,
        taken,
        reply([]),
        reply([BASE]),
    ]
    report, stub = against(contract, *calls, steps=(CREATE,))
    assert [call for call in stub.asked if call.startswith("POST")] == ["POST /api/bases"] * 2
    assert report.ok


def test_f03_a_create_is_never_sent_twice_where_names_are_not_unique(contract: Contract) -> None:
    names = {"names": {"pattern": ".*", "basis": "assumed"}}
    kinds = {"base": contract.kinds["base"].model_copy(update={"names": NameRule.model_validate(names["names"])})}
    alone = contract.model_copy(update={"kinds": {**contract.kinds, **kinds}})
    report, stub = against(alone, httpx.ReadError("reset"), reply([]), steps=(CREATE, FIELD))
    assert [call for call in stub.asked if call.startswith("POST")] == ["POST /api/bases"]
    assert report.results[0].detail is not None
    assert report.results[0].detail.startswith("Outcome unknown: POST /api/bases failed")
    assert report.results[0].effect is Effect.NONE
    assert report.results[1].status is Status.SKIPPED


def test_f30_an_object_with_other_content_is_not_adopted(contract: Contract) -> None:
    made = step(1, Action.CREATE, "bases/b", after={"name": "b", "label": "Mine"})
    report, stub = against(contract, httpx.ReadError("reset"), reply([{**BASE, "label": "Theirs"}]), steps=(made,))
    assert len(stub.asked) == 2
    error = report.results[0].error
    assert isinstance(error, AbsentError)
    assert "It is not managed." in str(error)
    assert error.hint == "compare it with the manifest, then: kiamo-iac adopt bases/b"
    assert report.results[0].effect is Effect.NONE


def test_a_create_whose_outcome_cannot_be_read_stays_unknown(contract: Contract) -> None:
    report, _ = against(contract, httpx.ReadError("reset"), reply({"code": "ERR_4080"}, status=500), steps=(CREATE,))
    assert isinstance(report.results[0].error, UnknownOutcomeError)
    assert report.results[0].effect is Effect.UNKNOWN
    assert report.results[0].error.diagnostics[0].code == "KIA0439"


@pytest.mark.parametrize("lost", [httpx.ReadError("reset"), reply(status=502), reply(b"{", status=200)])
def test_f04_an_update_of_unknown_outcome_is_read_and_repeated(contract: Contract, lost: Any) -> None:
    before = replace(UPDATE, before={"label": "A"})
    old, new = ({"id": "7", "name": "Care", "label": label} for label in "AC")
    report, stub = against(contract, lost, reply(old), reply(new), steps=(before,))
    assert report.ok
    assert stub.asked == ["PUT /api/services/7", "GET /api/services/7", "PUT /api/services/7"]


def test_f04_an_update_that_was_committed_is_not_repeated(contract: Contract) -> None:
    new = reply({"id": "7", "name": "Care", "label": "C"})
    report, stub = against(contract, httpx.ReadError("reset"), new, steps=(UPDATE,))
    assert report.ok
    assert stub.asked == ["PUT /api/services/7", "GET /api/services/7"]
    (note,) = report.results[0].notes
    assert note.startswith("The update had no usable answer, and was found done: PUT /api/services/7 failed: ")


def test_f04_a_third_value_after_a_lost_update_is_an_unknown_outcome(contract: Contract) -> None:
    before = replace(UPDATE, before={"label": "A"})
    other = reply({"id": "7", "name": "Care", "label": "X"})
    report, stub = against(contract, httpx.ReadError("reset"), other, steps=(before,))
    assert isinstance(report.results[0].error, UnknownOutcomeError)
    assert str(report.results[0].error).endswith(
        'services/Care has neither what it had nor what was sent: label is "X", not "C".'
    )
    assert [call.split()[0] for call in stub.asked] == ["PUT", "GET"]


def test_f25_an_object_that_is_gone_after_an_update_ends_the_run(contract: Contract) -> None:
    report, _ = against(contract, reply(status=204), MISSING, steps=(UPDATE,))
    assert isinstance(report.results[0].error, OppositeError)
    assert "services/Care does not exist any more after the update" in str(report.results[0].error)


def test_o06_a_create_that_can_be_read_only_later_is_waited_for(contract: Contract) -> None:
    calls = [reply({"id": "7"}), *[MISSING] * (SHORT_LOOKS + 3), reply(BASE)]
    report, stub = against(contract, *calls, steps=(CREATE,))
    assert report.ok
    assert [call.split()[0] for call in stub.asked].count("POST") == 1


def test_f31_a_run_that_is_stopped_looks_once_more_and_ends(contract: Contract) -> None:
    stub, made = Stub(in_turn(httpx.ReadError("reset"), reply([]))), plan(CREATE)
    with client_of(contract, stub) as client:
        writer = Writer(client, contract, made, polling=Polling(pause=lambda _: True))
        (result,) = execute(made, writer).results
    assert isinstance(result.error, UnknownOutcomeError)
    assert "the run was stopped before it was found" in str(result.error)
    assert stub.asked == ["POST /api/bases", "GET /api/bases"]


DELETE = step(1, Action.DELETE, "services/Care")


def test_f04_a_delete_answered_404_is_done(contract: Contract) -> None:
    report, stub = against(contract, MISSING, steps=(DELETE,))
    assert report.ok
    assert stub.asked == ["DELETE /api/services/7", "GET /api/services/7"]


def test_f04_a_delete_that_was_lost_is_found_done(contract: Contract) -> None:
    report, stub = against(contract, httpx.ReadError("reset"), MISSING, steps=(DELETE,))
    assert report.ok
    assert stub.asked == ["DELETE /api/services/7", "GET /api/services/7"]


def test_f04_a_delete_that_was_dropped_is_repeated(contract: Contract) -> None:
    there = reply({"id": "7", "name": "Care"})
    calls: list[httpx.Response | Exception] = [httpx.ReadError("reset"), there, reply(status=204), MISSING]
    report, stub = against(contract, *calls, steps=(DELETE,))
    assert report.ok
    assert [call.split()[0] for call in stub.asked] == ["DELETE", "GET", "DELETE", "GET"]


def test_f25_a_delete_that_was_accepted_and_not_done_is_a_failure(contract: Contract) -> None:
    def script(request: httpx.Request) -> httpx.Response:
        there = {"id": "7", "name": "Care"}
        return reply({}) if request.method == "DELETE" else reply([there] if request.url.path.endswith("s") else there)

    made, clock = plan(DELETE, bindings=SERVICE), Clock()
    with client_of(contract, script) as client:
        writer = Writer(client, contract, made, polling=Polling(clock=clock, pause=clock.advance))
        report = execute(made, writer, parallelism=1)
    assert report.results[0].detail == "The instance accepted the delete of services/Care, and still has it."


# --- commands --------------------------------------------------------------------------------------------------------

BATCH = "bases/b/batches/x"
BATCHES = {Address("bases/b"): Binding("7", "b"), Address(BATCH): Binding("9", "x")}


def commanded(
    contract: Contract, action: Action, was: str, to: str, *replies: httpx.Response | Exception
) -> tuple[StepResult, Stub]:
    stub, clock = Stub(in_turn(*replies)), Clock()
    made = plan(step(1, action, BATCH, before={"state": was}, after={"state": to}), bindings=BATCHES)
    with client_of(contract, stub) as client:
        writer = Writer(client, contract, made, polling=Polling(clock=clock, pause=clock.advance))
        (result,) = execute(made, writer).results
    return result, stub


def batch(state: str) -> httpx.Response:
    return reply({"id": "9", "name": "x", "service": "1", "state": state})


@pytest.mark.parametrize("data", [None, {}, {"success": False}, "ok"])
def test_o04_a_command_without_an_object_in_its_answer_is_read_back(contract: Contract, data: Any) -> None:
    result, stub = commanded(
        contract, Action.STOP, "started", "stopped", reply(data), batch("started"), batch("stopped")
    )
    assert result.status is Status.DONE
    assert [call.split()[0] for call in stub.asked] == ["PUT", "GET", "GET"]
    result, stub = commanded(contract, Action.STOP, "started", "stopped", reply(data), batch("started"))
    assert result.detail == (
        'The instance accepted the stop of bases/b/batches/x, and did not do it: state is "started", not "stopped".'
    )
    assert [call.split()[0] for call in stub.asked].count("PUT") == 1


@pytest.mark.parametrize(
    ("action", "was", "to", "found"),
    [
        (Action.STOP, "paused", "stopped", "started"),
        (Action.STOP, "new", "stopped", "started"),
        (Action.START, "paused", "started", "stopped"),
        (Action.PAUSE, "started", "paused", "stopped"),
    ],
)
@pytest.mark.parametrize("is_shown", [True, False])
def test_o04_the_opposite_of_what_was_sent_ends_the_run(
    contract: Contract, action: Action, was: str, to: str, found: str, is_shown: bool
) -> None:
    replies = [batch(found)] if is_shown else [reply({}), batch(found)]
    result, stub = commanded(contract, action, was, to, *replies)
    assert isinstance(result.error, OppositeError)
    assert ("contacts are being dialled" in str(result.error)) is (found == "started")
    assert result.error.diagnostics[0].code == "KIA0438"
    assert len(stub.asked) == len(replies)


@pytest.mark.parametrize("there", ["started", "finished"])
def test_f04_a_start_is_never_sent_to_a_batch_that_has_started(contract: Contract, there: str) -> None:
    calls: list[httpx.Response | Exception] = [httpx.ReadError("reset"), batch("paused"), batch(there)]
    result, stub = commanded(contract, Action.START, "paused", "started", *calls)
    assert result.status is Status.DONE
    assert [call.split()[0] for call in stub.asked] == ["PUT", "GET", "GET"]


def test_f04_a_start_that_was_dropped_is_sent_again_after_its_state_was_read(contract: Contract) -> None:
    calls: list[httpx.Response | Exception] = [
        httpx.ReadError("reset"),
        *[batch("paused")] * SHORT_LOOKS,
        batch("started"),
    ]
    result, stub = commanded(contract, Action.START, "paused", "started", *calls)
    assert result.status is Status.DONE
    assert [call.split()[0] for call in stub.asked] == ["PUT", *["GET"] * SHORT_LOOKS, "PUT"]


def test_f18_a_token_without_the_right_to_delete_stops_everything(contract: Contract) -> None:
    rights = {FULL_TOKEN: {"GET", "POST", "PUT"}}
    with Emulator(contract, tokens=rights) as emulator:
        emulator.seed(WORLD)
        steps = [
            step(1, Action.UPDATE, "services/Care", after={"label": "C"}),
            step(2, Action.DELETE, "bases/prospects/fields/city"),
            step(3, Action.UPDATE, "services/Sales", after={"label": "S"}, needs=[1]),
        ]
        made = plan(*steps, bindings=bindings_of(emulator))
        begun = mark(emulator)
        with client_to(emulator) as client:
            report = execute(made, Writer(client, contract, made), parallelism=1)
        assert [call.method for call in emulator.calls(after=begun)] == ["PUT", "DELETE"]
    assert [(r.status, r.because) for r in report.results] == [
        (Status.DONE, None),
        (Status.FAILED, None),
        (Status.SKIPPED, 2),
    ]
    assert isinstance(report.results[1].error, AccessError)
