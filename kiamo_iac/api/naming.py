"""References as they stand on the wire, ids or names, turned into the names that states hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from kiamo_iac.contract.model import Contract
from kiamo_iac.core.printable import printable
from kiamo_iac.core.resource import Reference, Resource
from kiamo_iac.core.state import DanglingReference, RemoteId


def written_by(contract: Contract, kind: str, attribute: str) -> Literal["id", "name"] | None:
    """How the contract writes this reference; None where it has no such attribute."""
    stanza = contract.kinds.get(kind)
    entry = stanza.attributes.get(attribute) if stanza is not None else None
    return entry.by if entry is not None else None


def references_by(contract: Contract, kind: type[Resource], by: Literal["id", "name"]) -> tuple[Reference, ...]:
    """The references of a kind that the contract writes so."""
    return tuple(r for r in kind.references if written_by(contract, kind.kind, r.attribute) == by)


def put_names(attributes: dict[str, Any], reference: Reference, names: Mapping[RemoteId, str]) -> None:
    """Put names in the place of ids; what is in no list has gone."""
    value = attributes.get(reference.attribute)
    if value is not None:
        attributes[reference.attribute] = (
            {role: _named(names, id_) for role, id_ in value.items()} if reference.mapping else _named(names, value)
        )


def _named(names: Mapping[RemoteId, str], id_: RemoteId) -> str:
    name = names.get(id_)
    return name if name is not None else DanglingReference(f"(gone: {printable(str(id_), 60)})")
