"""An instance that has more to read than a machine can hold: a run ends with an error that names the call."""

from __future__ import annotations

import gc
import gzip
import json
import subprocess
import tracemalloc
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from kiamo_iac.api.budget import Budget
from kiamo_iac.api.client import Client
from kiamo_iac.api.listing import listed
from kiamo_iac.api.reader import read
from kiamo_iac.cli.main import run
from kiamo_iac.cli.session import Session
from kiamo_iac.contract.file import load_contract
from kiamo_iac.core.errors import BudgetError, ResponseError
from kiamo_iac.core.secret import Secret
from kiamo_iac.core.settings import LimitSettings
from kiamo_iac.core.state import State
from kiamo_iac.emulator import FULL_TOKEN, EmulatorRequest
from kiamo_iac.emulator.messages import EmulatorResponse
from kiamo_iac.executor.report import Outcome
from kiamo_iac.executor.scheduler import execute
from kiamo_iac.git import command
from kiamo_iac.http.transport import InProcess
from kiamo_iac.planner.plan import Step
from tests.api.clients import client_of
from tests.cli.conftest import Desk
from tests.executor.steps import plan, step
from tests.http.stubs import Stub, reply

MIB = 1024 * 1024
Answers = Callable[[EmulatorRequest], EmulatorResponse | None]
"""None: the emulator answers."""


def rows(count: int, *, first: int = 0) -> bytes:
    return b"[%s]" % b",".join(b'{"id":"i%d","name":"n%d"}' % (n, n) for n in range(first, first + count))


def lied_to(desk: Desk, lie: Answers, *arguments: str) -> tuple[int, str]:
    """Exit code and stderr of a command whose instance answers as `lie` says."""

    def handle(request: EmulatorRequest) -> EmulatorResponse:
        return lie(request) or desk.emulator.handle(request)

    code = run(arguments, session=Session(transport=InProcess(handle, request=EmulatorRequest)))
    captured = desk.capture.readouterr()
    return code, captured.err


def limited(desk: Desk, limits: str) -> None:
    desk.project(
        f"manifests: [manifests]\nenvironments:\n  staging: {{url: 'http://127.0.0.1:8090', limits: {limits}}}\n"
    )


def listing(path: str, body: bytes) -> Answers:
    return lambda request: EmulatorResponse(200, {}, body) if (request.method, request.path) == ("GET", path) else None


# --- rows ----------------------------------------------------------------------------------------------------------


def test_s13_one_list_of_900_000_rows_is_refused_before_it_is_in_memory() -> None:
    body = rows(900_000)
    client = client_of(load_contract(), lambda request: reply(body if request.url.path == "/api/bases" else []))
    tracemalloc.start()
    try:
        with pytest.raises(BudgetError) as caught:
            read(client, client.contract, State(), parallelism=1)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert str(caught.value) == (
        "The response to GET /api/bases lists 900,000 rows, and the limit of a run is 250,000."
    )
    assert caught.value.hint is not None
    assert "limits: {rows: 250000} of the environment in kiamo.yaml" in caught.value.hint
    assert peak < 200 * MIB, f"{peak / MIB:.0f} MiB"


@pytest.mark.parametrize("command", ["plan", "drift", "export", "apply --yes"])
def test_s13_a_list_over_the_limit_ends_the_command_before_a_write(desk: Desk, command: str) -> None:
    limited(desk, "{rows: 100}")
    name, *options = command.split()
    code, err = lied_to(desk, listing("/api/bases", rows(101)), name, "-e", "staging", *options)
    assert code == 1, err
    assert "GET /api/bases lists 101 rows" in " ".join(err.split())
    assert "limits: {rows: 100}" in " ".join(err.split())
    assert desk.writes() == []


def test_s13_all_lists_count_together(desk: Desk) -> None:
    limited(desk, "{rows: 100}")
    services = listing("/api/services", rows(60))
    bases = listing("/api/bases", rows(60, first=100))
    code, err = lied_to(desk, lambda request: services(request) or bases(request), "plan", "-e", "staging")
    assert code == 1
    assert "lists 60 rows, after 60 in earlier responses, and the limit of a run is 100." in " ".join(err.split())


def test_s13_as_many_rows_as_the_limit_says_are_read() -> None:
    client = client_of(load_contract(), lambda request: reply(rows(100)), budget=Budget(LimitSettings(rows=100)))
    assert len(client.call("base", "list").data) == 100


