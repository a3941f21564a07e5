"""What action.yml and the scripts of pipelines look like, without running them (`make pipelines` does)."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest
from ruamel.yaml import YAML

from tests.pipelines.expressions import condition, filled
from tests.pipelines.machine import ROOT

ACTION = YAML(typ="safe").load(ROOT / "action.yml")
STEPS = ACTION["runs"]["steps"]


def test_the_action_meets_the_published_schema() -> None:
    checked = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-actions", "action.yml"]
    done = subprocess.run(checked, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step["name"])
def test_no_input_becomes_the_text_of_a_script(step: dict[str, str]) -> None:
    assert "${{" not in step["run"]
    assert step["shell"] == "bash"
    assert len(step["run"].splitlines()) <= 5


def test_the_token_of_the_job_reaches_the_comment_alone() -> None:
    given = [step["name"] for step in STEPS if "github-token" in str(step.get("env"))]
    assert given == ["Comment on the pull request"]


def test_every_input_is_used_and_every_output_is_made() -> None:
    text = str(ACTION["runs"])
    assert [name for name in ACTION["inputs"] if f"inputs.{name}" not in text] == []
    ids = {step.get("id") for step in STEPS}
    named = {found for output in ACTION["outputs"].values() for found in re.findall(r"steps\.(\w+)\.", output["value"])}
    assert named <= ids


@pytest.mark.parametrize("install", ["true", "false"])
@pytest.mark.parametrize("mode", ["validate", "plan", "apply", "drift", "destroy"])
def test_each_mode_is_one_step_and_any_other_is_a_mistake(mode: str, install: str) -> None:
    contexts = {"inputs": {"mode": mode, "comment": "false", "install": install}, "github": {"event_name": "push"}}
    functions = {"success": lambda: True, "cancelled": lambda: False, "always": lambda: True}
    run = [step["name"] for step in STEPS if condition(step.get("if", "success()"), contexts, functions)]
    wanted = {
        "plan": ["Plan", "What the plan came to"],
        "apply": ["Apply", "Keep the journal"],
        "destroy": ["Look at the mode"],
    }
    installed = ["Install kiamo-iac"] if install == "true" else []
    assert run == [*installed, *wanted.get(mode, [mode.capitalize()])]


@pytest.mark.parametrize("name", ["install", "action"])
def test_the_scripts_can_be_run(name: str) -> None:
    file = ROOT / "pipelines" / name
    assert os.name == "nt" or file.stat().st_mode & 0o111
    assert file.read_text(encoding="utf-8").startswith("#!/usr/bin/env bash\n")


def test_python_takes_no_module_of_the_folder_that_a_job_runs_in() -> None:
    """There a merge request may have put a venv.py, and the token is in the environment."""
    text = (ROOT / "pipelines" / "install").read_text(encoding="utf-8")
    runs = re.findall(r'(?:"\$python"|"\$run"|exec %q) (-\S+) (?!2>&1)', text)
    assert len(runs) == 5
    assert set(runs) == {"-I"}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${{ a.b || a.c || 'd' }}", "d"),
        ("x ${{ a.t }} y ${{ a.none }}.", "x true y ."),
        ("${{ !a.none && (a.t == 'true') }}", True),
        ("${{ contains(fromJSON('[\"x\"]'), a.x) }}", True),
    ],
)
def test_expressions_are_worked_out_as_github_does(text: str, value: object) -> None:
    assert filled(text, {"a": {"t": True, "x": "x", "b": "", "c": None}}, {}) == value
