"""The text of a file as it may be shown: with `(sensitive)` in the place of values that are secret by their key's name
or by the list `sensitive` beside them."""

from __future__ import annotations

from collections.abc import Iterator

from ruamel.yaml.error import YAMLError

from kiamo_iac.document.nodes import Kind, Node
from kiamo_iac.document.tree import Tree
from kiamo_iac.sensitive import MASK, names_secret

_NO_SECRETS = frozenset({"", "~", "null", "true", "false"})


def shown_text(text: str) -> str:
    """`text` without secrets, for a diff; the very same where there are none, or where it is no YAML."""
    try:
        root = Tree(text).root
    except YAMLError:
        return text
    spans = sorted(set(_secrets(root, within=False))) if root is not None else []
    parts, end = [], 0
    for start, stop in spans:
        if start >= end:
            parts += [text[end:start], MASK]
            end = stop
    return "".join([*parts, text[end:]])


def _secrets(node: Node, *, within: bool) -> Iterator[tuple[int, int]]:
    """Where the scalars stand that are secret; `within`: in something that is."""
    if node.kind is Kind.SCALAR:
        plain = not node.style and node.value.lower() in _NO_SECRETS
        alone = node.value.startswith("${") and node.value.endswith("}") and node.value.count("{") == 1
        if within and node.value and not plain and not alone:
            yield node.content, node.end
        return
    settings, listed = node.entry("settings"), node.entry("sensitive")
    if settings is not None and listed is not None and node.kind is Kind.MAPPING:
        for item in listed.value.entries:
            yield from _at(node, item.value.value)
    for entry in node.entries:
        yield from _secrets(entry.value, within=within or (entry.name is not None and names_secret(entry.name)))


def _at(node: Node, path: str) -> Iterator[tuple[int, int]]:
    """What stands under a dotted path, whose keys may hold dots themselves; a list is gone through item by item."""
    for entry in node.entries:
        if entry.name is None:
            yield from _at(entry.value, path)
        elif path == entry.name:
            yield from _secrets(entry.value, within=True)
        elif path.startswith(f"{entry.name}."):
            yield from _at(entry.value, path[len(entry.name) + 1 :])
