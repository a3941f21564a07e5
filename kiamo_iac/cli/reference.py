"""The command line as Markdown for README and docs, generated from the commands."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

import click

from kiamo_iac.cli.main import COMMANDS, EXIT_CODES, cli

ENVIRONMENT_VARIABLES: Mapping[str, str] = MappingProxyType(
    {
        "KIAMO_<ENV>_TOKEN": "the API token of an environment (name in upper case, other characters as `_`)",
        "KIAMO_<ENV>_TOKEN_FILE": "a file with the token",
        "KIAMO_TOKEN": "the token, if the project has one environment",
        "KIAMO_<ENV>_URL": "overrides the environment's `url`",
        "KIAMO_<ENV>_ORIGIN": "pins the instance to scheme, host and port; any other address is refused",
        "KIAMO_ORIGIN": "pins the instance of `KIAMO_TOKEN`; if any pin is set, every instance needs one",
        "KIAMO_<ENV>_LEDGER_USERNAME": "the user for an HTTP ledger",
        "KIAMO_<ENV>_LEDGER_PASSWORD": "the password for it (or `…_PASSWORD_FILE`); GitLab jobs need neither",
        "KIAMO_<ENV>_LEDGER_ORIGIN": "pins the ledger, also on git (`ssh://…`); one pin requires all others",
        "KIAMO_<ENV>_LEDGER_FILE": "an absolute path: keeps ledger and journals there instead, in tests",
        "KIAMO_GITLAB_TOKEN": "the token of `comment` on GitLab; on GitHub, `GITHUB_TOKEN`",
        "NO_COLOR": "disables colours",
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
    return table(rows, heads=("variable", "meaning"))


def command_pages() -> str:
    """Every command with its usage, options, examples and exit codes: `docs/reference/commands.md`."""
    top = top_context()
    parts = [
        "# Commands",
        "The output of `kiamo-iac COMMAND --help`, generated from the commands.",
        *_command_sections(cli, top),
        "Global options go before the command: `kiamo-iac --project other/kiamo.yaml plan -e staging`.",
    ]
    for name, command, context in commands():
        parts += [f"## {name}", *_command_sections(command, context)]
    return "\n\n".join(parts) + "\n"


def _command_sections(command: click.Command, context: click.Context) -> Iterator[str]:
    """Usage, text, arguments and options, then the epilog, as blocks of Markdown."""
    yield f"```\n{context.command_path} {' '.join(command.collect_usage_pieces(context))}\n```"
    yield from (_prose(paragraph) for paragraph in (command.help or "").split("\n\n"))
    records = (parameter.get_help_record(context) for parameter in command.get_params(context))
    options = [(names, text) for names, text in filter(None, records) if text and "--help" not in names]
    if options:
        yield table(((f"`{names}`", _prose(text)) for names, text in options), heads=("option", "does"))
    if isinstance(command, click.Group) and command is not cli:
        subs = (sub for sub in command.list_commands(context))
        yield "Subcommands: " + ", ".join(f"[{sub}](#{command.name}-{sub})" for sub in subs) + "."
    for block in (command.epilog or "").replace("\b\n", "").strip().split("\n\n"):
        yield from _epilog(block)


def _epilog(block: str) -> Iterator[str]:
    """A block of an epilog: a headline with command lines below it, or a sentence."""
    head, _, rest = block.partition("\n")
    if rest and all(line.startswith(" ") for line in rest.splitlines()):
        yield f"{head.strip()}\n\n```\n{_dedent(rest)}\n```"
    else:
        yield _prose(" ".join(block.split()))


def _dedent(text: str) -> str:
    return "\n".join(line.removeprefix("  ").rstrip() for line in text.splitlines())


def _prose(text: str) -> str:
    """Help text as Markdown: on one line, and nothing in it is a tag."""
    return " ".join(text.replace("\b", "").split()).replace("<", "&lt;").replace("*", "\\*")
