"""A list of names, from any list to any other, with what it names renamed and swapped by the same plan."""

from __future__ import annotations

import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kiamo_iac.api.reader import StateReader
from kiamo_iac.contract.file import load_contract
from kiamo_iac.core.address import Address
from kiamo_iac.core.state import Owned
from kiamo_iac.manifest.schema import kind_schema
from kiamo_iac.planner.drift import ChangedBy, drift
from kiamo_iac.rehearsal.seed import seed_of
from kiamo_iac.resources import by_collection, children_of, kinds
from kiamo_iac.resources.field import ContactField
from tests.e2e.rig import Rig, write_manifest

FIFTH = Path(__file__).parent / "fifth_kind"
SERVICES = ("Sales", "Support", "Night", "Caf\u00e9")
FIELDS = [{"name": "outcome", "label": "Outcome", "datatype": "string"}]
NAMES = st.lists(st.sampled_from(SERVICES), max_size=5)


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    """Joined to an emulator that knows the fifth kind, as long as the test runs."""
    kind = runpy.run_path(str(FIFTH / "qualification.py"), run_name="fifth")["Qualification"]
    _forget()
    override = tmp_path / "contract.yaml"
    override.write_text("kinds:\n" + (FIFTH / "stanza.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    found = Rig(load_contract(override))
    yield found
    found.client.close()
    found.emulator.close()
    kind.__bases__ = (ContactField,)  # no direct subclass of Resource is no kind, whoever still holds it
    _forget()
    assert "qualification" not in kinds()


def _forget() -> None:
    for cached in (kinds, by_collection, children_of):
        cached.cache_clear()


@settings(
    max_examples=60,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(before=st.lists(NAMES, max_size=3), after=st.lists(NAMES, max_size=3), renamed=st.permutations(SERVICES))
def test_any_list_becomes_any_other(
    rig: Rig, tmp_path: Path, before: list[list[str]], after: list[list[str]], renamed: list[str]
) -> None:
    """`renamed`: the names that the services of the instance get, in their order; many of them swap."""
    rig.emulator.reset()
    rig.emulator.seed(
        {
            "services": [{"name": name} for name in SERVICES],
            "bases": [{"name": "prospects", "fields": FIELDS, "qualifications": _blocks(before)}],
        }
    )
    services: list[dict[str, Any]] = [
        {"name": new, "managed": True} | ({"renamed_from": [old]} if new != old else {})
        for old, new in zip(SERVICES, renamed, strict=True)
    ]
    manifest = {
        "services": services,
        "bases": [{"name": "prospects", "fields": FIELDS, "qualifications": _blocks(after)}],
    }
    loaded = rig.load([write_manifest(tmp_path / "all.yaml", manifest)], tmp_path)
    assert loaded.diagnostics == ()

    plan = rig.plan(loaded)
    assert plan.applyable, plan.diagnostics
    report = rig.apply(plan)
    assert report.ok, report

    there = {block["name"]: block for block in rig.emulator.dump()["bases"][0].get("qualifications", [])}
    assert [there[f"q{n}"].get("services", []) for n in range(len(after))] == after
    assert rig.plan(loaded).steps == ()


def test_a_drift_compares_lists_in_their_order_and_through_renames(rig: Rig, tmp_path: Path) -> None:
    """`Sales` is renamed on the instance, which changes no list that names it; the second list has another order."""
    applied = [["Night", "Sales"], ["Sales", "Support"]]
    live = [["Night", "Trade"], ["Support", "Trade"]]
    rig.emulator.seed(
        {
            "services": [{"name": "Trade" if name == "Sales" else name, "id": f"s{name}"} for name in SERVICES],
            "bases": [{"name": "prospects", "id": "p", "fields": FIELDS, "qualifications": _blocks(live)}],
        }
    )
    services = [{"name": name, "managed": True} for name in SERVICES]
    bases = [{"name": "prospects", "qualifications": _blocks(applied)}]
    loaded = rig.load([write_manifest(tmp_path / "all.yaml", {"services": services, "bases": bases})], tmp_path)
    rig.plan(loaded)
    ids = {found.address: found.remote_id for found in rig.live} | {
        Address.of("services", name): f"s{name}" for name in SERVICES
    }
    owned = {found.address: Owned(found.address, ids[found.address], found.attributes) for found in loaded.state}
    with StateReader(rig.client, rig.contract, parallelism=2) as reader:
        state = reader.finish(loaded.state, owned=owned, prune=False).state
    found = {
        (str(resource.address), a.path): (a.changed_by, a.declared, a.live)
        for resource in drift(loaded.state, state, owned).resources
        for a in resource.attributes
    }
    turned = (ChangedBy.INSTANCE, ["Sales", "Support"], ["Support", "Trade"])
    assert found.pop(("bases/prospects/qualifications/q1", "services")) == turned
    assert [path for path in found if path[1] == "services"] == []


def test_a_rehearsal_seeds_the_live_list(rig: Rig, tmp_path: Path) -> None:
    rig.emulator.seed(
        {
            "services": [{"name": name} for name in SERVICES],
            "bases": [{"name": "prospects", "fields": FIELDS, "qualifications": _blocks([["Night", "Sales"]])}],
        }
    )
    manifest = {"bases": [{"name": "prospects", "qualifications": _blocks([["Sales"]])}]}
    loaded = rig.load([write_manifest(tmp_path / "all.yaml", manifest)], tmp_path)
    rig.plan(loaded)
    seed = seed_of(rig.live, loaded.state, rig.contract)
    assert seed.notes == []
    (block,) = seed.document["bases"][0]["qualifications"]
    assert block["services"] == ["Night", "Sales"]


@pytest.mark.usefixtures("rig")
def test_the_schema_of_a_list_of_names() -> None:
    schema = kind_schema("qualification")["properties"]["services"]
    assert (schema["type"], schema["items"]["type"]) == ("array", "string")
    assert "must exist (ERR_3001)" in schema["description"]


def _blocks(lists: list[list[str]]) -> list[dict[str, Any]]:
    return [
        {"name": f"q{n}", "outcome": "reached", "field": "outcome", "services": names} for n, names in enumerate(lists)
    ]
