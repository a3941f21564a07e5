"""The content of a ledger in any backend: entries, applied plans, and the records that change them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple, TypeAlias, assert_never
from uuid import uuid4

from kiamo_iac.core.address import Address
from kiamo_iac.core.state import Owned

FORMAT_VERSION: Final = 2
"""Of every form that a ledger is written in. A ledger of a newer version is refused, never guessed at."""
UNIDENTIFIED: Final = 1
"""The version whose ledgers name no project and no instance. It is read, and kept until an apply claims the ledger."""
MAX_BYTES: Final = 256 * 1024 * 1024
"""Of a file that is read: some million records."""
APPLIED_PLANS_KEPT: Final = 200
"""How many digests of applied plans are kept; the oldest are dropped first."""


class LedgerIdentity(NamedTuple):
    """Whose a ledger is."""

    project: str | None
    """The `name` of the project file, or the path of its folder below the root of the repository."""
    environment: str
    instance: str | None
    """The `instance` of the environment, or the origin of its url; None: unknown. (Both None: of format 1.)"""


class Put(NamedTuple):
    """The entry of a managed resource."""

    owned: Owned


class Forget(NamedTuple):
    """A resource is no longer managed."""

    address: Address


class AppliedPlan(NamedTuple):
    """The saved plan of that digest has been applied."""

    digest: str
    at: str
    """RFC 3339, UTC, to the second."""


LedgerRecord: TypeAlias = Put | Forget | AppliedPlan


@dataclass(slots=True)
class Content:
    """The content of a ledger."""

    environment: str
    lineage: str = field(default_factory=lambda: str(uuid4()))
    """Set when the ledger is created, and never changed: it tells two ledgers of one environment apart."""
    serial: int = 0
    """The number of records applied so far."""
    entries: dict[Address, Owned] = field(default_factory=dict)
    applied_plans: dict[str, str] = field(default_factory=dict)
    """Digest → when, oldest first."""
    exposed: set[Address] = field(default_factory=set, compare=False)
    """Addresses whose entries held secrets when they were read, as older versions wrote them; `entries` holds none."""
    project: str | None = None
    instance: str | None = None
    """None, both: as older versions wrote it, see `LedgerIdentity`."""

    @classmethod
    def of(cls, identity: LedgerIdentity) -> Content:
        """A new, empty ledger."""
        return cls(identity.environment, project=identity.project, instance=identity.instance)

    @property
    def identity(self) -> LedgerIdentity:
        """Whose it is."""
        return LedgerIdentity(self.project, self.environment, self.instance)

    @property
    def format_version(self) -> int:
        """The version that it is written in."""
        return UNIDENTIFIED if self.project is None or self.instance is None else FORMAT_VERSION

    @property
    def revision(self) -> str:
        """Changes whenever this ledger does; of the file backend, which nothing else writes under its lock."""
        return f"{self.lineage} {self.serial}"

    def claim(self, identity: LedgerIdentity) -> None:
        """Record whose it is from now on."""
        self.project, self.environment, self.instance = identity
        self.serial += 1

    def apply(self, record: LedgerRecord) -> None:
        """Apply one record."""
        match record:
            case Put(owned):
                self.entries[owned.address] = owned
            case Forget(address):
                self.entries.pop(address, None)
            case AppliedPlan(digest, at):
                self.applied_plans.pop(digest, None)
                self.applied_plans[digest] = at
                while len(self.applied_plans) > APPLIED_PLANS_KEPT:
                    del self.applied_plans[next(iter(self.applied_plans))]
            case _:
                assert_never(record)
        self.serial += 1

    def copy(self) -> Content:
        """A copy that changes independently; entries are immutable."""
        return replace(self, entries=dict(self.entries), applied_plans=dict(self.applied_plans), exposed=set())

    def records(self) -> Iterator[LedgerRecord]:
        """The fewest records that lead to this content, by address."""
        yield from (Put(self.entries[address]) for address in sorted(self.entries))
        yield from (AppliedPlan(digest, at) for digest, at in self.applied_plans.items())


def is_intent(record: LedgerRecord) -> bool:
    """Whether nothing was applied yet that it records."""
    return isinstance(record, AppliedPlan) or (isinstance(record, Put) and record.owned.remote_id is None)


def subject_of(record: LedgerRecord) -> str:
    """The subject of a record, for messages."""
    match record:
        case Put(owned):
            return owned.address
        case Forget(address):
            return f"{address} (deleted)"
        case AppliedPlan(digest):
            return f"plan {digest[:12]}"
        case _:
            assert_never(record)
