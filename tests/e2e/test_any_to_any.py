"""Any live state × any desired state: refused with a reason, or applied without a refused call, then nothing to do."""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from kiamo_iac.core.address import Address
from kiamo_iac.core.codes import CODES
from kiamo_iac.core.diagnostics import Diagnostic, Severity
from kiamo_iac.core.settings import GuardSettings
from kiamo_iac.planner.guards import Consents, check_guards
from kiamo_iac.planner.plan import Action, Plan, Risk
from kiamo_iac.render.base import Style, plan_renderer
from tests.e2e.oracle import begun, complaints, ended, gone
from tests.e2e.rig import Rig, rig, write_manifest
from tests.e2e.worlds import World, worlds

EXAMPLES = int(os.environ.get("KIAMO_IAC_WORLDS", "500"))
"""How many worlds are tried; .ci/run tries more."""
MOST_EXAMPLES = max(1000, EXAMPLES)
"""The same where something that must be reached is rare."""

thoroughly = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
most_thoroughly = settings(parent=thoroughly, max_examples=MOST_EXAMPLES)


_REFUSED_EARLIER = {"KIA0505": "KIA0226", "KIA0514": "KIA0218"}
"""Refusals of the planner that manifests do not lead to, for their own check has refused them already."""


_OTHER_TESTS = {"KIA0520", "KIA0521"}
"""Refusals that take a ledger (test_lying_ledgers.py) or targets."""


def test_any_live_state_to_any_desired_state(tmp_path: Path, counts: Counter[str]) -> None:
    @thoroughly
    @given(world=worlds())
    def run(world: World) -> None:
        _run(world, tmp_path / "all.yaml", counts)

    run()
    reached = [c for c in counts if counts[c]]
    expected = [
        *(f"action: {action}" for action in Action),
        *(f"risk: {risk}" for risk in Risk),
        *(f"rule: {rule}" for rule in RULES),
        *(
            _refusal(_REFUSED_EARLIER.get(code, code))
            for code in CODES
            if code.startswith("KIA05") and code not in _OTHER_TESTS
        ),
        *(f"consents: {what}" for what in ("gone with a base", "stopped while it ran")),
        *(f"ended: {how}" for how in ("applied", "nothing to do", "refused with the manifests", "refused by the plan")),
    ]
    assert [what for what in expected if what not in reached] == []


def _run(world: World, path: Path, counts: Counter[str]) -> None:
    counts["worlds"] += 1
    counts[f"contract: {world.contract}"] += 1
    bench = _seeded(world)
    before = bench.emulator.dump(ids=True)
    loaded = bench.load([write_manifest(path, world.manifest)], path.parent)
    errors = [d for d in loaded.diagnostics if d.severity is Severity.ERROR]
    plan = bench.plan(loaded)  # asked even when the manifests are refused: the planner must bear that
    if errors or not plan.applyable:
        counts["ended: refused with the manifests" if errors else "ended: refused by the plan"] += 1
        _check_refusals([*errors, *(d for d in plan.diagnostics if d.severity is Severity.ERROR)], counts)
        assert not bench.writes()
        assert plan.applyable or not plan.steps
        return
    _count_steps(plan, counts)
    report = bench.apply(plan)
    assert [call for call in bench.writes() if call.status >= 400] == []
    assert report.ok
    after = bench.emulator.dump(ids=True)
    assert complaints(world.manifest, before, after) == []
    _check_consents(plan, before, after, counts)
    so_far = len(bench.writes())
    again = bench.plan(loaded)
    assert (again.steps, again.applyable) == ((), True)
    assert bench.apply(again).ok
    assert len(bench.writes()) == so_far
    counts["ended: applied" if plan.steps else "ended: nothing to do"] += 1


