"""The reader of YAML: data, places, and what it says of everything that it refuses."""

from __future__ import annotations

import gc
import inspect
import io
import json
import sys
import tracemalloc
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from kiamo_iac.diagnostics import Severity, SourceRange
from kiamo_iac.document import reader
from kiamo_iac.document.files import read_text
from kiamo_iac.document.parser import Document, parse
from kiamo_iac.document.place import Place, pack
from kiamo_iac.errors import ManifestError

TOKEN = "0123456789abcdef0123456789ABCDEF01234567"


def codes(document: Document) -> list[str]:
    return [diagnostic.code for diagnostic in document.diagnostics]


def where(document: Document) -> list[str]:
    return [f"{d.source}" for d in document.diagnostics]


def test_plain_data_and_the_places_of_keys_and_values() -> None:
    document = parse("# first\nbases:\n  - name: a\n    fields:\n      - {name: 'x', n: 1}\n", file="m.yaml")
    assert document.diagnostics == ()
    assert document.data == {"bases": [{"name": "a", "fields": [{"name": "x", "n": 1}]}]}
    base = document.data["bases"][0]
    place = document.place(base)
    assert str(place.range) == "m.yaml:3:5"
    assert str(place.of_key("fields")) == "m.yaml:4:5"
    assert str(place.at("fields")) == "m.yaml:5:7"
    assert str(place.at("nothing")) == "m.yaml:3:5"
    assert str(place.of_key("nothing")) == "m.yaml:3:5"
    field = document.place(base["fields"][0])
    assert (str(field.of_key("n")), str(field.at("n"))) == ("m.yaml:5:21", "m.yaml:5:24")
    items = document.place(document.data["bases"])
    assert (str(items.at("0")), str(items.of_key("0")), str(items.at("1"))) == (
        "m.yaml:3:5",
        "m.yaml:3:5",
        "m.yaml:3:3",
    )
    assert place.file == "m.yaml"


def test_a_place_of_its_own() -> None:
    place = Place("m.yaml", pack(3, 5), {"label": pack(4, 7)})
    assert place.range == SourceRange("m.yaml", 3, 5)
    assert place.at("label") == place.of_key("label") == SourceRange("m.yaml", 4, 7)
    assert place.file == "m.yaml"
    assert Place("m.yaml", pack(1, 1)).at("x") == SourceRange("m.yaml", 1, 1)


def test_positions_count_characters_and_survive_a_bom_and_crlf() -> None:
    document = parse("\ufeffé: 'ü'\r\nb: {ñ: 06}\r\n", file="m.yaml")
    assert where(document) == ["m.yaml:2:8"]
    assert document.data == {"é": "ü", "b": {"ñ": "06"}}


def test_the_c_parser_is_the_one_in_use() -> None:
    parser = vars(reader)["CParser"]
    assert parser.__module__.endswith("_ruamel_yaml")
    assert str(sys.modules["_ruamel_yaml"].__file__).endswith(tuple(EXTENSION_SUFFIXES))
    assert not inspect.isfunction(parser.get_event)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("FALSE", False),
        ("~", None),
        ("", None),
        ("null", None),
        ("0", 0),
        ("-12", -12),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("'0612345678'", "0612345678"),
        ('"\\u00e9"', "é"),
        ("06 12 34 56 78", "06 12 34 56 78"),
        ("1.2.3", "1.2.3"),
        ("n", "n"),
        ("!!str 0612", "0612"),
        ("!!int 12", 12),
        ("!!null ''", None),
        ("9223372036854775807", 2**63 - 1),
        ("'a: b'", "a: b"),
        ("nothing", "nothing"),
        ("-", [None]),
        ("|\n  two\n  lines\n", "two\nlines\n"),
    ],
)
def test_scalars_of_the_core_schema(text: str, value: object) -> None:
    document = parse(f"a: {text}" if text != "-" else "a:\n-", file="m.yaml")
    assert document.diagnostics == ()
    assert document.data == {"a": value}
    assert type(document.data["a"]) is type(value)


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


@pytest.mark.parametrize("text", ["yes", "No", "ON", "off", "12:30", "1:20:30"])
def test_what_yaml_1_1_read_otherwise_is_text_with_a_warning(text: str) -> None:
    document = parse(f"a: {text}", file="m.yaml")
    assert document.data == {"a": text}
    assert [(d.code, d.severity) for d in document.diagnostics] == [("KIA0118", Severity.WARNING)]


def test_duplicate_keys_name_both_places() -> None:
    document = parse("a: 1\nb: 2\na: {c: 06}\n", file="m.yaml")
    assert codes(document) == ["KIA0108", "KIA0114"]
    duplicate = document.diagnostics[0]
    assert str(duplicate.source) == "m.yaml:3:1"
    assert [(word, str(place)) for word, place in duplicate.related] == [("first written here", "m.yaml:1:1")]
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


