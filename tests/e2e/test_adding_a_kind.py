"""The ten lines of CONTRIBUTING.md, followed: a fifth kind is one file and one stanza, and no other line is touched."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import kiamo_iac

ROOT = Path(__file__).resolve().parents[2]
FIFTH = Path(__file__).parent / "fifth_kind"
PACKAGE = Path(kiamo_iac.__file__).resolve().parent
TOKEN = "0123456789" * 4
SEED = {"services": [{"name": "Outbound Sales"}, {"name": "Support"}], "bases": []}


@dataclass(frozen=True)
class Program:
    """A copy of the program that knows the fifth kind, and a project in which it is tried."""

    folder: Path
    project: Path
    driver: subprocess.Popen[str]

    def run(self, *arguments: str, codes: tuple[int, ...] = (0,)) -> subprocess.CompletedProcess[str]:
        """One command, which must end with one of `codes`; all of them run in one process of the copy."""
        assert self.driver.stdin is not None
        assert self.driver.stdout is not None
        self.driver.stdin.write(json.dumps(arguments) + "\n")
        self.driver.stdin.flush()
        done = subprocess.CompletedProcess([*arguments], *json.loads(self.driver.stdout.readline()))
        assert done.returncode in codes, done.stdout + done.stderr
        return done

    def declare(self, manifest: str) -> None:
        """Make one of the files of the fifth kind the project's only manifest."""
        shutil.copy(FIFTH / manifest, self.project / "manifests" / "prospects.yaml")

    def plan(self) -> dict[str, Any]:
        """The plan as JSON, and with it that the exit code says whether it holds steps."""
        done = self.run("plan", "-e", "here", "--format", "json", "--detailed-exitcode", codes=(0, 2))
        plan: dict[str, Any] = json.loads(done.stdout)
        assert bool(plan["steps"]) == (done.returncode == 2)
        return plan

    def steps(self) -> list[tuple[str, str]]:
        """Action and address of each step of a plan made now."""
        return [(step["action"], step["address"]) for step in self.plan()["steps"]]


DRIVER = """
import contextlib, io, json, sys
from kiamo_iac.cli.main import run
for line in sys.stdin:
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run(json.loads(line))
    print(json.dumps([code, *(stream.buffer.getvalue().decode() for stream in (out, err))]), flush=True)
"""


