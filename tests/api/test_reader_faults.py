"""Live objects that are not what the contract says, and names that clash: the error names the call, or both names."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import httpx
import pytest

from kiamo_iac.api.reader import LiveRead, StateReader, read
from kiamo_iac.contract.model import Contract, merge
from kiamo_iac.core.address import Address
from kiamo_iac.core.diagnostics import Severity
from kiamo_iac.core.errors import RefusedError, ResponseError
from kiamo_iac.core.resource import PRESENT, Ensure, Lifecycle
from kiamo_iac.core.state import Owned, ResourceState, State
from kiamo_iac.resources import kinds
from tests.api.clients import client_of
from tests.api.desires import desire, want
from tests.http.stubs import Stub, reply

BASE = {"id": "7", "name": "b", "label": "B"}
FIELD = {"id": "f", "name": "phone", "label": "Phone", "datatype": "phone", "default": True}
BATCH = {"id": "x", "name": "spring", "service": "s", "association": {}, "state": "new"}


def look(contract: Contract, *, desired: State | None = None, **lists: Any) -> LiveRead:
    """Read from lists by their path, with underscores for slashes."""
    found = {
        "services": [{"id": "s", "name": "S"}],
        "bases": [BASE],
        "bases_7_fields": [FIELD],
        "bases_7_batches": [BATCH],
    }
    found |= lists

    def script(request: httpx.Request) -> httpx.Response:
        return reply(found[request.url.path.removeprefix("/api/").replace("/", "_")])

    stub = Stub(script)
    with client_of(contract, stub) as client:
        return read(client, contract, desire("bases/b") if desired is None else desired)


def test_what_is_as_it_should_be(contract: Contract) -> None:
    assert len(look(contract).state) == 4


WRONG = [
    ({"name": "x"}, '"id" of the base "x" must be a string, got nothing'),
    ({"id": 7, "name": "x"}, '"id" of the base "x" must be a string, got the number 7'),
    ({"id": "", "name": "x"}, "must be an id that a path can contain"),
    ({"id": "..", "name": "x"}, "must be an id that a path can contain"),
    ({"id": True, "name": "x"}, "must be a string, got true"),
    ({"id": "1"}, '"name" of a base must be a non-empty string, got nothing'),
    ({"id": "1", "name": None}, "must be a non-empty string"),
    ({"id": "1", "name": ""}, "must be a non-empty string"),
    ({"id": "1", "name": 5}, '"name" of a base must be a string, got the number 5'),
    (
        {"id": "1", "name": "x", "label": ["a"]},
        '"label" of the base "x" must be a string, got a list',
    ),
    ("x", 'a base must be an object, got the string "x"'),
    (None, "a base must be an object, got null"),
]


@pytest.mark.parametrize(("item", "says"), WRONG)
def test_f17_a_base_that_is_none(contract: Contract, item: Any, says: str) -> None:
    with pytest.raises(ResponseError) as caught:
        look(contract, bases=[BASE, item])
    assert str(caught.value).startswith("The response to GET /api/bases does not match the contract: ")
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"state": None}, 'must be one of "finished", "new"'),
        ({"state": {}}, "got an object"),
        ({"service": 5}, "must be a string, got the number 5"),
        ({"service": ["s"]}, "got a list"),
        (
            {"association": "phone"},
            'must be an object of strings, got the string "phone"',
        ),
        ({"association": {"a": 5}}, "must be an object of strings"),
        ({"association": ["phone"]}, "must be an object of strings"),
    ],
)
def test_f17_a_batch_that_is_none(contract: Contract, change: dict[str, Any], says: str) -> None:
    with pytest.raises(ResponseError) as caught:
        look(contract, bases_7_batches=[BATCH | change])
    assert str(caught.value).startswith("The response to GET /api/bases/7/batches does not match the contract: ")
    assert ' of the batch "spring" must be ' in str(caught.value)
    assert says in str(caught.value)


def test_a_batch_without_a_state_is_none(contract: Contract) -> None:
    with pytest.raises(ResponseError, match=r'"state" of the batch "spring" .* got nothing'):
        look(contract, bases_7_batches=[{k: v for k, v in BATCH.items() if k != "state"}])


@pytest.mark.parametrize("depth", [65, 900])
def test_f17_a_setting_that_is_nested_without_end(contract: Contract, depth: int) -> None:
    """Whatever reads it goes down into it, up to Python's own limit."""
    for value in (nested(depth, []), nested(depth, {})):
        with pytest.raises(ResponseError, match='"pace" of a base is nested more than 64 levels deep'):
            look(contract, bases=[{**BASE, "pace": value}])
    assert len(look(contract, bases=[{**BASE, "pace": nested(64, [])}]).state) == 4


