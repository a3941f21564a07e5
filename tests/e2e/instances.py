"""Any live state, drawn by Hypothesis in the shape of the emulator's seeds; few names, so that both sides share
some."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

Block = dict[str, Any]

SERVICES = ("Sales", "Care", "Win back", "Été")
BASES = ("alpha", "beta", "gamma", "délta")
BATCHES = ("spring", "summer", "autumn", "winter")
FIELDS = {"city": "string", "age": "integer", "mail": "email"}
ROLES = ("destination", "backup")
STATES = ("started", "new", "paused", "finished", "stopped")
TERMINAL = ("stopped", "finished")
UNFINISHED = ("new", "started", "paused")
PHONE = {"name": "phone", "label": "Phone", "datatype": "phone"}


def chance(draw: DrawFn, percent: int) -> bool:
    return draw(st.integers(1, 100)) > 100 - percent  # the simplest draw is False


def some(draw: DrawFn, pool: tuple[str, ...], least: int = 0) -> list[str]:
    if not pool:
        return []
    return draw(st.lists(st.sampled_from(pool), min_size=least, max_size=len(pool), unique=True))


# --- live ----------------------------------------------------------------------------------------------------------


def _live_batch(draw: DrawFn, name: str, services: list[str], fields: list[str]) -> Block:
    state = draw(st.sampled_from(STATES))
    block: Block = {"name": name, "service": draw(st.sampled_from(services)), "state": state}
    roles = some(draw, ROLES, 1 if state in {"started", "paused", "finished"} else 0)
    block["association"] = {role: draw(st.sampled_from(["phone", *fields])) for role in sorted(roles)}
    if chance(draw, 25):
        block["settings"] = {"pace": draw(st.integers(1, 3))}
    return block


def _live_base(draw: DrawFn, name: str, services: list[str]) -> Block:
    fields = some(draw, tuple(FIELDS))
    return {
        "name": name,
        "label": draw(st.sampled_from(["A", "B"])),
        "contacts": draw(st.sampled_from([0, 0, 12])),
        "fields": [{"name": f, "label": draw(st.sampled_from(["F", "G"])), "datatype": FIELDS[f]} for f in fields],
        "batches": [_live_batch(draw, n, services, fields) for n in some(draw, BATCHES)] if services else [],
    }


def live(draw: DrawFn, contract: str) -> dict[str, Any]:
    services = some(draw, SERVICES, 2 if contract == "narrow-names" else 1)
    return {
        "services": [{"name": n, "label": draw(st.sampled_from(["S", "T"]))} for n in services],
        "bases": [_live_base(draw, n, services) for n in some(draw, BASES)],
    }
