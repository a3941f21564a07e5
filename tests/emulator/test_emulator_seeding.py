"""Seed and dump, ids, the log of calls, and the database."""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import Any

import pytest

from kiamo_iac.contract.file import load_contract
from kiamo_iac.contract.model import Contract
from kiamo_iac.emulator import Emulator, Peak
from tests.emulator.conftest import OTHER
from tests.emulator.speaker import Ref, Speaker

WORLD: dict[str, Any] = {
    "services": [{"name": "Outbound Sales", "label": "Sales"}, {"name": "Win-back", "settings": {"queue": None}}],
    "bases": [
        {
            "name": "prospects",
            "label": "Prospects",
            "contacts": 12,
            "fields": [
                {"name": "phone", "label": "Phone", "datatype": "phone", "default": True},
                {"name": "city", "label": "City", "datatype": "string"},
            ],
            "batches": [
                {
                    "name": "spring",
                    "service": "Outbound Sales",
                    "association": {"destination": "phone"},
                    "state": "started",
                    "contacts": 3,
                    "settings": {"pace": {"max": 2}},
                },
                {"name": "autumn", "service": "Win-back", "state": "new"},
                {
                    "name": "old",
                    "service": {"gone": "Old Desk"},
                    "association": {"destination": {"gone": "mobile"}, "town": "city"},
                    "state": "finished",
                },
                {"name": "lost", "state": "stopped"},
            ],
        },
        {"name": "e\u0301te\u0301", "fields": [{"name": "tel", "label": "T", "datatype": "phone", "default": True}]},
    ],
}


def test_a_seeded_world_is_dumped_as_it_was_seeded(emulator: Emulator) -> None:
    emulator.seed(WORLD)
    expected = copy.deepcopy(WORLD)
    own_field = {"name": "phone", "label": "Phone", "datatype": "phone", "default": True}
    expected["bases"][1]["fields"].insert(0, own_field)
    assert emulator.dump() == expected


def test_a_dump_with_ids_makes_the_same_instance_again(contract: Contract, emulator: Emulator, kiamo: Speaker) -> None:
    emulator.seed(WORLD)
    dumped = emulator.dump(ids=True)
    with Emulator(contract, seed=99) as again:
        again.seed(dumped)
        assert again.dump(ids=True) == dumped
        there = Speaker(contract, again)
        base = Ref("base", dumped["bases"][0]["id"], "prospects")
        assert there.list("batch", base) == kiamo.list("batch", base)


def test_a_world_speaks_any_contract() -> None:
    with Emulator(load_contract()) as here, Emulator(load_contract(OTHER)) as there:
        here.seed(WORLD)
        there.seed(here.dump())
        assert there.dump() == here.dump()


def test_what_is_seeded_obeys_the_rules_from_then_on(kiamo: Speaker, emulator: Emulator) -> None:
    emulator.seed(WORLD)
    sales, win_back = (Ref("service", s["id"], s["name"]) for s in kiamo.list("service"))
    base = Ref("base", kiamo.list("base")[0]["id"], "prospects")
    assert kiamo.do(sales, "delete").outcome == (400, "ERR_2140")
    assert kiamo.do(base, "delete").outcome == (400, "ERR_2000")
    old = {b["name"]: Ref("batch", b["id"], b["name"], base) for b in kiamo.list("batch", base)}
    assert kiamo.do(old["lost"], "start").outcome == (400, "ERR_2090")
    assert kiamo.read(old["lost"])["service"] is None
    assert kiamo.do(old["old"], "delete").status == 204
    assert kiamo.do(old["autumn"], "start").outcome == (400, "ERR_2015")
    assert kiamo.do(win_back, "update", name="Outbound Sales").outcome == (400, "ERR_2060")


def test_a_document_adds_to_what_is_there(emulator: Emulator) -> None:
    emulator.seed({"services": [{"name": "a"}]})
    emulator.seed({"services": [{"name": "b"}], "bases": [{"name": "x", "batches": [{"name": "y", "service": "a"}]}]})
    assert [s["name"] for s in emulator.dump()["services"]] == ["a", "b"]


