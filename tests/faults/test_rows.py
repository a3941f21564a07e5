"""Every row of the faults that the program must survive has an end-to-end test with its number, and the table of this
package's docstring says where."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from pathlib import Path

import tests.faults

HERE = Path(__file__).parent
ROWS = [f"F{number:02}" for number in range(1, 33)]


def modules_by_row() -> dict[str, list[str]]:
    """Row → the modules, without suffix, that have test functions with the number of the row."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for path in sorted([*HERE.glob("test_*.py"), *HERE.glob("stage_*.py")]):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and (match := re.match(r"test_(f\d\d)_", node.name)):
                found[match[1].upper()].add(path.stem)
    return {row: sorted(modules) for row, modules in found.items()}


def table() -> str:
    """The table as it should be."""
    rows = modules_by_row()
    return "\n".join(f"    {row}  {', '.join(rows.get(row, []))}" for row in ROWS)


def test_every_row_has_a_test_with_its_number() -> None:
    assert sorted(modules_by_row()) == ROWS


def test_the_table_of_the_docstring_is_as_the_tests_are() -> None:
    assert tests.faults.__doc__ is not None
    assert table() in tests.faults.__doc__, f"the table is:\n{table()}"
