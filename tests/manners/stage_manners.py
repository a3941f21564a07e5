"""Every manner of the table goes through the whole story, with a plan after each chapter, and doctor agrees with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.manners.examining import examine
from tests.manners.story import Manner, tell
from tests.manners.table import TABLE


@pytest.mark.parametrize("manner", TABLE, ids=lambda manner: manner.name)
def test_a_manner_goes_through_the_whole_story(manner: Manner, tmp_path: Path) -> None:
    tell(manner, tmp_path / "project")


@pytest.mark.parametrize("manner", TABLE, ids=lambda manner: manner.name)
def test_doctor_contradicts_nothing_of_a_contract_that_describes_its_instance(manner: Manner, tmp_path: Path) -> None:
    examine(manner, tmp_path / "project", applies=True)
