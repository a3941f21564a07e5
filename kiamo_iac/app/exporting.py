"""An instance exported: read, compared with what is declared, checked as a whole, and only then written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from kiamo_iac.api.reader import LiveRead, StateReader
from kiamo_iac.app.adopting import Adoption, adopt_declared
from kiamo_iac.app.export_check import ExportCheck, check_size
from kiamo_iac.app.export_folder import Destination, destination, patches_of
from kiamo_iac.app.ownership import lock_ledger, read_owned
from kiamo_iac.authoring.exporting.export import Export, export, hide_like
from kiamo_iac.authoring.exporting.report import ExportReport
from kiamo_iac.authoring.exporting.target_folder import NewFile, TargetFolder
from kiamo_iac.authoring.exporting.unrepresentable import IsSecret
from kiamo_iac.authoring.selection import ExportSelection
from kiamo_iac.authoring.writing import write_files
from kiamo_iac.core.diagnostics import Severity, did_you_mean
from kiamo_iac.core.errors import ManifestError, UsageError
from kiamo_iac.core.printable import quote, shell_word
from kiamo_iac.core.secret import secrets_of
from kiamo_iac.core.state import State
from kiamo_iac.manifest.project.file import load_project

if TYPE_CHECKING:
    from kiamo_iac.app.project import Workspace
    from kiamo_iac.core.state import Ownership
    from kiamo_iac.manifest.environment import Target

EVERYTHING = ExportSelection()
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class ExportResult:
    """The result of an export."""

    environment: str
    report: ExportReport
    document: tuple[NewFile, ...] = ()
    """The one document, where no folder was named; none where there is nothing to export."""
    created: tuple[str, ...] = ()
    """Files that are new, as places name them."""
    edited: tuple[str, ...] = ()
    """Files that were there, and are changed."""

    def texts(self) -> Iterator[str]:
        """The document, a block at a time."""
        return chain.from_iterable(file.texts() for file in self.document)


@dataclass(frozen=True, slots=True)
class _ExportInputs:
    """What an export is made of."""

    target: Target
    live: LiveRead
    owned: Ownership | None
    place: Destination | None


def export_instance(
    workspace: Workspace,
    environment: str | None,
    selection: ExportSelection = EVERYTHING,
    *,
    folder: Path | None = None,
    single: bool = False,
    patched: bool = False,
) -> ExportResult:
    """Export an instance: into `folder`, or as one text; `patched`: into the patches of the environment alone.

    Everything is computed, and checked as a plan would read it, before the first file is written. The ledger is read
    without its lock.

    Raises:
        UsageError: the environment, what was chosen or the folder cannot be used.
        ManifestError: the manifests that are there hold errors.
        EditError: a file cannot take an edit.
        KiamoIacError: the instance or the ledger could not be read, or a file not written.
    """
    target = workspace.target(environment)
    result, _ = _exported(
        workspace,
        target,
        selection,
        owned=lambda: read_owned(workspace, target.name),
        folder=folder,
        single=single,
        patched=patched,
    )
    return result


def export_and_adopt(
    workspace: Workspace,
    environment: str | None,
    selection: ExportSelection = EVERYTHING,
    *,
    folder: Path | None = None,
    single: bool = False,
    patched: bool = False,
    lock_timeout: float = 0,
) -> tuple[ExportResult, Adoption]:
    """Export an instance into a folder of the project's manifests, and record in the ledger what is declared then.

    Raises:
        UsageError: as `export_instance`, or the project does not read the folder.
        LockedError: another run holds the lock of the ledger; nothing was written.
        KiamoIacError: as `export_instance`, or the ledger could not be written; then the manifests are exported.
    """
    target = workspace.target(environment)
    with lock_ledger(workspace, target.name, lock_timeout=lock_timeout, operation="export --adopt") as ledger:
        result, live = _exported(
            workspace,
            target,
            selection,
            owned=lambda: ledger.owned,
            folder=folder,
            single=single,
            patched=patched,
            must_be_read=True,
        )
        written = replace(workspace, project=load_project(workspace.project.file))
        loaded = written.load(target.name)
        adoption = adopt_declared(
            written,
            ledger,
            loaded.checked(),
            live,
            environment=target.name,
            wanted=selection.has,
            files=loaded.inputs,
        )
        return result, adoption


def _exported(
    workspace: Workspace,
    target: Target,
    selection: ExportSelection,
    *,
    owned: Callable[[], Ownership | None],
    folder: Path | None,
    single: bool,
    patched: bool,
    must_be_read: bool = False,
) -> tuple[ExportResult, State]:
    """The result of an export, and what was read of the instance."""
    project_file = None
    if patched:
        folder, workspace, project_file = patches_of(workspace, target.name)
    with workspace.interruption.interruptible():
        read = _read(workspace, target, selection, owned=owned, folder=folder, single=single, patched=patched)
    place = read.place
    if must_be_read and place is not None and not place.read_by_project:
        named = workspace.project.folders[0].path.relative_to(workspace.project.root).as_posix()
        msg = f"{folder} is not a folder of the project's manifests: what it declares cannot be adopted."
        raise UsageError(msg, hint=f"export into the manifests: -o {shell_word(named, 'DIR')}; nothing was written")
    made = export(
        read.live.state,
        capabilities=workspace.contract.capabilities(),
        parts=place.parts if place is not None else {},
        folder=place.folder if place is not None else TargetFolder(single=True, inert=True),
        selection=selection,
        owned=read.owned,
        is_secret=_secrets(workspace, read.target),
    )
    for change in made.files:
        check_size(change)
    if place is None:
        made.report.add(read.live.diagnostics)
        document = tuple(change for change in made.files if isinstance(change, NewFile))
        return ExportResult(read.target.name, made.report, document), read.live.state
    edited: tuple[str, ...] = ()
    check = ExportCheck(read.target, place, workspace.contract.capabilities(), live=read.live.state, owned=read.owned)
    check.check(made.files, made.report, planned=not selection.only)
    _warn_shared(workspace, read.target.name, place, made)
    write_files(made.files, within=place.folder.path)
    if project_file is not None and made.files:
        write_files([project_file], within=workspace.project.root)
        edited = (project_file.file,)
    created = tuple(change.file for change in made.files if change.before is None)
    edited += tuple(change.file for change in made.files if change.before is not None)
    made.report.add(read.live.diagnostics)
    return ExportResult(read.target.name, made.report, created=created, edited=edited), read.live.state


def _read(
    workspace: Workspace,
    target: Target,
    selection: ExportSelection,
    *,
    owned: Callable[[], Ownership | None],
    folder: Path | None,
    single: bool,
    patched: bool,
) -> _ExportInputs:
    with workspace.client(target) as client, StateReader(client, workspace.contract) as reader:
        reader.start()
        place = None
        if folder is not None:
            place = destination(workspace, target.name, folder, single=single, patched=patched)
        entries = owned()
        hide = hide_like(entries or {}, _declared(workspace, target.name))
        live = reader.whole(selection.concerns, owned=entries, change=hide)
    parts = place.parts if place is not None else {}
    for text in selection.unknown(live.state, parts):
        msg = f"{text} is neither on the instance nor declared."
        known = [*sorted(resource.address for resource in live.state), *parts]
        hint = did_you_mean(text, known) or "write an address, such as bases/prospects/batches/spring"
        raise UsageError(msg, hint=f"{hint}; nothing was written")
    return _ExportInputs(target, live, entries, place)


def _declared(workspace: Workspace, environment: str) -> State:
    """What the project declares, as far as its manifests are valid.

    Raises:
        ManifestError: one cannot be read; it may list settings as sensitive.
    """
    loaded = workspace.load(environment)
    if loaded.unread:
        errors = [d for d in loaded.diagnostics if d.severity is Severity.ERROR]
        msg = "A manifest cannot be read; it may list settings as sensitive."
        raise ManifestError(msg, hint="fix it and export again; nothing was written", diagnostics=errors)
    return loaded.state


def _secrets(workspace: Workspace, target: Target) -> IsSecret:
    """Whether a text contains a secret of this run."""
    known = secrets_of(workspace.environ) | {target.token.reveal()}
    return lambda text: any(secret in text for secret in known)


def _warn_shared(workspace: Workspace, environment: str, place: Destination, made: Export) -> None:
    """Report that other environments use the changed manifests too."""
    others = [name for name in workspace.project.environments if name != environment]
    created = [change.path for change in made.files if change.before is None]
    base = {change.path for change in made.files} & set(place.with_files(created).files)
    if not others or not base or not place.read_by_project:
        return
    named = " and ".join(map(quote, others[:_SHOWN]))
    made.report.warn(
        "KIA1013",
        f"the changed manifests are also used by {named}",
        hint="run plan --all-environments; for a change of this environment alone, pass --into-patches instead",
    )
