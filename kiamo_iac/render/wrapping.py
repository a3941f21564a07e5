"""Text for a terminal of some width: lines end between words, and a name that is too long for its column is shortened
at its slashes. Widths are cells: a wide character takes two."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import click

_WORDS: Final = re.compile(r" *[^ ]+")
_SEGMENTS: Final = re.compile(r"[^/]*/+|[^/]+")
_HANGING: Final = 4
"""How much further the second line of a wrapped one is indented."""


def cells(text: str) -> int:
    """The width of `text`, without its colours."""
    plain = click.unstyle(text)
    if plain.isascii():
        return len(plain)
    from rich.cells import cell_len

    return cell_len(plain)


def wrapped(text: str, width: int) -> str:
    """`text` with line breaks between words, so that no line is wider than `width`; the lines that a long one becomes
    are indented. A word that is wider alone is broken after its slashes only."""
    return "\n".join(line if cells(line) <= width else "\n".join(_lines(line, width)) for line in text.split("\n"))


def _lines(line: str, width: int) -> Iterator[str]:
    indent = " " * min(len(line) - len(line.lstrip(" ")) + _HANGING, width // 2)
    current = ""
    for word in _words(line, width - len(indent)):
        if current.strip() and cells(current) + cells(word) > width:
            yield current
            current = indent + word.lstrip(" ")
        else:
            current += word
    yield current + line[len(line.rstrip(" ")) :]


def _words(line: str, longest: int) -> Iterator[str]:
    for word in _WORDS.findall(line):
        if cells(word.lstrip(" ")) <= longest:
            yield word
        else:
            yield from _SEGMENTS.findall(word)


def shortened(action: str, address: str, *, width: int, ellipsis: str = "…") -> str:
    """`update bases/prospects/batches/spring`, or `update …/batches/spring`, or `update …/spring`: the first that fits;
    empty where none does."""
    parts = address.split("/")
    for begin in range(len(parts)):
        shown = f"{action} {f'{ellipsis}/' if begin else ''}{'/'.join(parts[begin:])}"
        if cells(shown) <= width:
            return shown
    return ""
