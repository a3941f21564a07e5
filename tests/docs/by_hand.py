"""`by-hand URL label BASE TEXT`, `by-hand URL pause BASE BATCH`: what somebody does at the console meanwhile."""

from __future__ import annotations

import sys
from pathlib import Path

from kiamo_iac.demo.setup import ConsoleUser, DemoProject
from kiamo_iac.emulator import FULL_TOKEN


def main(arguments: list[str]) -> int:
    """Do it; 64 for anything else."""
    match arguments:
        case [url, "label", base, label]:
            somebody = ConsoleUser(DemoProject(Path(), url, FULL_TOKEN))
            somebody.changes_a_label(base, label)
        case [url, "pause", base, batch]:
            somebody = ConsoleUser(DemoProject(Path(), url, FULL_TOKEN))
            somebody.pauses(base, batch)
        case _:
            return 64
    somebody.leaves()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
