"""What is refused: tags, duplicates, bombs, depth, tokens, numbers that are none."""

from __future__ import annotations

import copy
import gc
import json
import tracemalloc

import pytest

from kiamo_iac.core.diagnostics import Severity
from kiamo_iac.document import reader
from kiamo_iac.document.parser import parse
from tests.document.reading import TOKEN, codes, where


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("0612345678", "KIA0114"),
        ("+33612345678", "KIA0114"),
        ("007", "KIA0114"),
        ("00.5", "KIA0114"),
        ("2026-01-01", "KIA0115"),
        ("2026-01-01T08:00:00Z", "KIA0115"),
        ("2026-1-1 08:00", "KIA0115"),
        ("0x1F", "KIA0116"),
        ("0o17", "KIA0116"),
        (".nan", "KIA0116"),
        ("-.inf", "KIA0116"),
        ("1e999", "KIA0116"),
        ("9223372036854775808", "KIA0116"),
        ("1" * 5000, "KIA0116"),
        ("!!int x", "KIA0107"),
        ("!!timestamp '2026-01-01'", "KIA0107"),
        ("!!python/object/apply:os.system [ls]", "KIA0107"),
        ("!vault x", "KIA0107"),
        ("!<tag:example.org,2000:x> {}", "KIA0107"),
        ("!e!x y", "KIA0107"),
    ],
)
def test_refused_scalars_stand_at_their_place(text: str, code: str) -> None:
    document = parse(f"a: 1\nb: {text}\n", file="m.yaml")
    assert codes(document) == [code]
    assert where(document) == ["m.yaml:2:4"]
    assert document.diagnostics[0].hint
    assert document.diagnostics[0].severity is Severity.ERROR


def test_duplicate_keys_name_both_places() -> None:
    document = parse("a: 1\nb: 2\na: {c: 06}\n", file="m.yaml")
    assert codes(document) == ["KIA0108", "KIA0114"]
    duplicate = document.diagnostics[0]
    assert str(duplicate.source) == "m.yaml:3:1"
    assert [(word, str(place)) for word, place in duplicate.related] == [("first defined here", "m.yaml:1:1")]
    assert document.data == {"a": 1, "b": 2}


@pytest.mark.parametrize("pair", [("é", "e\u0301"), ("K", "\u212a"), ("\u212a", "K")])
def test_duplicate_keys_are_compared_in_nfc(pair: tuple[str, str]) -> None:
    document = parse(f"a: 1\n{pair[0]}: 1\n{pair[1]}: 2\n", file="m.yaml")
    assert codes(document) == ["KIA0108"]
    assert str(document.diagnostics[0].source) == "m.yaml:3:1"
    assert str(document.diagnostics[0].related[0][1]) == "m.yaml:2:1"


@pytest.mark.parametrize("key", ["1", "true", "null", "~", "1.5", "[a]", "{a: b}", "*x"])
def test_keys_are_text(key: str) -> None:
    document = parse(f"z: &x 1\n? {key}\n: {{v: 06}}\nb: 2\n", file="m.yaml")
    assert codes(document) == ["KIA0109", "KIA0114"]
    assert document.data == {"z": 1, "b": 2}


def test_a_quoted_key_does_not_make_the_same_key_without_quotes_text() -> None:
    assert codes(parse("- {'1': a}\n- {1: b}\n", file="m.yaml")) == ["KIA0109"]
    assert codes(parse("- {'<<': a}\n- {<<: b}\n", file="m.yaml")) == ["KIA0110"]


def test_a_tag_on_an_everyday_key_is_seen() -> None:
    assert codes(parse("- {name: a}\n- {!x name: b}\n", file="m.yaml")) == ["KIA0107"]


@pytest.mark.parametrize("text", ["a: *x", "a: &x [*x]", "a: &x {b: {c: *x}}", "*x"])
def test_aliases_need_their_anchor_before(text: str) -> None:
    assert codes(parse(text, file="m.yaml")) == ["KIA0113"]


def laughs(levels: int, width: int = 10) -> str:
    lines = ["a0: &a0 [x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * width)}]" for n in range(1, levels)]
    return "\n".join(lines)


def test_billion_laughs_are_refused_before_they_are_expanded() -> None:
    gc.collect()
    tracemalloc.start()
    document = parse(laughs(30), file="m.yaml")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert codes(document) == ["KIA0112"]
    assert document.data is None
    assert peak < 10_000_000


@pytest.mark.parametrize("anchored", ['"{}"', '[{{a: "{}"}}]'])
def test_long_text_through_aliases_is_refused_for_whoever_writes_it_out(anchored: str) -> None:
    """One text of 1 MB, used 10,000 times, is 10 GB as soon as it is shown; 16 times is as much as a file may hold."""
    shared = f"first: &a {anchored.format('y' * 1_000_000)}\n"
    assert codes(parse(shared + "".join(f"k{n}: *a\n" for n in range(10_000)), file="m.yaml")) == ["KIA0112"]
    assert codes(parse(shared + "".join(f"k{n}: *a\n" for n in range(15)), file="m.yaml")) == []


