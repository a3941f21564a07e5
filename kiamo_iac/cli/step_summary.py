"""The summary of a step of GitHub Actions: a file that the runner names, shown as Markdown on the page of the run."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from kiamo_iac.cli.terminal import say
from kiamo_iac.core.secret import conceal

VARIABLE: Final = "GITHUB_STEP_SUMMARY"

MAX_BYTES: Final = 1024 * 1024
"""Of one step, by all that write to it; GitHub shows none of it when it is more."""


def add_to_step_summary(markdown: str) -> None:
    """Append `markdown` to the step's summary, where there is one.

    A summary that cannot be written, or would be too long, is said on stderr: it is no reason to fail.
    """
    name = os.environ.get(VARIABLE)
    if not name:
        return
    path = Path(name)
    data = f"{conceal(markdown)}\n".encode("utf-8", "backslashreplace")
    try:
        if (path.stat().st_size if path.exists() else 0) + len(data) > MAX_BYTES:
            say(f"The step's summary is full ({MAX_BYTES // 1024} KiB): nothing was added to it.")
            return
        with path.open("ab") as stream:
            stream.write(data)
    except OSError as error:
        say(f"The step's summary could not be written: {error.strerror or type(error).__name__}.")
