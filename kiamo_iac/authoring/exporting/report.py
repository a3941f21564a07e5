"""What is told of an export: what changed, what came, what went, and what a manifest could not say."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from kiamo_iac.authoring.exporting.representation import Omission, Path
from kiamo_iac.core.address import Address
from kiamo_iac.core.diagnostics import Diagnostic, Severity, SourceRange
from kiamo_iac.core.printable import quote
from kiamo_iac.core.state import Instance
from kiamo_iac.resources import children_of

_SHOWN = 5
_GONE = "KIA1006"
"""A block whose thing is not on the instance; what stood below it went with it."""


def _above(address: Address | None) -> Address | None:
    return address.parent if address is not None else None


@dataclass(frozen=True, slots=True)
class ChangedValue:
    """One value of a declared thing that was brought level."""

    address: Address
    path: str
    """`label`, `association.destination`."""
    before: Any
    after: Any
    """None: the key is gone."""
    source: SourceRange | None = None


@dataclass(slots=True)
class ExportReport:
    """Collects it."""

    changed: list[ChangedValue] = field(default_factory=list)
    added: list[Address] = field(default_factory=list)
    removed: list[Address] = field(default_factory=list)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    closed: list[Address] = field(default_factory=list)
    """Left out because they have come to their end."""

    def warn(
        self, code: str, summary: str, *, hint: str, address: Address | None = None, source: SourceRange | None = None
    ) -> None:
        """One warning."""
        self.diagnostics.append(Diagnostic(code, summary, Severity.WARNING, hint=hint, address=address, source=source))

    def omitted(self, thing: Instance, path: Path, omitted: Omission, *, source: SourceRange | None = None) -> None:
        """Something of a live thing stays out."""
        hint = "it stays unchanged on the instance; no other instance gets it"
        summary = f'"{".".join(path)}" of the {thing.kind.kind} {quote(thing.name)} {omitted.why}: omitted'
        self.warn(omitted.code, summary, hint=hint, address=thing.address, source=source)

    def unnamed(self, thing: Instance, why: str, *, allowing: str) -> None:
        """A thing stays out, with all below it; `allowing`: where a contract would allow the name, if that helps."""
        kind = thing.kind.kind
        below = ", with everything below it" if children_of(kind) else ""
        summary = f"the name of the {kind} {quote(thing.name)} {why}: it is omitted{below}"
        self.warn("KIA1001", summary, hint=f"rename it in Kiamo{allowing}", address=thing.address)

    def finish(self) -> None:
        """Say what is said once for many."""
        gone = {d.address for d in self.diagnostics if d.code == _GONE}
        self.diagnostics = [d for d in self.diagnostics if d.code != _GONE or _above(d.address) not in gone]
        if self.closed:
            count = len(self.closed)
            objects = "1 stopped or finished object is" if count == 1 else f"{count} stopped or finished objects are"
            more = f" and {count - _SHOWN} more" if count > _SHOWN else ""
            summary = f"{objects} omitted: {', '.join(self.closed[:_SHOWN])}{more}"
            hint = "pass --with-closed to include them; other instances would create them again"
            self.diagnostics.append(Diagnostic("KIA1005", summary, Severity.NOTE, hint=hint))
        self.diagnostics.sort(key=Diagnostic.sort_key)
