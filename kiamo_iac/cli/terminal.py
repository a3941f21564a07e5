"""Where output goes: data to stdout, talk to stderr, and never a crash over a character that a console lacks."""

from __future__ import annotations

import contextlib
import os
import stat
import sys
from typing import IO, TYPE_CHECKING, Final

import click

from kiamo_iac.core.printable import inert, obeyed, printable, visible
from kiamo_iac.core.secret import conceal, redact

if TYPE_CHECKING:
    from kiamo_iac.cli.session import Session
    from kiamo_iac.core.diagnostics import Diagnostic
    from kiamo_iac.render.base import Style

_CI_VARIABLES: Final = ("CI", "GITHUB_ACTIONS", "TF_BUILD", "TEAMCITY_VERSION")
"""One of them is set wherever a log is read for commands: GitHub, Gitea and GitLab; Azure Pipelines; TeamCity."""


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
    from kiamo_iac.render.base import Style, Symbols

    unwanted = session.no_color or bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
    symbols = Symbols.for_encoding(getattr(stream, "encoding", None))
    return Style(symbols, color=is_terminal(stream) and not unwanted)


def write_data(text: str, *, utf8: bool = False) -> None:
    """Write a result to stdout, in the console's encoding, with what a terminal or a CI system would obey made visible.

    `utf8`: a format of its own (JSON, by RFC 8259), whose renderer has done that already; in UTF-8, as it is.
    """
    text = conceal(text)
    if utf8:
        click.echo(text.encode("utf-8"), nl=False)
    else:
        click.echo(inert(text, color=is_terminal(sys.stdout)), file=sys.stdout, nl=False, color=True)


def write_exact(text: str, *, instead: str) -> None:
    """Write to stdout what another program reads byte for byte: a patch, a manifest.

    Raises:
        KiamoIacError: it would go into the log of a CI system, which would obey a line of it; `instead` is the hint.
    """
    found = obeyed(text) if _is_log(sys.stdout) else None
    if found is not None:
        from kiamo_iac.core.errors import KiamoIacError

        msg = f'A CI system would obey a line of this output, so none of it is written: "{printable(found, 80)}".'
        raise KiamoIacError(msg, hint=instead)
    write_data(text, utf8=True)


def _is_log(stream: IO[str]) -> bool:
    """Whether `stream` may be the log of a pipeline's job: not a file, in the environment of a CI system."""
    if not any(os.environ.get(name) for name in _CI_VARIABLES):
        return False
    try:
        return not stat.S_ISREG(os.fstat(stream.fileno()).st_mode)
    except (OSError, ValueError, AttributeError):  # no file behind it
        return True


def tell(text: str) -> None:
    """Say one line that holds data, such as a call with an id that a server has made up."""
    say(visible(text))


def note(diagnostic: Diagnostic) -> None:
    """Show what the user has to know beside a command's result."""
    from kiamo_iac.render.base import Style
    from kiamo_iac.render.diagnostics import render_text

    say(redact(render_text([diagnostic], Style())), nl=False)


def say(text: str = "", *, nl: bool = True) -> None:
    """Talk to the person, on stderr, with what a terminal or a CI system would obey made visible.

    The stream is named here and above, since click by itself would write UTF-8 to a stream that says it is ASCII.
    """
    shown = inert(conceal(text), color=is_terminal(sys.stderr))
    click.echo(shown, file=sys.stderr, nl=nl, color=True)
