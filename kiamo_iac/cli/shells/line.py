"""A command line that somebody is still typing, taken apart as a POSIX shell would; nothing in it is evaluated."""

from __future__ import annotations

from dataclasses import dataclass

_BLANKS = " \t\n"
_ESCAPED_IN_DOUBLE_QUOTES = '"\\$`'


@dataclass(frozen=True, slots=True)
class Line:
    """A line up to the cursor."""

    words: tuple[str, ...]
    """Those before the cursor's, without quotes."""
    current: str
    """The one that the cursor stands in, without quotes; empty after a blank."""
    kept: int
    """How much of `current` the shell leaves as it is: readline replaces only what follows a break or a quote."""
    quote: str
    """The quote that is open at the cursor: `"`, `'`, or none."""


def taken_apart(text: str, *, breaks: str = "") -> Line:
    """`text` as a shell would split it; `breaks` are the signs that end a word for readline, if not for the shell."""
    reading = _Reading(breaks)
    for char in text:
        reading.take(char)
    return Line(tuple(reading.words), reading.current or "", reading.kept, reading.quote)


class _Reading:
    """Where the reading of a line stands, one character after the other."""

    def __init__(self, breaks: str) -> None:
        self.words: list[str] = []
        self.current: str | None = None
        self.kept = 0
        self.quote = ""
        self._breaks = breaks
        self._escaped = False
        self._kept_before = 0

    def take(self, char: str) -> None:
        if self._escaped:
            self._escaped = False
            inside = self.quote and char not in _ESCAPED_IN_DOUBLE_QUOTES
            self._add(f"\\{char}" if inside else char)
        elif char == "\\" and self.quote != "'":
            self._escaped = True
        elif self.quote:
            self._inside(char)
        elif char in "\"'":
            self._add("")
            self.quote, self._kept_before = char, self.kept
            self._break()
        elif char in _BLANKS:
            self._end()
        else:
            self._add(char)
            if char in self._breaks:
                self._break()

    def _inside(self, char: str) -> None:
        if char == self.quote:
            self.quote, self.kept = "", self._kept_before  # readline takes a word with closed quotes for one
        else:
            self._add(char)

    def _add(self, char: str) -> None:
        self.current = (self.current or "") + char

    def _break(self) -> None:
        self.kept = len(self.current or "")

    def _end(self) -> None:
        if self.current is not None:
            self.words.append(self.current)
        self.current, self.kept = None, 0
