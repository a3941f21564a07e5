"""The rules of bases, fields, batches and services, each with its status and its code."""

from __future__ import annotations

from typing import Any

import pytest

from kiamo_iac.contract.model import Contract
from kiamo_iac.emulator import Emulator
from tests.emulator.speaker import Ref, Speaker

# --- bases -----------------------------------------------------------------------------------------------------------


def test_err_1060_for_a_base_without_fields(kiamo: Speaker, contract: Contract) -> None:
    body = kiamo.encode("base", {"name": "bare"})
    assert kiamo.request("base", "create", body=body).outcome == (400, "ERR_1060")
    assert kiamo.try_create("base", name="bare", field=None).outcome == (400, "ERR_1060")


@pytest.mark.parametrize("fields", ["city", {}, 3, True, ["city"], [[]], [None]])
def test_err_1020_for_fields_that_are_none(kiamo: Speaker, contract: Contract, fields: Any) -> None:
    body = kiamo.encode("base", {"name": "bare"}) | {contract.kinds["base"].embedded["field"].wire: fields}
    assert kiamo.request("base", "create", body=body).outcome == (400, "ERR_1020")
    assert kiamo.list("base") == []


CITY = {"name": "city", "label": "City", "datatype": "string"}


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ([{"label": "City", "datatype": "string"}], "ERR_1040"),
        ([{**CITY, "name": "ci/ty"}], "ERR_1050"),
        ([{"name": "city", "datatype": "string"}], "ERR_1070"),
        ([{**CITY, "label": None}], "ERR_1070"),
        ([{**CITY, "label": 3}], "ERR_1020"),
        ([{"name": "city", "label": "City"}], "ERR_1080"),
        ([{**CITY, "datatype": "varchar"}], "ERR_1080"),
        ([{**CITY, "datatype": ["text"]}], "ERR_1080"),
        ([{**CITY, "datatype": None}], "ERR_1080"),
        ([{**CITY, "default": True}], "ERR_1020"),
        ([CITY, {"name": "zip", "label": "Zip", "datatype": "text"}, CITY], "ERR_2060"),
        ([{"name": "phone", "label": "Phone", "datatype": "phone"}], "ERR_2060"),
    ],
)
def test_fields_are_checked_where_they_are_made(kiamo: Speaker, fields: list[dict[str, Any]], code: str) -> None:
    """With the base, all or nothing; and one by one."""
    assert kiamo.try_create("base", name="prospects", field=fields).outcome == (400, code)
    assert kiamo.list("base") == [], "a refused create leaves nothing behind"
    base = kiamo.create("base", name="prospects", field=fields[:-1])
    assert kiamo.try_create("field", base, **fields[-1]).outcome == (400, code)


def test_err_1020_for_fields_in_the_update_of_a_base(kiamo: Speaker, base: Ref) -> None:
    assert kiamo.do(base, "update", label="X", field=[]).outcome == (400, "ERR_1020")
    assert kiamo.read(base)["label"] == "Prospects"


def test_err_2000_while_a_batch_is_unfinished(kiamo: Speaker, base: Ref, batch: Ref, service: Ref) -> None:
    kiamo.do(kiamo.create("batch", base, name="over", service=service), "stop")
    for command in (None, "start", "pause"):
        if command:
            assert kiamo.do(batch, command).status == 200
        assert kiamo.do(base, "delete").outcome == (400, "ERR_2000")
    kiamo.do(batch, "stop")
    assert kiamo.do(base, "delete").status == 204


# --- fields ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("changes", [{}, {"label": "Phone"}, {"label": "Telephone"}, {"name": "tel"}])
def test_err_2040_for_the_update_of_a_default_field(
    kiamo: Speaker, fields: dict[str, Ref], changes: dict[str, str]
) -> None:
    assert kiamo.do(fields["phone"], "update", **changes).outcome == (400, "ERR_2040")


def test_err_2050_for_the_deletion_of_a_default_field(kiamo: Speaker, fields: dict[str, Ref]) -> None:
    assert kiamo.do(fields["phone"], "delete").outcome == (400, "ERR_2050")


def test_err_1020_for_another_name_or_datatype_of_a_field(kiamo: Speaker, fields: dict[str, Ref]) -> None:
    city = fields["city"]
    assert kiamo.do(city, "update", name="town").outcome == (400, "ERR_1020")
    assert kiamo.do(city, "update", datatype="text").outcome == (400, "ERR_1020")
    assert kiamo.do(city, "update", datatype="varchar").outcome == (400, "ERR_1080")
    assert kiamo.do(city, "update", name="city", datatype="string", label="Town").status == 200
    assert kiamo.read(city)["label"] == "Town"


