"""Completion in a real bash: its function is called as Tab calls it, and bash reads back what would be inserted."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from kiamo_iac.cli.shells import script_text
from tests.shells import project

TAB = """
source <(kiamo-iac completion bash)
COMP_LINE=$1 COMP_POINT=${#1} COMP_WORDBREAKS=$' \\t\\n"\\'><=;|&(:@'
_kiamo_iac_completion kiamo-iac
for reply in "${COMPREPLY[@]}"; do printf '%s\\n' "$reply"; done
"""
"""What Tab does at the end of $1; a line for each reply."""
READ_BACK = """
while IFS= read -r typed; do eval "set -- $typed"; printf '%s\\n' "$#" "$1"; done
"""
"""What bash makes of each line: how many words there are, and the first."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the project of harmful names lies."""
    project.make(tmp_path)
    return tmp_path


def bash(script: str, *arguments: str, folder: Path, typed: str = "") -> str:
    """Run a script; it must succeed and say nothing on stderr."""
    done = subprocess.run(
        ["bash", "--norc", "-c", script, "bash", *arguments],
        cwd=folder / "project", env=project.surroundings(folder), input=typed,
        capture_output=True, encoding="utf-8", check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert not (folder / "project" / project.MARK).exists()
    return done.stdout


def tab(line: str, *, folder: Path) -> list[str]:
    """What bash would insert or list."""
    return bash(TAB, line, folder=folder).splitlines()


@pytest.mark.parametrize("quote", ["", "'", '"'], ids=["bare", "single", "double"])
def test_every_name_comes_out_of_bash_as_it_went_in(quote: str, folder: Path) -> None:
    replies = tab(f"kiamo-iac adopt {quote}services/", folder=folder)
    assert len(replies) == len(project.NAMES)
    typed = "".join(f"{quote}{reply}{quote}\n" for reply in replies)
    told = bash(READ_BACK, folder=folder, typed=typed).splitlines()
    assert told[0::2] == ["1"] * len(replies)
    assert told[1::2] == [address for address in project.addresses() if address.startswith("services/")]


@pytest.mark.parametrize(
    ("line", "replies"),
    [
        ("kiamo-iac plan -e ", ["staging", "production"]),
        ("kiamo-iac plan -e st", ["staging"]),
        ("HTTPS_PROXY=x /opt/kiamo-iac plan -e st", ["staging"]),
        ("kiamo-iac --project kiamo.yaml plan -e prod", ["production"]),
        ("kiamo-iac --project nowhere.yaml plan -e prod", []),
        ("kiamo-iac plan --environment=st", ["staging"]),
        ("kiamo-iac plan --target=bases/prospects/", ["bases/prospects/fields/ville"]),
        ("kiamo-iac adopt bases/prospects ", ["bases/prospects/fields/ville"]),
        ("kiamo-iac adopt services/a:", ["b=c,d@e"]),
        ("kiamo-iac adopt services/a\\:", ["services/a:b=c,d@e"]),
        ("kiamo-iac adopt services/a:b=c,d@", ["e"]),
        ("kiamo-iac adopt 'services'/Outbound\\ S", ["services/Outbound\\ Sales"]),
        ('kiamo-iac adopt "services/Outbound \\$', [f"services/Outbound \\$(touch {project.MARK})"]),
        ("kiamo-iac completion po", ["powershell"]),
        ("kiamo-iac comp", ["completion"]),
        ("kiamo-iac ledger u", ["unlock"]),
        ("kiamo-iac ledger unlock --env", ["--environment"]),
    ],
)
def test_what_tab_inserts(line: str, replies: list[str], folder: Path) -> None:
    found = tab(line, folder=folder)
    assert [reply for reply in found if line[-1] != " " or not reply.startswith("services/")] == replies


def test_what_is_typed_is_never_run(folder: Path) -> None:
    assert "plan" in tab(f"kiamo-iac $(touch {project.MARK}) `touch {project.MARK}` ", folder=folder)


def test_a_broken_project_is_no_reason_to_speak(folder: Path) -> None:
    (folder / "project" / "kiamo.yaml").write_text("manifests: [", encoding="utf-8")
    assert tab("kiamo-iac plan -e ", folder=folder) == []
    assert tab("kiamo-iac adopt ", folder=folder) == []


def test_the_program_that_is_run_is_that_of_the_path(folder: Path) -> None:
    """A `./kiamo-iac` of somebody else's folder is not run because Tab was pressed behind it."""
    planted = folder / "project" / "kiamo-iac"
    planted.write_text(f"#!/bin/sh\ntouch {project.MARK}\n", encoding="utf-8")
    planted.chmod(0o755)
    assert tab("./kiamo-iac plan -e st", folder=folder) == ["staging"]


def test_the_script_hands_over_data_and_evaluates_nothing() -> None:
    script = script_text("kiamo-iac.bash")
    assert "eval" not in script.replace("evaluated", "")
    assert "\r" not in script