WRONG: list[tuple[Any, str]] = [
    ([], "the document: must be an object"),
    ({"base": []}, 'the document: unknown key "base" (known: services, bases)'),
    ({"bases": {}}, "bases: must be a list"),
    ({"bases": ["x"]}, "bases[0]: must be an object"),
    ({"bases": [{}]}, "bases[0].name: must be a string that is not empty"),
    ({"bases": [{"name": ""}]}, "bases[0].name: must be a string that is not empty"),
    ({"bases": [{"name": "x", "lable": "X"}]}, 'bases[0]: unknown key "lable"'),
    ({"bases": [{"name": "x"}, {"name": "x"}]}, 'bases[1].name: another base is called "x"'),
    ({"bases": [{"name": "x", "contacts": -1}]}, "bases[0].contacts: must be a whole number, 0 or more"),
    ({"bases": [{"name": "x", "contacts": True}]}, "bases[0].contacts: must be a whole number, 0 or more"),
    ({"bases": [{"name": "x", "fields": None}]}, "bases[0].fields: must be a list"),
    ({"bases": [{"name": "x", "label": 3}]}, "bases[0].label: must be a string"),
    ({"bases": [{"name": "x", "settings": []}]}, "bases[0].settings: must be an object"),
    ({"bases": [{"name": "x", "id": 1.5}]}, "bases[0].id: must be of the contract's type"),
    ({"bases": [{"name": "x", "id": True}]}, "bases[0].id: must be of the contract's type"),
    (
        {"bases": [{"name": "x", "fields": [{"name": "phone", "label": "P", "datatype": "phone"}]}]},
        'bases[0].fields[0].name: another field is called "phone"',
    ),
    (
        {"bases": [{"name": "x", "fields": [{"name": "f", "default": "yes"}]}]},
        "bases[0].fields[0].default: must be true or false",
    ),
    (
        {"bases": [{"name": "x", "batches": [{"name": "b", "state": "over"}]}]},
        "bases[0].batches[0].state: must be one of ",
    ),
    (
        {"bases": [{"name": "x", "batches": [{"name": "b", "service": "S"}]}]},
        'bases[0].batches[0].service: no service is called "S"',
    ),
    (
        {"bases": [{"name": "x", "batches": [{"name": "b", "service": 3}]}]},
        "bases[0].batches[0].service: must be the name of a service",
    ),
    (
        {"bases": [{"name": "x", "batches": [{"name": "b", "service": {"gone": "S"}}]}]},
        "bases[0].batches[0].service: only a stopped or finished batch may refer to a deleted object",
    ),
    (
        {"bases": [{"name": "x", "batches": [{"name": "b", "state": "stopped", "service": {"gone": 3}}]}]},
        'bases[0].batches[0].service: a deleted object must be {"gone": NAME}',
    ),
    (
        {"bases": [{"name": "x", "batches": [{"name": "b", "association": "phone"}]}]},
        "bases[0].batches[0].association: must be an object",
    ),
    (
        {"bases": [{"name": "x", "batches": [{"name": "b", "association": {"to": "zip"}}]}]},
        'bases[0].batches[0].association: no field is called "zip"',
    ),
    ({"services": [{"name": "\ud800"}]}, "the document: must be JSON"),
    ({"services": [{"name": "x", "settings": {"n": float("nan")}}]}, "the document: must be JSON"),
    ({"services": [{"name": "x", "settings": {"n": {1, 2}}}]}, "the document: must be JSON"),
]


@pytest.mark.parametrize(("document", "message"), WRONG, ids=[message for _, message in WRONG])
def test_a_document_of_another_shape_is_refused_whole(emulator: Emulator, document: Any, message: str) -> None:
    emulator.seed({"services": [{"name": "before"}]})
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        emulator.seed(document)
    if isinstance(document, dict):
        with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
            emulator.seed({"services": [{"name": "S2"}, *document.get("services", [])], **document})
    assert emulator.dump() == {"services": [{"name": "before"}]}


def test_a_setting_cannot_take_a_wire_name_of_the_contract(contract: Contract, emulator: Emulator) -> None:
    wire = contract.kinds["base"].attributes["contacts"].wire
    with pytest.raises(ValueError, match="is an attribute of the contract"):
        emulator.seed({"bases": [{"name": "x", "settings": {wire: 3}}]})


# --- ids -------------------------------------------------------------------------------------------------------------


def test_ids_are_the_same_under_one_seed_and_others_under_another(contract: Contract) -> None:
    dumps = []
    for seed in (0, 0, 1):
        with Emulator(contract, seed=seed) as emulator:
            emulator.seed(WORLD)
            dumps.append(emulator.dump(ids=True))
            emulator.reset()
            assert emulator.dump() == {}
            emulator.seed(WORLD)
            assert emulator.dump(ids=True) == dumps[-1], "a reset starts the ids again"
    assert dumps[0] == dumps[1]
    assert dumps[0] != dumps[2]
    assert not re.search(r"\b[0-9a-f]{40}\b", str(dumps))


def test_an_id_is_never_used_again(kiamo: Speaker) -> None:
    seen = set()
    for _ in range(50):
        thing = kiamo.create("service", name="again")
        seen.add(thing.id)
        assert kiamo.do(thing, "delete").status == 204
    assert len(seen) == 50


