"""Which fault is tested where: README.md, which `python -m tests.regenerate` writes."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

HERE = Path(__file__).parent
ROWS = [f"F{number:02}" for number in range(1, 33)]


def by_row() -> Mapping[str, Sequence[str]]:
    """Row → `module: test` for each test function with its number, in the order of the files."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for path in sorted([*HERE.glob("test_*.py"), *HERE.glob("stage_*.py")]):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and (match := re.match(r"test_(f\d\d)_", node.name)):
                found[match[1].upper()].append(f"{path.stem}: {node.name}")
    return found


def page() -> str:
    """README.md."""
    tests = by_row()
    rows = "\n".join(f"| {row} | {'<br>'.join(f'`{test}`' for test in tests.get(row, ()))} |" for row in ROWS)
    return (
        "# Which fault is tested where\n\n"
        "Written by `python -m tests.regenerate`. The docstring of the package says how such a test is made.\n\n"
        f"| fault | tests |\n| --- | --- |\n{rows}\n"
    )
