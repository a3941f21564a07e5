"""Any history of edits, reverts, faults, kills, edits by others and undos ends well: see `machine.py`."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.faults.forks import Forks
from tests.faults.machine import History

EXAMPLES = int(os.environ.get("KIAMO_IAC_WORLDS", "0")) // 20 or 8
STEPS = 8


def test_any_history_ends_as_it_is_declared(forking: Forks) -> None:
    """Whatever came before, a clean run ends as it is declared, and a second one writes nothing."""
    History.forking = forking
    run_state_machine_as_test(
        History,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            derandomize=True,
            database=None,
            phases=(Phase.generate,),  # the message has the whole history; to shrink it takes minutes
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
        ),
    )
