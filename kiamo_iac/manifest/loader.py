"""Loads manifests to the desired state: all files are merged first, and all problems of all files are reported."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from kiamo_iac.core.address import Address
from kiamo_iac.core.capabilities import Capabilities
from kiamo_iac.core.diagnostics import (
    Diagnostic,
    Severity,
    SourceRange,
    SuggestionBudget,
    by_place,
    did_you_mean,
    has_errors,
)
from kiamo_iac.core.errors import ManifestError
from kiamo_iac.core.place import Place
from kiamo_iac.core.printable import quote
from kiamo_iac.core.resource import COMMON_KEYS, PRESENT
from kiamo_iac.core.runtime import collector_paused
from kiamo_iac.core.sensitive import hidden, hidden_at, hidden_repeats, remember
from kiamo_iac.core.state import EMPTY, ResourceState, State
from kiamo_iac.document.parser import Document
from kiamo_iac.manifest import relations
from kiamo_iac.manifest.blocks import REFERENCE, Block, block_types, lifecycle_of, read_blocks
from kiamo_iac.manifest.checks import KindChecks
from kiamo_iac.manifest.composition import Composition, Locator, Part, merge
from kiamo_iac.manifest.generation import FileGenerator, Generator
from kiamo_iac.manifest.names import check_similar_names, may_be_mistyped
from kiamo_iac.manifest.references import ReferenceChecker
from kiamo_iac.manifest.sensitive_settings import check_variables, filled_paths
from kiamo_iac.manifest.sources import SourceFile, SourceFiles
from kiamo_iac.manifest.validation_errors import explain
from kiamo_iac.manifest.variables import Variables, is_secret


@dataclass(frozen=True, slots=True)
class Loaded:
    """The desired state, and the diagnostics of its manifests."""

    state: State
    """Incomplete when there are errors among the diagnostics."""
    diagnostics: tuple[Diagnostic, ...]
    """Sorted by place."""
    files: int
    """How many manifests were read."""
    parts: Mapping[Address, tuple[Part, ...]] = field(default_factory=dict)
    """With `keep_parts`: address → the block of each layer, the lowest first."""
    variables: Variables = field(default_factory=Variables)
    """The variables, and where they were filled in."""
    unread: bool = False
    """A file could not be read as YAML, or a block not be generated: what it declares is unknown."""
    inputs: tuple[Path, ...] = ()
    """The files with rows (CSV) that blocks were generated from."""

    def checked(self) -> State:
        """The state, when no diagnostic is an error.

        Raises:
            ManifestError: with all diagnostics, warnings too.
        """
        if has_errors(self.diagnostics):
            count = sum(diagnostic.severity is Severity.ERROR for diagnostic in self.diagnostics)
            problems = "1 error" if count == 1 else f"{count} errors"
            msg = f"The manifests have {problems}."
            raise ManifestError(msg, diagnostics=self.diagnostics)
        return self.state


def load(files: Sequence[Path], *, root: Path, capabilities: Capabilities) -> Loaded:
    """Read and check manifests without patches and variables; their order does not matter.

    Places name files relative to `root`. Problems of files are diagnostics: see `Loaded.checked`.
    """
    return compose(Composition(tuple(files)), sources=SourceFiles(root), capabilities=capabilities)


def compose(
    composition: Composition, *, sources: SourceFiles, capabilities: Capabilities, keep_parts: bool = False
) -> Loaded:
    """Read and check the manifests of one environment. `keep_parts`: fill `Loaded.parts`, and keep all documents.

    Problems of files are diagnostics: see `Loaded.checked`.
    """
    loading = _Loading(composition.variables, capabilities, Generator(sources), keep_parts=keep_parts)
    with collector_paused():
        for number, files in enumerate(composition.patches, start=1):
            loading.read_patches(sources.read(files), layer=number)
        loading.read(sources.read(composition.files))
        loading.relate()
    explained = (composition.variables.explained(loading.with_row(found)) for found in loading.diagnostics)
    diagnostics = by_place(explained)
    files_read = len(composition.files) + sum(map(len, composition.patches))
    state = State(loading.resources.values())
    inputs = tuple(loading.generator.inputs)
    return Loaded(state, diagnostics, files_read, loading.parts, composition.variables, loading.unread, inputs)


class _Loading:
    """The resources and diagnostics so far."""

    def __init__(
        self, variables: Variables, capabilities: Capabilities, generator: Generator, *, keep_parts: bool
    ) -> None:
        self.generator = generator
        self.resources: dict[Address, ResourceState] = {}
        self.parts: dict[Address, tuple[Part, ...]] = {}
        self.diagnostics: list[Diagnostic] = []
        self._variables = variables
        self._secrets = {name for name, variable in variables.known.items() if is_secret(name, variable)}
        self._capabilities = capabilities
        self._keep_parts = keep_parts
        self._patches: dict[Address, list[Part]] = {}
        """Address → its patches until its base block is read, the lowest layer first."""
        self._block_types = block_types()
        self._checks = {
            block_type.noun: KindChecks(block_type, capabilities) for block_type in self._block_types.values()
        }
        self._siblings: dict[tuple[Address | None, str], list[ResourceState]] = {}
        self._inner: dict[Address, dict[str, Place]] = {}
        self._named: dict[Address, tuple[str, SourceRange]] = {}
        self._rows: dict[Address, str] = {}
        """Address of a resource that was generated from a row → the row."""
        self._suggestions = SuggestionBudget()
        self._texts: dict[str, str] = {}
        """Each value that is a text, to keep equal ones once: many resources have the same label, or service."""
        self.unread = False
        """A file could not be read: what it declares is unknown, and not reported as missing."""

    def read_patches(self, sources: Iterator[SourceFile], *, layer: int) -> None:
        """Keep the blocks of one layer of patches until their base block is read."""
        first: dict[Address, Part] = {}
        for part, found in self._blocks(sources, layer=layer):
            address = part.block.address
            if address is None:
                self._add([part], found)  # to report its problems
            elif first.setdefault(address, part) is part:
                self._patches.setdefault(address, []).append(part)
            else:
                found.append(_duplicate(part, first[address].document.place(first[address].block.node)))

    def read(self, sources: Iterator[SourceFile]) -> None:
        """Add the resources of the base, each with its patches; then those that only patches declare."""
        for part, found in self._blocks(sources, layer=0):
            patches = self._patches.pop(part.block.address, ()) if self._patches and part.block.address else ()
            self._add([part, *patches], found)
        if not self.unread:
            self.diagnostics += self.generator.unused()
        added = [] if self.unread else list(self._patches.values())
        for parts in added:
            self._warn_of_addition(parts[0])
        for parts in added:
            self._add(parts, self.diagnostics)

    def _blocks(self, sources: Iterator[SourceFile], *, layer: int) -> Iterator[tuple[Part, list[Diagnostic]]]:
        """Every block of every file, with the list for its diagnostics.

        A value with a syntax error gets no further diagnostics.
        """
        for source, document, wrong in self._documents(sources, layer=layer):
            generator = None
            if source.generates:
                document = document.extended()  # noqa: PLW2901
                generator = FileGenerator(self.generator, document, wrong.append, is_patch=layer > 0)
            found: list[Diagnostic] = []
            blocks = read_blocks(document, self._block_types, found.append, generator)
            self.unread |= self.generator.incomplete
            self._secrets |= self.generator.secrets
            for block in blocks:
                yield Part(block, document, layer), found
            refused = {problem.source for problem in wrong if problem.severity is Severity.ERROR}
            in_texts = {source for source, by_itself in self.generator.spelled.items() if not by_itself}
            self.diagnostics += [p for p in wrong if p.code != "KIA0123" or p.source not in in_texts]
            self.diagnostics += [problem for problem in found if problem.source not in refused]

    def _documents(
        self, sources: Iterator[SourceFile], *, layer: int
    ) -> Iterator[tuple[SourceFile, Document, list[Diagnostic]]]:
        """Every file with its variables filled in, and its problems so far, in their order.

        From the first one on that may use templates, they come when all were read: another file may define them.
        """
        held: list[tuple[SourceFile, Document, list[Diagnostic]]] = []
        for source in sources:
            wrong = list(source.diagnostics)
            self.unread |= source.cut_short
            document = source.document
            if document is None:
                self.diagnostics += wrong
                continue
            if source.has_variables:
                document = self._variables.fill(document, wrong.append)
            if source.generates and layer == 0:
                self.generator.collect(document, wrong.append)
            if held or (source.generates and layer == 0):
                held.append((source, document, wrong))
            else:
                yield source, document, wrong
        yield from held

    def _add(self, parts: list[Part], found: list[Diagnostic]) -> None:
        block, places = merge(parts, found.append) if len(parts) > 1 else (parts[0].block, parts[0].document)
        keys = block.body()
        try:
            block.type.check(keys)
        except ValidationError as error:
            problems, unusable = explain(error, block, places)
            found += problems
            keys = {key: value for key, value in keys.items() if key not in unusable or key == "name"}
        if block.address is None:
            return
        for part in parts:
            if part.block.at_top and block.parent is not None:
                self._name_parents(part)
        resource = self._instance(block, block.address, keys=keys, places=places)
        first = self.resources.setdefault(block.address, resource)
        if first is not resource:
            found.append(_duplicate(parts[0], first.place))
            return
        if row := parts[0].block.row:
            self._rows[block.address] = row
        if self._keep_parts:
            self.parts[block.address] = tuple(parts)
        self._siblings.setdefault((block.parent, block.type.noun), []).append(resource)
        if block.type.inner:
            inner = {key: places.place(keys[key]) for key in block.type.inner if keys.get(key)}
            if inner:
                self._inner[block.address] = inner
        found += self._checks[block.type.noun].of(resource, keys, places)
        if self._secrets:
            found += check_variables(resource, places, self._variables, self._secrets)

    def with_row(self, diagnostic: Diagnostic) -> Diagnostic:
        """A diagnostic of a generated resource with its row, also where its place is one that all rows share."""
        row = self._rows.get(diagnostic.address) if diagnostic.address is not None else None
        if row is None or diagnostic.source is None or diagnostic.source.row:
            return diagnostic
        return replace(diagnostic, source=diagnostic.source._replace(row=row))

    def _warn_of_addition(self, part: Part) -> None:
        """Warn of a patch that adds a resource whose name is nearly that of another: it is probably mistyped."""
        block = part.block
        name = block.node["name"]
        siblings = self._siblings.get((block.parent, block.type.noun), ())
        if not self._suggestions.spend(len(siblings)):
            return
        hint = did_you_mean(name, [resource.name for resource in siblings if may_be_mistyped(name, resource.name)])
        if hint is not None:
            place = part.document.place(block.node)
            summary = f"there is no {block.type.noun} {quote(name)} to patch: it is added"
            self.diagnostics.append(
                Diagnostic(
                    "KIA0324", summary, Severity.WARNING, hint=hint, address=block.address, source=place.at("name")
                )
            )

    def _instance(self, block: Block, address: Address, *, keys: dict[str, Any], places: Locator) -> ResourceState:
        kind, place, share = block.type.kind, places.place(block.node), self._texts.setdefault
        for key, value in keys.items():
            if type(value) is str:
                keys[key] = share(value, value)
        if COMMON_KEYS.isdisjoint(keys):
            return ResourceState(address, kind, keys, EMPTY, REFERENCE if kind.by_reference else PRESENT, place=place)
        attributes = {key: value for key, value in keys.items() if key not in COMMON_KEYS}
        lifecycle = lifecycle_of(kind, keys)
        written = keys.get("settings") or EMPTY
        settings = hidden(written, lifecycle.sensitive)
        if self._secrets and written:
            settings = hidden_at(settings, filled_paths(written, places, self._variables, self._secrets))
            settings = hidden_repeats(settings, settings)
        if settings is not written:
            remember(settings)
        return ResourceState(address, kind, attributes, settings, lifecycle, place=place)

    def _name_parents(self, part: Part) -> None:
        block = part.block
        address = block.parent
        for ancestor in reversed(block.type.ancestors):
            if address is not None and address not in self._named:
                where = part.document.place(block.node).at(ancestor.kind)
                self._named[address] = (block.node[ancestor.kind], where)
            address = address.parent if address is not None else None

    def relate(self) -> None:
        """Check what depends on other resources, when all files are read."""
        siblings = self._siblings
        self.diagnostics += relations.imply_parents(
            self.resources, self._named, siblings=siblings, suggestions=self._suggestions
        )
        self.diagnostics += relations.inherit_absence(self.resources)
        self.diagnostics += check_similar_names(siblings)
        self.diagnostics += relations.check_renames(self.resources)
        references = ReferenceChecker(
            self.resources, siblings, inner=self._inner, capabilities=self._capabilities, suggestions=self._suggestions
        )
        found = references.check()
        self.diagnostics += filter(_is_certain, found) if self.unread else found


def _is_certain(problem: Diagnostic) -> bool:
    """Whether a problem of a reference holds also with unread files: its target is declared absent, or mistyped."""
    return problem.code == "KIA0224" or (problem.hint is not None and problem.hint.startswith("did you mean"))


def _duplicate(second: Part, first: Place | None) -> Diagnostic:
    block = second.block
    return Diagnostic(
        "KIA0207",
        f"the {block.type.noun} {quote(block.node['name'])} is declared twice",
        hint="keep one of them; names are compared in Unicode NFC",
        address=block.address,
        source=second.document.place(block.node).range,
        related=(("first declared here", first.at("name")),) if first is not None else (),
    )
