"""Steps that the instance refuses, or answers as it should not."""

from __future__ import annotations

from kiamo_iac.address import Address
from kiamo_iac.api.contract import Contract
from kiamo_iac.codes import CODES
from kiamo_iac.emulator import Emulator
from kiamo_iac.errors import RefusedError
from kiamo_iac.executor.report import Status
from kiamo_iac.planner.plan import Action
from tests.executor.rig import CITY, mark, perform, run
from tests.executor.steps import step


def test_a_refusal_is_told_with_its_code_address_and_place(emulator: Emulator) -> None:
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


def test_an_address_that_nobody_knows_is_no_call(emulator: Emulator) -> None:
    begun = mark(emulator)
    made = step(1, Action.UPDATE, "services/Nobody", after={"label": "x"})
    (result,) = run(emulator, made, bindings={}).results
    assert "The id of services/Nobody is not known" in (result.detail or "")
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
