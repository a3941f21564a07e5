"""Every format of every plan, compared whole against the file of its name in golden/."""

from __future__ import annotations

import pytest

from kiamo_iac.planner.plan import Plan
from kiamo_iac.render.base import Style, plan_renderer
from tests.render.goldens import GOLDEN, SHELL, STYLES, golden_text, shell_of
from tests.render.plans import PLANS


@pytest.mark.parametrize("suffix", STYLES)
def test_the_format_is_what_the_golden_file_says(named_plan: tuple[str, Plan], suffix: str) -> None:
    plan_name, plan = named_plan
    format_name, style = STYLES[suffix]
    expected = (GOLDEN / f"{plan_name}.{suffix}").read_bytes().decode("utf-8")
    assert golden_text(plan_renderer(format_name, style).render(plan), suffix) == expected


def test_no_golden_file_is_left_over() -> None:
    assert {path.name for path in GOLDEN.iterdir()} == {f"{name}.{suffix}" for name in PLANS for suffix in STYLES}


def test_every_page_is_its_own_part_in_one_shell(named_plan: tuple[str, Plan]) -> None:
    page = plan_renderer("html", Style()).render(named_plan[1])
    shell = SHELL.read_bytes().decode("utf-8")
    assert shell_of(page) == shell
    assert len(page) == len(shell) + len(golden_text(page, "html")) - 1
