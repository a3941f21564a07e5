"""Every command's `--help` says how it is used and how it ends, whichever commands there are."""

from __future__ import annotations

import re

import click
import pytest

from kiamo_iac.cli import reference
from kiamo_iac.cli.main import EXIT_CODES
from tests.cli.lines import invocations, problem_of

FOUND = {name: (command, context) for name, command, context in reference.commands()}


def section(command: click.Command, title: str) -> str:
    """What an epilog says under a title, as far as the next blank line."""
    told = (command.epilog or "").replace("\b\n", "\x08")
    found = re.search(rf"^\x08?{title}[^:\n]*:(.*?)(?:\n\n|\Z)", told, re.MULTILINE | re.DOTALL)
    assert found, f"its epilog has no {title}"
    return found[1]


@pytest.mark.parametrize("name", FOUND)
def test_examples_are_command_lines_that_there_are(name: str) -> None:
    """One of them is of the command itself, and each says only commands and options that there are."""
    lines = [line.strip() for line in section(FOUND[name][0], "Examples").splitlines() if "kiamo-iac" in line]
    assert any(f"kiamo-iac {name}" in line for line in lines), lines
    assert [(line, problem) for line in lines for words in invocations(line) if (problem := problem_of(words))] == []


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
    assert [line for line in command.get_help(context).splitlines() if len(line) > 120] == []
    assert command.help
    assert command.get_short_help_str(200).endswith(".")


@pytest.mark.parametrize("name", FOUND)
def test_every_option_says_what_it_does(name: str) -> None:
    for parameter in FOUND[name][0].params:
        if isinstance(parameter, click.Option) and not parameter.hidden:
            assert parameter.help, parameter.name
