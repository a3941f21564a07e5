"""A promotion as a whole: from two environments of a project to the edits of files, proved before they are shown."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from kiamo_iac.authoring.promoting import report
from kiamo_iac.authoring.promoting.comparing import Comparison, compare
from kiamo_iac.authoring.promoting.environments import (
    ComposedEnvironments,
    Compositions,
    all_compositions,
    compose_environments,
    shown,
)
from kiamo_iac.authoring.promoting.overlay import EnvironmentOverlay, linked_files
from kiamo_iac.authoring.promoting.placing import BlockPlacer
from kiamo_iac.authoring.promoting.promotion import PromotedDifference, Promotion
from kiamo_iac.authoring.promoting.proof import violations
from kiamo_iac.authoring.promoting.strategies import StrategyRunner
from kiamo_iac.authoring.selection import Selection
from kiamo_iac.authoring.sheet import EditTransaction, FileChange, Sheet
from kiamo_iac.core.capabilities import Capabilities
from kiamo_iac.core.diagnostics import Diagnostic, by_place, has_errors
from kiamo_iac.core.errors import EditError, KiamoIacError, ManifestError
from kiamo_iac.core.printable import quote
from kiamo_iac.document.editing import Editor
from kiamo_iac.manifest.composition import Composition
from kiamo_iac.manifest.project.model import Environment, Project
from kiamo_iac.manifest.sources import SourceFiles


def promote(
    project: Project, source: Environment, target: Environment, *, selection: Selection, capabilities: Capabilities
) -> Promotion:
    """The edits that make `target` declare what `source` does. Nothing is written.

    Every edit was made in memory, and every environment composed of the result: `target` declares it but for
    what is reported as left, and all others declare what they did.

    Raises:
        ManifestError: the manifests of one of the two have errors.
        EditError: a file cannot be edited without risk.
        KiamoIacError: no change does what it should and nothing else; its diagnostics say what prevents it.
    """
    return _Promoting(project, source, target, selection, capabilities).promotion()


class _Promoting:
    def __init__(
        self,
        project: Project,
        source: Environment,
        target: Environment,
        selection: Selection,
        capabilities: Capabilities,
    ) -> None:
        self._project = project
        self._source = source
        self._target = target
        self._selection = selection
        self._capabilities = capabilities
        self._sources = SourceFiles(project.root, keep=True)
        self._leftovers: tuple[Diagnostic, ...] = ()
        """What the edits that were tried last leave in patches without need."""

    def promotion(self) -> Promotion:
        before = self._composed(all_compositions(self._project), self._sources)
        for environment in (self._source, self._target):
            _check(before, environment.name)
        compared = compare(before, self._selection)
        changes: tuple[PromotedDifference, ...] = ()
        files: tuple[FileChange, ...] = ()
        after = before
        if compared.differences:
            changes, files, after = self._proved(before, compared)
        return Promotion(
            self._source.name,
            self._target.name,
            changes,
            files,
            missing=report.missing(compared, self._target.name),
            notes=by_place(
                (*report.notes(before, compared, changes, files, project_file=self._project.file), *self._leftovers)
            ),
            by_variables=report.by_variables(before, compared),
            only_target=report.only_target(before),
            desired=after.loaded[self._target.name].state,
            renamed=before.names[self._source.name],
            listed=frozenset(
                entry
                for one in before.loaded.values()
                for resource in one.state
                for entry in resource.lifecycle.sensitive
            ),
        )

    def _composed(self, compositions: Compositions, sources: SourceFiles) -> ComposedEnvironments:
        return compose_environments(
            compositions,
            source=self._source.name,
            target=self._target.name,
            sources=sources,
            capabilities=self._capabilities,
        )

    def _proved(
        self, before: ComposedEnvironments, compared: Comparison
    ) -> tuple[tuple[PromotedDifference, ...], tuple[FileChange, ...], ComposedEnvironments]:
        """The change that passes the proof: one that may edit the base, or else one of patches alone."""
        first: list[Diagnostic] = []
        for may_move in (True, False):
            changes, files, compositions = self._tried(before, compared, may_move=may_move)
            for change in files:
                self._sources.put(change.path, change.after)
            after = self._composed(compositions, self._sources)
            found = list(violations(before, after, changes, self._selection))
            if not found:
                return changes, files, after
            first = first or found
            for change in files:
                self._sources.put(change.path, change.before or "")
        msg = f"No change was found that promotes this to {quote(self._target.name)} and nothing else."
        hint = "nothing was written; select what is promoted with --only and --except"
        raise KiamoIacError(msg, hint=hint, diagnostics=first)

    def _tried(
        self, before: ComposedEnvironments, compared: Comparison, *, may_move: bool
    ) -> tuple[tuple[PromotedDifference, ...], tuple[FileChange, ...], Compositions]:
        linked = linked_files(before, self._project.root)
        edits = EditTransaction(self._sheet, may_change=lambda file: file not in linked)
        overlay = EnvironmentOverlay(before, edits, root=self._project.root)
        placing = BlockPlacer(overlay, self._project)
        moves = StrategyRunner(overlay, placing, may_move=may_move)
        changes = tuple(moves.all(compared.differences))
        files = list(edits.changes())
        self._leftovers = tuple(report.leftovers(overlay, changes, files))
        if placing.folder is not None:
            files.append(with_patches(self._project, self._target, placing.folder))
        return changes, tuple(sorted(files, key=lambda f: f.file)), _with_new(before.compositions, overlay)

    def _sheet(self, file: str) -> Sheet:
        path = self._project.root / file
        document = next(iter(self._sources.read([path]))).document
        data = document.data if document is not None else None
        return Sheet(file, path, data, text=lambda: _text(path, file))


def with_patches(project: Project, environment: Environment, folder: str) -> FileChange:
    """The project file with one more entry under the patches of an environment.

    Raises:
        EditError: it cannot be edited without risk.
    """
    path = project.file
    text = _text(path, path.name)
    editor = Editor(text, file=path.name, flow=("patches",))
    at = ("environments", environment.name, "patches")
    if environment.patches:
        editor.append(at, folder)
    else:
        editor.set(at, [folder])
    return FileChange(shown(path, project.root), path, text, editor.text())


def _text(path: Path, shown: str) -> str:
    """A file as it is, with a byte order mark where it has one.

    Raises:
        EditError: it is not in UTF-8.
    """
    try:
        return path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        msg = f"{shown} is not in UTF-8, and is not changed."
        raise EditError(msg, hint="save it as UTF-8") from error


def _check(compared: ComposedEnvironments, name: str) -> None:
    loaded = compared.loaded[name]
    if has_errors(loaded.diagnostics):
        msg = f"The manifests of {quote(name)} have errors."
        raise ManifestError(msg, hint="run kiamo-iac validate", diagnostics=loaded.diagnostics)


def _with_new(compositions: Compositions, overlay: EnvironmentOverlay) -> Compositions:
    """Every composition with its files that are not there yet."""
    layers: dict[str, list[tuple[Path, ...]]] = {n: [c.files, *c.patches] for n, c in compositions.items()}
    for path, environments in overlay.new_files():
        for name, layer in environments.items():
            if layer == len(layers[name]):
                layers[name].append(())
            layers[name][layer] += (path,)
    return {name: _recomposed(compositions[name], found) for name, found in layers.items()}


def _recomposed(composition: Composition, layers: list[tuple[Path, ...]]) -> Composition:
    variables = replace(composition.variables, used=set(), filled={})
    return Composition(layers[0], tuple(layers[1:]), variables)
