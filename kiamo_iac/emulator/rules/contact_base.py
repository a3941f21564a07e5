"""The rules of contact bases."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from kiamo_iac.emulator.refusal import Refusal
from kiamo_iac.emulator.rules.batch import TERMINAL
from kiamo_iac.emulator.rules.generic import KindRules
from kiamo_iac.emulator.store import Thing


class ContactBaseRules(KindRules):
    """A base is made with its fields, and goes with all that it holds, but not while a batch of it is unfinished."""

    missing: ClassVar[Mapping[str, str]] = {"name": "ERR_1040", "field": "ERR_1060"}
    initial: ClassVar[Mapping[str, Any]] = {"contacts": 0}

    def before_children_go(self, children: Iterable[Thing]) -> None:
        """ERR_2000 while a batch is unfinished."""
        if any(child.kind == "batch" and child.attributes["state"] not in TERMINAL for child in children):
            raise Refusal("ERR_2000")