def nested(depth: int, kind: list[Any] | dict[str, Any]) -> Any:
    """So many lists or mappings within each other."""
    value: Any = 1
    for _ in range(depth):
        value = [value] if isinstance(kind, list) else {"a": value}
    return value


@pytest.mark.parametrize("empty", [None, [], {}])
def test_an_empty_mapping_in_any_dress(contract: Contract, empty: Any) -> None:
    (batch,) = [i for i in look(contract, bases_7_batches=[BATCH | {"association": empty}]).state if i.run_state]
    assert batch.attributes["association"] == {}


def test_what_is_null_or_missing_is_not_there(contract: Contract) -> None:
    bare = {"id": "x", "name": "spring", "service": None, "state": "new", "pace": None}
    (batch,) = [i for i in look(contract, bases_7_batches=[bare]).state if i.run_state]
    assert batch.attributes == {"name": "spring", "state": "new"}
    assert batch.settings == {"pace": None}


def test_attributes_that_are_equal_but_not_alike_are_not_shared(contract: Contract) -> None:
    data = merge(
        contract.model_dump(mode="json"),
        {"kinds": {"field": {"attributes": {"size": {"wire": "size", "basis": "assumed"}}}}},
    )
    fields = [FIELD | {"id": "1", "size": 1}, FIELD | {"id": "2", "name": "fax", "size": [1]}]
    state = look(Contract.model_validate(data), bases_7_fields=fields).state
    assert [i.attributes["size"] for i in state if "size" in i.attributes] == [[1], 1]


# --- clashes ---------------------------------------------------------------------------------------------------------


def test_d19_two_bases_of_one_name_concern_only_those_who_name_them(contract: Contract) -> None:
    twins = [{"id": "1", "name": "two", "label": "A"}, {"id": "2", "name": "two", "label": "B"}]
    found = look(contract, bases=[BASE, *twins])
    assert [str(one.address) for one in found.state if one.kind.kind == "base"] == ["bases/b"]
    (warning,) = found.diagnostics
    assert (warning.code, warning.severity) == ("KIA0421", Severity.WARNING)
    assert warning.summary == 'two bases on the instance have the name "two"'
    for desired in (desire("bases/b", "bases/two"), desire("bases/two/fields/x")):
        with pytest.raises(ResponseError, match="Names on the instance clash"):
            look(contract, desired=desired, bases=[BASE, *twins])
    owned = {Address("bases/old"): Owned(Address("bases/old"), "2")}
    stub = Stub(lambda request: reply([BASE, *twins] if request.url.path.endswith("bases") else []))
    with (
        client_of(contract, stub) as client,
        StateReader(client, contract) as reader,
        pytest.raises(ResponseError, match="Names on the instance clash"),
    ):
        reader.finish(desire("bases/b"), owned=owned)


def test_d19_two_services_of_one_name_concern_what_refers_to_them(contract: Contract) -> None:
    services = [{"id": "s", "name": "S"}, {"id": "t", "name": "T"}, {"id": "u", "name": "T"}]
    assert [d.code for d in look(contract, services=services).diagnostics] == ["KIA0421"]
    batch = ResourceState(
        Address("bases/b/batches/spring"), kinds()["batch"], {"name": "spring", "service": "T", "association": {}}
    )
    with pytest.raises(ResponseError, match="Names on the instance clash"):
        look(contract, services=services, desired=State([*desire("bases/b"), batch]))
    live = [BATCH | {"service": "t"}]
    with pytest.raises(ResponseError, match="Names on the instance clash"):
        look(contract, services=services, desired=desire("bases/b/batches/spring"), bases_7_batches=live)
    other = look(contract, services=services, desired=desire("bases/b/batches/autumn"), bases_7_batches=live)
    assert [d.code for d in other.diagnostics] == ["KIA0421"]


TWINS = [BATCH, BATCH | {"id": "y"}, BATCH | {"id": "z", "name": "autumn"}]
CITY = {"id": "g", "name": "city", "label": "City", "datatype": "string"}
FIELDS = [CITY, CITY | {"id": "h"}, CITY | {"id": "i", "name": "other"}]


def declared(address: str, lifecycle: Lifecycle = PRESENT, **attributes: Any) -> ResourceState:
    one = want(address)
    return replace(one, lifecycle=lifecycle, attributes={**one.attributes, **attributes})


