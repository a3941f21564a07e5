"""The consistency of a contract: every rule that concerns more than one entry."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from kiamo_iac.contract.entries import KindContract, Operation
from kiamo_iac.core.printable import quote

Contradiction = tuple[tuple[str, ...], str]
"""The path of the entry at fault (`("kinds", "batch", "parent")`), and one sentence without a full stop."""

_BRACES = re.compile(r"\{[^{}]*\}|[{}]")
_READS = frozenset({"list", "read"})


class ContradictionError(ValueError):
    """The entries of a contract contradict each other; `found` says where and how."""

    def __init__(self, found: tuple[Contradiction, ...]) -> None:
        super().__init__("; ".join(f"{'.'.join(path)}: {why}" for path, why in found))
        self.found = found


def contradictions(kinds: Mapping[str, KindContract]) -> Iterator[Contradiction]:
    """All contradictions between the entries of a contract's kinds."""
    for kind, stanza in kinds.items():
        at = ("kinds", kind)
        yield from _parents(kinds, stanza, at=at)
        yield from _attributes(kinds, stanza, at=at)
        for name, call in stanza.operations.items():
            yield from _operation(stanza, name, call=call, at=(*at, "operations", name))


def _parents(
    kinds: Mapping[str, KindContract], stanza: KindContract, *, at: tuple[str, ...]
) -> Iterator[Contradiction]:
    if stanza.parent is not None and stanza.parent not in kinds:
        yield (*at, "parent"), f'"{stanza.parent}" has no stanza under kinds'
    if "list" in stanza.operations and stanza.parent and not stanza.listed_by_parent and not stanza.parent_wire:
        place = "{" + stanza.parent + "}"
        yield (
            (*at, "operations", "list"),
            f"the call does not name {place}: set parent_wire to the attribute of a listed object that does",
        )
    for child in stanza.embedded:
        other = kinds.get(child)
        if other is None or f"kinds/{other.parent}" != "/".join(at):
            yield (*at, "embedded", child), f'"{child}" is not a child kind of this one'


def _attributes(
    kinds: Mapping[str, KindContract], stanza: KindContract, *, at: tuple[str, ...]
) -> Iterator[Contradiction]:
    if "name" not in stanza.attributes:
        yield (*at, "attributes"), 'the attribute "name" is missing'
    taken = {stanza.id.wire: "the id"}
    for name, attribute in stanza.attributes.items():
        if attribute.wire in taken:
            yield (
                (*at, "attributes", name, "wire"),
                f'"{attribute.wire}" is already the wire name of {taken[attribute.wire]}',
            )
        taken.setdefault(attribute.wire, name)
        if attribute.refers_to is not None and attribute.refers_to not in kinds:
            yield (*at, "attributes", name, "refers_to"), f'"{attribute.refers_to}" has no stanza under kinds'


def _operation(stanza: KindContract, name: str, *, call: Operation, at: tuple[str, ...]) -> Iterator[Contradiction]:
    if (call.method == "GET") != (name in _READS):
        yield (
            (*at, "method"),
            "list and read must be called with GET, and no other operation may: a GET is repeated after a failure",
        )
    known = {stanza.parent} if name in {"list", "create"} else {"id", stanza.parent}
    wanted = call.placeholders()
    if unknown := wanted - known:
        can = " and ".join(sorted("{" + k + "}" for k in known if k)) or "none"
        yield (*at, "path"), f"the placeholder {{{min(unknown)}}} is unknown here; possible: {can}"
    texts = [*call.path.split("/"), *call.query.values(), *(v for v in call.body.values() if isinstance(v, str))]
    for text in texts:
        found = _BRACES.findall(text)
        if len(set(found)) < len(found):
            yield at, f"{quote(text)} has a placeholder more than once"
    stray = [brace for brace in _BRACES.findall(call.path) if brace.strip("{}") not in wanted]
    if stray:
        yield (*at, "path"), f"{stray[0]} is not a placeholder"
