"""Options that several commands share."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from kiamo_iac.render.formats import CHECK_FORMATS, DRIFT_FORMATS, PLAN_FORMATS

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from kiamo_iac.core.address import Address


class NamedPath(click.Path):
    """A path argument. No link in it may lead out of its project or repository.

    A pipeline uses the same path in every run, and a merge request can replace it with a link.
    """

    def __init__(self, *, manifests: bool = False, **more: Any) -> None:
        """`manifests`: the path names files of a project, so links stay in it. `more`: as for click.Path."""
        super().__init__(path_type=Path, **more)
        self._manifests = manifests

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path.

        Raises:
            ManifestError: a link leads out of its project or repository.
        """
        path = Path(os.fsdecode(super().convert(value, param, ctx)))
        if str(path) != "-":
            from kiamo_iac.manifest.paths import check_way

            check_way(path, project=self._manifests)
        return path


F = TypeVar("F", bound=Callable[..., Any])

PLAIN_FORMATS = ("text", "json")

_FORMATS_HELP = "Text, versioned JSON, or a format for CI systems (docs/reference/formats.md)."


def addresses(_context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]) -> tuple[Address, ...]:
    """A callback that parses addresses; an invalid one is a usage error."""
    if not values:
        return ()
    from kiamo_iac.core.address import Address
    from kiamo_iac.resources import address_problem

    found = []
    for text in values:
        try:
            address = Address.parse(text)
        except ValueError as error:
            msg = f"{error}."
            raise click.BadParameter(msg) from None
        if problem := address_problem(address):
            msg = f"{problem}."
            raise click.BadParameter(msg)
        found.append(address)
    return tuple(found)


def address_option(*names: str, text: str) -> Callable[[F], F]:
    """A repeatable option that takes an address."""
    return click.option(
        *names,
        multiple=True,
        callback=addresses,
        metavar="ADDRESS",
        help=f"{text} Repeatable.",
        shell_complete=declared_addresses,
    )


def addresses_argument(*, required: bool = True) -> Callable[[F], F]:
    """`ADDRESS…`: one or more; none unless `required`."""
    return click.argument(
        "addresses",
        nargs=-1,
        required=required,
        callback=addresses,
        metavar="ADDRESS..." if required else "[ADDRESS...]",
        shell_complete=declared_addresses,
    )


def environment_option(command: F) -> F:
    """`-e ENV`: which of the project's environments."""
    return _environment(required=True)(command)


def optional_environment_option(command: F) -> F:
    """`-e ENV`, where another option may give the environment."""
    return _environment(required=False)(command)


def _environment(*, required: bool) -> Callable[[F], F]:
    return click.option(
        "-e",
        "--environment",
        required=required,
        metavar="ENV",
        shell_complete=environment_names,
        help="A name under `environments` in the project file.",
    )


def format_option(command: F) -> F:
    """`--format text|json`."""
    return _format(PLAIN_FORMATS, text="Text or versioned JSON.")(command)


def report_format_option(command: F) -> F:
    """`--format text|json|markdown`."""
    return _format((*PLAIN_FORMATS, "markdown"), text="Text, versioned JSON, or Markdown for a job summary.")(command)


def plan_format_option(command: F) -> F:
    """`--format` with every format of a plan."""
    return _format(PLAN_FORMATS, text=_FORMATS_HELP)(command)


def compact_option(command: F) -> F:
    """`--compact/--no-compact`; None where neither is passed."""
    return click.option(
        "--compact/--no-compact",
        default=None,
        help="Show one line for each step. Default: on a terminal, for more than 60 steps.",
    )(command)


def drift_format_option(command: F) -> F:
    """`--format` with every format of a drift."""
    return _format(DRIFT_FORMATS, text=_FORMATS_HELP)(command)


def check_format_option(command: F) -> F:
    """`--format` with every format of `validate`."""
    return _format(CHECK_FORMATS, text=_FORMATS_HELP)(command)


def _format(formats: Iterable[str], *, text: str) -> Callable[[F], F]:
    choice = click.Choice(tuple(formats))
    return click.option("--format", "output", type=choice, default="text", show_default=True, help=text)


def plan_options(command: F) -> F:
    """`--prune`, `--target`."""
    prune = click.option("--prune", is_flag=True, help="Delete managed resources that are no longer declared.")
    target = address_option("--target", "targets", text="Only this resource, its children, and its dependencies.")
    return prune(target(command))


def lock_timeout_option(command: F) -> F:
    """`--lock-timeout SECONDS`."""
    return click.option(
        "--lock-timeout",
        type=click.FloatRange(0, 3600),
        default=0,
        show_default=True,
        metavar="SECONDS",
        help="How long to wait for the lock of another run.",
    )(command)


MOST = 1000
"""Candidates at most: shells are slow with more, and a list that long is of no use."""


def environment_names(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The project's environments."""
    from click.shell_completion import CompletionItem

    from kiamo_iac.app.project import environment_names as names_of

    try:
        names = names_of(_project(context))
    except Exception:  # noqa: BLE001 - the user is typing: the command itself will report the error
        return []
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


def declared_addresses(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Declared addresses that are not on the command line yet."""
    from click.shell_completion import CompletionItem

    from kiamo_iac.app.project import declared_addresses as declared
    from kiamo_iac.core.address import identity

    try:
        found = declared(_project(context))
    except Exception:  # noqa: BLE001 - as above
        return []
    typed = {str(address) for address in context.params.get(parameter.name or "") or ()}
    prefix = identity(incomplete)
    matching = ((address, kind) for address, kind in found if address.startswith(prefix) and address not in typed)
    return [CompletionItem(address, help=kind) for (address, kind), _ in zip(matching, range(MOST), strict=False)]


def schema_names(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The names of schemas."""
    from click.shell_completion import CompletionItem

    from kiamo_iac.app.schemas import catalogue

    return [CompletionItem(name, help=s.line) for name, s in catalogue().items() if name.startswith(incomplete)]


def _project(context: click.Context) -> Path | None:
    """The file of `--project`, if it is on the command line."""
    named = context.find_root().params.get("project")
    return Path(named) if named else None
