"""The live side: an emulator in a process of its own, seeded with the documents, and its log of calls; or an instance
that holds nothing, and makes its lists when they are read."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from benchmarks import documents
from benchmarks.process import KIAMO_IAC, ROOT, quiet
from tests import generated_instance

LATENCY = 0.020
"""Seconds that the live side waits before each response, in rows with latency."""
TOKEN = "0123456789" * 4
"""The default token of an emulator."""


@dataclass(frozen=True, slots=True)
class Live:
    """A running emulator."""

    url: str

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables that point the environment `bench` of a project to it."""
        return {"KIAMO_BENCH_URL": self.url, "KIAMO_BENCH_TOKEN": TOKEN}

    def seed(self, count: int, *, beside: int = 0) -> None:
        """Reset it, and seed it with documents as they are declared, and with undeclared ones."""
        self._control("reset", {})
        bases = [_live(documents.base(number)) for number in range(count)]
        bases += [{**_live(documents.base(number)), "name": f"beside {number:05}"} for number in range(beside)]
        self._control("seed", {"services": [{"name": documents.SERVICE}], "bases": bases})

    def count(self) -> tuple[int, int]:
        """The numbers of GETs and of other calls since it was seeded."""
        calls = json.loads(self._control("calls"))["calls"]
        gets = sum(call["method"] == "GET" for call in calls)
        return gets, len(calls) - gets

    def _control(self, endpoint: str, body: Mapping[str, Any] | None = None) -> bytes:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/_emulator/{endpoint}", data, {"content-type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            content: bytes = answer.read()
        return content


def _live(base: Mapping[str, Any]) -> dict[str, Any]:
    batches = [{k: v for k, v in batch.items() if k != "initial_state"} for batch in base["batches"]]
    return {**base, "batches": batches}


@contextmanager
def live(*, latency: float = 0.0) -> Iterator[Live]:
    """An emulator that answers after `latency` seconds; stopped at the end."""
    with _served(*KIAMO_IAC, "emulator", "--port", "0", "--latency", str(latency * 1000)) as url:
        yield Live(url)


@contextmanager
def generated(bases: int) -> Iterator[Live]:
    """An instance of so many bases with 25 fields and 10 batches each, without a log of calls; stopped at the end."""
    with _served(sys.executable, "-m", generated_instance.__name__, str(bases)) as url:
        yield Live(url)


@contextmanager
def _served(*command: str) -> Iterator[str]:
    """The url that a server prints first."""
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=subprocess.DEVNULL, text=True, cwd=ROOT, env=quiet()) as process:
        try:
            url = process.stdout.readline().strip() if process.stdout else ""
            if not url:
                raise RuntimeError("the instance did not start")
            yield url
        finally:
            process.terminate()
