"""`by-hand URL label BASE TEXT`, `by-hand URL pause BASE BATCH`: changes made by hand at the console."""

from __future__ import annotations

import sys
from pathlib import Path

from kiamo_iac.demo.setup import ConsoleUser, DemoProject
from kiamo_iac.emulator import FULL_TOKEN


def main(arguments: list[str]) -> int:
    """Do it; 64 for anything else."""
    match arguments:
        case [url, "label", base, label]:
            user = ConsoleUser(DemoProject(Path(), url, FULL_TOKEN))
            user.change_label(base, label)
        case [url, "pause", base, batch]:
            user = ConsoleUser(DemoProject(Path(), url, FULL_TOKEN))
            user.pause(base, batch)
        case _:
            return 64
    user.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
