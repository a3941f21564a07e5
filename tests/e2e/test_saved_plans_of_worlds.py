"""A saved plan, and somebody at the instance between plan and apply: it is stale, or it does just what it showed."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from kiamo_iac.core.address import Address
from kiamo_iac.core.diagnostics import Severity
from kiamo_iac.planner.plan import Action, Plan
from kiamo_iac.planner.plan_compare import Finding, compare
from kiamo_iac.planner.plan_file import SavedPlan, load_plan, text_of
from tests.e2e.ledgers import blocks
from tests.e2e.rig import Rig, rig, write_manifest
from tests.e2e.test_any_to_any import EXAMPLES, thoroughly
from tests.e2e.worlds import World, worlds
from tests.render.plans import PROVENANCE_OF_TESTS

HANDS = ("nobody", "contacts", "label", "stop")
"""What somebody does in between."""


def test_a_saved_plan_writes_what_it_showed_or_nothing(tmp_path: Path, counts: Counter[str]) -> None:
    @settings(parent=thoroughly, max_examples=max(200, EXAMPLES // 3))
    @given(world=worlds(), data=st.data())
    def run(world: World, data: st.DataObject) -> None:
        _run(world, data, tmp_path / "all.yaml", counts)

    run()
    assert all(counts[f"saved plan: {finding}"] for finding in (Finding.SAME, Finding.STALE))
    assert all(counts[f"saved plan, by hand: {hand}"] for hand in HANDS)


def _run(world: World, data: st.DataObject, path: Path, counts: Counter[str]) -> None:
    bench = rig(world.contract)
    bench.emulator.reset()
    bench.emulator.seed(world.seed)
    loaded = bench.load([write_manifest(path, world.manifest)], path.parent)
    assume(not any(d.severity is Severity.ERROR for d in loaded.diagnostics))
    plan = bench.plan(loaded)
    assume(plan.applyable and plan.steps)
    saved = load_plan(text_of(_saved(plan)).encode(), shown="plan.json")
    hand = data.draw(st.sampled_from(HANDS), label="by hand")
    touched = _by_hand(bench, hand, data)
    so_far = len(bench.emulator.calls())
    derived = bench.plan(loaded)
    verdict = compare(saved.plan, derived)
    counts[f"saved plan, by hand: {hand if touched or hand in HANDS[:2] else 'nobody'}"] += 1
    counts[f"saved plan: {verdict.finding}"] += 1
    assert verdict.finding is not Finding.TAMPERED
    if touched is None and hand != "contacts":
        assert verdict.finding is Finding.SAME
    elif any(touched in step.seen for step in plan.steps):
        assert verdict.finding is Finding.STALE
    if verdict.finding is Finding.SAME:
        report = bench.apply(derived)
        assert report.ok, [r.error for r in report.results if r.error]
        shown = Counter(_operation(step.action) for step in saved.plan.steps)
        made = Counter(c.operation or "" for c in bench.emulator.calls()[so_far:] if c.method != "GET")
        assert all(made[operation] <= shown[operation] for operation in made)
        assert bench.plan(loaded).steps == ()


def _saved(plan: Plan) -> SavedPlan:
    return SavedPlan(plan, "0", "2026-01-01T00:00:00Z", "a" * 64, "b" * 64, "0" * 32, provenance=PROVENANCE_OF_TESTS)


def _by_hand(bench: Rig, hand: str, data: st.DataObject) -> Address | None:
    """What somebody did, by its address; None when it is nothing that a fingerprint knows of."""
    dump = bench.emulator.dump(ids=True)
    touched: Address | None = None
    there = [(a, b) for a, b in blocks(dump) if a.depth == (2 if hand == "stop" else 1)]
    match hand:
        case "contacts":
            for base in dump.get("bases", ()):
                bench.emulator.set_contacts(base["name"], 77)
        case "label" if there:
            thing, block = data.draw(st.sampled_from(there), label="thing")
            kind = "service" if thing.collection == "services" else "base"
            known = bench.contract.kinds[kind]
            if "update" in known.operations and block.get("label") != "by hand":
                body = {known.attributes["label"].wire: "by hand"}
                bench.client.call(kind, "update", {"id": block["id"]}, body=body)
                touched = thing
        case "stop":
            open_ = [(a, b) for a, b in there if b.get("state") in {"new", "started", "paused"}]
            if open_:
                batch, block = data.draw(st.sampled_from(open_), label="batch")
                base = next(b["id"] for a, b in blocks(dump) if a == batch.parent)
                bench.client.call("batch", "stop", {"id": block["id"], "base": base})
                touched = batch
        case _:
            pass
    return touched


def _operation(action: Action) -> str:
    return "update" if action is Action.RENAME else action.value
