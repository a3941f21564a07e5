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
    """A path of the command line, on which no link may lead out of the project or repository that it stands in.

    A pipeline names the same path in every run, and a merge request can put a link there.
    """

    def __init__(self, *, manifests: bool = False, **more: Any) -> None:
        """`manifests`: it names files of a project, whose links stay within the project. `more`: as click's own."""
        super().__init__(path_type=Path, **more)
        self._manifests = manifests

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path.

        Raises:
            ManifestError: a link leads out of the project or the repository that it stands in.
        """
        path = Path(os.fsdecode(super().convert(value, param, ctx)))
        if str(path) != "-":
            from kiamo_iac.manifest.paths import check_way

            check_way(path, project=self._manifests)
        return path


F = TypeVar("F", bound=Callable[..., Any])

PLAIN_FORMATS = ("text", "json")

_FORMATS_SAID = "For people, versioned JSON, or what a CI system reads (docs/formats.md)."


def addresses(_context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]) -> tuple[Address, ...]:
    """A callback: what was typed as addresses of things that there can be; usage when one of them is none."""
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
    """An option that takes an address, and may be said again."""
    return click.option(
        *names,
        multiple=True,
        callback=addresses,
        metavar="ADDRESS",
        help=f"{text} Repeatable.",
        shell_complete=declared_addresses,
    )


def addresses_argument(command: F) -> F:
    """`ADDRESS…`: one or more."""
    return click.argument(
        "addresses",
        nargs=-1,
        required=True,
        callback=addresses,
        metavar="ADDRESS...",
        shell_complete=declared_addresses,
    )(command)


def environment_option(command: F) -> F:
    """`-e ENV`: which of the project's environments."""
    return _environment(required=True)(command)


def optional_environment_option(command: F) -> F:
    """`-e ENV`, where something else may name the environment."""
    return _environment(required=False)(command)


def _environment(*, required: bool) -> Callable[[F], F]:
    return click.option(
        "-e",
        "--environment",
        required=required,
        metavar="ENV",
        shell_complete=environment_names,
        help="The environment: a name under `environments` in the project file.",
    )


def format_option(command: F) -> F:
    """`--format text|json`."""
    return _format(PLAIN_FORMATS, text="For people, or versioned JSON.")(command)


def plan_format_option(command: F) -> F:
    """`--format` with every format of a plan."""
    return _format(PLAN_FORMATS, text=_FORMATS_SAID)(command)


def drift_format_option(command: F) -> F:
    """`--format` with every format of a drift."""
    return _format(DRIFT_FORMATS, text=_FORMATS_SAID)(command)


def check_format_option(command: F) -> F:
    """`--format` with every format of what `validate` found."""
    return _format(CHECK_FORMATS, text=_FORMATS_SAID)(command)


def _format(formats: Iterable[str], *, text: str) -> Callable[[F], F]:
    choice = click.Choice(tuple(formats))
    return click.option("--format", "output", type=choice, default="text", show_default=True, help=text)


def choice_options(command: F) -> F:
    """`--prune`, `--target`, `--allow-stop`: which plan is made."""
    options = (
        click.option("--prune", is_flag=True, help="Delete what the ledger has and no manifest declares any more."),
        address_option("--target", "targets", text="Only this, what stands below it, and what it depends on."),
        address_option(
            "--allow-stop",
            "may_stop",
            text="This unfinished batch, which is not ours, may be stopped where it blocks a deletion.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def lock_timeout_option(command: F) -> F:
    """`--lock-timeout SECONDS`."""
    return click.option(
        "--lock-timeout",
        type=click.FloatRange(0, 3600),
        default=0,
        show_default=True,
        metavar="SECONDS",
        help="How long to wait for another run to end.",
    )(command)


MOST = 1000
"""More than this many candidates help nobody, and a shell takes its time to lay them out."""


def environment_names(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The project's environments."""
    from click.shell_completion import CompletionItem

    from kiamo_iac.app.project import environment_names as names_of

    try:
        names = names_of(_project(context))
    except Exception:  # noqa: BLE001 - somebody is typing: the command itself will say what is wrong
        return []
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


def declared_addresses(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """What the manifests declare and the command line does not name yet."""
    from click.shell_completion import CompletionItem

    from kiamo_iac.app.project import declared_addresses as declared
    from kiamo_iac.core.address import identity

    try:
        found = declared(_project(context))
    except Exception:  # noqa: BLE001 - as above
        return []
    said = {str(address) for address in context.params.get(parameter.name or "") or ()}
    begun = identity(incomplete)
    fitting = ((address, kind) for address, kind in found if address.startswith(begun) and address not in said)
    return [CompletionItem(address, help=kind) for (address, kind), _ in zip(fitting, range(MOST), strict=False)]


def schema_names(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The schemas there are."""
    from click.shell_completion import CompletionItem

    from kiamo_iac.app.schemas import catalogue

    return [CompletionItem(name, help=s.line) for name, s in catalogue().items() if name.startswith(incomplete)]


def _project(context: click.Context) -> Path | None:
    """The file that `--project` names, if it stands on the line."""
    named = context.find_root().params.get("project")
    return Path(named) if named else None
