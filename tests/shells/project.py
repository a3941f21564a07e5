"""A project whose names would do harm in a shell that took them for anything but names."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.cli.program import ROOT, variables

MARK = "PWNED"
"""The file that a name would make, were it ever run."""

NAMES = (
    "Outbound Sales",
    f"Outbound $(touch {MARK})",
    f"Outbound `touch {MARK}`",
    f'it\'s "quoted"; touch {MARK}',
    f"l'été & touch {MARK} | cat",
    "a:b=c,d@e",
    "back\\slash",
    "!history",
    "*",
    "~",
    "#hash",
    "$HOME",
    " lead",
    "‘typographic’",
)
"""Names that are offered, and must come out of the shell as they went in."""
UNSEEN = ("line\nend", "return\r", "tab\there", "\x1b[31mred", "zero\u200bwidth", "\u202ebidi", "no\u00a0break")
"""Names that are never offered."""


def addresses() -> list[str]:
    """What is offered for an address, in its order."""
    return sorted(["bases/prospects", "bases/prospects/fields/ville", *(f"services/{name}" for name in NAMES)])


def make(folder: Path) -> Path:
    """The project, and beside it `bin/kiamo-iac` for the PATH; returns the project's folder."""
    project = folder / "project"
    (project / "manifests").mkdir(parents=True)
    (project / "kiamo.yaml").write_text(
        "manifests: [manifests]\n"
        "environments:\n"
        '  staging: {url: "http://127.0.0.1:8090"}\n'
        '  production: {url: "https://kiamo.example.com"}\n',
        encoding="utf-8",
    )
    manifest = {
        "services": [{"name": name} for name in (*NAMES, *UNSEEN)],
        "bases": [{"name": "prospects", "fields": [{"name": "ville", "datatype": "string"}]}],
    }
    (project / "manifests" / "a.yaml").write_text(json.dumps(manifest), encoding="utf-8")
    program = folder / "bin" / "kiamo-iac"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m kiamo_iac "$@"\n', encoding="utf-8", newline="\n")
    program.chmod(0o755)
    return project


def surroundings(folder: Path, **more: str) -> Mapping[str, str]:
    """The environment of a shell that finds the program of `make`."""
    path = os.pathsep.join([str(folder / "bin"), os.environ.get("PATH", "")])
    plain = {"PATH": path, "HOME": str(folder), "TERM": "dumb", "LC_ALL": "C.UTF-8", "PYTHONPATH": str(ROOT)}
    return dict(variables()) | plain | more
