"""Each third manner of the table goes through the story, in short; `make slow` tells all of it, of all of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.manners.story import Manner, tell_in_short
from tests.manners.table import TABLE


@pytest.mark.parametrize("manner", TABLE[::3], ids=lambda manner: manner.name)
def test_a_manner_goes_through_the_story(manner: Manner, tmp_path: Path) -> None:
    tell_in_short(manner, tmp_path / "project")


def test_each_manner_has_a_name_of_its_own() -> None:
    assert len({manner.name for manner in TABLE}) == len(TABLE) >= 92
