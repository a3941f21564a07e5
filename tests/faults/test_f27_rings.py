"""Swaps and rings of names that are cut at any write: F27. `stage_kills.py` cuts swaps too, and at every call."""

from __future__ import annotations

import pytest

from tests.faults.cutting import RINGS, Ring, cut_at, killed, manifest, ring_of
from tests.faults.forks import Forks
from tests.faults.proxy import AFTER
from tests.faults.scene import Scene, shown


@pytest.mark.parametrize("back", [False, True], ids=["forward", "back"])
@pytest.mark.parametrize("ledger", [True, False], ids=["ledger", "no ledger"])
def test_f27_a_ring_cut_at_any_write_ends_under_the_declared_names(
    scene: Scene, forking: Forks, back: bool, ledger: bool
) -> None:
    made = ring_of(scene, RINGS["ring"])
    for number in range(1, made.writes + 1):
        cut_at(made, forking, number, when=AFTER, back=back, ledger=ledger)


def cut(scene: Scene, forking: Forks, number: int) -> Ring:
    """A ring of three that was killed right after that write."""
    made = ring_of(scene, RINGS["ring"])
    made.again()
    scene.manifest(manifest(made.names, turned=True))
    assert killed(scene, forking, number, when=AFTER)
    return made


@pytest.mark.parametrize("back", [False, True], ids=["forward", "back"])
def test_f27_a_stranger_takes_the_free_name_of_a_ring_that_was_cut(scene: Scene, forking: Forks, back: bool) -> None:
    """No object passes for another one: each would get the content of the next, and one would be pruned."""
    made = cut(scene, forking, 2)
    (free,) = set(made.names) - {base["name"] for base in scene.kiamo.bases.values()}
    stranger = scene.kiamo.base(free, label="By hand")
    scene.manifest(manifest(made.names, turned=not back))
    before = scene.kiamo.tree()
    for more in ((), ("--prune",)):
        done = scene.apply(*more, expect=1)
        assert f'rename "{free}" in Kiamo' in done.stdout, shown(done)
    assert scene.kiamo.tree() == before
    scene.kiamo.by_hand("PUT", f"/bases/{stranger}", {"name": "By hand"})
    scene.converges()
    assert {pair for pair in made.objects() if pair[0] != stranger} == made.first_objects


def test_f27_a_ring_of_which_a_part_was_targeted_can_be_taken_back(scene: Scene, forking: Forks) -> None:
    made = cut(scene, forking, 2)
    scene.apply("--target", f"bases/{made.names[1]}", expect=0)
    scene.manifest(manifest(made.names, turned=False))
    scene.apply("--prune", expect=0)
    scene.converges()
    assert made.objects() == made.first_objects
    assert {base["name"]: base["label"] for base in scene.kiamo.bases.values()} == {n: f"Was {n}" for n in made.names}


def test_f27_an_undo_of_another_run_leaves_a_ring_as_far_as_it_came(scene: Scene, forking: Forks) -> None:
    names = RINGS["ring"]
    other = "  - {name: other, label: %s}\n"
    scene.manifest(manifest(names, turned=False) + other % "One")
    scene.converges()
    objects = {base["id"]: base["label"] for base in scene.kiamo.bases.values()}
    before = scene.journals()
    scene.manifest(manifest(names, turned=False) + other % "Two")
    scene.apply(expect=0)
    (journal,) = scene.journals() - before
    scene.manifest(manifest(names, turned=True) + other % "Two")
    assert killed(scene, forking, 2, when=AFTER)
    done = scene.run("undo", "-e", "staging", journal.stem, "--yes")
    assert (done.returncode, "KIA0607" in done.stdout) == (0, False), shown(done)
    scene.manifest(manifest(names, turned=True) + other % "One")
    scene.converges()
    assert {base["id"]: base["label"] for base in scene.kiamo.bases.values()} == objects


def test_f27_names_that_an_instance_compares_without_case_are_exchanged(scene: Scene) -> None:
    """Otherwise both renames are refused, at every apply."""
    scene.kiamo.names_fold = True
    scene.manifest("bases: [{name: alpha, label: One}, {name: beta, label: Two}]\n")
    scene.converges()
    ids = {base["label"]: base["id"] for base in scene.kiamo.bases.values()}
    one, two = "{name: Beta, label: One, renamed_from: [alpha]}", "{name: Alpha, label: Two, renamed_from: [beta]}"
    scene.manifest(f"bases: [{one}, {two}]\n")
    scene.converges()
    assert {base["label"]: base["id"] for base in scene.kiamo.bases.values()} == ids
    assert {base["name"] for base in scene.kiamo.bases.values()} == {"Alpha", "Beta"}
