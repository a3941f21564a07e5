"""From attributes by our names to a body on the wire: the one place where wire names are written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from kiamo_iac.contract.model import Attribute, Contract
from kiamo_iac.core.errors import ApiError
from kiamo_iac.core.resource import Reference, Resource
from kiamo_iac.core.sensitive import revealed

Refer = Callable[[Reference, str, bool], str | int]
"""How a reference is written: (the reference, the name it holds, whether by id) → an id or an exact name."""


def encode(contract: Contract, kind: type[Resource], attributes: Mapping[str, Any], *, refer: Refer) -> dict[str, Any]:
    """The body for these attributes; those under `settings` go beside the others as they are, sensitive ones revealed.

    Raises:
        ApiError: the contract has no wire name for one of them.
    """
    references = {reference.attribute: reference for reference in kind.references}
    body: dict[str, Any] = dict(revealed(attributes.get("settings", {})))
    for name, value in attributes.items():
        if name == "settings":
            continue
        attribute = contract.kinds[kind.kind].attributes.get(name)
        if attribute is None:
            raise ApiError(
                f'The contract has no wire name for "{name}" of a {kind.kind}.',
                hint=f"declare it under kinds.{kind.kind}.attributes.{name} in {contract.origin}",
            )
        body[attribute.wire] = _value(attribute, references.get(name), value, refer=refer)
    return body


def _value(attribute: Attribute, reference: Reference | None, value: Any, *, refer: Refer) -> Any:
    if reference is not None and attribute.refers_to is not None and value is not None:
        by_id = attribute.by == "id"
        if reference.mapping:
            return {role: refer(reference, name, by_id) for role, name in value.items()}
        return refer(reference, value, by_id)
    if attribute.values is not None and isinstance(value, str):
        return attribute.values.get(value, value)
    return value
