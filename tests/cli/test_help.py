"""Every command's `--help` says how it is used and how it ends, whichever commands there are."""

from __future__ import annotations

import re
import shlex

import click
import pytest

from kiamo_iac.cli import reference
from kiamo_iac.cli.main import COMMANDS, EXIT_CODES, cli

FOUND = {name: (command, context) for name, command, context in reference.commands()}


def section(command: click.Command, title: str) -> str:
    """What an epilog says under a title, as far as the next blank line."""
    told = (command.epilog or "").replace("\b\n", "\x08")
    found = re.search(rf"^\x08?{title}[^:\n]*:(.*?)(?:\n\n|\Z)", told, re.MULTILINE | re.DOTALL)
    assert found, f"its epilog has no {title}"
    return found[1]


@pytest.mark.parametrize("name", FOUND)
def test_examples_are_command_lines_that_there_are(name: str) -> None:
    """Each begins with the command itself, and says only options and subcommands that it has."""
    command, _ = FOUND[name]
    lines = [line.strip() for line in section(command, "Examples").splitlines() if "kiamo-iac" in line]
    assert any(f"kiamo-iac {name}" in line for line in lines), lines
    for line in lines:
        for words in invocations(line):
            told = command_of(words)
            known = {option for parameter in told.params for option in (*parameter.opts, *parameter.secondary_opts)}
            known |= {option for parameter in cli.params for option in parameter.opts} | {"-h", "--help"}
            assert {word.partition("=")[0] for word in words if re.match("--?[a-z]", word)} <= known, line


def invocations(line: str) -> list[list[str]]:
    """The words behind every `kiamo-iac` of an example, without pipes, redirections and what is said in brackets."""
    plain = re.sub(r"\s{2,}#.*|\s{2,}\(.*|\s\([^<].*", "", line)
    return [
        shlex.split(re.split(r"[|>;)&]", rest)[0])
        for rest in plain.split("kiamo-iac ")[1:]
        if not rest.startswith(("hook", "."))
    ]


def command_of(words: list[str]) -> click.Command:
    """The command or subcommand that the words call."""
    plain = [word for word in words if not word.startswith("-")]
    assert plain, words
    assert plain[0] in COMMANDS, words
    both = " ".join(plain[:2])
    return FOUND[both if both in FOUND else plain[0]][0]


@pytest.mark.parametrize("name", FOUND)
def test_exit_codes_are_of_the_table(name: str) -> None:
    told = section(FOUND[name][0], "Exit codes")
    codes = [int(code) for code in re.findall(r"(?:^|[,;]\s)\s*(\d+) [a-z]", told.replace("\n", " "))]
    assert codes, told
    assert codes[0] == 0
    assert set(codes) <= set(EXIT_CODES), told


@pytest.mark.parametrize("name", FOUND)
def test_the_help_fits_a_screen_in_width(name: str) -> None:
    command, context = FOUND[name]
    assert [line for line in command.get_help(context).splitlines() if len(line) > 110] == []
    assert command.help
    assert command.get_short_help_str(200).endswith(".")


@pytest.mark.parametrize("name", FOUND)
def test_every_option_says_what_it_does(name: str) -> None:
    for parameter in FOUND[name][0].params:
        if isinstance(parameter, click.Option) and not parameter.hidden:
            assert parameter.help, parameter.name
