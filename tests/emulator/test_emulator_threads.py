"""Many threads at once: nothing is lost, nothing is made twice, and every call is in the log."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable

from kiamo_iac.emulator import Emulator
from tests.emulator.speaker import Ref, Speaker

THREADS = 8


def at_once(work: Callable[[int], None]) -> None:
    """Run it in every thread, all of them starting together."""
    failures: list[BaseException] = []
    barrier = threading.Barrier(THREADS)

    def run(number: int) -> None:
        barrier.wait()
        try:
            work(number)
        except BaseException as error:  # noqa: BLE001 - shown below, in the test's own thread
            failures.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures


def test_one_of_many_creates_of_a_name_wins(kiamo: Speaker, emulator: Emulator) -> None:
    outcomes: Counter[tuple[int, str | None]] = Counter()

    def work(number: int) -> None:
        for turn in range(20):
            outcomes[kiamo.try_create("base", name=f"b{turn}", label=str(number)).outcome] += 1

    at_once(work)
    assert outcomes == {(201, None): 20, (400, "ERR_2060"): 20 * (THREADS - 1)}
    assert sorted(b["name"] for b in emulator.dump()["bases"]) == sorted(f"b{turn}" for turn in range(20))


def test_threads_do_not_see_half_of_a_call(kiamo: Speaker, emulator: Emulator, service: Ref) -> None:
    def work(number: int) -> None:
        for turn in range(10):
            fields = [{"name": f"f{n}", "label": "F", "datatype": "text"} for n in range(5)]
            base = kiamo.create("base", name=f"b{number} {turn}", field=fields)
            assert len(kiamo.list("field", base)) == 6
            batch = kiamo.create("batch", base, name="x", service=service)
            assert kiamo.do(base, "delete").outcome == (400, "ERR_2000")
            assert all(b["state"] in {"new", "stopped"} for b in kiamo.list("batch", base))
            assert kiamo.do(batch, "stop").status == 200
            assert kiamo.do(base, "delete").status == 204

    at_once(work)
    assert emulator.dump() == {"services": [{"name": "Outbound Sales", "label": "Sales desk"}]}


def test_every_call_is_in_the_log_once(kiamo: Speaker, emulator: Emulator, service: Ref) -> None:
    emulator.reset()

    def work(number: int) -> None:
        for turn in range(50):
            kiamo.request("base", "list", query={"by": f"{number}/{turn}"})

    at_once(work)
    calls = emulator.calls()
    assert [c.n for c in calls] == list(range(calls[0].n, calls[0].n + 50 * THREADS))
    assert {c.query["by"] for c in calls} == {f"{n}/{t}" for n in range(THREADS) for t in range(50)}
    assert 1 <= emulator.peak.reads <= THREADS
    assert emulator.peak.writes == 0
