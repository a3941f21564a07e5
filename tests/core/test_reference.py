"""A reference knows the shape of its value: each shape, and what has another one."""

from __future__ import annotations

from typing import Any

import pytest

from kiamo_iac.core.resource import Reference, ReferenceShape, Scope

SHAPES = {
    shape: Reference("services", "service", Scope.INSTANCE, shape=shape, missing="ERR_3001", in_use="ERR_2140")
    for shape in ReferenceShape
}
VALUES: dict[ReferenceShape, Any] = {
    ReferenceShape.ONE: "Sales",
    ReferenceShape.LIST: ["Sales", "Support", "Sales"],
    ReferenceShape.MAPPING: {"first": "Sales", "second": "Support"},
}
each_shape = pytest.mark.parametrize("shape", list(ReferenceShape))


def test_items_are_names_with_the_keys_of_their_places() -> None:
    items = {shape: list(SHAPES[shape].items(value)) for shape, value in VALUES.items()}
    assert items == {
        ReferenceShape.ONE: [(None, "Sales")],
        ReferenceShape.LIST: [("0", "Sales"), ("1", "Support"), ("2", "Sales")],
        ReferenceShape.MAPPING: [("first", "Sales"), ("second", "Support")],
    }


@each_shape
def test_names_are_those_of_the_items(shape: ReferenceShape) -> None:
    reference, value = SHAPES[shape], VALUES[shape]
    assert reference.names({"services": value}) == tuple(name for _, name in reference.items(value))
    assert reference.names({}) == reference.names({"services": None}) == ()
    assert list(reference.items(None)) == []


@each_shape
def test_map_keeps_the_shape_and_the_order(shape: ReferenceShape) -> None:
    mapped = SHAPES[shape].map(VALUES[shape], str.upper)
    expected = {
        ReferenceShape.ONE: "SALES",
        ReferenceShape.LIST: ["SALES", "SUPPORT", "SALES"],
        ReferenceShape.MAPPING: {"first": "SALES", "second": "SUPPORT"},
    }
    assert mapped == expected[shape]
    assert SHAPES[shape].map(None, str.upper) is None


def test_map_leaves_out_what_becomes_none() -> None:
    left = {shape: SHAPES[shape].map(value, {"Support": 7}.get) for shape, value in VALUES.items()}
    assert left == {ReferenceShape.ONE: None, ReferenceShape.LIST: [7], ReferenceShape.MAPPING: {"second": 7}}


def test_map_items_hands_over_the_keys() -> None:
    joined = {shape: SHAPES[shape].map_items(value, lambda key, _: f"{key}") for shape, value in VALUES.items()}
    assert joined == {
        ReferenceShape.ONE: "None",
        ReferenceShape.LIST: ["0", "1", "2"],
        ReferenceShape.MAPPING: {"first": "first", "second": "second"},
    }


@each_shape
def test_a_value_of_another_shape_holds_no_names_and_is_equal_to_none(shape: ReferenceShape) -> None:
    reference = SHAPES[shape]
    for other in (value for of, value in VALUES.items() if of is not shape):
        assert not reference.fits(other)
        assert reference.names({"services": other}) == ()
        assert reference.map(other, str.upper) is other
        assert not reference.equal(VALUES[shape], other, str.__eq__)
        assert not reference.equal(other, VALUES[shape], str.__eq__)


@each_shape
def test_equal_compares_name_with_name(shape: ReferenceShape) -> None:
    reference, value = SHAPES[shape], VALUES[shape]
    assert reference.equal(value, reference.map(value, str.upper), lambda one, other: one.upper() == other)
    assert not reference.equal(value, reference.map(value, str.upper), str.__eq__)


def test_the_order_of_a_list_counts_and_that_of_a_mapping_does_not() -> None:
    listed, mapped = SHAPES[ReferenceShape.LIST], SHAPES[ReferenceShape.MAPPING]
    assert not listed.equal(["Sales", "Support"], ["Support", "Sales"], str.__eq__)
    assert not listed.equal(["Sales"], ["Sales", "Sales"], str.__eq__)
    assert mapped.equal({"a": "Sales", "b": "Support"}, {"b": "Support", "a": "Sales"}, str.__eq__)