def test_anchors_and_aliases_in_moderation() -> None:
    document = parse("a: &x {n: [1, 2]}\nb: *x\nc: &y text\nd: *y\n", file="m.yaml")
    assert document.diagnostics == ()
    assert document.data == {"a": {"n": [1, 2]}, "b": {"n": [1, 2]}, "c": "text", "d": "text"}
    assert str(document.place(document.data).at("b")) == "m.yaml:2:4"


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
    ("text", "place", "words"),
    [
        ("a: b: c\n", "1:5", '": "'),
        ("a:\n\tb: c\n", "2:1", "tab"),
        ("a: 1\nb: 'x\nc: 2\n", "2:4", "never closed"),
        ('a: "x\n', "1:4", "never closed"),
        ("a: [1, 2\nb: 3\n", "2:2", '","'),
        ("a: {b: 1\n", "2:1", '"}"'),
        ("a:\n  b: 1\n c: 2\n", "3:2", "key was expected"),
        ("a: @x\n", "1:4", "character"),
        ("a: 1\nbcd\n", "3:1", '":"'),
        ('a: "\\q"\n', "1:5", "backslash"),
        ("- a\nb: 1\n", "2:1", '"- "'),
        ("a: 'x' y\n", "1:8", "key"),
    ],
)
def test_broken_syntax_is_said_in_plain_words(text: str, place: str, words: str) -> None:
    document = parse(text, file="m.yaml")
    assert codes(document) == ["KIA0101"]
    assert where(document) == [f"m.yaml:{place}"]
    assert words in document.diagnostics[0].summary
    assert document.diagnostics[0].hint


def test_problems_before_a_syntax_error_are_said_too() -> None:
    document = parse("a: 0612\nb: {b: 1, b: 2}\nc: 'x\n", file="m.yaml")
    assert codes(document) == ["KIA0114", "KIA0108", "KIA0101"]


@pytest.mark.parametrize("character", ["\x01", "\x1b", "\x7f", "\ud800", "\ufffe"])
def test_characters_outside_of_yaml(character: str) -> None:
    document = parse(f"a: 1\nb: x{character}\n", file="m.yaml")
    assert codes(document) == ["KIA0119"]
    assert where(document) == ["m.yaml:2:5"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("%YAML 1.1\n---\na: 1\n", ["KIA0105"]),
        ("%YAML 1.3\n---\na: 1\n", ["KIA0105"]),
        ("%YAML 1.2\n---\na: 1\n", []),
        ("---\na: 1\n...\n", []),
        ("a: 1\n---\nb: 1\n", ["KIA0106"]),
        ("a: 1\n---\n", ["KIA0106"]),
        ("a: 1\n<<: {b: 2}\n", ["KIA0110"]),
        ("", []),
        ("# nothing\n", []),
    ],
)
def test_directives_and_documents(text: str, expected: list[str]) -> None:
    assert codes(parse(text, file="m.yaml")) == expected


@given(st.text(st.characters() | st.sampled_from("{}[]:,-&*!|>'\"%@`?# \n\t~.0123456789abcdef"), max_size=200))
@settings(max_examples=500, deadline=None)
def test_parse_never_raises(text: str) -> None:
    document = parse(text, file="m.yaml")
    for diagnostic in document.diagnostics:
        assert diagnostic.source is not None
        assert diagnostic.hint
        assert diagnostic.source.line >= 1
        assert diagnostic.source.column >= 1


LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=30)
)
DATA = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abcé0 ~-", max_size=5), inner, max_size=4),
)


@given(DATA)
@settings(max_examples=200, deadline=None)
def test_json_is_read_as_json(data: object) -> None:
    document = parse(json.dumps({"data": data}, ensure_ascii=False), file="m.yaml")
    assert document.diagnostics == ()
    assert document.data == {"data": data}


BEYOND_THE_STANDARD = {"KIA0114", "KIA0115", "KIA0116", "KIA0118"}
"""What ruamel writes without quotes, and we want quoted."""


@given(DATA)
@settings(max_examples=200, deadline=None)
def test_parse_agrees_with_ruamel_on_plain_data(data: object) -> None:
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    stream = io.StringIO()
    yaml.dump({"data": data}, stream)
    document = parse(stream.getvalue(), file="m.yaml")
    assert set(codes(document)) <= BEYOND_THE_STANDARD
    if not document.diagnostics:
        assert document.data == yaml.load(stream.getvalue())


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_encodings_that_are_read(tmp_path: Path, encoding: str, end: str) -> None:
    path = tmp_path / "m.yaml"
    path.write_bytes(f"a: é{end}b: 1{end}".encode(encoding))
    document = parse(read_text(path, shown="m.yaml"), file="m.yaml")
    assert document.diagnostics == ()
    assert document.data == {"a": "é", "b": 1}
    assert str(document.place(document.data).of_key("b")) == "m.yaml:2:1"


@pytest.mark.parametrize(
    ("data", "code", "place"),
    [
        ("a: 1\nb: été\n".encode("cp1252"), "KIA0102", "m.yaml:2:4"),
        ("a".encode("utf-32"), "KIA0102", "m.yaml:1:1"),
        (b"\xff\xfea\x00b", "KIA0102", "m.yaml:1:2"),
        (b"x" * 101, "KIA0103", "m.yaml:1:1"),
    ],
)
def test_files_that_are_not_read(tmp_path: Path, data: bytes, code: str, place: str) -> None:
    path = tmp_path / "m.yaml"
    path.write_bytes(data)
    with pytest.raises(ManifestError) as caught:
        read_text(path, shown="m.yaml", max_bytes=100)
    (diagnostic,) = caught.value.diagnostics
    assert (diagnostic.code, str(diagnostic.source)) == (code, place)
    assert diagnostic.hint


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    for path in (tmp_path / "none.yaml", tmp_path):
        with pytest.raises(ManifestError) as caught:
            read_text(path, shown="m.yaml")
        assert [d.code for d in caught.value.diagnostics] == ["KIA0104"]
