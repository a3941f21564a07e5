"""Existing resources recorded in the ledger as managed (`adopt`)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from kiamo_iac.app.ownership import check_instance, entry_stamp, ledger_identity, lock_ledger
from kiamo_iac.app.planning import read_inputs
from kiamo_iac.app.provenance import checkout_of_run
from kiamo_iac.app.recording import declared_attributes, managed_declaration
from kiamo_iac.core.address import covered
from kiamo_iac.core.diagnostics import did_you_mean
from kiamo_iac.core.errors import UsageError
from kiamo_iac.core.sensitive import masked, shows
from kiamo_iac.core.state import Owned
from kiamo_iac.core.strict_json import same
from kiamo_iac.planner.masking import hidden_like

if TYPE_CHECKING:
    from pathlib import Path

    from kiamo_iac.app.project import Workspace
    from kiamo_iac.core.address import Address
    from kiamo_iac.core.state import ResourceState, State
    from kiamo_iac.ledger.ledger import Ledger


@dataclass(frozen=True, slots=True)
class Adoption:
    """What became managed, and which declared resources did not."""

    entries: tuple[Owned, ...]
    """The entries that were recorded, by address."""
    missing: tuple[Address, ...] = ()
    """Declared, and not on the instance under that name."""
    recreated: tuple[Address, ...] = ()
    """The ledger has another id: they were recreated outside kiamo-iac, and only an adoption by address takes them."""


def adopt_resources(
    workspace: Workspace, environment: str | None, addresses: Sequence[Address] | None, *, lock_timeout: float = 0
) -> Adoption:
    """Record existing resources, and what is declared below them, in the ledger with their live values, so that plans
    treat them as managed. `addresses` None: everything that is declared.

    Each must be live and declared: `--prune` would delete an undeclared one. A resource at one of `addresses` that is
    managed already is recorded again, with its current id.

    Raises:
        UsageError: an address is not declared, not live, or a default of the platform; nothing is recorded.
        KiamoIacError: as `planning.read_inputs`, or the ledger cannot be locked, read or written.
    """
    target = workspace.target(environment)
    with lock_ledger(workspace, target.name, lock_timeout=lock_timeout, operation="adopt") as ledger:
        inputs = read_inputs(workspace, target, owned=lambda: ledger.owned)
        return adopt_declared(
            workspace, ledger, inputs.desired, inputs.live, environment=target.name, named=addresses, files=inputs.files
        )


def adopt_declared(
    workspace: Workspace,
    ledger: Ledger,
    desired: State,
    live: State,
    *,
    environment: str,
    named: Sequence[Address] | None = None,
    wanted: Callable[[Address], bool] = lambda _: True,
    files: Iterable[Path] = (),
) -> Adoption:
    """Record in a locked ledger what is declared at and below the addresses `named` (None: everything `wanted`).
    `files`: what the manifests read, see `PlanInputs.files`.

    Raises:
        UsageError, LedgerError: as `adopt_resources`.
    """
    check_instance(ledger, live)
    for address in named or ():
        _check_adoptable(address, desired, live)
    stamp = entry_stamp(checkout_of_run(workspace, environment, files=files).committed)
    found, missing, recreated = [], [], []
    moves: dict[Address, Address] = {}
    owned = ledger.owned
    by_id = {(at.collection, entry.remote_id): at for at, entry in owned.items()}
    for declared in desired:
        address, now = declared.address, live.get(declared.address)
        selected = covered(address, named) if named is not None else wanted(address)
        if not selected or managed_declaration(desired, address) is None:
            continue
        entry = owned.get(address)
        known = entry.remote_id if entry is not None else None
        if now is None:
            missing.append(address)
        elif now.is_default or (entry is not None and known == now.remote_id and address not in (named or ())):
            continue
        elif named is None and known is not None:  # another id than it has now
            recreated.append(address)
        else:
            adopted = _entry(declared, now)
            at = by_id.get((address.collection, now.remote_id))
            if at is not None and entry is None and now.remote_id is not None:  # renamed since it was recorded
                moves[at] = address
                adopted = replace(adopted, kept=owned[at].kept, owed=owned[at].owed)
            found.append(stamp(adopted))
    ledger.claim(ledger_identity(workspace, environment))
    if moves:
        ledger.readdress({old: new for old in owned if (new := _moved(old, moves)) != old})
    for one in found:
        ledger.record(one)
    ledger.flush()
    return Adoption(tuple(sorted(found, key=lambda e: e.address)), tuple(sorted(missing)), tuple(sorted(recreated)))


def _check_adoptable(address: Address, desired: State, live: State) -> None:
    """
    Raises:
        UsageError: what is at the address cannot be adopted.
    """
    now = live.get(address)
    if managed_declaration(desired, address) is None:
        msg = f"{address} is not declared: the next apply --prune would delete it."
        near = did_you_mean(address, [d.address for d in desired])
        raise UsageError(msg, hint=f"{near or 'declare it first'}; nothing was adopted")
    if now is None:
        msg = f"{address} is missing on the instance."
        raise UsageError(msg, hint="run apply to create it; nothing was adopted")
    if now.is_default:
        msg = f"{address} is a default {now.kind.kind}: the platform creates and deletes it with its parent."
        raise UsageError(msg, hint="it is never managed; nothing was adopted")


def _moved(address: Address, moves: Mapping[Address, Address]) -> Address:
    """Where an entry goes: with what it is below, unless it moves by itself."""
    if address in moves or address.parent is None:
        return moves.get(address, address)
    return _moved(address.parent, moves).child(address.collection, address.name)


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
        live.address,
        live.remote_id,
        attributes,
        protect=lifecycle.protect,
        renamed_from=lifecycle.renamed_from,
        left_in=live.run_state,
    )