@pytest.mark.parametrize("commands", [(), ("start",), ("start", "pause")])
def test_err_1120_for_the_deletion_of_an_associated_field(
    kiamo: Speaker, batch: Ref, fields: dict[str, Ref], commands: tuple[str, ...]
) -> None:
    association = {"destination": fields["phone"], "town": fields["city"]}
    assert kiamo.do(batch, "update", association=association).status == 200
    for command in commands:
        assert kiamo.do(batch, command).status == 200
    assert kiamo.do(fields["city"], "delete").outcome == (400, "ERR_1120")
    kiamo.do(batch, "stop")
    assert kiamo.do(fields["city"], "delete").status == 204


def test_a_field_that_has_left_the_association_can_be_deleted(
    kiamo: Speaker, batch: Ref, fields: dict[str, Ref]
) -> None:
    assert kiamo.do(batch, "update", association={"destination": fields["city"]}).status == 200
    assert kiamo.do(batch, "update", association={"destination": fields["phone"]}).status == 200
    assert kiamo.do(fields["city"], "delete").status == 204


# --- batches ---------------------------------------------------------------------------------------------------------


def test_err_1100_without_a_service(kiamo: Speaker, base: Ref, batch: Ref) -> None:
    assert kiamo.try_create("batch", base, name="b").outcome == (400, "ERR_1100")
    assert kiamo.try_create("batch", base, name="b", service=None).outcome == (400, "ERR_1100")
    assert kiamo.do(batch, "update", service=None).outcome == (400, "ERR_1100")


def test_err_1110_for_a_service_of_a_wrong_type(kiamo: Speaker, contract: Contract, base: Ref, batch: Ref) -> None:
    attribute = contract.kinds["batch"].attributes["service"]
    text = attribute.by == "name" or contract.kinds["service"].id.type == "string"
    values: list[Any] = [True, 1.5, [], {}, {"id": 1}, 12 if text else "12"]
    for value in values:
        assert kiamo.try_create("batch", base, name="b", service=value).outcome == (400, "ERR_1110")
        assert kiamo.do(batch, "update", service=value).outcome == (400, "ERR_1110")


def test_err_3001_for_a_service_that_does_not_exist(kiamo: Speaker, base: Ref, batch: Ref) -> None:
    unknown = Ref("service", "0" * 24, "Nobody")
    assert kiamo.try_create("batch", base, name="b", service=unknown).outcome == (404, "ERR_3001")
    assert kiamo.do(batch, "update", service=unknown).outcome == (404, "ERR_3001")


def test_a_reference_by_name_is_byte_for_byte(kiamo: Speaker, contract: Contract, base: Ref) -> None:
    decomposed = kiamo.create("service", name="e\u0301te\u0301")
    composed = Ref("service", decomposed.id, "\u00e9t\u00e9")
    by_name = contract.kinds["batch"].attributes["service"].by == "name"
    wanted = (404, "ERR_3001") if by_name else (201, None)
    assert kiamo.try_create("batch", base, name="b", service=composed).outcome == wanted


@pytest.mark.parametrize("association", [None, "phone", 3, [], ["phone"], {"destination": None}, {"destination": {}}])
def test_err_1120_for_an_association_of_another_shape(
    kiamo: Speaker, base: Ref, service: Ref, batch: Ref, association: Any
) -> None:
    answer = kiamo.try_create("batch", base, name="b", service=service, association=association)
    assert answer.outcome == (400, "ERR_1120")
    assert kiamo.do(batch, "update", association=association).outcome == (400, "ERR_1120")


def test_err_1120_for_an_association_with_a_field_of_another_base(
    kiamo: Speaker, base: Ref, service: Ref, batch: Ref
) -> None:
    elsewhere = kiamo.create("base", name="elsewhere")
    field = kiamo.create("field", elsewhere, name="mobile", label="Mobile", datatype="phone")
    for stranger in (field, Ref("field", 10**9, "nothing")):
        answer = kiamo.try_create("batch", base, name="b", service=service, association={"destination": stranger})
        assert answer.outcome == (400, "ERR_1120")
        assert kiamo.do(batch, "update", association={"destination": stranger}).outcome == (400, "ERR_1120")


MOVES: dict[str, dict[str, str]] = {
    "new": {"start": "started", "pause": "ERR_2100", "stop": "stopped"},
    "started": {"start": "ERR_2100", "pause": "paused", "stop": "stopped"},
    "paused": {"start": "started", "pause": "ERR_2100", "stop": "stopped"},
    "stopped": {"start": "ERR_2090", "pause": "ERR_2090", "stop": "ERR_2090"},
    "finished": {"start": "ERR_2090", "pause": "ERR_2090", "stop": "ERR_2090"},
}
STATES = pytest.mark.parametrize("state", MOVES)


def bring_to(kiamo: Speaker, batch: Ref, state: str) -> None:
    """Only by what a caller, or Kiamo itself, can do."""
    for command in {"started": ["start"], "paused": ["start", "pause"], "finished": ["start"]}.get(state, []):
        assert kiamo.do(batch, command).status == 200
    if state == "stopped":
        kiamo.do(batch, "stop")
    if state == "finished":
        kiamo.emulator.finish("prospects", "spring")
    assert kiamo.read(batch)["state"] == state


