"""The demo: each command with its introduction and the exit code that it must have."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from kiamo_iac.demo.setup import ENVIRONMENT, TOKEN_VARIABLE, ConsoleUser, DemoProject, demo_project

Write = Callable[[str], None]
"""Writes one line for the user."""


@dataclass(frozen=True, slots=True)
class DemoCommand:
    """One command of the demo."""

    introduction: str
    """The text before it."""
    arguments: tuple[str, ...]
    """As the user would type them after `kiamo-iac`."""
    expected: int
    """The exit code that it must have."""


_PLAN = ("plan", "-e", ENVIRONMENT)
_CHECK = (*_PLAN, "--detailed-exitcode")
_APPLY = ("apply", "-e", ENVIRONMENT, "--yes")
_STOP = ("--allow-stop", "bases/prospects/batches/campagne-2025")
_LOSS = ("--allow-data-loss", "bases/prospects/fields/fax")

BEGINNING = (
    DemoCommand("Check the manifests. This needs no instance and no token:", ("validate",), 0),
    DemoCommand("Show what has to change on the instance. A plan writes nothing:", _PLAN, 0),
    DemoCommand(
        "One step dials contacts, one stops a batch for good that is not managed yet, and one loses the fax numbers "
        "of 1250 contacts: guards block the apply (exit code 6):",
        _APPLY,
        6,
    ),
    DemoCommand(
        "Allow all three, and apply:",
        (*_APPLY, "--allow-start", *_STOP, *_LOSS),
        0,
    ),
    DemoCommand("Plan again (exit code 0: no changes):", _CHECK, 0),
)
"""From manifests to an instance that matches them."""

DRIFT = (
    DemoCommand("Plan again (exit code 2: there are changes):", _CHECK, 2),
    DemoCommand("Apply the manifests again:", (*_APPLY, "--allow-start"), 0),
    DemoCommand("The instance matches its manifests again:", _CHECK, 0),
)
"""After changes in Kiamo's console."""


def run_demo(write: Write, *, keep: bool) -> bool:
    """Run the demo; whether every command had the expected exit code.

    With `keep`, the server runs on until Ctrl-C, and the project folder is not deleted.
    """
    started = time.monotonic()
    with _folder(keep=keep) as folder, demo_project(folder) as project:
        write(f"A local Kiamo emulator is running on {project.url}, with two services, two contact")
        write("bases and four batches. One of the three manifests of the project:")
        write("")
        _show_manifest(project, write)
        succeeded = _run(BEGINNING, project, write)
        if succeeded:
            _change_in_console(project, write)
            succeeded = _run(DRIFT, project, write)
        if succeeded:
            write(f"Done in {time.monotonic() - started:.0f} seconds.")
        if keep:
            _wait(project, write)
    return succeeded


@contextmanager
def _folder(*, keep: bool) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="kiamo-iac-demo-"))
    try:
        yield folder
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)


def _show_manifest(project: DemoProject, write: Write) -> None:
    shown = "manifests/prospects.yaml"
    write(f"--- {shown}")
    for line in (project.folder / shown).read_text(encoding="utf-8").splitlines():
        write(f"    {line}")
    write("")


def _run(commands: tuple[DemoCommand, ...], project: DemoProject, write: Write) -> bool:
    for command in commands:
        write(command.introduction)
        write(f"$ {shlex.join(['kiamo-iac', *command.arguments])}")
        write("")
        code = subprocess.run(  # noqa: S603 - our own program, with arguments written above
            [sys.executable, "-P", "-m", "kiamo_iac", *command.arguments],
            cwd=project.folder,
            env=dict(project.variables()) | _import_path(),
            stdin=subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
            check=False,
        ).returncode
        write("")
        if code != command.expected:
            write(f"Exit code {code}, expected {command.expected}: the demo stops.")
            return False
    return True


def _import_path() -> dict[str, str]:
    """The path of this package, for processes that run in another folder, and where it is not installed."""
    import kiamo_iac

    here = str(Path(kiamo_iac.__file__).resolve().parent.parent)
    return {"PYTHONPATH": os.pathsep.join(filter(None, (here, os.environ.get("PYTHONPATH"))))}


def _change_in_console(project: DemoProject, write: Write) -> None:
    write("Meanwhile, a user of Kiamo's console changes the label of the base, and pauses a batch.")
    write("")
    user = ConsoleUser(project)
    user.change_label("prospects", "Prospects (ne pas toucher)")
    user.pause("prospects", "relance-hiver")
    user.close()


def _wait(project: DemoProject, write: Write) -> None:
    installed = shutil.which("kiamo-iac")
    bash = "kiamo-iac" if installed else shlex.join([sys.executable, "-P", "-m", "kiamo_iac"])
    powershell = "kiamo-iac" if installed else f"& {_quoted(sys.executable)} -P -m kiamo_iac"
    write("")
    write("The emulator keeps running, and the project is kept. In another terminal (bash):")
    write(f"  cd {shlex.quote(str(project.folder))}")
    write(f"  export {TOKEN_VARIABLE}={project.token}")
    write(f"  {bash} plan -e {ENVIRONMENT}")
    write("or in PowerShell:")
    write(f"  cd {_quoted(str(project.folder))}")
    write(f"  $env:{TOKEN_VARIABLE} = {_quoted(project.token)}")
    write(f"  {powershell} plan -e {ENVIRONMENT}")
    write(f"Change a manifest in {project.folder / 'manifests'} and run plan again.")
    write("Press Ctrl-C here to stop the emulator.")
    try:
        while True:
            time.sleep(0.5)
    except KeyboardInterrupt:
        write("Stopped.")


def _quoted(text: str) -> str:
    """As PowerShell quotes a literal."""
    return "'" + text.replace("'", "''") + "'"
