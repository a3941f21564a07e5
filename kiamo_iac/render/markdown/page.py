"""A page that stays below a size: its parts are taken whole or left out, and it says what it left out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from kiamo_iac.render.markdown.escape import clipped, fence

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
class Room:
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
class Taken:
    """What of many parts was taken."""

    lines: list[str] = field(default_factory=list)
    shown: int = 0
    left_out: int = 0


def take(parts: Iterable[Sequence[str]], room: Room, *, count: int) -> Taken:
    """Parts, each some lines, as long as there is room; the first that does not fit ends it. `count`: how many."""
    taken = Taken()
    for part in parts:
        if not room.take("\n".join(part)):
            break
        taken.lines += part
        taken.shown += 1
    taken.left_out = count - taken.shown
    return taken


def folded(title: str, parts: Iterable[Sequence[str]], room: Room, *, count: int, language: str) -> Taken:
    """The same as one folded section: parts in a fence of `language`, long lines clipped. `title` is ours, not data."""
    inside = Room(room.left - _FOLD)
    taken = take(([clipped(line) for line in part] for part in parts), inside, count=count)
    if not taken.shown:
        return taken
    ticks = fence(taken.lines)
    shown = f", {taken.shown} of them shown" if taken.left_out else ""
    opening = ["<details>", f"<summary>{title}{shown}</summary>", "", f"{ticks}{language}"]
    taken.lines = [*opening, *taken.lines, ticks, "", "</details>", ""]
    room.left -= size("\n".join(taken.lines)) + 1
    return taken


def listed(title: str, items: Iterable[str], room: Room, *, count: int) -> list[str]:
    """A list of the first of `count` items under a title of ours, with a last line that counts the rest."""
    if not count:
        return []
    taken = take(([f"- {item}"] for item in items), Room(min(room.left, _LIST)), count=count)
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
