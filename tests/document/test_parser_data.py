"""What is read as it stands: data, places, scalars, directives."""

from __future__ import annotations

import inspect
import sys
from importlib.machinery import EXTENSION_SUFFIXES

import pytest

from kiamo_iac.core.diagnostics import Severity, SourceRange
from kiamo_iac.core.place import Place, pack
from kiamo_iac.document import reader
from kiamo_iac.document.parser import parse
from tests.document.reading import codes, where


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


@pytest.mark.parametrize("text", ["yes", "No", "ON", "off", "12:30", "1:20:30"])
def test_what_yaml_1_1_read_otherwise_is_text_with_a_warning(text: str) -> None:
    document = parse(f"a: {text}", file="m.yaml")
    assert document.data == {"a": text}
    assert [(d.code, d.severity) for d in document.diagnostics] == [("KIA0118", Severity.WARNING)]


def test_anchors_and_aliases_in_moderation() -> None:
    document = parse("a: &x {n: [1, 2]}\nb: *x\nc: &y text\nd: *y\n", file="m.yaml")
    assert document.diagnostics == ()
    assert document.data == {"a": {"n": [1, 2]}, "b": {"n": [1, 2]}, "c": "text", "d": "text"}
    assert str(document.place(document.data).at("b")) == "m.yaml:2:4"


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
