"""Steps that the instance refuses, or answers as it should not."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from kiamo_iac.contract.model import Contract
from kiamo_iac.core.address import Address
from kiamo_iac.core.codes import CODES
from kiamo_iac.core.errors import AccessError, RefusedError, ResponseError, TransportError
from kiamo_iac.emulator import FULL_TOKEN, Emulator
from kiamo_iac.executor.report import Outcome, Report, Status
from kiamo_iac.executor.scheduler import execute
from kiamo_iac.executor.writer import Writer
from kiamo_iac.planner.plan import Action, Binding, Step
from tests.api.clients import client_of
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
SERVICE = {Address("services/Care"): Binding("7", "Care")}
UPDATE = step(1, Action.UPDATE, "services/Care", after={"label": "C"})


def against(contract: Contract, *replies: httpx.Response | Exception, steps: tuple[Step, ...]) -> tuple[Report, Stub]:
    stub = Stub(in_turn(*replies))
    made = plan(*steps, bindings=SERVICE)
    with client_of(contract, stub) as client:
        return execute(made, Writer(client, contract, made), parallelism=1), stub


@pytest.mark.parametrize("data", [None, [], {}, {"id": 7}, {"id": ""}, {"id": None}, {"data": {"id": "7"}}])
def test_a_create_without_an_id_in_its_response_is_reported_as_done(contract: Contract, data: Any) -> None:
    report, stub = against(contract, reply(data, status=201), steps=(CREATE, FIELD))
    assert len(stub.asked) == 1
    assert [r.status for r in report.results] == [Status.FAILED, Status.SKIPPED]
    assert isinstance(report.results[0].error, ResponseError)
    assert "created bases/b, but its response has no id" in str(report.results[0].error)
    assert report.results[0].error.diagnostics[0].code == "KIA0433"


def test_a_child_that_was_not_made_inside_is_made_by_itself(contract: Contract) -> None:
    made = reply({"id": "9"}, status=201)
    report, stub = against(contract, reply({"id": "7"}), reply([]), made, steps=(CREATE, FIELD))
    assert report.ok
    assert stub.asked == ["POST /api/bases", "GET /api/bases/7/fields", "POST /api/bases/7/fields"]
    assert stub.bodies[0]["fields"] == [stub.bodies[2]] == [CITY]
    assert [r.outcome for r in report.results] == [Outcome("7"), Outcome("9")]


def test_a_child_that_was_created_otherwise_is_reported(contract: Contract) -> None:
    other = reply([{"id": "9", **CITY, "label": "Town"}])
    report, stub = against(contract, reply({"id": "7"}), other, steps=(CREATE, FIELD))
    assert report.results[1].detail == (
        "bases/b/fields/city was created with its parent, but not as sent: "
        '"label" is the string "Town", and the string "City" was sent.'
    )
    assert len(stub.asked) == 2


def test_a_list_that_fails_is_asked_for_again_by_the_next_child(contract: Contract) -> None:
    since = step(3, Action.CREATE, "bases/b/fields/since", needs=[1], after={**CITY, "name": "since"})
    lists = [reply({"code": "ERR_4080"}, status=500), reply([{"id": "9", **CITY, "name": "since"}])]
    report, _ = against(contract, reply({"id": "7"}), *lists, steps=(CREATE, FIELD, since))
    assert [r.status for r in report.results] == [Status.DONE, Status.FAILED, Status.DONE]


@pytest.mark.parametrize("data", [[], "ok", {"id": "8"}, {"id": 7}])
def test_an_update_that_returns_another_object_is_reported(contract: Contract, data: Any) -> None:
    report, _ = against(contract, reply(data), steps=(UPDATE,))
    assert isinstance(report.results[0].error, ResponseError)
    assert str(report.results[0].error).startswith("The response to PUT /api/services/7 does not match the contract: ")


@pytest.mark.parametrize("data", [None, {}, {"id": "7"}, {"id": "7", "label": "C"}])
def test_an_update_may_be_answered_with_little(contract: Contract, data: Any) -> None:
    assert against(contract, reply(data), steps=(UPDATE,))[0].ok


def test_f01_a_create_of_unknown_outcome_is_sent_once_and_reported(contract: Contract) -> None:
    report, stub = against(contract, httpx.ReadError("reset"), reply({"id": "7"}), steps=(CREATE, FIELD))
    assert stub.asked == ["POST /api/bases"]
    error = report.results[0].error
    assert isinstance(error, TransportError)
    assert error.sent is True
    assert error.diagnostics[0].code == "KIA0432"
    assert report.results[1].status is Status.SKIPPED


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
