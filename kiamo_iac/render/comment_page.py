"""Markdown for a comment: data only in code, and a page that stays below a size and says what it left out.

A backslash before a sign keeps it from being markup, but GitHub and GitLab still look for `@names` and `#numbers` in
what comes out; both leave code alone. So there is one rule: outside of code there are only fixed words, and no markup,
mention, reference or HTML of data is ever looked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final
from urllib.parse import quote

from kiamo_iac.core.provenance import PlanProvenance
from kiamo_iac.render.escape import visible

MAX_BYTES: Final = 60_000
"""Of a whole comment, in UTF-8, so of its characters too: GitHub takes 65,536 characters, and a tool may add a line."""
MAX_LINE: Final = 500
"""Characters of one name, sentence or line of facts; the rest is counted, not shown."""
NOTICE: Final = 250
"""Bytes kept back for the notice."""
_LIST: Final = 8_000
"""Bytes of a list, at most, so that it leaves room for what follows."""
_FOLD: Final = 1_600
"""Bytes kept back for the marks around a fold: its summary, two fences of up to MAX_LINE backticks, its end."""
_MAX_NAME: Final = 200
_BACKTICKS: Final = re.compile("`+")


def size(text: str) -> int:
    """Bytes of UTF-8; a lone surrogate would be made visible before it came here."""
    return len(text.encode("utf-8", "surrogatepass"))


@dataclass(slots=True)
class SizeBudget:
    """How many bytes are left."""

    left: int = MAX_BYTES

    def take(self, text: str) -> bool:
        """Whether `text` and its line end fit in; if so, they are counted."""
        needed = size(text) + 1
        if needed > self.left:
            return False
        self.left -= needed
        return True


@dataclass(slots=True)
class TakenParts:
    """The parts that fitted."""

    lines: list[str] = field(default_factory=list)
    shown: int = 0
    left_out: int = 0


def take(parts: Iterable[Sequence[str]], budget: SizeBudget, *, count: int) -> TakenParts:
    """Parts, each some lines, as long as they fit; the first that does not fit ends it. `count`: how many."""
    taken = TakenParts()
    for part in parts:
        if not budget.take("\n".join(part)):
            break
        taken.lines += part
        taken.shown += 1
    taken.left_out = count - taken.shown
    return taken


def folded(title: str, parts: Iterable[Sequence[str]], budget: SizeBudget, *, count: int, language: str) -> TakenParts:
    """The same as one folded section: parts in a fence of `language`, long lines clipped. `title`: fixed words."""
    inside = SizeBudget(budget.left - _FOLD)
    taken = take(([clipped(line) for line in part] for part in parts), inside, count=count)
    if not taken.shown:
        return taken
    ticks = fence(taken.lines)
    shown = f", {taken.shown} of them shown" if taken.left_out else ""
    opening = ["<details>", f"<summary>{title}{shown}</summary>", "", f"{ticks}{language}"]
    taken.lines = [*opening, *taken.lines, ticks, "", "</details>", ""]
    budget.left -= size("\n".join(taken.lines)) + 1
    return taken


def listed(title: str, items: Iterable[str], budget: SizeBudget, *, count: int) -> list[str]:
    """A list of the first of `count` items under a title of fixed words, with a last line that counts the rest."""
    if not count:
        return []
    taken = take(([f"- {item}"] for item in items), SizeBudget(min(budget.left, _LIST)), count=count)
    rest = [f"- … and {taken.left_out:,} more"] if taken.left_out else []
    lines = [f"**{title}** ({count:,}):", "", *taken.lines, *rest, ""]
    budget.left -= size("\n".join(lines)) + 1
    return lines


def notice(missing: Iterable[str]) -> list[str]:
    """What was left out (`9,635 of 10,000 steps`), and how to see it; nothing where nothing was."""
    counts = " and ".join(missing)
    if not counts:
        return []
    return [f"**Cut to fit in a comment:** {counts} are not shown. Run the command with `--format text` for all.", ""]


def provenance_lines(provenance: PlanProvenance | None) -> list[str]:
    """Where a plan comes from, as one line in code spans; nothing where that is unknown."""
    if provenance is None:
        return []
    return [", ".join(f"{label}: {code(known)}" for label, known in provenance.facts) + ".", ""]


def clipped(text: str, limit: int = MAX_LINE) -> str:
    """`text`, or its beginning with a word on how much is missing."""
    if len(text) <= limit:
        return text
    return f"{text[:limit]}… ({len(text) - limit:,} characters more)"


def code(text: str) -> str:
    """`text` as a code span: on one line, clipped, and with more backticks around it than in it."""
    shown = clipped(visible(text)) or " "
    ticks = "`" * (_longest_run(shown) + 1)
    edges = {shown[0], shown[-1]}
    pad = " " if "`" in edges or (" " in edges and shown.strip()) else ""  # one is taken off again, but not of blanks
    return f"{ticks}{pad}{shown}{pad}{ticks}"


def fence(lines: Iterable[str]) -> str:
    """The fence that none of `lines` can close."""
    return "`" * max(3, max((_longest_run(line) for line in lines), default=0) + 1)


def _longest_run(text: str) -> int:
    return max((len(run) for run in _BACKTICKS.findall(text)), default=0) if "`" in text else 0


def marker(what: str, environment: str) -> str:
    """A hidden comment by which a tool finds the text again: `<!-- kiamo-iac:plan:staging -->`.

    Of the name of an environment, letters, digits, `_`, `.` and `-` stay, which is all that a project file allows; the
    rest is percent-encoded, so that none can end the comment.
    """
    name = quote(environment, safe="", errors="backslashreplace").replace("~", "%7E")
    if len(name) > _MAX_NAME:  # no project file has such a one, but a plan may be shown that claims it
        name = f"{name[:_MAX_NAME]}.{blake2b(name.encode(), digest_size=8).hexdigest()}"
    return f"<!-- kiamo-iac:{what}:{name} -->"
