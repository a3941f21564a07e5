"""The rules that hold for any kind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from kiamo_iac.emulator.refusal import Refusal
from kiamo_iac.emulator.store import Thing


class KindRules:
    """What may be done to a kind, and the code that says no."""

    not_found: ClassVar[str] = "ERR_3000"
    missing: ClassVar[Mapping[str, str]] = {"name": "ERR_1040"}
    """Attribute, or embedded kind, that a create lacks → code; ERR_1010 where nothing is said."""
    invalid: ClassVar[Mapping[str, str]] = {}
    """Attribute of a wrong type or value → code; ERR_1020 where nothing is said."""
    unknown: ClassVar[Mapping[str, str]] = {}
    """Attribute that refers to what does not exist → code; ERR_1020 where nothing is said."""
    in_use: ClassVar[Mapping[str, str]] = {}
    """Attribute that holds what is to be deleted → code; ERR_1020 where nothing is said."""
    mappings: ClassVar[frozenset[str]] = frozenset()
    """References that are an object of roles."""
    immutable: ClassVar[frozenset[str]] = frozenset()
    """Attributes that a thing keeps for life."""
    initial: ClassVar[Mapping[str, Any]] = {"default": False}
    """What a new thing has beside what was sent."""
    states: ClassVar[frozenset[str]] = frozenset()

    def before_update(self, thing: Thing) -> None:
        """Refuse an update whatever it says."""
        if thing.attributes.get("default"):
            raise Refusal("ERR_2040")

    def before_change(self, thing: Thing, changes: Mapping[str, Any]) -> None:  # noqa: ARG002 - kinds with states ask
        """Refuse an update that changes these attributes."""
        if not self.immutable.isdisjoint(changes):
            raise Refusal("ERR_1020")

    def before_delete(self, thing: Thing) -> None:
        """Refuse the deletion of this thing itself."""
        if thing.attributes.get("default"):
            raise Refusal("ERR_2050")

    def before_children_go(self, children: Iterable[Thing]) -> None:
        """Refuse a deletion that takes these children of a thing with it."""

    def holds(self, thing: Thing) -> bool:  # noqa: ARG002 - kinds with states ask
        """Whether what this thing refers to cannot be deleted."""
        return True

    def after_command(self, thing: Thing, command: str) -> str:  # noqa: ARG002 - kinds with states ask
        """The state that a command leads to; no kind has one unless its rules say so."""
        raise Refusal("ERR_3100")
