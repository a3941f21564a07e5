"""How one scalar that stands in a text is written in the canonical layout: its quotes, and texts of several lines."""

from __future__ import annotations

import re
from typing import Final

from kiamo_iac.document.nodes import Kind, Node
from kiamo_iac.document.tree import BREAK, Tree
from kiamo_iac.document.writing import INDENT, is_hidden, is_plain, quoted, scalar

_HEADER_LINE: Final = re.compile("[^\n\r\x85\u2028\u2029]*")


def properties(tree: Tree, node: Node) -> str:
    """Its anchor and tag, as they stand, a space between them."""
    if node.start == node.content:
        return ""
    found = re.sub(r"(?:^|(?<=\s))#.*", "", tree.text[node.start : node.content])
    return " ".join(found.split())


def one_line(tree: Tree, node: Node, *, flow: bool) -> str:
    """A scalar that is no literal text, on one line, without anchor and tag.

    What stands there without quotes stays: whether `yes` is meant as text is not for a layout to say.
    """
    source = tree.text[node.content : node.end]
    several = BREAK.search(source) is not None
    if node.tagged and not several:
        return source
    if not node.style:
        return source if not several else scalar(node.value, flow=flow)
    if is_plain(node.value, flow=flow) and not node.tagged:
        return node.value
    if any(map(is_hidden, node.value)) and not several:
        return source
    return quoted(node.value)


def several_lines(tree: Tree, node: Node) -> list[str] | None:
    """The lines of a scalar that stands on several of them, without indent; None where it has but one."""
    lines = BREAK.split(tree.text[node.content : node.end])
    if len(lines) == 1:
        return None
    return [lines[0].rstrip(), *(_trimmed(line) for line in lines[1:])]


def _trimmed(line: str) -> str:
    """Without spaces around it, but for one that a backslash keeps."""
    bare = line.strip(" \t")
    backslashes = len(bare) - len(bare.rstrip("\\"))
    follows = line.rstrip("\r\n")[len(line) - len(line.lstrip(" \t")) + len(bare) :]
    return bare + follows[:1] if backslashes % 2 else bare


def literal_lines(tree: Tree, node: Node) -> tuple[str, list[str]]:
    """The head of a literal or folded text, and its lines without indent."""
    header = _HEADER_LINE.match(tree.text, node.content)
    head = header[0] if header else ""
    lines = BREAK.split(tree.text[node.content + len(head) : node.full])[1:]
    keeps = "+" in head.partition("#")[0]
    if keeps and lines and lines[-1] == "":
        lines.pop()
    indent = _content_indent(lines, node.value)
    lines = [line[indent:] if line.strip(" ") or len(line) > indent else "" for line in lines]
    while lines and not keeps and not lines[-1]:
        lines.pop()
    if not node.value.strip("\n") and not keeps:
        return '""', []
    chomp = "" if node.value.endswith("\n") else "-"
    if node.value.endswith("\n\n") or (keeps and not node.value.strip("\n")):
        chomp = "+"
    elif keeps:
        while lines and not lines[-1]:
            lines.pop()
    return f"{node.style}{INDENT if _needs_indicator(lines) else ''}{chomp}", lines


def _content_indent(lines: list[str], value: str) -> int:
    """How many spaces before each line are not part of the text."""
    first = next((line for line in lines if line.strip(" ")), "")
    shown = next((line for line in value.split("\n") if line.strip(" ")), "")
    return (len(first) - len(first.lstrip(" "))) - (len(shown) - len(shown.lstrip(" ")))


def _needs_indicator(lines: list[str]) -> bool:
    """Whether a reader would take spaces of the text for its indent."""
    for line in lines:
        if line.strip(" "):
            return line.startswith(" ")
        if line:
            return True
    return False


def is_literal(node: Node) -> bool:
    """A literal or folded text."""
    return node.kind is Kind.SCALAR and node.style in {"|", ">"}
