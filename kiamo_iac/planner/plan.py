"""The plan as data: what is to be done, in which order, why, and what cannot be undone. Values only; nothing here
decides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from kiamo_iac.core.address import Address
from kiamo_iac.core.diagnostics import Diagnostic, SourceRange, has_errors
from kiamo_iac.core.sensitive import Path
from kiamo_iac.core.state import RemoteId

FORMAT_VERSION = "1.1"
"""Of the plan's JSON; the first number changes when a reader of the old form would misread the new one."""


class Action(StrEnum):
    """What a step does to its address. A replacement is a delete and a create."""

    CREATE = "create"
    UPDATE = "update"
    RENAME = "rename"
    DELETE = "delete"
    START = "start"
    PAUSE = "pause"
    STOP = "stop"


class Risk(StrEnum):
    """What it would take to go back."""

    REVERSIBLE = "reversible"
    """Another apply can put it back."""
    IRREVERSIBLE = "irreversible"
    """It cannot be undone: people dialled, a batch closed, a thing whose id and history are gone."""
    DATA_LOSS = "data_loss"
    """Contacts, or what is known of them, are deleted."""


class Cause(StrEnum):
    """Who wants a step."""

    DECLARED = "declared"
    """A block of a manifest, an `ensure: absent` among them."""
    EXCLUSIVE = "exclusive"
    """A list that is complete: nobody wrote this thing down."""
    PRUNE = "prune"
    """The ledger has it and no manifest does any more: nobody wrote this deletion down."""


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One attribute that differs; `path` is dotted below mappings (`association.destination`, `settings.pace`)."""

    path: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Step:
    """One call to be made, or (a child sent inside its parent's create) one thing to be found made."""

    id: int
    """1 and up, in an order in which the plan may be executed one by one."""
    action: Action
    address: Address
    """The address when the plan is done: a renamed thing stands under its new name in all its steps."""
    kind: str
    depends_on: tuple[int, ...]
    """Ids of the steps that must be done before, ascending; all smaller than `id`."""
    risk: Risk
    before: Mapping[str, Any]
    """The attributes concerned as they are live: of a create nothing, of a delete all, of a command `state`, of a
    rename `name`.
    References are names; pass-through attributes stand under `settings`."""
    after: Mapping[str, Any]
    """The same as they will be: of a create all that is sent, of a delete nothing."""
    changes: tuple[FieldChange, ...]
    reason: str
    """One sentence for people; logic never reads it."""
    source: SourceRange | None
    """Where it is declared."""
    cause: Cause = Cause.DECLARED
    seen: Mapping[Address, str | None] = field(default_factory=dict)
    """Fingerprint (see `state.fingerprint`) of what this step stands on as the plan saw it: its own thing under its
    own address (None: it was not there), and what it writes references to. Things that this plan makes are left out."""


@dataclass(frozen=True, slots=True)
class Binding:
    """How the instance knows a live thing that a step writes, stands below, or refers to."""

    remote_id: RemoteId
    name: str
    """The exact name on the instance, byte for byte, as it is before the plan."""
    sensitive: tuple[Path, ...] = ()
    """Where its settings have, or may show later, a value that the plan hides, and leaves out of what it says that it
    saw."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that is to be done to bring one environment level with its manifests."""

    environment: str
    url: str
    steps: tuple[Step, ...]
    diagnostics: tuple[Diagnostic, ...] = ()
    """Errors make the plan not applyable; warnings and notes do not."""
    bindings: Mapping[Address, Binding] = field(default_factory=dict)
    """Address (as in `Step.address`) → how the instance knows it, for every live thing that a step needs. Not part
    of the JSON."""

    @property
    def applyable(self) -> bool:
        """False when the plan is refused: it has errors."""
        return not has_errors(self.diagnostics)

    @property
    def summary(self) -> dict[Action, int]:
        """How many steps of each action, all actions present."""
        return {action: sum(step.action is action for step in self.steps) for action in Action}
