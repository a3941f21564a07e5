"""Actions while the plan is being made: linked to each other, not yet numbered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kiamo_iac.core.diagnostics import Diagnostic, Severity, SourceRange, has_errors
from kiamo_iac.planner.matching import Pair
from kiamo_iac.planner.plan import Action, Cause, FieldChange, Risk


@dataclass(eq=False, slots=True)
class Draft:
    """One action, and the actions that must be done before it."""

    action: Action
    pair: Pair
    reason: str
    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)
    changes: tuple[FieldChange, ...] = ()
    risk: Risk = Risk.REVERSIBLE
    source: SourceRange | None = None
    cause: Cause = Cause.DECLARED
    needs: list[Draft] = field(default_factory=list)


@dataclass(eq=False, slots=True)
class Unit:
    """All that happens to one pair, in the order in which it happens."""

    pair: Pair
    drafts: list[Draft] = field(default_factory=list)
    said: list[Diagnostic] = field(default_factory=list)
    """Refusals and warnings."""

    def add(self, draft: Draft) -> Draft:
        """Append an action; it needs the one before it."""
        if self.drafts:
            draft.needs.append(self.drafts[-1])
        self.drafts.append(draft)
        return draft

    def refuse(
        self, code: str, summary: str, *, detail: str | None = None, hint: str | None = None, key: str = ""
    ) -> None:
        """Record why this cannot be done, at the place of `key` in the declaration."""
        self._say(Severity.ERROR, code, summary, detail=detail, hint=hint, key=key)

    def warn(self, code: str, summary: str, *, hint: str) -> None:
        """Record what should be known of this."""
        self._say(Severity.WARNING, code, summary, detail=None, hint=hint, key="")

    def note(self, code: str, summary: str, *, hint: str, key: str) -> None:
        """Record what somebody may want to know, at the place of `key` in the declaration."""
        self._say(Severity.NOTE, code, summary, detail=None, hint=hint, key=key)

    def _say(
        self, severity: Severity, code: str, summary: str, *, detail: str | None, hint: str | None, key: str
    ) -> None:
        pair = self.pair
        owner = pair.desired or next((p.desired for p in _above(pair) if p.desired), None)
        source = owner.source_of(key) if owner else None
        self.said.append(
            Diagnostic(code, summary, severity, detail=detail, hint=hint, address=pair.address, source=source)
        )

    @property
    def refused(self) -> bool:
        """Whether anything of it cannot be done."""
        return has_errors(self.said)

    def first(self, *actions: Action) -> Draft | None:
        """The first of these actions, or None."""
        return next((d for d in self.drafts if d.action in actions), None)

    def last(self, *actions: Action) -> Draft | None:
        """The last of these actions, or None."""
        return next((d for d in reversed(self.drafts) if d.action in actions), None)


def _above(pair: Pair) -> list[Pair]:
    found: list[Pair] = []
    while pair.parent is not None:
        pair = pair.parent
        found.append(pair)
    return found
