"""The errors of a ledger that cannot be used or written; each names the place, and says whether data was lost."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from kiamo_iac.core.diagnostics import Diagnostic, SourceRange
from kiamo_iac.core.errors import LedgerError
from kiamo_iac.core.printable import quote, shell_word
from kiamo_iac.core.safe_files import MisplacedError
from kiamo_iac.ledger.content import LedgerIdentity, LedgerRecord, subject_of

UNTOUCHED: Final = "It is unchanged, and nothing was written."
_RESTORE: Final = (
    "restore it from a backup, or correct the line; without a backup, move it away and run kiamo-iac adopt --all"
)
_NAMED: Final = 8
"""Subjects of records in one message."""


def corruption_error(file: str, reason: str, *, line: int = 1, column: int = 1, hint: str = _RESTORE) -> LedgerError:
    """The error for text that is not a ledger. `reason`: a clause."""
    found = Diagnostic("KIA0901", f"the ledger is corrupt: {reason}", source=SourceRange(file, line, column))
    return LedgerError(f"The ledger {file} cannot be read. {UNTOUCHED}", hint=hint, diagnostics=[found])


def link_error(shown: str, verb: str, error: MisplacedError) -> LedgerError:
    """The error for a path of the ledger that has a link in it, or is not a regular file.
    `verb`: what was tried, as a participle (`read`)."""
    return LedgerError(
        f"The ledger {shown} cannot be {verb}: {error.strerror} within the project. Nothing was written.",
        hint=f"remove {error.place}; where the repository holds it, a merge request may have brought it",
        diagnostics=[Diagnostic("KIA0340", f"{error.strerror}", source=SourceRange(error.place, 1, 1))],
    )


def how_to_move(environment: str) -> str:
    """The command by which a ledger follows a project, an environment or an instance, as a hint."""
    return f"kiamo-iac ledger move -e {shell_word(environment, 'ENV')}"


def foreign_error(file: str, of: LedgerIdentity, here: LedgerIdentity) -> LedgerError | None:
    """The error for a ledger that is `of` another project, environment or instance than this run; else None.

    What either of them does not know is not compared.
    """
    differ = [
        (name, theirs, mine)
        for name, theirs, mine in zip(LedgerIdentity._fields, of, here, strict=True)
        if theirs is not None and mine is not None and theirs != mine
    ]
    if not differ:
        return None
    where = SourceRange(file, 1, 1)
    return LedgerError(
        f"The ledger {file} belongs to another {' and '.join(name for name, _, _ in differ)}. {UNTOUCHED}",
        hint="give each its own ledger: a name of the project, another path, address or ref; if the ledger is to "
        f"follow a new name or url, run {how_to_move(here.environment)}",
        diagnostics=[
            Diagnostic("KIA0903", f"the ledger is of the {name} {quote(theirs)}, not of {quote(mine)}", source=where)
            for name, theirs, mine in differ
        ],
    )


def unproven_error(file: str, *, environment: str) -> LedgerError:
    """The error for a ledger of format 1, of which nothing shows that it is of the instance of this run."""
    summary = "the ledger does not name its instance, and none of its ids is live under its recorded name"
    return LedgerError(
        f"The ledger {file} may belong to another instance. {UNTOUCHED}",
        hint=f"check the url; if the ledger is of this instance, run {how_to_move(environment)}",
        diagnostics=[Diagnostic("KIA0915", summary, source=SourceRange(file, 1, 1))],
    )


def unmoved_error(shown: str, former: str, *, environment: str) -> LedgerError:
    """The error for a project with a new name: `shown` has no ledger; `former` has one that is, or may be, its own."""
    summary = f"the project has a name, and there is a ledger at {former}, of the time before it had one"
    return LedgerError(
        f"There is no ledger at {shown}, but one at {former}. Nothing was written.",
        hint=f"run {how_to_move(environment)}; if it is of another project, set ref: of ledger in the project file",
        diagnostics=[Diagnostic("KIA0916", summary)],
    )


def write_error(
    shown: str, reason: str, *, records: Sequence[LedgerRecord], backup: Path | None = None, hint: str | None = None
) -> LedgerError:
    """The error for records that could not be written to `shown`. `backup`: a local backup of the ledger with them."""
    subjects = list(dict.fromkeys(map(subject_of, records)))
    more = f" and {len(subjects) - _NAMED} more" if len(subjects) > _NAMED else ""
    what = f" Applied or about to be applied: {', '.join(subjects[:_NAMED])}{more}." if subjects else ""
    if backup is not None:
        hint = (
            f"the whole ledger is in the local backup {backup.as_posix()}: keep it (in a pipeline, as an artifact); "
            "the next run that writes restores it"
        )
    return LedgerError(
        f"The ledger {shown} could not be written: {reason.rstrip('.')}.{what}",
        hint=hint or "correct the cause and run plan; add what the ledger lacks with adopt",
    )
