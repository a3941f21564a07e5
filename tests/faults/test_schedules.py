"""Any schedule of faults over a run of many kinds of writes, then clean runs: everything ends as it is declared,
nothing is made twice, and a run that is not done says so."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.faults.killing import Changes, changing
from tests.faults.proxy import When, nth
from tests.faults.scene import Scene, shown
from tests.faults.schedules import FAULTS, moments

EXAMPLES = int(os.environ.get("KIAMO_IAC_WORLDS", "0")) // 10 or 12


@pytest.fixture
def changes(scene: Scene) -> Changes:
    """The instance under the first manifest, and the second one to be applied."""
    made = changing(scene)
    scene.speed = 60
    return made


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    schedule=st.lists(moments(), min_size=1, max_size=5),
    parallelism=st.sampled_from(["1", "4"]),
    lists_behind=st.sampled_from([0, 0, 2]),
    names_unique=st.booleans(),
)
def test_after_any_schedule_of_faults_clean_runs_converge(
    changes: Changes,
    schedule: list[tuple[str, int, int, When]],
    parallelism: str,
    lists_behind: int,
    names_unique: bool,
) -> None:
    changes.again()
    scene = changes.scene
    scene.kiamo.lists_behind, scene.kiamo.names_unique = lists_behind, names_unique
    for name, first, last, when in schedule:
        fault, method, _ = FAULTS[name]
        scene.proxy.play(fault, method, on=nth(*range(first, last + 1)), when=when)
    done = scene.apply("--parallelism", parallelism)
    log = "\n".join(map(str, scene.kiamo.writes))
    assert done.returncode in (0, 1, 3, 4), shown(done)
    assert (done.returncode != 0) | (scene.kiamo.tree() == changes.target), f"{log}\n{shown(done)}"
    assert (done.returncode != 1) | (scene.kiamo.committed == []), f"{log}\n{shown(done)}"
    assert scene.kiamo.duplicates() == [], f"{log}\n{shown(done)}"
    scene.kiamo.lists_behind = 0
    scene.kiamo.show()
    try:
        scene.converges(to=changes.target)
    except AssertionError as error:
        msg = f"after {shown(done)}\n{log}\nthen {error}"
        raise AssertionError(msg) from error
    creates = [f"{call.path} {call.body.get('name')}" for call in scene.kiamo.committed if call.method == "POST"]
    assert len(creates) == len(set(creates)), f"{log}\n{shown(done)}"
