"""Swaps and rings of names, cut at every write: forward again or back in git, with and without the ledger."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import count, product
from typing import Any

import pytest

from kiamo_iac.app.planning import detect_drift, plan_environment
from kiamo_iac.core.address import Address
from tests.app.conftest import Site
from tests.app.killing import Kill, applied, killed, ledger_file

ROLES = ("home", "work", "mobile")


def bases(names: list[str], *, alike: bool, renamed: bool, relabelled: bool = False) -> dict[str, Any]:
    """Bases with a field and a batch each. After the renames, each name is that of the next one's object.

    `relabelled`: a label belongs to the name, and so changes with it."""

    def block(number: int, name: str) -> dict[str, Any]:
        batch = {"name": f"w{number}", "service": "Sales", "association": {"destination": "phone"}}
        return {
            "name": name,
            "label": f"Of {name}" if relabelled else "Same" if alike else f"Label {number}",
            "fields": [{"name": f"f{number}", "label": f"F{number}", "datatype": "string"}],
            "batches": [batch],
        }

    return {"services": [{"name": "Sales"}], "bases": list(_named(names, block, renamed=renamed))}


def batches(names: list[str], *, alike: bool, renamed: bool) -> dict[str, Any]:
    """Batches of one base; they differ by the field that they dial."""

    def block(number: int, name: str) -> dict[str, Any]:
        role = "phone" if alike else ROLES[number]
        return {"name": name, "service": "Sales", "association": {"destination": role}}

    fields = [{"name": role, "label": role, "datatype": "phone"} for role in ROLES]
    base = {"name": "p", "label": "P", "fields": fields, "batches": list(_named(names, block, renamed=renamed))}
    return {"services": [{"name": "Sales"}], "bases": [base]}


def _named(names: list[str], block: Any, *, renamed: bool) -> Iterator[dict[str, Any]]:
    for number, name in enumerate(names):
        if renamed:
            yield {**block(number, names[(number + 1) % len(names)]), "renamed_from": [name]}
        else:
            yield block(number, name)


WORLDS: Mapping[str, Callable[..., dict[str, Any]]] = {
    "bases": bases,
    "relabelled bases": partial(bases, relabelled=True),
    "batches": batches,
}
SAVED = ("ledger", "unsaved ledger", "no ledger")


def ids(site: Site, world: str) -> dict[str, str]:
    """Name → id of the objects that exchange their names."""
    found = site.emulator.dump(ids=True)["bases"]
    return {one["name"]: one["id"] for one in (found[0]["batches"] if world == "batches" else found)}


def everything(site: Site) -> set[str]:
    """The ids of all objects."""
    found = set()
    for base in site.emulator.dump(ids=True)["bases"]:
        found |= {base["id"], *(child["id"] for key in ("fields", "batches") for child in base[key])}
    return found


def write(site: Site, manifest: dict[str, Any]) -> None:
    site.manifest(json.dumps(manifest))


def begin(site: Site, world: str, names: list[str], *, alike: bool) -> None:
    """What is there before, with a ledger."""
    site.emulator.reset()
    site.emulator.seed({"services": [{"name": "Sales", "label": "Sales"}], "bases": []})
    ledger_file(site).unlink(missing_ok=True)
    write(site, WORLDS[world](names, alike=alike, renamed=False))
    applied(site)


def rings() -> list[Any]:
    """All ways to cut a ring, and a swap, in `make slow`; else each seventh way to cut a ring: any two values of two
    parameters meet."""
    thorough = bool(os.environ.get("KIAMO_IAC_WORLDS"))
    ways = product(WORLDS, [3, 2] if thorough else [3], [False, True], [False, True], [False, True], SAVED)
    return [pytest.param(*way, id="-".join(map(str, way))) for way in list(ways)[:: 1 if thorough else 7]]


@pytest.mark.parametrize(("world", "size", "alike", "committed", "back", "saved"), rings())
def test_f27_a_ring_cut_at_any_write_ends_under_the_declared_names(
    site: Site, world: str, size: int, *, alike: bool, committed: bool, back: bool, saved: str
) -> None:
    ledger = saved != "no ledger"
    names = ["a", "b", "c"][:size]
    for at in count(1):
        begin(site, world, names, alike=alike)
        before, whole = ids(site, world), everything(site)
        write(site, WORLDS[world](names, alike=alike, renamed=True))
        if not killed(site, Kill(at, committed, unsaved=saved == "unsaved ledger")):
            break
        done = at - 1 + committed
        if not ledger:
            ledger_file(site).unlink()
        write(site, WORLDS[world](names, alike=alike, renamed=not back))
        if back and not ledger and done >= size + 1 and world != "batches":
            continue  # nothing shows that names were exchanged: the children are declared below the other one
        plan = plan_environment(site.workspace, "staging").plan
        assert plan.applyable, plan.diagnostics
        assert {step.action.value for step in plan.steps} <= {"rename", "update"}
        applied(site)
        after = ids(site, world)
        assert everything(site) == whole
        assert after.keys() == set(names)
        told_apart = ledger or world != "batches" or not alike
        if back and (ledger or done <= size):
            assert after == before if told_apart else set(after.values()) == set(before.values())
        if not back and (told_apart or 0 < done <= size):
            assert after == {names[(n + 1) % size]: before[name] for n, name in enumerate(names)}
        again = plan_environment(site.workspace, "staging").plan
        assert again.steps == ()
        assert again.applyable
        if ledger:
            assert {e.address.name: e.remote_id for a, e in site.owned().items() if e.address.name in names} == after
            assert {entry.renaming_to for entry in site.owned().values()} == {None}
            assert not detect_drift(site.workspace, "staging")[1].any
    assert at >= size + 2


@pytest.mark.parametrize("committed", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("back", [False, True], ids=["forward", "back"])
@pytest.mark.parametrize("first", [1, 2, 3])
def test_f27_two_cuts_in_a_row(site: Site, first: int, *, back: bool, committed: bool) -> None:
    """The run that ends a ring, or takes it back, is cut too; then forward."""
    names = ["a", "b", "c"]
    for at in count(1):
        begin(site, "bases", names, alike=True)
        before, whole = ids(site, "bases"), everything(site)
        write(site, bases(names, alike=True, renamed=True))
        assert killed(site, Kill(first, committed))
        write(site, bases(names, alike=True, renamed=not back))
        if not killed(site, Kill(at, committed)):
            break
        write(site, bases(names, alike=True, renamed=True))
        applied(site)
        assert everything(site) == whole
        assert ids(site, "bases") == {"b": before["a"], "c": before["b"], "a": before["c"]}
        assert plan_environment(site.workspace, "staging").plan.steps == ()
    assert at > 1 or back


@pytest.mark.parametrize("committed", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("managed", [True, False])
def test_o14_a_rename_that_was_killed_before_its_record_stays_managed(
    site: Site, *, managed: bool, committed: bool
) -> None:
    """Also if it was not managed before: what a run renames, it manages."""
    begin(site, "bases", ["a"], alike=False)
    if not managed:
        ledger_file(site).unlink()
    before = ids(site, "bases")["a"]
    manifest = bases(["z"], alike=False, renamed=False)
    manifest["bases"][0]["renamed_from"] = ["a"]
    write(site, manifest)
    assert killed(site, Kill(1, committed))
    assert [e.renaming_to for a, e in site.owned().items() if a.parent is None] == ["z"]
    applied(site)
    assert site.owned()[Address("bases/z")].remote_id == before
    assert site.owned()[Address("bases/z")].renaming_to is None
    assert ids(site, "bases") == {"z": before}
    if managed:
        below = {a.name for a in site.owned() if a.parent == Address("bases/z")}
        assert below == {"f0", "w0"}


@pytest.mark.parametrize("committed", [False, True], ids=["before", "after"])
def test_o14_a_rename_that_was_killed_and_is_taken_back(site: Site, *, committed: bool) -> None:
    begin(site, "bases", ["a"], alike=False)
    before, whole = ids(site, "bases"), everything(site)
    manifest = bases(["z"], alike=False, renamed=False)
    manifest["bases"][0]["renamed_from"] = ["a"]
    write(site, manifest)
    assert killed(site, Kill(1, committed))
    write(site, bases(["a"], alike=False, renamed=False))
    plan = plan_environment(site.workspace, "staging").plan
    assert [s.reason for s in plan.steps] == (['left as "z" by an interrupted run'] if committed else [])
    assert plan.diagnostics == ()
    applied(site)
    assert (ids(site, "bases"), everything(site)) == (before, whole)
    assert plan_environment(site.workspace, "staging").plan.steps == ()


def test_drift_does_not_blame_the_instance_for_a_temporary_name(site: Site) -> None:
    begin(site, "bases", ["a", "b"], alike=False)
    write(site, bases(["a", "b"], alike=False, renamed=True))
    assert killed(site, Kill(1, committed=True))
    _, drift = detect_drift(site.workspace, "staging")
    assert {r.changed_by.value for r in drift.resources} == {"git"}


def test_an_object_that_only_looks_like_a_temporary_name_is_untouched(site: Site) -> None:
    """Without a ledger: `a-tmp` of others, which differs from what `a` declares; and a new name."""
    begin(site, "bases", ["a"], alike=False)
    ledger_file(site).unlink()
    site.call("POST", "/api/bases", {"name": "a-tmp", "label": "Others", "fields": []})
    manifest = bases(["a"], alike=False, renamed=False)
    manifest["bases"].append({"name": "new", "label": "New"})
    write(site, manifest)
    assert [f"{s.action} {s.address}" for s in plan_environment(site.workspace, "staging").plan.steps] == [
        "create bases/new"
    ]
