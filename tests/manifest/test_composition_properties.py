"""Any base under any layers of patches comes to what merging their data by hand comes to."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from kiamo_iac.core.diagnostics import SourceRange, has_errors
from kiamo_iac.core.state import ResourceState
from kiamo_iac.manifest.composition import Composition
from kiamo_iac.manifest.loader import compose
from kiamo_iac.manifest.sources import SourceFiles
from kiamo_iac.manifest.variables import Variable, Variables
from tests.manifest.packaged import CAPABILITIES

NAMES = ("a", "b")
LABELS = st.sampled_from(["x", "y", "${who}", "$${who} ${who}"])
SETTINGS = st.dictionaries(st.sampled_from(["k", "l"]), st.sampled_from([1, "t", "${who}", [1, "${who}"]]), max_size=2)

Data = dict[str, Any]


def _children(extra: Data, *, nulls: bool, key: str = "label") -> st.SearchStrategy[list[Data]]:
    values = {**extra, key: LABELS | st.none() if nulls else LABELS}
    blocks = [st.fixed_dictionaries({"name": st.just(name)}, optional=values) for name in NAMES]
    return st.lists(st.sampled_from(NAMES), unique=True).flatmap(
        lambda chosen: st.tuples(*(blocks[NAMES.index(name)] for name in chosen)).map(list)
    )


def bases(*, nulls: bool) -> st.SearchStrategy[list[Data]]:
    """Blocks of bases, as the base or (`nulls`) a patch may hold them."""
    inner = SETTINGS
    if nulls:
        inner = st.dictionaries(st.sampled_from(["k", "l"]), st.sampled_from([None, 2, "${who}"]), max_size=2)
    association = st.dictionaries(st.sampled_from(["destination", "town"]), st.sampled_from(["p", "q"]), min_size=1)
    fields = _children({"datatype": st.just("string")}, nulls=nulls)
    batches = _children({"association": association}, nulls=nulls, key="service")
    return _children({"settings": inner, "fields": fields, "batches": batches}, nulls=nulls)


def expected(layers: list[list[Data]]) -> dict[str, Data]:
    """Address → what a person would come to who merges the data by hand."""
    found: dict[str, Data] = {}
    for number, layer in enumerate(layers):
        for base in layer:
            _over(found, f"bases/{base['name']}", base, new=number == 0)
            for collection in ("fields", "batches"):
                for child in base.get(collection, []):
                    _over(found, f"bases/{base['name']}/{collection}/{child['name']}", child, new=number == 0)
    return found


def _over(found: dict[str, Data], address: str, block: Data, *, new: bool) -> None:
    own = {key: value for key, value in block.items() if key not in {"fields", "batches"}}
    below = found.get(address)
    if below is None:
        found[address] = own
        return
    for key, value in own.items():
        if value is None:
            below.pop(key, None)
        elif isinstance(value, dict) and isinstance(below.get(key), dict):
            kept = {name: entry for name, entry in below[key].items() if value.get(name, ...) is not None}
            below[key] = kept | {name: entry for name, entry in value.items() if entry is not None}
        else:
            below[key] = value


def filled(value: Any) -> Any:
    """`value` with the one variable there is filled in."""
    if isinstance(value, str):
        return value.replace("$${", "\0").replace("${who}", "me").replace("\0", "${")
    if isinstance(value, list):
        return [filled(item) for item in value]
    return {key: filled(item) for key, item in value.items()} if isinstance(value, dict) else value


def told(thing: ResourceState) -> Data:
    """A thing as its block says it."""
    settings = {"settings": dict(thing.settings)} if thing.settings else {}
    return dict(thing.attributes) | settings


@settings(max_examples=150, deadline=None)
@given(bases(nulls=False), st.lists(bases(nulls=True), max_size=2))
def test_any_layers_come_to_what_merging_by_hand_comes_to(base: list[Data], patches: list[list[Data]]) -> None:
    wanted = filled(expected([base, *patches]))
    # A null where a patch adds a thing is an error of its own, and is looked at elsewhere.
    added = any(value is None for block in wanted.values() for value in block.values())
    added = added or any(None in block.get("settings", {}).values() for block in wanted.values())
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        files = []
        for number, layer in enumerate([base, *patches]):
            files.append(root / f"{number}.yaml")
            files[-1].write_text(json.dumps({"bases": layer}), encoding="utf-8")
        who = Variable("me", SourceRange("kiamo.yaml", 1, 1))
        composition = Composition((files[0],), tuple((file,) for file in files[1:]), Variables({"who": who}))
        loaded = compose(composition, sources=SourceFiles(root), capabilities=CAPABILITIES, keep_parts=True)
    assert {str(thing.address) for thing in loaded.state} == set(wanted)
    assert has_errors(loaded.diagnostics) == any(value is None for block in wanted.values() for value in block.values())
    if not added:
        found = {str(thing.address): told(thing) for thing in loaded.state}
        assert found == {address: _plain(block) for address, block in wanted.items()}
    for thing in loaded.state:
        assert thing.place is not None
        for key in thing.attributes.keys() - {"name"}:
            number = int(thing.place.at(key).file.partition(".")[0])
            assert number == max(part.layer for part in loaded.parts[thing.address] if key in part.block.body())


def _plain(block: Data) -> Data:
    return {key: value for key, value in block.items() if not (key == "settings" and not value)}
