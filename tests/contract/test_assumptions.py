"""Every entry of a contract, and every rule of the resource models, is an assumption with a stable key."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from kiamo_iac.contract.assumptions import Assumption, assumptions
from kiamo_iac.contract.file import load_contract
from kiamo_iac.resources import kinds

HERE = Path(__file__).parent
CONTRACTS = [None, HERE / "other.yaml", HERE / "read-only-services.yaml"]


def found(path: Path | None = None) -> dict[str, Assumption]:
    return {each.key: each for each in assumptions(load_contract(path))}


def based(value: Any, path: str = "") -> Iterator[str]:
    """The paths of the entries that have a basis of their own."""
    if isinstance(value, Mapping):
        if "basis" in value:
            yield path
        for key, inner in value.items():
            yield from based(inner, f"{path}.{key}".lstrip("."))


@pytest.mark.parametrize("path", CONTRACTS)
def test_every_entry_with_a_basis_is_an_assumption(path: Path | None) -> None:
    keys = found(path).keys()
    entries = set(based(load_contract(path).model_dump(mode="json", exclude_unset=True)))
    entries -= {"errors.meanings"}  # the vendor's texts: messages quote them
    missing = {entry for entry in entries if not any(key == entry or key.startswith(f"{entry}.") for key in keys)}
    assert missing == set()


@pytest.mark.parametrize("path", CONTRACTS)
def test_keys_are_unique_and_texts_are_clauses(path: Path | None) -> None:
    every = assumptions(load_contract(path))
    assert {key: count for key, count in Counter(each.key for each in every).items() if count > 1} == {}
    for each in every:
        for text in (each.says, each.breaks, each.shown_by or "x"):
            assert text, each
            assert not text.endswith((".", " ")), each
            assert "None" not in text, each


def test_a_rule_of_the_models_is_a_behaviour_with_the_same_code() -> None:
    said = " ".join(each.says for each in assumptions(load_contract()) if each.is_behaviour)
    codes: set[str | None] = set()
    for kind in kinds().values():
        codes |= {reference.in_use for reference in kind.references}
        if (machine := kind.machine) is not None:
            codes |= {machine.closed, machine.closed_state, machine.impossible, machine.rename, machine.delete}
            codes |= {machine.holds_parent, *(each.code for each in machine.requires.values())}
        if kind.system is not None:
            codes |= {kind.system.update, kind.system.delete}
    assert codes - {None} == set(re.findall(r"ERR_\d{4}", said))


def test_an_assumption_shows_where_it_is_stated() -> None:
    contract = load_contract(HERE / "other.yaml")
    each = found(HERE / "other.yaml")["kinds.batch.attributes.state.values"]
    assert re.fullmatch(r"kinds\.batch\.attributes\.state\.values \(\S*other\.yaml:\d+\)", contract.entry(*each.entry))


def test_what_only_a_write_would_show_says_so() -> None:
    every = found()
    assert every["behaviour.base.delete_cascades"].shown_by is None
    assert every["behaviour.base.delete_cascades"].is_behaviour
    assert every["kinds.base.operations.delete"].shown_by is None
    assert every["kinds.base.operations.read"].shown_by is not None
    assert "emptied" not in every["behaviour.base.update"].says


def test_what_the_contract_does_not_have_is_no_assumption() -> None:
    every = found(HERE / "read-only-services.yaml")
    assert "kinds.service.operations.create" not in every
    assert "behaviour.service.update" not in every
