"""Any live state × any desired state, drawn by Hypothesis, with few names so that both sides share some.

A desired state is drawn from the live one, object by object: kept, omitted, changed, renamed or absent; then new
resources are added. Drawn independently, the two would share little, and nearly every plan would be refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from tests.e2e.instances import (
    BASES,
    BATCHES,
    FIELDS,
    PHONE,
    ROLES,
    SERVICES,
    TERMINAL,
    UNFINISHED,
    Block,
    chance,
    live,
    some,
)

CONTRACTS = ("packaged", "packaged", "packaged", "other", "other", "read-only-services", "narrow-names")


@dataclass(frozen=True)
class World:
    """One case: a live state, manifests, and a contract."""

    seed: dict[str, Any]
    manifest: dict[str, list[Block]]
    contract: str


# --- desired -------------------------------------------------------------------------------------------------------


@dataclass
class _Declaration:
    """The declared services, which batches refer to."""

    services: list[Block]
    renamed: dict[str, str]
    """Live service name → declared name."""
    absent: set[str]
    """Services to be deleted."""

    def service(self, draw: DrawFn, live: str | None) -> str:
        """A service to refer to: the live one under its declared name unless it is absent; sometimes any other, or a
        missing one."""
        if live is not None and live not in self.absent and chance(draw, 90):
            return self.renamed.get(live, live)
        if chance(draw, 3):
            return draw(st.sampled_from(["Nowhere", *sorted(self.absent)]))
        names = [s["name"] for s in self.services if s.get("ensure") != "absent"]
        return draw(st.sampled_from(names)) if names else "Sales"


def _declared_services(draw: DrawFn, live: list[Block], contract: str) -> _Declaration:
    declaration = _Declaration([], {}, set())
    free = [n for n in SERVICES if n not in {s["name"] for s in live}]
    if len(live) >= 2 and chance(draw, 80 if contract == "narrow-names" else 10):
        a, b = live[0], live[1]
        for here, there in ((a, b), (b, a)):
            declaration.services.append(
                {"name": here["name"], "managed": True, "label": there["label"], "renamed_from": [there["name"]]}
            )
            declaration.renamed[there["name"]] = here["name"]
        live = live[2:]
    for service in live:
        choice = draw(st.sampled_from(["reference", "absent", "managed", "changed", "omitted", "absent", "renamed"]))
        name = service["name"]
        match choice:
            case "reference":
                declaration.services.append({"name": name})
            case "managed":
                declaration.services.append({"name": name, "managed": True, "label": service["label"]})
            case "changed":
                declaration.services.append(
                    {"name": name, "managed": True, "label": "changed", "settings": {"x": {"y": 1}}}
                )
            case "absent":
                declaration.services.append({"name": name, "managed": True, "ensure": "absent"})
                declaration.absent.add(name)
            case "renamed" if free:
                declaration.renamed[name] = free.pop()
                declaration.services.append(
                    {"name": declaration.renamed[name], "managed": True, "renamed_from": [name]}
                )
            case _:
                pass
    if free and chance(draw, 40):
        declaration.services.append({"name": free[0], "managed": not chance(draw, 8), "label": "new one"})
        if not declaration.services[-1]["managed"]:
            declaration.services[-1] = {"name": free[0]}
    return declaration


def _declared_field(draw: DrawFn, live: Block) -> Block | None:
    choice = draw(st.sampled_from(["kept", "kept", "kept", "relabelled", "omitted", "absent", "absent", "odd"]))
    name = live["name"]
    match choice:
        case "kept":
            return dict(live)
        case "relabelled":
            return {"name": name, "label": "H"}
        case "absent":
            return {"name": name, "ensure": "absent"}
        case "odd" if chance(draw, 15):
            return {**live, "datatype": "text"}
        case _:
            return None


def _declared_fields(draw: DrawFn, live: list[Block]) -> list[Block]:
    blocks = [b for f in live if (b := _declared_field(draw, f)) is not None]
    here = {f["name"] for f in live}
    for name in some(draw, tuple(f for f in FIELDS if f not in here)):
        block = {"name": name, "label": "new", "datatype": FIELDS[name]}
        if chance(draw, 2):
            del block["label"]
        blocks.append(block)
    if chance(draw, 15):
        odd = draw(
            st.sampled_from([PHONE, PHONE, PHONE, {**PHONE, "label": "Tel"}, {"name": "phone", "ensure": "absent"}])
        )
        blocks.append(dict(odd))
    return blocks


def _run_state(draw: DrawFn, live: str | None) -> Block:
    """Mostly a state that can be reached."""
    if live is None:
        key = draw(st.sampled_from(["state", "none", "initial_state"]))
        return {} if key == "none" else {key: draw(st.sampled_from(["started", "paused", "new", "stopped"]))}
    if chance(draw, 45):
        return {}
    reachable = {
        "new": ["started", "paused", "stopped", "new"],
        "started": ["paused", "started", "stopped"],
        "paused": ["started", "paused", "stopped"],
        "stopped": ["stopped"],
        "finished": ["started", "stopped"],
    }[live]
    if chance(draw, 6):
        reachable = ["new", "started", "paused", "stopped"]
    return {"state": draw(st.sampled_from(reachable))}


def _association(draw: DrawFn, fields: list[str]) -> Block:
    least = 0 if chance(draw, 6) else 1
    pool = ["phone", *fields] + (["nowhere"] if chance(draw, 2) else [])
    return {role: draw(st.sampled_from(pool)) for role in sorted(some(draw, ROLES, least))}


def _targets_remain(live: Block, declaration: _Declaration, fields: list[str]) -> bool:
    """Whether what it refers to is not deleted."""
    return live["service"] not in declaration.absent and all(
        f in {"phone", *fields} for f in live["association"].values()
    )


def _declared_batch(
    draw: DrawFn, live: Block, declaration: _Declaration, fields: list[str], free: list[str]
) -> Block | None:
    choices = ["changed", "kept", "run", "changed", "kept", "absent", "omitted"]
    choice = draw(st.sampled_from(choices))
    closed = live["state"] in TERMINAL
    if (live["state"] == "new" and chance(draw, 30)) or chance(draw, 2):
        choice = "renamed"
    if closed and choice == "changed" and not chance(draw, 15):
        choice = "run"
    if (
        not closed
        and choice in {"kept", "run", "omitted"}
        and not _targets_remain(live, declaration, fields)
        and chance(draw, 90)
    ):
        choice = "changed"
    name = live["name"]
    match choice:
        case "kept":
            block = {"name": name, "service": declaration.renamed.get(live["service"], live["service"])}
            return {**block, "association": dict(live["association"])}
        case "run":
            return {"name": name, **_run_state(draw, live["state"])}
        case "changed":
            block = {"name": name, "service": declaration.service(draw, live["service"])}
            block["association"] = _association(draw, fields)
            if chance(draw, 20):
                block["settings"] = {"pace": draw(st.integers(1, 3))}
            return {**block, **_run_state(draw, live["state"])}
        case "absent":
            return {"name": name, "ensure": "absent"}
        case "renamed" if free:
            return {"name": free.pop(), "renamed_from": [name], **_run_state(draw, live["state"])}
        case _:
            return None


def _new_batch(draw: DrawFn, name: str, declaration: _Declaration, fields: list[str]) -> Block:
    block = {"name": name, "service": declaration.service(draw, None), **_run_state(draw, None)}
    if not chance(draw, 5):
        block["association"] = _association(draw, fields)
    if chance(draw, 3):
        del block["service"]
    return block


def _declared_base(draw: DrawFn, live: Block | None, name: str, declaration: _Declaration) -> Block:
    block: Block = {"name": name}
    live = live or {"fields": [], "batches": []}
    if chance(draw, 50):
        block["label"] = draw(st.sampled_from(["A", "B", "C"]))
    fields = _declared_fields(draw, live["fields"])
    absent = {f["name"] for f in fields if f.get("ensure") == "absent"}
    there = {f["name"] for f in live["fields"]} | {f["name"] for f in fields}
    if chance(draw, 20):
        block["exclusive"] = draw(st.sampled_from([["fields"], ["batches"], ["fields", "batches"]]))
    if "fields" in block.get("exclusive", ()):
        there = {f["name"] for f in fields}
    usable = sorted(there - absent - {"phone"})
    free = [n for n in BATCHES if n not in {b["name"] for b in live["batches"]}]
    batches = [b for x in live["batches"] if (b := _declared_batch(draw, x, declaration, usable, free)) is not None]
    if free and chance(draw, 50):
        batches.append(_new_batch(draw, free.pop(), declaration, usable))
    if _former_name_is_live(draw, live["batches"], batches) and chance(draw, 25):
        block["exclusive"] = ["batches"]
    return {**block, "fields": fields, "batches": batches}


def _former_name_is_live(draw: DrawFn, live: list[Block], declared: list[Block]) -> bool:
    """Sometimes the former name of a live object is live as well, and not declared."""
    declared_names = {n for b in declared for n in (b["name"], *b.get("renamed_from", ()))}
    old = [b["name"] for b in live if b["name"] not in declared_names]
    new = [b for b in declared if "ensure" not in b and b["name"] in {x["name"] for x in live}]
    if not old or not new or not chance(draw, 40):
        return False
    new[0]["renamed_from"] = old[:1]
    return True


def _absent_base(draw: DrawFn, live: Block) -> Block:
    """Mostly with every unfinished batch declared, so that the plan may stop them."""
    named = [{"name": b["name"]} for b in live["batches"] if b["state"] in UNFINISHED and not chance(draw, 15)]
    if named and chance(draw, 40):
        named[0]["protect"] = True
    return {"name": live["name"], "ensure": "absent", "batches": named}


def _declared_bases(draw: DrawFn, live: list[Block], declaration: _Declaration) -> list[Block]:
    free = [n for n in BASES if n not in {b["name"] for b in live}]
    blocks: list[Block] = []
    if len(live) >= 2 and chance(draw, 10):
        a, b = live[0], live[1]
        for here, there in ((a, b), (b, a)):
            block = _declared_base(draw, there, here["name"], declaration)
            blocks.append({**block, "label": there["label"], "renamed_from": [there["name"]]})
        live = live[2:]
    for base in live:
        choice = draw(st.sampled_from(["declared"] * 6 + ["omitted", "absent", "renamed", "odd"]))
        match choice:
            case "declared":
                blocks.append(_declared_base(draw, base, base["name"], declaration))
            case "absent":
                blocks.append(_absent_base(draw, base))
            case "renamed" if free:
                blocks.append({**_declared_base(draw, base, free.pop(), declaration), "renamed_from": [base["name"]]})
            case "odd" if free:
                others = [b["name"] for b in live]
                blocks.append({**_declared_base(draw, None, free.pop(), declaration), "renamed_from": others})
            case _:
                pass
    if free and chance(draw, 40):
        blocks.append(_declared_base(draw, None, free.pop(), declaration))
    return blocks


@st.composite
def worlds(draw: DrawFn) -> World:
    """One world."""
    contract = draw(st.sampled_from(CONTRACTS))
    seed = live(draw, contract)
    declaration = _declared_services(draw, seed["services"], contract)
    bases = _declared_bases(draw, seed["bases"], declaration)
    return World(seed, {"services": declaration.services, "bases": bases}, contract)
