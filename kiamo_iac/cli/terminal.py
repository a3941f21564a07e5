"""Where output goes: data to stdout, talk to stderr, and never a crash over a character that a console lacks."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import IO, TYPE_CHECKING

import click

from kiamo_iac.secret import conceal, redact

if TYPE_CHECKING:
    from kiamo_iac.cli.session import Session
    from kiamo_iac.diagnostics import Diagnostic
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


def write_data(text: str, *, utf8: bool = False) -> None:
    """Write a result to stdout, in the console's encoding; with `utf8` (JSON, by RFC 8259) in UTF-8."""
    text = conceal(text)
    if utf8:
        click.echo(text.encode("utf-8"), nl=False)
    else:
        click.echo(text, file=sys.stdout, nl=False, color=True)


def tell(text: str) -> None:
    """Say one line that holds data, such as a call with an id that a server has made up."""
    from kiamo_iac.render.escape import document, visible

    say(document([visible(text)]), nl=False)


def note(diagnostic: Diagnostic) -> None:
    """Show what the user has to know beside a command's result."""
    from kiamo_iac.render.base import Style
    from kiamo_iac.render.diagnostics import render_text

    say(redact(render_text([diagnostic], Style())), nl=False)


def say(text: str = "", *, nl: bool = True) -> None:
    """Talk to the person, on stderr.

    The stream is named here and above, since click by itself would write UTF-8 to a stream that says it is ASCII.
    """
    click.echo(conceal(text), file=sys.stderr, nl=nl, color=True)
