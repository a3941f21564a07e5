"""Values that the instance keeps in another form than they were sent in: they count as what was sent, until the
manifest or the instance changes them.

declared ─ sent ─ kept ─ live
   A       A      a      a     nothing to do; changed by neither side
   B       A      a      a     changed in git
   A       A      a      c     changed on the instance
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kiamo_iac.core.state import KeptValue, Owned
from kiamo_iac.core.strict_json import same


def as_sent(path: str, declared: Any, live: Any, entry: Owned | None) -> Any:
    """The live value at `path`, with the declared one in the place of each that is kept otherwise, as far as it is
    declared as it was sent."""
    if entry is None or not entry.kept:
        return live
    return _as_sent(path, declared, live, {pair.path: pair for pair in entry.kept})


def original(path: str, live: Any, entry: Owned | None) -> Any:
    """What was sent, where the live value at `path` is the form in which the instance keeps it; else the live value."""
    pairs = entry.kept if entry is not None else ()
    return next((pair.sent for pair in pairs if pair.path == path and same(pair.kept, live)), live)


def _as_sent(path: str, declared: Any, live: Any, pairs: Mapping[str, KeptValue]) -> Any:
    pair = pairs.get(path)
    if pair is not None and same(declared, pair.sent) and same(live, pair.kept):
        return declared
    if not isinstance(declared, Mapping) or not isinstance(live, Mapping):
        return live
    found: dict[str, Any] = {}
    for key in (*live, *(key for key in declared if key not in live)):
        value = _as_sent(f"{path}.{key}", declared.get(key), live.get(key), pairs)
        if value is not None or (key in live and live[key] is None):
            found[key] = value
    return found
