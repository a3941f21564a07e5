"""The folder of an export: what it contains, which files may be written, and what is declared already."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kiamo_iac.authoring.exporting.matching import Parts
from kiamo_iac.authoring.exporting.target_folder import TargetFolder
from kiamo_iac.authoring.promoting.promote import with_patches
from kiamo_iac.core.errors import UsageError
from kiamo_iac.core.printable import quote, shell_word
from kiamo_iac.core.safe_files import real
from kiamo_iac.document.files import read_text
from kiamo_iac.manifest.composition import Composition
from kiamo_iac.manifest.loader import compose
from kiamo_iac.manifest.paths import PathProblem, inside, manifests_below
from kiamo_iac.manifest.project.model import Folder
from kiamo_iac.manifest.sources import SourceFiles
from kiamo_iac.manifest.variables import Variables

if TYPE_CHECKING:
    from kiamo_iac.app.project import Workspace
    from kiamo_iac.authoring.sheet import FileChange
    from kiamo_iac.manifest.project.model import Environment, Project


@dataclass(frozen=True, slots=True)
class Destination:
    """Where an export goes."""

    folder: TargetFolder
    composition: Composition
    """The manifests of the environment; of a folder that no environment reads, its own."""
    sources: SourceFiles
    """The same, read."""
    layer: int
    """The layer of the composition that a new file of the folder belongs to."""
    read_by_project: bool
    """Whether the folder lies in one that the environment is made of."""
    parts: Parts = field(default_factory=dict)
    """What is declared, in whichever file."""

    def with_files(self, created: Iterable[Path]) -> Composition:
        """The manifests as they will be, new files among them."""
        layers = [*map(list, (self.composition.files, *self.composition.patches))]
        layers[self.layer] += created
        base, *patches = map(tuple, layers)
        return replace(self.composition, files=base, patches=tuple(patches))


def destination(
    workspace: Workspace, environment: str, path: Path, *, single: bool, patched: bool = False
) -> Destination:
    """The folder at `path`, with everything that is declared for the environment. `patched`: as of `patches_of`.

    Where the project's manifests for the environment are in or around the folder, they are what is declared; else
    the manifests of the folder alone are.

    Raises:
        UsageError: nothing can be exported into it.
        ManifestError: the manifests have errors.
    """
    project, chosen = workspace.project, workspace.project.environments[environment]
    at = real(path)
    _check(at, path, project)
    layer = _layer(at, project, chosen)
    sources = SourceFiles(project.root, keep=True)
    if layer is None:
        alone = Variables({**project.variables, **chosen.variables})
        composition = Composition(tuple(_own(at, path)), variables=alone)
    else:
        composition = project.composition(chosen)
        _check_links(at, path, (*composition.files, *(file for files in composition.patches for file in files)))
    folder = TargetFolder(at, _prefix(at, project.root), single=single, patched=patched)
    made = Destination(folder, composition, sources, layer or 0, layer is not None)
    return _read(made, workspace)


def patches_of(workspace: Workspace, environment: str) -> tuple[Path, Workspace, FileChange | None]:
    """The folder with the patches of an environment that lie above all others and that no other environment has; the
    project with it, and its file where the folder is a new entry.

    Raises:
        UsageError: the project cannot have such a folder.
        EditError: the project file cannot be edited without risk.
    """
    project, chosen = workspace.project, workspace.project.environments[environment]
    if chosen.patches and _is_own(project, chosen):
        return chosen.patches[-1].path, workspace, None
    name = next(name for name in _folder_names(environment) if not os.path.lexists(project.root / name))
    path = inside(project.root, name)
    if isinstance(path, PathProblem) or any(path.is_relative_to(folder.path) for folder in project.folders):
        msg = f"The project can have no folder {name} for the patches of {quote(environment)}."
        raise UsageError(msg, hint="add a folder under patches in the project file, and export into it with -o")
    changed = with_patches(project, chosen, name)
    patches = (*chosen.patches, Folder(path, chosen.source, lacking=True))
    environments = {**project.environments, environment: replace(chosen, patches=patches)}
    return path, replace(workspace, project=replace(project, environments=environments)), changed


def _is_own(project: Project, chosen: Environment) -> bool:
    """Whether its last patch is a folder that nothing else reads."""
    path = chosen.patches[-1].path
    others = [folder.path for folder in (*project.folders, *chosen.patches[:-1])]
    others += [f.path for other in project.environments.values() if other is not chosen for f in other.patches]
    return not path.is_file() and not any(path.is_relative_to(o) or o.is_relative_to(path) for o in others)


def _folder_names(environment: str) -> Iterator[str]:
    yield f"environments/{environment}"
    yield from (f"environments/{environment}-{number}" for number in count(2))


def _check(at: Path, path: Path, project: Project) -> None:
    if at.exists() and not at.is_dir():
        msg = f"{path} is not a folder."
        raise UsageError(msg, hint="pass a folder with -o; it is created if missing")
    within = [folder.path for folder in project.folders if folder.path != at and folder.path.is_relative_to(at)]
    if within or real(project.file).is_relative_to(at):
        named = within[0].relative_to(project.root).as_posix() if within else "manifests"
        msg = f"{path} contains more than manifests."
        raise UsageError(msg, hint=f"export into the folder of the manifests: -o {shell_word(named, 'DIR')}")


def _layer(at: Path, project: Project, chosen: Environment) -> int | None:
    """In which layer of the environment the folder lies; None: in no folder of it.

    Raises:
        UsageError: it lies among the patches of another environment.
    """
    for number, patch in enumerate(chosen.patches, start=1):
        if at.is_relative_to(patch.path):
            return number
    for other in project.environments.values():
        if any(at.is_relative_to(patch.path) for patch in other.patches):
            msg = f'The folder contains patches of the environment "{other.name}".'
            raise UsageError(msg, hint=f'export "{chosen.name}" into its own patches, or into the shared manifests')
    return 0 if any(at.is_relative_to(folder.path) for folder in project.folders) else None


def _own(at: Path, path: Path) -> Iterator[Path]:
    """The manifests of a folder that no environment reads."""
    if not at.exists():
        return
    try:
        found = list(manifests_below(at, at))
    except OSError as error:
        msg = f"{path} cannot be read: {error.strerror}."
        raise UsageError(msg, hint="check its permissions") from error
    _check_links(at, path, [file for file, _ in found])
    yield from (file for file, _ in found)


def _check_links(at: Path, path: Path, files: Iterable[Path]) -> None:
    for file in files:
        if file.is_relative_to(at) and not real(file).is_relative_to(at):
            msg = f"The link {file.relative_to(at).as_posix()} leads out of {path}."
            raise UsageError(msg, hint="files outside the folder are not written: copy the file into it")


def _read(made: Destination, workspace: Workspace) -> Destination:
    at = made.folder.path
    loaded = compose(
        made.composition,
        sources=made.sources,
        capabilities=workspace.contract.capabilities(),
        keep_parts=True,
    )
    loaded.checked()
    documents: dict[str, Any] = {}
    texts: dict[str, str] = {}
    files: dict[str, Path] = {}
    for layer in (made.composition.files, *made.composition.patches):
        for file in layer:
            if real(file).is_relative_to(at):
                (source,) = made.sources.read([file])
                if source.document is not None:
                    shown = source.document.file
                    documents[shown], files[shown] = source.document.data, file
                    texts[shown] = read_text(file, shown=shown)
    by_path = {real(file): shown for shown, file in files.items()}
    names = {entry.name: by_path.get(real(entry)) for entry in at.iterdir()} if at.exists() else {}
    folder = replace(made.folder, names=names, documents=documents, texts=texts, files=files)
    return replace(made, folder=folder, parts=loaded.parts)


def _prefix(at: Path, root: Path) -> str:
    """What places put before the name of a file of the folder."""
    if not at.is_relative_to(root):
        return f"{at.as_posix()}/"
    below = at.relative_to(root).as_posix()
    return "" if below == "." else f"{below}/"
