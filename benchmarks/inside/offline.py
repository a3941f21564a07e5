"""`kiamo-iac plan` without the instance: the live state is read from a file. Prints the plan as the command does.

`offline --snapshot COUNT FILE` writes that file; `offline PROJECT FILE` plans.
"""

from __future__ import annotations

import gc
import sys
from pathlib import Path


def main(project: Path, snapshot: Path) -> str:
    """The plan as text. Imports are here, as in a command, so that only what is used is imported."""
    from benchmarks.states import read_live
    from kiamo_iac.app.project import Workspace
    from kiamo_iac.planner.planner import build_plan
    from kiamo_iac.render.base import Style, plan_renderer

    workspace = Workspace.open(project, environ={})
    desired = workspace.load().checked()
    live, capabilities = read_live(snapshot), workspace.contract.capabilities()
    plan = build_plan(desired, live, capabilities=capabilities, environment="bench", url="http://127.0.0.1:1")
    if plan.steps or not plan.applyable:
        raise AssertionError(f"expected a plan with nothing to do, got: {plan.summary}, {plan.diagnostics}")
    return plan_renderer("text", Style()).render(plan)


if __name__ == "__main__":
    if sys.argv[1] == "--snapshot":
        from benchmarks.states import write_live

        write_live(int(sys.argv[2]), Path(sys.argv[3]))
        print("null")
    else:
        gc.set_threshold(200_000, 10, 10)  # these two as the program does
        print(main(Path(sys.argv[1]), Path(sys.argv[2])))
        gc.freeze()
