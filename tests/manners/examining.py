"""doctor on an instance of a manner, under the contract that describes it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.manners.story import CHAPTERS, Manner, telling

CONTRADICTED: Final[Mapping[str, frozenset[str]]] = {
    "a-list-without-labels-undeclared": frozenset(
        {f"kinds.{kind}.listing.detail" for kind in ("service", "base", "field")}
    ),
    "a-list-without-associations-undeclared": frozenset({"kinds.batch.listing.detail"}),
    "an-unlisted-state": frozenset({"kinds.batch.attributes.state.values"}),
    "an-unlisted-datatype": frozenset({"kinds.field.attributes.datatype.choices"}),
    "names-outside-the-pattern": frozenset({"kinds.service.names.pattern", "kinds.base.names.pattern"}),
}
"""Manners whose contract leaves out on purpose what the instance has."""
NAMES: Final = ("Accueil", "Fermeture", "archives", "divers", "Ventes", "Prospects", "ville", "Commune", "ancien")


def examine(manner: Manner, folder: Path, *, applies: bool) -> None:
    """Whether doctor contradicts no more of the contract than it should, with reads alone, and records no name.
    `applies`: the first chapter of the story is told before."""
    with telling(manner, folder) as told:
        if applies:
            told.manifest(CHAPTERS["create"].manifest(manner))
            assert told.apply().returncode == 0
        calls = len(told.desk.calls)
        before = told.desk.tree()
        done = told.run("doctor", "-e", "staging", "--format", "json", "--record", "r.json")
        data = json.loads(done.stdout)
        found = {each["key"] for each in data["assumptions"] if each["verdict"] == "contradicted"}
        allowed = CONTRADICTED.get(manner.name, frozenset())
        assert found == allowed if applies else found <= allowed, done.stdout
        assert [check for check in data["checks"] if check["outcome"] == "failed"] == []
        assert done.returncode == int(bool(found))
        assert told.desk.tree() == before
        assert len(told.desk.calls) > calls
        text = (told.folder / "r.json").read_text(encoding="ascii")
        assert [name for name in NAMES if f'"{name}"' in text] == []
