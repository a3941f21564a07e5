"""A contract as people read it: every call and wire name with its basis, and what an override changes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kiamo_iac.contract.entries import Attribute, KindContract, Operation
from kiamo_iac.contract.model import Contract
from kiamo_iac.render.base import Style
from kiamo_iac.render.escape import document, json_document, value, visible


def contract_data(contract: Contract) -> dict[str, Any]:
    """The contract as plain data, without what is left at its default."""
    return contract.model_dump(mode="json", exclude_unset=True)


def contract_json(contract: Contract) -> str:
    """The whole contract, override included, in the shape of the file. Given as `contract:`, what the override removed
    comes back from the packaged contract."""
    return json_document(contract_data(contract))


def contract_text(contract: Contract) -> str:
    """Every kind with its calls and attributes, each with its basis."""
    return document(_lines(contract))


def _lines(contract: Contract) -> Iterator[str]:
    yield f"{visible(contract.name)} ({f'from {visible(contract.origin)}' if contract.overridden else 'packaged'})"
    yield ""
    yield f"token header  {visible(contract.auth.header):42} {contract.auth.basis.value}"
    if contract.auth.query is not None:
        yield f"and in query  {visible(contract.auth.query):42} {contract.auth.basis.value}"
    yield f"prefix        {visible(contract.prefix.path or '/'):42} {contract.prefix.basis.value}"
    for kind, stanza in contract.kinds.items():
        yield ""
        yield visible(kind)
        for operation, call in stanza.operations.items():
            yield f"  {visible(operation):10}  {_call(call):42} {call.basis.value}"
        yield f"    {'rows':10}  {_listing(stanza):40} {stanza.listing.basis.value}"
        for name, attribute in stanza.attributes.items():
            yield f"    {visible(name):10}  {_attribute(attribute):40} {attribute.basis.value}"
        yield from _names(stanza)


def _call(call: Operation) -> str:
    query = "&".join(f"{key}={text}" for key, text in call.query.items())
    body = f" {value(call.body)}" if call.body else ""
    ways = {
        "wrapped in": call.wrap,
        "as form": call.form,
        "answers at": call.item,
        "id from": call.id,
        "sends": "the whole object" if call.send == "whole" else None,
        "carries": ", ".join(call.carry) or None,
    }
    said = "".join(f", {how} {what}" for how, what in ways.items() if what is not None)
    return visible(f"{call.method:6} {call.path}{'?' if query else ''}{query}") + body + visible(said)


def _listing(stanza: KindContract) -> str:
    listing, paging = stanza.listing, stanza.listing.paging
    ways = {
        "in groups": ", ".join(listing.groups) or None,
        "keyed by": listing.keyed,
        "total at": listing.total,
        "pages by": paging.style if paging.style != "none" else None,
        "each": "read by itself" if listing.detail == "read" else None,
    }
    rows = "the whole body" if listing.items is None else f"at {listing.items}"
    return visible(", ".join([rows, *(f"{how} {what}" for how, what in ways.items() if what is not None)]))


def _attribute(attribute: Attribute) -> str:
    words = [f"as {attribute.wire}"]
    if attribute.read is not None:
        words.append(f"read at {attribute.read}")
    if attribute.source is not None:
        words.append(f"read by {attribute.source}")
    if attribute.required:
        words.append("required")
    if attribute.read_only:
        words.append("read-only")
    if attribute.refers_to:
        words.append(f"names a {attribute.refers_to} by {attribute.by}")
    if attribute.choices:
        words.append(f"one of {', '.join(attribute.choices)}")
    return visible(", ".join(words))


def _names(stanza: KindContract) -> Iterator[str]:
    if stanza.names:
        words = f"match {stanza.names.pattern}" + (", unique" if stanza.names.taken else "")
        yield f"    {'names':10}  {visible(words):40} {stanza.names.basis.value}"


def changes_text(under: Contract, over: Contract, style: Style) -> str:
    """What `over` changes of `under`, a line a value; one line when it changes nothing."""
    old, new = dict(_flat(contract_data(under))), dict(_flat(contract_data(over)))
    lines: list[str] = []
    for path in sorted(old.keys() | new.keys()):
        if path not in new:
            lines.append(f"- {visible(path)}: {value(old[path])}")
        elif path not in old:
            lines.append(f"+ {visible(path)}: {value(new[path])}")
        elif old[path] != new[path]:
            lines.append(f"~ {visible(path)}: {value(old[path])} {style.symbols.arrow} {value(new[path])}")
    return document(lines or ["No changes to the packaged contract."])


def _flat(data: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, item in data.items():
        if isinstance(item, Mapping) and item and key != "body":  # a body is shown whole: the one that is sent
            yield from _flat(item, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", item