@settings(parent=thoroughly, max_examples=max(100, EXAMPLES // 5))
@given(world=worlds(), shuffle=st.randoms(use_true_random=False))
def test_the_same_plan_from_shuffled_files_and_lists(world: World, shuffle: random.Random, tmp_path: Path) -> None:
    files = [
        write_manifest(tmp_path / f"{n:02}.yaml", {collection: [block]})
        for n, (collection, block) in enumerate(_blocks(world.manifest))
    ]
    bench = _seeded(world)
    seed = bench.emulator.dump(ids=True)
    plans = []
    for _ in range(2):
        bench.emulator.reset()
        bench.emulator.seed(seed)
        plan = bench.plan(bench.load(files, tmp_path))
        plans.append([plan_renderer(form, Style()).render(plan) for form in ("json", "text")])
        shuffle.shuffle(files)
        _shuffle(seed, shuffle)
    for path in files:
        path.unlink()
    assert plans[0] == plans[1]


# --- how a world is run ----------------------------------------------------------------------------------------------


def _seeded(world: World) -> Rig:
    bench = rig(world.contract)
    bench.emulator.reset()
    bench.emulator.seed(world.seed)
    return bench


def _blocks(manifest: dict[str, list[dict[str, Any]]]) -> Iterator[tuple[str, dict[str, Any]]]:
    return ((collection, block) for collection, blocks in manifest.items() for block in blocks)


def _shuffle(seed: dict[str, Any], shuffle: random.Random) -> None:
    bases = seed.get("bases", [])
    below = [base[c] for base in bases for c in ("fields", "batches") if c in base]
    for blocks in (seed.get("services", []), bases, *below):
        shuffle.shuffle(blocks)


def _check_consents(plan: Plan, before: dict[str, Any], after: dict[str, Any], counts: Counter[str]) -> None:
    """Every deletion was counted, and whatever was started or stopped for good had needed a consent."""
    deleted = {step.address for step in plan.steps if step.action is Action.DELETE} | plan.also_deleted
    assert len(deleted) == len(gone(before, after))
    now = datetime(2026, 1, 5, tzinfo=UTC)
    blocked = check_guards(plan, GuardSettings(), owned=None, declared=1, now=now)
    names: dict[str, list[str]] = {"KIA0701": [], "KIA0708": []}
    for found in blocked:
        if found.address is not None and (found.code == "KIA0701" or "is running" in found.summary):
            names[found.code].append(found.address.name)
    assert sorted(names["KIA0708"]) == ended(before, after)
    assert Counter(begun(before, after)) <= Counter(names["KIA0701"])
    counts["consents: gone with a base"] += bool(plan.also_deleted)
    counts["consents: stopped while it ran"] += bool(names["KIA0708"])
    every = Consents(every_start=True, stops=tuple(_roots(plan)), data_loss=tuple(_roots(plan)))
    assert check_guards(plan, GuardSettings(), owned=None, declared=1, now=now, consents=every) == ()


def _roots(plan: Plan) -> set[Address]:
    """The topmost address of each step: it covers what is below it."""
    return {Address("/".join(step.address.split("/")[:2])) for step in plan.steps}


def _check_refusals(refusals: list[Diagnostic], counts: Counter[str]) -> None:
    for refusal in refusals:
        assert refusal.source is not None, refusal
        assert refusal.hint, refusal
    for code in {refusal.code for refusal in refusals}:
        counts[_refusal(code)] += 1


def _refusal(code: str) -> str:
    return f"refusal: {code} {CODES[code]}"


# --- what is counted -------------------------------------------------------------------------------------------------


def _follows(plan: Plan, first: Action, second: Action, *, same: bool) -> bool:
    by_id = {s.id: s for s in plan.steps}
    return any(
        step.action is second and by_id[n].action is first and (by_id[n].address == step.address) is same
        for step in plan.steps
        for n in step.depends_on
    )


def _releases(plan: Plan, kind: str) -> bool:
    return any(s.action is Action.DELETE and s.kind == kind and s.depends_on for s in plan.steps)


def _pauses_changes_starts(plan: Plan) -> bool:
    actions: dict[str, list[Action]] = {}
    for step in plan.steps:
        actions.setdefault(step.address, []).append(step.action)
    return [Action.PAUSE, Action.UPDATE, Action.START] in actions.values()


RULES: dict[str, Callable[[Plan], bool]] = {
    "stopped before it is deleted": lambda p: _follows(p, Action.STOP, Action.DELETE, same=True),
    "declared batches stopped before their base is deleted": lambda p: _follows(
        p, Action.STOP, Action.DELETE, same=False
    ),
    "paused, changed, started again": _pauses_changes_starts,
    "from new to paused through started": lambda p: any("to paused through started" in s.reason for s in p.steps),
    "made and started": lambda p: _follows(p, Action.CREATE, Action.START, same=True),
    "renamed while new": lambda p: any(s.action is Action.RENAME and s.kind == "batch" for s in p.steps),
    "names in a chain": lambda p: _follows(p, Action.RENAME, Action.RENAME, same=False),
    "names in a cycle": lambda p: any(s.reason.startswith("temporary name") for s in p.steps),
    "field deleted after it left an association": lambda p: _releases(p, "field"),
    "service deleted after it was replaced or its batches closed": lambda p: _releases(p, "service"),
    "not declared, and exclusive": lambda p: any(" in exclusive" in s.reason for s in p.steps),
    "made inside its base": lambda p: _follows(p, Action.CREATE, Action.CREATE, same=False),
    "a former name that came back": lambda p: any(d.code == "KIA0601" for d in p.diagnostics),
}


def _count_steps(plan: Plan, counts: Counter[str]) -> None:
    for step in plan.steps:
        counts[f"action: {step.action}"] += 1
        counts[f"action and kind: {step.action} {step.kind}"] += 1
        counts[f"risk: {step.risk}"] += 1
    for rule, applies in RULES.items():
        if applies(plan):
            counts[f"rule: {rule}"] += 1
            event(rule)
