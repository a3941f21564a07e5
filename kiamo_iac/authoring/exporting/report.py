"""The report of an export: values changed, resources added, blocks removed, and diagnostics."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from kiamo_iac.authoring.exporting.representation import Omission, Path
from kiamo_iac.core.address import Address
from kiamo_iac.core.diagnostics import Diagnostic, Severity, SourceRange, by_place
from kiamo_iac.core.packing import PackedStore, PackedTexts
from kiamo_iac.core.printable import quote
from kiamo_iac.core.state import ResourceState
from kiamo_iac.resources import children_of

_SHOWN = 5
_CHUNK = 16_384
"""Characters of addresses that are compressed at a time."""
_GONE = "KIA1006"
"""A block whose resource is missing on the instance; the blocks below it are removed with it."""


def _above(address: Address | None) -> Address | None:
    return address.parent if address is not None else None


@dataclass(frozen=True, slots=True)
class ChangedValue:
    """One value of a declared resource that was updated."""

    address: Address
    path: str
    """`label`, `association.destination`."""
    before: Any
    after: Any
    """None: the key was removed."""
    source: SourceRange | None = None


@dataclass(slots=True)
class ExportReport:
    """Collected while the export runs."""

    changed: list[ChangedValue] = field(default_factory=list)
    added: PackedTexts = field(default_factory=lambda: PackedTexts(PackedStore(), chunk=_CHUNK))
    """Addresses of resources that got a block: of a whole instance, tens of thousands."""
    removed: list[Address] = field(default_factory=list)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    closed: PackedTexts = field(default_factory=lambda: PackedTexts(PackedStore(), chunk=_CHUNK))
    """Addresses of what is omitted because it is stopped or finished."""

    def warn(
        self, code: str, summary: str, *, hint: str, address: Address | None = None, source: SourceRange | None = None
    ) -> None:
        """One warning."""
        self.diagnostics.append(Diagnostic(code, summary, Severity.WARNING, hint=hint, address=address, source=source))

    def omitted(
        self, resource: ResourceState, path: Path, omitted: Omission, *, source: SourceRange | None = None
    ) -> None:
        """A value of a live resource is omitted."""
        hint = "it stays unchanged on the instance; no other instance gets it"
        summary = f'"{".".join(path)}" of the {resource.kind.kind} {quote(resource.name)} {omitted.why}: omitted'
        self.warn(omitted.code, summary, hint=hint, address=resource.address, source=source)

    def unnamed(self, resource: ResourceState, why: str) -> None:
        """A resource is omitted, with everything below it."""
        kind = resource.kind.kind
        below = ", with everything below it" if children_of(kind) else ""
        summary = f"the name of the {kind} {quote(resource.name)} {why}: it is omitted{below}"
        self.warn("KIA1001", summary, hint="rename it in Kiamo", address=resource.address)

    def finish(self) -> None:
        """Add the diagnostics that summarize many, and sort all."""
        gone = {d.address for d in self.diagnostics if d.code == _GONE}
        self.diagnostics = [d for d in self.diagnostics if d.code != _GONE or _above(d.address) not in gone]
        if self.closed:
            count = len(self.closed)
            objects = "1 stopped or finished object is" if count == 1 else f"{count} stopped or finished objects are"
            more = f" and {count - _SHOWN} more" if count > _SHOWN else ""
            summary = f"{objects} omitted: {', '.join(self.closed.first(_SHOWN))}{more}"
            hint = "pass --with-closed to include them; other instances would create them again"
            self.diagnostics.append(Diagnostic("KIA1005", summary, Severity.NOTE, hint=hint))
        self.add(())

    def add(self, diagnostics: Iterable[Diagnostic]) -> None:
        """Add diagnostics that others found, and sort all."""
        self.diagnostics = [*by_place((*self.diagnostics, *diagnostics))]
