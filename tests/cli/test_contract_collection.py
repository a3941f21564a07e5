"""`kiamo-iac contract fetch`, `derive` and `compare`."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from kiamo_iac.app import fetching
from kiamo_iac.cli.main import run
from kiamo_iac.contract.file import load_contract
from kiamo_iac.contract.openapi import openapi_document
from tests.cli.conftest import Desk
from tests.http.servers import CERTIFICATES, always, answer, wild

COLLECTIONS = Path(__file__).parents[1] / "contract" / "collections"
DOCUMENTER = COLLECTIONS / "documenter-v2.0.json"
METADATA = "/view/metadata/testPublished"
COLLECTION = "/api/collections/1000/testPublished?segregateAuth=true&versionTag=latest"


@contextmanager
def documenter(answers: dict[str, bytes]) -> Iterator[tuple[str, list[tuple[str, dict[str, str]]]]]:
    """A server on loopback, and what it was asked."""
    asked: list[tuple[str, dict[str, str]]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
            body = answers.get(self.path)
            self.send_response(200 if body is not None else 404)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def metadata(public: str, owner: str = "1000") -> bytes:
    info = {"name": "X", "owner": owner, "publishedId": "testPublished", "publicUrl": public}
    return json.dumps({"collection": {"info": info, "statusCode": 200}}).encode()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder without a project."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_fetch_asks_the_metadata_first_and_sends_no_token(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KIAMO_STAGING_TOKEN", "a" * 40)
    answers = {COLLECTION: DOCUMENTER.read_bytes()}
    with documenter(answers) as (url, asked):
        answers[METADATA] = metadata(url)
        assert run(["contract", "fetch", "--from", url + METADATA, "-o", "collection.json"]) == 0
    assert [path for path, _ in asked] == [METADATA, COLLECTION]
    assert not {"authorization", "kiamo-api-token"} & {name for _, headers in asked for name in headers}
    assert (folder / "collection.json").read_bytes() == DOCUMENTER.read_bytes()
    assert capsys.readouterr().err == "Written to collection.json.\n"


def test_fetch_follows_a_published_id_that_has_changed(folder: Path) -> None:
    """The metadata are at the address that was known; the collection is where they say."""
    answers = {COLLECTION: DOCUMENTER.read_bytes()}
    with documenter(answers) as (url, asked):
        answers["/view/metadata/formerId"] = metadata(url)
        assert run(["contract", "fetch", "--from", f"{url}/view/metadata/formerId", "-o", "collection.json"]) == 0
    assert [path for path, _ in asked] == ["/view/metadata/formerId", COLLECTION]
    assert (folder / "collection.json").read_bytes() == DOCUMENTER.read_bytes()


def test_fetch_takes_the_address_of_the_collection_too(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with documenter({"/c.json": DOCUMENTER.read_bytes()}) as (url, asked):
        assert run(["contract", "fetch", "--from", f"{url}/c.json"]) == 0
    assert json.loads(capsys.readouterr().out)["info"]["name"] == "Contact API"
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (metadata("https://other.example.com"), "that is another server"),
        (metadata("http://127.0.0.1:1"), "that is another server"),
        (b"<html></html>", "it is HTML"),
        (b'{"collection": {"info": {}}}', "is neither a collection nor the metadata of one"),
        (b"[1]", "is neither a collection nor the metadata of one"),
    ],
)
def test_fetch_follows_metadata_nowhere_else(
    answer: bytes, why: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with documenter({METADATA: answer}) as (url, asked):
        assert run(["contract", "fetch", "--from", url + METADATA, "-o", "c.json"]) == 1
    assert why in capsys.readouterr().err
    assert len(asked) == 1
    assert not (folder / "c.json").exists()


def test_fetch_climbs_out_of_no_path(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answers: dict[str, bytes] = {}
    with documenter(answers) as (url, asked):
        answers[METADATA] = metadata(url, owner="../admin")
        assert run(["contract", "fetch", "--from", url + METADATA]) == 1
    assert len(asked) == 1
    assert "neither a collection nor" in capsys.readouterr().err


@pytest.mark.parametrize("address", ["http://docs.example.com/view/metadata/x", "ftp://x/y", "docs.example.com"])
def test_fetch_takes_https_alone(address: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["contract", "fetch", "--from", address]) == 64
    assert "The address of the collection cannot be used" in capsys.readouterr().err


def test_fetch_checks_the_certificate_of_the_documenter(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    url = ""

    def script(peer: socket.socket, request: bytes) -> None:
        peer.sendall(answer(metadata(url) if METADATA.encode() in request else DOCUMENTER.read_bytes()))

    with wild(script, tls=True) as server:
        url = server.url.replace("http:", "https:")
        assert run(["contract", "fetch", "--from", url + METADATA, "-o", "c.json"]) == 1
        assert "--ca-bundle FILE" in capsys.readouterr().err
        assert server.requests == []
        bundle = ["--ca-bundle", str(CERTIFICATES / "authority.pem")]
        assert run([*bundle, "contract", "fetch", "--from", url + METADATA, "-o", "c.json"]) == 0
        assert len(server.requests) == 2
    assert (folder / "c.json").read_bytes() == DOCUMENTER.read_bytes()


def test_fetch_follows_no_redirect(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    headers = "Location: https://other.example.com/\r\nConnection: close\r\n"
    with wild(always(answer(b"", status="302 Found", headers=headers))) as server:
        assert run(["contract", "fetch", "--from", server.url + METADATA]) == 1
        assert len(server.requests) == 1
    assert "returned 302" in capsys.readouterr().err


def test_fetch_has_a_limit(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(fetching, "MAX_BYTES", 1000)
    with wild(always(answer(b" " * 1001 + b"{}"))) as server:
        assert run(["contract", "fetch", "--from", server.url + METADATA, "-o", "c.json"]) == 1
    assert "larger" in capsys.readouterr().err
    assert not (folder / "c.json").exists()


def test_fetch_shows_a_missing_page_and_what_to_pass(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with documenter({}) as (url, _):
        assert run(["contract", "fetch", "--from", f"{url}/view/metadata/gone"]) == 1
    err = capsys.readouterr().err
    assert "returned 404" in err
    assert "pass --from" in err


def test_a_derived_file_passes_the_check(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["contract", "derive", str(DOCUMENTER), "-o", "mine.yaml"]) == 0
    err = capsys.readouterr().err
    assert err.startswith("Written to mine.yaml.\n23 of 23 operations certain, ")
    assert run(["contract", "check", "mine.yaml"]) == 0
    assert capsys.readouterr().err == "mine.yaml is valid.\n"
    assert run(["contract", "derive", str(DOCUMENTER)]) == 0
    assert capsys.readouterr().out == (folder / "mine.yaml").read_text(encoding="utf-8")


def test_a_derivation_as_data_has_its_questions(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    openapi = str(COLLECTIONS / "openapi-3.yaml")
    assert run(["contract", "derive", openapi, "--format", "json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["collection"] == {"name": "Outbound API", "format": "OpenAPI 3", "requests": 20}
    start = next(each for each in data["operations"] if each["operation"] == "start")
    assert (start["certainty"], data["contract"]["kinds"]["batch"]["operations"]["start"]) == ("question", None)
    asked = next(each for each in data["questions"] if each["path"] == ["kinds", "batch", "operations", "start"])
    assert asked["question"] == "no value of state for start is documented"
    assert asked["candidates"][0].startswith("start: {method: PUT, path: ")
    assert run(["contract", "derive", openapi, "--format", "json", "-o", "derived.json"]) == 0
    assert json.loads((folder / "derived.json").read_text(encoding="utf-8")) == data


def test_answers_that_are_no_contract_are_refused_with_their_place(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "answers.yaml").write_text("kinds:\n  batch:\n    operations: {start: {methd: PUT}}\n", encoding="utf-8")
    assert run(["contract", "derive", str(DOCUMENTER), "--answers", "answers.yaml", "-o", "mine.yaml"]) == 1
    assert "answers.yaml:3:26: error KIA0401: unknown key" in capsys.readouterr().err
    assert not (folder / "mine.yaml").exists()


def test_derive_published_fetches_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = {COLLECTION: DOCUMENTER.read_bytes()}
    with documenter(answers) as (url, asked):
        answers[METADATA] = metadata(url)
        monkeypatch.setattr(fetching, "PUBLISHED", url + METADATA)
        assert run(["contract", "derive", "--published", "-o", "mine.yaml"]) == 0
    assert len(asked) == 2
    assert "PUT" in (folder / "mine.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize("arguments", [[], ["--published", str(DOCUMENTER)], ["missing.json"]])
def test_derive_needs_one_collection(arguments: list[str], folder: Path) -> None:
    assert run(["contract", "derive", *arguments]) == 64


def test_compare_has_a_row_an_operation(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["contract", "compare", str(DOCUMENTER)]) == 0
    out = capsys.readouterr().out
    assert "  start   same       PUT /api/bases/{base}/batches/{id}/command {command: start}\n" in out
    assert out.endswith("23 same\n")


def test_compare_exits_with_1_where_something_is_missing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    openapi = str(COLLECTIONS / "openapi-3.yaml")
    assert run(["contract", "compare", openapi, "--explain"]) == 1
    out = capsys.readouterr().out
    assert "  create  missing    POST /api/services\n" in out
    assert "  list    different  GET /api/services; the collection has GET /v3/queues\n" in out
    assert "-8 it is deprecated\n" in out
    assert run(["contract", "compare", openapi, "--format", "json"]) == 1
    rows = json.loads(capsys.readouterr().out)["operations"]
    start = next(row for row in rows if row["operation"] == "start")
    assert start["outcome"] == "question"
    assert start["candidates"][0]["request"] == "PUT /v3/contact-lists/{listId}/campaigns/{campaignId}/state"
    assert start["candidates"][0]["evidence"]


def test_a_plan_refuses_by_name_what_a_derived_contract_leaves_open(desk: Desk) -> None:
    """No call of the packaged contract is made for it."""
    (desk.folder / "empty.json").write_text('{"info": {"name": "X"}, "item": []}', encoding="utf-8")
    assert desk.run("contract", "derive", "empty.json", "-o", "mine.yaml")[0] == 0
    with (desk.folder / "kiamo.yaml").open("a", encoding="utf-8") as file:
        file.write("contract: mine.yaml\n")
    code, out, err = desk.run("plan", "-e", "staging")
    assert code == 1
    assert "KIA0211" in out + err
    assert "of mine.yaml" in out + err
    assert desk.writes() == []


def test_a_start_that_is_a_question_is_refused_by_name(desk: Desk) -> None:
    """All else is answered, by the packaged contract's own document."""
    document = openapi_document(load_contract())
    del document["paths"]["/api/bases/{base}/batches/{id}/command"]
    (desk.folder / "openapi.json").write_text(json.dumps(document), encoding="utf-8")
    answers = {
        "kinds": {
            "field": {
                "made_with_parent": {
                    "things": [{"name": "phone", "label": "Phone", "datatype": "phone"}],
                    "basis": "documented",
                }
            },
            "batch": {
                "attributes": {
                    "service": {"wire": "service", "refers_to": "service", "by": "id", "basis": "documented"},
                    "association": {"wire": "association", "refers_to": "field", "by": "name", "basis": "documented"},
                    "state": {"values": {each: each for each in ("new", "started", "paused", "stopped", "finished")}},
                }
            },
        }
    }
    (desk.folder / "answers.yaml").write_text(json.dumps(answers), encoding="utf-8")
    assert desk.run("contract", "derive", "openapi.json", "--answers", "answers.yaml", "-o", "mine.yaml")[0] == 0
    with (desk.folder / "kiamo.yaml").open("a", encoding="utf-8") as file:
        file.write("contract: mine.yaml\n")
    manifest = desk.folder / "manifests" / "a.yaml"
    batch = "association: {destination: phone}"
    text = manifest.read_text(encoding="utf-8")
    assert text.count(batch) == 1
    manifest.write_text(text.replace(batch, f"{batch}, state: started"), encoding="utf-8")
    code, out, _ = desk.run("plan", "-e", "staging")
    assert code == 1
    assert 'error KIA0501: the contract has no call to start a batch, which "relance" needs' in out
    assert "kinds.batch.operations.start in mine.yaml" in out
    assert desk.writes() == []
