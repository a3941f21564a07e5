"""A batch: a lot of outbound calls of a contact base. While it is started, Kiamo dials its contacts.

    new ──start──► started ──(every contact done)──► finished
     │             │ ▲    │
     │        pause│ │start
     │             ▼ │    │
     │            paused  │
     └──────stop────┴──stop────► stopped

`stopped` and `finished` are terminal: no command leaves them, and no batch is recreated to leave them.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from kiamo_iac.core.resource import Name, Reference, ReferenceShape, Resource, Scope, unset
from kiamo_iac.core.state_machine import Requirement, StateMachine

_RUNNING = frozenset({"started"})


class Batch(Resource):
    """A batch of a contact base."""

    kind: ClassVar[str] = "batch"
    collection: ClassVar[str] = "batches"
    parent: ClassVar[str | None] = "base"
    references: ClassVar[tuple[Reference, ...]] = (
        Reference("service", "service", Scope.INSTANCE, missing="ERR_3001", in_use="ERR_2140"),
        Reference(
            "association",
            "field",
            Scope.SIBLING,
            shape=ReferenceShape.MAPPING,
            missing="ERR_1120",
            in_use="ERR_1120",
        ),
    )
    machine: ClassVar[StateMachine | None] = StateMachine(
        initial="new",
        moves={
            "new": {"start": "started", "stop": "stopped"},
            "started": {"pause": "paused", "stop": "stopped"},
            "paused": {"start": "started", "stop": "stopped"},
        },
        terminal=frozenset({"stopped", "finished"}),
        satisfied_by={"started": frozenset({"finished"}), "stopped": frozenset({"finished"})},
        requires={"start": Requirement("association", "ERR_2015")},
        dials=frozenset({"start"}),
        frozen_in={"service": _RUNNING, "association": _RUNNING},
        rename_only_in=frozenset({"new"}),
        closed="ERR_2070",
        closed_state="ERR_2090",
        impossible="ERR_2100",
        rename="ERR_2080",
        delete="ERR_2010",
        holds_parent="ERR_2000",
    )

    service: Annotated[Name, Field(description="The name of the service that it dials for.")] = unset()
    association: Annotated[dict[str, Name], Field(description="Role → the name of a field of its base.")] = unset()
    state: Annotated[
        Literal["new", "started", "paused", "stopped"],
        Field(description="Enforced at every apply. Left out, the run state is not managed."),
    ] = unset()
    initial_state: Annotated[
        Literal["new", "started", "paused", "stopped"],
        Field(description="Set once, when kiamo-iac creates the batch; afterwards the run state is not managed."),
    ] = unset()
