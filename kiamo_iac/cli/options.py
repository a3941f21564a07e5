"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

PLAIN_FORMATS = ("text", "json")


def environment_option(command: F) -> F:
    """`-e ENV`: which of the project's environments."""
    return click.option(
        "-e",
        "--environment",
        required=True,
        metavar="ENV",
        help="The environment: a name under `environments` in the project file.",
    )(command)


def format_option(command: F) -> F:
    """`--format text|json`."""
    return click.option(
        "--format",
        "output",
        type=click.Choice(PLAIN_FORMATS),
        default="text",
        show_default=True,
        help="For people, or versioned JSON.",
    )(command)
