"""Wrong ledgers, drawn for a dump: true entries, foreign ids, renamed or deleted objects, unmanaged ones."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from kiamo_iac.core.address import Address
from kiamo_iac.core.state import Owned, State
from kiamo_iac.executor.report import Report
from kiamo_iac.planner.plan import Action
from tests.e2e.instances import BASES, BATCHES, SERVICES, chance


def blocks(dump: dict[str, Any]) -> Iterator[tuple[Address, dict[str, Any]]]:
    """Address and block of every object in a dump, without default fields."""
    for service in dump.get("services", ()):
        yield Address.of("services", service["name"]), service
    for base in dump.get("bases", ()):
        address = Address.of("bases", base["name"])
        yield address, base
        for collection in ("fields", "batches"):
            for child in base.get(collection, ()):
                if not child.get("default"):
                    yield address.child(collection, child["name"]), child


def draw_ledger(draw: DrawFn, dump: dict[str, Any]) -> tuple[dict[Address, Owned], set[str]]:
    """A ledger, and the kinds of its entries."""
    owned: dict[Address, Owned] = {}
    kinds_of_entries: set[str] = set()
    for address, block in blocks(dump):
        how = draw(st.sampled_from(["unmanaged", "true", "true", "true", "foreign id", "other name", "pending"]))
        protect = chance(draw, 15)
        match how:
            case "unmanaged":
                continue
            case "true":
                owned[address] = Owned(address, block["id"], protect=protect)
            case "foreign id":
                owned[address] = Owned(address, _other_id(block["id"]), protect=protect)
            case "other name":
                pool = {"bases": BASES, "services": SERVICES, "batches": BATCHES, "fields": ("tel", "fax")}
                name = draw(st.sampled_from(pool[address.collection]))
                former = Address.of(address.collection, name, address.parent)
                owned.setdefault(former, Owned(former, block["id"], protect=protect))
            case "pending":
                owned[address] = Owned(address, None)
        kinds_of_entries.add(how)
    if chance(draw, 20):
        deleted = Address.of("bases", draw(st.sampled_from(BASES)))
        owned.setdefault(deleted, Owned(deleted, _other_id(999) if _integer(dump) else "gone"))
        kinds_of_entries.add("deleted")
    return owned, kinds_of_entries


def record(
    owned: dict[Address, Owned], report: Report, desired: State, ids: dict[Address, Any]
) -> dict[Address, Owned]:
    """The ledger after an apply: `ids`: the ids of live objects by address."""
    kept = dict(owned)
    for result in report.results:
        address = result.step.address
        if result.step.action is Action.DELETE:
            kept = {a: e for a, e in kept.items() if a != address and not a.startswith(f"{address}/")}
        elif address in ids:
            declared = desired.get(address)
            renames = declared.lifecycle.renamed_from if declared else ()
            kept[address] = Owned(address, ids[address], renamed_from=renames)
    return kept


def intended(owned: dict[Address, Owned], report: Report) -> dict[Address, Owned]:
    """The ledger of a run that was killed after its last call: what it was about to create has no id."""
    created = [r.step.address for r in report.results if r.step.action is Action.CREATE]
    return {**owned, **{address: Owned(address, None) for address in created}}


def _other_id(id_: Any) -> Any:
    return id_ + 100_000 if isinstance(id_, int) else f"{id_}x"


def _integer(dump: dict[str, Any]) -> bool:
    return any(isinstance(block["id"], int) for _, block in blocks(dump))
