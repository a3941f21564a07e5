"""Manifests in, desired state out: all files merged before anything else, and every problem of every file at once."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from kiamo_iac.address import Address
from kiamo_iac.collector import collector_paused
from kiamo_iac.diagnostics import Diagnostic, Severity, SourceRange, has_errors
from kiamo_iac.document.files import read_text
from kiamo_iac.document.parser import Document, parse
from kiamo_iac.document.place import Place
from kiamo_iac.document.quote import quote
from kiamo_iac.errors import ManifestError
from kiamo_iac.manifest import relations
from kiamo_iac.manifest.blocks import Block, read_blocks
from kiamo_iac.manifest.checks import KindChecks
from kiamo_iac.manifest.explain import explain
from kiamo_iac.manifest.guesses import Guesses
from kiamo_iac.manifest.lifecycles import REFERENCE, lifecycle_of
from kiamo_iac.manifest.references import References
from kiamo_iac.manifest.shapes import shapes
from kiamo_iac.resources.base import COMMON_KEYS, PRESENT
from kiamo_iac.resources.capabilities import Capabilities
from kiamo_iac.state import EMPTY, Instance, State


@dataclass(frozen=True, slots=True)
class Loaded:
    """The desired state, and everything there is to say about the manifests that it came from."""

    state: State
    """With errors among the diagnostics: whatever could be understood."""
    diagnostics: tuple[Diagnostic, ...]
    """Sorted by place."""
    files: int
    """How many manifests were read."""

    def checked(self) -> State:
        """The state, when no diagnostic is an error.

        Raises:
            ManifestError: with all diagnostics, warnings too.
        """
        if has_errors(self.diagnostics):
            count = sum(diagnostic.severity is Severity.ERROR for diagnostic in self.diagnostics)
            problems = "1 error" if count == 1 else f"{count} errors"
            msg = f"The manifests hold {problems}."
            raise ManifestError(msg, diagnostics=self.diagnostics)
        return self.state


def load(files: Sequence[Path], *, root: Path, capabilities: Capabilities) -> Loaded:
    """Read and check all manifests; their order does not matter. Places name files as they stand below `root`.

    Never raises for what stands in a file: see `Loaded.checked`.
    """
    loading = _Loading(capabilities)
    with collector_paused():
        for shown, path in sorted((_shown(path, root), path) for path in files):
            loading.read(path, shown)
        loading.relate()
    diagnostics = tuple(sorted(loading.diagnostics, key=Diagnostic.sort_key))
    return Loaded(State(loading.things.values()), diagnostics, len(files))


def _shown(path: Path, root: Path) -> str:
    text, below = str(path), f"{root}{os.sep}"
    if text.startswith(below):  # as nearly always: twenty times as fast as asking pathlib
        return text[len(below) :].replace(os.sep, "/")
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()


class _Loading:
    """What was found so far."""

    def __init__(self, capabilities: Capabilities) -> None:
        self.things: dict[Address, Instance] = {}
        self.diagnostics: list[Diagnostic] = []
        self._capabilities = capabilities
        self._shapes = shapes()
        self._checks = {shape.noun: KindChecks(shape, capabilities) for shape in self._shapes.values()}
        self._siblings: dict[tuple[Address | None, str], list[Instance]] = {}
        self._inner: dict[Address, dict[str, Place]] = {}
        self._named: dict[Address, tuple[str, SourceRange]] = {}

    def read(self, path: Path, shown: str) -> None:
        """Add what one file declares."""
        try:
            text = read_text(path, shown=shown)
        except ManifestError as error:
            self.diagnostics += error.diagnostics
            return
        document = parse(text, file=shown)
        self.diagnostics += document.diagnostics
        refused = {said.source for said in document.diagnostics if said.severity is Severity.ERROR}
        found: list[Diagnostic] = []
        for block in read_blocks(document, self._shapes, found.append):
            self._take(block, document, found)
        self.diagnostics += [said for said in found if said.source not in refused]

    def _take(self, block: Block, document: Document, found: list[Diagnostic]) -> None:
        keys = block.body()
        try:
            block.shape.check(keys)
        except ValidationError as error:
            problems, unusable = explain(error, block, document)
            found += problems
            keys = {key: value for key, value in keys.items() if key not in unusable or key == "name"}
        if block.address is None:
            return
        if block.at_top and block.parent is not None:
            self._name_parents(block, document)
        thing = self._instance(block, block.address, keys=keys, place=document.place(block.node))
        first = self.things.setdefault(block.address, thing)
        if first is not thing:
            found.append(_twice(thing, first))
            return
        self._siblings.setdefault((block.parent, block.shape.noun), []).append(thing)
        if block.shape.inner:
            places = {key: document.place(keys[key]) for key in block.shape.inner if keys.get(key)}
            if places:
                self._inner[block.address] = places
        found += self._checks[block.shape.noun].of(thing, keys, document)

    def _instance(self, block: Block, address: Address, *, keys: dict[str, Any], place: Place) -> Instance:
        kind = block.shape.kind
        if COMMON_KEYS.isdisjoint(keys):
            return Instance(address, kind, keys, EMPTY, REFERENCE if kind.by_reference else PRESENT, place=place)
        attributes = {key: value for key, value in keys.items() if key not in COMMON_KEYS}
        settings = keys.get("settings") or EMPTY
        return Instance(address, kind, attributes, settings, lifecycle_of(kind, keys), place=place)

    def _name_parents(self, block: Block, document: Document) -> None:
        address = block.parent
        for ancestor in reversed(block.shape.ancestors):
            if address is not None and address not in self._named:
                where = document.place(block.node).at(ancestor.kind)
                self._named[address] = (block.node[ancestor.kind], where)
            address = address.parent if address is not None else None

    def relate(self) -> None:
        """Everything that can be said only when all files are read."""
        siblings = self._siblings
        guesses = Guesses()
        self.diagnostics += relations.imply_parents(self.things, self._named, siblings=siblings, guesses=guesses)
        self.diagnostics += relations.inherit_absence(self.things)
        self.diagnostics += relations.check_names(siblings)
        self.diagnostics += relations.check_renames(self.things)
        references = References(
            self.things, siblings, inner=self._inner, capabilities=self._capabilities, guesses=guesses
        )
        self.diagnostics += references.check()


def _twice(second: Instance, first: Instance) -> Diagnostic:
    return Diagnostic(
        "KIA0207",
        f"the {second.kind.kind} {quote(second.name)} is declared twice",
        hint="keep one of them; names are compared in Unicode NFC",
        address=second.address,
        source=second.source,
        related=relations.related("declared first here", first),
    )
