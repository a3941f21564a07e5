"""Any calls in any order: never a fault of the emulator's own, and its invariants hold after each of them."""

from __future__ import annotations

import json
import unicodedata
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kiamo_iac.contract.file import load_contract
from kiamo_iac.emulator import Emulator, EmulatorRequest
from tests.emulator.conftest import OTHER
from tests.emulator.speaker import Ref, Speaker

CONTRACTS = {None: load_contract(), "other": load_contract(OTHER)}
EMULATORS = {key: Emulator(contract) for key, contract in CONTRACTS.items()}
SPEAKERS = {key: Speaker(contract, EMULATORS[key]) for key, contract in CONTRACTS.items()}

KINDS = ("service", "base", "field", "batch")
OPERATIONS = ("create", "read", "update", "delete", "start", "pause", "stop", "finish")
NAMES = ("a", "b", "c", "\u00e9", "e\u0301")

BEGINNING = {
    "services": [{"name": "a"}],
    "bases": [
        {
            "name": "a",
            "fields": [{"name": "a", "label": "A", "datatype": "text"}],
            "batches": [
                {"name": "bare", "service": "a", "state": "new"},
                *(
                    {"name": state, "service": "a", "association": {"to": "a"}, "state": state}
                    for state in ("started", "paused", "finished")
                ),
            ],
        }
    ],
}

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
steps = st.tuples(
    st.sampled_from(KINDS), st.sampled_from(OPERATIONS), st.integers(0, 5), st.integers(0, 5), st.integers(0, 5)
)
reached: Counter[str] = Counter()


@pytest.fixture(scope="module", autouse=True)
def _closed() -> Iterator[None]:
    yield
    for emulator in EMULATORS.values():
        emulator.close()


def attributes(kind: str, operation: str, refs: dict[str, list[Ref]], numbers: tuple[int, int, int]) -> dict[str, Any]:
    """What a client might well send."""
    one, two, three = numbers
    services = [r for r in refs["service"] if r.id] or [Ref("service", "0", "nobody")]
    fields = refs["field"]
    choices: dict[str, dict[str, Any]] = {
        "service": {"name": NAMES[one % 5], "label": "L"},
        "base": {"name": NAMES[one % 5], "label": NAMES[two % 5]},
        "field": {"name": NAMES[one % 5], "label": NAMES[two % 5], "datatype": ("text", "date")[three % 2]},
        "batch": {
            "name": NAMES[one % 5],
            "service": services[two % len(services)],
            "association": {"to": fields[three % len(fields)]} if fields and three else {},
        },
    }
    chosen = choices[kind]
    if operation == "update":
        keep = [name for at, name in enumerate(chosen) if (one + two + three) >> at & 1]
        return {name: chosen[name] for name in keep}
    return chosen


def play(kiamo: Speaker, kind: str, operation: str, numbers: tuple[int, int, int]) -> None:
    """One step on whatever is there."""
    refs = {k: [Ref(k, t["id"], t["name"]) for t in kiamo.list(k)] for k in ("service", "base")}
    base = refs["base"][numbers[0] % len(refs["base"])] if refs["base"] else None
    for child in ("field", "batch"):
        refs[child] = [Ref(child, t["id"], t["name"], base) for t in kiamo.list(child, base)] if base else []
    if operation == "create" or not refs[kind]:
        parent = base if kind in {"field", "batch"} else None
        if parent is None and kind in {"field", "batch"}:
            return
        operation = "create"
        answer = kiamo.try_create(kind, parent, **attributes(kind, "create", refs, numbers))
    else:
        thing = refs[kind][numbers[2] % len(refs[kind])]
        if operation in {"read", "update", "delete"}:
            answer = kiamo.do(thing, operation, **attributes(kind, operation, refs, numbers))
        elif kind != "batch" or operation == "finish":
            finish(kiamo, base, thing)
            return
        else:
            answer = kiamo.do(thing, operation)
    assert answer.status in {200, 201, 204, 400, 404}, answer
    reached[answer.code or f"{operation} {kind}"] += 1


def finish(kiamo: Speaker, base: Ref | None, thing: Ref) -> None:
    """Kiamo's own move, where it is possible."""
    if base is not None and thing.kind == "batch" and kiamo.read(thing)["state"] == "started":
        kiamo.emulator.finish(base.name, thing.name)
        reached["finish batch"] += 1


