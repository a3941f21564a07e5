"""The rules of services."""

from __future__ import annotations

from typing import ClassVar

from kiamo_iac.emulator.rules.generic import KindRules


class ServiceRules(KindRules):
    """A service has a code of its own where it is not found."""

    not_found: ClassVar[str] = "ERR_3001"