def test_an_id_that_a_document_chooses_further_down_is_not_made_before(contract: Contract) -> None:
    """Default fields, and things that are gone, get ids of their own while the document is read."""
    with Emulator(contract) as first:
        first.seed({"bases": [{"name": "a"}, {"name": "b"}]})
        document = first.dump(ids=True)
    made = document["bases"][0]["fields"][0]["id"]
    with Emulator(contract) as second:
        second.seed({"bases": [{"name": "a"}, {"name": "b", "fields": [{"name": "city", "id": made}]}]})
        fields = {f["name"]: f["id"] for f in second.dump(ids=True)["bases"][1]["fields"]}
        assert fields["city"] == made
        assert second.dump(ids=True)["bases"][0]["fields"][0]["id"] not in fields.values()


def test_an_id_that_was_chosen_is_never_made(contract: Contract, emulator: Emulator, kiamo: Speaker) -> None:
    with Emulator(contract) as twin:
        coming = [Speaker(contract, twin).create("service", name=f"s{n}").id for n in range(3)]
    emulator.seed({"services": [{"name": "chosen", "id": coming[1]}, {"name": "as well", "id": coming[2]}]})
    assert kiamo.do(Ref("service", coming[1], "chosen"), "delete").status == 204
    made = [kiamo.create("service", name=f"s{n}").id for n in range(3)]
    assert set(made).isdisjoint(coming[1:])
    assert len(set(made)) == 3
    with pytest.raises(ValueError, match="another service has the id"):
        emulator.seed({"services": [{"name": "third", "id": coming[2]}]})


# --- the log ---------------------------------------------------------------------------------------------------------


def test_the_log_says_what_was_called_on_what(
    kiamo: Speaker, emulator: Emulator, base: Ref, contract: Contract
) -> None:
    last = emulator.calls()[-1].n
    field = kiamo.create("field", base, name="zip", label="Zip", datatype="text")
    kiamo.list("field", base)
    kiamo.do(field, "delete")
    kiamo.do(field, "delete")
    kiamo.send("GET", "/nowhere", query={"a": "1"})
    calls = [c for c in emulator.calls(after=last) if c.operation != "list"]
    assert [(c.method, c.status, c.code, c.kind, c.operation, c.id) for c in calls] == [
        ("POST", 201, None, "field", "create", str(field.id)),
        ("DELETE", 204, None, "field", "delete", str(field.id)),
        ("DELETE", 404, "ERR_3000", "field", "delete", str(field.id)),
        ("GET", 404, "ERR_3000", None, None, None),
    ]
    assert calls[0].parent == str(base.id)
    assert calls[0].body == kiamo.encode("field", {"name": "zip", "label": "Zip", "datatype": "text"})
    assert calls[-1].document() == {
        "n": calls[-1].n,
        "method": "GET",
        "path": f"{contract.prefix.path}/nowhere",
        "query": {"a": "1"},
        "status": 404,
        "code": "ERR_3000",
    }
    numbers = [c.n for c in emulator.calls()]
    assert numbers == sorted(set(numbers))
    assert str(kiamo.token) not in str(emulator.calls())


def test_a_reset_empties_the_log_and_numbers_go_on(kiamo: Speaker, emulator: Emulator) -> None:
    kiamo.list("service")
    last = emulator.calls()[-1].n
    assert emulator.peak == Peak(total=1, reads=1, writes=0)
    emulator.reset()
    assert (emulator.calls(), emulator.peak) == ([], Peak())
    kiamo.list("service")
    assert emulator.calls()[0].n == last + 1


# --- the database ----------------------------------------------------------------------------------------------------


def test_a_file_keeps_everything_but_the_log(contract: Contract, tmp_path: Path) -> None:
    path = tmp_path / "kiamo.sqlite"
    with Emulator(contract, database=path) as emulator:
        emulator.seed(WORLD)
        first = Speaker(contract, emulator).create("service", name="first")
        before = emulator.dump(ids=True)
    with Emulator(contract, database=path) as emulator:
        assert emulator.dump(ids=True) == before
        kiamo = Speaker(contract, emulator)
        assert kiamo.do(first, "delete").status == 204
        assert kiamo.create("service", name="first").id != first.id


def test_a_file_of_another_contract_or_of_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "kiamo.sqlite"
    Emulator(load_contract(), database=path).close()
    with pytest.raises(ValueError, match="created with another contract"):
        Emulator(load_contract(OTHER), database=path)
    (tmp_path / "notes.txt").write_text("not a database, but a text that is long enough to be one" * 20)
    with pytest.raises(ValueError, match="cannot be used as the emulator's database"):
        Emulator(load_contract(), database=tmp_path / "notes.txt")


def test_a_file_serves_one_emulator_at_a_time(contract: Contract, tmp_path: Path) -> None:
    path = tmp_path / "kiamo.sqlite"
    with Emulator(contract, database=path), pytest.raises(ValueError, match="cannot be used"):
        Emulator(contract, database=path)
    Emulator(contract, database=path).close()