def test_aliases_cannot_build_what_is_too_deep() -> None:
    assert codes(parse(laughs(40, 1), file="m.yaml")) == ["KIA0111"]
    assert codes(parse(laughs(30, 1), file="m.yaml")) == []


def test_depth() -> None:
    def nested(levels: int) -> str:
        return "[" * levels + "]" * levels

    assert codes(parse(nested(reader.MAX_DEPTH), file="m.yaml")) == []
    assert codes(parse(nested(reader.MAX_DEPTH + 1), file="m.yaml")) == ["KIA0111"]
    assert codes(parse("- " * 100_000, file="m.yaml")) == ["KIA0111"]
    assert codes(parse("{a: " * 100_000, file="m.yaml")) == ["KIA0111"]


@pytest.mark.parametrize(
    "text", ["[" + "1," * 60 + "]", "{" + "".join(f"k{n}: 1," for n in range(60)) + "}", "[[1,2]," * 30]
)
def test_the_number_of_values_is_capped(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "MAX_NODES", 50)
    assert codes(parse(text, file="m.yaml")) == ["KIA0112"]


def test_a_mapping_of_very_many_keys_is_no_slower_for_each() -> None:
    """Neither where each stands twice nor where each is asked for: square, this would be minutes."""
    keys = [f"k{number}" for number in range(60_000)]
    twice = parse("".join(f"{key}: 1\n" for key in keys * 2), file="m.yaml")
    assert (codes(twice)[0], len(twice.diagnostics)) == ("KIA0108", len(keys))
    assert "first defined here" in repr(twice.diagnostics[0].related)
    once = parse("".join(f"{key}: 1\n" for key in keys), file="m.yaml")
    place = once.place(once.data)
    assert [place.at(key).line for key in keys] == list(range(1, len(keys) + 1))
    assert str(place.of_key("k7")) == "m.yaml:8:1"
    assert place.at("none") == place.of_key("none") == place.range


def test_tokens_are_refused_wherever_they_stand_and_never_shown() -> None:
    escaped = "".join(f"\\x{ord(c):02x}" for c in TOKEN)
    text = f"# {TOKEN}\n{TOKEN}: 1\na: 'x {TOKEN} y'\nb: {'1' * 40}\nc: \"{escaped}\"\nd: {TOKEN}0\ne: x{TOKEN}\n"
    document = parse(text, file="m.yaml")
    assert codes(document) == ["KIA0117"] * 5
    assert where(document) == ["m.yaml:1:3", "m.yaml:2:1", "m.yaml:3:7", "m.yaml:4:4", "m.yaml:5:4"]
    assert TOKEN not in repr(document.diagnostics)
    assert TOKEN not in repr({key: value for key, value in document.data.items() if key not in "de"})


def test_a_token_stays_hidden_when_the_syntax_is_broken() -> None:
    document = parse(f"a: '{TOKEN}\nb: *{TOKEN}\n" * 30, file="m.yaml")
    assert set(codes(document)) == {"KIA0101", "KIA0117"}
    assert len(document.diagnostics) == reader.MAX_TOKENS_SHOWN + 1
    assert TOKEN not in repr(document.diagnostics)


@pytest.mark.parametrize("offset", range(6))
def test_tokens_are_found_at_every_offset(offset: int) -> None:
    assert codes(parse(f"x{'x' * offset}: {TOKEN}", file="m.yaml")) == ["KIA0117"]


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("1.10", "1.1"),
        ("1e3", "1000.0"),
        (".5", "0.5"),
        ("1.", "1.0"),
        ("0.0e5", "0.0"),
        ("1.00000000000000001", "1.0"),
    ],
)
def test_d06_a_number_that_json_writes_otherwise_is_a_warning(written: str, sent: str) -> None:
    document = parse(f"a: {written}\n", file="a.yaml")
    assert json.dumps(document.data) == f'{{"a": {sent}}}'
    (found,) = document.diagnostics
    assert (found.code, found.severity) == ("KIA0123", Severity.WARNING)
    assert found.summary == f'"{written}" is the number {sent}'
    assert copy.deepcopy(document.data) == document.data


@pytest.mark.parametrize("written", ["1.1", "-1.5", "0.0", "-0.0", "10", "1e-05", "1e+16", "1.0e+16", '"1.10"'])
def test_d06_a_number_as_json_writes_it_has_none(written: str) -> None:
    assert parse(f"a: {written}\n", file="a.yaml").diagnostics == ()


@pytest.mark.parametrize("written", ["1e-400", "-1E-999", "0.0000001e-400"])
def test_d06_a_number_that_would_become_zero_is_an_error(written: str) -> None:
    document = parse(f"a: {written}\n", file="a.yaml")
    assert [(d.code, d.severity) for d in document.diagnostics] == [("KIA0116", Severity.ERROR)]
    assert document.diagnostics[0].summary == "the number is too small to keep: it would be 0"
