"""The memory of an export, beside the size of the instance. `make slow` runs it.

The row `export-memory` of the benchmarks measures whole processes. Here the memory of Python alone is counted, which is
the same in every run.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.test_large_instance import exported
from tests.generated_instance import BATCHES, FIELDS, SERVICES

RATIO = 1.35
"""The most that an export of 240 bases may take, of the memory of one of 60."""


@pytest.mark.parametrize("into", [None, "manifests"])
def test_o18_memory_of_an_export_hardly_grows_with_the_instance(tmp_path: Path, into: str | None) -> None:
    exported(tmp_path / "first", 5, into=into)  # imports, and what is cached once
    _, small = exported(tmp_path / "small", 60, into=into)
    result, large = exported(tmp_path / "large", 240, into=into)
    assert len(result.report.added) == SERVICES + 240 * (1 + FIELDS + BATCHES)
    if large > RATIO * small:  # once: a table of the whole process, such as that of interned texts, may have grown
        _, large = exported(tmp_path / "again", 240, into=into)
    assert large <= RATIO * small
