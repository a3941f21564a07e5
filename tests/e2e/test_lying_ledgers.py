"""Whatever the ledger says: nothing outside of ledger and manifests is written, and what is protected survives."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from hypothesis import event, given, settings
from hypothesis import strategies as st

from kiamo_iac.core.address import Address
from kiamo_iac.core.codes import CODES
from kiamo_iac.core.diagnostics import Severity
from kiamo_iac.core.errors import VanishedError
from kiamo_iac.core.state import Ownership
from kiamo_iac.emulator import Call
from kiamo_iac.planner.plan import Cause, Plan
from tests.e2e.instances import Block
from tests.e2e.ledgers import blocks, draw_ledger, intended, record
from tests.e2e.rig import rig, write_manifest
from tests.e2e.test_any_to_any import most_thoroughly as thoroughly
from tests.e2e.worlds import World, worlds

_CODES = ("KIA0514", "KIA0517", "KIA0520", *(f"KIA060{n}" for n in range(2, 9)))


def test_whatever_the_ledger_holds(tmp_path: Path, counts: Counter[str]) -> None:
    @settings(parent=thoroughly)
    @given(world=worlds(), data=st.data())
    def run(world: World, data: st.DataObject) -> None:
        _run(world, data, tmp_path / "all.yaml", counts)

    run()
    assert [code for code in _CODES if not counts[f"ledger: {code} {CODES[code]}"]] == []
    assert counts["ledger: pruned"]
    assert counts["ledger: applied"]


def _run(world: World, data: st.DataObject, path: Path, counts: Counter[str]) -> None:
    bench = rig(world.contract)
    bench.emulator.reset()
    bench.emulator.seed(world.seed)
    before = bench.emulator.dump(ids=True)
    owned, kinds_of_entries = data.draw(st.composite(lambda draw: draw_ledger(draw, before))(), label="ledger")
    prune = data.draw(st.booleans(), label="prune")
    lost = data.draw(st.integers(1, 100), label="lost") > 90
    ledger: Ownership | None = None if lost else owned
    loaded = bench.load([write_manifest(path, world.manifest)], path.parent)
    if any(d.severity is Severity.ERROR for d in loaded.diagnostics):
        return
    refusal: str | None = None
    try:
        plan = bench.plan(loaded, owned=ledger, prune=prune)
    except VanishedError as error:
        refusal = str(error)
    if refusal is not None:
        assert any(f"lists no {collection}," in refusal for collection in _vanished(before, ledger or {}))
        assert not bench.writes()
        counts["ledger: a list that dropped to nothing"] += 1
        return
    _count(plan, kinds_of_entries, counts)
    if lost or not prune:
        assert not any(step.cause is Cause.PRUNE for step in plan.steps)
    if not plan.applyable:
        assert not bench.writes()
        return
    report = bench.apply(plan)
    assert [call for call in bench.writes() if call.status >= 400] == []
    assert report.ok
    after = bench.emulator.dump(ids=True)
    _check_writes(bench.writes(), world.manifest, before, ledger or {})
    _check_protected(before, after, ledger or {})
    counts["ledger: applied"] += 1
    live = {address: block["id"] for address, block in blocks(after)}
    start = {} if lost else owned
    for kept in (record(start, report, loaded.state, live), intended(start, report)):
        so_far = len(bench.writes())
        if _vanished(after, kept):
            continue
        again = bench.plan(loaded, owned=kept, prune=prune)
        assert [f"{s.action} {s.address}" for s in again.steps] == []
        assert [d.summary for d in again.diagnostics if d.severity is Severity.ERROR] == []
        assert len(bench.writes()) == so_far


def _vanished(dump: Block, owned: Ownership) -> set[str]:
    """The top collections that are empty, though the ledger has ids in them."""
    known = {address.collection for address, entry in owned.items() if entry.remote_id is not None}
    return {collection for collection in ("services", "bases") if collection in known and not dump.get(collection)}


def _check_writes(calls: list[Call], manifest: dict[str, list[Block]], before: Block, owned: Ownership) -> None:
    """Every write is to something that the manifests name (a parent's exclusive list names all below it) or that the
    ledger has, id by id; what is created is named by the manifests."""
    named = set(_named(manifest))
    exclusive = {f"bases/{b['name']}/{c}" for b in manifest["bases"] for c in b.get("exclusive", ())}
    former = {b["name"]: old for b in manifest["bases"] for old in b.get("renamed_from", ())}
    exclusive |= {
        f"bases/{former[b['name']]}/{c}"
        for b in manifest["bases"]
        if b["name"] in former
        for c in b.get("exclusive", ())
    }
    allowed = {(a.collection, e.remote_id) for a, e in owned.items() if e.remote_id is not None}
    known = {(a.collection, block["id"]) for a, block in blocks(before)}
    for address, block in blocks(before):
        if address in named or address.rsplit("/", 1)[0] in exclusive:
            allowed.add((address.collection, block["id"]))
    plural = {"service": "services", "base": "bases", "field": "fields", "batch": "batches"}
    for call in calls:
        thing = (plural[call.kind or ""], _typed(call.id, known))
        assert call.operation == "create" or thing in allowed or thing not in known, call


def _named(manifest: dict[str, list[Block]]) -> list[str]:
    found = []
    for collection in ("services", "bases"):
        for block in manifest[collection]:
            for name in (block["name"], *block.get("renamed_from", ())):
                address = Address.of(collection, name)
                found.append(address)
                for inner in ("fields", "batches"):
                    for child in block.get(inner, ()):
                        found += [address.child(inner, n) for n in (child["name"], *child.get("renamed_from", ()))]
    return [str(a) for a in found]


def _typed(id_: Any, known: set[tuple[str, Any]]) -> Any:
    return int(id_) if known and isinstance(next(iter(known))[1], int) and id_ is not None else id_


def _check_protected(before: Block, after: Block, owned: Ownership) -> None:
    ids = {(a.collection, block["id"]) for a, block in blocks(after)}
    for address, block in blocks(before):
        entry = owned.get(address)
        if entry is not None and entry.protect and entry.remote_id == block["id"]:
            assert (address.collection, block["id"]) in ids, f"{address} was protected"


def _count(plan: Plan, kinds_of_entries: set[str], counts: Counter[str]) -> None:
    for code in {d.code for d in plan.diagnostics if d.code in _CODES}:
        counts[f"ledger: {code} {CODES[code]}"] += 1
    for kind_of_entry in kinds_of_entries:
        counts[f"ledger says: {kind_of_entry}"] += 1
    if any(step.cause is Cause.PRUNE for step in plan.steps):
        counts["ledger: pruned"] += 1
        event("pruned")
