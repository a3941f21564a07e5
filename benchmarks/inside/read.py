"""Seconds to read the live state of N bases with so many reads in flight, and of the floor under that, in turn: `read
COUNT IN_FLIGHT PAIRS`."""

from __future__ import annotations

import json
import os
import sys
import time
from functools import partial

from benchmarks import states
from benchmarks.inside import floor
from kiamo_iac.api.client import Client
from kiamo_iac.api.reader import read
from kiamo_iac.contract.file import load_contract
from kiamo_iac.core.secret import Secret


def main(count: int, in_flight: int, pairs: int) -> list[tuple[float, float]]:
    """Seconds of both sides of each pair, with connecting."""
    contract, desired = load_contract(), states.desired(count)
    url, token = os.environ["KIAMO_BENCH_URL"], Secret(os.environ["KIAMO_BENCH_TOKEN"])
    taken = []
    for _ in range(pairs):
        started = time.perf_counter()
        with Client(url, token, contract) as client:
            live = read(client, contract, desired, parallelism=in_flight)
        own = time.perf_counter() - started
        if len(live.state) != 1 + count * (1 + 11 + 2):
            raise AssertionError(f"{len(live.state)} objects were read")
        bare = floor.of_environment()
        taken.append((own, floor.timed(partial(bare.read, in_flight), 2 + 2 * count)))
    return taken


if __name__ == "__main__":
    print(json.dumps(main(*map(int, sys.argv[1:4]))))
