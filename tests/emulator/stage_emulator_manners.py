"""The whole story under every manner that a contract describes, on the emulator: create → edit → pause → change
association → change service → stop → delete, with a plan after each chapter."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.emulator.manners import EmulatedManner, emulated
from tests.manners.story import tell


@pytest.mark.parametrize("manner", list(emulated()), ids=lambda manner: manner.name)
def test_the_emulator_has_a_manner_through_the_whole_story(manner: EmulatedManner, tmp_path: Path) -> None:
    tell(manner, tmp_path / "project")
