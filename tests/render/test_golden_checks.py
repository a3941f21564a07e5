"""Every format of every hand-made result of `validate`, compared whole against the file of its name."""

from __future__ import annotations

from pathlib import Path

import pytest

from kiamo_iac.render.formats import CHECK_FORMATS, DRIFT_FORMATS, PLAN_FORMATS, REPOSITORY_FORMATS
from tests.render.checks import CHECK_SUFFIXES, CHECKS, GOLDEN_CHECK, rendered_check

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.mark.parametrize("suffix", CHECK_SUFFIXES)
@pytest.mark.parametrize("name", CHECKS)
def test_the_format_is_what_the_golden_file_says(name: str, suffix: str) -> None:
    expected = (GOLDEN_CHECK / f"{name}.{suffix}").read_bytes().decode("utf-8")
    assert rendered_check(name, suffix) == expected


def test_no_golden_file_is_left_over() -> None:
    assert {p.name for p in GOLDEN_CHECK.iterdir()} == {
        f"{name}.{suffix}" for name in CHECKS for suffix in CHECK_SUFFIXES
    }


def test_every_format_has_golden_files() -> None:
    assert set(CHECK_SUFFIXES.values()) == set(CHECK_FORMATS)
    assert {"text", "json"} <= set(PLAN_FORMATS) & set(DRIFT_FORMATS) & set(CHECK_FORMATS)
    assert {*PLAN_FORMATS, *DRIFT_FORMATS, *CHECK_FORMATS} >= REPOSITORY_FORMATS


def test_the_page_on_formats_names_them_all() -> None:
    page = (ROOT / "docs" / "reference" / "formats.md").read_text(encoding="utf-8")
    for row, formats in (("`plan`, `show`", PLAN_FORMATS), ("`drift`", DRIFT_FORMATS), ("`validate`", CHECK_FORMATS)):
        assert f"| {row} | {', '.join(f'`{name}`' for name in formats)} |" in page
