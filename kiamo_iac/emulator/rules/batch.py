"""The rules of batches.

new ──start──► started ◄──start── paused
 │               │  └───pause──────▲ │
 └──────stop─────┴───────stop────────┘──► stopped            started ──(Kiamo itself)──► finished
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from kiamo_iac.emulator.refusal import Refusal
from kiamo_iac.emulator.rules.generic import KindRules
from kiamo_iac.emulator.store import Thing

TERMINAL = frozenset({"stopped", "finished"})

_AFTER = {
    ("new", "start"): "started",
    ("new", "stop"): "stopped",
    ("started", "pause"): "paused",
    ("started", "stop"): "stopped",
    ("paused", "start"): "started",
    ("paused", "stop"): "stopped",
}
_COMMANDS = frozenset(command for _, command in _AFTER)


class BatchRules(KindRules):
    """A batch is moved by commands, and what may be done to it depends on its state."""

    missing: ClassVar[Mapping[str, str]] = {"name": "ERR_1040", "service": "ERR_1100"}
    invalid: ClassVar[Mapping[str, str]] = {"service": "ERR_1110", "association": "ERR_1120"}
    unknown: ClassVar[Mapping[str, str]] = {"service": "ERR_3001", "association": "ERR_1120"}
    in_use: ClassVar[Mapping[str, str]] = {"service": "ERR_2140", "association": "ERR_1120"}
    mappings: ClassVar[frozenset[str]] = frozenset({"association"})
    initial: ClassVar[Mapping[str, Any]] = {"association": {}, "state": "new", "contacts": 0}
    states: ClassVar[frozenset[str]] = frozenset({"new", "started", "paused"}) | TERMINAL

    def before_update(self, thing: Thing) -> None:
        """ERR_2070 once it is over, whatever is sent."""
        if thing.attributes["state"] in TERMINAL:
            raise Refusal("ERR_2070")

    def before_change(self, thing: Thing, changes: Mapping[str, Any]) -> None:
        """ERR_2080 for a rename when it is not new; ERR_2100 for its service or association while it runs."""
        state = thing.attributes["state"]
        if "name" in changes and state != "new":
            raise Refusal("ERR_2080")
        if state == "started" and not {"service", "association"}.isdisjoint(changes):
            raise Refusal("ERR_2100")

    def before_delete(self, thing: Thing) -> None:
        """ERR_2010 until it is over."""
        if thing.attributes["state"] not in TERMINAL:
            raise Refusal("ERR_2010")

    def holds(self, thing: Thing) -> bool:
        """A batch that is over holds nothing."""
        return thing.attributes["state"] not in TERMINAL

    def after_command(self, thing: Thing, command: str) -> str:
        """ERR_2090 once it is over, ERR_2100 where no way leads, ERR_2015 for a start without an association."""
        state = thing.attributes["state"]
        if command not in _COMMANDS:
            raise Refusal("ERR_3100")
        if state in TERMINAL:
            raise Refusal("ERR_2090")
        if (state, command) not in _AFTER:
            raise Refusal("ERR_2100")
        if command == "start" and not thing.attributes.get("association"):
            raise Refusal("ERR_2015")
        return _AFTER[state, command]
