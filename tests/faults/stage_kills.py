"""Runs that are killed before and after every call of theirs, reads too: F07, F27. `make slow` runs it."""

from __future__ import annotations

import pytest

from tests.faults.cutting import RINGS, cut_at, ring_of
from tests.faults.forks import Forks
from tests.faults.killing import SHORT, changing, killed_at
from tests.faults.long_plan import LONG
from tests.faults.proxy import AFTER, BEFORE, When
from tests.faults.scene import Scene
from tests.faults.undoing import undone_at
from tests.ledger.state_server import State, serving

PARTS = 6


@pytest.mark.parametrize("when", [BEFORE, AFTER])
@pytest.mark.parametrize("part", range(PARTS))
def test_f07_killed_at_any_call_the_next_apply_converges(scene: Scene, forking: Forks, part: int, when: When) -> None:
    changes = changing(scene)
    for number in range(1 + part, changes.calls + 1, PARTS):
        killed_at(changes, forking, number, when=when, method=".*")


@pytest.mark.parametrize("when", [BEFORE, AFTER])
@pytest.mark.parametrize("part", range(2))
def test_f07_killed_at_any_write_of_a_long_plan(scene: Scene, forking: Forks, part: int, when: When) -> None:
    changes = changing(scene, plot=LONG)
    for number in range(1 + part, LONG.count + 1, 2):
        killed_at(changes, forking, number, when=when)


@pytest.mark.parametrize("when", [BEFORE, AFTER])
@pytest.mark.parametrize("part", range(2))
def test_a_run_that_was_killed_at_any_write_is_undone(scene: Scene, forking: Forks, part: int, when: When) -> None:
    changes = changing(scene, plot=LONG)
    for number in range(1 + part, LONG.count + 1, 2):
        undone_at(changes, forking, number, when=when)


@pytest.mark.parametrize("when", [BEFORE, AFTER])
@pytest.mark.parametrize("part", range(2))
def test_f07_killed_at_any_write_with_a_ledger_on_a_server(scene: Scene, forking: Forks, part: int, when: When) -> None:
    """That ledger is written every few seconds: the next run has little more than what was to be done."""
    with serving(State()) as state:
        changes = changing(scene, state)
        for number in range(1 + part, SHORT.count + 1, 2):
            killed_at(changes, forking, number, when=when)


@pytest.mark.parametrize("ring", RINGS)
@pytest.mark.parametrize("back", [False, True], ids=["forward", "back"])
@pytest.mark.parametrize("ledger", [True, False], ids=["ledger", "no ledger"])
@pytest.mark.parametrize("when", [BEFORE, AFTER])
def test_f27_a_ring_cut_at_any_call_ends_under_the_declared_names(
    scene: Scene, forking: Forks, ring: str, back: bool, ledger: bool, when: When
) -> None:
    made = ring_of(scene, RINGS[ring])
    for number in range(1, made.calls + 1):
        cut_at(made, forking, number, when=when, back=back, ledger=ledger, method=".*")


@pytest.mark.parametrize("ring", RINGS)
@pytest.mark.parametrize("back", [False, True], ids=["forward", "back"])
def test_f27_a_ring_cut_at_any_write_with_a_ledger_on_a_server(
    scene: Scene, forking: Forks, ring: str, back: bool
) -> None:
    with serving(State()) as state:
        made = ring_of(scene, RINGS[ring], state)
        for number in range(1, made.writes + 1):
            for when in (BEFORE, AFTER):
                cut_at(made, forking, number, when=when, back=back, ledger=True)
