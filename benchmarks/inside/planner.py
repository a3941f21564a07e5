"""Seconds that the planner alone takes for N documents and for a tenth of them, in turn; every tenth base has work."""

from __future__ import annotations

import gc
import json
import sys
import time

from benchmarks import states
from kiamo_iac.contract.file import load_contract
from kiamo_iac.core.runtime import collector_paused
from kiamo_iac.planner.plan import Action
from kiamo_iac.planner.planner import build_plan


def seconds(count: int) -> float:
    """Seconds to plan `count` documents, with both states in memory."""
    desired, live = states.desired(count), states.live(count, changed=True)
    capabilities = load_contract().capabilities()
    gc.collect()
    with collector_paused():  # as the program does
        started = time.perf_counter()
        plan = build_plan(desired, live, capabilities=capabilities, environment="bench", url="http://127.0.0.1:1")
        taken = time.perf_counter() - started
    todo = -(-count // states.CHANGED_EVERY)
    if (plan.summary[Action.UPDATE], plan.summary[Action.CREATE], len(plan.steps)) != (todo, todo, 2 * todo):
        raise AssertionError(f"unexpected plan: {plan.summary}, {plan.diagnostics}")
    return taken


if __name__ == "__main__":
    size, pairs = int(sys.argv[1]), int(sys.argv[2])
    print(json.dumps([(seconds(size), seconds(size // 10)) for _ in range(pairs)]))