CONCERNED: dict[str, list[ResourceState]] = {
    "declared": [declared("bases/b/batches/spring")],
    "a former name": [declared("bases/b/batches/summer", Lifecycle(renamed_from=("spring",)))],
    "exclusive": [declared("bases/b", Lifecycle(exclusive=("batches",)))],
    "another collection is exclusive": [declared("bases/b", Lifecycle(exclusive=("fields",)))],
    "its base is deleted": [declared("bases/b", Lifecycle(ensure=Ensure.ABSENT))],
    "a field that it may use is deleted": [declared("bases/b/fields/other", Lifecycle(ensure=Ensure.ABSENT))],
    "its base was renamed": [
        declared("bases/c", Lifecycle(renamed_from=("b",))),
        declared("bases/c/batches/spring"),
    ],
    "its service is deleted": [declared("services/S", Lifecycle(ensure=Ensure.ABSENT))],
}


@pytest.mark.parametrize("case", CONCERNED)
def test_two_batches_of_one_name_refuse_a_plan_that_may_be_about_them(contract: Contract, case: str) -> None:
    desired = {one.address: one for one in [*desire("bases/b"), *CONCERNED[case]]}
    if case == "its base was renamed":
        del desired[Address("bases/b")]
    with pytest.raises(ResponseError, match="Names on the instance clash"):
        look(contract, desired=State(desired.values()), bases_7_batches=TWINS, bases_7=BASE)


def test_two_undeclared_batches_or_fields_of_one_name_are_left_out_with_a_warning(contract: Contract) -> None:
    desired = desire("bases/b", "bases/b/batches/autumn", "bases/b/fields/other", "bases/c/batches/spring")
    found = look(contract, desired=desired, bases_7_batches=TWINS, bases_7_fields=FIELDS)
    below = [str(one.address) for one in found.state if one.kind.parent is not None]
    assert below == ["bases/b/batches/autumn", "bases/b/fields/other"]
    assert [(d.code, d.severity, str(d.address), d.hint) for d in found.diagnostics] == [
        (
            "KIA0421",
            Severity.WARNING,
            f"bases/b/{below}",
            "neither is read; to manage or export one, rename the other in Kiamo",
        )
        for below in ("batches/spring", "fields/city")
    ]


def test_two_fields_of_one_name_refuse_a_plan_with_a_batch_that_uses_one(contract: Contract) -> None:
    using = declared("bases/b/batches/autumn", association={"destination": "city"})
    desired = State([*desire("bases/b"), using])
    with pytest.raises(ResponseError, match="Names on the instance clash"):
        look(contract, desired=desired, bases_7_fields=FIELDS)
    live = [BATCH | {"name": "autumn", "association": {"destination": "city"}}]
    desired = desire("bases/b", "bases/b/batches/autumn")
    with pytest.raises(ResponseError, match="Names on the instance clash"):
        look(contract, desired=desired, bases_7_fields=FIELDS, bases_7_batches=live)


OWNED = {
    "its id": (Owned(Address("bases/b/batches/old"), "y"), False),
    "its address": (Owned(Address("bases/b/batches/spring"), "gone"), False),
    "a rename to its name": (Owned(Address("bases/b/batches/old"), "gone", renaming_to="spring"), False),
    "what is pruned below its base": (Owned(Address("bases/b/fields/other"), "h"), True),
    "its base, which is pruned": (Owned(Address("bases/a"), "7"), True),
}


@pytest.mark.parametrize("case", OWNED)
def test_two_batches_of_one_name_refuse_a_plan_of_a_ledger_with(contract: Contract, case: str) -> None:
    owned, prune = OWNED[case]
    lists = {"services": [], "bases": [BASE], "bases/7/fields": [FIELD], "bases/7/batches": TWINS}
    stub = Stub(lambda request: reply(lists[request.url.path.removeprefix("/api/")]))
    with client_of(contract, stub) as client:
        with StateReader(client, contract) as reader, pytest.raises(ResponseError, match="Names on the instance clash"):
            reader.finish(desire("bases/b"), owned={owned.address: owned}, prune=prune)
        with StateReader(client, contract) as reader:
            other = Owned(Address("bases/c/batches/spring"), "other")
            found = reader.finish(desire("bases/b"), owned={other.address: other}, prune=True)
    assert [d.code for d in found.diagnostics] == ["KIA0421"]


