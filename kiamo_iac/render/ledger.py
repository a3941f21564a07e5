"""What is ours, as a table for people and as JSON."""

from __future__ import annotations

from typing import Any, Final

from kiamo_iac.core.state import Owned, Ownership
from kiamo_iac.render.base import Style
from kiamo_iac.render.escape import document, json_document, visible

FORMAT_VERSION: Final = "1.0"
"""Of the JSON; the first number changes when a reader of the old form would misread the new one."""
_HEADS: Final = ("address", "id", "last applied", "commit", "")
_COMMIT: Final = 10
"""So many characters of a commit tell it from the others."""


def ledger_text(owned: Ownership, style: Style) -> str:
    """A row for each thing, by address; then how many."""
    del style
    rows = [_HEADS, *(_row(owned[address]) for address in sorted(owned))]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADS))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    count = "1 thing is ours." if len(owned) == 1 else f"{len(owned)} things are ours."
    return document([*(lines if owned else []), *([""] if owned else []), count])


def _row(entry: Owned) -> tuple[str, ...]:
    return (
        visible(entry.address),
        visible(str(entry.remote_id)) if entry.remote_id is not None else "(not known)",
        visible(entry.applied_at),
        visible((entry.commit or "")[:_COMMIT]),
        "protected" if entry.protect else "",
    )


def ledger_json(environment: str, owned: Ownership | None) -> str:
    """Everything that it says; `found` is false when there is no ledger."""
    data: dict[str, Any] = {
        "format_version": FORMAT_VERSION,
        "environment": environment,
        "found": owned is not None,
        "things": [_data(owned[address]) for address in sorted(owned or {})] if owned is not None else [],
    }
    return json_document(data)


def _data(entry: Owned) -> dict[str, Any]:
    return {
        "address": entry.address,
        "id": entry.remote_id,
        "attributes": dict(entry.attributes),
        "protect": entry.protect,
        "renamed_from": list(entry.renamed_from),
        "applied_at": entry.applied_at or None,
        "commit": entry.commit,
        "version": entry.version or None,
    }
