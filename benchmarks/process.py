"""Figures of a whole process, as the operating system counts them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
KIAMO_IAC: tuple[str, ...] = (sys.executable, "-m", "kiamo_iac")
"""kiamo-iac, without being installed."""


@dataclass(frozen=True, slots=True)
class Run:
    """The cost of one run of a command."""

    wall: float
    """Seconds from before the start to after the end."""
    cpu: float | None
    """Seconds of CPU, user and system; None where the system does not report it."""
    peak: int | None
    """Bytes of peak memory; None where the system does not report it."""
    stdout: str
    exit_code: int


class RunFailed(Exception):  # noqa: N818 - an outcome of a run, not a class of errors
    """A measured command ended with another exit code than expected; the message holds its output."""


def run(
    command: Sequence[str],
    *,
    environment: Mapping[str, str] | None = None,
    cwd: Path = ROOT,
    codes: Sequence[int] = (0,),
) -> Run:
    """Run `command` to its end, without standard input.

    Raises:
        RunFailed: its exit code is none of `codes`.
    """
    with tempfile.TemporaryDirectory() as folder:
        report, out, err = (Path(folder, name) for name in ("report", "out", "err"))
        with out.open("wb") as stdout, err.open("wb") as stderr:
            exit_code = subprocess.run(
                [sys.executable, "-I", "-S", str(ROOT / "benchmarks" / "launch.py"), str(report), *command],
                stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, cwd=cwd, env=quiet(environment), check=False,
            ).returncode  # fmt: skip
        output = out.read_text("utf-8", "replace")
        if exit_code not in codes:
            complaint = err.read_text("utf-8", "replace")[-2000:]
            msg = f"{' '.join(command)} ended with {exit_code}:\n{output[-2000:]}\n{complaint}"
            raise RunFailed(msg)
        return Run(**json.loads(report.read_text()), stdout=output, exit_code=exit_code)


def inside(module: str, *arguments: str, environment: Mapping[str, str] | None = None) -> Any:
    """Run `benchmarks.inside.MODULE` in a process of its own; what it prints, read as JSON."""
    command = (sys.executable, "-m", f"benchmarks.inside.{module}", *arguments)
    return json.loads(run(command, environment=environment).stdout)


def offline_plan(project: Path, snapshot: Path) -> Run:
    """A whole process that plans a project against a live state in a file, instead of an instance."""
    return run((sys.executable, "-m", "benchmarks.inside.offline", str(project), str(snapshot)))


def quiet(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment without settings that would change a measurement: of kiamo-iac, Terraform and Python."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("KIAMO_", "TF_", "PYTHON"))}
    own = {"NO_COLOR": "1", "CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1", "PYTHONPATH": str(ROOT)}
    return {**kept, **own, **(more or {})}
