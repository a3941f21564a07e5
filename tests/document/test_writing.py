"""Canonical YAML of plain data: every reader takes it for the same data."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from kiamo_iac.core.diagnostics import has_errors
from kiamo_iac.document.equality import copied, difference, spelled
from kiamo_iac.document.parser import parse
from kiamo_iac.document.writing import dump, flow_text, is_plain, scalar

TEXTS = st.text(st.characters(codec="utf-8"), max_size=20) | st.text(
    "ab :#-\n\t'\"\\,[]{}0123.+&*!|>%@`~yno=<e_/ TZ?é\u00a0\u2028\u202e\x85", max_size=12
)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS
)
DATA = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4), max_leaves=12
)

MANY_DO_NOT_COUNT = (HealthCheck.filter_too_much,)
"""Most of what is drawn is assumed away, at times fifty in a row; the count of examples is of those that are left."""


@given(DATA, st.sampled_from([(), ("a", "b", "")]), st.integers(0, 8))
@settings(max_examples=300, deadline=None)
def test_what_is_written_is_read_as_it_was(data: Any, flow: tuple[str, ...], indent: int) -> None:
    texts = ((dump(data, flow=flow), data), (flow_text(data), data), (dump({"a": data}, indent=indent), {"a": data}))
    for text, expected in texts:
        document = parse(text, file="m.yaml")
        assume(all(d.code != "KIA0108" for d in document.diagnostics))  # keys that are the same in NFC
        assert document.diagnostics == ()
        assert difference(document.data, expected) is None


@given(DATA)
@settings(max_examples=200, deadline=None)
def test_a_reader_of_yaml_1_1_takes_it_for_the_same(data: Any) -> None:
    """PyYAML, written independently and of the older version."""
    assert repr(yaml.safe_load(dump(data))) == repr(data)
    assert repr(yaml.safe_load(flow_text(data))) == repr(data)


@given(TEXTS)
@settings(max_examples=300, deadline=None, suppress_health_check=MANY_DO_NOT_COUNT)
def test_texts_without_quotes_are_that_text_everywhere(text: str) -> None:
    assume(is_plain(text))
    assert yaml.safe_load(text) == text
    assert parse(text, file="m.yaml").data == text
    assert not has_errors(parse(text, file="m.yaml").diagnostics)
    assert parse(f"{text}: 1\n", file="m.yaml").data == {text: 1}


@pytest.mark.parametrize(
    "text",
    [
        *("0612345678", "+33612345678", "06 12 34 56 78", "01.02", "1_000", "12:30", "1:20:30", "2026-01-01", "1e3"),
        *("2026-01-01T08:00:00Z", "0x1F", "0o17", ".5", "-1", "1.2.3", ".inf", "yes", "No", "ON", "off", "y", "N"),
        *(
            "true",
            "False",
            "null",
            "~",
            "Null",
            "none",
            "",
            " a",
            "a ",
            "a: b",
            "a:",
            "a #b",
            "# a",
            "- a",
            "-a",
            "? a",
        ),
        *(
            "[a",
            "{a",
            "@a",
            "`a",
            "%a",
            "!a",
            "&a",
            "*a",
            "|",
            ">",
            "a\tb",
            "\u202ea",
            "a\u200b",
            "=",
            "<<",
            "...",
            "---",
        ),
    ],
)
def test_texts_that_need_quotes(text: str) -> None:
    written = scalar(text)
    assert written[0] in "\"'"
    assert "\u202e" not in written
    assert parse(written, file="m.yaml").data == text


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("Ventes sortantes", "Ventes sortantes"),
        ("Clientèle", "Clientèle"),
        ("l'été", "l'été"),
        ("3 rue de la Paix", "3 rue de la Paix"),
        ("http://example.com/a?b=c", "http://example.com/a?b=c"),
        ("a, b", "a, b"),
        ("C:\\dir", "C:\\dir"),
        ("${brand} desk", "${brand} desk"),
        ("prix\u00a0: 5", '"prix\u00a0: 5"'),
        ("a: \\d+", "'a: \\d+'"),
        ('"x"', "'\"x\"'"),
        ('it\'s: "x"', '"it\'s: \\"x\\""'),
        ("\x00\x1b\x85\u2028\U000e0001", '"\\x00\\x1b\\x85\\u2028\\U000e0001"'),
    ],
)
def test_how_texts_are_written(text: str, written: str) -> None:
    assert scalar(text) == written


def test_brackets_want_more_quotes() -> None:
    assert flow_text(["a, b", "a]", "http://x", "a b"]) == '["a, b", "a]", "http://x", a b]'


@pytest.mark.parametrize("number", [0, -1, 2**63 - 1, 0.5, 1e16, 1e-7, -0.0, 1.7976931348623157e308])
def test_numbers(number: float) -> None:
    for text in (scalar(number), dump([number])):
        for data in (parse(text, file="m.yaml").data, yaml.safe_load(text)):
            assert difference(data if text != dump([number]) else data[0], number) is None


@pytest.mark.parametrize(
    "data", [float("nan"), float("inf"), 2**63, -(2**63) - 1, "\ud800", {1: "a"}, {"a": object()}, {None: 1}]
)
def test_what_has_no_form_is_refused(data: object) -> None:
    with pytest.raises(ValueError, match=r"[a-z]"):
        dump(data)


def test_the_layout() -> None:
    data = {
        "services": [{"name": "Outbound Sales", "managed": True}],
        "bases": [
            {
                "name": "prospects",
                "note": "one\ntwo\n",
                "last": "one\ntwo",
                "fields": [{"name": "city", "label": "City"}, {"name": "x", "settings": {"a": [1]}}],
                "association": {"destination": "phone"},
                "renamed_from": ["a", "b"],
                "batches": [],
                "settings": {},
                "grid": [[1, 2], [{"a": 1, "b": None}]],
            }
        ],
    }
    flow = ("fields", "association", "renamed_from")
    assert dump(data, flow=flow) == (
        "services:\n"
        "  - name: Outbound Sales\n"
        "    managed: true\n"
        "bases:\n"
        "  - name: prospects\n"
        "    note: |\n"
        "      one\n"
        "      two\n"
        "    last: |-\n"
        "      one\n"
        "      two\n"
        "    fields:\n"
        "      - {name: city, label: City}\n"
        "      - name: x\n"
        "        settings:\n"
        "          a:\n"
        "            - 1\n"
        "    association: {destination: phone}\n"
        "    renamed_from: [a, b]\n"
        "    batches: []\n"
        "    settings: {}\n"
        "    grid:\n"
        "      - - 1\n"
        "        - 2\n"
        "      - - a: 1\n"
        "          b: null\n"
    )


def test_brackets_that_would_be_too_long_become_lines() -> None:
    long = {"fields": [{"name": "n" * 60, "label": "l" * 60}]}
    assert dump(long, flow=("fields",)).startswith("fields:\n  - name: n")
    for length in range(40, 60):
        text = dump({"fields": [{"name": "n" * 50, "label": "l" * length}]}, flow=("fields",))
        assert ("{" in text) == (length <= 49)
        assert max(map(len, text.splitlines())) <= 120


@pytest.mark.parametrize("text", ["a\n\n", "\na", " a\nb", "a \nb", "a\tb\nc", "\n", "a\r\nb", "a\u2028b\nc"])
def test_texts_that_a_literal_block_would_not_show_are_quoted(text: str) -> None:
    assert dump({"a": text}).startswith('a: "')


def test_a_key_of_any_length() -> None:
    for length in (1000, 1001, 2000):
        data = {"k" * length: [1], "b": {"k" * length: 2}}
        assert parse(dump(data), file="m.yaml").data == data
        assert parse(flow_text(data), file="m.yaml").data == data


def test_the_top_may_be_anything() -> None:
    assert dump([]) == "[]\n"
    assert dump({}) == "{}\n"
    assert dump("a\nb\n") == "|\n  a\n  b\n"
    assert dump(["a"], indent=4) == "    - a\n"


def test_sameness_is_strict() -> None:
    for one, other in [(1, True), (1, 1.0), (0.0, -0.0), ({"a": 1, "b": 2}, {"b": 2, "a": 1}), ([], {}), (None, "")]:
        assert difference(one, other) == ()
    assert difference({"a": [1, {"b": 2}]}, {"a": [1, {"b": 3}]}) == ("a", 1, "b")
    assert difference({"a": [1]}, {"a": [1]}) is None


def test_paths_are_spelled_as_people_read_them() -> None:
    assert spelled(("bases", 0, "label")) == "bases[0].label"
    assert spelled(()) == "the document"


def test_copies_are_of_the_plain_types() -> None:
    class Word(str):
        __slots__ = ()

    shared = [1]
    made = copied({"a": shared, "b": shared, Word("c"): (Word("d"),)})
    assert made == {"a": [1], "b": [1], "c": ["d"]}
    assert made["a"] is not made["b"]
    assert {type(key) for key in made} == {str}
    assert type(made["c"][0]) is str
