"""Plans from two plain documents, without the packages that read manifests and instances."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, Protocol

import pytest

from kiamo_iac.core.address import Address, identity
from kiamo_iac.core.capabilities import Capabilities, KindCapabilities
from kiamo_iac.core.place import Place, pack
from kiamo_iac.core.resource import Ensure, Lifecycle, Resource
from kiamo_iac.core.state import Owned, ResourceState, State
from kiamo_iac.planner.plan import Plan
from kiamo_iac.planner.planner import build_plan
from kiamo_iac.resources import by_collection, children_of

_OPERATIONS = frozenset({"list", "create", "read", "update", "delete"})

CAPABILITIES = Capabilities(
    kinds={
        "service": KindCapabilities(_OPERATIONS, frozenset({"name", "label"}), {"name": "ERR_1040"}),
        "base": KindCapabilities(
            _OPERATIONS, frozenset({"name", "label"}), {"name": "ERR_1040"}, embedded=frozenset({"field"})
        ),
        "field": KindCapabilities(
            _OPERATIONS,
            frozenset({"name", "label", "datatype"}),
            {"name": "ERR_1040", "label": "ERR_1070", "datatype": "ERR_1080"},
            defaults=({"name": "phone", "label": "Phone", "datatype": "phone"},),
        ),
        "batch": KindCapabilities(
            _OPERATIONS | {"start", "pause", "stop"},
            frozenset({"name", "service", "association", "state"}),
            {"name": "ERR_1040", "service": "ERR_1100"},
        ),
    },
    meanings={"ERR_2010": "Batch must be stopped before deletion"},
    origin="contract.yaml",
)
"""Written out by hand, so that these tests do not depend on the contract."""

_LIFECYCLE = ("ensure", "protect", "renamed_from", "exclusive", "managed", "initial_state")


def _instances(document: Mapping[str, Any], *, live: bool) -> Iterator[ResourceState]:
    line = 0

    def walk(
        kind: type[Resource], block: Mapping[str, Any], parent: Address | None, absent: bool
    ) -> Iterator[ResourceState]:
        nonlocal line
        line += 1
        address = Address.of(kind.collection, block["name"], parent)
        below = children_of(kind.kind)
        attributes = {
            k: v for k, v in block.items() if k not in {*(c.collection for c in below), "settings", *_LIFECYCLE}
        }
        settings = block.get("settings", {})
        is_absent = absent or block.get("ensure") == "absent"
        if live:
            extras = {k: attributes.pop(k) for k in ("contacts", "default") if attributes.get(k)}
            id_ = attributes.pop("id", f"id-{address}")
            yield ResourceState(address, kind, attributes, settings, remote_id=id_, extras=extras)
        else:
            lifecycle = Lifecycle(
                ensure=Ensure.ABSENT if is_absent else Ensure.PRESENT,
                managed=not kind.by_reference or block.get("managed", False),
                protect=block.get("protect", False),
                renamed_from=tuple(map(identity, block.get("renamed_from", ()))),
                exclusive=tuple(block.get("exclusive", ())),
                initial_state=block.get("initial_state"),
            )
            place = Place("m.yaml", pack(line, 1), {k: pack(line, 10 + n) for n, k in enumerate(block)})
            yield ResourceState(address, kind, attributes, settings, lifecycle, place=place)
        for child in below:
            for inner in block.get(child.collection, ()):
                yield from walk(child, inner, address, is_absent)

    for collection, blocks in document.items():
        for block in blocks:
            yield from walk(by_collection()[collection], block, None, False)


class Planner(Protocol):
    """`plan(desired, live)`, each in the shape of a manifest. Live bases get their default field, and objects the id
    `id-ADDRESS` unless they have another."""

    def __call__(
        self,
        desired: Mapping[str, Any],
        live: Mapping[str, Any],
        *,
        capabilities: Capabilities = ...,
        owned: Collection[Owned] | None = ...,
        prune: bool = ...,
        targets: Collection[str] = ...,
        may_stop: Collection[str] = ...,
    ) -> Plan: ...


def entry(address: str, remote_id: str | None = "", **more: Any) -> Owned:
    """A ledger entry; its id is that of the live object at the address, unless another is given."""
    return Owned(Address(address), f"id-{address}" if remote_id == "" else remote_id, **more)


PHONE = {"name": "phone", "label": "Phone", "datatype": "phone", "default": True}


@pytest.fixture
def plan() -> Planner:
    def build(
        desired: Mapping[str, Any],
        live: Mapping[str, Any],
        *,
        capabilities: Capabilities = CAPABILITIES,
        owned: Collection[Owned] | None = None,
        prune: bool = False,
        targets: Collection[str] = (),
        may_stop: Collection[str] = (),
    ) -> Plan:
        bases = [{**b, "fields": [PHONE, *b.get("fields", ())]} for b in live.get("bases", ())]
        return build_plan(
            State(_instances(desired, live=False)),
            State(_instances({**live, "bases": bases}, live=True)),
            capabilities=capabilities,
            environment="test",
            url="http://127.0.0.1:1",
            owned=None if owned is None else {entry.address: entry for entry in owned},
            prune=prune,
            targets=[Address(t) for t in targets],
            may_stop=[Address(a) for a in may_stop],
        )

    return build


@pytest.fixture
def shown() -> Callable[[Plan], list[str]]:
    """Each step as `action address [depends_on]`, in order."""
    return lambda plan: [
        f"{s.action} {s.address}" + (f" after {','.join(map(str, s.depends_on))}" if s.depends_on else "")
        for s in plan.steps
    ]


@pytest.fixture
def refused() -> Callable[[Plan], list[str]]:
    """Each refusal as `code place`."""

    def show(plan: Plan) -> list[str]:
        assert not plan.applyable
        assert plan.steps == ()
        return [f"{d.code} {d.source}" for d in plan.diagnostics if d.severity == "error"]

    return show
