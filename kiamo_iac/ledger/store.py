"""What a ledger asks of whatever keeps it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from kiamo_iac.ledger.content import Record


class LedgerStore(Protocol):
    """Keeps records. One thread at a time calls it."""

    def append(self, records: Sequence[Record], /) -> None:
        """Keep these, now or soon.

        Raises:
            LedgerError: that is not possible.
        """

    def flush(self) -> None:
        """Keep everything by the time this returns.

        Raises:
            LedgerError: something could not be kept; it says what, and where a copy is.
        """

    def compact(self) -> None:
        """Keep nothing that a later record replaced, by the time this returns or soon.

        Raises:
            LedgerError: as `flush`.
        """

    def close(self) -> None:
        """Flush, and let go of what was open.

        Raises:
            LedgerError: as `flush`.
        """


class ReadOnlyStore:
    """Stands behind a ledger that was only read."""

    def append(self, _records: Sequence[Record], /) -> None:
        """
        Raises:
            RuntimeError: always; a ledger is written by whoever holds its lock.
        """
        msg = "a ledger that was read without its lock is not written"
        raise RuntimeError(msg)

    def flush(self) -> None:
        """Nothing."""

    def compact(self) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""
