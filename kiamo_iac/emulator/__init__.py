"""A local Kiamo emulator: the API of a contract over SQLite, with the API's own rules, for tests and rehearsals."""

from __future__ import annotations

from kiamo_iac.emulator.emulator import Emulator
from kiamo_iac.emulator.messages import Call, EmulatorRequest, EmulatorResponse, Peak
from kiamo_iac.emulator.refusal import FULL_TOKEN, READ_ONLY_TOKEN

__all__ = ["FULL_TOKEN", "READ_ONLY_TOKEN", "Call", "Emulator", "EmulatorRequest", "EmulatorResponse", "Peak"]
