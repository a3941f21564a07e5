"""Where output goes: data to stdout, talk to stderr, and never a crash over a character that a console lacks."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import IO, TYPE_CHECKING

import click

if TYPE_CHECKING:
    from kiamo_iac.cli.session import Session
    from kiamo_iac.render.base import Style


def forgiving_streams() -> None:
    """Characters that the console's encoding lacks (cp1252 on Windows) are written as escapes instead of raising."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, ValueError):  # replaced by something that cannot be reconfigured
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]


def is_terminal(stream: IO[str]) -> bool:
    """Whether a person is looking at `stream`, or typing into it."""
    try:
        return stream.isatty()
    except (AttributeError, ValueError):  # None or closed, as under pythonw
        return False


def style_for(stream: IO[str], session: Session) -> Style:
    """Signs that the stream's encoding has; colours on a terminal alone, and not when they are unwanted."""
    from kiamo_iac.render.base import Style
    from kiamo_iac.render.symbols import Symbols

    unwanted = session.no_color or bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
    symbols = Symbols.for_encoding(getattr(stream, "encoding", None))
    return Style(symbols, color=is_terminal(stream) and not unwanted)


_SHORTEST_SECRET = 8
"""A shorter value of a token variable is no token, and hiding it would hide half of every sentence."""


def without_tokens(text: str) -> str:
    """`text` without the value of any token variable, wherever it came from: a live attribute may hold one."""
    for name, secret in os.environ.items():
        if name.startswith("KIAMO_") and name.endswith("TOKEN") and len(secret) >= _SHORTEST_SECRET:
            text = text.replace(secret, "(hidden)")
    return text


def write_data(text: str, *, utf8: bool = False) -> None:
    """Write a result to stdout, in the console's encoding; with `utf8` (JSON, by RFC 8259) in UTF-8."""
    text = without_tokens(text)
    if utf8:
        click.echo(text.encode("utf-8"), nl=False)
    else:
        click.echo(text, file=sys.stdout, nl=False, color=True)


def say(text: str = "", *, nl: bool = True) -> None:
    """Talk to the person, on stderr.

    The stream is named here and above, since click by itself would write UTF-8 to a stream that says it is ASCII.
    """
    click.echo(without_tokens(text), file=sys.stderr, nl=nl, color=True)
