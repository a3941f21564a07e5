"""A Kiamo in a box: a server of the contract's API over SQLite with the API's own rules, for tests and rehearsals."""

from __future__ import annotations

from kiamo_iac.emulator.engine import Emulator
from kiamo_iac.emulator.message import Call, Peak, Request, Response
from kiamo_iac.emulator.tokens import FULL_TOKEN, READ_ONLY_TOKEN

__all__ = ["FULL_TOKEN", "READ_ONLY_TOKEN", "Call", "Emulator", "Peak", "Request", "Response"]
