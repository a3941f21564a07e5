"""Whether an instance matches its manifests, judged by its own dumps; shares no code with the planner."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.e2e.instances import Block

_SATISFIES = {"started": {"started", "finished"}, "stopped": {"stopped", "finished"}}
_COLLECTIONS = ("fields", "batches")
_NOT_COMPARED = {
    "fields",
    "batches",
    "ensure",
    "renamed_from",
    "exclusive",
    "managed",
    "initial_state",
    "protect",
    "state",
}


def complaints(manifest: dict[str, list[Block]], before: Block, after: Block) -> list[str]:
    """Every difference between `after` and what `manifest` declares, given `before`; dumps with ids."""
    judge = _Judge(_plain(before), _plain(after))
    for collection in ("services", "bases"):
        judge.level(collection, manifest[collection], before.get(collection, []), after.get(collection, []))
    return judge.found


def gone(before: Block, after: Block) -> set[Key]:
    """What was there and is no more, without the platform's default fields."""
    old, new = _plain(before), _plain(after)
    return {key for key, block in old.items() if key not in new and not block.get("default")}


def ended(before: Block, after: Block) -> list[str]:
    """The names of the batches that ran, and never will again."""
    return _names(before, after, was={"started"}, now={"stopped", None})


def begun(before: Block, after: Block) -> list[str]:
    """The names of the batches that did not run, and do."""
    return _names(before, after, was={"new", "paused", None}, now={"started"})


def _names(before: Block, after: Block, *, was: set[str | None], now: set[str | None]) -> list[str]:
    old, new = _plain(before), _plain(after)
    batches = [key for key in old | new if key[0] == "batches"]
    return sorted(
        (old | new)[key]["name"]
        for key in batches
        if old.get(key, {}).get("state") in was and new.get(key, {}).get("state") in now
    )


Key = tuple[str, str | int]
"""Collection and id: ids may be the same across kinds."""


def _plain(dump: Block) -> dict[Key, Block]:
    """Every object by its key, references as ids, so that a rename of a target does not change the object."""
    services = {s["name"]: s["id"] for s in dump.get("services", ())}
    objects: dict[Key, Block] = {("services", s["id"]): s for s in dump.get("services", ())}
    for base in dump.get("bases", ()):
        objects |= {("fields", f["id"]): f for f in base.get("fields", ())}
        for batch in base.get("batches", ()):
            service = batch.get("service")
            roles = {r: f["gone"] if isinstance(f, dict) else f for r, f in batch.get("association", {}).items()}
            plain = service["id"] if isinstance(service, dict) else services.get(service)
            objects["batches", batch["id"]] = {**batch, "service": plain, "association": roles}
        batches = [objects["batches", b["id"]] for b in base.get("batches", ())]
        objects["bases", base["id"]] = {**base, "batches": batches}
    return objects


class _Judge:
    def __init__(self, before: dict[Key, Block], after: dict[Key, Block]) -> None:
        self._before, self._after = before, after
        self.found: list[str] = []

    def level(
        self, path: str, declared: list[Block], before: list[Block], after: list[Block], *, exclusive: bool = False
    ) -> None:
        """One collection below one parent."""
        old, now = ({b["name"]: b for b in blocks} for blocks in (before, after))
        for block in declared:
            self._one(f"{path}/{block['name']}", block, old, now)
        declared_names = {n for d in declared for n in (d["name"], *d.get("renamed_from", ()))}
        for block in before:
            if block["name"] in declared_names or block.get("default"):
                continue
            key = (path.rsplit("/", 1)[-1], block["id"])
            if exclusive and key in self._after:
                self.found.append(f"{path}/{block['name']} is not declared, but still exists")
            elif not exclusive and self._before[key] != self._after.get(key):
                self.found.append(f"{path}/{block['name']} is not declared, but was changed")

    def _one(self, path: str, block: Block, old: dict[str, Block], now: dict[str, Block]) -> None:
        there = now.get(block["name"])
        if block.get("ensure") == "absent":
            self.found += [f"{path} still exists"] * (there is not None)
            return
        if there is None:
            self.found.append(f"{path} does not exist")
            return
        was = next((b for b in old.values() if b["id"] == there["id"]), None)
        self.found += [f"{path}: {complaint}" for complaint in _attributes(block, there, was)]
        if was is None and (block["name"] in old or old.keys() & set(block.get("renamed_from", ()))):
            self.found.append(f"{path} was recreated")
        for collection in _COLLECTIONS:
            if path.startswith("bases/") and path.count("/") == 1:
                self.level(
                    f"{path}/{collection}",
                    block.get(collection, []),
                    (was or {}).get(collection, []),
                    there.get(collection, []),
                    exclusive=collection in block.get("exclusive", ()),
                )


def _attributes(block: Block, there: Block, was: Block | None) -> Iterator[str]:
    for key, wanted in block.items():
        if key == "settings":
            have: Any = {name: there.get("settings", {}).get(name) for name in wanted}
        elif key in _NOT_COMPARED:
            continue
        else:
            have = there.get(key, {} if key == "association" else None)
        if have != wanted:
            yield f"{key} is {have}, not {wanted}"
    if "state" not in there:
        return
    if "state" in block:
        if there["state"] not in _SATISFIES.get(block["state"], {block["state"]}):
            yield f"is {there['state']}, not {block['state']}"
    elif was is not None and there["state"] != was["state"]:
        yield f"was {was['state']}, is {there['state']}, without a declared state"
    elif was is None and there["state"] != block.get("initial_state", "new"):
        yield f"was created and is {there['state']}"
