"""The colours: every text that the page sets on a surface can be read by WCAG AA (4.5 to 1), in light and in dark."""

from __future__ import annotations

import re
from typing import Literal

import pytest

from kiamo_iac.render.graph.svg import graph_colors
from kiamo_iac.render.html import page as pages

ON = {
    "page": ["ink", "quiet", "link", "unknown"],
    "card": [
        "ink", "quiet", "link", "create", "update", "rename", "delete", "start", "pause", "stop", "grave",
        "git", "instance", "both", "neither", "unknown",
    ],
    "hover": ["ink", "quiet", "create", "update", "rename", "delete", "start", "pause", "stop", "both", "git"],
    "band": ["quiet"],
    "loss-fill": ["ink", "delete"],
    "dials-fill": ["ink", "start"],
    "undone-fill": ["ink", "undone", "quiet"],
    "good-fill": ["new"],
    "old-fill": ["old"],
    "new-fill": ["new"],
    "ink": ["card"],
    "create": ["sign"], "update": ["sign"], "rename": ["sign"], "delete": ["sign"], "start": ["sign"],
    "pause": ["sign"], "stop": ["sign"], "quiet": ["sign"],
}  # fmt: skip
"""Surface → what is written on it."""


def colors(theme: Literal["light", "dark"]) -> dict[str, str]:
    text = graph_colors(theme) + (pages._FOLDER / f"{theme}.css").read_text(encoding="utf-8")
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", text))


def luminance(color: str) -> float:
    """Relative luminance (https://www.w3.org/TR/WCAG22/#dfn-relative-luminance)."""
    parts = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_can_be_read(theme: Literal["light", "dark"]) -> None:
    found = colors(theme)
    low = {
        (surface, ink): round(contrast(found[surface], found[ink]), 2)
        for surface, inks in ON.items()
        for ink in inks
        if contrast(found[surface], found[ink]) < 4.5
    }
    assert low == {}


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_borders_of_what_can_be_used_and_lines_of_the_drawing_can_be_seen(theme: Literal["light", "dark"]) -> None:
    found = colors(theme)
    for surface in ("page", "card", "band"):
        assert contrast(found[surface], found["edge"]) >= 3
        assert contrast(found[surface], found["focus"]) >= 3


def test_both_themes_set_the_same_colors() -> None:
    assert colors("light").keys() == colors("dark").keys()


def test_every_variable_that_is_used_is_set() -> None:
    style = pages._style()
    assert set(re.findall(r"var\(--([\w-]+)\)", style)) == set(re.findall(r"--([\w-]+):", style))
