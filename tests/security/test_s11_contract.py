"""A merge request brings a contract: it leads neither the token nor a call elsewhere, and nothing stalls."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import httpx
import pytest

from kiamo_iac.api.client import Client
from kiamo_iac.cli.main import run
from kiamo_iac.cli.session import Session
from kiamo_iac.contract.file import load_contract
from kiamo_iac.contract.model import Contract
from kiamo_iac.core.errors import ApiError, ManifestError, RefusedError, ResponseError
from kiamo_iac.core.linear_pattern import LinearPattern, linear_pattern
from kiamo_iac.core.secret import Secret
from kiamo_iac.executor.delivery import Patience, Polling
from tests.api.clients import client_of
from tests.cli.conftest import Desk
from tests.http.stubs import CANARY, URL, Stub, reply

COMMANDS = [
    ["validate"],
    ["plan", "-e", "staging"],
    ["apply", "-e", "staging", "--yes"],
    ["drift", "-e", "staging"],
    ["export", "-e", "staging"],
    ["doctor", "-e", "staging"],
    ["contract", "show"],
]
OVERRIDES = [
    ("auth: {header: Host}\n", "mine.yaml:1:8", "KIA0406"),
    ("auth: {header: cookie}\n", "mine.yaml:1:8", "KIA0406"),
    ("auth: {header: User-Agent}\n", "mine.yaml:1:8", "KIA0406"),
    ("auth: {header: Connection}\n", "mine.yaml:1:8", "KIA0406"),
    ("auth: {header: X_Forwarded_Host}\n", "mine.yaml:1:8", "KIA0406"),
    ("prefix: {path: /../../admin}\n", "mine.yaml:1:10", "KIA0407"),
    ("prefix: {path: /api/%2e%2e}\n", "mine.yaml:1:10", "KIA0407"),
    ("prefix: {path: '/api;x'}\n", "mine.yaml:1:10", "KIA0407"),
    ("kinds: {base: {operations: {delete: {path: '/../../admin/{id}'}}}}\n", "mine.yaml:1:38", "KIA0407"),
    ("kinds: {base: {operations: {delete: {path: '/bases%2f{id}'}}}}\n", "mine.yaml:1:38", "KIA0407"),
    ("kinds: {base: {names: {pattern: '(?=(a+))\\1'}}}\n", "mine.yaml:1:24", "KIA0408"),
    ("kinds: {base: {names: {pattern: '(a{1,90}){1,90}'}}}\n", "mine.yaml:1:24", "KIA0408"),
    ('kinds: {base: {names: {pattern: "(?x)#[\\n(?:a?){60000}x#]\\n"}}}\n', "mine.yaml:1:24", "KIA0408"),
    ('errors: {code_pattern: "(?sx:#[\\n(?:a?){60000}x#]\\n)"}\n', "mine.yaml:1:10", "KIA0408"),
    ("errors: {code_pattern: '(a)\\1'}\n", "mine.yaml:1:10", "KIA0408"),
    ("errors: {code_pattern: 'x*'}\n", "mine.yaml:1:10", "KIA0408"),
]


def with_contract(desk: Desk, text: str) -> None:
    (desk.folder / "mine.yaml").write_text(text, encoding="utf-8")
    desk.project(
        "manifests: [manifests]\ncontract: mine.yaml\nenvironments:\n  staging: {url: 'http://127.0.0.1:8090'}\n"
    )


def watched(desk: Desk, *arguments: str) -> tuple[int, str, list[httpx.Request]]:
    """Exit code, everything that was said, and every request that left."""
    left: list[httpx.Request] = []

    class Network(httpx.BaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            left.append(request)
            return httpx.Response(500)

    code = run(arguments, session=Session(transport=Network()))
    captured = desk.capture.readouterr()
    return code, captured.out + captured.err, left


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize(("text", "place", "code"), OVERRIDES)
def test_s11_a_contract_that_leads_elsewhere_is_refused_with_its_place(
    desk: Desk, command: list[str], text: str, place: str, code: str
) -> None:
    with_contract(desk, text)
    ended, said, left = watched(desk, *command)
    assert ended == 1, said
    assert place in said
    assert code in said
    assert left == []


@pytest.mark.parametrize("header", ["Authorization", "X-Api-Key", "Kiamo-Api-Token"])
def test_s11_a_header_of_its_own_carries_the_token(tmp_path: Path, header: str) -> None:
    contract = override(tmp_path, f"auth: {{header: {header}}}\n")
    seen: list[httpx.Headers] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers.copy())
        return reply([])

    told: list[str] = []
    with Client(URL, Secret(CANARY), contract, transport=Stub(answer), log=told.append) as client:
        client.call("base", "list")
    assert [value for value in seen[0].values() if CANARY in value] == [CANARY]
    assert seen[0][header] == CANARY
    assert CANARY not in "".join(told)


def override(folder: Path, text: str) -> Contract:
    path = folder / "contract.yaml"
    path.write_text(text, encoding="utf-8")
    return load_contract(path)


# --- ids -----------------------------------------------------------------------------------------------------------

CLIMBING = [
    "..",
    ".",
    "",
    "../services/7",
    "7/batches/9",
    "..\\x",
    "%2e%2e",
    "..;",
    "\uff0e\uff0e",
    "a\x00b",
    "7" * 1_001,
]


@pytest.mark.parametrize("id_", CLIMBING)
def test_s11_an_id_that_climbs_is_refused_when_it_is_read_and_nothing_is_deleted(desk: Desk, id_: str) -> None:
    """`DELETE /api/bases/..` is another address for many a server."""
    desk.manifest("bases: [{name: old, ensure: absent}]\n")
    left: list[str] = []

    class Lying(httpx.BaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            left.append(f"{request.method} {request.url.raw_path.decode()}")
            bases = request.url.path == "/api/bases"
            return reply([{"id": id_, "name": "old", "contacts": 0}] if bases else [])

    code = run(["apply", "-e", "staging", "--yes"], session=Session(transport=Lying()))
    said = " ".join(desk.capture.readouterr().err.split())
    assert code == 1
    assert 'does not match the contract: "id" of the base "old" must be' in said
    assert "must be an id that a path can contain" in said
    assert set(left) <= {"GET /api/services", "GET /api/bases"}


@pytest.mark.parametrize("id_", CLIMBING)
@pytest.mark.parametrize("key", ["id", "base"])
def test_s11_no_call_is_made_with_an_id_that_climbs(key: str, id_: str) -> None:
    """Wherever it came from: an answer to a create, a ledger, a plan."""
    stub = Stub(lambda request: reply({}))
    client = client_of(load_contract(), stub)
    with pytest.raises(ResponseError, match="was not made: the id"):
        client.call("batch", "delete", {"base": "7", "id": "9", key: id_})
    assert stub.asked == []


def test_s11_the_id_of_something_just_created_is_checked_too(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is looked for under its name then; no call is made with that id."""
    short = partial(Polling, patience=Patience(lost=0.2, accepted=0.1))
    monkeypatch.setattr("kiamo_iac.executor.delivery.Polling", short)
    left: list[str] = []

    class Lying(httpx.BaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            left.append(f"{request.method} {request.url.raw_path.decode()}")
            if request.method == "POST":
                return reply({"id": "../services", "name": "prospects"}, status=201)
            return reply([{"id": "1", "name": "Ventes"}] if request.url.path == "/api/services" else [])

    code = run(["apply", "-e", "staging", "--yes"], session=Session(transport=Lying()))
    assert code == 4
    assert [call for call in left if not call.startswith("GET")] == ["POST /api/bases"]
    assert not [call for call in left if ".." in call or "%2F" in call]


@pytest.mark.parametrize("path", ["/api/../x", "/api/./x", "/api//x/../y"])
def test_s11_what_httpx_would_call_is_what_the_contract_says(path: str) -> None:
    """A contract that was not read from a file: the last look, right before a call leaves."""
    contract = load_contract()
    base = contract.kinds["base"]
    listing = base.operations["list"].model_copy(update={"path": path})
    changed = base.model_copy(update={"operations": {**base.operations, "list": listing}})
    bent = contract.model_copy(update={"kinds": {**contract.kinds, "base": changed}})
    stub = Stub(lambda request: reply([]))
    with pytest.raises(ApiError, match="it would go to another address than the contract's"):
        client_of(bent, stub).call("base", "list")
    assert stub.asked == []


# --- patterns ------------------------------------------------------------------------------------------------------

EXPLOSIVE = ["(a+)+", "(a|a)*", "(a|aa)+", "(.*a){20}", "([a-z]+)*\\d", "(\\w+\\s?)*", "a*a*a*a*a*a*b"]


@pytest.mark.parametrize("pattern", EXPLOSIVE)
def test_s11_a_name_is_held_against_any_pattern_at_once(desk: Desk, pattern: str) -> None:
    """48 letters took 20 s and more. That this test ends is what it says."""
    with_contract(desk, f"kinds: {{base: {{names: {{pattern: '{pattern}'}}}}}}\n")
    desk.manifest(f"bases: [{{name: {'a' * 200}+}}]\n")
    code, said, _ = watched(desk, "validate")
    assert code == 0
    assert "KIA0209" in said


@pytest.mark.parametrize("pattern", EXPLOSIVE)
@pytest.mark.parametrize("use", ["export", "rehearse"])
def test_s11_live_names_and_the_emulator_are_no_way_round(desk: Desk, pattern: str, use: str) -> None:
    desk.manifest("services: [{name: Ventes}]\n")
    desk.emulator.seed({"bases": [{"name": "a" * 200 + "+"}]}) if use == "export" else None
    with_contract(desk, f"kinds: {{base: {{names: {{pattern: '{pattern}'}}}}}}\n")
    if use == "rehearse":
        desk.manifest("services: [{name: Ventes}]\nbases: [{name: aaa, label: A, fields: []}]\n")
    arguments = ["export", "-e", "staging"] if use == "export" else ["plan", "-e", "staging", "--rehearse"]
    assert desk.run(*arguments)[0] in {0, 1}


@pytest.mark.parametrize("pattern", [f"({p})!" for p in EXPLOSIVE])
def test_s11_an_error_is_searched_for_its_code_at_once(tmp_path: Path, pattern: str) -> None:
    contract = override(tmp_path, f"errors: {{code_pattern: '{pattern}'}}\n")
    body = b"a" * 64 * 1024
    with pytest.raises(RefusedError) as caught:
        client_of(contract, lambda request: reply(body, status=400)).call("base", "list")
    assert caught.value.code is None


def test_s11_a_code_is_still_found_anywhere_in_an_error() -> None:
    body = json.dumps({"deep": ["x" * 60_000, {"c": "see ERR_2060."}]}).encode()
    with pytest.raises(RefusedError) as caught:
        client_of(load_contract(), lambda request: reply(body, status=400)).call("base", "list")
    assert caught.value.code == "ERR_2060"


# --- size ----------------------------------------------------------------------------------------------------------


def test_s11_unknown_kinds_are_ignored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred of them, each with a pattern of its own, took 2.5 GB and 20 s."""
    made: list[str] = []

    def watched_pattern(text: str) -> LinearPattern:
        made.append(text)
        return linear_pattern(text)

    monkeypatch.setattr("kiamo_iac.contract.entries.linear_pattern", watched_pattern)
    stanzas = {f"k{n}": {"names": {"pattern": rf"\w{{150}}{n}", "basis": "assumed"}} for n in range(100)}
    with pytest.raises(ManifestError) as caught:
        override(tmp_path, json.dumps({"kinds": {**stanzas, "base": {"names": {"pattern": "(", "basis": "assumed"}}}}))
    codes = [found.code for found in caught.value.diagnostics]
    assert codes.count("KIA0405") == 100
    assert codes.count("KIA0403") == 1
    assert not any("150" in text for text in made)


def test_s11_an_address_that_is_too_long_is_reported_as_such(tmp_path: Path) -> None:
    path = "/{id}" * 100
    contract = override(tmp_path, f"kinds: {{base: {{operations: {{delete: {{path: '{path}'}}}}}}}}\n")
    stub = Stub(lambda request: reply({}))
    with pytest.raises(ApiError, match=r"was not made: its address is too long") as caught:
        client_of(contract, stub).call("base", "delete", {"id": "7" * 1_000})
    assert len(str(caught.value)) < 300
    assert stub.asked == []


def test_s11_a_contract_has_a_size(tmp_path: Path) -> None:
    with pytest.raises(ManifestError) as caught:
        override(tmp_path, "# " + "x" * 1024 * 1024 + "\n")
    assert [d.code for d in caught.value.diagnostics] == ["KIA0103"]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("kinds: {base: {listing: {paging: {style: page, limit: 1000000000}}}}\n", "1:48"),
        ("kinds: {base: {listing: {paging: {style: page, first: -1}}}}\n", "1:48"),
        ("kinds: {base: {listing: {paging: {style: page, first: 1000000}}}}\n", "1:48"),
        (f"kinds: {{base: {{item: {'a.' * 200}a}}}}\n", "1:16"),
        (f"kinds: {{base: {{id: {{wire: {'a' * 300}}}}}}}\n", "1:21"),
        (f"prefix: {{path: {'/a' * 300}}}\n", "1:10"),
    ],
)
def test_s11_numbers_and_texts_have_bounds(tmp_path: Path, text: str, place: str) -> None:
    with pytest.raises(ManifestError) as caught:
        override(tmp_path, text)
    (found,) = caught.value.diagnostics
    assert found.code == "KIA0403"
    assert str(found.source).endswith(place)


def test_s11_a_placeholder_stands_once_in_a_text(tmp_path: Path) -> None:
    """The emulator, which reads it out again, would have two."""
    with pytest.raises(ManifestError) as caught:
        override(tmp_path, "kinds: {base: {operations: {read: {path: '/b/{id}-{id}'}}}}\n")
    assert [d.code for d in caught.value.diagnostics] == ["KIA0404"]


def test_s11_many_wrong_keys_are_reported_in_bounded_time(tmp_path: Path) -> None:
    text = "kinds:\n  base:\n    attributes:\n" + "".join(f"      k{n}: {{}}\n" for n in range(50_000))
    with pytest.raises(ManifestError):
        override(tmp_path, text)
