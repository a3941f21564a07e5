"""A base that held no contacts when the plan was made, and holds some when it is to be deleted."""

from __future__ import annotations

from pathlib import Path

from kiamo_iac.core.errors import StaleError
from kiamo_iac.emulator import Emulator
from kiamo_iac.planner.plan import Risk
from tests.executor.checking import apply, failures, planned

GONE = {
    "services": [{"name": "Sales"}],
    "bases": [{"name": "prospects", "ensure": "absent", "batches": [{"name": "spring"}, {"name": "running"}]}],
}


def test_contacts_imported_since_the_plan_are_not_deleted(emulator: Emulator, tmp_path: Path) -> None:
    plan = planned(emulator, GONE, tmp_path)
    emulator.set_contacts("prospects", 50_000)
    report = apply(emulator, plan)
    (error,) = failures(report).values()
    assert isinstance(error, StaleError)
    assert str(error) == "bases/prospects now has 50000 contacts, and had none when the plan was made."
    assert [base["name"] for base in emulator.dump()["bases"]] == ["prospects"]


def test_contacts_that_the_plan_counted_go_with_it(emulator: Emulator, tmp_path: Path) -> None:
    emulator.set_contacts("prospects", 12)
    plan = planned(emulator, GONE, tmp_path)
    assert plan.plan.steps[-1].risk is Risk.DATA_LOSS
    emulator.set_contacts("prospects", 13)
    assert apply(emulator, plan).ok
    assert "bases" not in emulator.dump()


def test_o15_a_field_is_not_deleted_once_its_base_has_contacts(emulator: Emulator, tmp_path: Path) -> None:
    """Their data in that field would be lost, and nothing has allowed it."""
    fields = [{"name": "city", "ensure": "absent"}]
    batches = [{"name": name, "ensure": "absent"} for name in ("spring", "running")]
    world = {"services": [{"name": "Sales"}], "bases": [{"name": "prospects", "fields": fields, "batches": batches}]}
    plan = planned(emulator, world, tmp_path)
    emulator.set_contacts("prospects", 7)
    report = apply(emulator, plan)
    (error,) = failures(report).values()
    assert isinstance(error, StaleError)
    assert "bases/prospects, which this step needs, now has 7 contacts" in str(error)
    assert "city" in str(emulator.dump())