def check_invariants(document: dict[str, Any], before: dict[str, Any]) -> None:
    """What is true of any instance."""
    unique(document.get("services", []))
    unique(document.get("bases", []))
    services = {s["name"] for s in document.get("services", [])}
    for base in document.get("bases", []):
        fields = {f["name"] for f in base["fields"]}
        assert [f["name"] for f in base["fields"] if f.get("default")] == ["phone"]
        unique(base["fields"])
        unique(base.get("batches", []))
        for batch in base.get("batches", []):
            if batch["state"] in {"new", "started", "paused"}:
                assert batch["service"] in services
                assert set(batch.get("association", {}).values()) <= fields
            if batch["state"] in {"started", "paused"}:
                assert batch["association"]
    left = {batch["id"]: batch["state"] for base in document.get("bases", []) for batch in base.get("batches", [])}
    for base in before.get("bases", []):
        for batch in base.get("batches", []):
            if batch["state"] in {"new", "started", "paused"}:
                assert batch["id"] in left, "nothing unfinished is ever deleted"
            elif batch["id"] in left:
                assert left[batch["id"]] == batch["state"], "nothing leaves a terminal state"


def unique(things: list[dict[str, Any]]) -> None:
    """No two names are the same in NFC."""
    names = [unicodedata.normalize("NFC", thing["name"]) for thing in things]
    assert len(set(names)) == len(names)


@settings(max_examples=150, deadline=None, derandomize=True, database=None)
@given(st.sampled_from([None, "other"]), st.lists(steps, min_size=20, max_size=60))
def test_any_calls_leave_a_possible_instance_that_can_be_dumped_and_seeded(
    key: str | None, calls: list[tuple[str, str, int, int, int]]
) -> None:
    kiamo, emulator = SPEAKERS[key], EMULATORS[key]
    emulator.reset()
    emulator.seed(BEGINNING)
    before = emulator.dump(ids=True)
    for kind, operation, *numbers in calls:
        play(kiamo, kind, operation, (numbers[0], numbers[1], numbers[2]))
        after = emulator.dump(ids=True)
        check_invariants(after, before)
        before = after
    plain = emulator.dump()
    emulator.reset()
    emulator.seed(before)
    assert emulator.dump(ids=True) == before
    emulator.reset()
    emulator.seed(plain)
    assert emulator.dump() == plain


def test_those_calls_reach_every_operation_and_every_rule() -> None:
    """The generator above must not be a polite one."""
    if not reached:
        test_any_calls_leave_a_possible_instance_that_can_be_dumped_and_seeded()
    rules = {"1020", "2000", "2010", "2015", "2040", "2050", "2060", "2070", "2080", "2090", "2100", "2140", "1120"}
    done = {f"{operation} {kind}" for kind in KINDS for operation in ("create", "read", "update", "delete")}
    moves = {f"{operation} batch" for operation in ("start", "pause", "stop", "finish")}
    assert {f"ERR_{rule}" for rule in rules} | done | moves <= set(reached), sorted(reached.items())


@settings(
    max_examples=200, deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)
@given(st.data())
def test_any_bytes_and_any_json_are_answered(data: st.DataObject) -> None:
    key = data.draw(st.sampled_from([None, "other"]))
    emulator, contract = EMULATORS[key], CONTRACTS[key]
    kiamo = SPEAKERS[key]
    emulator.reset()
    service = kiamo.create("service", name="S")
    base = kiamo.create("base", name="b")
    batch = kiamo.create("batch", base, name="x", service=service)
    things = {"service": service, "base": base, "batch": batch}
    for _ in range(5):
        kind = data.draw(st.sampled_from(KINDS))
        stanza = contract.kinds[kind]
        call = stanza.operations[data.draw(st.sampled_from(sorted(stanza.operations)))]
        ids = {"id": things.get(kind, base).id, "base": base.id}
        path, query, fixed = call.render(ids)
        wires = sorted({a.wire for a in stanza.attributes.values()} | {stanza.id.wire} | fixed.keys())
        body = data.draw(
            st.binary(max_size=20)
            | st.dictionaries(st.sampled_from(wires) | st.text(max_size=3), anything, max_size=5).map(
                lambda more: kiamo_json({**fixed, **more})  # noqa: B023 - called before the next turn
            )
        )
        mangled = data.draw(st.sampled_from([path, path + "/", path + "%2F", path.replace("/", "//", 1), path + "?"]))
        headers = {contract.auth.header: kiamo.token or ""}
        page = {stanza.listing.paging.size: data.draw(st.text(max_size=3))} if data.draw(st.booleans()) else {}
        answer = emulator.handle(
            EmulatorRequest(call.method, contract.prefix.path + mangled, {**query, **page}, headers, body)
        )
        assert answer.status in {200, 201, 204, 400, 404, 405}
        emulator.dump(ids=True)


def kiamo_json(value: Any) -> bytes:
    """Bytes, as a client would send them."""
    return json.dumps(value).encode()
