"""Values that the instance keeps in another form than they were sent in: they count as what was sent, until the
manifest or the instance changes them.

declared ─ sent ─ kept ─ live
   A       A      a      a     nothing to do; changed by neither side
   B       A      a      a     changed in git
   A       A      a      c     changed on the instance
"""

from __future__ import annotations

import html
import json
import unicodedata
from collections.abc import Mapping
from typing import Any

from kiamo_iac.core.sensitive import revealed
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


def alike(sent: Any, kept: Any) -> bool:
    """Whether two values are the same text in two spellings: blanks, line ends, entities of HTML, capitals, a number as
    text, another order of a list, a key without its value."""
    sent, kept = revealed(sent), revealed(kept)
    if isinstance(sent, Mapping) and isinstance(kept, Mapping):
        return all(key not in sent or alike(sent[key], value) for key, value in kept.items())
    if isinstance(sent, list) and isinstance(kept, list):
        return sorted(map(_plain, sent)) == sorted(map(_plain, kept))
    return _plain(sent) == _plain(kept)


def _plain(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True, ensure_ascii=False)
    return " ".join(unicodedata.normalize("NFKC", html.unescape(html.unescape(text))).casefold().split())