def environment(folder: Path) -> dict[str, str]:
    """That of the tests without the checkout: what runs is the copy in `folder`."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("KIAMO_", "PYTHON"))}
    return {**kept, "PYTHONPATH": str(folder), "PYTHONWARNINGS": "error", "KIAMO_TOKEN": TOKEN}


@contextmanager
def emulator(program: Program) -> Iterator[str]:
    """An emulator that knows the fifth kind from the contract alone; its URL."""
    seed = program.folder / "seed.json"
    seed.write_text(json.dumps(SEED), encoding="utf-8")
    command = [sys.executable, "-m", "kiamo_iac", "emulator", "--port", "0", "--seed", str(seed)]
    with subprocess.Popen(
        command, cwd=program.folder, env=environment(program.folder),
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    ) as process:  # fmt: skip
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            assert url.startswith("http://127.0.0.1:")
            yield url
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """Lines 2 to 6: the kind's file dropped in, its stanza put under the contract's others."""
    folder = tmp_path_factory.mktemp("fifth")
    shutil.copytree(PACKAGE, folder / "kiamo_iac", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(FIFTH / "qualification.py", folder / "kiamo_iac" / "resources")
    with (folder / "kiamo_iac" / "contract" / "contract.yaml").open("a", encoding="utf-8") as contract:
        contract.write((FIFTH / "stanza.yaml").read_text(encoding="utf-8"))
    project = folder / "project"
    (project / "manifests").mkdir(parents=True)
    (project / "kiamo.yaml").write_text("manifests: [manifests]\n", encoding="utf-8")
    with subprocess.Popen(
        [sys.executable, "-c", DRIVER],
        cwd=project,
        env=environment(folder),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    ) as driver:
        yield Program(folder, project, driver)


def dump(url: str) -> Mapping[str, Any]:
    with urllib.request.urlopen(f"{url}/_emulator/dump", timeout=10) as answer:
        document: Mapping[str, Any] = json.load(answer)
    return document


def test_nothing_but_the_file_and_the_stanza_differs(program: Program) -> None:
    ours = {p.relative_to(PACKAGE): p.read_bytes() for p in PACKAGE.rglob("*") if _is_source(p)}
    copy = program.folder / "kiamo_iac"
    theirs = {p.relative_to(copy): p.read_bytes() for p in copy.rglob("*") if _is_source(p)}
    changed = {path.as_posix() for path in theirs if theirs[path] != ours.get(path)}
    assert changed == {"resources/qualification.py", "contract/contract.yaml"}
    assert theirs.keys() >= ours.keys()


def _is_source(path: Path) -> bool:
    return path.is_file() and "__pycache__" not in path.parts


def test_a_fifth_kind_is_validated_planned_applied_and_deleted(program: Program) -> None:
    with emulator(program) as url:
        project = f"manifests: [manifests]\nenvironments: {{here: {{url: '{url}'}}}}\n"
        (program.project / "kiamo.yaml").write_text(project, encoding="utf-8")

        program.declare("manifest.yaml")
        program.run("validate")
        base = "bases/prospects"
        made = [
            ("create", base),
            ("create", f"{base}/fields/outcome"),
            ("create", f"{base}/qualifications/not-in"),
            ("create", f"{base}/qualifications/sold"),
        ]
        assert sorted(program.steps()) == made
        program.run("apply", "-e", "here", "--yes")
        assert program.steps() == []
        assert _by_name(dump(url)["bases"][0]["qualifications"]) == {
            "sold": {
                "name": "sold",
                "label": "Sold",
                "outcome": "reached",
                "field": "outcome",
                "services": ["Outbound Sales", "Support"],
            },
            "not-in": {"name": "not-in", "label": "Not in", "outcome": "absent", "field": "outcome"},
        }

        program.declare("gone.yaml")
        assert program.steps()[-1] == ("delete", f"{base}/fields/outcome"), "a field goes after what refers to it"
        program.run("apply", "-e", "here", "--yes")
        assert program.steps() == []
        assert dump(url)["bases"][0].get("qualifications", []) == []


def _by_name(things: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {thing["name"]: {k: v for k, v in thing.items() if v is not None} for thing in things}


def test_changes_and_refusals_of_a_fifth_kind_read_as_those_of_any_other(program: Program) -> None:
    with emulator(program) as url:
        shutil.rmtree(program.project / ".kiamo", ignore_errors=True)  # of an emulator that is gone
        project = f"manifests: [manifests]\nenvironments: {{here: {{url: '{url}'}}}}\n"
        (program.project / "kiamo.yaml").write_text(project, encoding="utf-8")
        program.declare("manifest.yaml")
        program.run("apply", "-e", "here", "--yes")
        manifest = program.project / "manifests" / "prospects.yaml"
        declared = manifest.read_text(encoding="utf-8")

        manifest.write_text(declared.replace("label: Sold", "label: Closed"), encoding="utf-8")
        (step,) = program.plan()["steps"]
        assert (step["action"], step["kind"]) == ("update", "qualification")
        assert step["changes"] == [{"path": "label", "before": "Sold", "after": "Closed"}]

        turned = declared.replace("[Outbound Sales, Support]", "[Support, Outbound Sales]")
        manifest.write_text(turned, encoding="utf-8")
        (step,) = program.plan()["steps"]
        assert step["changes"] == [
            {"path": "services", "before": ["Outbound Sales", "Support"], "after": ["Support", "Outbound Sales"]}
        ]
        program.run("apply", "-e", "here", "--yes")
        assert program.plan()["steps"] == []
        manifest.write_text(declared, encoding="utf-8")
        program.run("export", "-e", "here", "--out", "manifests")
        assert manifest.read_text(encoding="utf-8") == turned, "an export sets the list, and leaves all else"

        manifest.write_text(declared.replace("outcome: reached", "outcome: refused"), encoding="utf-8")
        refused = json.loads(program.run("plan", "-e", "here", "--format", "json", codes=(1,)).stdout)
        assert refused["steps"] == []
        assert [d["address"] for d in refused["diagnostics"]] == ["bases/prospects/qualifications/sold"]


def test_mistakes_in_a_fifth_kind_are_found_offline(program: Program) -> None:
    program.declare("wrong.yaml")
    said = program.run("validate", codes=(1,))
    text = said.stdout + said.stderr
    assert 'did you mean "outcome"?' in text
    assert re.search(r"prospects\.yaml:4:\d+", text), "the unknown key has its place"
    assert re.search(r"prospects\.yaml:5:\d+", text), "so have the value that is not in the list, and the missing field"
    at_7 = re.findall(r"prospects\.yaml:(6:80|7:\d+): .*", text)
    assert at_7 == ["6:80", "7:64", "7:80"], "and each item of a list of names"


def test_a_list_of_a_fifth_kind_is_promoted(program: Program) -> None:
    environments = {name: {"url": "http://127.0.0.1:1", "patches": [f"patches/{name}.yaml"]} for name in ("one", "two")}
    (program.project / "patches").mkdir()
    block = "bases: [{{name: prospects, qualifications: [{{name: sold, services: {}}}]}}]\n"
    for name, services in (("one", "[Support, Outbound Sales]"), ("two", "[Support]")):
        (program.project / "patches" / f"{name}.yaml").write_text(block.format(services), encoding="utf-8")
    project = json.dumps({"manifests": ["manifests"], "environments": environments})
    (program.project / "kiamo.yaml").write_text(project, encoding="utf-8")
    program.declare("manifest.yaml")
    program.run("promote", "--from", "one", "--to", "two", "--declared", "--write")
    manifest = (program.project / "manifests" / "prospects.yaml").read_text(encoding="utf-8")
    assert "services: [Support, Outbound Sales]" in manifest, "what both have is moved into the base"
    program.run("promote", "--from", "one", "--to", "two", "--declared", "--check")


def test_contributing_holds_the_ten_lines_that_this_follows() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    (lines,) = re.findall(r"<!-- BEGIN ten lines -->\n(.*?)<!-- END ten lines -->", text, re.DOTALL)
    assert re.findall(r"^(\d+)\. ", lines, re.MULTILINE) == [str(n) for n in range(1, 11)]
    assert "kiamo_iac/resources/<kind>.py" in lines
    assert "kiamo_iac/contract/contract.yaml" in lines
