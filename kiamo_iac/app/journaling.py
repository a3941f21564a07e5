"""The journals of an environment: where they are, which are kept, and how one is chosen and read.

.kiamo/journal/<environment>/<run>.jsonl
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from kiamo_iac.core.diagnostics import Diagnostic, Severity
from kiamo_iac.core.errors import JournalError, UsageError
from kiamo_iac.core.printable import quote
from kiamo_iac.core.safe_files import MisplacedError, RootedFile
from kiamo_iac.ledger.journal import MAX_BYTES, Journal, JournalHead, parse_journal

if TYPE_CHECKING:
    from kiamo_iac.app.project import Workspace
    from kiamo_iac.core.state import State
    from kiamo_iac.executor.journal_writer import JournalWriter
    from kiamo_iac.planner.plan import Plan

_FOLDER: Final = (".kiamo", "journal")
_SUFFIX: Final = ".jsonl"
_NAME: Final = re.compile(r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{6}\.jsonl")
"""Names sort by time."""


def journal_file(root: Path, environment: str, run: str) -> RootedFile:
    """The journal of a run; `root`: see `Workspace.private_root`."""
    return RootedFile(root, (*_FOLDER, environment, f"{run}{_SUFFIX}"))


def runs_of(root: Path, environment: str) -> list[str]:
    """The ids of the runs that have a journal, the oldest first.

    Raises:
        JournalError: the folder cannot be read.
    """
    folder = journal_file(root, environment, "")
    try:
        names = folder.siblings()
    except OSError as error:
        raise _unusable(folder, error, what=f"The journals in {folder.path.parent} cannot be read") from error
    return [name.removesuffix(_SUFFIX) for name in names if _NAME.fullmatch(name)]


def remove_old(root: Path, environment: str, *, keep: int) -> None:
    """Remove all journals but the newest `keep`. One that cannot be removed is left."""
    for run in runs_of(root, environment)[:-keep]:
        with suppress(OSError):
            journal_file(root, environment, run).remove()


@contextmanager
def journal_of(
    workspace: Workspace,
    plan: Plan,
    live: State,
    *,
    run: str,
    started_at: str,
    commit: str | None,
    undoes: str | None = None,
) -> Iterator[JournalWriter]:
    """The journal of a run that carries out `plan`, from its beginning; a plan without steps has none. `live`: what the
    plan was made of; `commit`: of the manifests; `undoes`: the run that it undoes. Older journals than are to be kept
    are removed.

    Raises:
        JournalError: it cannot be written; nothing was written to the instance.
    """
    from kiamo_iac import __version__
    from kiamo_iac.app.ownership import ledger_identity
    from kiamo_iac.executor.journal_writer import JournalWriter

    root = workspace.private_root(plan.environment)
    file = journal_file(root, plan.environment, run)
    with JournalWriter(file) as writer:
        if not plan.steps:
            yield writer
            return
        identity = ledger_identity(workspace, plan.environment)
        head = JournalHead(
            run,
            "apply" if undoes is None else "undo",
            plan.environment,
            identity.project or "",
            identity.instance or "",
            started_at,
            __version__,
            commit=commit,
            undoes=undoes,
        )
        writer.begin(head, plan, live)
        try:
            yield writer
        except BaseException:
            if not writer.calls:
                with suppress(OSError):
                    file.remove()
            raise
        remove_old(root, plan.environment, keep=workspace.project.journals)


def load_journal(workspace: Workspace, environment: str, run: str | None = None) -> Journal:
    """The journal of a run, by its id or the beginning of it; None: of the last run.

    Raises:
        UsageError: there is none, or several begin so.
        JournalError: it cannot be read, or is that of another run.
    """
    root = workspace.private_root(environment)
    known = runs_of(root, environment)
    if not known:
        msg = f"{environment} has no journal."
        raise UsageError(msg, hint="apply writes one for each run, below .kiamo/journal in the folder of the project")
    found = known[-1:] if run is None else [one for one in known if one.startswith(run)]
    if len(found) != 1:
        several = f"{len(found)} runs of {environment} begin with" if found else f"{environment} has no run"
        msg = f"{several} {quote(run or '')}."
        raise UsageError(msg, hint=f"kiamo-iac journal list -e {environment} lists them")
    file = journal_file(root, environment, found[0])
    journal = read_journal(file)
    if (journal.head.environment, journal.head.run) != (environment, found[0]):
        of = f"{journal.head.run} of {quote(journal.head.environment)}"
        msg = f"The journal {file.path} is not used: it is that of the run {of}, and was copied or renamed."
        raise JournalError(msg, hint="remove it")
    return journal


def load_journals(workspace: Workspace, environment: str) -> list[Journal]:
    """All journals, the newest first. One that cannot be read is left out, with a warning.

    Raises:
        JournalError: the folder cannot be read.
    """
    root, found = workspace.private_root(environment), []
    for run in reversed(runs_of(root, environment)):
        try:
            found.append(read_journal(journal_file(root, environment, run)))
        except JournalError as error:
            workspace.notify(Diagnostic("KIA0920", str(error).rstrip("."), Severity.WARNING, hint=error.hint))
    return found


def read_journal(file: RootedFile) -> Journal:
    """The journal in a file.

    Raises:
        JournalError: it cannot be read.
    """
    try:
        data = file.read(limit=MAX_BYTES)
    except OSError as error:
        raise _unusable(file, error) from error
    if data is None:
        msg = f"The journal {file.path} is larger than {MAX_BYTES // (1024 * 1024)} MiB."
        raise JournalError(msg)
    return parse_journal(data, str(file.path))


def _unusable(file: RootedFile, error: OSError, *, what: str = "") -> JournalError:
    why = error.strerror or str(error)
    hint = "remove it: files below .kiamo belong to this machine" if isinstance(error, MisplacedError) else None
    return JournalError(f"{what or f'The journal {file.path} cannot be read'}: {why}.", hint=hint)
