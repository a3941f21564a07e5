"""Ledger entries, and ledgers of them."""

from __future__ import annotations

from pathlib import Path

from kiamo_iac.core.address import Address
from kiamo_iac.core.state import Owned
from kiamo_iac.ledger.content import Content, LedgerIdentity, Put

ENVIRONMENT = "staging"


def identity_of(environment: str) -> LedgerIdentity:
    """That of the ledgers here."""
    return LedgerIdentity("outbound", environment, "https://kiamo.example.com:443")


IDENTITY = identity_of(ENVIRONMENT)
WHEN = "2026-11-22T16:00:00Z"
TOKEN = "c0ffee" * 6 + "c0de"
"""Looks like a token: it must not be written to any file."""


def owned(name: str = "prospects", remote_id: str | int | None = "7", **attributes: object) -> Owned:
    """One base."""
    return Owned(
        Address.of("bases", name),
        remote_id,
        {"name": name, **attributes},
        applied_at=WHEN,
        commit="abc123",
        version="0.1.0",
    )


def content_of(*names: str, environment: str = ENVIRONMENT) -> Content:
    """A ledger with these bases."""
    content = Content.of(identity_of(environment))
    for name in names:
        content.apply(Put(owned(name)))
    return content


def files_below(folder: Path) -> dict[str, bytes]:
    """Every file there, with what it holds."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
