"""A contract that is wrong says so: messages name its entry, with file and line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.manners.contracts import KINDS, kind, rows_in, wires
from tests.manners.story import CHAPTERS, Manner, telling

PACKAGED = r"(kiamo_iac/contract/contract.yaml:"
WRONG: dict[str, tuple[dict[str, Any], dict[str, Any], tuple[str, ...]]] = {
    "a 404 of a list": (
        kind("base", operations={"list": {"path": "/contact-bases"}}),
        {},
        (
            "GET /api/contact-bases was refused with 404",
            "check kinds.base.operations.list.path (contract.yaml:6), after prefix.path " + PACKAGED,
        ),
    ),
    "a 404 of the lists of a prefix": (
        {"prefix": {"path": "/api/v2"}},
        {},
        ("GET /api/v2/", "after prefix.path (contract.yaml:3)"),
    ),
    "a 405": (
        kind("base", operations={"list": {"path": "/bases/some/command"}}),
        {"routes": {"base": {"update": "PUT /bases/some/command"}}},
        ("was refused with 405", "another method: check kinds.base.operations.list.method " + PACKAGED),
    ),
    "an unknown shape": (
        {},
        {"lists": {"base": rows_in("result", "rows")}},
        (
            'the body must be a list, got an object; there is a list under "result.rows"',
            "correct kinds.base.listing.items " + PACKAGED,
        ),
    ),
    "another unknown shape": (
        kind("base", listing={"items": "data"}),
        {"lists": {"base": rows_in("rows")}},
        (
            '"data" must be a list, got nothing; there is a list under "rows"',
            "correct kinds.base.listing.items (contract.yaml:5)",
        ),
    ),
    "ids of another type": (
        {},
        {"numbered": frozenset({"service", "base", "field", "batch"})},
        ('"id" of the base "archives" must be a string, got the number 4', "correct kinds.base.id.type " + PACKAGED),
    ),
    "ids under another name": (
        kind("base", id={"wire": "uid"}),
        {},
        ('"uid" of the base "archives" must be a string, got nothing', "correct kinds.base.id.wire (contract.yaml:5)"),
    ),
    "names under another name": (
        wires(base__name="title"),
        {},
        ('"title" of a base must be', "correct kinds.base.attributes.name.wire (contract.yaml:6)"),
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_message_names_the_entry(case: str, tmp_path: Path) -> None:
    contract, knobs, says = WRONG[case]
    manner = Manner(case, contract, {"lists": {}, **knobs})
    with telling(manner, tmp_path / "project") as told:
        # only bases: which of two lists is refused first would be chance
        told.manifest("bases:\n  - name: prospects\n")
        done = told.run("plan", "-e", "staging")
    assert done.returncode == 1, done.stdout
    for text in says:
        assert text in done.stderr, done.stderr


@pytest.mark.parametrize(
    ("contract", "code", "says"),
    [
        (
            wires(base__label="title"),
            0,
            "If it knows it under another name, correct kinds.base.attributes.label.wire (contract.yaml:6).",
        ),
        (
            wires(batch__association="title"),
            4,
            "knows it under another name, correct kinds.batch.attributes.association.wire (contract.yaml:6)",
        ),
    ],
)
def test_a_wire_name_that_the_instance_ignores_shows_after_the_write(
    contract: dict[str, Any], code: int, says: str, tmp_path: Path
) -> None:
    manner = Manner("a lenient server", contract, {"accepts": {name: frozenset({"title"}) for name in KINDS}})
    with telling(manner, tmp_path / "project") as told:
        told.manifest(CHAPTERS["create"].manifest(manner))
        done = told.apply()
    assert done.returncode == code, done.stdout
    assert says in done.stdout
