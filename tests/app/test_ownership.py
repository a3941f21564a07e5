"""The ledger read, locked, and edited by hand; resources adopted."""

from __future__ import annotations

import pytest

from kiamo_iac import __version__
from kiamo_iac.app.adopting import adopt_resources
from kiamo_iac.app.ownership import (
    break_lock,
    entry_stamp,
    environment_name,
    forget_entries,
    lock_ledger,
    read_owned,
)
from kiamo_iac.app.planning import plan_environment
from kiamo_iac.core.address import Address
from kiamo_iac.core.errors import LockedError, UsageError
from kiamo_iac.core.state import Owned
from tests.app.conftest import MANIFEST, Site

BASE = Address("bases/prospects")
CITY = Address("bases/prospects/fields/city")


def test_without_an_apply_there_is_no_ledger(site: Site) -> None:
    assert read_owned(site.workspace, "staging") is None
    assert environment_name(site.workspace, "staging") == "staging"
    with pytest.raises(UsageError, match="nowhere"):
        environment_name(site.workspace, "nowhere")


def test_the_lock_excludes_other_runs_and_names_its_holder(site: Site) -> None:
    with lock_ledger(site.workspace, "staging", operation="adopt"):
        with pytest.raises(LockedError, match="adopt"), lock_ledger(site.workspace, "staging"):
            pytest.fail("it went on without the lock")
        with lock_ledger(site.workspace, "guarded"):
            pass  # each environment has its own
    with lock_ledger(site.workspace, "staging") as ledger:
        assert not ledger.found


def test_forgetting_removes_a_resource_and_its_children_without_a_call(site: Site) -> None:
    site.apply()
    before = len(site.emulator.calls())
    removed = forget_entries(site.workspace, "staging", [BASE])
    assert [str(address) for address in removed] == [
        "bases/prospects",
        "bases/prospects/batches/spring",
        "bases/prospects/fields/city",
    ]
    assert site.owned() == {}
    assert len(site.emulator.calls()) == before


def test_forgetting_is_all_or_nothing(site: Site) -> None:
    site.apply()
    with pytest.raises(UsageError, match="bases/prospect is not in the ledger") as caught:
        forget_entries(site.workspace, "staging", [CITY, Address("bases/prospect")])
    assert caught.value.hint is not None
    assert "bases/prospects" in caught.value.hint
    assert caught.value.hint.endswith("nothing was removed")
    assert CITY in site.owned()


def test_a_lock_is_released_by_its_id_only(site: Site) -> None:
    with pytest.raises(UsageError):
        break_lock(site.workspace, "staging", "no-such-lock")
    with lock_ledger(site.workspace, "staging"), pytest.raises(UsageError):
        break_lock(site.workspace, "staging", "another-id")


def test_entries_are_stamped_with_time_and_version(site: Site) -> None:
    entry = entry_stamp(None)(Owned(BASE, None))
    assert entry.version == __version__
    assert entry.applied_at is not None
    assert entry.applied_at.endswith("Z")
    assert entry.commit is None


# --- adopt -----------------------------------------------------------------------------------------------------------


def test_adopting_records_live_values_and_writes_nothing_else(site: Site) -> None:
    site.apply()
    forget_entries(site.workspace, "staging", [BASE])
    site.call("PUT", f"/api/bases/{site.base_id()}", {"label": "By hand"})
    writes = len(site.writes())
    entry, *_ = adopt_resources(site.workspace, "staging", [BASE]).entries
    assert (entry.address, str(entry.remote_id)) == (BASE, str(site.base_id()))
    assert entry.attributes["label"] == "By hand"
    assert site.owned()[BASE] == entry
    assert len(site.writes()) == writes
    (step,) = plan_environment(site.workspace, "staging").plan.steps
    assert (step.address, [change.path for change in step.changes]) == (BASE, ["label"])


def test_what_is_not_declared_or_not_live_is_not_adopted(site: Site) -> None:
    with pytest.raises(UsageError, match="bases/prospects is missing on the instance"):
        adopt_resources(site.workspace, "staging", [BASE])
    site.apply()
    forget_entries(site.workspace, "staging", [BASE])
    site.manifest(MANIFEST.replace("name: city", "name: town"))
    with pytest.raises(UsageError, match="bases/prospects/fields/city is not declared") as caught:
        adopt_resources(site.workspace, "staging", [BASE, CITY])
    assert caught.value.hint is not None
    assert caught.value.hint.endswith("nothing was adopted")
    assert site.owned() == {}


def test_a_reference_cannot_be_adopted(site: Site) -> None:
    """It is declared without `managed: true`: nothing of it would ever be applied."""
    with pytest.raises(UsageError, match="services/Sales is not declared"):
        adopt_resources(site.workspace, "staging", [Address("services/Sales")])
