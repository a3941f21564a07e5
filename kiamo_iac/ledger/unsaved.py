"""What could not be kept, in words: which things, and what to do about it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from kiamo_iac.core.errors import LedgerError
from kiamo_iac.ledger.content import Record, subject_of

_NAMED: Final = 8


def unsaved(
    shown: str, why: str, *, records: Sequence[Record], rescue: Path | None = None, hint: str | None = None
) -> LedgerError:
    """The error for records that `shown` would not take; `rescue` holds a copy of the ledger with them in it."""
    subjects = list(dict.fromkeys(map(subject_of, records)))
    more = f" and {len(subjects) - _NAMED} more" if len(subjects) > _NAMED else ""
    what = f" What was applied or about to be: {', '.join(subjects[:_NAMED])}{more}." if subjects else ""
    if rescue is not None:
        hint = (
            f"the whole ledger stands in {rescue.as_posix()}: keep it (in a pipeline, as an artifact). "
            "With it in that place, the next run that writes puts it back"
        )
    return LedgerError(
        f"The ledger {shown} could not be written: {why.rstrip('.')}.{what}",
        hint=hint or "put that right and run plan: what the ledger lacks is taken in with adopt",
    )
