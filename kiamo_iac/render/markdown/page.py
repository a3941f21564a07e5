"""A page that stays below a size: its parts are taken whole or left out, and it says what it left out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final
from urllib.parse import quote

from kiamo_iac.render.escape import visible

MAX_BYTES: Final = 60_000
"""Of a whole comment, in UTF-8, so of its characters too: GitHub takes 65,536 characters, and a tool may add a line."""

_FOLD: Final = 1_600
"""Bytes kept back for the marks around a fold: its summary, two fences of up to MAX_LINE backticks, its end."""


def size(text: str) -> int:
    """Bytes of UTF-8; a lone surrogate would be made visible before it came here."""
    return len(text.encode("utf-8", "surrogatepass"))


_LIST: Final = 8_000
"""Bytes of a list, at most: what matters most comes first, and leaves room for the rest."""


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
class Section:
    """What of many parts was taken."""

    lines: list[str] = field(default_factory=list)
    shown: int = 0
    left_out: int = 0


def take(parts: Iterable[Sequence[str]], room: SizeBudget, *, count: int) -> Section:
    """Parts, each some lines, as long as there is room; the first that does not fit ends it. `count`: how many."""
    taken = Section()
    for part in parts:
        if not room.take("\n".join(part)):
            break
        taken.lines += part
        taken.shown += 1
    taken.left_out = count - taken.shown
    return taken


def folded(title: str, parts: Iterable[Sequence[str]], room: SizeBudget, *, count: int, language: str) -> Section:
    """The same as one folded section: parts in a fence of `language`, long lines clipped. `title` is ours, not data."""
    inside = SizeBudget(room.left - _FOLD)
    taken = take(([clipped(line) for line in part] for part in parts), inside, count=count)
    if not taken.shown:
        return taken
    ticks = fence(taken.lines)
    shown = f", {taken.shown} of them shown" if taken.left_out else ""
    opening = ["<details>", f"<summary>{title}{shown}</summary>", "", f"{ticks}{language}"]
    taken.lines = [*opening, *taken.lines, ticks, "", "</details>", ""]
    room.left -= size("\n".join(taken.lines)) + 1
    return taken


def listed(title: str, items: Iterable[str], room: SizeBudget, *, count: int) -> list[str]:
    """A list of the first of `count` items under a title of ours, with a last line that counts the rest."""
    if not count:
        return []
    taken = take(([f"- {item}"] for item in items), SizeBudget(min(room.left, _LIST)), count=count)
    rest = [f"- … and {taken.left_out:,} more"] if taken.left_out else []
    lines = [f"**{title}** ({count:,}):", "", *taken.lines, *rest, ""]
    room.left -= size("\n".join(lines)) + 1
    return lines


def notice(missing: Iterable[str]) -> list[str]:
    """What was left out (`9,635 of 10,000 steps`), and where it can be had; nothing when that is nothing."""
    said = " and ".join(missing)
    if not said:
        return []
    return [f"**Cut to fit in a comment:** {said} are not shown. All of it: the same command with `--format text`.", ""]


NOTICE: Final = 250
"""Bytes kept back for the notice."""


MAX_LINE: Final = 500
"""Characters of one name, sentence or line of facts; the rest is said to be missing."""

_MAX_NAME: Final = 200

_BACKTICKS: Final = re.compile("`+")


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
    """A comment that nobody sees, by which a tool finds the text again: `<!-- kiamo-iac:plan:staging -->`.

    Of the name of an environment, letters, digits, `_`, `.` and `-` stay, which is all that a project file allows; the
    rest is percent-encoded, so that none can end the comment.
    """
    name = quote(environment, safe="", errors="backslashreplace").replace("~", "%7E")
    if len(name) > _MAX_NAME:  # no project file has such a one, but a plan may be shown that claims it
        name = f"{name[:_MAX_NAME]}.{blake2b(name.encode(), digest_size=8).hexdigest()}"
    return f"<!-- kiamo-iac:{what}:{name} -->"
