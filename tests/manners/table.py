"""The table: every manner, with the contract that describes it."""

from __future__ import annotations

from typing import Final

from tests.manners import answers, calls, lists, values
from tests.manners.story import Manner

TABLE: Final[tuple[Manner, ...]] = (*calls.MANNERS, *answers.MANNERS, *lists.MANNERS, *values.MANNERS)