@pytest.mark.parametrize("label", [True, False, 7, 1.5])
def test_d19_a_label_that_is_no_string_is_read_as_it_is(contract: Contract, label: Any) -> None:
    found = look(contract, bases_7_fields=[FIELD, FIELD | {"id": "g", "name": "odd", "label": label, "default": False}])
    assert found.state[Address("bases/b/fields/odd")].attributes["label"] == label
    (warning,) = found.diagnostics
    assert (warning.code, warning.severity) == ("KIA0424", Severity.WARNING)
    assert warning.summary.startswith('the label of a field ("odd") must be a string, got ')


def test_names_that_clash_in_nfc_are_fatal_and_named(contract: Contract) -> None:
    twins = [{"id": "1", "name": "Caf\u00e9", "label": "A"}, {"id": "2", "name": "Cafe\u0301", "label": "B"}]
    batches = [BATCH, BATCH | {"id": "y"}]
    with pytest.raises(ResponseError, match="Names on the instance clash") as caught:
        look(
            contract,
            desired=desire("bases/b/batches/spring", "bases/Café"),
            bases=[BASE, *twins],
            bases_7_batches=batches,
        )
    found = [(d.code, str(d.address), d.summary, d.detail) for d in caught.value.diagnostics]
    assert found == [
        (
            "KIA0421",
            "bases/Caf\u00e9",
            'two bases on the instance have the name "Caf\u00e9", "Cafe\u0301"',
            "Their ids are 1 and 2. Their names differ only in Unicode form: 'Caf\\xe9' and 'Cafe\\u0301'.",
        ),
        (
            "KIA0421",
            "bases/b/batches/spring",
            'two batches on the instance have the name "spring"',
            "Their ids are x and y.",
        ),
    ]


def test_the_same_name_below_two_bases_is_no_clash(contract: Contract) -> None:
    live = look(
        contract,
        desired=desire("bases/b", "bases/c"),
        bases=[BASE, {"id": "8", "name": "c"}],
        bases_8_fields=[FIELD],
        bases_8_batches=[],
    )
    assert len(live.state) == 6


# --- one list for all parents ----------------------------------------------------------------------------------------


@pytest.fixture
def flat(contract: Contract) -> Contract:
    """Batches stand at the top level."""
    over = {"kinds": {"batch": {"parent_wire": "base", "operations": {"list": {"path": "/batches"}}}}}
    return Contract.model_validate(merge(contract.model_dump(mode="json"), over))


def test_one_list_is_shared_out_and_the_rest_of_it_dropped(flat: Contract) -> None:
    batches = [BATCH | {"base": "7"}, BATCH | {"id": "y", "base": "8"}]
    live = look(flat, batches=batches, bases=[BASE, {"id": "8", "name": "c"}])
    assert [str(i.address) for i in live.state if i.run_state] == ["bases/b/batches/spring"]
    assert live.diagnostics == ()


def test_a_thing_below_nothing_that_is_listed_is_a_warning(flat: Contract) -> None:
    batches = [BATCH | {"base": "7"}, BATCH | {"id": "y", "base": "99"}, BATCH | {"id": "z", "base": "99", "name": "a"}]
    (warning,) = look(flat, batches=batches).diagnostics
    assert (warning.code, warning.severity.value) == ("KIA0422", "warning")
    assert warning.summary == 'batches of a base that is not listed ("99"): "a", "spring"'


@pytest.mark.parametrize("parent", [7, None, "", {"id": "7"}])
def test_an_object_with_an_invalid_parent_id_is_an_error(flat: Contract, parent: Any) -> None:
    with pytest.raises(ResponseError, match=r'"base" of the batch "spring" must be (a string|an id)'):
        look(flat, batches=[BATCH | {"base": parent}])


# --- failures --------------------------------------------------------------------------------------------------------


def test_the_first_failure_ends_the_reading(contract: Contract) -> None:
    bases = [{"id": str(n), "name": f"b{n}"} for n in range(300)]
    lock, below = threading.Lock(), 0

    def script(request: httpx.Request) -> httpx.Response:
        nonlocal below
        if request.url.path == "/api/bases":
            return reply(bases)
        if request.url.path == "/api/services":
            return reply([])
        with lock:
            below += 1
        return reply({"code": "ERR_4080"}, status=500)

    desired = desire(*(f"bases/b{n}" for n in range(300)))
    with client_of(contract, script) as client, pytest.raises(RefusedError, match="ERR_4080"):
        read(client, contract, desired, parallelism=8)
    assert below <= 16
