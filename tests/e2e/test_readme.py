"""What README.md and the page of the emulator show is what happens: its quick tour and its pytest example are run."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from kiamo_iac.contract.file import load_contract
from kiamo_iac.emulator import FULL_TOKEN, Emulator
from kiamo_iac.emulator.server import Server
from tests.cli.program import ROOT, kiamo, variables

README = (ROOT / "README.md").read_text(encoding="utf-8")
EMULATOR = (ROOT / "docs" / "how-to" / "emulator.md").read_text(encoding="utf-8")
SHOWN_URL = "http://127.0.0.1:8090"


def block(language: str, starting: str, *, page: str = README) -> str:
    """The fenced block of a page that begins with `starting`."""
    (found,) = [b for b in re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL) if b.startswith(starting)]
    return str(found)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The project that the README shows."""
    (tmp_path / "manifests").mkdir()
    (tmp_path / "manifests" / "prospects.yaml").write_text(block("yaml", "services:"), encoding="utf-8")
    (tmp_path / "kiamo.yaml").write_text(block("yaml", "manifests:"), encoding="utf-8")
    return tmp_path


def test_the_quick_tour_answers_as_it_says(project: Path) -> None:
    (tour,) = re.findall(r"<!-- BEGIN quick tour -->\n```\n(.*?)```\n<!-- END", README, re.DOTALL)
    runs = re.findall(r"^\$ kiamo-iac (.*)\n((?:(?!\$ ).*\n)*)", tour, re.MULTILINE)
    assert [command.split()[0] for command, _ in runs] == ["validate", "plan", "apply", "plan"]
    with Emulator(load_contract()) as emulator, Server(emulator) as server:
        emulator.seed({"services": [{"name": "Outbound Sales"}]})
        for command, shown in runs:
            done = kiamo(*command.split(), cwd=project, KIAMO_TOKEN=FULL_TOKEN, KIAMO_STAGING_URL=server.url)
            assert done.returncode == 0, done.stderr
            said = done.stderr if command == "validate" else done.stdout.replace(server.url, SHOWN_URL)
            assert re.fullmatch("(?:.*\n)*".join(map(re.escape, shown.split("…\n"))), said), said


def test_the_pytest_example_passes(project: Path) -> None:
    example = block("python", "import subprocess", page=EMULATOR).replace('["python", ', f"[{sys.executable!r}, ")
    plugins = re.search(r"^pytest_plugins = .*$", example, re.MULTILINE)
    assert plugins
    (project / "conftest.py").write_text(plugins[0], encoding="utf-8")
    (project / "test_manifests.py").write_text(example.replace(plugins[0], ""), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=project, env={**variables(), "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout


def test_its_files_exist() -> None:
    linked = re.findall(r"\]\((?!https?:|#)([^)#]+)", README)
    assert linked
    assert [link for link in linked if not (ROOT / link).exists()] == []


def test_the_two_commands_are_the_makefile_s() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in ("demo", "test"):
        assert f"make {target} " in README
        assert re.search(rf"^{target}: ", makefile, re.MULTILINE)