@STATES
@pytest.mark.parametrize("command", ["start", "pause", "stop"])
def test_every_command_in_every_state(kiamo: Speaker, batch: Ref, state: str, command: str) -> None:
    bring_to(kiamo, batch, state)
    wanted, answer = MOVES[state][command], kiamo.do(batch, command)
    if wanted.startswith("ERR"):
        assert answer.outcome == (400, wanted)
        assert kiamo.read(batch)["state"] == state
    else:
        assert answer.status == 200
        assert answer.body == kiamo.read(batch)
        assert answer.body["state"] == wanted


def test_err_2015_for_a_start_without_an_association(kiamo: Speaker, batch: Ref) -> None:
    assert kiamo.do(batch, "update", association={}).status == 200
    assert kiamo.do(batch, "start").outcome == (400, "ERR_2015")
    assert kiamo.do(batch, "stop").status == 200


@STATES
def test_err_2010_until_a_batch_is_over(kiamo: Speaker, batch: Ref, state: str) -> None:
    bring_to(kiamo, batch, state)
    over = state in {"stopped", "finished"}
    assert kiamo.do(batch, "delete").outcome == ((204, None) if over else (400, "ERR_2010"))


@STATES
def test_err_2070_for_any_update_once_it_is_over(kiamo: Speaker, batch: Ref, state: str) -> None:
    bring_to(kiamo, batch, state)
    over = state in {"stopped", "finished"}
    for settings in ({"note": "x"}, {}):
        answer = kiamo.do(batch, "update", settings=settings)
        assert answer.outcome == ((400, "ERR_2070") if over else (200, None))


@STATES
def test_err_2080_for_a_rename_when_it_is_not_new(kiamo: Speaker, batch: Ref, state: str) -> None:
    bring_to(kiamo, batch, state)
    wanted = {"new": (200, None), "started": (400, "ERR_2080"), "paused": (400, "ERR_2080")}
    assert kiamo.do(batch, "update", name="summer").outcome == wanted.get(state, (400, "ERR_2070"))
    if state in {"started", "paused"}:
        assert kiamo.do(batch, "update", name="spring").status == 200, "the name that it has is no rename"


@STATES
def test_err_2100_for_another_service_or_association_while_it_runs(
    kiamo: Speaker, batch: Ref, service: Ref, fields: dict[str, Ref], state: str
) -> None:
    other = kiamo.create("service", name="Win-back")
    bring_to(kiamo, batch, state)
    wanted = {"started": (400, "ERR_2100"), "new": (200, None), "paused": (200, None)}.get(state, (400, "ERR_2070"))
    if state == "started":
        same = {"service": service, "association": {"destination": fields["phone"]}}
        assert kiamo.do(batch, "update", **same).status == 200, "what it has is no change"
    assert kiamo.do(batch, "update", service=other).outcome == wanted
    assert kiamo.do(batch, "update", association={"destination": fields["city"]}).outcome == wanted
    assert kiamo.do(batch, "update", association={}).outcome == wanted


# --- services --------------------------------------------------------------------------------------------------------


@STATES
def test_err_2140_for_a_service_that_an_unfinished_batch_uses(
    kiamo: Speaker, service: Ref, batch: Ref, state: str
) -> None:
    bring_to(kiamo, batch, state)
    over = state in {"stopped", "finished"}
    assert kiamo.do(service, "delete").outcome == ((204, None) if over else (400, "ERR_2140"))
    assert kiamo.do(service, "read").outcome[1] == ("ERR_3001" if over else None)


def test_a_service_that_has_left_every_batch_can_be_deleted(kiamo: Speaker, service: Ref, batch: Ref) -> None:
    assert kiamo.do(batch, "update", service=kiamo.create("service", name="Win-back")).status == 200
    assert kiamo.do(service, "delete").status == 204


# --- what Kiamo does itself ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["new", "paused", "stopped", "finished"])
def test_only_a_started_batch_finishes(kiamo: Speaker, emulator: Emulator, batch: Ref, state: str) -> None:
    bring_to(kiamo, batch, state)
    with pytest.raises(ValueError, match=f'batch "spring" is {state}'):
        emulator.finish("prospects", "spring")


def test_contacts_can_be_set_from_behind(kiamo: Speaker, emulator: Emulator, base: Ref, batch: Ref) -> None:
    emulator.set_contacts("prospects", 12)
    emulator.set_contacts("prospects", 3, batch="spring")
    assert (kiamo.read(base)["contacts"], kiamo.read(batch)["contacts"]) == (12, 3)
    emulator.set_contacts("prospects", 1)
    assert kiamo.do(base, "update", contacts=1).status == 200
    assert kiamo.do(base, "update", contacts=True).outcome == (400, "ERR_1020"), "true is not 1"
    for arguments in (("nowhere", 1), ("prospects", -1), ("prospects", True)):
        with pytest.raises(ValueError, match=r"contacts|no base"):
            emulator.set_contacts(*arguments)