def test_s13_a_quarter_of_a_million_rows_pass_and_are_read_again_and_again() -> None:
    """What a large apply does: it looks at the same lists while it writes."""
    bodies = {"/api/services": rows(100_000), "/api/bases": rows(150_000, first=100_000)}
    client = client_of(load_contract(), lambda request: reply(bodies[request.url.path]))
    for _ in range(3):
        assert len(client.call("service", "list").data) + len(client.call("base", "list").data) == 250_000
    bodies["/api/bases/7/fields"] = rows(1)
    with pytest.raises(BudgetError, match=r"lists 1 row, after 250,000 in earlier responses"):
        client.call("field", "list", {"base": "7"})
    with pytest.raises(BudgetError, match=r"GET /api/bases was not made"):
        client.call("base", "list")


def test_s13_rows_are_counted_also_where_an_object_holds_more_objects() -> None:
    batches = [{"id": f"{n}", "name": "n", "association": {"a": "b"}, "deep": [{}, {}]} for n in range(100)]
    client = client_of(load_contract(), lambda request: reply(batches), budget=Budget(LimitSettings(rows=100)))
    assert len(client.call("batch", "list", {"base": "7"}).data) == 100
    batches.append({"id": "x", "name": "n"})
    with pytest.raises(BudgetError, match=r"GET /api/bases/7/batches lists 101 rows, and the limit of a run is 100"):
        client.call("batch", "list", {"base": "7"})


def test_s13_rows_are_counted_within_an_envelope() -> None:
    from tests.conftest import OTHER

    contract = load_contract(OTHER)

    def answer(request: httpx.Request) -> httpx.Response:
        made = [{"ref": n, "designation": f"n{n}", "answer": {"desks": [{}] * 9}} for n in range(101)]
        return reply({"note": {"desks": [1]}, "answer": {"desks": made, "count": 101}})

    client = client_of(contract, answer, budget=Budget(LimitSettings(rows=100)))
    with pytest.raises(BudgetError, match=r"GET /kiamo/rest/v9/desks lists 101 rows"):
        client.call("service", "list")


def test_s13_pages_without_an_end_come_to_an_end() -> None:
    from tests.conftest import OTHER

    contract = load_contract(OTHER)
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        first = 3 * len(asked)
        return reply({"lots": [{"ref": n, "lotName": f"n{n}", "baseRef": 1} for n in range(first, first + 3)]})

    client = client_of(contract, answer, budget=Budget(LimitSettings(rows=30)))
    with pytest.raises(BudgetError, match="the limit of a run is 30"):
        listed(client, "batch", {}, take=lambda item, _: (item["ref"], item))  # type: ignore[index]
    assert len(asked) == 11


