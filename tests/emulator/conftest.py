"""An emulator under each of two contracts: the packaged one, and one that shares next to nothing with it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kiamo_iac.contract.file import load_contract
from kiamo_iac.contract.model import Contract
from kiamo_iac.emulator import Emulator
from tests.emulator.speaker import Ref, Speaker

OTHER = Path(__file__).parents[1] / "contract" / "other.yaml"


@pytest.fixture(scope="session", params=["packaged", "other"])
def contract(request: pytest.FixtureRequest) -> Contract:
    """Every test that takes it runs twice."""
    return load_contract(None if request.param == "packaged" else OTHER)


@pytest.fixture
def emulator(contract: Contract) -> Iterator[Emulator]:
    """Empty."""
    with Emulator(contract) as emulator:
        yield emulator


@pytest.fixture
def kiamo(contract: Contract, emulator: Emulator) -> Speaker:
    """Speaks the contract in our words."""
    return Speaker(contract, emulator)


@pytest.fixture
def service(kiamo: Speaker) -> Ref:
    """A service."""
    return kiamo.create("service", name="Outbound Sales", label="Sales desk")


@pytest.fixture
def base(kiamo: Speaker) -> Ref:
    """A base with the fields phone (Kiamo's own) and city."""
    return kiamo.create(
        "base",
        name="prospects",
        label="Prospects",
        field=[{"name": "city", "label": "City", "datatype": "string"}],
    )


@pytest.fixture
def fields(kiamo: Speaker, base: Ref) -> dict[str, Ref]:
    """The fields of the base, by name."""
    return {f["name"]: Ref("field", f["id"], f["name"], base) for f in kiamo.list("field", base)}


@pytest.fixture
def batch(kiamo: Speaker, base: Ref, service: Ref, fields: dict[str, Ref]) -> Ref:
    """A new batch that could be started."""
    return kiamo.create(
        "batch",
        base,
        name="spring",
        service=service,
        association={"destination": fields["phone"]},
        settings={"pace": {"max": 3}},
    )
