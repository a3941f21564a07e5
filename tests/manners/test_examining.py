"""doctor under some of the manners; `make slow` has all of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.manners.examining import CONTRADICTED, examine
from tests.manners.story import Manner
from tests.manners.table import TABLE


@pytest.mark.parametrize("manner", TABLE[::12], ids=lambda manner: manner.name)
def test_doctor_contradicts_nothing_of_a_contract_that_describes_its_instance(manner: Manner, tmp_path: Path) -> None:
    examine(manner, tmp_path / "project", applies=False)


def test_the_manners_that_are_contradicted_are_in_the_table() -> None:
    assert CONTRADICTED.keys() <= {manner.name for manner in TABLE}
