"""What may be done to objects of each kind, and the vendor's code of every refusal.

Written from the assumed behaviour of the API and its error table; it shares no code with the planner.

Run states of a batch:

    new ──start──► started ◄──start── paused            (◄─resume─ where a contract has that command)
     │               │  └───pause──────▲ │
     └──────stop─────┴───────stop────────┘──► stopped            started ──(Kiamo itself)──► finished
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Final

from kiamo_iac.emulator.refusal import Refusal
from kiamo_iac.emulator.store import StoredObject


class KindRules:
    """The rules of any kind; subclasses override them."""

    not_found: ClassVar[str] = "ERR_3000"
    missing: ClassVar[Mapping[str, str]] = {"name": "ERR_1040"}
    """Attribute, or embedded kind, that a create lacks → code; ERR_1010 for others."""
    invalid: ClassVar[Mapping[str, str]] = {}
    """Attribute of a wrong type or value → code; ERR_1020 for others."""
    unknown: ClassVar[Mapping[str, str]] = {}
    """Attribute that refers to an object that does not exist → code; ERR_1020 for others."""
    in_use: ClassVar[Mapping[str, str]] = {}
    """Attribute that refers to an object that is to be deleted → code; ERR_1020 for others."""
    mappings: ClassVar[frozenset[str]] = frozenset()
    """References that are an object of roles. Any other reference may be one value, a list or an object."""
    immutable: ClassVar[frozenset[str]] = frozenset()
    """Attributes that never change."""
    initial: ClassVar[Mapping[str, Any]] = {"default": False}
    """Attributes of a new object beside those that were sent."""
    states: ClassVar[frozenset[str]] = frozenset()

    def before_update(self, stored: StoredObject) -> None:
        """Refuse every update."""
        if stored.attributes.get("default"):
            raise Refusal("ERR_2040")

    def before_change(self, stored: StoredObject, changes: Mapping[str, Any]) -> None:  # noqa: ARG002 - kinds with states do
        """Refuse an update that changes these attributes."""
        if not self.immutable.isdisjoint(changes):
            raise Refusal("ERR_1020")

    def before_delete(self, stored: StoredObject) -> None:
        """Refuse the deletion of this object itself."""
        if stored.attributes.get("default"):
            raise Refusal("ERR_2050")

    def before_children_deleted(self, children: Iterable[StoredObject]) -> None:
        """Refuse a deletion that deletes these children too."""

    def blocks_deletion(self, stored: StoredObject) -> bool:  # noqa: ARG002 - kinds with states do
        """Whether an object that this one refers to cannot be deleted."""
        return True

    def after_command(self, stored: StoredObject, command: str, *, resumes: bool = False) -> str:  # noqa: ARG002 - kinds with states do
        """The state that a command leads to; a kind without states refuses every command. `resumes`: there is a command
        to resume, so that a start is for new objects only."""
        raise Refusal("ERR_3100")


class ServiceRules(KindRules):
    """A missing service has a code of its own."""

    not_found: ClassVar[str] = "ERR_3001"


class FieldRules(KindRules):
    """A field never changes its name and its datatype; a default one changes nothing."""

    missing: ClassVar[Mapping[str, str]] = {"name": "ERR_1040", "label": "ERR_1070", "datatype": "ERR_1080"}
    invalid: ClassVar[Mapping[str, str]] = {"datatype": "ERR_1080"}
    immutable: ClassVar[frozenset[str]] = frozenset({"name", "datatype"})


_TERMINAL: Final = frozenset({"stopped", "finished"})
_AFTER: Final = {
    ("new", "start"): "started",
    ("new", "stop"): "stopped",
    ("started", "pause"): "paused",
    ("started", "stop"): "stopped",
    ("paused", "start"): "started",
    ("paused", "resume"): "started",
    ("paused", "stop"): "stopped",
}
_COMMANDS: Final = frozenset(command for _, command in _AFTER)


class BatchRules(KindRules):
    """Commands change the state of a batch, and its state decides what may be done to it."""

    missing: ClassVar[Mapping[str, str]] = {"name": "ERR_1040", "service": "ERR_1100"}
    invalid: ClassVar[Mapping[str, str]] = {"service": "ERR_1110", "association": "ERR_1120"}
    unknown: ClassVar[Mapping[str, str]] = {"service": "ERR_3001", "association": "ERR_1120"}
    in_use: ClassVar[Mapping[str, str]] = {"service": "ERR_2140", "association": "ERR_1120"}
    mappings: ClassVar[frozenset[str]] = frozenset({"association"})
    initial: ClassVar[Mapping[str, Any]] = {"association": {}, "state": "new", "contacts": 0}
    states: ClassVar[frozenset[str]] = frozenset({"new", "started", "paused"}) | _TERMINAL

    def before_update(self, stored: StoredObject) -> None:
        """ERR_2070 in a terminal state, whatever is sent."""
        if stored.attributes["state"] in _TERMINAL:
            raise Refusal("ERR_2070")

    def before_change(self, stored: StoredObject, changes: Mapping[str, Any]) -> None:
        """ERR_2080 for a rename when it is not new; ERR_2100 for its service or association while it runs."""
        state = stored.attributes["state"]
        if "name" in changes and state != "new":
            raise Refusal("ERR_2080")
        if state == "started" and not {"service", "association"}.isdisjoint(changes):
            raise Refusal("ERR_2100")

    def before_delete(self, stored: StoredObject) -> None:
        """ERR_2010 unless it is in a terminal state."""
        if stored.attributes["state"] not in _TERMINAL:
            raise Refusal("ERR_2010")

    def blocks_deletion(self, stored: StoredObject) -> bool:
        """A batch in a terminal state blocks nothing."""
        return stored.attributes["state"] not in _TERMINAL

    def after_command(self, stored: StoredObject, command: str, *, resumes: bool = False) -> str:
        """ERR_2090 in a terminal state, ERR_2100 for a transition that does not exist, ERR_2015 for a start without an
        association."""
        state = stored.attributes["state"]
        if command not in _COMMANDS:
            raise Refusal("ERR_3100")
        if state in _TERMINAL:
            raise Refusal("ERR_2090")
        if (state, command) not in _AFTER or (resumes and (state, command) == ("paused", "start")):
            raise Refusal("ERR_2100")
        if command == "start" and not stored.attributes.get("association"):
            raise Refusal("ERR_2015")
        return _AFTER[state, command]


class ContactBaseRules(KindRules):
    """A base is created with its fields and deleted with all that it holds, but not while a batch of it is
    unfinished."""

    missing: ClassVar[Mapping[str, str]] = {"name": "ERR_1040", "field": "ERR_1060"}
    initial: ClassVar[Mapping[str, Any]] = {"contacts": 0}

    def before_children_deleted(self, children: Iterable[StoredObject]) -> None:
        """ERR_2000 while a batch is unfinished."""
        if any(child.kind == "batch" and child.attributes["state"] not in _TERMINAL for child in children):
            raise Refusal("ERR_2000")


_RULES: Final[Mapping[str, KindRules]] = {
    "base": ContactBaseRules(),
    "batch": BatchRules(),
    "field": FieldRules(),
    "service": ServiceRules(),
}
_ANY_KIND: Final = KindRules()


def rules_of(kind: str) -> KindRules:
    """The rules of a kind; those of any kind where it has none of its own."""
    return _RULES.get(kind, _ANY_KIND)
