"""Manifests in, desired state out: all files merged before anything else, and every problem of every file at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from kiamo_iac.core.address import Address
from kiamo_iac.core.capabilities import Capabilities
from kiamo_iac.core.diagnostics import Diagnostic, Severity, SourceRange, SuggestionBudget, did_you_mean, has_errors
from kiamo_iac.core.errors import ManifestError
from kiamo_iac.core.place import Place
from kiamo_iac.core.printable import quote
from kiamo_iac.core.resource import COMMON_KEYS, PRESENT
from kiamo_iac.core.runtime import collector_paused
from kiamo_iac.core.sensitive import hidden, hidden_at, hidden_repeats, remember
from kiamo_iac.core.state import EMPTY, Instance, State
from kiamo_iac.manifest import relations
from kiamo_iac.manifest.blocks import REFERENCE, Block, block_types, lifecycle_of, read_blocks
from kiamo_iac.manifest.checks import KindChecks
from kiamo_iac.manifest.composition import Composition, Locator, Part, merge
from kiamo_iac.manifest.names import check_similar_names, may_be_mistyped
from kiamo_iac.manifest.references import ReferenceChecker
from kiamo_iac.manifest.sensitive_settings import check_variables, filled_paths
from kiamo_iac.manifest.sources import SourceFile, SourceFiles
from kiamo_iac.manifest.validation_errors import explain
from kiamo_iac.manifest.variables import Variables, is_secret


@dataclass(frozen=True, slots=True)
class Loaded:
    """The desired state, and everything there is to say about the manifests that it came from."""

    state: State
    """With errors among the diagnostics: whatever could be understood."""
    diagnostics: tuple[Diagnostic, ...]
    """Sorted by place."""
    files: int
    """How many manifests were read."""
    parts: Mapping[Address, tuple[Part, ...]] = field(default_factory=dict)
    """When they were asked for: what each layer says of a resource, the lowest first."""
    variables: Variables = field(default_factory=Variables)
    """Those that were filled in."""

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

    Locator name files as they stand below `root`. Never raises for what stands in a file: see `Loaded.checked`.
    """
    return compose(Composition(tuple(files)), sources=SourceFiles(root), capabilities=capabilities)


def compose(
    composition: Composition, *, sources: SourceFiles, capabilities: Capabilities, keep_parts: bool = False
) -> Loaded:
    """Read and check the manifests of one environment. `keep_parts`: `Loaded.parts` is wanted; all documents stay.

    Never raises for what stands in a file: see `Loaded.checked`.
    """
    loading = _Loading(composition.variables, capabilities, keep_parts=keep_parts)
    with collector_paused():
        for number, files in enumerate(composition.patches, start=1):
            loading.read_patches(sources.read(files), layer=number)
        loading.read(sources.read(composition.files))
        loading.relate()
    told = map(composition.variables.explained, loading.diagnostics)
    diagnostics = tuple(sorted(told, key=Diagnostic.sort_key))
    files_read = len(composition.files) + sum(map(len, composition.patches))
    return Loaded(State(loading.resources.values()), diagnostics, files_read, loading.parts, composition.variables)


