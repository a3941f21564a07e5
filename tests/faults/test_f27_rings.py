"""Swaps and rings of names that are cut at any write: F27. `stage_kills.py` cuts swaps too, and at every call."""

from __future__ import annotations

import pytest

from tests.faults.cutting import RINGS, cut_at, ring_of
from tests.faults.forks import Forks
from tests.faults.proxy import AFTER
from tests.faults.scene import Scene


@pytest.mark.parametrize("back", [False, True], ids=["forward", "back"])
@pytest.mark.parametrize("ledger", [True, False], ids=["ledger", "no ledger"])
def test_f27_a_ring_cut_at_any_write_ends_under_the_declared_names(
    scene: Scene, forking: Forks, back: bool, ledger: bool
) -> None:
    made = ring_of(scene, RINGS["ring"])
    for number in range(1, made.writes + 1):
        cut_at(made, forking, number, when=AFTER, back=back, ledger=ledger)
