"""One declaration writes, reads and describes: what is written, both the reader and the schema take."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import pytest
from jsonschema import Draft7Validator

from kiamo_iac.core.address import Address
from kiamo_iac.core.diagnostics import SourceRange
from kiamo_iac.core.json_schema import schema_document
from kiamo_iac.core.record import (
    Key,
    Record,
    address,
    anything,
    boolean,
    constant,
    counts,
    definitions,
    derived,
    enum,
    integer,
    list_of,
    mapping_of,
    nullable,
    place,
    remote_id,
    text,
)


class Size(StrEnum):
    SMALL = "small"
    LARGE = "large"


@dataclass(frozen=True)
class Part:
    name: str
    size: Size | None = None


@dataclass(frozen=True)
class Whole:
    number: int
    parts: tuple[Part, ...] = ()
    flag: bool = False
    at: SourceRange | None = None
    identifier: str | int | None = None
    seen: Mapping[Address, str] = field(default_factory=dict)
    more: Any = None
    first: Part | None = None


PART = Record(
    Part,
    "A part.",
    {"name": text("Its name.", pattern="^[a-z]+$"), "size": nullable(enum(Size, "Its size."))},
    definition="part",
)
WHOLE = Record(
    Whole,
    "A whole.",
    {
        "version": constant("1.0", "The version."),
        "number": integer("A number.", minimum=1, maximum=9),
        "sizes": derived(counts(Size, "How many."), lambda whole: {size: len(whole.parts) for size in Size}),
        "parts": list_of(PART, "Its parts."),
        "flag": boolean("A flag."),
        "at": nullable(place("Where.")),
        "id": Key(remote_id("An id."), "identifier", "identifier"),
        "seen": mapping_of(text("What."), "By address.", keys=address("An address.")),
        "more": anything("Any."),
        "first": nullable(PART),
    },
)
VALUES = [
    Whole(1),
    Whole(
        9,
        (Part("a", Size.LARGE), Part("b")),
        flag=True,
        at=SourceRange("a:b.yaml", 3, 4),
        identifier=7,
        seen={Address("bases/a"): "x"},
        more=[None, {}],
        first=Part("c"),
    ),
]
SCHEMA = schema_document("whole", 1, title="A whole", body=WHOLE.body, definitions=definitions(PART))


@pytest.mark.parametrize("value", VALUES)
def test_what_is_written_is_read_back_and_described(value: Whole) -> None:
    data = json.loads(json.dumps(WHOLE.data(value)))
    assert tuple(data) == WHOLE.names
    assert WHOLE.parse(data) == value
    Draft7Validator.check_schema(SCHEMA)
    Draft7Validator(SCHEMA).validate(data)


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "a key too many": ({"token": 1}, "must have the keys version, number"),
    "a number too large": ({"number": 10}, '"number" must be a whole number from 1 to 9'),
    "true is no number": ({"number": True}, '"number" must be a whole number'),
    "no list": ({"parts": {}}, '"parts" must be a list'),
    "text of another form": ({"parts": [{"name": "A", "size": None}]}, '"parts": "name" must match'),
    "no value of the enum": ({"parts": [{"name": "a", "size": "huge"}]}, '"parts": "size" must be one of small, large'),
    "no boolean": ({"flag": 1}, '"flag" must be true or false'),
    "no place": ({"at": "a.yaml"}, '"at" must be file:line:column'),
    "a fraction": ({"id": 1.5}, '"id" must be a string, a whole number or null'),
    "no object": ({"seen": []}, '"seen" must be an object'),
    "no address": ({"seen": {"bases": "x"}}, '"seen" must be an address'),
    "no text": ({"seen": {"bases/a": 1}}, '"seen" must be a string'),
    "no part": ({"first": []}, '"first" must have the keys name, size'),
}


@pytest.mark.parametrize(("change", "reason"), WRONG.values(), ids=WRONG.keys())
def test_what_is_refused_by_the_reader_is_refused_by_the_schema(change: dict[str, Any], reason: str) -> None:
    data = {**json.loads(json.dumps(WHOLE.data(VALUES[1]))), **change}
    with pytest.raises(ValueError, match="must ") as caught:
        WHOLE.parse(data)
    assert str(caught.value).startswith(reason)
    assert not Draft7Validator(SCHEMA).is_valid(data)


def test_a_key_missing_is_refused() -> None:
    data = WHOLE.data(VALUES[0])
    del data["more"]
    with pytest.raises(ValueError, match="must have the keys"):
        WHOLE.parse(data)
