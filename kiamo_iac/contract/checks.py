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
        yield (*at, "parent"), f"unknown kind {quote(stanza.parent)}"
    if "list" in stanza.operations and stanza.parent and not stanza.listed_by_parent and not stanza.parent_wire:
        placeholder = "{" + stanza.parent + "}"
        yield (
            (*at, "operations", "list"),
            f"the call has no {placeholder}: set parent_wire to the attribute that has the id of the parent",
        )
    for made in stanza.made_with_parent.things if stanza.made_with_parent else ():
        if not isinstance(made.get("name"), str):
            why = "name must be a string" if "name" in made else 'missing key "name"'
            yield (*at, "made_with_parent", "things"), why
    for child in stanza.embedded:
        other = kinds.get(child)
        if other is None or f"kinds/{other.parent}" != "/".join(at):
            yield (*at, "embedded", child), f"{quote(child)} is not a child kind of this kind"


def _attributes(
    kinds: Mapping[str, KindContract], stanza: KindContract, *, at: tuple[str, ...]
) -> Iterator[Contradiction]:
    if "name" not in stanza.attributes:
        yield (*at, "attributes"), 'missing key "name"'
    used_by = {stanza.id.wire: "the id"}
    for name, attribute in stanza.attributes.items():
        if attribute.wire in used_by:
            what = f"duplicate wire name {quote(attribute.wire)}: {used_by[attribute.wire]} has it too"
            yield (*at, "attributes", name, "wire"), what
        used_by.setdefault(attribute.wire, f"the attribute {quote(name)}")
        if attribute.refers_to is not None and attribute.refers_to not in kinds:
            yield (*at, "attributes", name, "refers_to"), f"unknown kind {quote(attribute.refers_to)}"


def _operation(stanza: KindContract, name: str, *, call: Operation, at: tuple[str, ...]) -> Iterator[Contradiction]:
    if name in _READS and call.method != "GET":
        yield (*at, "method"), f"must be GET for {name}, got {call.method}"
    elif name not in _READS and call.method == "GET":
        yield (*at, "method"), f"must not be GET for {name}: a GET is repeated after a failure"
    known = {stanza.parent} if name in {"list", "create"} else {"id", stanza.parent}
    wanted = call.placeholders()
    if unknown := wanted - known:
        possible = ", ".join(sorted("{" + k + "}" for k in known if k)) or "none"
        yield (*at, "path"), f"unknown placeholder {{{min(unknown)}}}; known placeholders: {possible}"
    texts = [*call.path.split("/"), *call.query.values(), *(v for v in call.body.values() if isinstance(v, str))]
    for text in texts:
        found = _BRACES.findall(text)
        if len(set(found)) < len(found):
            yield at, f"duplicate placeholder in {quote(text)}"
    stray = [brace for brace in _BRACES.findall(call.path) if brace.strip("{}") not in wanted]
    if stray:
        yield (*at, "path"), f"invalid placeholder {quote(stray[0])}"
