"""Data is never markup."""

from __future__ import annotations

import json

import pytest

from kiamo_iac.core.state import DanglingReference
from kiamo_iac.planner.plan import Plan
from kiamo_iac.render.base import ASCII, Style, plan_renderer
from kiamo_iac.render.escape import document, json_document, quoted, value, visible

HIDDEN = [
    *range(0x20),
    *range(0x7F, 0xA0),
    *range(0x200B, 0x2010),
    *range(0x2028, 0x202F),
    *range(0x2060, 0x2065),
    *range(0x2066, 0x206A),
    0xAD,
    0x61C,
    0xFEFF,
    0xD800,
    0xDFFF,
]


@pytest.mark.parametrize("code", HIDDEN)
def test_what_cannot_be_seen_is_written_out(code: int) -> None:
    assert visible(f"a{chr(code)}b") == f"a\\u{code:04x}b"
    text = json_document({"key": f"a{chr(code)}b"})
    assert chr(code) not in text.replace("\n", "")
    assert json.loads(text.encode("utf-8")) == {"key": f"a{chr(code)}b"}


def test_characters_past_the_first_plane_are_written_with_eight_digits() -> None:
    assert visible("\U000e0041") == "\\U000e0041"


@pytest.mark.parametrize(
    "text", ["Ville d’appel", "Été 2026 – relance", "日本語", "a b.c-d_e", "[/red] <b>&amp;", "☎ 🎧"]
)
def test_what_can_be_seen_stays(text: str) -> None:
    assert visible(text) == text


@pytest.mark.parametrize("command", ["##[error]x", "##vso[task.x]", "##teamcity[x]"])
def test_commands_that_ci_looks_for_anywhere_are_broken(command: str) -> None:
    assert command[:6] not in visible(f"name {command}")
    assert command[:6] not in json_document({"name": command})
    assert json.loads(json_document({"name": command})) == {"name": command}


@pytest.mark.parametrize("indent", ["", "  ", "\u00a0", "\t"])
def test_no_line_opens_as_a_command(indent: str) -> None:
    assert document([f"{indent}::error::x"]) == f"{indent}\\u003a:error::x\n"


def test_colons_elsewhere_stay() -> None:
    assert document(["http://[::1]:8090", "a::b"]) == "http://[::1]:8090\na::b\n"


def test_a_quoted_value_cannot_close_its_quotes() -> None:
    assert quoted('a" → "b\\') == '"a\\" → \\"b\\\\"'


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        (None, "(not set)"),
        (True, "true"),
        (3, "3"),
        (2.5, "2.5"),
        ("", '""'),
        (DanglingReference("(gone: 17)"), "(gone: 17)"),
        ([1, "é\u202e"], '[1, "é\\u202e"]'),
        ({"a": {"b": None}}, '{"a": {"b": null}}'),
    ],
)
def test_values(data: object, shown: str) -> None:
    assert value(data) == shown


def test_every_format_keeps_every_plan_on_lines_of_its_own(named_plan: tuple[str, Plan]) -> None:
    for name in ("text", "json"):
        text = plan_renderer(name, Style(ASCII)).render(named_plan[1])
        for line in text.split("\n"):
            assert not line.lstrip().startswith("::")
            assert "##[" not in line
            assert "##vso[" not in line
            assert line.isprintable()
