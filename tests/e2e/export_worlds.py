"""Live states for exports: those of `instances`, with texts, settings and names that are hard to write as YAML."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from tests.e2e.instances import BASES, SERVICES, Block, chance, live

HARD_TEXTS = (
    "0612345678",
    "+33 6 12 34 56 78",
    "2026-01-01",
    "12:30",
    "yes",
    "null",
    "~",
    "",
    " ",
    "1e3",
    "0x10",
    "- a",
    "a: b",
    "a #b",
    "#a",
    "'",
    '"',
    "\\",
    "two\nlines\n",
    "tab\there",
    "${brand}",
    "$${brand}",
    "$$$${",
    "${",
    "\u202egnp.exe",
    "\u0000",
    "\u0085\u2028",
    "e\u0301t\u00e9",
    "[/red]::error::",
    "x" * 255,
    "y" * 256,
    "{{ a }}",
    "%a",
    "@a",
    "`a`",
    "? a",
    "!!str a",
    "&a *a",
    "---",
    "=",
    "<<",
)
HARD_NAMES = (
    "CON",
    "con",
    "aux.txt",
    "-a",
    "a b",
    "..",
    "é",
    "e\u0301x",
    "x" * 120,
    "1",
    "2026-01-01",
    "yes",
    "a" * 255,
)
TOKEN = "0123456789abcdef" * 2 + "01234567"

scalars = st.one_of(
    st.sampled_from(HARD_TEXTS),
    st.none(),
    st.booleans(),
    st.integers(-(2**63) - 2, 2**63 + 2),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
)
keys = st.one_of(
    st.sampled_from(
        ["pace", "hours", "a b", "${x}", "label", "managed", "state", "0", "", "<<", "é", "e\u0301", TOKEN]
    ),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=6),
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3), max_leaves=6
)


def hard_live(draw: DrawFn, contract: str) -> dict[str, Any]:
    """A live state, some of it hard to write as YAML."""
    seed = live(draw, contract)
    _rename(draw, seed)
    for kind, block in _blocks(seed):
        if "label" in block and chance(draw, 40):
            block["label"] = draw(st.sampled_from([*HARD_TEXTS, TOKEN]))
        if kind != "fields" and chance(draw, 25):
            block["settings"] = draw(st.dictionaries(keys, values, max_size=3))
        if kind == "batches" and block["state"] in {"finished", "stopped"} and chance(draw, 30):
            block["service"] = {"gone": "Nobody"}
        if kind == "batches" and block["state"] in {"finished", "stopped"} and chance(draw, 20):
            block["association"] = {**block["association"], "old": {"gone": "nothing"}}
    return seed


def _rename(draw: DrawFn, seed: dict[str, Any]) -> None:
    for collection, pool in (("services", SERVICES), ("bases", BASES)):
        taken = {unicodedata.normalize("NFC", name) for name in pool}
        for block in seed[collection]:
            if chance(draw, 20):
                name = draw(st.sampled_from([*HARD_NAMES, "a/b", "\u202eb", TOKEN, "n" * 256]))
                if unicodedata.normalize("NFC", name) not in taken:
                    taken.add(unicodedata.normalize("NFC", name))
                    block["name"] = name
    _follow(seed)


def _follow(seed: dict[str, Any]) -> None:
    """Make batches refer to existing services."""
    names = [service["name"] for service in seed["services"]]
    for base in seed["bases"]:
        for number, batch in enumerate(base["batches"]):
            if batch["service"] not in names:
                batch["service"] = names[number % len(names)]


def _blocks(seed: dict[str, Any]) -> Iterator[tuple[str, Block]]:
    yield from (("services", service) for service in seed["services"])
    for base in seed["bases"]:
        yield "bases", base
        for collection in ("fields", "batches"):
            yield from ((collection, block) for block in base[collection])
