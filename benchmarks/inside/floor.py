"""The floor under reads and writes: `floor reads|writes COUNT IN_FLIGHT`.

The same calls as kiamo-iac makes, in the same order and number in flight, by a bare `http.client` loop that keeps its
connections, and neither checks nor decodes anything.
"""

from __future__ import annotations

import http.client
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar
from urllib.parse import urlsplit

from benchmarks import documents
from kiamo_iac.contract.file import load_contract
from kiamo_iac.contract.model import Contract

T = TypeVar("T")


class Floor:
    """The calls to one instance; a connection a thread."""

    def __init__(self, url: str, token: str, contract: Contract) -> None:
        self._contract = contract
        self._address = urlsplit(url).netloc
        self._headers = {contract.auth.header: token, "Content-Type": "application/json"}
        self._threads = threading.local()

    def call(
        self, kind: str, operation: str, ids: Mapping[str, str | int], body: Mapping[str, Any] | None = None
    ) -> bytes:
        """The bytes of the response to one operation."""
        declared = self._contract.kinds[kind].operations[operation]
        path, _, _ = declared.render(ids)
        connection: http.client.HTTPConnection | None = getattr(self._threads, "connection", None)
        if connection is None:
            connection = self._threads.connection = http.client.HTTPConnection(self._address)
        content = None if body is None else json.dumps(body).encode()
        connection.request(declared.method, self._contract.prefix.path + path, content, self._headers)
        response = connection.getresponse()
        answered = response.read()
        if response.status >= 300:
            raise AssertionError(f"{declared.method} {path} was answered {response.status}: {answered[:200]!r}")
        return answered

    def read(self, in_flight: int) -> int:
        """Read services and bases, then the fields and batches of each base; returns the number of calls."""
        both = ["service", "base"]
        answers = dict(zip(both, _at_once(lambda kind: self.call(kind, "list", {}), both, in_flight), strict=True))
        bases = [base["id"] for base in json.loads(answers["base"])]
        lists = [(kind, id_) for id_ in bases for kind in ("field", "batch")]
        return 2 + len(_at_once(lambda one: self.call(one[0], "list", {"base": one[1]}), lists, in_flight))

    def write(self, count: int, in_flight: int) -> int:
        """Create documents, each base before its batches; returns the number of calls."""
        service = json.loads(self.call("service", "list", {}))[0]["id"]

        def create(number: int) -> int:
            document = documents.base(number)
            sent = {key: document[key] for key in ("name", "label", "fields")}
            base = json.loads(self.call("base", "create", {}, sent))["id"]
            for batch in document["batches"]:
                self.call("batch", "create", {"base": base}, {
                    "name": batch["name"], "service": service, "association": batch["association"],
                })  # fmt: skip
            return 1 + len(document["batches"])

        return sum(_at_once(create, range(count), in_flight))


def _at_once(call: Callable[[T], Any], each: Iterable[T], in_flight: int) -> list[Any]:
    """What `call` returns for each, in their order; so many threads call at a time."""
    waiting: Iterator[tuple[int, T]] = enumerate(each)
    lock, found = threading.Lock(), {}

    def work() -> None:
        while True:
            with lock:
                taken = next(waiting, None)
            if taken is None:
                return
            found[taken[0]] = call(taken[1])

    threads = [threading.Thread(target=work) for _ in range(in_flight)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [found[number] for number in sorted(found)]


def of_environment() -> Floor:
    """The floor of the instance that the variables of the environment `bench` name."""
    return Floor(os.environ["KIAMO_BENCH_URL"], os.environ["KIAMO_BENCH_TOKEN"], load_contract())


def timed(calls: Callable[[], int], expected: int) -> float:
    """Seconds that the calls took; there have to be so many."""
    started = time.perf_counter()
    made = calls()
    taken = time.perf_counter() - started
    if made != expected:
        raise AssertionError(f"{made} calls, expected {expected}")
    return taken


def main(what: str, count: int, in_flight: int) -> float:
    """Seconds of one time, with connecting."""
    floor = of_environment()
    if what == "reads":
        return timed(lambda: floor.read(in_flight), 2 + 2 * count)
    return timed(lambda: floor.write(count, in_flight), count * (1 + len(documents.BATCHES)))


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))))
