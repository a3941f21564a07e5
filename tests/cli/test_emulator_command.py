"""`kiamo-iac emulator`: ready when it says so, on loopback only, and gone when it is told to go."""

from __future__ import annotations

import json
import signal
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from kiamo_iac.cli.main import run
from kiamo_iac.emulator import FULL_TOKEN
from tests.cli.program import COMMAND, variables

SEED = {"services": [{"name": "Ventes", "label": "Ventes"}], "bases": []}


@contextmanager
def emulator(folder: Path, *arguments: str) -> Iterator[str]:
    """The real program on a free port, its URL as it prints it."""
    process = subprocess.Popen(
        [*COMMAND, "emulator", "--port", "0", *arguments],
        cwd=folder,
        env=variables(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=30)
    assert "Traceback" not in said
    assert process.returncode == 0


def services(url: str) -> Any:
    """What the server lists."""
    request = urllib.request.Request(f"{url}/api/services", headers={"Kiamo-Api-Token": FULL_TOKEN})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def test_it_answers_as_soon_as_it_prints_its_url(tmp_path: Path) -> None:
    (tmp_path / "live.json").write_text(json.dumps(SEED), encoding="utf-8")
    with emulator(tmp_path, "--seed", "live.json") as url:
        assert url.startswith("http://127.0.0.1:")
        assert [s["name"] for s in services(url)] == ["Ventes"]
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"{url}/api/services")
        with refused.value as answer:
            assert answer.status == 401


def test_a_database_outlives_it_and_is_seeded_once(tmp_path: Path) -> None:
    (tmp_path / "live.json").write_text(json.dumps(SEED), encoding="utf-8")
    arguments = ("--db", "kiamo.sqlite", "--seed", "live.json")
    with emulator(tmp_path, *arguments) as url:
        first = services(url)
    with emulator(tmp_path, *arguments) as url:
        assert services(url) == first


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "kiamo.example.com", "::"])
def test_it_listens_on_loopback_only(host: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["emulator", "--host", host]) == 64
    assert "is not a loopback address" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["[]", "{", '{"nonsense": []}'])
def test_a_seed_that_is_none_is_refused(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "live.json").write_text(text, encoding="utf-8")
    assert run(["emulator", "--port", "0", "--seed", "live.json"]) == 64
    assert "The emulator cannot start: " in capsys.readouterr().err


def test_d23_it_says_which_contract_it_implements_and_takes_that_of_a_project(tmp_path: Path) -> None:
    project = tmp_path / "project"
    (project / "manifests").mkdir(parents=True)
    (project / "kiamo.yaml").write_text("manifests: [manifests]\ncontract: c.yaml\n")
    (project / "c.yaml").write_text('contract_version: "1"\nname: Ours\nprefix: {path: /rest, basis: observed}\n')
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    file = str(project / "kiamo.yaml")
    cases: tuple[tuple[tuple[str, ...], str, str], ...] = (
        ((), "Kiamo API v2, as assumed by kiamo-iac (packaged)", "/api"),
        (("--project", file), "Ours (c.yaml)", "/rest"),
    )
    for options, named, prefix in cases:
        process = subprocess.Popen(
            [*COMMAND, "emulator", "--port", "0", *options],
            cwd=elsewhere,
            env=variables(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        request = urllib.request.Request(f"{url}{prefix}/services", headers={"Kiamo-Api-Token": FULL_TOKEN})
        with urllib.request.urlopen(request) as answer:
            assert json.load(answer) == []
        process.send_signal(signal.SIGTERM)
        assert f"It implements the contract {named}.\n" in process.communicate(timeout=30)[1]
