"""Every format of every plan, compared whole against the file of its name in golden/."""

from __future__ import annotations

import pytest

from kiamo_iac.planner.plan import Plan
from kiamo_iac.render.base import plan_renderer
from tests.render.goldens import GOLDEN, STYLES
from tests.render.plans import PLANS


@pytest.mark.parametrize("suffix", STYLES)
def test_the_format_is_what_the_golden_file_says(named_plan: tuple[str, Plan], suffix: str) -> None:
    plan_name, plan = named_plan
    format_name, style = STYLES[suffix]
    expected = (GOLDEN / f"{plan_name}.{suffix}").read_bytes().decode("utf-8")
    assert plan_renderer(format_name, style).render(plan) == expected


def test_no_golden_file_is_left_over() -> None:
    assert {path.name for path in GOLDEN.iterdir()} == {f"{name}.{suffix}" for name in PLANS for suffix in STYLES}
