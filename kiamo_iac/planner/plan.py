"""The plan as data: which changes, in which order, why, and what cannot be undone. Values only, no logic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from operator import attrgetter
from typing import Any

from kiamo_iac.core.address import Address
from kiamo_iac.core.diagnostics import Diagnostic, SourceRange, has_errors
from kiamo_iac.core.sensitive import Path
from kiamo_iac.core.state import RemoteId, ResourceState

FORMAT_VERSION = "1.3"
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
    """Whether a step can be undone."""

    REVERSIBLE = "reversible"
    """Another apply can restore it."""
    IRREVERSIBLE = "irreversible"
    """It cannot be undone: contacts are dialled, a batch is closed, an object loses its id and history."""
    DATA_LOSS = "data_loss"
    """It deletes contacts, or data of them."""


class Cause(StrEnum):
    """Why a step is in the plan."""

    DECLARED = "declared"
    """A block of a manifest, an `ensure: absent` among them."""
    EXCLUSIVE = "exclusive"
    """The parent is exclusive, and does not declare this resource."""
    PRUNE = "prune"
    """The ledger has it, and no manifest declares it any more."""
    OWED = "owed"
    """An earlier run began it, and did not end it: the ledger has the run state that it was bringing the batch to."""


class Standing(StrEnum):
    """How a plan comes to write a resource."""

    MANAGED = "managed"
    """The ledger has it, or this plan creates it."""
    DECLARED = "declared"
    """Not in the ledger; a manifest declares it, or an exclusive list is about it."""
    UNMANAGED = "unmanaged"
    """Neither: it is in the way of a deletion."""


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One attribute that differs; `path` is dotted below mappings (`association.destination`, `settings.pace`)."""

    path: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class PlannedChange:
    """What happens to one address, and why; numbered and ordered, it is a `Step`."""

    action: Action
    address: Address
    """The address after the plan: every step of a renamed resource has its new name."""
    kind: str
    reason: str
    """One sentence for people; logic never reads it."""
    before: Mapping[str, Any] = field(default_factory=dict)
    """The live attributes concerned: empty for a create, all of them for a delete, `state` for a command, `name` for a
    rename. References are names; pass-through attributes are under `settings`."""
    after: Mapping[str, Any] = field(default_factory=dict)
    """The same attributes after the step: all that is sent for a create, empty for a delete."""
    changes: tuple[FieldChange, ...] = ()
    risk: Risk = Risk.REVERSIBLE
    source: SourceRange | None = None
    """Where it is declared."""
    cause: Cause = Cause.DECLARED
    also_deletes: tuple[Address, ...] = ()
    """Of a delete: what is below it and is deleted with it, by address; without the platform's default objects."""


@dataclass(frozen=True, slots=True)
class Step(PlannedChange):
    """A planned change in its place in a plan: one API call; or, for a child sent inside the create of its parent, one
    lookup of what that call created; or a part of one, for a rename and the update right behind it."""

    id: int = field(kw_only=True)
    """1 and up, in an order in which the plan may be executed one by one."""
    depends_on: tuple[int, ...] = field(kw_only=True)
    """Ids of the steps that must be done before, ascending; all smaller than `id`."""
    seen: Mapping[Address, str | None] = field(kw_only=True, default_factory=dict)
    """Fingerprints (see `state.fingerprint`) of the objects that this step relies on: the resource itself (None: it
    did not exist), and the targets of the references that it writes. What this plan creates is left out."""
    standing: Standing = field(kw_only=True, default=Standing.UNMANAGED, compare=False)
    """Not part of the JSON nor of equality: it is not known of a plan that was read from a file."""

    @classmethod
    def of(
        cls,
        change: PlannedChange,
        number: int,
        *,
        depends_on: tuple[int, ...],
        seen: Mapping[Address, str | None],
        standing: Standing,
    ) -> Step:
        """`change` in its place in a plan, with the id `number`."""
        return cls(*_values(change), id=number, depends_on=depends_on, seen=seen, standing=standing)


_values = attrgetter(*(f.name for f in fields(PlannedChange)))


@dataclass(frozen=True, slots=True)
class Binding:
    """How the instance identifies a live object that a step writes, refers to, or has as its parent."""

    remote_id: RemoteId
    name: str
    """The exact name on the instance, byte for byte, as it is before the plan."""
    sensitive: tuple[Path, ...] = ()
    """Paths of its settings that are sensitive, or may return a sensitive value later; fingerprints leave them out."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The steps after which an environment matches its manifests."""

    environment: str
    url: str
    steps: tuple[Step, ...]
    diagnostics: tuple[Diagnostic, ...] = ()
    """Errors make the plan not applyable; warnings and notes do not."""
    bindings: Mapping[Address, Binding] = field(default_factory=dict)
    """Address (as in `Step.address`) → binding, for every live object that a step needs. Not part of the JSON."""
    observed: Mapping[Address, ResourceState] = field(default_factory=dict, compare=False, repr=False)
    """What the fingerprints in `Step.seen` are of, sensitive values hidden. Not part of the JSON."""

    @property
    def applyable(self) -> bool:
        """False when the plan is refused: it has errors."""
        return not has_errors(self.diagnostics)

    @property
    def summary(self) -> dict[Action, int]:
        """How many steps of each action, all actions present."""
        return {action: sum(step.action is action for step in self.steps) for action in Action}

    @property
    def also_deleted(self) -> frozenset[Address]:
        """What goes with what is deleted: all that is below it, without what has a delete step of its own."""
        below = {address for step in self.steps for address in step.also_deletes}
        return frozenset(below.difference(step.address for step in self.steps if step.action is Action.DELETE))
