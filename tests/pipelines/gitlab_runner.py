"""A small runner of GitLab's pipelines: our own file, with bash, and nothing of GitLab.

It obeys `include`, `workflow`, `rules`, `extends`, `stages` and `needs`, gives a job the variables that it would have
(a project's variable goes before one of the file; one of an environment is for its jobs alone, a protected one for the
default branch), runs `script` as a runner with bash does, and keeps artifacts. Unless it has a repository to clone for
each job, `before_script`, which installs the program, is left out: it is on the path already.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from tests.forge.fake import JOB
from tests.pipelines.machine import Machine

_NOT_JOBS = {"workflow", "stages", "variables", "default", "include"}
_COMPARED = re.compile(r"\s*\$(\w+)\s*(==|!=)\s*(?:\$(\w+)|\"([^\"]*)\")\s*")


@dataclass(frozen=True)
class Setting:
    """A variable of the project."""

    value: str
    protected: bool = False
    environment: str | None = None


@dataclass
class Done:
    """What became of a job."""

    result: str
    log: str = ""
    artifacts: Path | None = None


@dataclass
class Gitlab:
    """A project on GitLab, with its settings."""

    machine: Machine
    settings: Mapping[str, Setting]
    presses: set[str] = field(default_factory=set)
    """The manual jobs whose button is pressed."""
    origin: Path | None = None
    """What each job clones, to run its `before_script` too. Without it, jobs share the work tree of the machine."""
    changed: tuple[str, ...] | None = None
    """The files that the commit changes; None: all."""
    pipelines: int = 0

    def run(self, file: Path, source: str, **predefined: str) -> dict[str, Done]:
        """Every job of the pipeline, in the order of stages and needs; a job after a failed one does not run."""
        self.pipelines += 1
        text = load_pipeline(file)
        given = {"CI_PIPELINE_SOURCE": source, "CI_DEFAULT_BRANCH": "main", "CI_PROJECT_ID": "42", **predefined}
        given |= {"CI_API_V4_URL": f"{self.machine.forge.url}/api/v4", "CI_JOB_TOKEN": JOB, "GITLAB_CI": "true"}
        given |= {"CI_SERVER_URL": self.machine.forge.url}
        if not any(_holds(rule["if"], given) for rule in text["workflow"]["rules"]):
            return {}
        jobs = {name: extended(text, name) for name in text if name not in _NOT_JOBS and not name.startswith(".")}
        chosen = {name: rule for name, job in jobs.items() if (rule := self._rule(job, given)) is not None}
        done: dict[str, Done] = {}
        needed = {name: jobs[name].get("needs", []) for name in chosen}
        assert {other for needs in needed.values() for other in needs} <= chosen.keys(), "a job that is not there"
        waiting = sorted(chosen, key=lambda name: text["stages"].index(jobs[name]["stage"]))
        while waiting:
            name = next(name for name in waiting if done.keys() >= set(needed[name]))
            waiting.remove(name)
            job = jobs[name]
            before = job.get("needs") or [
                other
                for other in done
                if text["stages"].index(jobs[other]["stage"]) < text["stages"].index(job["stage"])
            ]
            if any(done[other].result != "success" for other in before):
                done[name] = Done("skipped")
            elif chosen[name].get("when") == "manual" and name not in self.presses:
                done[name] = Done("manual")
            else:
                done[name] = self._job(
                    name, job, {**text.get("variables", {})}, given, [done[other] for other in before]
                )
        return done

    def _rule(self, job: Mapping[str, Any], given: Mapping[str, str]) -> Mapping[str, Any] | None:
        found = (rule for rule in job["rules"] if _holds(rule["if"], given) and self._concerns(rule.get("changes")))
        return next(found, None)

    def _concerns(self, patterns: list[str] | None) -> bool:
        """Whether the commit changes one of these paths, or a file below `folder/**/*`."""
        if patterns is None or self.changed is None:
            return True
        below = tuple(pattern.removesuffix("**/*") for pattern in patterns if pattern.endswith("/**/*"))
        return any(file in patterns or file.startswith(below) for file in self.changed)

    def _job(
        self, name: str, job: Mapping[str, Any], common: Mapping[str, str], given: Mapping[str, str], before: list[Done]
    ) -> Done:
        environment = job.get("environment", {}).get("name")
        protected = given.get("CI_COMMIT_BRANCH") == given["CI_DEFAULT_BRANCH"]
        settings = {
            key: setting.value
            for key, setting in self.settings.items()
            if setting.environment in {None, environment} and (protected or not setting.protected)
        }
        variables = {**given, **common, **job.get("variables", {}), **settings}
        expanded = {key: _expanded(value, variables) for key, value in variables.items()}
        tree, prelude = self._tree()
        for other in before:
            if other.artifacts is not None:  # as GitLab does: after the checkout, before any script, through links
                shutil.copytree(other.artifacts, tree, dirs_exist_ok=True)
        script = self.machine.temp / "script"
        lines = [*(job.get("before_script", []) if prelude else []), *job["script"]]
        script.write_text("\n".join(["set -eo pipefail", *lines, ""]), encoding="utf-8")
        done = subprocess.run(
            ["bash", str(script)],
            cwd=tree,
            env=self.machine.variables() | expanded,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            check=False,
        )
        kept = self._artifacts(name, job.get("artifacts", {}), expanded, tree=tree, failed=done.returncode != 0)
        return Done("success" if done.returncode == 0 else f"failed ({done.returncode})", done.stdout, kept)

    def _tree(self) -> tuple[Path, bool]:
        """Where a job runs, and whether it is a clone of its own."""
        if self.origin is None:
            return self.machine.project, False
        tree = Path(tempfile.mkdtemp(dir=self.machine.temp)) / "builds"
        subprocess.run(["git", "clone", "--quiet", "--", self.origin, tree], check=True)
        return tree, True

    def _artifacts(
        self, name: str, spec: Mapping[str, Any], variables: Mapping[str, str], *, tree: Path, failed: bool
    ) -> Path:
        """What the job leaves to others; from the work tree it is gone."""
        folder = self.machine.temp / "artifacts" / str(self.pipelines) / name.replace(":", "-")
        folder.mkdir(parents=True)
        wanted = {"always": True, "on_failure": failed, "on_success": not failed}[spec.get("when", "on_success")]
        paths = [_expanded(path, variables) for path in [*spec.get("paths", []), *spec.get("reports", {}).values()]]
        for path in paths if wanted else []:
            found = tree / path
            if found.is_dir():
                shutil.copytree(found, folder / path, dirs_exist_ok=True)
            elif found.is_file():
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(found, folder / path)
        for made in ("kiamo-plan", "kiamo-report"):
            shutil.rmtree(tree / made, ignore_errors=True)
        return folder


def load_pipeline(file: Path) -> dict[str, Any]:
    """A pipeline with the files that it includes; its own keys go before theirs."""
    text: dict[str, Any] = YAML(typ="safe").load(file)
    made: dict[str, Any] = {}
    for entry in text.get("include", []):
        for included in sorted(file.parent.glob(entry["local"])):
            jobs = YAML(typ="safe").load(included)
            assert made.keys().isdisjoint(jobs), f"{included.name} has keys of another file"
            made |= jobs
    return {**made, **text}


def extended(text: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A job over the one that it extends; mappings are merged, anything else is replaced."""
    job = dict(text[name])
    parent = job.pop("extends", None)
    return job if parent is None else _merged(extended(text, parent), job)


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    made = dict(below)
    for key, value in above.items():
        both = isinstance(value, dict) and isinstance(made.get(key), dict)
        made[key] = _merged(made[key], value) if both else value
    return made


def _holds(text: str, given: Mapping[str, str]) -> bool:
    """`$A == "b" && $C != $D`, and nothing else."""
    results = []
    for part in text.split("&&"):
        found = _COMPARED.fullmatch(part)
        assert found is not None, f"not a rule that this runner knows: {text}"
        other = given.get(found[3]) if found[3] else found[4]
        results.append((given.get(found[1]) == other) is (found[2] == "=="))
    return all(results)


def _expanded(value: str, variables: Mapping[str, str]) -> str:
    return re.sub(r"\$(\w+)", lambda found: variables.get(found[1], ""), value)
