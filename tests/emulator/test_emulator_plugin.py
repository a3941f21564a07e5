"""The pytest plugin, as a user's own project would opt in to it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.emulator.conftest import OTHER

ROOT = Path(__file__).parents[2]

CONFTEST = 'pytest_plugins = ["kiamo_iac.emulator.pytest_plugin"]\n'

TESTS = """
import pathlib
import urllib.error
import urllib.request

import pytest


def get(url, token):
    request = urllib.request.Request(url, headers={HEADER: token})
    with urllib.request.urlopen(request) as answer:
        return answer.read().decode()


@pytest.mark.parametrize("turn", [1, 2])
def test_each_test_has_its_own(kiamo_emulator, turn):
    assert kiamo_emulator.dump() == {}
    kiamo_emulator.seed({"services": [{"name": "Sales"}]})
    environ = kiamo_emulator.environ("pre-production")
    text = get(environ["KIAMO_PRE_PRODUCTION_URL"] + PATH, environ["KIAMO_PRE_PRODUCTION_TOKEN"])
    assert "Sales" in text
    assert get(kiamo_emulator.url + PATH, kiamo_emulator.read_only_token) == text
    ledger = pathlib.Path(environ["KIAMO_PRE_PRODUCTION_LEDGER_FILE"])
    assert list(ledger.parent.iterdir()) == []
    ledger.touch()
    (first, second) = kiamo_emulator.calls()
    assert (first.kind, first.operation, first.status) == ("service", "list", 200)
    assert kiamo_emulator.calls(after=first.n) == [second]
    with pytest.raises(urllib.error.HTTPError) as refused:
        get(kiamo_emulator.url + PATH, "nobody")
    with refused.value as answer:
        assert answer.status == 401
    kiamo_emulator.reset()
    assert kiamo_emulator.dump() == {}
"""

OWN_CONTRACT = """
from pathlib import Path

import pytest

from kiamo_iac.contract.file import load_contract


@pytest.fixture
def kiamo_contract():
    return load_contract(Path("contract.yaml"))
"""


def run(folder: Path) -> str:
    """Run pytest there, with warnings as errors."""
    command = [sys.executable, "-W", "error", "-m", "pytest", "-W", "error", "-q", "-p", "no:cacheprovider"]
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_ADDOPTS": ""}
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_a_project_opts_in(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST)
    names = 'HEADER, PATH = "Kiamo-Api-Token", "/api/services"\n'
    (tmp_path / "test_it.py").write_text(names + TESTS)
    assert "2 passed" in run(tmp_path)


def test_a_project_brings_its_own_contract(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST + OWN_CONTRACT)
    (tmp_path / "contract.yaml").write_text(OTHER.read_text(encoding="utf-8"), encoding="utf-8")
    names = 'HEADER, PATH = "X-Desk-Key", "/kiamo/rest/v9/desks"\n'
    (tmp_path / "test_it.py").write_text(names + TESTS)
    assert "2 passed" in run(tmp_path)
