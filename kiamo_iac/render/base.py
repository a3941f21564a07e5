"""What every format is given and must meet: the style, the protocols, and how a renderer is found in `formats`."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Protocol, Self

from kiamo_iac.core.diagnostics import Diagnostic, SourceRange
from kiamo_iac.render.formats import CHECK_FORMATS, DRIFT_FORMATS, PLAN_FORMATS

if TYPE_CHECKING:
    from kiamo_iac.core.provenance import PlanProvenance
    from kiamo_iac.planner.drift import Drift
    from kiamo_iac.planner.plan import Plan


@dataclass(frozen=True, slots=True)
class Symbols:
    """One set of signs."""

    actions: Mapping[str, str]
    """A sign for every `Action`, all of one width."""
    arrow: str
    """Between before and after."""

    @classmethod
    def for_encoding(cls, encoding: str | None) -> Self:
        """The Unicode set where `encoding` has all of it, else the ASCII one (so for an unknown encoding, or none)."""
        unicode_set = UNICODE
        signs = "".join(unicode_set.actions.values()) + unicode_set.arrow
        try:
            signs.encode(encoding or "ascii")
        except (UnicodeEncodeError, LookupError):
            return cls(ASCII.actions, ASCII.arrow)
        return cls(unicode_set.actions, unicode_set.arrow)


UNICODE = Symbols(
    MappingProxyType(
        {
            "create": "+",
            "update": "~",
            "rename": ">",
            "delete": "-",
            "start": "▶",
            "pause": "⏸",
            "stop": "■",
        }
    ),
    "→",
)

ASCII = Symbols(
    MappingProxyType(
        {
            "create": "+ ",
            "update": "~ ",
            "rename": "> ",
            "delete": "- ",
            "start": "|>",
            "pause": "||",
            "stop": "[]",
        }
    ),
    "->",
)


@dataclass(frozen=True, slots=True)
class Style:
    """How text may look on its output."""

    symbols: Symbols = UNICODE
    color: bool = False
    """Whether ANSI colours are understood there; no information is in the colour alone."""
    compact: bool = False
    """Whether a plan has one line for each step."""


@dataclass(frozen=True, slots=True)
class PageContext:
    """What a page of a plan says beside the plan; nothing of it comes out of the plan or a manifest."""

    command: str = ""
    """The command that applies the plan; empty: it is unknown."""
    sources: str = ""
    """The address, on the forge, of the folder that file names are relative to, with a final slash; empty: unknown."""

    def href(self, source: SourceRange | None) -> str:
        """The address of a line on the forge; empty where it is unknown. The name of its file cannot change more of it
        than the path below `sources`."""
        if not self.sources or source is None:
            return ""
        segments = source.file.split("/")
        if not {"", ".", ".."}.isdisjoint(segments):  # outside the project: absolute, or above it
            return ""
        from urllib.parse import quote

        path = quote(source.file, safe="/", errors="replace")
        return f"{self.sources}{path}#L{source.line}"


NO_CONTEXT: Final = PageContext()


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What `validate` found."""

    diagnostics: tuple[Diagnostic, ...] = ()
    files: int = 0
    """How many manifests were read."""
    things: int = 0
    """How many resources they declare."""
    names: tuple[str, ...] = ()
    """The manifests that were read, as diagnostics name them; given to the formats of `REPOSITORY_FORMATS` alone."""
    home: str = "kiamo.yaml"
    """The project file, where those formats put a problem that has no place of its own."""
    strict: bool = False
    """Whether warnings fail the run, too."""
    seconds: float = 0.0
    """How long the check took."""


class PlanRenderer(Protocol):
    """One format of a plan."""

    def __init__(self, style: Style) -> None: ...

    def render(self, plan: Plan, provenance: PlanProvenance | None = None) -> str:
        """The whole plan, ending with a newline. `provenance`: where it comes from, which some formats show."""
        ...


class DriftRenderer(Protocol):
    """One format of a drift."""

    def __init__(self, style: Style) -> None: ...

    def render(self, drift: Drift, *, environment: str) -> str:
        """The whole drift, ending with a newline."""
        ...


class CheckRenderer(Protocol):
    """One format of what `validate` found."""

    def __init__(self, style: Style) -> None: ...

    def render(self, report: CheckReport) -> str:
        """Every diagnostic, ending with a newline; as text empty without diagnostics."""
        ...


def columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """A line for each row, its cells below each other, two spaces apart."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def plan_renderer(name: str, style: Style) -> PlanRenderer:
    """The renderer of plans in the format `name`.

    Raises:
        KeyError: there is no such format.
    """
    renderer: PlanRenderer = _class_of(name, PLAN_FORMATS)(style)
    return renderer


def drift_renderer(name: str, style: Style) -> DriftRenderer:
    """The renderer of drifts in the format `name`.

    Raises:
        KeyError: there is no such format.
    """
    renderer: DriftRenderer = _class_of(name, DRIFT_FORMATS)(style)
    return renderer


def check_renderer(name: str, style: Style) -> CheckRenderer:
    """The renderer of what `validate` found in the format `name`.

    Raises:
        KeyError: there is no such format.
    """
    renderer: CheckRenderer = _class_of(name, CHECK_FORMATS)(style)
    return renderer


def _class_of(name: str, formats: Mapping[str, str]) -> Any:
    module, _, attribute = formats[name].partition(":")
    return getattr(importlib.import_module(module), attribute)
