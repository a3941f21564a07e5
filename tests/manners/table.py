"""The table: every manner, with the contract that describes it."""

from __future__ import annotations

import os
from typing import Final

from tests.manners import answers, calls, lists, values
from tests.manners.pending import PENDING
from tests.manners.story import Manner

TABLE: Final[tuple[Manner, ...]] = (*calls.MANNERS, *answers.MANNERS, *lists.MANNERS, *values.MANNERS)

SAYABLE: Final = tuple(m for m in TABLE if m.name not in PENDING or os.environ.get("KIAMO_IAC_MANNERS") == "all")
"""Those that the contract language can describe."""
