"""Every format of every plan, compared whole against the file of its name in golden/."""

from __future__ import annotations

from pathlib import Path

import pytest

import kiamo_iac.render
from kiamo_iac.planner.plan import Plan
from kiamo_iac.render.base import Style, plan_renderer
from tests.render.goldens import GOLDEN, SHELL, STYLES, embedded, golden_text, shell_of
from tests.render.plans import PLANS

RENDER = Path(kiamo_iac.render.__file__).parent
SHEETS = [*(f"{room}/{theme}.css" for room in ("graph", "html") for theme in ("light", "dark"))]
SHEETS += ["html/page.css", "graph/graph.css"]
FRAME = """\
:root {
color-scheme: light;
graph/light.css;
html/light.css;
}
@media (prefers-color-scheme: dark) {
:root:not([data-theme="light"]) {
color-scheme: dark;
graph/dark.css;
html/dark.css;
}
}
:root[data-theme="dark"] {
color-scheme: dark;
graph/dark.css;
html/dark.css;
}
@media print {
:root:root:root {
color-scheme: light;
graph/light.css;
html/light.css;
}
}
html/page.css;

graph/graph.css;
"""
"""The style of a page, with the names of the sheets that are put into it."""


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
    assert shell_of(page) == SHELL.read_bytes().decode("utf-8")


def test_a_page_embeds_the_style_sheets_and_the_script_of_the_package(named_plan: tuple[str, Plan]) -> None:
    style, script = embedded(plan_renderer("html", Style()).render(named_plan[1]))
    assert script == (RENDER / "html/page.js").read_text(encoding="utf-8")
    for name in SHEETS:
        style = style.replace((RENDER / name).read_text(encoding="utf-8"), f"{name};\n")
    assert style == FRAME
