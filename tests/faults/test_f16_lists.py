"""A list that was cut so that it is still valid JSON: F16."""

from __future__ import annotations

import json

import pytest

from tests.faults.proxy import Fault, always, changed, truncated
from tests.faults.scene import MANIFEST, Scene, shown
from tests.faults.test_f17_answers import without_writing


@pytest.mark.parametrize("path", ["/services$", "/bases$", "/fields$", "/batches$"])
def test_f16_a_list_that_was_cut_to_nothing_once_is_read_again(scene: Scene, path: str) -> None:
    tree = scene.converges()
    before = scene.ledger.read_bytes()
    rule = scene.proxy.play(truncated(b"[]"), "GET", path)
    writes = len(scene.kiamo.writes)
    done = scene.apply("--prune", expect=0)
    assert rule.played == 1
    assert "No changes" in done.stdout, shown(done)
    assert (len(scene.kiamo.writes), scene.ledger.read_bytes()) == (writes, before)
    scene.converges(to=tree)


@pytest.mark.parametrize("path", ["/services$", "/bases$"])
def test_f16_a_kind_that_is_gone_at_once_is_refused(scene: Scene, path: str) -> None:
    tree = scene.converges()
    scene.proxy.play(truncated(b"[]"), "GET", path, on=always)
    assert "ledger forget" in without_writing(scene)
    scene.converges(to=tree)


def test_f16_children_are_believed_after_the_second_reading(scene: Scene) -> None:
    tree = scene.converges()
    kiamo = scene.kiamo
    base = kiamo.id_of("prospects")
    batch = f"/bases/{base}/batches/{kiamo.id_of('prospects', 'relance')}"
    kiamo.by_hand("PUT", f"{batch}/command", {"command": "stop"})
    kiamo.by_hand("DELETE", batch)
    read = len(kiamo.calls)
    scene.converges(to=tree)
    lists = [call for call in kiamo.calls[read:] if call.path == f"/api/bases/{base}/batches" and not call.is_write]
    assert len(lists) >= 2
    assert len(scene.created(f"/bases/{base}/batches")) == 2


def without(id_: str) -> Fault:
    """The list lacks one object."""
    return changed(lambda body: json.dumps([item for item in json.loads(body) if item["id"] != id_]).encode())


@pytest.mark.parametrize("renamed", [False, True])
def test_f16_a_batch_that_no_list_shows_is_not_made_and_started_a_second_time(scene: Scene, renamed: bool) -> None:
    """A read shows it under the id of the ledger: its contacts are not dialled twice."""
    started = MANIFEST.replace("destination: phone}}", "destination: phone}, state: started}")
    scene.manifest(started)
    scene.apply("--allow-start", expect=0)
    tree, writes = scene.kiamo.tree(), len(scene.kiamo.writes)
    scene.proxy.play(without(scene.kiamo.id_of("prospects", "relance")), "GET", "/batches$", on=always)
    if renamed:
        scene.manifest(started.replace("name: relance,", "name: rappel, renamed_from: [relance],"))
    done = scene.apply("--allow-start", expect=3)
    assert "still exists on the instance" in done.stdout, shown(done)
    assert "ledger forget" in done.stdout, shown(done)
    assert (len(scene.kiamo.writes), scene.kiamo.tree()) == (writes, tree)
    scene.proxy.peace()
    scene.manifest(started)
    scene.converges("--allow-start", to=tree)
