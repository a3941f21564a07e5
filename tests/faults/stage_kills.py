"""A run that is killed before and after every call of it, reads too: F07. `make slow` runs it."""

from __future__ import annotations

import pytest

from tests.faults.forks import Forks
from tests.faults.killing import changing, killed_at
from tests.faults.proxy import AFTER, BEFORE, When
from tests.faults.scene import Scene

PARTS = 6


@pytest.mark.parametrize("when", [BEFORE, AFTER])
@pytest.mark.parametrize("part", range(PARTS))
def test_f07_killed_at_any_call_the_next_apply_converges(scene: Scene, forking: Forks, part: int, when: When) -> None:
    changes = changing(scene)
    for number in range(1 + part, changes.calls + 1, PARTS):
        killed_at(changes, forking, number, when=when, method=".*")
