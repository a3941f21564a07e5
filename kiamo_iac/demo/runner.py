"""The story: what is said, which command is run, and how it must answer."""

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

from kiamo_iac.demo.setup import ENVIRONMENT, TOKEN_VARIABLE, ConsoleUser, DemoProject, staged

Tell = Callable[[str], None]
"""Writes one line where the person reads."""


@dataclass(frozen=True, slots=True)
class Act:
    """One command of the story."""

    words: str
    """What it is about, said before."""
    arguments: tuple[str, ...]
    """As the user would type them after `kiamo-iac`."""
    expected: int
    """The exit code that it must end with."""


_PLAN = ("plan", "-e", ENVIRONMENT)
_CHECK = (*_PLAN, "--detailed-exitcode")
_APPLY = ("apply", "-e", ENVIRONMENT, "--yes")
_LOSS = ("--allow-data-loss", "bases/prospects/fields/fax")

BEGINNING = (
    Act("First, are the manifests sound? Nothing is called for this: no instance, no token.", ("validate",), 0),
    Act("What would it take to bring the instance level with them? Planning writes nothing.", _PLAN, 0),
    Act(
        "One of the steps dials people, and one loses the fax numbers of 1250 contacts. Without being allowed to, "
        "apply writes nothing at all (exit code 6):",
        _APPLY,
        6,
    ),
    Act("With leave to start batches, and to lose that field, it goes ahead:", (*_APPLY, "--allow-start", *_LOSS), 0),
    Act("And again? Exit code 0 says that nothing is left to do.", _CHECK, 0),
)
"""From manifests to an instance that is level with them."""

DRIFT = (
    Act("What does a plan say of it? (Exit code 2: there are changes.)", _CHECK, 2),
    Act("The manifests are what was agreed, so:", (*_APPLY, "--allow-start"), 0),
    Act("Level again:", _CHECK, 0),
)
"""After somebody has changed things by hand."""


def tell(say: Tell, *, keep: bool) -> bool:
    """Play the story; whether every command answered as it must.

    With `keep` the server stays up afterwards, until Ctrl-C, and the project folder for good.
    """
    begun = time.monotonic()
    with _folder(keep=keep) as folder, staged(folder) as project:
        say(f"A Kiamo in a box is running on {project.url}. It holds what a contact centre in France might:")
        say("two services, two contact bases, four batches. Beside it, a project with three manifests:")
        say("")
        _show_manifest(project, say)
        went_well = _play(BEGINNING, project, say)
        if went_well:
            _meddle(project, say)
            went_well = _play(DRIFT, project, say)
        if went_well:
            say(f"That was all of it, in {time.monotonic() - begun:.0f} seconds, and every command was a real one.")
        if keep:
            _wait(project, say)
    return went_well


@contextmanager
def _folder(*, keep: bool) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="kiamo-iac-demo-"))
    try:
        yield folder
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)


def _show_manifest(project: DemoProject, say: Tell) -> None:
    shown = "manifests/prospects.yaml"
    say(f"--- {shown}")
    for line in (project.folder / shown).read_text(encoding="utf-8").splitlines():
        say(f"    {line}")
    say("")


def _play(acts: tuple[Act, ...], project: DemoProject, say: Tell) -> bool:
    for act in acts:
        say(act.words)
        say(f"$ {shlex.join(['kiamo-iac', *act.arguments])}")
        say("")
        code = subprocess.run(  # noqa: S603 - our own program, with arguments written above
            [sys.executable, "-P", "-m", "kiamo_iac", *act.arguments],
            cwd=project.folder,
            env=dict(project.variables()) | _import_path(),
            stdin=subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
            check=False,
        ).returncode
        say("")
        if code != act.expected:
            say(f"This command ended with exit code {code} where {act.expected} was expected. The story ends here.")
            return False
    return True


def _import_path() -> dict[str, str]:
    """Where this very package lies, for processes that run in another folder and without it being installed."""
    import kiamo_iac

    here = str(Path(kiamo_iac.__file__).resolve().parent.parent)
    return {"PYTHONPATH": os.pathsep.join(filter(None, (here, os.environ.get("PYTHONPATH"))))}


def _meddle(project: DemoProject, say: Tell) -> None:
    say("Meanwhile, somebody at Kiamo's own console gives the base another label, and pauses a batch by hand.")
    say("")
    somebody = ConsoleUser(project)
    somebody.changes_a_label("prospects", "Prospects (ne pas toucher)")
    somebody.pauses("prospects", "relance-hiver")
    somebody.leaves()


def _wait(project: DemoProject, say: Tell) -> None:
    installed = shutil.which("kiamo-iac")
    bash = "kiamo-iac" if installed else shlex.join([sys.executable, "-P", "-m", "kiamo_iac"])
    powershell = "kiamo-iac" if installed else f"& {_quoted(sys.executable)} -P -m kiamo_iac"
    say("")
    say("The server stays up, and the project stays where it is. In another terminal (bash):")
    say(f"  cd {shlex.quote(str(project.folder))}")
    say(f"  export {TOKEN_VARIABLE}={project.token}")
    say(f"  {bash} plan -e {ENVIRONMENT}")
    say("or in PowerShell:")
    say(f"  cd {_quoted(str(project.folder))}")
    say(f"  $env:{TOKEN_VARIABLE} = {_quoted(project.token)}")
    say(f"  {powershell} plan -e {ENVIRONMENT}")
    say(f"Change a manifest in {project.folder / 'manifests'} and see. Ctrl-C here stops the server.")
    try:
        while True:
            time.sleep(0.5)
    except KeyboardInterrupt:
        say("Stopped.")


def _quoted(text: str) -> str:
    """As PowerShell quotes a literal."""
    return "'" + text.replace("'", "''") + "'"
