"""How a declared thing is to be treated, out of the keys of its block; shared, since nearly all are treated alike."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from kiamo_iac.core.address import identity
from kiamo_iac.core.resource import PRESENT, Ensure, Lifecycle, Resource

REFERENCE: Final = Lifecycle(managed=False)
"""Of a thing that must exist and is never written."""


def lifecycle_of(kind: type[Resource], keys: Mapping[str, Any]) -> Lifecycle:
    """The lifecycle that the valid keys of a block declare."""
    managed = not kind.by_reference or keys.get("managed") is True
    return _shared(
        ensure=Ensure(keys.get("ensure", Ensure.PRESENT)),
        managed=managed,
        protect=keys.get("protect") is True,
        renamed_from=tuple(identity(name) for name in keys.get("renamed_from", ())),
        exclusive=tuple(dict.fromkeys(keys.get("exclusive", ()))),
        initial_state=keys.get("initial_state"),
        sensitive=tuple(dict.fromkeys(keys.get("sensitive", ()))),
    )


@cache
def _shared(
    *,
    ensure: Ensure,
    managed: bool,
    protect: bool,
    renamed_from: tuple[str, ...],
    exclusive: tuple[str, ...],
    initial_state: str | None,
    sensitive: tuple[str, ...],
) -> Lifecycle:
    lifecycle = Lifecycle(ensure, managed, protect, renamed_from, exclusive, initial_state, sensitive)
    return next((known for known in (PRESENT, REFERENCE) if known == lifecycle), lifecycle)
