"""The live state, read from the emulator under both contracts."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import Any

import pytest

from kiamo_iac.api.client import Client
from kiamo_iac.api.reader import LiveRead, StateReader, read
from kiamo_iac.api.state_builder import StateBuilder
from kiamo_iac.contract.model import Contract
from kiamo_iac.core.address import Address
from kiamo_iac.core.errors import AccessError
from kiamo_iac.core.secret import Secret
from kiamo_iac.core.state import EMPTY, DanglingReference, State
from kiamo_iac.emulator import FULL_TOKEN, READ_ONLY_TOKEN, Emulator, EmulatorRequest
from kiamo_iac.http.transport import InProcess
from tests.api.desires import desire, want

WORLD = {
    "services": [{"name": "Sales", "label": "Sales desk"}, {"name": "Care"}],
    "bases": [
        {
            "name": "prospects",
            "label": "Prospects",
            "contacts": 12,
            "fields": [{"name": "city", "label": "City", "datatype": "string"}],
            "batches": [
                {
                    "name": "spring",
                    "service": "Sales",
                    "association": {"destination": "phone", "town": "city"},
                    "state": "started",
                    "contacts": 5,
                    "settings": {"pace": 3, "hours": {"from": "09:00"}},
                },
                {"name": "old", "service": "Care", "state": "finished"},
            ],
        },
        {"name": "clients", "batches": [{"name": "call back", "service": "Care", "association": {"a": "phone"}}]},
        {"name": "other", "batches": [{"name": "theirs", "service": "Sales", "state": "paused"}]},
    ],
}
NAMED = desire("bases/prospects", "bases/prospects/fields/city", "services/Sales")


@pytest.fixture
def emulator(any_contract: Contract) -> Iterator[Emulator]:
    with Emulator(any_contract) as emulator:
        emulator.seed(WORLD)
        yield emulator


def client_to(emulator: Emulator, token: str = FULL_TOKEN) -> Client:
    transport = InProcess(emulator.handle, request=EmulatorRequest)
    return Client("http://127.0.0.1:1", Secret(token), emulator.contract, transport=transport)


def look(emulator: Emulator, desired: State, *, parallelism: int = 10) -> LiveRead:
    with client_to(emulator) as client:
        return read(client, emulator.contract, desired, parallelism=parallelism)


def addresses(live: LiveRead) -> list[str]:
    return [str(instance.address) for instance in live.state]


def test_everything_at_the_top_and_all_below_what_is_named(emulator: Emulator) -> None:
    live = look(emulator, NAMED)
    assert addresses(live) == [
        "bases/clients",
        "bases/other",
        "bases/prospects",
        "bases/prospects/batches/old",
        "bases/prospects/batches/spring",
        "bases/prospects/fields/city",
        "bases/prospects/fields/phone",
        "services/Care",
        "services/Sales",
    ]
    assert live.diagnostics == ()


def test_attributes_are_ours_and_references_names(emulator: Emulator) -> None:
    state = look(emulator, NAMED).state
    spring = state[Address("bases/prospects/batches/spring")]
    assert spring.attributes == {
        "name": "spring",
        "service": "Sales",
        "association": {"destination": "phone", "town": "city"},
        "state": "started",
    }
    assert spring.settings == {"pace": 3, "hours": {"from": "09:00"}}
    assert spring.extras == {"contacts": 5}
    assert state[Address("bases/prospects/batches/old")].run_state == "finished"
    base = state[Address("bases/prospects")]
    assert (base.attributes, base.extras) == ({"name": "prospects", "label": "Prospects"}, {"contacts": 12})
    assert state[Address("bases/other")].attributes == {"name": "other"}
    phone = state[Address("bases/prospects/fields/phone")]
    assert phone.attributes == {"name": "phone", "label": "Phone", "datatype": "phone"}
    assert phone.extras == {"default": True}


def test_what_is_not_there_takes_no_memory(emulator: Emulator) -> None:
    city = look(emulator, NAMED).state[Address("bases/prospects/fields/city")]
    assert city.extras is EMPTY
    assert city.settings is EMPTY


def test_ids_have_the_type_that_the_contract_says(emulator: Emulator) -> None:
    type_ = {"string": str, "integer": int}[emulator.contract.kinds["field"].id.type]
    ids = [instance.remote_id for instance in look(emulator, NAMED).state]
    assert {type(id_) for id_ in ids} == {type_}
    assert len(set(ids)) == len(ids)


def test_former_names_and_parents_alone_name_a_base_too(emulator: Emulator) -> None:
    renamed = State([want("bases/customers", renamed_from=("clients",)), want("bases/other/batches/new")])
    below = {a.split("/")[1] for a in addresses(look(emulator, renamed)) if a.count("/") > 1}
    assert below == {"clients", "other"}


def test_the_whole_instance_whatever_is_declared(emulator: Emulator) -> None:
    with client_to(emulator) as client, StateReader(client, emulator.contract) as reader:
        live = reader.whole()
    everything = {
        (base["name"], collection, thing["name"])
        for base in emulator.dump()["bases"]
        for collection in ("fields", "batches")
        for thing in base.get(collection, ())
    }
    read = [a.split("/") for a in addresses(live)]
    assert {(parts[1], parts[2], parts[3]) for parts in read if len(parts) == 4} == everything
    assert [parts[1] for parts in read if len(parts) == 2] == ["clients", "other", "prospects", "Care", "Sales"]
    batch = live.state[Address("bases/clients/batches/call back")]
    assert batch.attributes["association"] == {"a": "phone"}


def test_the_whole_of_one_base(emulator: Emulator) -> None:
    with client_to(emulator) as client, StateReader(client, emulator.contract) as reader:
        live = reader.whole(lambda parent: parent == "bases/clients")
    below = {a.split("/")[1] for a in addresses(live) if a.count("/") > 1}
    assert below == {"clients"}
    assert "bases/prospects" in live.state


def test_nothing_is_read_below_a_base_that_does_not_exist(emulator: Emulator) -> None:
    assert look(emulator, desire("bases/prospects2")).state.within(Address("bases/prospects2"), "fields") == []
    assert not any(call.kind == "field" for call in emulator.calls())


def test_the_number_of_calls_is_two_and_two_a_base(contract: Contract) -> None:
    with Emulator(contract) as emulator:
        emulator.seed({"bases": [{"name": f"base{n}"} for n in range(20)]})
        look(emulator, desire(*(f"bases/base{n}" for n in range(7)), "bases/missing"))
        calls = [f"{call.method} {call.kind}" for call in emulator.calls()]
    assert len(calls) == 2 + 2 * 7
    assert {call.split()[0] for call in calls} == {"GET"}
    assert calls.count("GET field") == calls.count("GET batch") == 7


def test_deleting_a_service_reads_the_batches_of_every_base(emulator: Emulator) -> None:
    live = look(emulator, State([want("services/Care", absent=True), want("bases/prospects")]))
    batches = [a for a in addresses(live) if "/batches/" in a]
    assert batches == [
        "bases/clients/batches/call back",
        "bases/other/batches/theirs",
        "bases/prospects/batches/old",
        "bases/prospects/batches/spring",
    ]
    associations = [live.state[Address(a)].attributes.get("association") for a in batches]
    assert associations == [{"a": "phone"}, {}, {}, {"destination": "phone", "town": "city"}]


@pytest.mark.parametrize(
    "gone",
    [want("services/Nobody", absent=True), want("services/Care", absent=True, managed=False), want("services/Care")],
    ids=["not there", "not managed", "not absent"],
)
def test_otherwise_only_the_named_bases_are_read(emulator: Emulator, gone: Any) -> None:
    live = look(emulator, State([gone, want("bases/prospects")]))
    assert {a.split("/")[1] for a in addresses(live) if "/batches/" in a} == {"prospects"}


def test_deleting_a_service_under_a_former_name_reads_them_too(emulator: Emulator) -> None:
    live = look(emulator, State([want("services/Support", absent=True, renamed_from=("Care",))]))
    assert "bases/clients/batches/call back" in addresses(live)


def test_a_reference_to_what_is_gone(contract: Contract) -> None:
    with Emulator(contract) as emulator:
        emulator.seed(
            {
                "bases": [
                    {"name": "b", "batches": [{"name": "x", "state": "stopped", "service": {"gone": "S", "id": "7"}}]}
                ]
            }
        )
        service = look(emulator, desire("bases/b")).state[Address("bases/b/batches/x")].attributes["service"]
    assert isinstance(service, DanglingReference)
    assert service == "(gone: 7)"


def test_names_are_found_in_nfc_and_kept_as_they_are(emulator: Emulator) -> None:
    decomposed = unicodedata.normalize("NFD", "Été")
    emulator.seed({"bases": [{"name": decomposed}]})
    live = look(emulator, desire("bases/Été"))
    assert live.state[Address("bases/Été")].name == decomposed
    assert Address("bases/Été/fields/phone") in live.state


@pytest.mark.parametrize("parallelism", [1, 3, 16])
def test_the_state_is_the_same_however_many_read_it(emulator: Emulator, parallelism: int) -> None:
    desired = desire("bases/prospects", "bases/clients", "bases/other")
    one, other = look(emulator, desired), look(emulator, desired, parallelism=parallelism)
    assert [*one.state] == [*other.state]


def test_a_token_that_may_only_get_is_enough(emulator: Emulator) -> None:
    with client_to(emulator, READ_ONLY_TOKEN) as client:
        assert len(read(client, emulator.contract, NAMED).state) == 9


def test_f18_a_token_that_is_not_valid_ends_it(emulator: Emulator) -> None:
    with client_to(emulator, "f" * 40) as client, pytest.raises(AccessError, match="token is not valid"):
        read(client, emulator.contract, NAMED)
    assert len(emulator.calls()) <= 3


def test_it_can_begin_before_anything_is_desired(emulator: Emulator) -> None:
    with client_to(emulator) as client, StateReader(client, emulator.contract) as reader:
        reader.start()
        reader.start()
        live = reader.finish(NAMED)
    assert len(live.state) == 9
    firsts = [call for call in emulator.calls() if call.kind == "service"]
    assert len(firsts) == 1


def test_a_kind_without_a_list_call_is_not_read(contract: Contract) -> None:
    data = contract.model_dump(mode="json")
    del data["kinds"]["batch"]["operations"]["list"]
    del data["kinds"]["service"]["operations"]["list"]
    with Emulator(contract) as emulator, client_to(emulator) as client:
        emulator.seed(WORLD)
        live = read(client, Contract.model_validate(data), NAMED)
    assert {instance.kind.kind for instance in live.state} == {"base", "field"}


def test_equal_fields_share_their_attributes(contract: Contract) -> None:
    with Emulator(contract) as emulator:
        emulator.seed({"bases": [{"name": "a"}, {"name": "b"}]})
        state = look(emulator, desire("bases/a", "bases/b")).state
    one, other = state[Address("bases/a/fields/phone")], state[Address("bases/b/fields/phone")]
    assert one.attributes is other.attributes


def test_o18_the_whole_is_read_no_further_ahead_than_it_is_packed(
    contract: Contract, monkeypatch: pytest.MonkeyPatch
) -> None:
    ahead: list[int] = []
    with Emulator(contract) as emulator:
        emulator.seed({"bases": [{"name": f"base{n:02}"} for n in range(30)]})
        with client_to(emulator) as client, StateReader(client, contract, parallelism=2) as reader:
            packed = StateBuilder.settle

            def settle(builder: StateBuilder, parent: Address | None) -> None:
                packed(builder, parent)
                settled = len(ahead) - 1  # bases; the first call is for those without a parent
                ahead.append(len(emulator.calls()) - 2 - 2 * settled)

            monkeypatch.setattr(StateBuilder, "settle", settle)
            live = reader.whole()
    assert len(live.state) == 30 * 2
    assert len(ahead) == 31
    assert max(ahead[1:]) <= 2 + 2 * 4  # its own lists; four on the way, and those of the same bases
