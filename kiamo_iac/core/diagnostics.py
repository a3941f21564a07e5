"""Diagnostics: a stable code, a place, one sentence and a hint."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from kiamo_iac.core.address import Address


class Severity(StrEnum):
    """An error refuses the run; a warning and a note do not."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


_RANK = {severity: rank for rank, severity in enumerate(Severity)}


class SourceRange(NamedTuple):
    """A place in a file: 1-based line and column; `file` is as a user types it, with forward slashes."""

    file: str
    line: int
    column: int
    row: str = ""
    """`agences.csv:12`: the row that a block was generated from, by its file and line; empty where there is none."""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}"
        return f"{place} ({self.row})" if self.row else place

    @property
    def written(self) -> SourceRange:
        """The place itself, without the row: one string of a file has one, however many rows it is filled in for."""
        return self._replace(row="") if self.row else self


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One problem or note."""

    code: str
    """A stable code out of `kiamo_iac.core.codes`, such as `KIA0101`."""
    summary: str
    """One short sentence without a full stop, with data in double quotes."""
    severity: Severity = Severity.ERROR
    detail: str | None = None
    """One or more full sentences, when the summary is not enough."""
    hint: str | None = None
    """What to do about it."""
    address: Address | None = None
    source: SourceRange | None = None
    related: tuple[tuple[str, SourceRange], ...] = ()
    """Other places, each with a reason (`first declared here`)."""

    @property
    def of_row(self) -> str | None:
        """`row agences.csv:12`, for formats whose places have a line and a column alone."""
        return f"row {self.source.row}" if self.source is not None and self.source.row else None

    def sort_key(self) -> tuple[str, int, int, int, str, str, str, str]:
        """Order by place, then row, then code, then address."""
        where = self.source or SourceRange("￿", 0, 0)
        row = (len(where.row), where.row)  # of one file, by its line
        return (where.file, where.line, where.column, *row, self.code, self.address or "", self.summary)


def by_place(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Sorted by place, then code, then address."""
    return tuple(sorted(diagnostics, key=Diagnostic.sort_key))


def worst_first(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Errors, then warnings, then notes; each by place."""
    return sorted(diagnostics, key=lambda d: (_RANK[d.severity], *d.sort_key()))


def has_errors(diagnostics: Iterable[Diagnostic]) -> bool:
    """Whether any of them refuses the run."""
    return any(d.severity is Severity.ERROR for d in diagnostics)


class SuggestionBudget:
    """`did_you_mean` within a budget: to compare every unknown name with every known one would take minutes."""

    MOST = 100_000
    """Comparisons, of all suggestions of one reading or planning together; about a second."""

    def __init__(self) -> None:
        self._left = self.MOST

    def near(self, word: str, candidates: Collection[str]) -> str | None:
        """A hint naming the candidate nearest to `word`, or None."""
        return did_you_mean(word, candidates) if self.spend(len(candidates)) else None

    def spend(self, comparisons: int) -> bool:
        """Whether there is budget left for so many more, which are then counted."""
        self._left -= comparisons
        return self._left >= 0


def did_you_mean(word: str, candidates: Collection[str]) -> str | None:
    """A hint naming the candidate nearest to `word`, or None when none is near."""
    if not candidates:
        return None
    import difflib  # only where something is wrong

    near = difflib.get_close_matches(word, sorted(candidates), n=1, cutoff=0.6)
    return f'did you mean "{near[0]}"?' if near else None
