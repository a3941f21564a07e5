"""The program run in this process (`kiamo`), or as a process of its own (`kiamo_process`), in any working directory."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from kiamo_iac.cli import main, terminal

ROOT = Path(__file__).resolve().parent.parent.parent
COMMAND = (sys.executable, "-m", "kiamo_iac")

Completed = subprocess.CompletedProcess[str]


def variables(**more: str) -> Mapping[str, str]:
    """The environment of a run: no Kiamo variables but the given ones, and UTF-8 on every stream."""
    plain = {name: text for name, text in os.environ.items() if not name.startswith("KIAMO_")}
    return plain | {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"} | more


def kiamo(*arguments: str, cwd: Path = ROOT, typed: str = "", **more: str) -> Completed:
    """Run it in this process, with real streams, environment and working directory; `typed` is its standard input.

    `more`: environment variables; PYTHONIOENCODING is the encoding of the streams.
    """
    encoding = more.get("PYTHONIOENCODING", "utf-8")
    stdin = io.TextIOWrapper(io.BytesIO(typed.encode(encoding)), encoding=encoding)
    out, err = io.BytesIO(), io.BytesIO()
    with pytest.MonkeyPatch.context() as patch, _surroundings(cwd, variables(**more)):
        patch.setattr(sys, "stdin", stdin)
        patch.setattr(sys, "stdout", io.TextIOWrapper(out, encoding=encoding, write_through=True))
        patch.setattr(sys, "stderr", io.TextIOWrapper(err, encoding=encoding, write_through=True))
        terminal.escape_unencodable()  # as the console script does
        code = main.run(arguments)
        texts = out.getvalue(), err.getvalue()
    return subprocess.CompletedProcess([*COMMAND, *arguments], code, *(text.decode(encoding) for text in texts))


@contextmanager
def _surroundings(cwd: Path, environ: Mapping[str, str]) -> Iterator[None]:
    """Another working directory and environment, for the length of a block."""
    before, here = dict(os.environ), Path.cwd()
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environ)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
        os.chdir(here)


def kiamo_process(*arguments: str, cwd: Path = ROOT, typed: str = "", **more: str) -> Completed:
    """Run it as a process of its own: for what only a process shows.

    The default suite starts the program about 220 times: 80 times in the jobs of generated pipelines, 50 times from
    bash for completion, 20 times in demos, 55 times for signals, locks between processes and the emulator, and the rest
    for the entry point and its exit code, imports at start-up, pipes that close and consoles of other encodings.
    """
    return subprocess.run(
        [*COMMAND, *arguments],
        cwd=cwd,
        env=variables(**more),
        capture_output=True,
        encoding=more.get("PYTHONIOENCODING", "utf-8"),
        input=typed,
        check=False,
    )
