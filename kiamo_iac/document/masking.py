"""The text of a file with `(sensitive)` in place of secrets: by the name of the key, or by a list `sensitive`."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from ruamel.yaml.error import YAMLError

from kiamo_iac.core.sensitive import MASK, names_secret
from kiamo_iac.document.tree import Node, NodeKind, Tree

_NO_SECRETS = frozenset({"", "~", "null", "true", "false"})


def mask_secrets(text: str, listed: Collection[str] = ()) -> str:
    """`text` without secrets, for a diff; unchanged where there are none, or where it is not valid YAML.

    `listed`: paths that other files list as sensitive, of any resource; the lists of the text itself count too.
    """
    root = _root(text)
    if root is None:
        return text
    listed = {*listed, *_lists(root)}
    aliases: set[str] = set()
    spans = set(_secrets(root, listed, aliases, within=False))
    known: set[str] = set()
    while aliases - known:  # the anchored value of a secret alias is a secret too
        known |= aliases
        for node in root.below():
            if node.anchor in known:
                spans |= set(_secrets(node, listed, aliases, within=True))
    parts, end = [], 0
    for start, stop in sorted(spans):
        if start >= end:
            parts += [text[end:start], MASK]
            end = stop
    return "".join([*parts, text[end:]])


def sensitive_paths_in(text: str) -> frozenset[str]:
    """The paths that a file lists as sensitive, of any resource."""
    root = _root(text) if "sensitive" in text else None
    return frozenset(_lists(root)) if root is not None else frozenset()


def _root(text: str) -> Node | None:
    try:
        return Tree(text).root
    except YAMLError:
        return None


def _lists(root: Node) -> Iterator[str]:
    for node in root.below():
        found = node.entry("sensitive") if node.kind is NodeKind.MAPPING else None
        for item in found.value.entries if found is not None else ():
            yield item.value.value


def _secrets(node: Node, listed: Collection[str], aliases: set[str], *, within: bool) -> Iterator[tuple[int, int]]:
    """The spans of secret scalars below `node` (`within`: all of it is); names of secret aliases go to `aliases`."""
    if node.kind is NodeKind.ALIAS and within:
        aliases.add(node.value)
    if node.kind is NodeKind.SCALAR:
        plain = not node.style and node.value.lower() in _NO_SECRETS
        alone = node.value.startswith("${") and node.value.endswith("}") and node.value.count("{") == 1
        if within and node.value and not plain and not alone:
            yield node.content, node.end
        return
    if node.kind is NodeKind.MAPPING and node.entry("settings") is not None:
        for path in listed:
            yield from _at(node, path, listed, aliases)
    for entry in node.entries:
        named = entry.name is not None and names_secret(entry.name)
        yield from _secrets(entry.value, listed, aliases, within=within or named)


def _at(node: Node, path: str, listed: Collection[str], aliases: set[str]) -> Iterator[tuple[int, int]]:
    """The spans of the scalars at a dotted path, whose keys may contain dots; in lists, of every item."""
    for entry in node.entries:
        if entry.name is None:
            yield from _at(entry.value, path, listed, aliases)
        elif path == entry.name:
            yield from _secrets(entry.value, listed, aliases, within=True)
        elif path.startswith(f"{entry.name}."):
            yield from _at(entry.value, path[len(entry.name) + 1 :], listed, aliases)
