"""Completion in zsh, in fish, and by real keys at a terminal. Run by `make shells`, not by `make test`."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.shells import project
from tests.shells.terminal import Terminal, terminal

TOLD = "[told]"
FISH = "source (kiamo-iac completion fish | psub); complete -C $argv[1]"
TELLS = """{ printf '%s\\n' "$@"; echo "[to""ld]"; }; echo "[rea""dy]"\n"""
BASH = f"source <(kiamo-iac completion bash); bind 'set bell-style none'; kiamo-iac() {TELLS}"
ZSH = f"unsetopt beep; autoload -Uz compinit; compinit -D; source <(kiamo-iac completion zsh); show() {TELLS}"
STARTS = {"bash": (("bash", "--norc", "--noprofile", "-i"), BASH), "zsh": (("zsh", "-f", "-i"), ZSH)}
"""How each shell is started, and what is typed first: a stand-in that tells its arguments."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the project of harmful names lies."""
    project.make(tmp_path)
    return tmp_path


@contextmanager
def shell(name: str, folder: Path) -> Iterator[Terminal]:
    """A shell that has its completion loaded."""
    command, first = STARTS[name]
    environ = project.surroundings(folder, PS1="> ", COLUMNS="500")
    with terminal(command, folder=folder / "project", environ=environ) as opened:
        opened.keys(f"stty -echo cols 500; {first}")
        opened.until("[ready]")
        yield opened


def completed(name: str, opened: Terminal, typed: str) -> list[str]:
    """Type a command line and Tab; the arguments that the shell then hands over."""
    opened.keys(typed + "\t")
    if name == "zsh":  # a function of the program's name would hide the program; so the name is exchanged at the end
        opened.keys("\x01\x1bdshow\n")
    else:
        opened.keys("\n")
    shown = opened.until(TOLD)
    return shown.replace("\r", "").splitlines()[-1 - WORDS : -1]


WORDS = 2
"""How many arguments every line below has."""

LINES = [
    ("kiamo-iac adopt services/Outbound\\ S", "services/Outbound Sales"),
    ("kiamo-iac adopt 'services/Outbound S", "services/Outbound Sales"),
    ('kiamo-iac adopt "services/Outbound S', "services/Outbound Sales"),
    ("kiamo-iac adopt services/Outbound\\ \\$", f"services/Outbound $(touch {project.MARK})"),
    ("kiamo-iac adopt 'services/Outbound $", f"services/Outbound $(touch {project.MARK})"),
    ('kiamo-iac adopt "services/Outbound \\$', f"services/Outbound $(touch {project.MARK})"),
    ("kiamo-iac adopt services/Outbound\\ \\`", f"services/Outbound `touch {project.MARK}`"),
    ("kiamo-iac adopt services/it", f'services/it\'s "quoted"; touch {project.MARK}'),
    ("kiamo-iac adopt 'services/it", f'services/it\'s "quoted"; touch {project.MARK}'),
    ('kiamo-iac adopt "services/it', f'services/it\'s "quoted"; touch {project.MARK}'),
    ("kiamo-iac adopt services/l", f"services/l'été & touch {project.MARK} | cat"),
    ("kiamo-iac adopt services/a", "services/a:b=c,d@e"),
    ("kiamo-iac adopt services/a:b=", "services/a:b=c,d@e"),
    ("kiamo-iac adopt services/b", "services/back\\slash"),
    ("kiamo-iac adopt services/\\!", "services/!history"),
    ("kiamo-iac adopt 'services/!", "services/!history"),
    ("kiamo-iac adopt services/\\*", "services/*"),
    ("kiamo-iac adopt services/\\$H", "services/$HOME"),
    ("kiamo-iac adopt services/\\ ", "services/ lead"),
    ("kiamo-iac plan --target=services/a", "--target=services/a:b=c,d@e"),
    ("kiamo-iac plan --environment=st", "--environment=staging"),
    ("kiamo-iac completion pow", "powershell"),
    ("kiamo-iac show kia", "kiamo.yaml"),
    ("kiamo-iac plan --out=kia", "--out=kiamo.yaml"),
]
"""What is typed before Tab, and the last argument that comes of it."""


@pytest.mark.parametrize("name", STARTS)
def test_tab_at_a_terminal_makes_the_argument_that_was_meant(name: str, folder: Path) -> None:
    with shell(name, folder) as opened:
        told = [(typed, completed(name, opened, typed)[-1]) for typed, _ in LINES]
    assert told == LINES
    assert not (folder / "project" / project.MARK).exists()


@pytest.mark.parametrize(("typed", "meant"), LINES)
def test_fish_offers_what_was_meant(typed: str, meant: str, folder: Path) -> None:
    assert fish(typed, folder) == [meant]


def fish(typed: str, folder: Path) -> list[str]:
    """What fish offers; it must say nothing on stderr and run nothing."""
    done = subprocess.run(
        ["fish", "--no-config", "-c", FISH, typed],
        cwd=folder / "project", env=project.surroundings(folder), capture_output=True, encoding="utf-8", check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert not (folder / "project" / project.MARK).exists()
    return [line.split("\t")[0] for line in done.stdout.splitlines()]


def test_fish_offers_every_name_once_and_says_what_it_is(folder: Path) -> None:
    assert sorted(fish("kiamo-iac adopt ", folder)) == project.addresses()
    assert sorted(fish("kiamo-iac plan -e ", folder)) == ["production", "staging"]
    assert "validate" in fish("kiamo-iac ", folder)


@pytest.mark.parametrize(("name", "check"), [("bash", "-n"), ("zsh", "-n"), ("fish", "--no-execute")])
def test_the_script_is_sound(name: str, check: str, folder: Path) -> None:
    script = Path(__file__).parents[2] / "kiamo_iac" / "cli" / "completion_scripts" / f"kiamo-iac.{name}"
    done = subprocess.run([name, check, str(script)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
