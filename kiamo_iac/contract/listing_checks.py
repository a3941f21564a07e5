"""Lists that would leave objects out, or read them under the wrong name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from kiamo_iac.contract.entries import KindContract
from kiamo_iac.contract.operation_checks import Contradiction
from kiamo_iac.core.printable import quote

_GROUP: Final = "$group"
_ALL: Final = frozenset({"all", "any", "*", "tous", "toutes", "tout"})
"""Values of a filter that leave nothing out."""
_TEXTS: Final = re.compile(r"[^{]*")


def listing_contradictions(stanza: KindContract, *, at: tuple[str, ...]) -> Iterator[Contradiction]:
    """All of a kind. `at`: its path."""
    here = (*at, "listing")
    yield from _paging(stanza, at=here)
    yield from _rows(stanza, at=here)
    if stanza.inside is None and "list" in stanza.operations:
        yield from _filters(stanza, at=(*at, "operations", "list", "query"))
    for name, attribute in stanza.attributes.items():
        if attribute.read == _GROUP:
            yield from _groups(stanza, name, at=(*at, "attributes", name))


def _paging(stanza: KindContract, *, at: tuple[str, ...]) -> Iterator[Contradiction]:
    paging, here = stanza.listing.paging, (*at, "paging")
    names = {"page": paging.page, "offset": paging.offset}
    if names.get(paging.style) == paging.size:
        why = f"{quote(paging.size)} is the name of two parameters"
        yield Contradiction((*here, "size"), why, "write the parameter that has the number of objects a page")
    call = stanza.operations.get("list")
    if paging.within == "body" and call is not None:
        if paging.style not in {"page", "offset", "cursor"}:
            yield Contradiction((*here, "within"), f"has no effect with style: {paging.style}", "remove it")
        elif call.method == "GET":
            why = "the list is a GET, which has no body"
            yield Contradiction((*here, "within"), why, "write the list as POST, or remove within")


def _rows(stanza: KindContract, *, at: tuple[str, ...]) -> Iterator[Contradiction]:
    listing = stanza.listing
    name = stanza.attributes.get("name")
    keys = {stanza.id.wire, (name.read or name.wire) if name is not None else stanza.id.wire}
    if listing.keyed is not None and listing.keyed not in keys:
        hint = f"write the key of what identifies a row: {', '.join(sorted(keys))}"
        yield Contradiction((*at, "keyed"), f"{quote(listing.keyed)} is neither the id nor the name", hint)
    if listing.keyed is not None and listing.groups:
        yield Contradiction((*at, "keyed"), "has no effect beside groups, which are arrays", "remove one of the two")
    if stanza.inside is not None and (key := _unwritten(stanza)) is not None:
        why = "the list is replaced as an array, or by the names of its rows"
        yield Contradiction((*at, key), why, "remove it, or inside")


def _unwritten(stanza: KindContract) -> str | None:
    """The key of a form in which a list inside its parent cannot be sent back: what is new has no id yet."""
    listing, name = stanza.listing, stanza.attributes.get("name")
    if listing.keyed is not None and name is not None and listing.keyed != name.wire:
        return "keyed"
    return "groups" if listing.groups else "row" if listing.row else None


def _filters(stanza: KindContract, *, at: tuple[str, ...]) -> Iterator[Contradiction]:
    """A list that is asked for the objects with one value alone: the others would be created again."""
    wires = {attribute.wire: name for name, attribute in stanza.attributes.items()}
    for key, value in stanza.operations["list"].query.items():
        if key in wires and _TEXTS.fullmatch(value) and value.casefold() not in _ALL:
            why = f"the list has only the objects whose {wires[key]} is {quote(value)}"
            yield Contradiction((*at, key), why, "remove it: what a list leaves out is taken for missing")


def _groups(stanza: KindContract, name: str, *, at: tuple[str, ...]) -> Iterator[Contradiction]:
    """Values of an attribute that is read from the array of its row."""
    groups = stanza.listing.groups
    if not groups:
        hint = "write the keys of the arrays under listing.groups"
        yield Contradiction((*at, "read"), f"{quote(_GROUP)} without groups has no value", hint)
        return
    known = frozenset(groups)
    for word, value in (stanza.attributes[name].values or {}).items():
        each = value if isinstance(value, list) else [value]
        wrong = next((one for one in each if isinstance(one, dict | list) or one not in known), None)
        if wrong is not None:
            hint = f"write one of {', '.join(groups[:8])}"
            yield Contradiction((*at, "values", word), f"{quote(str(wrong))} is no group of the list", hint)
