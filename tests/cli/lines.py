"""Command lines as help and documentation show them, read as the program would."""

from __future__ import annotations

import re
import shlex

import click

from kiamo_iac.cli import reference
from kiamo_iac.cli.main import COMMANDS, cli

COMMANDS_BY_NAME = {name: command for name, command, _ in reference.commands()}
"""Every command and subcommand by its full name."""

PLACEHOLDERS = {"COMMAND", "[OPTIONS]", "…"}
"""What stands for a command where none is meant in particular."""


def invocations(line: str) -> list[list[str]]:
    """The words behind every `kiamo-iac` of a line, without pipes, redirections and what is said in brackets."""
    if "...." in line:  # what pre-commit says of a hook
        return []
    plain = re.sub(r"\s+# .*|\s{2,}\(.*|\s\([^<].*", "", line)
    return [
        shlex.split(re.split(r"[|>;)&`]", rest)[0].rstrip("\\"))
        for rest in re.split(r"(?<![\w./-])kiamo-iac ", plain)[1:]
    ]


def problem_of(words: list[str]) -> str | None:
    """Why the program would not understand a command line, as far as its words say."""
    plain = [word for word in words if not word.startswith("-")]
    known = {option for parameter in cli.params for option in parameter.opts} | {"-h", "--help"}
    options = {word.partition("=")[0] for word in words if re.match("--?[a-z]", word)}
    if not plain:
        return None if options <= known else f"no option {', '.join(sorted(options - known))}"
    at = next((index for index, word in enumerate(words) if word in COMMANDS), None)
    if at is None:
        return None if PLACEHOLDERS & set(plain) else f"no command {plain[0]}"
    told = _called(words[at:])
    known |= {option for parameter in told.params for option in (*parameter.opts, *parameter.secondary_opts)}
    return None if options <= known else f"{told.name} has no option {', '.join(sorted(options - known))}"


def _called(words: list[str]) -> click.Command:
    both = " ".join(words[:2])
    return COMMANDS_BY_NAME[both if both in COMMANDS_BY_NAME else words[0]]