class _Loading:
    """What was found so far."""

    def __init__(self, variables: Variables, capabilities: Capabilities, *, keep_parts: bool) -> None:
        self.resources: dict[Address, Instance] = {}
        self.parts: dict[Address, tuple[Part, ...]] = {}
        self.diagnostics: list[Diagnostic] = []
        self._variables = variables
        self._secrets = frozenset(name for name, variable in variables.known.items() if is_secret(name, variable))
        self._capabilities = capabilities
        self._keep_parts = keep_parts
        self._patches: dict[Address, list[Part]] = {}
        """What patches say of resources that have not been met yet, the lowest layer first."""
        self._block_types = block_types()
        self._checks = {
            block_type.noun: KindChecks(block_type, capabilities) for block_type in self._block_types.values()
        }
        self._siblings: dict[tuple[Address | None, str], list[Instance]] = {}
        self._inner: dict[Address, dict[str, Place]] = {}
        self._named: dict[Address, tuple[str, SourceRange]] = {}
        self._suggestions = SuggestionBudget()
        self._unread = False
        """Whether a file could not be read: what it declares is not known, and nothing is said of its lack."""

    def read_patches(self, sources: Iterator[SourceFile], *, layer: int) -> None:
        """Keep what one layer of patches declares until the resource itself is met."""
        first: dict[Address, Part] = {}
        for part, found in self._blocks(sources, layer=layer):
            address = part.block.address
            if address is None:
                self._take([part], found)  # for what is wrong with it
            elif first.setdefault(address, part) is part:
                self._patches.setdefault(address, []).append(part)
            else:
                found.append(_twice(part, first[address].document.place(first[address].block.node)))

    def read(self, sources: Iterator[SourceFile]) -> None:
        """Add what the base declares, each resource with its patches; then what patches alone declare."""
        for part, found in self._blocks(sources, layer=0):
            patches = self._patches.pop(part.block.address, ()) if self._patches and part.block.address else ()
            self._take([part, *patches], found)
        added = [] if self._unread else list(self._patches.values())
        for parts in added:
            self._guess(parts[0])
        for parts in added:
            self._take(parts, self.diagnostics)

    def _blocks(self, sources: Iterator[SourceFile], *, layer: int) -> Iterator[tuple[Part, list[Diagnostic]]]:
        """Every block of every file, with the list for what there is to say of it.

        Where the text itself is wrong, nothing is said of what such a value would mean.
        """
        for source in sources:
            self.diagnostics += source.diagnostics
            self._unread |= source.cut_short
            if source.document is None:
                continue
            wrong = list(source.diagnostics)
            document = source.document
            if source.has_variables:
                document = self._variables.fill(document, wrong.append)
                self.diagnostics += wrong[len(source.diagnostics) :]
            refused = {said.source for said in wrong if said.severity is Severity.ERROR}
            found: list[Diagnostic] = []
            for block in read_blocks(document, self._block_types, found.append):
                yield Part(block, document, layer), found
            self.diagnostics += [said for said in found if said.source not in refused]

    def _take(self, parts: list[Part], found: list[Diagnostic]) -> None:
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
            found.append(_twice(parts[0], first.place))
            return
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

    def _guess(self, part: Part) -> None:
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

    def _instance(self, block: Block, address: Address, *, keys: dict[str, Any], places: Locator) -> Instance:
        kind, place = block.type.kind, places.place(block.node)
        if COMMON_KEYS.isdisjoint(keys):
            return Instance(address, kind, keys, EMPTY, REFERENCE if kind.by_reference else PRESENT, place=place)
        attributes = {key: value for key, value in keys.items() if key not in COMMON_KEYS}
        lifecycle = lifecycle_of(kind, keys)
        written = keys.get("settings") or EMPTY
        settings = hidden(written, lifecycle.sensitive)
        if self._secrets and written:
            settings = hidden_at(settings, filled_paths(written, places, self._variables, self._secrets))
            settings = hidden_repeats(settings, settings)
        if settings is not written:
            remember(settings)
        return Instance(address, kind, attributes, settings, lifecycle, place=place)

    def _name_parents(self, part: Part) -> None:
        block = part.block
        address = block.parent
        for ancestor in reversed(block.type.ancestors):
            if address is not None and address not in self._named:
                where = part.document.place(block.node).at(ancestor.kind)
                self._named[address] = (block.node[ancestor.kind], where)
            address = address.parent if address is not None else None

    def relate(self) -> None:
        """Everything that can be said only when all files are read."""
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
        self.diagnostics += filter(_is_sure, found) if self._unread else found


def _is_sure(said: Diagnostic) -> bool:
    """Whether something said of a reference holds also where files are unread: it is declared absent, or a slip."""
    return said.code == "KIA0224" or (said.hint is not None and said.hint.startswith("did you mean"))


def _twice(second: Part, first: Place | None) -> Diagnostic:
    block = second.block
    return Diagnostic(
        "KIA0207",
        f"the {block.type.noun} {quote(block.node['name'])} is declared twice",
        hint="keep one of them; names are compared in Unicode NFC",
        address=block.address,
        source=second.document.place(block.node).range,
        related=(("first declared here", first.at("name")),) if first is not None else (),
    )
