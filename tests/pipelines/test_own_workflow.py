"""CI of this repository runs every Python of the classifiers, on Linux, Windows and macOS."""

from __future__ import annotations

import re
import tomllib

import pytest

from kiamo_iac.document.parser import parse
from tests.pipelines.machine import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CLASSIFIED = [c.rpartition(" ")[2] for c in PROJECT["classifiers"] if re.search(r":: 3\.\d+$", c)]
TEXT = (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
JOBS = parse(TEXT, file="ci.yml").data["jobs"]


@pytest.mark.parametrize("job", ["linux", "portable"])
def test_every_supported_python(job: str) -> None:
    assert JOBS[job]["strategy"]["matrix"]["python"] == CLASSIFIED
    assert PROJECT["requires-python"] == f">={CLASSIFIED[0]}"
    assert JOBS[job]["timeout-minutes"] == 90


def test_all_of_ci_on_linux_and_the_portable_part_elsewhere() -> None:
    runs = {name: [step["run"] for step in job["steps"] if "run" in step] for name, job in JOBS.items()}
    assert runs == {"linux": ["PYTHON=python .ci/run"], "portable": ["make check demo PYTHON=python"]}
    assert {s.partition("-")[0] for s in JOBS["portable"]["strategy"]["matrix"]["system"]} == {"windows", "macos"}
