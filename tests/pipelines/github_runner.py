"""A small runner of GitHub's workflows and composite actions: our own files, with bash, and nothing of GitHub.

It runs `run:` as GitHub says that it is run (`bash --noprofile --norc -eo pipefail FILE`), hands on outputs, obeys
`if:` and `needs:`, gives secrets of an environment to the jobs of that environment alone, and keeps artifacts.
Checkouts and the installation are left out: the program is on the path already.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from tests.pipelines.expressions import condition, filled, text_of
from tests.pipelines.machine import ROOT, Machine

Contexts = dict[str, Any]


@dataclass
class Done:
    """What became of a job."""

    result: str = "success"
    outputs: Mapping[str, Any] = field(default_factory=dict)
    log: str = ""
    summary: str = ""
    ancestors: frozenset[str] = frozenset()


@dataclass
class Github:
    """A repository on GitHub, with its settings."""

    machine: Machine
    secrets: Mapping[str, str]
    environments: Mapping[str, Mapping[str, str]]
    """Name → its secrets."""
    variables: Mapping[str, str]
    approves: Callable[[str], bool] = lambda _environment: True
    """The reviewers."""
    artifacts: dict[str, Path] = field(default_factory=dict)
    installations: int = 0
    """How often a job would have installed the program."""

    def run(self, workflow: Path, event: str, payload: Mapping[str, Any]) -> dict[str, Done]:
        """Every job of the workflow for an event, in the order of its needs."""
        jobs = dict(YAML(typ="safe").load(workflow)["jobs"])
        done: dict[str, Done] = {}
        self.machine.event.write_text(json.dumps(payload), encoding="utf-8")
        github = {"event_name": event, "event": payload, "repository": "acme/kiamo", "token": self.machine.token}
        github |= {"server_url": "https://github.com"}
        while jobs:
            name = next(name for name, job in jobs.items() if set(_needs(job)) <= done.keys())
            done[name] = self._job(jobs.pop(name), github, done)
        return done

    def _job(self, job: Mapping[str, Any], github: Mapping[str, Any], done: Mapping[str, Done]) -> Done:
        ancestors = frozenset(_needs(job)).union(*(done[name].ancestors for name in _needs(job)))
        results = {done[name].result for name in ancestors}
        direct = {done[name].result for name in _needs(job)}
        needs = {name: {"result": done[name].result, "outputs": done[name].outputs} for name in _needs(job)}
        contexts: Contexts = {"github": github, "needs": needs, "vars": self.variables, "steps": {}}
        state = {"success": lambda: direct <= {"success"}, "failure": lambda: "failure" in results}
        functions = {**state, "cancelled": lambda: False, "always": lambda: True}
        environment = job.get("environment")
        if not condition(job.get("if", "success()"), contexts, functions):
            return Done("skipped", ancestors=ancestors)
        if environment is not None and not self.approves(environment):
            return Done("failure", ancestors=ancestors)
        contexts["secrets"] = {**self.secrets, **self.environments.get(environment or "", {})}
        contexts["runner"] = {"temp": str(self.machine.temp)}
        made = Done(ancestors=ancestors)
        self._steps(job["steps"], contexts, made)
        made.outputs = {key: filled(text, contexts, {}) for key, text in job.get("outputs", {}).items()}
        return made

    def _steps(self, steps: list[Mapping[str, Any]], contexts: Contexts, made: Done) -> None:
        """Of a job or of a composite action."""
        functions = {
            "success": lambda: made.result == "success",
            "cancelled": lambda: False,
            "always": lambda: True,
        }
        for step in steps:
            if not condition(step.get("if", "success()"), contexts, functions):
                continue
            outputs: dict[str, Any] = {}
            environ = {key: text_of(filled(str(text), contexts, {})) for key, text in step.get("env", {}).items()}
            given = {key: filled(str(text), contexts, {}) for key, text in step.get("with", {}).items()}
            match step.get("uses", "").split("@")[0]:
                case "":
                    code = self._bash(step, environ, outputs, made, contexts)
                    made.result = "failure" if code else made.result
                case "./.kiamo-iac":
                    outputs = self._action(given, environ, contexts, made)
                case "actions/checkout":
                    pass
                case "actions/upload-artifact":
                    path = Path(given["path"])
                    assert path.exists() or given.get("if-no-files-found") == "ignore", path
                    self.artifacts[given["name"]] = path
                case "actions/download-artifact":
                    shutil.copytree(self.artifacts[given["name"]], given["path"])
                case other:
                    raise AssertionError(other)
            contexts["steps"][step.get("id", "")] = {"outputs": outputs}

    def _action(
        self, given: Mapping[str, Any], environ: Mapping[str, str], outer: Contexts, made: Done
    ) -> dict[str, Any]:
        action = YAML(typ="safe").load(ROOT / "action.yml")
        assert given.keys() <= action["inputs"].keys()
        inputs = {
            name: given.get(name, filled(text_of(spec.get("default", "")), outer, {}))
            for name, spec in action["inputs"].items()
        }
        contexts: Contexts = {"inputs": inputs, "github": outer["github"], "steps": {}, "caller": environ}
        self._steps(action["runs"]["steps"], contexts, made)
        return {name: filled(spec["value"], contexts, {}) for name, spec in action["outputs"].items()}

    def _bash(
        self,
        step: Mapping[str, Any],
        environ: Mapping[str, str],
        outputs: dict[str, Any],
        made: Done,
        contexts: Contexts,
    ) -> int:
        if "pipelines/install" in step["run"]:
            self.installations += 1
            return 0
        assert step["shell"] == "bash"
        assert "${{" not in step["run"], "an expression inside of a script"
        files = {name: self.machine.temp / name for name in ("script", "output", "summary")}
        files["script"].write_text(step["run"], encoding="utf-8")
        files["output"].write_text("")
        folder = filled(step.get("working-directory", "."), contexts, {})
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(files["script"])],
            cwd=self.machine.project / folder,
            env=self.machine.variables()
            | {
                "GITHUB_ACTIONS": "true",
                "GITHUB_REPOSITORY": "acme/kiamo",
                "GITHUB_API_URL": f"{self.machine.forge.url}/api/v3",
                "GITHUB_GRAPHQL_URL": f"{self.machine.forge.url}/api/graphql",
                "GITHUB_EVENT_PATH": str(self.machine.event),
                "GITHUB_ACTION_PATH": str(ROOT),
                "GITHUB_OUTPUT": str(files["output"]),
                "GITHUB_WORKSPACE": str(self.machine.project),
                "GITHUB_STEP_SUMMARY": str(files["summary"]),
                "RUNNER_TEMP": str(self.machine.temp),
            }
            | dict(contexts.get("caller", {}))
            | dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            check=False,
        )
        outputs |= dict(line.split("=", 1) for line in files["output"].read_text(encoding="utf-8").splitlines())
        made.log += done.stdout
        if files["summary"].exists():
            made.summary += files["summary"].read_text(encoding="utf-8")
            files["summary"].unlink()
        return done.returncode


def _needs(job: Mapping[str, Any]) -> list[str]:
    needs = job.get("needs", [])
    return [needs] if isinstance(needs, str) else list(needs)
