"""A run that is killed at its writes: F07. `stage_kills.py` kills it before and after every call."""

from __future__ import annotations

import pytest

from tests.faults.forks import Forks
from tests.faults.killing import SHORT, changing, killed_at
from tests.faults.long_plan import LONG
from tests.faults.proxy import AFTER, BEFORE, When
from tests.faults.scene import Scene

POINTS = [(number, AFTER) for number in range(2, SHORT.count + 1, 2)] + [(1, BEFORE), (SHORT.count, AFTER)]
"""Every other write."""


@pytest.mark.parametrize("part", range(2))
def test_f07_killed_at_any_write_the_next_apply_converges(scene: Scene, forking: Forks, part: int) -> None:
    """Half of the points each, so that several workers share them."""
    changes = changing(scene)
    points: list[tuple[int, When]] = POINTS[part::2]
    for number, when in points:
        killed_at(changes, forking, number, when=when)


@pytest.mark.parametrize("when", [BEFORE, AFTER])
def test_f07_killed_at_a_write_of_a_long_plan(scene: Scene, forking: Forks, when: When) -> None:
    """Each eleventh of them; `stage_kills.py` has all."""
    changes = changing(scene, plot=LONG)
    for number in range(1 if when is BEFORE else 4, LONG.count + 1, 11):
        killed_at(changes, forking, number, when=when)
