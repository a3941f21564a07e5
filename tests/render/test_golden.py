"""Every format of every plan, compared whole against the file of its name in golden/."""

from __future__ import annotations

from pathlib import Path

import pytest

from kiamo_iac.planner.plan import Plan
from kiamo_iac.render.base import Style, plan_renderer
from kiamo_iac.render.symbols import ASCII, UNICODE

GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize(
    ("name", "style", "suffix"),
    [
        ("text", Style(UNICODE), "txt"),
        ("text", Style(ASCII), "ascii.txt"),
        ("text", Style(UNICODE, color=True), "ansi.txt"),
        ("json", Style(), "json"),
    ],
)
def test_the_format_is_what_the_golden_file_says(
    named_plan: tuple[str, Plan], name: str, style: Style, suffix: str
) -> None:
    plan_name, plan = named_plan
    expected = (GOLDEN / f"{plan_name}.{suffix}").read_bytes().decode("utf-8")
    assert plan_renderer(name, style).render(plan) == expected


def test_no_golden_file_is_left_over(named_plan: tuple[str, Plan]) -> None:
    names = {path.name.split(".", 1)[0] for path in GOLDEN.iterdir()}
    assert named_plan[0] in names
    assert len(list(GOLDEN.iterdir())) == 4 * len(names)
