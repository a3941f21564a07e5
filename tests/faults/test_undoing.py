"""A run that was killed is undone: all is as before it, but for what is listed. `stage_kills.py` has every write."""

from __future__ import annotations

from tests.faults.forks import Forks
from tests.faults.killing import changing, kill
from tests.faults.long_plan import LONG
from tests.faults.proxy import AFTER, BEFORE, When, reply
from tests.faults.scene import Scene
from tests.faults.undoing import undo_all, undone_at

POINTS: list[tuple[int, When]] = [
    (4, BEFORE),  # within a ring of names
    (5, AFTER),  # the last of them, which makes an update in the same call, before the ledger has it
    (11, AFTER),  # a create whose answer is lost
    (21, BEFORE),  # a delete that was not done, of a batch that was stopped for it
    (38, AFTER),
    (45, AFTER),
]


def test_a_run_that_was_killed_is_undone(scene: Scene, forking: Forks) -> None:
    changes = changing(scene, plot=LONG)
    for number, when in POINTS:
        undone_at(changes, forking, number, when=when)


def test_an_object_that_others_made_where_a_create_was_not_done_is_not_deleted(scene: Scene, forking: Forks) -> None:
    changes = changing(scene)
    changes.again()
    scene.manifest(changes.plot.before + "  - {name: neuf, label: Neuf}\n")
    kill(changes, forking, 1, when=BEFORE, method="POST")
    scene.proxy.peace()
    scene.kiamo.base("neuf", label="Of others")
    before = scene.kiamo.tree()
    listed = undo_all(scene, to=before)
    assert listed == [
        (
            "  bases/neuf: nothing of it is undone: no answer says whether the run created it "
            "(if it did, delete it on the instance)"
        )
    ]
    assert scene.kiamo.tree() == before


def test_undos_of_undos_are_undone(scene: Scene) -> None:
    """What was stopped or started by then stays so, and is not listed again."""
    changes = changing(scene, plot=LONG)
    changes.again()
    before = scene.kiamo.tree()
    scene.apply(expect=0)
    after = scene.kiamo.tree()
    undo_all(scene, to=before)
    first = scene.kiamo.tree()
    undo_all(scene, to=after)
    second = scene.kiamo.tree()
    undo_all(scene, to=first)
    undo_all(scene, to=second)


def test_what_was_changed_below_a_base_whose_rename_was_refused_is_undone_there(scene: Scene) -> None:
    """The journal has the addresses that were planned; the base still has its former name, which another one was to
    get."""
    changes = changing(scene, plot=LONG)
    changes.again()
    before = scene.kiamo.tree()
    scene.proxy.play(reply(400, '{"code": "ERR_1020", "message": "No."}'), "PUT", when=BEFORE)
    assert "failed: > rename bases/a" in scene.apply("--parallelism", "1", expect=4).stderr
    scene.proxy.peace()
    undo_all(scene, to=before)
