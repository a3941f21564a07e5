"""A seeded emulator, and steps performed on it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kiamo_iac.api.client import Client
from kiamo_iac.api.reader import read
from kiamo_iac.core.address import Address
from kiamo_iac.core.secret import Secret
from kiamo_iac.core.state import ResourceState, State
from kiamo_iac.emulator import FULL_TOKEN, Emulator, EmulatorRequest
from kiamo_iac.executor.report import Report
from kiamo_iac.executor.scheduler import execute
from kiamo_iac.executor.writer import Writer
from kiamo_iac.http.transport import InProcess
from kiamo_iac.planner.plan import Binding, Step
from kiamo_iac.resources import kinds
from tests.executor.steps import plan

OTHER = Path(__file__).parents[1] / "contract" / "other.yaml"
PHONE = {"name": "phone", "label": "Phone", "datatype": "phone", "default": True}
CITY = {"name": "city", "label": "City", "datatype": "string"}
WORLD = {
    "services": [{"name": "Sales"}, {"name": "Care"}],
    "bases": [
        {
            "name": "prospects",
            "label": "Prospects",
            "fields": [CITY],
            "batches": [
                {
                    "name": "spring",
                    "service": "Sales",
                    "association": {"destination": "phone"},
                    "settings": {"a": 1, "b": 2},
                },
                {"name": "running", "service": "Sales", "association": {"destination": "phone"}, "state": "started"},
            ],
        }
    ],
}


def client_to(emulator: Emulator) -> Client:
    transport = InProcess(emulator.handle, request=EmulatorRequest)
    return Client("http://127.0.0.1:1", Secret(FULL_TOKEN), emulator.contract, transport=transport)


def live_of(emulator: Emulator, name: str = "prospects") -> State:
    """Everything below one base, and all top-level objects."""
    base = ResourceState(Address.of("bases", name), kinds()["base"], {"name": name})
    with client_to(emulator) as client:
        return read(client, emulator.contract, State([base])).state


def bindings_of(emulator: Emulator, renamed: Mapping[str, str] | None = None) -> dict[Address, Binding]:
    """The bindings of all objects; under a new address where `renamed` has one."""
    new = renamed or {}
    return {
        Address(_moved(i.address, new)): Binding(i.remote_id, i.name)
        for i in live_of(emulator)
        if i.remote_id is not None
    }


def _moved(address: str, renamed: Mapping[str, str]) -> str:
    for old, new in renamed.items():
        if address == old or address.startswith(f"{old}/"):
            return new + address.removeprefix(old)
    return address


def run(emulator: Emulator, *steps: Step, bindings: Mapping[Address, Binding]) -> Report:
    made = plan(*steps, bindings=bindings)
    with client_to(emulator) as client:
        return execute(made, Writer(client, emulator.contract, made))


def perform(emulator: Emulator, *steps: Step, renamed: Mapping[str, str] | None = None) -> Report:
    return run(emulator, *steps, bindings=bindings_of(emulator, renamed))


def base_of(emulator: Emulator, name: str = "prospects") -> dict[str, Any]:
    return next(base for base in emulator.dump()["bases"] if base["name"] == name)


def writes(emulator: Emulator, after: int = 0) -> list[tuple[str | None, str | None]]:
    return [(call.kind, call.operation) for call in emulator.calls(after=after) if call.method != "GET"]


def reads(emulator: Emulator, after: int) -> list[str | None]:
    return [call.kind for call in emulator.calls(after=after) if call.method == "GET"]


def mark(emulator: Emulator) -> int:
    calls = emulator.calls()
    return calls[-1].n if calls else 0
