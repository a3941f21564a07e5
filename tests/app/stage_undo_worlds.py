"""Whatever a run did, wherever it was killed, with and without its ledger: its undo leads back, but for what it lists.
`make slow` runs it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

from kiamo_iac.app.journaling import runs_of
from kiamo_iac.app.planning import plan_environment
from kiamo_iac.app.undoing import start_undo
from kiamo_iac.contract.model import Contract
from kiamo_iac.core.address import Address
from kiamo_iac.emulator import Emulator
from kiamo_iac.planner.guards import Consents
from kiamo_iac.planner.plan_file import Options
from tests.app.conftest import PROJECT, Site
from tests.app.killing import Kill, killed, ledger_file
from tests.faults.machine import NAMES, STRANGERS, Manifest, manifests
from tests.faults.undoing import objects

EXAMPLES = 400
BASES = tuple(Address(f"bases/{name}{end}") for name in (*NAMES, *STRANGERS) for end in ("", "-tmp"))
ALL = Consents(every_start=True, stops=BASES, data_loss=BASES)
OPTIONS = Options(prune=True, may_stop=BASES)
NO_GUARDS = 'guards: {max_delete_percent: 100, max_update_percent: 100}, url: "http://127.0.0.1:8090"'


def tree(site: Site) -> Mapping[str, str]:
    """Each object by its address, without default fields."""
    found: dict[str, Any] = {"services": [], "bases": [], **site.emulator.dump()}
    for base in found["bases"]:
        base["fields"] = [each for each in base.get("fields", ()) if not each.get("default")]
        base.setdefault("batches", [])
    return objects(found)


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=(Phase.generate,),
    suppress_health_check=list(HealthCheck),
)
@given(
    first=manifests(),
    second=manifests(),
    kill=st.builds(Kill, st.integers(1, 16), st.booleans(), st.booleans()),
    has_ledger=st.sampled_from([True, True, True, False]),
)
def test_an_undo_leads_back_but_for_what_it_lists(
    tmp_path_factory: pytest.TempPathFactory,
    contract: Contract,
    first: Manifest,
    second: Manifest,
    kill: Kill,
    has_ledger: bool,
) -> None:
    folder: Path = tmp_path_factory.mktemp("world")
    (folder / "kiamo.yaml").write_text(PROJECT.replace('url: "http://127.0.0.1:8090"', NO_GUARDS, 1), encoding="utf-8")
    (folder / "manifests").mkdir()
    with Emulator(contract) as emulator:
        site = Site(folder, emulator, [], [])
        site.manifest(yaml.safe_dump(first))
        assume(is_applyable(site))
        site.apply(OPTIONS, consents=ALL)
        before, runs = tree(site), runs_of(folder, "staging")
        site.manifest(yaml.safe_dump(second))
        assume(is_applyable(site))
        killed(site, kill, OPTIONS, ALL)
        if not has_ledger:
            ledger_file(site).unlink(missing_ok=True)
        if runs_of(folder, "staging") == runs:
            return  # there was nothing to do
        after = tree(site)
        with start_undo(site.workspace, "staging", None, Options(may_stop=BASES)) as undo:
            undo.check_guards(ALL)
            steps = [f"{step.action} {step.address}" for step in undo.plan.steps]
            told = f"{before}\n{after}\n{steps}\n{undo.impossible}\n{undo.plan.diagnostics}"
            assert undo.plan.applyable, told
            assert undo.perform(parallelism=1).ok, told
        now = tree(site)
    listed = {each.address for each in undo.impossible}
    untouched = tuple(f"{each.address}/" for each in undo.impossible if "nothing of it is undone" in each.summary)
    different = {address for address in before.keys() | now.keys() if before.get(address) != now.get(address)}
    assert [at for at in sorted(different - listed) if not at.startswith(untouched)] == [], told


def is_applyable(site: Site) -> bool:
    """Whether the manifests can be applied."""
    return plan_environment(site.workspace, "staging", OPTIONS).plan.applyable
