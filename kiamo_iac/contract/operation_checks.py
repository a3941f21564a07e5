"""The consistency of a kind's calls: each names what it acts on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from kiamo_iac.contract.entries import KindContract, Operation
from kiamo_iac.core.printable import quote

_BRACES = re.compile(r"\{[^{}]*\}|[{}]")
_POSTMAN = re.compile(r"(?:(?<=/)|^):(?P<path>\w+)$|\{\{\s*(?P<variable>[\w.\-]*)\s*\}\}|\$\{(?P<shell>\w+)\}")
_PLACEHOLDERS: Final = "{id} is the id of the object, and {base} (any kind's name) that of its parent"
_READS: Final = frozenset({"list", "read"})


class Contradiction(NamedTuple):
    """What is wrong with an entry, or with two of them."""

    path: tuple[str, ...]
    """Of the entry at fault: `("kinds", "batch", "parent")`."""
    why: str
    """One sentence without a full stop."""
    hint: str | None = None
    other: tuple[str, ...] = ()
    """The path of the other entry, where there are two: the one that a file has is at fault."""


def operation_contradictions(stanza: KindContract, *, at: tuple[str, ...]) -> Iterator[Contradiction]:
    """All contradictions in and between the calls of a kind. `at`: the path of the kind."""
    for name, call in stanza.operations.items():
        here = (*at, "operations", name)
        postman = [Contradiction((*here, key), why, hint) for key, why, hint in _postman(call)]
        yield from postman or _operation(stanza, name, call=call, at=here)


def _operation(stanza: KindContract, name: str, *, call: Operation, at: tuple[str, ...]) -> Iterator[Contradiction]:
    reads = _READS | {attribute.source for attribute in stanza.attributes.values()}
    if name in reads and call.method not in {"GET", "POST"}:
        why = f"must be GET or POST for {name}, got {call.method}"
        yield Contradiction((*at, "method"), why, "write GET, or POST where the instance reads by it")
    elif name not in reads and call.method == "GET":
        why = f"must not be GET for {name}: a GET is repeated after a failure"
        yield Contradiction((*at, "method"), why, "write POST, PUT, PATCH or DELETE")
    known = {stanza.parent} if stanza.inside is not None or name in {"list", "create"} else {"id", stanza.parent}
    wanted = call.placeholders()
    if unknown := wanted - known:
        possible = ", ".join(sorted("{" + k + "}" for k in known if k)) or "none"
        why = f"unknown placeholder {{{min(unknown)}}}; known placeholders: {possible}"
        yield Contradiction((*at, "path"), why, _PLACEHOLDERS)
    texts = [*call.path.split("/"), *call.query.values(), *(v for v in call.body.values() if isinstance(v, str))]
    for text in texts:
        found = _BRACES.findall(text)
        if len(set(found)) < len(found):
            yield Contradiction(at, f"duplicate placeholder in {quote(text)}", "write each placeholder once")
    stray = [brace for brace in _BRACES.findall(call.path) if brace.strip("{}") not in wanted]
    if stray:
        yield Contradiction((*at, "path"), f"invalid placeholder {quote(stray[0])}", _PLACEHOLDERS)
    elif not unknown and stanza.inside is None:
        yield from _target(stanza, name, call=call, at=at)


def _target(stanza: KindContract, name: str, *, call: Operation, at: tuple[str, ...]) -> Iterator[Contradiction]:
    """A call that does not say what it acts on."""
    wanted = call.placeholders()
    if name == "create" and stanza.parent is not None and stanza.parent not in wanted:
        placeholder = "{" + stanza.parent + "}"
        yield Contradiction(
            at,
            f"the call does not say below which {stanza.parent} it creates",
            f"write {placeholder} in path, query or body, for the id of the {stanza.parent}",
        )
    is_sent = stanza.id.wire in call.carry or (call.send == "whole" and stanza.identity == "name")
    if name not in {"list", "create"} and "id" not in wanted and not is_sent:
        yield Contradiction(
            at,
            f"the call does not say which object it is for: every {name} would be the same call",
            "write {id} in path, query or body, for the id of the object",
        )


def _postman(call: Operation) -> Iterator[tuple[str, str, str]]:
    """Placeholders as Postman writes them: the key that has one, what is wrong, and a hint."""
    texts = [("path", segment) for segment in call.path.split("/")]
    texts += [("query", text) for text in call.query.values()] + [("body", text) for text in call.texts()]
    for key, text in texts:
        if (found := _POSTMAN.search(text)) is None:
            continue
        name = found["path"] or found["variable"] or found["shell"] or "id"
        written = found[0]
        whose = "a shell's" if found["shell"] else "Postman's"
        why = f"{quote(written)} is a placeholder of {whose}, and would be sent as it is"
        yield key, why, f"write {{{name}}}: {_PLACEHOLDERS}"
