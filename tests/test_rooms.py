"""How the package is laid out: no circle of imports, few loose modules, few small files, no file too long."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp
import pytest

import kiamo_iac

PACKAGE = Path(kiamo_iac.__file__).parent
LINES = {
    path.relative_to(PACKAGE).as_posix(): path.read_text(encoding="utf-8").count("\n")
    for path in sorted(PACKAGE.rglob("*.py"))
}
LONGEST = 500
SMALL = 60
"""Files with fewer lines are small; fewer than one in six may be."""
LOOSE = 8
"""The most modules at the top of the package."""


def test_no_circle_of_imports_typing_only_and_lazy_ones_counted() -> None:
    graph = grimp.build_graph("kiamo_iac", exclude_type_checking_imports=False, cache_dir=None)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        pytest.fail(" ← ".join(error.args[1]))


def test_a_file_is_one_idea() -> None:
    assert {name: lines for name, lines in LINES.items() if lines > LONGEST} == {}
    files = {name: lines for name, lines in LINES.items() if not name.endswith("__init__.py")}
    small = sorted(name for name, lines in files.items() if lines < SMALL)
    assert len(small) * 6 < len(files), small


def test_few_modules_are_outside_of_a_room() -> None:
    assert len([name for name in LINES if "/" not in name]) <= LOOSE
