"""Kinds that the emulator has no rules for: what a contract says of them is enough."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from kiamo_iac.contract.file import load_contract
from kiamo_iac.contract.model import Contract, merge
from kiamo_iac.emulator import Emulator
from tests.emulator.conftest import OTHER
from tests.emulator.speaker import Ref, Speaker


def stanza(path: str, **more: Any) -> dict[str, Any]:
    """A kind with the five operations at a path, and ids that are strings."""
    one = path + "/{id}"
    routes = {"list": ("GET", path), "create": ("POST", path), "read": ("GET", one), "update": ("PUT", one)}
    routes["delete"] = ("DELETE", one)
    return {
        "id": {"wire": "id", "type": "string", "basis": "assumed"},
        "operations": {n: {"method": m, "path": p, "basis": "assumed"} for n, (m, p) in routes.items()},
        "listing": {"basis": "assumed"},
        **more,
    }


def attribute(wire: str, **more: Any) -> dict[str, Any]:
    """An attribute."""
    return {"wire": wire, "basis": "assumed", **more}


CALENDAR = stanza(
    "/calendars",
    attributes={
        "name": attribute("title", required=True),
        "zone": attribute("zone", required=True, choices=["Paris", "Nantes"]),
        "days": attribute("days"),
    },
)
SLOT = stanza(
    "/calendars/{calendar}/slots",
    parent="calendar",
    attributes={
        "name": attribute("name", required=True, missing="ERR_1140"),
        "service": attribute("service", refers_to="service", by="id"),
        "after": attribute("after", refers_to="slot", by="name"),
        "bases": attribute("bases", refers_to="base", by="id"),
        "default": attribute("own", read_only=True),
    },
    made_with_parent={"things": [{"name": "night"}], "basis": "assumed"},
)


@pytest.fixture(params=[None, OTHER], ids=["packaged", "other"])
def kiamo(request: pytest.FixtureRequest) -> Iterator[Speaker]:
    """Under a contract with two kinds more."""
    under = load_contract(request.param).model_dump()
    contract = Contract.model_validate(merge(under, {"kinds": {"calendar": CALENDAR, "slot": SLOT}}))
    with Emulator(contract) as emulator:
        yield Speaker(contract, emulator)


@pytest.fixture
def calendar(kiamo: Speaker) -> Ref:
    """A thing of the fifth kind."""
    return kiamo.create("calendar", name="weekdays", zone="Paris", days=[1, 2])


def test_it_is_made_read_changed_and_deleted(kiamo: Speaker, calendar: Ref) -> None:
    assert kiamo.read(calendar) == {
        "id": calendar.id,
        "name": "weekdays",
        "zone": "Paris",
        "days": [1, 2],
        "settings": {},
    }
    assert kiamo.do(calendar, "update", days=[], name="w/e").body["days"] == []
    assert kiamo.do(calendar, "delete").status == 204
    assert kiamo.list("calendar") == []
    assert kiamo.do(calendar, "read").outcome == (404, "ERR_3000")


def test_what_the_contract_says_of_its_attributes_holds(kiamo: Speaker, calendar: Ref) -> None:
    for attributes, code in (
        ({"zone": "Paris"}, "ERR_1040"),
        ({"name": "x"}, "ERR_1010"),
        ({"name": "x", "zone": None}, "ERR_1010"),
        ({"name": "x", "zone": "Berlin"}, "ERR_1020"),
        ({"name": "weekdays", "zone": "Paris"}, "ERR_2060"),
    ):
        assert kiamo.try_create("calendar", **attributes).outcome == (400, code)
    assert kiamo.try_create("slot", calendar).outcome == (400, "ERR_1140"), "the contract's own code comes first"


def test_its_own_children_come_and_go_with_it(kiamo: Speaker, calendar: Ref) -> None:
    (night,) = kiamo.list("slot", calendar)
    assert (night["name"], night["default"]) == ("night", True)
    slot = Ref("slot", night["id"], "night", calendar)
    assert kiamo.do(slot, "update", name="x").outcome == (400, "ERR_2040")
    assert kiamo.do(slot, "delete").outcome == (400, "ERR_2050")
    kiamo.create("slot", calendar, name="morning")
    assert kiamo.do(calendar, "delete").status == 204
    assert kiamo.do(slot, "read").outcome == (404, "ERR_3000")


def test_what_it_refers_to_exists_and_stays(kiamo: Speaker, calendar: Ref) -> None:
    service, base = kiamo.create("service", name="S"), kiamo.create("base", name="b")
    first = kiamo.create("slot", calendar, name="first", service=service, bases=[base])
    second = kiamo.create("slot", calendar, name="second", after=first)
    assert kiamo.read(first)["bases"] == [base.id]
    assert kiamo.do(first, "update", name="1st").status == 200
    assert kiamo.read(second)["after"] == "1st"
    for target in (service, base, Ref("slot", first.id, "1st", calendar)):
        assert kiamo.do(target, "delete").outcome == (400, "ERR_1020")
    elsewhere = kiamo.create("calendar", name="elsewhere", zone="Nantes")
    nobody = Ref("service", 0 if isinstance(service.id, int) else "0", "nobody")
    cases: list[tuple[dict[str, Any], tuple[int, str | None]]] = [
        ({"after": first}, (400, "ERR_1020")),
        ({"after": 3}, (400, "ERR_1020")),
        ({"bases": {"a": base, "b": None}}, (400, "ERR_1020")),
        ({"service": nobody}, (404, "ERR_3001")),
        ({"service": None, "bases": {"a": base}}, (201, None)),
    ]
    for attributes, outcome in cases:
        assert kiamo.try_create("slot", elsewhere, name="x", **attributes).outcome == outcome
    assert kiamo.do(second, "update", after=None).status == 200
    assert kiamo.do(calendar, "delete").status == 204, "what refers to each other goes together"
    assert kiamo.do(base, "delete").outcome == (400, "ERR_1020")


def test_it_is_seeded_and_dumped(kiamo: Speaker) -> None:
    document = {
        "services": [{"name": "S"}],
        "calendars": [
            {
                "name": "weekdays",
                "zone": "Paris",
                "days": 0,
                "slots": [
                    {"name": "night", "default": True},
                    {"name": "late", "service": "S", "after": "early"},
                    {"name": "early"},
                ],
            }
        ],
    }
    kiamo.emulator.seed(document)
    assert kiamo.emulator.dump() == document
