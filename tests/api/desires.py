"""Desired states for the tests of the reader, made without manifests."""

from __future__ import annotations

from kiamo_iac.core.address import Address
from kiamo_iac.core.resource import Ensure, Lifecycle
from kiamo_iac.core.state import ResourceState, State
from kiamo_iac.resources import by_collection


def want(
    address: str, *, absent: bool = False, managed: bool = True, renamed_from: tuple[str, ...] = ()
) -> ResourceState:
    """A thing that is declared with its name and nothing else."""
    at = Address.parse(address)
    lifecycle = Lifecycle(Ensure.ABSENT if absent else Ensure.PRESENT, managed=managed, renamed_from=renamed_from)
    return ResourceState(at, by_collection()[at.collection], {"name": at.name}, lifecycle=lifecycle)


def desire(*addresses: str) -> State:
    """Things that are declared to be there."""
    return State(want(address) for address in addresses)
