"""The real program in a process of its own, wherever the working directory is."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
COMMAND = (sys.executable, "-m", "kiamo_iac")


def variables(**more: str) -> Mapping[str, str]:
    """The environment of a run: nothing of Kiamo's but what is given, and UTF-8 on every stream."""
    plain = {name: text for name, text in os.environ.items() if not name.startswith("KIAMO_")}
    return plain | {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"} | more


def kiamo(*arguments: str, cwd: Path = ROOT, typed: str = "", **more: str) -> subprocess.CompletedProcess[str]:
    """Run it to its end; `typed` is what stands on standard input, `more` are environment variables."""
    return subprocess.run(
        [*COMMAND, *arguments],
        cwd=cwd,
        env=variables(**more),
        capture_output=True,
        encoding=more.get("PYTHONIOENCODING", "utf-8"),
        input=typed,
        check=False,
    )
