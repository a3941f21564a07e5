"""Adoption of what is declared below an address, or of everything."""

from __future__ import annotations

import pytest

from kiamo_iac.app.adopting import adopt_resources
from kiamo_iac.app.ownership import forget_entries
from kiamo_iac.app.planning import detect_drift, plan_environment
from kiamo_iac.core.address import Address
from kiamo_iac.core.errors import UsageError
from tests.app.conftest import MANIFEST, Site

BASE = Address("bases/prospects")
CITY = BASE.child("fields", "city")


@pytest.fixture
def live(site: Site) -> Site:
    """A site whose resources exist, and of which the ledger has none."""
    site.apply()
    forget_entries(site.workspace, "staging", [BASE])
    assert site.owned() == {}
    return site


def test_what_is_declared_below_an_address_is_adopted_with_it(live: Site) -> None:
    adoption = adopt_resources(live.workspace, "staging", [BASE])
    declared = {address for address in (one.address for one in adoption.entries) if BASE.covers(address)}
    assert {BASE, CITY} < declared
    assert set(live.owned()) == declared
    plan = plan_environment(live.workspace, "staging").plan
    assert not plan.steps
    assert [d.code for d in plan.diagnostics if d.code == "KIA0622"] == []


def test_what_is_managed_keeps_its_entry_when_what_is_above_it_is_adopted(live: Site) -> None:
    """Else a change on the instance would pass for one in git."""
    adopt_resources(live.workspace, "staging", [CITY])
    before = live.owned()[CITY]
    live.call("PUT", f"/api/bases/{live.base_id()}/fields/{before.remote_id}", {"label": "By hand"})
    adoption = adopt_resources(live.workspace, "staging", [BASE])
    assert CITY not in [entry.address for entry in adoption.entries]
    assert live.owned()[CITY] == before
    (drift,) = detect_drift(live.workspace, "staging")[1].resources
    assert (drift.address, drift.changed_by) == (CITY, "instance")


def test_all_adopts_everything_that_is_declared_and_live(live: Site) -> None:
    live.manifest(f"{MANIFEST}  - {{name: later, fields: [{{name: x, label: X, datatype: string}}]}}\n")
    adoption = adopt_resources(live.workspace, "staging", None)
    assert BASE in [entry.address for entry in adoption.entries]
    assert adoption.missing == (Address("bases/later"), Address("bases/later/fields/x"))
    assert detect_drift(live.workspace, "staging")[1].not_owned == 0
    assert adopt_resources(live.workspace, "staging", None).entries == ()


def test_a_default_field_is_never_adopted(live: Site) -> None:
    default = BASE.child("fields", "phone")
    live.manifest(MANIFEST.replace("    fields:\n", "    fields:\n      - {name: phone}\n"))
    for addresses in ([BASE], None):
        assert default not in [e.address for e in adopt_resources(live.workspace, "staging", addresses).entries]
    with pytest.raises(UsageError, match="is a default field"):
        adopt_resources(live.workspace, "staging", [default])
    assert default not in live.owned()
    assert detect_drift(live.workspace, "staging")[1].not_owned == 0


def test_what_was_recreated_by_others_is_adopted_by_its_address_alone(live: Site) -> None:
    adopt_resources(live.workspace, "staging", None)
    entry = live.owned()[CITY]
    live.call("DELETE", f"/api/bases/{live.base_id()}/fields/{entry.remote_id}")
    live.call("POST", f"/api/bases/{live.base_id()}/fields", {"name": "city", "label": "City", "datatype": "string"})
    adoption = adopt_resources(live.workspace, "staging", None)
    assert (adoption.entries, adoption.recreated) == ((), (CITY,))
    assert live.owned()[CITY] == entry
    adopt_resources(live.workspace, "staging", [BASE])
    assert live.owned()[CITY].remote_id != entry.remote_id


def test_a_name_that_others_gave_takes_the_entries_below_it_along(live: Site) -> None:
    """`export` writes the new name into the manifest: the ledger follows when it is adopted."""
    adopt_resources(live.workspace, "staging", None)
    before = live.owned()
    live.call("PUT", f"/api/bases/{live.base_id()}", {"name": "clients"})
    live.manifest(MANIFEST.replace("name: prospects", "name: clients"))
    adoption = adopt_resources(live.workspace, "staging", None)
    assert Address("bases/clients") in [entry.address for entry in adoption.entries]
    after = live.owned()
    assert {address.replace("clients", "prospects") for address in after} == set(before)
    assert {entry.remote_id for entry in after.values()} == {entry.remote_id for entry in before.values()}
    assert not detect_drift(live.workspace, "staging")[1].any