@pytest.mark.parametrize(
    "row", [b"[]", b"{}", b"1", b"null", b'""', b"1.5", b"{},[{}]", b'{"a":1}'], ids=lambda row: row.decode()
)
def test_s13_an_answer_of_countless_values_is_never_built(row: bytes) -> None:
    """Whatever they are: a row that is none takes memory too."""
    body = b"[%s]" % b",".join([row] * (30 * MIB // (len(row) + 1)))
    client = client_of(load_contract(), lambda request: reply(body))
    tracemalloc.start()
    try:
        for call in (("base", "list", {}), ("base", "read", {"id": "7"})):
            with pytest.raises(BudgetError, match=r"contains more than 4,000,000 values|lists [0-9,]+ rows"):
                client.call(*call)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 200 * MIB, f"{peak / MIB:.0f} MiB"


def test_s13_a_truncated_list_is_reported_as_no_json() -> None:
    body = rows(300)[:-1]
    client = client_of(load_contract(), lambda request: reply(body), budget=Budget(LimitSettings(rows=100)))
    with pytest.raises(ResponseError, match="a body that is not the JSON of an API"):
        client.call("base", "list")
    deep = b"[" * 2000 + rows(300) + b"]" * 2000
    with pytest.raises(ResponseError, match="it is nested too deeply"):
        client_of(load_contract(), lambda request: reply(deep), budget=Budget(LimitSettings(rows=100))).call(
            "base", "list"
        )


# --- bytes ---------------------------------------------------------------------------------------------------------


def chunked(chunks: Iterator[bytes], **headers: str) -> httpx.Response:
    class Body(httpx.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            return chunks

    return httpx.Response(200, headers=headers, stream=Body())


def test_s13_bytes_count_as_they_come_and_nothing_more_is_taken() -> None:
    taken: list[int] = []

    def endless() -> Iterator[bytes]:
        while True:
            taken.append(1000)
            yield b" " * 1000

    client = client_of(load_contract(), lambda request: chunked(endless()), budget=Budget(LimitSettings(bytes=5000)))
    with pytest.raises(BudgetError, match=r"GET /api/bases exceeds the read limit of this run: 5,000 bytes"):
        client.call("base", "list")
    assert sum(taken) == 6000


def test_s13_bytes_count_after_decompression() -> None:
    packed = gzip.compress(b"[" + b" " * 100_000 + b"]")
    assert len(packed) < 1000
    client = client_of(
        load_contract(),
        lambda request: reply(packed, headers={"content-encoding": "gzip"}),
        budget=Budget(LimitSettings(bytes=50_000)),
    )
    with pytest.raises(BudgetError, match="read limit of this run: 50,000 bytes"):
        client.call("base", "list")


def test_s13_bytes_of_lists_reads_and_errors_count_together() -> None:
    answers = {"/api/bases": (200, b" " * 400), "/api/bases/7": (200, b" " * 400), "/api/services": (500, b"x" * 400)}

    def answer(request: httpx.Request) -> httpx.Response:
        status, body = answers[request.url.path]
        return reply(body, status=status)

    client = client_of(load_contract(), answer, budget=Budget(LimitSettings(bytes=1000)))
    client.call("base", "list")
    client.call("base", "read", {"id": "7"})
    client.call("base", "read", {"id": "7"})
    with pytest.raises(BudgetError, match="GET /api/services exceeds the read limit of this run: 1,000 bytes"):
        client.call("service", "list")


def test_s13_a_run_over_its_bytes_ends_with_the_key_to_raise(desk: Desk) -> None:
    limited(desk, "{bytes: 1000}")
    code, err = lied_to(desk, listing("/api/services", rows(100)), "plan", "-e", "staging")
    assert code == 1
    assert "exceeds the read limit of this run: 1,000 bytes" in " ".join(err.split())
    assert "limits: {bytes: 1000}" in " ".join(err.split())


def test_s13_the_largest_answer_grows_with_the_limit() -> None:
    assert Budget().largest_response == 32 * MIB
    assert Budget(LimitSettings(bytes=4096 * MIB)).largest_response == 256 * MIB
    assert Budget(LimitSettings(bytes=MIB)).largest_response == 32 * MIB


# --- while it is applied -------------------------------------------------------------------------------------------

TWO_BASES = """\
bases:
  - {name: a, label: A, fields: [{name: f, label: F, datatype: string}]}
  - {name: b, label: B, fields: [{name: f, label: F, datatype: string}]}
"""


def test_s13_an_answer_that_swells_after_a_write_ends_the_run_with_exit_code_4(desk: Desk) -> None:
    """And nothing further is written."""
    limited(desk, "{bytes: 1000000}")
    desk.manifest(TWO_BASES)
    desk.apply()
    done = len(desk.writes())
    desk.manifest(TWO_BASES.replace("label: A", "label: C").replace("label: B", "label: D"))

    def lie(request: EmulatorRequest) -> EmulatorResponse | None:
        read = request.method == "GET" and request.path.startswith("/api/bases/")
        return EmulatorResponse(200, {}, b" " * 2_000_000) if read and len(desk.writes()) > done else None

    code, err = lied_to(desk, lie, "apply", "-e", "staging", "--yes", "--parallelism", "1")
    assert code == 4, err
    assert "exceeds the read limit of this run:" in " ".join(err.split())
    assert [call.method for call in desk.writes()[done:]] == ["PUT"]


def test_s13_an_apply_has_room_for_what_it_creates(desk: Desk) -> None:
    """The instance has as many rows as the limit says, and the plan adds to them."""
    limited(desk, "{rows: 2}")
    desk.manifest(TWO_BASES)
    desk.apply()
    assert {base["name"] for base in desk.emulator.dump()["bases"]} == {"a", "b"}


def test_s13_a_write_is_never_in_doubt_for_the_size_of_its_answer() -> None:
    stub = Stub(lambda request: reply({"id": "7", "name": "x", "note": "n" * 5000}))
    client = client_of(load_contract(), stub, budget=Budget(LimitSettings(rows=1, bytes=10)))
    assert client.call("base", "create", body={"name": "x"}).data["id"] == "7"


@pytest.mark.parametrize("row", [b"[]", b"{}", b'""', b"0"])
def test_s13_an_answer_to_a_write_of_countless_values_is_never_built(row: bytes) -> None:
    """One shows one object; 13 of them, four at a time, took 9 GB."""
    body = b'{"id":"7","x":[%s]}' % b",".join([row] * 600_000)
    client = client_of(load_contract(), Stub(lambda request: reply(body)))
    tracemalloc.start()
    try:
        with pytest.raises(ResponseError, match=r"POST /api/bases returned .* more than 500,000 values"):
            client.call("base", "create", body={"name": "x"})
        assert tracemalloc.get_traced_memory()[1] < len(body) * 4
    finally:
        tracemalloc.stop()


def test_s13_answers_to_writes_together_have_an_end() -> None:
    """What an object holds is kept for the checks before later steps."""
    stub = Stub(lambda request: reply({"id": "7", "name": "x", "note": "n" * 20 * MIB}))
    client = client_of(load_contract(), stub, budget=Budget(LimitSettings(bytes=1)))
    client.call("base", "create", body={"name": "x"})
    with pytest.raises(ResponseError, match="all responses to writes together exceed the read limit of this run"):
        client.call("base", "create", body={"name": "y"})


def test_s13_a_failed_step_keeps_nothing_of_its_response() -> None:
    """A run keeps why each step failed, to its end."""

    class Answer:
        pass

    held: list[weakref.ref[Answer]] = []

    class Failing:
        def perform(self, step: Step) -> Outcome:
            self.read(Answer())
            return Outcome("1")

        def read(self, answer: Answer) -> None:
            held.append(weakref.ref(answer))
            try:
                msg = "no id"
                raise ResponseError(msg)
            except ResponseError as error:
                msg = f"It cannot be read: {error}"
                raise ResponseError(msg) from None

    report = execute(plan(step(1)), Failing())
    assert [str(result.error) for result in report.results] == ["It cannot be read: no id"]
    gc.collect()
    assert [found() for found in held] == [None]


def test_s13_a_rehearsal_is_not_counted_twice(desk: Desk) -> None:
    limited(desk, "{rows: 3}")
    code, err = lied_to(desk, lambda _: None, "plan", "-e", "staging", "--rehearse")
    assert code == 0, err


def test_s13_validate_tells_a_wrong_limit_with_its_place(desk: Desk) -> None:
    limited(desk, "{rows: 0}")
    code, out, err = desk.run("validate")
    assert code == 1
    assert "kiamo.yaml:3:" in out + err
    assert "KIA0315" in out + err


def test_s13_a_client_of_its_own_has_a_budget_too(tmp_path: Path) -> None:
    del tmp_path
    transport = Stub(lambda request: reply(rows(250_001)))
    client = Client("http://127.0.0.1:1", Secret(FULL_TOKEN), load_contract(), transport=transport)
    with pytest.raises(BudgetError, match="lists 250,001 rows"):
        client.call("base", "list")


def test_s13_numbers_in_a_hint_are_those_in_force() -> None:
    error: Any = None
    try:
        client_of(load_contract(), lambda _: reply(json.loads(rows(3))), budget=Budget(LimitSettings(rows=2))).call(
            "base", "list"
        )
    except BudgetError as caught:
        error = caught
    assert "limits: {rows: 2}" in error.hint


def test_s13_a_ledger_on_git_that_no_machine_holds_is_not_read(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Whoever may push to the repository pushes gigabytes in a few megabytes: git packs them."""

    def git(*arguments: str, given: bytes = b"") -> str:
        line = ["git", "-c", "user.name=t", "-c", "user.email=t@example.com", *arguments]
        return subprocess.run(line, cwd=desk.folder, input=given, check=True, capture_output=True).stdout.decode()

    monkeypatch.setattr(command, "LONGEST", MIB)
    git("init", "-q", "--bare", str(tmp_path / "origin.git"))
    git("init", "-q")
    git("remote", "add", "origin", str(tmp_path / "origin.git"))
    blob = git("hash-object", "-w", "--stdin", given=bytes(3 * MIB)).strip()
    tree = git("mktree", given=f"100644 blob {blob}\tledger.json\n".encode()).strip()
    git("push", "-q", "origin", f"{git('commit-tree', tree, '-m', 'evil').strip()}:refs/kiamo-iac/staging")
    desk.project(
        "manifests: [manifests]\nenvironments:\n  staging: {url: 'http://127.0.0.1:8090', ledger: {backend: git}}\n"
    )
    for line in (("plan", "-e", "staging"), ("ledger", "list", "-e", "staging"), ("apply", "-e", "staging", "--yes")):
        code, out, err = desk.run(*line)
        assert (code, out) == (1, "")
        assert "git cat-file returned more than 1 MiB" in err
        assert "Hint: check what the remote" in err
    assert git("ls-remote", "origin", "refs/kiamo-iac-lock/*") == ""


@pytest.mark.parametrize("command", [("validate",), ("plan", "-e", "staging")], ids=" ".join)
def test_s13_a_project_file_has_a_size(desk: Desk, command: tuple[str, ...]) -> None:
    """16 MiB of environments, patches or variables took 80 seconds and 1.5 GB."""
    desk.project((desk.folder / "kiamo.yaml").read_text() + "#" * MIB)
    code, out, err = desk.run(*command)
    assert code == 1
    assert "kiamo.yaml:1:1: error KIA0103: the file is larger than 1 MiB" in out + err
