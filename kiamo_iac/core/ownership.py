"""What the ledger says of one thing that is ours; the planner's view of it, whichever backend keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kiamo_iac.core.address import Address
from kiamo_iac.core.state import RemoteId


@dataclass(frozen=True, slots=True)
class Owned:
    """One thing that this tool made, changed or adopted."""

    address: Address
    remote_id: RemoteId | None
    """None: it was about to be made when this was written; a crash may have left it made or not."""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    """What was declared when it was last applied, references as names, pass-through attributes under `settings`,
    the run state only where it was declared."""
    protect: bool = False
    renamed_from: tuple[str, ...] = ()
    """The former names that were declared then: renames that are done."""
    applied_at: str = ""
    """RFC 3339, UTC, to the second."""
    commit: str | None = None
    """The git commit of the manifests, where there was one."""
    version: str = ""
    """The version of this tool."""


Ownership = Mapping[Address, Owned]
"""Everything that is ours, by address."""
