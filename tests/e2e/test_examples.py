"""Every example, from its seed to an empty plan: through the workspace under two contracts, and through the program."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from kiamo_iac.app.applying import check_report, start_apply
from kiamo_iac.app.planning import plan_environment
from kiamo_iac.app.project import Workspace
from kiamo_iac.app.validation import validate
from kiamo_iac.cli.main import COMMANDS
from kiamo_iac.core.address import Address
from kiamo_iac.core.diagnostics import Diagnostic
from kiamo_iac.emulator import FULL_TOKEN, Emulator, EmulatorRequest
from kiamo_iac.emulator.server import Server
from kiamo_iac.http.transport import InProcess
from kiamo_iac.planner.guards import Consents
from kiamo_iac.planner.plan import Action
from kiamo_iac.resources import kinds
from tests.cli.program import ROOT, kiamo
from tests.e2e.rig import contract_named

EXAMPLES = sorted(path for path in (ROOT / "examples").iterdir() if path.is_dir())
TOKEN = {"KIAMO_STAGING_TOKEN": FULL_TOKEN}


def seeded(example: Path, contract: str) -> Emulator:
    """An emulator that holds what the example's live.json says."""
    emulator = Emulator(contract_named(contract), seed=1)
    emulator.seed(json.loads((example / "live.json").read_text(encoding="utf-8")))
    return emulator


def blocks(example: Path) -> list[list[list[str]]]:
    """The commands that the README shows, block by block, without `kiamo-iac` and comments."""
    text = (example / "README.md").read_text(encoding="utf-8")
    shown = re.findall(r"^```\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    return [[line.split("#")[0].split()[1:] for line in block.splitlines()] for block in shown]


@pytest.fixture(params=EXAMPLES, ids=lambda path: path.name)
def example(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy of an example: an apply leaves its ledger in the project."""
    original: Path = request.param
    return shutil.copytree(original, tmp_path / original.name, ignore=shutil.ignore_patterns(".kiamo"))


@pytest.mark.parametrize("contract", ["packaged", "other"])
def test_the_example_is_valid_applies_and_then_has_nothing_to_do(example: Path, contract: str) -> None:
    file = example / "kiamo.yaml"
    assert validate(file).diagnostics == ()
    with seeded(example, contract) as emulator:
        opened = Workspace.open(file, environ=TOKEN, transport=InProcess(emulator.handle, request=EmulatorRequest))
        workspace = Workspace(opened.project, emulator.contract, opened.environ, opened.transport)
        with start_apply(workspace, "staging") as run:
            problems: tuple[Diagnostic, ...] = run.plan.diagnostics
            assert problems == ()
            assert run.plan.steps
            run.check_guards(Consents(stops=(Address("bases/prospects"),)))
            check_report(run.perform(parallelism=4), interrupted=False)
        refused = [call for call in emulator.calls() if call.status >= 400 and call.method != "GET"]
        assert refused == []
        again = plan_environment(workspace, "staging").plan
        assert again.steps == ()
        assert {d.code for d in again.diagnostics} <= {"KIA0622"}  # what the seed has already, as declared


def test_the_example_runs_as_its_readme_says(example: Path) -> None:
    """The commands of the README's second block, in their order; the first starts the emulator."""
    commands = blocks(example)[1]
    assert {words[0] for words in commands} <= set(COMMANDS)
    assert [words[0] for words in commands] == ["validate", "plan", "apply", "plan"]
    with seeded(example, "packaged") as emulator, Server(emulator) as server:
        for words in commands:
            yes = ["--yes"] if words[0] == "apply" else []
            done = kiamo(*words, *yes, cwd=example, KIAMO_STAGING_URL=server.url, **TOKEN)
            assert (done.returncode, done.stderr if words[0] == "plan" else "") == (0, "")
    assert done.stdout.endswith("No changes: staging matches its manifests.\n")


def test_the_counts_that_readmes_promise_are_right(example: Path) -> None:
    with seeded(example, "packaged") as emulator:
        transport = InProcess(emulator.handle, request=EmulatorRequest)
        workspace = Workspace.open(example / "kiamo.yaml", environ=TOKEN, transport=transport)
        plan = plan_environment(workspace, "staging").plan
    told = ", ".join(f"{number} to {action.value}" for action, number in plan.summary.items() if number)
    assert f"kiamo-iac plan -e staging      # {told}\n" in (example / "README.md").read_text(encoding="utf-8")


def test_the_second_example_shows_every_kind_and_most_actions() -> None:
    example = next(path for path in EXAMPLES if path.name.startswith("02-"))
    with seeded(example, "packaged") as emulator:
        transport = InProcess(emulator.handle, request=EmulatorRequest)
        workspace = Workspace.open(example / "kiamo.yaml", environ=TOKEN, transport=transport)
        plan = plan_environment(workspace, "staging").plan
        desired = workspace.load().state
    assert {thing.kind.kind for thing in desired} == set(kinds())
    assert len(workspace.project.manifests) >= 4
    assert {step.action for step in plan.steps} >= set(Action) - {Action.START}
    assert any(thing.kind.by_reference and not thing.lifecycle.managed for thing in desired)


def test_the_third_example_goes_on_as_its_readme_says(tmp_path: Path) -> None:
    original = next(path for path in EXAMPLES if path.name.startswith("03-"))
    example = shutil.copytree(original, tmp_path / original.name, ignore=shutil.ignore_patterns(".kiamo"))
    _, first, owned, trial, protected = blocks(example)
    with seeded(example, "packaged") as emulator, Server(emulator) as server:

        def run(words: list[str]) -> tuple[int, str]:
            yes = ["--yes"] if words[0] == "apply" else []
            done = kiamo(*words, *yes, cwd=example, KIAMO_STAGING_URL=server.url, **TOKEN)
            return done.returncode, done.stdout + done.stderr

        assert [run(words)[0] for words in first] == [0, 0, 0, 0]
        listed, drift = map(run, owned)
        assert listed[1].endswith("4 managed resources.\n")
        assert drift[1].endswith("No drift: 4 unchanged.\n")
        (example / "manifests" / "trial.yaml").unlink()
        plan, pruning, shown, applied, again = map(run, trial)
        assert "No changes: staging matches its manifests." in plan[1]
        assert "1 to delete (1 resource goes with it); 1 to stop." in pruning[1]
        assert "nothing left to do." in pruning[1]
        assert "1 to delete (1 resource goes with it); 1 to stop." in shown[1]
        assert [code for code, _ in (plan, pruning, shown, applied, again)] == [0, 0, 0, 0, 1]
        assert sorted(base["name"] for base in emulator.dump()["bases"]) == ["customers", "survey"]
        (example / "manifests" / "campaigns.yaml").write_text("services:\n  - name: Outbound Sales\n", encoding="utf-8")
        code, said = run(*protected)
        assert code == 0
        assert "bases/customers is no longer declared; it is kept" in said
