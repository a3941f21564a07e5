"""The packaged contract, for rows that go round the project file."""

from __future__ import annotations

from importlib.resources import files

from kiamo_iac.api.contract import Contract
from kiamo_iac.document.parser import parse
from kiamo_iac.resources.capabilities import Capabilities


def packaged_contract() -> Contract:
    """As it stands in the package."""
    text = files("kiamo_iac.api").joinpath("contract.yaml").read_text(encoding="utf-8")
    return Contract.model_validate(parse(text, file="contract.yaml").data)


def packaged_capabilities() -> Capabilities:
    """What it says an instance can do."""
    return packaged_contract().capabilities()
