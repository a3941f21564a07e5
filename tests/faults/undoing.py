"""Undoing a run, and what must be so afterwards: all is as before it, but for what was listed first."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from tests.faults.forks import Forks
from tests.faults.kiamo import Item
from tests.faults.killing import Changes, kill
from tests.faults.proxy import When
from tests.faults.scene import Scene, shown

LISTED = re.compile(r"  (?P<address>[a-z]+/.+?): ")
"""A line of what cannot be undone."""


def undo_all(scene: Scene, *, to: Item, run: str = "", where: str = "") -> list[str]:
    """Undo a run (empty: the last) with every consent. Returns the lines that say what cannot be undone.

    Raises:
        AssertionError: it is refused, or something differs from `to`, a tree, that is not in these lines.
    """
    bases = [f"bases/{base['name']}" for base in (*scene.kiamo.tree()["bases"], *to["bases"])]
    consents = [word for base in bases for word in ("--allow-stop", base, "--allow-data-loss", base)]
    arguments = ("undo", "-e", "staging", *([run] if run else []), "--yes", "--allow-start", *consents)
    done = scene.run(*arguments)
    log = f"{where}{shown(done)}"
    assert done.returncode == 0, log
    listed = list(_impossible(done.stdout))
    addresses = {found["address"] for line in listed if (found := LISTED.match(line)) is not None}
    wanted, there = objects(to), objects(scene.kiamo.tree())
    different = {address for address in wanted.keys() | there.keys() if wanted.get(address) != there.get(address)}
    above = tuple(f"{line[2:].split(': ')[0]}/" for line in listed if ": nothing of it is undone: " in line)
    different = {address for address in different if not address.startswith(above)}
    assert different <= addresses, f"not listed: {different - addresses}\n{log}"
    return listed


def undone_at(changes: Changes, forking: Forks, number: int, *, when: When) -> None:
    """Kill a run at its n-th write, and undo it.

    Raises:
        AssertionError: something is not as before the run, and was not listed.
    """
    changes.again()
    scene = changes.scene
    before = scene.kiamo.tree()
    kill(changes, forking, number, when=when)
    scene.proxy.peace()
    log = "\n".join(map(str, scene.kiamo.writes))
    undo_all(scene, to=before, where=f"killed {when.value} write {number}, after\n{log}\n")


def _impossible(text: str) -> Iterator[str]:
    lines = text.splitlines()
    if lines[:1] == ["Cannot be undone:"]:
        yield from lines[1 : lines.index("")]


def objects(tree: Item) -> dict[str, str]:
    """Each object of a tree by its address, without what is below it."""
    found = {f"services/{each['name']}": json.dumps(each) for each in tree["services"]}
    for base in tree["bases"]:
        at = f"bases/{base['name']}"
        found[at] = json.dumps({key: value for key, value in base.items() if key not in {"fields", "batches"}})
        for kind in ("fields", "batches"):
            found |= {f"{at}/{kind}/{each['name']}": json.dumps(each) for each in base[kind]}
    return found
