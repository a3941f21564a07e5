"""A text in the canonical layout, or the reason why it is unchanged: data and comments are never lost."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from _ruamel_yaml import CParser  # type: ignore[import-not-found]
from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import ScalarEvent, StreamEndEvent

from kiamo_iac.core.diagnostics import Diagnostic, Severity
from kiamo_iac.core.place import LineIndex
from kiamo_iac.core.printable import quote
from kiamo_iac.document.equality import difference, spelled
from kiamo_iac.document.layout import Layout, LayoutError
from kiamo_iac.document.parser import parse
from kiamo_iac.document.tree import BREAK, Tree

_BOM: Final = "\ufeff"
_COMMENT: Final = re.compile(r"(?:^|(?<=[ \t\n\r\x85\u2028\u2029]))(#[^\n\r\x85\u2028\u2029]*)")


@dataclass(frozen=True, slots=True)
class FormatResult:
    """The result of formatting a text."""

    text: str
    """In the canonical layout; unchanged when there are diagnostics."""
    diagnostics: tuple[Diagnostic, ...] = ()
    """Why it was not formatted: errors only."""


def format_text(text: str, *, file: str) -> FormatResult:
    """Format `text`; `file` is its name in diagnostics.

    When the text changes, the new one is parsed again: its data must be equal, its comments the same in the same order,
    and formatting it again must change nothing. Otherwise the text is refused.
    """
    bare = text.removeprefix(_BOM)
    document = parse(bare, file=file)
    errors = tuple(d for d in document.diagnostics if d.severity is Severity.ERROR)
    if errors:
        return FormatResult(text, errors)
    tree = Tree(bare)
    try:
        new = _laid_out(tree)
        problem = _problem(tree, document.data, new, file=file) if new != bare else None
    except LayoutError as error:
        problem = (error.offset, "a key is too long")
    if problem is None:
        return FormatResult(new)
    offset, reason = problem
    where = LineIndex(file, bare).range(offset)
    hint = "format this place by hand; the file is unchanged"
    return FormatResult(
        text, (Diagnostic("KIA0120", f"the file cannot be formatted: {reason}", hint=hint, source=where),)
    )


def _laid_out(tree: Tree) -> str:
    newline = "\r\n" if tree.newline == "\r\n" else "\n"
    return "".join(line + newline for line in Layout(tree).lines())


def _problem(tree: Tree, data: object, new: str, *, file: str) -> tuple[int, str] | None:
    """An offset in the old text and what is wrong with the new one, or None."""
    document = parse(new, file=file)
    errors = [d for d in document.diagnostics if d.severity is Severity.ERROR]
    if errors:
        return 0, f"the formatted file would be invalid ({errors[0].summary})"
    where = difference(data, document.data)
    if where is not None:
        return _offset(tree, where), f"{quote(spelled(where))} would change its value"
    try:
        other = Tree(new)
        again = _laid_out(other)
    except (YAMLError, LayoutError):
        return 0, "the formatted file would be invalid"
    for comment, kept in zip(_comments(tree), _comments(other), strict=False):
        if comment[1] != kept[1]:
            return comment[0], "a comment would be lost or moved"
    if len(tree.comments) != len(other.comments) or comments_in(tree.text) != comments_in(new):
        return 0, "a comment would be lost or moved"
    return None if again == new else (0, "formatting it again would change it")


def comments_in(text: str) -> list[str]:
    """The comments of a valid YAML text, in their order.

    A second way to find them, without `Tree`: whatever begins with a "#" after a space, outside of all values. So a
    comment that `Tree` overlooks is noticed before it is lost.
    """
    rest = list(text)
    get = CParser(text).get_event
    while type(event := get()) is not StreamEndEvent:
        if type(event) is ScalarEvent:
            start, end = event.start_mark.index, event.end_mark.index
            if event.style in {"|", ">"}:  # a comment may follow the sign
                start = found.start() if (found := BREAK.search(text, start, end)) else end
            rest[start:end] = (char if BREAK.match(char) else "x" for char in text[start:end])
    return [found[1].rstrip() for found in _COMMENT.finditer("".join(rest))]


def _comments(tree: Tree) -> list[tuple[int, str]]:
    return [(comment.start, tree.text[comment.start : comment.end]) for comment in tree.comments]


def _offset(tree: Tree, path: tuple[str | int, ...]) -> int:
    node = tree.root
    offset = 0
    for step in path:
        entry = node.entry(step) if node is not None else None
        if entry is None:
            break
        node, offset = entry.value, entry.start
    return offset
