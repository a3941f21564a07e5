"""Any world applied while answers are lost, cut, empty or 5xx: done in one run, nothing twice, then nothing to do."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import httpx
from hypothesis import given, settings
from hypothesis import strategies as st

from kiamo_iac.api.client import Client
from kiamo_iac.core.diagnostics import has_errors
from kiamo_iac.core.secret import Secret
from kiamo_iac.emulator import FULL_TOKEN, EmulatorRequest
from kiamo_iac.executor.delivery import Polling
from kiamo_iac.executor.preconditions import PreconditionCheck
from kiamo_iac.executor.report import Report
from kiamo_iac.executor.scheduler import execute
from kiamo_iac.executor.writer import Writer
from kiamo_iac.http.transport import InProcess
from kiamo_iac.planner.plan import Action, Plan
from tests.api.clients import budget_by
from tests.e2e.oracle import complaints
from tests.e2e.rig import Rig, rig, write_manifest
from tests.e2e.test_any_to_any import EXAMPLES, thoroughly
from tests.e2e.worlds import World, worlds
from tests.executor.checking import Clock
from tests.http.stubs import URL

COMMANDS = {Action.START.value, Action.PAUSE.value, Action.STOP.value}


class Unreliable(httpx.BaseTransport):
    """Every write may go wrong once, before or after it reached the instance."""

    def __init__(self, inner: httpx.BaseTransport, chance: random.Random) -> None:
        self._inner = inner
        self._chance = chance
        self._failed: set[tuple[str, str, bytes]] = set()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        call = (request.method, request.url.path, request.read())
        if request.method == "GET" or call in self._failed or self._chance.random() < 0.5:
            return self._inner.handle_request(request)
        self._failed.add(call)
        how = self._chance.choice(["reset", "502", "500", "503", "html", "empty", "null"])
        answer = self._inner.handle_request(request) if how in {"html", "empty", "null"} or self._coin() else None
        if answer is not None and answer.status_code >= 400:
            return answer
        match how:
            case "reset":
                msg = "reset"
                raise httpx.ReadError(msg)
            case "502" | "500" | "503":
                return httpx.Response(int(how), stream=httpx.ByteStream(b"<h1>Bad Gateway</h1>"))
            case "html":
                return httpx.Response(200, stream=httpx.ByteStream(b"<html>"))
            case "empty":
                return httpx.Response(200, stream=httpx.ByteStream(b""))
            case _:
                return httpx.Response(200, stream=httpx.ByteStream(b"{}"))

    def _coin(self) -> bool:
        return self._chance.random() < 0.5


@settings(parent=thoroughly, max_examples=max(100, EXAMPLES // 5))
@given(world=worlds(), seed=st.integers(0, 2**32))
def test_whatever_answers_are_lost_every_step_is_done_once(world: World, seed: int, tmp_path: Path) -> None:
    bench = rig(world.contract)
    bench.emulator.reset()
    bench.emulator.seed(world.seed)
    before = bench.emulator.dump(ids=True)
    loaded = bench.load([write_manifest(tmp_path / "all.yaml", world.manifest)], tmp_path)
    plan = bench.plan(loaded)
    if has_errors(loaded.diagnostics) or not plan.applyable:
        return
    report = _apply(bench, plan, random.Random(seed))
    assert [(r.step.id, r.detail) for r in report.results if r.error is not None] == []
    assert complaints(world.manifest, before, bench.emulator.dump(ids=True)) == []
    assert bench.plan(loaded).steps == ()
    done = Counter((c.operation, c.id) for c in bench.writes() if c.status < 400 and c.operation in COMMANDS)
    assert [command for command, count in done.items() if count > 1] == []


def _apply(bench: Rig, plan: Plan, chance: random.Random) -> Report:
    clock = Clock()
    polling = Polling(clock=clock, pause=clock.advance)
    transport = Unreliable(InProcess(bench.emulator.handle, request=EmulatorRequest), chance)
    with Client(URL, Secret(FULL_TOKEN), bench.contract, transport=transport, budget=budget_by()) as client:
        writer = Writer(client, bench.contract, plan, live=bench.live, polling=polling)
        performer = PreconditionCheck(
            writer, plan, client=client, contract=bench.contract, live=bench.live, polling=polling
        )
        return execute(plan, performer, parallelism=1, verification_group=writer.verification_group)
