"""Refusing a file of the ledger, or a journal, that git tracks: a commit could change what is managed, what --prune
deletes, and what is undone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from kiamo_iac.core.diagnostics import Diagnostic, Severity
from kiamo_iac.core.errors import GitError, JournalError, LedgerError, TransportError
from kiamo_iac.core.printable import shell_word
from kiamo_iac.core.safe_files import RootedFile

FOLDER: Final = ".kiamo"
"""Below the folder of the project file. Its files belong to this machine."""


def check_backup(file: RootedFile, environ: Mapping[str, str]) -> None:
    """Refuse a local backup that a commit can bring.

    Raises:
        LedgerError: it is tracked by git, or git fails.
    """
    why = _why_tracked(file, environ)
    if why is not None:
        shown = file.path.as_posix()
        name = shell_word("/".join(file.parts), "FILE")
        summary = f"the local backup of the ledger is not used: {why}"
        raise LedgerError(
            f"The local backup {shown} is not used: a commit can bring it, and it would replace the ledger. Nothing "
            "was written.",
            hint=f"remove it; to keep it, remove it from git: git rm --cached {name}, and commit",
            diagnostics=[Diagnostic("KIA0910", summary)],
        )


def check_file(
    file: RootedFile, *, shown: str, environ: Mapping[str, str], notify: Callable[[Diagnostic], object]
) -> None:
    """Refuse a ledger below `.kiamo/` that git tracks; elsewhere, where the project file sets the path, warn of it.

    Raises:
        LedgerError: it is below `.kiamo/`, or git fails.
    """
    why = _why_tracked(file, environ)
    if why is None:
        return
    risk = "a merge request can change what is managed, and what --prune deletes"
    if any(part.casefold() == FOLDER for part in file.parts):
        raise LedgerError(
            f"The ledger {shown} is not used: it is in git, so {risk}. Nothing was written.",
            hint=f"keep {FOLDER}/ out of git (git rm -r --cached {FOLDER}, and a line in .gitignore), "
            "or use the http or git backend",
            diagnostics=[Diagnostic("KIA0911", f"the ledger is a file that a commit can bring: {why}")],
        )
    notify(
        Diagnostic(
            "KIA0912",
            f"the ledger {shown} is in git: {risk}",
            severity=Severity.WARNING,
            detail=f"It is used because the project file sets its path; {why}.",
            hint="review each of its changes like a deletion, or use the http or git backend",
        )
    )


def check_journal(file: RootedFile, environ: Mapping[str, str]) -> None:
    """Refuse a journal that git tracks.

    Raises:
        JournalError: it is tracked, or git fails.
    """
    try:
        why = _why_tracked(file, environ)
    except LedgerError as error:
        raise JournalError(f"The journal {error}", hint=error.hint) from error
    if why is not None:
        msg = f"The journal {file.path} is not used: it is in git, so a commit can change what is undone: {why}."
        raise JournalError(
            msg, hint=f"keep {FOLDER}/ out of git: git rm -r --cached {FOLDER}, and a line in .gitignore"
        )


def _why_tracked(file: RootedFile, environ: Mapping[str, str]) -> str | None:
    from kiamo_iac.git.tracking import why_tracked

    try:
        return why_tracked(file.root, file.parts, environ)
    except (GitError, TransportError) as error:
        msg = f"{file.path.as_posix()} is not used: whether git tracks the file is unknown. {error}"
        raise LedgerError(msg, hint=error.hint) from error
