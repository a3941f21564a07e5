"""Bytes of peak memory that an export takes beyond the start of the program: `export PROJECT [FOLDER]`."""

from __future__ import annotations

import json
import os
import resource
import sys
from pathlib import Path

from kiamo_iac.app.exporting import export_instance
from kiamo_iac.app.project import Workspace
from kiamo_iac.cli import main as commands
from kiamo_iac.cli.terminal import write_data
from kiamo_iac.contract.file import load_contract
from kiamo_iac.manifest.project.file import load_project
from kiamo_iac.planner import planner

IMPORTED = (commands, planner)
"""What the command imports, part of it as late as it needs it."""


def peak() -> int:
    """Bytes."""
    found = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return found * (1 if sys.platform == "darwin" else 1024)  # macOS counts bytes, Linux kibibytes


def main(project: str, folder: str | None = None) -> int:
    """The peak after an export into the folder, or to stdout, less the peak before."""
    before = peak()
    workspace = Workspace(load_project(Path(project)), load_contract(), os.environ)
    result = export_instance(workspace, "bench", folder=Path(folder) if folder is not None else None)
    for text in result.texts():
        write_data(text, utf8=True)
    return peak() - before


if __name__ == "__main__":
    real = sys.stdout
    with open(os.devnull, "w", encoding="utf-8") as sys.stdout:  # noqa: PTH123 - pathlib cannot be a stream
        taken = main(*sys.argv[1:])
    print(json.dumps(taken), file=real)
