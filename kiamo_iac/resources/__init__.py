"""The kinds: every module of this folder that defines a subclass of `Resource` adds one."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from kiamo_iac.core.address import Address
from kiamo_iac.core.diagnostics import did_you_mean
from kiamo_iac.core.resource import Resource


@cache
def kinds() -> dict[str, type[Resource]]:
    """Every kind by its name, parents before children, otherwise in alphabetical order."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    found = sorted(Resource.__subclasses__(), key=lambda k: k.kind)
    ordered: dict[str, type[Resource]] = {}
    while len(ordered) < len(found):
        ready = [k for k in found if k.kind not in ordered and (k.parent is None or k.parent in ordered)]
        if not ready:
            msg = f"kinds without a parent that exists: {[k.kind for k in found if k.kind not in ordered]}"
            raise TypeError(msg)
        ordered |= {k.kind: k for k in ready}
    return ordered


@cache
def by_collection() -> dict[str, type[Resource]]:
    """Every kind by its collection (`bases`, `batches`, …), in the order of `kinds`."""
    return {k.collection: k for k in kinds().values()}


@cache
def children_of(kind: str) -> tuple[type[Resource], ...]:
    """The child kinds of `kind`, in the order of `kinds`."""
    return tuple(k for k in kinds().values() if k.parent == kind)


def address_problem(address: Address) -> str | None:
    """Why no resource can have this address, in one sentence without a full stop; None when one can."""
    at: Address | None = address
    while at is not None:
        kind = by_collection().get(at.collection)
        above = by_collection().get(at.parent.collection) if at.parent is not None else None
        if kind is None:
            hint = did_you_mean(at.collection, by_collection())
            return f'"{address}" is not an address: there is no collection "{at.collection}"' + (
                f" ({hint})" if hint else ""
            )
        if (above.kind if above is not None else None) != kind.parent and (at.parent is None or above is not None):
            where = f"below {kinds()[kind.parent].collection}" if kind.parent is not None else "at the top"
            return f'"{address}" is not an address: {kind.collection} are {where}'
        at = at.parent
    return None
