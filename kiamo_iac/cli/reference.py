"""The command line described in Markdown, out of the commands themselves, for README and docs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

import click

from kiamo_iac.cli.main import COMMANDS, EXIT_CODES, cli

ENVIRONMENT_VARIABLES: Mapping[str, str] = MappingProxyType(
    {
        "KIAMO_<ENV>_TOKEN": "the API token of an environment (its name in capitals, other signs as `_`)",
        "KIAMO_<ENV>_TOKEN_FILE": "a file that holds it, instead",
        "KIAMO_TOKEN": "the token, where the project has one environment",
        "KIAMO_<ENV>_URL": "overrides the environment's `url`",
        "KIAMO_<ENV>_ORIGIN": "pins it: a project file that points elsewhere is refused, and the token stays here",
        "KIAMO_<ENV>_LEDGER_USERNAME": "who writes the ledger, where it is kept behind HTTP",
        "KIAMO_<ENV>_LEDGER_PASSWORD": "the password to it (or `…_PASSWORD_FILE`); GitLab's jobs need neither",
        "KIAMO_<ENV>_LEDGER_ORIGIN": "pins where these two go: a project file that points elsewhere is refused",
        "KIAMO_GITLAB_TOKEN": "with which `comment` comments on GitLab; on GitHub that is `GITHUB_TOKEN`",
        "NO_COLOR": "no colours",
    }
)

_WIDTH = 100


def table(rows: Iterable[tuple[str, str]], *, heads: tuple[str, str]) -> str:
    """A Markdown table of two columns."""
    lines = [f"| {heads[0]} | {heads[1]} |", "| --- | --- |"]
    lines += [f"| {_cell(left)} | {_cell(right)} |" for left, right in rows]
    return "\n".join(lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def top_context() -> click.Context:
    """The program's own context. Click keeps the help option of a command's first context, so all must agree on it."""
    return click.Context(cli, info_name="kiamo-iac", terminal_width=_WIDTH, help_option_names=["-h", "--help"])


def commands() -> Iterator[tuple[str, click.Command, click.Context]]:
    """Every command and subcommand by its full name, with a context to print it in."""
    top = top_context()
    for name in COMMANDS:
        command = cli.get_command(top, name)
        if command is None:
            continue
        context = click.Context(command, info_name=name, parent=top, terminal_width=_WIDTH)
        yield name, command, context
        if isinstance(command, click.Group):
            for sub in command.list_commands(context):
                below = command.get_command(context, sub)
                if below is not None:
                    yield (
                        f"{name} {sub}",
                        below,
                        click.Context(below, info_name=sub, parent=context, terminal_width=_WIDTH),
                    )


def command_table() -> str:
    """Command with its options → what it does."""
    rows = []
    for name, command, context in commands():
        if isinstance(command, click.Group):
            continue
        words = [piece for parameter in command.params for piece in _usage(parameter, context)]
        rows.append((f"`{' '.join([name, *words])}`", command.get_short_help_str(200)))
    return table(rows, heads=("command", "does"))


def _usage(parameter: click.Parameter, context: click.Context) -> list[str]:
    if isinstance(parameter, click.Argument):
        return parameter.get_usage_pieces(context)
    if not isinstance(parameter, click.Option) or parameter.hidden:
        return []
    name = parameter.opts[0]
    if not parameter.is_flag:
        name += f" {_metavar(parameter, context)}"
    return [name if parameter.required else f"[{name}]"]


def _metavar(option: click.Option, context: click.Context) -> str:
    if isinstance(option.type, click.Choice):
        return "|".join(map(str, option.type.choices))
    return option.make_metavar(context)


def exit_code_table() -> str:
    """Exit code → when."""
    return table(((str(code), meaning) for code, meaning in EXIT_CODES.items()), heads=("exit code", "when"))


def variable_table() -> str:
    """Environment variable → what it is for."""
    rows = ((f"`{name}`", meaning) for name, meaning in ENVIRONMENT_VARIABLES.items())
    return table(rows, heads=("variable", "what it is for"))


def command_pages() -> str:
    """The help of every command, whole: `docs/reference/commands.md`."""
    parts = ["# Commands", "", "Each command's `--help`.", "", "```", cli.get_help(top_context()), "```"]
    for name, command, context in commands():
        parts += ["", f"## {name}", "", "```", command.get_help(context), "```"]
    return "\n".join(line.rstrip() for line in "\n".join(parts).splitlines()) + "\n"
