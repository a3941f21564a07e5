"""All planned changes of one resource, as nodes of a graph: a plan orders and numbers them."""

from __future__ import annotations

from dataclasses import dataclass, field

from kiamo_iac.core.diagnostics import Diagnostic, Severity, has_errors
from kiamo_iac.planner.matching import ResourcePair
from kiamo_iac.planner.plan import Action, PlannedChange


@dataclass(eq=False, slots=True)
class ChangeNode:
    """One planned change, and the changes that must be done before it."""

    pair: ResourcePair
    change: PlannedChange
    dependencies: list[ChangeNode] = field(default_factory=list)
    """In any order; a node may be listed more than once."""

    @property
    def action(self) -> Action:
        """The action of the change."""
        return self.change.action


@dataclass(eq=False, slots=True)
class ChangeSet:
    """All changes of one resource, in order."""

    pair: ResourcePair
    nodes: list[ChangeNode] = field(default_factory=list)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    """Refusals, warnings and notes."""

    def add(self, change: PlannedChange) -> ChangeNode:
        """Append a change; it depends on the one before it."""
        node = ChangeNode(self.pair, change, self.nodes[-1:])
        self.nodes.append(node)
        return node

    def refuse(
        self, code: str, summary: str, *, detail: str | None = None, hint: str | None = None, key: str = ""
    ) -> None:
        """Record an error, located at `key` of the declaration: the change is impossible."""
        self._report(Severity.ERROR, code, summary, detail=detail, hint=hint, key=key)

    def warn(self, code: str, summary: str, *, hint: str) -> None:
        """Record a warning, located at the declaration."""
        self._report(Severity.WARNING, code, summary, detail=None, hint=hint, key="")

    def note(self, code: str, summary: str, *, hint: str, detail: str | None = None, key: str = "") -> None:
        """Record a note, located at `key` of the declaration."""
        self._report(Severity.NOTE, code, summary, detail=detail, hint=hint, key=key)

    def _report(
        self, severity: Severity, code: str, summary: str, *, detail: str | None, hint: str | None, key: str
    ) -> None:
        pair = self.pair
        declared = pair.desired or next((p.desired for p in _ancestors(pair) if p.desired), None)
        source = declared.source_of(key) if declared else None
        self.diagnostics.append(
            Diagnostic(code, summary, severity, detail=detail, hint=hint, address=pair.address, source=source)
        )

    @property
    def refused(self) -> bool:
        """Whether it has an error."""
        return has_errors(self.diagnostics)

    def first(self, *actions: Action) -> ChangeNode | None:
        """The first node with one of these actions, or None."""
        return next((n for n in self.nodes if n.change.action in actions), None)

    def last(self, *actions: Action) -> ChangeNode | None:
        """The last node with one of these actions, or None."""
        return next((n for n in reversed(self.nodes) if n.change.action in actions), None)


def _ancestors(pair: ResourcePair) -> list[ResourcePair]:
    found: list[ResourcePair] = []
    while pair.parent is not None:
        pair = pair.parent
        found.append(pair)
    return found
