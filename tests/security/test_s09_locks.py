"""A merge request whose ledger locks somewhere else: the lock's method is DELETE, its address another ledger."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from kiamo_iac.cli.main import run
from kiamo_iac.cli.session import Session
from tests.cli.conftest import MANIFEST
from tests.http.servers import Wild, always, answer, wild

TOKEN = ("0123456789abcdef" * 3)[:40]
GITLAB = "/api/v4/projects/42/terraform/state"
LOCKED = f"{GITLAB}/production/lock"
LINES = (
    ("validate",),
    ("plan", "-e", "staging"),
    ("apply", "-e", "staging", "--yes"),
    ("adopt", "-e", "staging", "bases/prospects"),
    ("ledger", "list", "-e", "staging"),
    ("ledger", "unlock", "-e", "staging", "some-id"),
)
ATTACKS = {
    "the lock of another ledger": ("/states/staging", "unlock_address", "/states/production", "KIA0331"),
    "a ledger whose name begins alike": ("/states/s", "unlock_address", "/states/s-production", "KIA0331"),
    "dot segments": ("/states/staging", "unlock_address", "/states/staging/../production", "KIA0312"),
    "encoded dot segments": ("/states/staging", "unlock_address", "/states/staging/%2e%2e/production", "KIA0312"),
    "an encoded slash": ("/states/staging", "unlock_address", "/states/staging/..%2fproduction", "KIA0312"),
    "a query": ("/states/staging", "unlock_address", "/states/staging?/../production", "KIA0312"),
    "the whole host": ("", "unlock_address", "/states/production", "KIA0331"),
    "a state of GitLab": (f"{GITLAB}/staging", "unlock_address", f"{GITLAB}/production", "KIA0331"),
    "the lock of a state of GitLab": (f"{GITLAB}/staging", "unlock_address", f"{GITLAB}/production/lock", "KIA0331"),
    "a version of a state": (
        f"{GITLAB}/staging",
        "unlock_address",
        f"{GITLAB}/staging/versions/1",
        "KIA0331",
    ),
    "a state of GitLab, from above": ("/api", "unlock_address", f"{GITLAB}/production", "KIA0331"),
    "the state itself": ("/states/staging", "unlock_address", "/states/staging", "KIA0332"),
    "a lock that overwrites": ("/states/staging", "lock_address", "/states/production", "KIA0331"),
    "a ledger in the place of a lock": (
        f"{GITLAB}/production/lock",
        "lock_address",
        f"{GITLAB}/production/lock",
        "KIA0312",
    ),
}
"""The ledger's address, the key that the merge request adds, and where it leads."""


@pytest.fixture
def server() -> Iterator[Wild]:
    """Where all ledgers are kept."""
    with wild(always(answer(b"", status="204 No Content"))) as running:
        yield running


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout, in a job that holds the credentials of the ledgers, pinned."""
    for name in [name for name in os.environ if name.startswith(("KIAMO_", "CI_", "GITHUB_"))]:
        monkeypatch.delenv(name)
    for name in ("TOKEN", "LEDGER_USERNAME", "LEDGER_PASSWORD"):
        monkeypatch.setenv(f"KIAMO_STAGING_{name}", TOKEN)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "manifests").mkdir()
    (tmp_path / "manifests" / "a.yaml").write_text(MANIFEST, encoding="utf-8")
    return tmp_path


def project(folder: Path, server: Wild, ledger: str, more: str = "") -> None:
    """A project file with a ledger on that server."""
    text = f"  staging:\n    url: '{server.url}'\n    ledger: {{backend: http, {ledger}}}\n{more}"
    (folder / "kiamo.yaml").write_text(f"manifests: [manifests]\nenvironments:\n{text}", encoding="utf-8")


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
@pytest.mark.parametrize("line", LINES, ids=" ".join)
def test_s09_a_lock_that_is_something_else(
    folder: Path,
    server: Wild,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    attack: tuple[str, str, str, str],
    line: tuple[str, ...],
) -> None:
    address, key, other, code = attack
    method = "unlock_method: DELETE" if key == "unlock_address" else "lock_method: PUT"
    project(folder, server, f"address: '{server.url}{address}', {key}: '{server.url}{other}', {method}")
    monkeypatch.setenv("KIAMO_STAGING_LEDGER_ORIGIN", server.url)
    assert run(line, session=Session()) == 1
    said = "".join(capsys.readouterr())
    assert f"error {code}" in said
    assert "kiamo.yaml:5:" in said
    assert server.connections == 0


def test_s09_a_lock_that_is_another_environments_ledger(
    folder: Path, server: Wild, capsys: pytest.CaptureFixture[str]
) -> None:
    more = f"  production: {{ledger: {{backend: http, address: '{server.url}/states/a/b'}}}}\n"
    project(folder, server, f"address: '{server.url}/states/a', unlock_address: '{server.url}/states/a/b'", more)
    assert run(("apply", "-e", "staging", "--yes"), session=Session()) == 1
    assert "error KIA0314" in "".join(capsys.readouterr())
    assert server.connections == 0


def test_s09_a_lock_below_the_ledger_is_taken_there(folder: Path, server: Wild) -> None:
    below = f"{server.url}/states/staging/lock"
    methods = "lock_method: POST, unlock_method: DELETE"
    project(
        folder,
        server,
        f"address: '{server.url}/states/staging', lock_address: '{below}', unlock_address: '{below}', {methods}",
    )
    run(("ledger", "forget", "-e", "staging", "bases/prospects"), session=Session())
    asked = [b" ".join(request.split()[:2]).decode() for request in server.requests]
    assert asked[0] == "POST /states/staging/lock"
    assert asked[-1] == "DELETE /states/staging/lock"
    assert {line.split("?")[0] for line in asked} <= {
        *("POST /states/staging/lock", "GET /states/staging", "DELETE /states/staging/lock", "POST /states/staging"),
    }


@pytest.mark.parametrize("address", ["/elsewhere", "/api/v4/projects/42/packages/generic/a/1/b", "/pages/a/state"])
def test_s09_the_token_of_a_job_opens_no_other_place_of_its_gitlab(
    folder: Path, server: Wild, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    for name in ("LEDGER_USERNAME", "LEDGER_PASSWORD"):
        monkeypatch.delenv(f"KIAMO_STAGING_{name}")
    monkeypatch.setenv("CI_JOB_TOKEN", "the-token-of-this-job")
    monkeypatch.setenv("CI_API_V4_URL", f"{server.url}/api/v4")
    project(folder, server, f"address: '{server.url}{address}'")
    run(("ledger", "list", "-e", "staging"), session=Session())
    assert server.requests
    assert not any(b"authorization" in request.lower() for request in server.requests)
    server.requests.clear()
    project(folder, server, f"address: '{server.url}{GITLAB}/staging'")
    run(("ledger", "list", "-e", "staging"), session=Session())
    assert any(b"authorization: basic" in request.lower() for request in server.requests)
