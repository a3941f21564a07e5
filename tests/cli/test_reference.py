"""What README and docs say of the command line is what the command line says of itself."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from kiamo_iac.cli import reference
from kiamo_iac.cli.main import COMMANDS, EXIT_CODES
from tests import regenerate

README = (regenerate.ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", regenerate.BLOCKS)
def test_the_readme_has_every_generated_block_and_it_is_fresh(name: str) -> None:
    found = {match["name"]: match[0] for match in regenerate.BLOCK.finditer(README)}
    assert regenerate.BLOCKS[name]() in found[name]


def test_every_generated_file_is_fresh() -> None:
    assert regenerate.stale() == []


def test_the_check_names_what_is_stale(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = [(regenerate.ROOT / "schemas" / "nonsense.schema.json", "{}\n")]
    monkeypatch.setattr(regenerate, "generated", lambda: iter(wrong))
    assert regenerate.main(["--check"]) == 1
    assert not wrong[0][0].exists()
    assert regenerate.main(["--nonsense"]) == 64


def test_the_command_table_has_every_command_and_option() -> None:
    table = reference.command_table()
    for name in COMMANDS:
        assert f"| `{name}" in table
    assert "`ledger list -e ENV [--format text\\|json]`" in table
    assert "`contract check [FILE]`" in table


def test_every_exit_code_is_in_its_table() -> None:
    rows = reference.exit_code_table().splitlines()[2:]
    assert [int(row.split("|")[1]) for row in rows] == list(EXIT_CODES)


def test_it_runs_as_make_runs_it() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.regenerate", "--check"],
        cwd=regenerate.ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
