"""Existing resources recorded in the ledger as managed (`adopt`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kiamo_iac.app.ownership import check_instance, commit_of, entry_stamp, ledger_identity, lock_ledger
from kiamo_iac.app.planning import read_inputs
from kiamo_iac.app.recording import declared_attributes, managed_declaration
from kiamo_iac.core.diagnostics import did_you_mean
from kiamo_iac.core.errors import UsageError
from kiamo_iac.core.sensitive import masked, shows
from kiamo_iac.core.state import Owned
from kiamo_iac.core.strict_json import same
from kiamo_iac.planner.masking import hidden_like

if TYPE_CHECKING:
    from kiamo_iac.app.project import Workspace
    from kiamo_iac.core.address import Address
    from kiamo_iac.core.state import ResourceState


def adopt_resources(
    workspace: Workspace, environment: str | None, addresses: Sequence[Address], *, lock_timeout: float = 0
) -> list[Owned]:
    """Record existing resources in the ledger with their live values, so that plans treat them as managed.

    Each must be live and declared: `--prune` would delete an undeclared one. A resource that is managed already is
    recorded again, with its current id.

    Raises:
        UsageError: an address is not declared, or not live; nothing is recorded.
        KiamoIacError: as `planning.read_inputs`, or the ledger cannot be locked, read or written.
    """
    target = workspace.target(environment)
    with lock_ledger(workspace, target.name, lock_timeout=lock_timeout, operation="adopt") as ledger:
        inputs = read_inputs(workspace, target, owned=lambda: ledger.owned)
        check_instance(ledger, inputs.live)
        stamp = entry_stamp(commit_of(workspace))
        entries = []
        for address in addresses:
            declared, live = managed_declaration(inputs.desired, address), inputs.live.get(address)
            if declared is None:
                msg = f"{address} is not declared: the next apply --prune would delete it."
                near = did_you_mean(address, [d.address for d in inputs.desired])
                raise UsageError(msg, hint=f"{near or 'declare it first'}; nothing was adopted")
            if live is None:
                msg = f"{address} is missing on the instance."
                raise UsageError(msg, hint="run apply to create it; nothing was adopted")
            entries.append(stamp(_entry(declared, live)))
        ledger.claim(ledger_identity(workspace, target.name))
        for entry in entries:
            ledger.record(entry)
        ledger.flush()
    return entries


def _entry(declared: ResourceState, live: ResourceState) -> Owned:
    """The entry of a live resource as if it had just been applied: the declared attributes with their live values."""
    live = hidden_like(live, declared, None)
    now = {**masked(live.attributes), "settings": live.settings}
    attributes = {key: now[key] for key in declared_attributes(declared) if key in now}
    if "settings" in attributes:
        kept = {key: value for key, value in live.settings.items() if key in declared.settings}
        wanted = declared.settings
        # A value that the instance returns masked may not be the declared one: without it, the next apply sends it.
        attributes["settings"] = {
            k: masked(v) for k, v in kept.items() if same(v, wanted[k]) or not shows(v, wanted[k])
        }
    lifecycle = declared.lifecycle
    return Owned(
        live.address, live.remote_id, attributes, protect=lifecycle.protect, renamed_from=lifecycle.renamed_from
    )
