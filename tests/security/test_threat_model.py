"""The table of SECURITY.md and the tests of this folder name each other, none without the other."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from tests.cli.program import ROOT

HERE = Path(__file__).parent
SECURITY = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
ROW = re.compile(r"\| `(?P<name>[a-z_]+)` \| (?P<rule>[^|]+) \|(?P<files>[^|]*)\|")


def rows() -> dict[str, list[str]]:
    """Each threat of the table, and the files that try it in full."""
    table = SECURITY.partition("<!-- BEGIN threats -->")[2].partition("<!-- END threats -->")[0]
    lines = [line for line in table.splitlines() if line.startswith("| `")]
    found = [ROW.fullmatch(line) for line in lines]
    assert all(found), [line for line, row in zip(lines, found, strict=True) if row is None]
    return {row["name"]: re.findall(r"`([^`]+)`", row["files"]) for row in found if row is not None}


def functions(file: Path) -> set[str]:
    """The tests of a file."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}


def test_each_threat_has_a_test_of_its_name_and_each_test_a_threat() -> None:
    tried = functions(HERE / "test_threats.py")
    assert {f"test_threat_{name}" for name in rows()} == {name for name in tried if name.startswith("test_threat_")}


def test_what_tries_a_threat_in_full_is_there_and_all_of_it_is_named() -> None:
    named = {file for files in rows().values() for file in files}
    assert not [file for file in named if not (ROOT / file).is_file()]
    here = {file.relative_to(ROOT).as_posix() for file in HERE.glob("test_s*.py")}
    assert here <= named, sorted(here - named)


def test_each_finding_of_the_first_search_has_a_test_of_its_number() -> None:
    """S1 to S16."""
    numbers = {
        int(number[1]) for file in HERE.glob("test_s*.py") for name in functions(file) if (number := NUMBER.match(name))
    }
    assert numbers == set(range(1, 17))


NUMBER = re.compile(r"test_s(\d\d)_")
