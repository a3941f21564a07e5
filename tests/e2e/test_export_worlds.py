"""Any live state → manifests: the plan is empty, a second export changes no byte, and no id stands anywhere."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from kiamo_iac.app import export_check
from kiamo_iac.app.export_check import ExportCheck
from kiamo_iac.app.exporting import ExportResult, export_instance
from kiamo_iac.authoring.selection import ExportSelection
from kiamo_iac.core.diagnostics import Severity
from kiamo_iac.core.errors import VanishedError
from kiamo_iac.core.state import Owned, State
from kiamo_iac.document.parser import parse
from kiamo_iac.document.writing import dump
from tests.e2e.export_bench import Bench, export_bench, ids_of, leaves
from tests.e2e.export_worlds import TOKEN, hard_live
from tests.e2e.ledgers import blocks, draw_ledger
from tests.e2e.rig import Rig, contract_named
from tests.e2e.test_any_to_any import MOST_EXAMPLES as EXAMPLES
from tests.e2e.test_any_to_any import thoroughly
from tests.e2e.worlds import CONTRACTS, World, worlds

__all__ = ["export_bench"]

THIRD = settings(parent=thoroughly, max_examples=max(30, EXAMPLES // 25))


@dataclass(frozen=True)
class Case:
    """A live state, and how it is exported."""

    contract: str
    seed: dict[str, Any]
    selection: ExportSelection
    single: bool
    some_managed: bool


@st.composite
def cases(draw: DrawFn) -> Case:
    contract = draw(st.sampled_from(CONTRACTS))
    flags = st.booleans()
    selection = ExportSelection(skip_defaults=draw(flags), run_state=draw(flags), with_closed=draw(flags))
    return Case(contract, hard_live(draw, contract), selection, draw(flags), draw(flags))


def seeded(bench: Bench, contract: str, seed: dict[str, Any]) -> Rig:
    taken = {
        kind: {stanza.id.wire, stanza.parent_wire, *(a.wire for a in stanza.attributes.values())}
        for kind, stanza in contract_named(contract).kinds.items()
    }
    for block, kind in _blocks(seed):
        if "settings" in block:
            block["settings"] = {key: value for key, value in block["settings"].items() if key not in taken[kind]}
    return bench.seeded(contract, seed)


def _blocks(seed: dict[str, Any]) -> list[tuple[dict[str, Any], str]]:
    kinds = {"services": "service", "bases": "base", "fields": "field", "batches": "batch"}
    return [(block, kinds[address.collection]) for address, block in blocks(seed)]


def test_any_live_state_comes_back(export_bench: Bench, counts: Counter[str]) -> None:
    @settings(parent=thoroughly, max_examples=max(80, EXAMPLES // 8))
    @given(case=cases())
    def run(case: Case) -> None:
        rig = seeded(export_bench, case.contract, case.seed)
        instance = rig.emulator.dump(ids=True)
        if case.some_managed:
            export_bench.owned = {
                address: Owned(address, block["id"]) for address, block in list(blocks(instance))[::2]
            }
        made = export_bench.export(case.contract, case.selection, single=case.single)
        counts["export: worlds"] += 1
        _count(made, counts)
        _is_level(export_bench, rig, case.contract)
        _holds_no_ids(export_bench, instance)
        _everything_is_told(made, rig.live)
        before = export_bench.files()
        again = export_bench.export(case.contract, case.selection, single=case.single)
        assert (again.created, again.edited, again.report.changed, len(again.report.added)) == ((), (), [], 0)
        assert export_bench.files() == before

    run()
    for code in ("KIA1001", "KIA1002", "KIA1003", "KIA1005"):
        assert counts[f"export: {code}"], code


def _count(made: ExportResult, counts: Counter[str]) -> None:
    for code in {said.code for said in made.report.diagnostics}:
        counts[f"export: {code}"] += 1
    counts["export: values changed"] += len(made.report.changed)
    counts["export: things added"] += len(made.report.added)
    counts["export: blocks taken out"] += len(made.report.removed)


def _is_level(bench: Bench, rig: Rig, contract: str) -> None:
    loaded = bench.loaded(contract)
    assert [d for d in loaded.diagnostics if d.severity is Severity.ERROR] == []
    for owned in (None, bench.owned):
        plan = bench.plan(rig, contract, owned)
        assert (plan.steps, plan.applyable) == ((), True), (plan.steps, plan.diagnostics)


def _holds_no_ids(bench: Bench, instance: dict[str, Any]) -> None:
    ids = ids_of(instance)
    for name, data in bench.files().items():
        text = data.decode()
        assert TOKEN not in text
        found = [leaf for leaf in leaves(parse(text, file=name).data) if not isinstance(leaf, float) and leaf in ids]
        assert found == []


def _everything_is_told(made: ExportResult, live: State) -> None:
    """What has no block was left out by name."""
    told = {d.address for d in made.report.diagnostics if d.code == "KIA1001"}
    there = {*made.report.added, *made.report.closed}
    for thing in live:
        above = thing.address.parent
        if thing.address in there or thing.extras.get("default") or (above is not None and above in told):
            continue
        assert thing.address in told, thing.address


# --- into manifests that somebody wrote ------------------------------------------------------------------------------


def written(manifest: dict[str, Any]) -> str:
    """A manifest with a comment of its own on every line."""
    lines = dump({key: blocks for key, blocks in manifest.items() if blocks} or {"bases": []}, flow=("association",))
    return "".join(f"{line} # line {number};\n" for number, line in enumerate(lines.splitlines()))


def test_any_manifests_are_brought_level(export_bench: Bench, counts: Counter[str]) -> None:
    @settings(parent=thoroughly, max_examples=max(80, EXAMPLES // 8))
    @given(world=worlds(), with_closed=st.booleans())
    def run(world: World, with_closed: bool) -> None:
        rig = export_bench.seeded(world.contract, world.seed)
        text = written(world.manifest)
        (export_bench.folder / "all.yaml").write_text(text, encoding="utf-8")
        before = export_bench.loaded(world.contract)
        if any(d.severity is Severity.ERROR for d in before.diagnostics):
            return
        made = export_bench.export(world.contract, ExportSelection(with_closed=with_closed))
        counts["export: hand-written"] += 1
        _count(made, counts)
        _is_level(export_bench, rig, world.contract)
        _holds_no_ids(export_bench, rig.emulator.dump(ids=True))
        _keeps_its_comments(text, export_bench, before.state, export_bench.loaded(world.contract).state)
        files = export_bench.files()
        again = export_bench.export(world.contract, ExportSelection(with_closed=with_closed))
        assert (again.created, again.edited) == ((), ())
        assert export_bench.files() == files

    run()
    for code in ("KIA1006", "KIA1010"):
        assert counts[f"export: {code}"], code


def _split(draw: DrawFn, blocks: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """BlockBuilder as a base and as a patch over it: some keys in one, some in the other, some in both."""
    base, patch = [], []
    for block in blocks:
        own, over = dict(block), {"name": block["name"]}
        for key, value in block.items():
            where = draw(st.sampled_from(["base", "patch", "both"]))
            if key in {"fields", "batches"}:
                own[key], over[key] = _split(draw, value)
            elif key == "name" or where == "base":
                continue
            else:
                over[key] = value
                if where == "patch":
                    del own[key]
                elif key in {"association", "settings"}:
                    own[key] = {**dict(list(value.items())[:1]), **({"extra": "phone"} if key == "association" else {})}
                elif key == "label":
                    own[key] = "another"
        base.append(own)
        patch.append(over)
    return base, patch


@st.composite
def layered(draw: DrawFn) -> tuple[World, dict[str, Any], dict[str, Any]]:
    """A world, and its manifest as a base and a patch."""
    world = draw(worlds())
    split = {collection: _split(draw, blocks) for collection, blocks in world.manifest.items()}
    base, patch = ({collection: pair[layer] for collection, pair in split.items()} for layer in (0, 1))
    return world, base, patch


@THIRD
@given(case=layered())
def test_what_patches_say_is_brought_level_in_patches(
    case: tuple[World, dict[str, Any], dict[str, Any]], export_bench: Bench
) -> None:
    world, base, patch = case
    rig = export_bench.seeded(world.contract, world.seed)
    (export_bench.folder / "all.yaml").write_text(written(base), encoding="utf-8")
    (export_bench.folder / "patches" / "all.yaml").write_text(written(patch), encoding="utf-8")
    if any(d.severity is Severity.ERROR for d in export_bench.loaded(world.contract).diagnostics):
        return
    export_bench.export(world.contract)
    _is_level(export_bench, rig, world.contract)
    files = export_bench.files()
    export_bench.export(world.contract)
    assert export_bench.files() == files


def _keeps_its_comments(text: str, bench: Bench, old: State, new: State) -> None:
    """Every line that says what is still so stands there as it was."""
    lines = text.splitlines()
    after = (bench.folder / "all.yaml").read_text(encoding="utf-8")
    now = set(after.splitlines())
    for thing in old:
        kept = new.get(thing.address)
        if kept is None or thing.place is None or kept.place is None or kept.place.file != thing.place.file:
            continue
        for key, value in thing.attributes.items():
            if key in thing.place and kept.attributes.get(key) == value:
                line = lines[thing.place.at(key).line - 1]
                assert line in now or re.sub(r"^( *)- ", r"\1  ", line) in now, line


# --- with a ledger that lies -----------------------------------------------------------------------------------------


@THIRD
@given(data=st.data(), case=cases())
def test_the_effect_of_the_ledger_is_reported(data: st.DataObject, case: Case, export_bench: Bench) -> None:
    rig = seeded(export_bench, case.contract, case.seed)
    owned, _ = data.draw(st.composite(lambda draw: draw_ledger(draw, rig.emulator.dump(ids=True)))())
    export_bench.owned = owned
    try:
        made = export_bench.export(case.contract, case.selection)
    except VanishedError as error:
        with pytest.raises(VanishedError, match=re.escape(str(error))):
            export_bench.plan(rig, case.contract, owned)
        return
    plan = export_bench.plan(rig, case.contract, owned)
    told = any(d.code == "KIA1012" for d in made.report.diagnostics)
    assert told == bool(plan.steps or not plan.applyable)


@THIRD
@given(case=cases(), world=worlds(), by_hand=st.booleans(), shift=st.integers(0, 2))
def test_o18_parts_and_the_whole_are_checked_alike(
    case: Case, world: World, by_hand: bool, shift: int, export_bench: Bench
) -> None:
    """Into an empty folder or into manifests, and with a ledger whose ids are right or those of other objects."""
    contract = world.contract if by_hand else case.contract
    made: list[tuple[object, ...]] = []
    for whole in (False, True):
        if by_hand:
            rig = export_bench.seeded(contract, world.seed)
            (export_bench.folder / "all.yaml").write_text(written(world.manifest), encoding="utf-8")
        else:
            rig = seeded(export_bench, contract, case.seed)
        if case.some_managed:
            there = list(blocks(rig.emulator.dump(ids=True)))
            ids = [block["id"] for _, block in there]
            entries = zip(there, ids[shift:] + ids[:shift], strict=True)
            export_bench.owned = {address: Owned(address, id_) for (address, _), id_ in entries}
        if any(d.severity is Severity.ERROR for d in export_bench.loaded(contract).diagnostics):
            return
        with pytest.MonkeyPatch.context() as patch:
            if whole:
                patch.setattr(ExportCheck, "_is_level", lambda *_, **__: False)
                patch.setattr(ExportCheck, "_plans_nothing", lambda *_: False)
            else:
                patch.setattr(export_check, "_COMPOSED", 1)
                patch.setattr(export_check, "_PLANNED", 1)
            result = export_bench.export(contract, case.selection, single=case.single)
        report = result.report
        said = (result.created, result.edited, [*report.added], [*report.closed], report.changed, report.removed)
        made.append((said, report.diagnostics, export_bench.files()))
    assert made[0] == made[1]


@THIRD
@given(case=cases())
def test_the_document_on_stdout_says_the_same(case: Case, export_bench: Bench) -> None:
    rig = seeded(export_bench, case.contract, case.seed)
    made = export_instance(export_bench.workspace(case.contract), "test", case.selection)
    assert export_bench.files() == {}
    (export_bench.folder / "out.yaml").write_text("".join(made.texts()), encoding="utf-8", newline="")
    _is_level(export_bench, rig, case.contract)
    again = export_bench.export(case.contract, case.selection)
    assert (again.created, again.edited) == ((), ())
