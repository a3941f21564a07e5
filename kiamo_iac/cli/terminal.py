"""Output: data on stdout, messages on stderr; a character that the console lacks is written as an escape."""

from __future__ import annotations

import contextlib
import itertools
import os
import secrets
import stat
import sys
from typing import IO, TYPE_CHECKING, Final

import click

from kiamo_iac.core.printable import inert, obeyed, printable, visible
from kiamo_iac.core.secret import conceal, redact

if TYPE_CHECKING:
    from pathlib import Path

    from kiamo_iac.core.diagnostics import Diagnostic
    from kiamo_iac.render.base import Style

_CI_VARIABLES: Final = ("CI", "GITHUB_ACTIONS", "TF_BUILD", "TEAMCITY_VERSION")
"""Set by CI systems that run commands found in a log: GitHub, Gitea and GitLab; Azure Pipelines; TeamCity."""


def escape_unencodable() -> None:
    """Write characters that the console's encoding lacks (cp1252 on Windows) as escapes instead of raising."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, ValueError):  # replaced by something that cannot be reconfigured
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]


def is_terminal(stream: IO[str]) -> bool:
    """Whether `stream` is a terminal."""
    try:
        return stream.isatty()
    except (AttributeError, ValueError):  # None or closed, as under pythonw
        return False


def confirm(what: str, *, yes: bool = False, refused: str) -> None:
    """Return if the user types `yes`, or has passed --yes (`yes`). `what`: an infinitive; `refused`: shown otherwise.

    Raises:
        UsageError: there is no terminal to confirm on.
        click.exceptions.Exit: anything else was typed.
    """
    if yes:
        return
    if not is_terminal(sys.stdin):
        from kiamo_iac.core.errors import UsageError

        msg = "No terminal to confirm on: pass --yes. Nothing was written."
        raise UsageError(msg)
    write_message(f'Type "yes" to {what}: ', nl=False)
    if sys.stdin.readline().strip() != "yes":
        write_message(refused)
        raise click.exceptions.Exit(1)


def style_for(stream: IO[str], *, no_color: bool) -> Style:
    """Symbols that the stream's encoding has; colours on a terminal only, and not with `no_color` or NO_COLOR."""
    from kiamo_iac.render.base import Style, Symbols

    unwanted = no_color or bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
    symbols = Symbols.for_encoding(getattr(stream, "encoding", None))
    return Style(symbols, color=is_terminal(stream) and not unwanted)


def fitted(text: str, stream: IO[str]) -> str:
    """Text for people: on a terminal, with line breaks between words where a line is too long for it."""
    if not is_terminal(stream):
        return text
    try:
        width = os.get_terminal_size(stream.fileno()).columns
    except (OSError, ValueError, AttributeError):  # not backed by a file
        return text
    from kiamo_iac.render.wrapping import wrapped

    return wrapped(text, width) if width else text


def write_data(text: str, *, utf8: bool = False, verbatim: bool = False) -> None:
    """Write a result to stdout, in the console's encoding, with terminal and CI control sequences escaped.

    `utf8`: a format that must be UTF-8 (JSON, RFC 8259), whose renderer has escaped them already. `verbatim`: lines
    that have a meaning of their own, as those of a manifest: none is broken.
    """
    text = conceal(text)
    if utf8:
        click.echo(text.encode("utf-8"), nl=False)
    else:
        shown = inert(text, color=is_terminal(sys.stdout))
        click.echo(shown if verbatim else fitted(shown, sys.stdout), file=sys.stdout, nl=False, color=True)


def write_file(text: str, out: Path, *, what: str) -> None:
    """Write a result to a file that an option names, as UTF-8, and show where; `what`: the result, with its article.

    Raises:
        KiamoIacError: it cannot be written.
    """
    from kiamo_iac.core.errors import KiamoIacError
    from kiamo_iac.core.safe_files import is_stream
    from kiamo_iac.document.files import write_text

    try:
        shown = conceal(text)
        if is_stream(out) or (out.exists() and not out.is_file()):  # appended to; a regular file is replaced
            with out.open("ab") as stream:
                stream.write(shown.encode("utf-8"))
        else:
            write_text(out, shown, within=out.parent)
    except OSError as error:
        msg = f"{what[:1].upper()}{what[1:]} cannot be written to {out}: {error.strerror or error}."
        raise KiamoIacError(msg, hint="name a file in a folder that you may write to") from error
    write_message(f"Written to {out}.")


def write_unchanged(text: str, *, instead: str) -> None:
    """Write to stdout, unescaped, what another program reads: a patch, a manifest.

    Raises:
        KiamoIacError: it would go into the log of a CI system, which would run a line of it as a command; `instead` is
            the hint.
    """
    found = obeyed(text) if _is_log(sys.stdout) else None
    if found is not None:
        from kiamo_iac.core.errors import KiamoIacError

        msg = (
            f'Nothing was written: a CI system would run a line of this output as a command: "{printable(found, 80)}".'
        )
        raise KiamoIacError(msg, hint=instead)
    write_data(text, utf8=True)


def _is_log(stream: IO[str]) -> bool:
    """Whether `stream` may be the log of a CI job: in the environment of a CI system, and not a file."""
    if not any(os.environ.get(name) for name in _CI_VARIABLES):
        return False
    try:
        return not stat.S_ISREG(os.fstat(stream.fileno()).st_mode)
    except (OSError, ValueError, AttributeError):  # not backed by a file
        return True


def log_line(text: str) -> None:
    """Write one line with untrusted data to stderr, such as an API call with an id of the server."""
    write_message(visible(text))


class RunLog:
    """Writes a line for each call of a process, with an id for the process and a number for the line. Safe under
    threads."""

    def __init__(self) -> None:
        self._id = secrets.token_hex(3)
        self._lines = itertools.count(1)

    def __call__(self, text: str) -> None:
        """Write one line with untrusted data to stderr."""
        log_line(f"{self._id} {next(self._lines)}: {text}")


def show_notice(diagnostic: Diagnostic) -> None:
    """Write a diagnostic that belongs to no result to stderr."""
    from kiamo_iac.render.base import Style
    from kiamo_iac.render.diagnostics import render_text

    write_message(redact(render_text([diagnostic], Style())), nl=False)


def write_message(text: str = "", *, nl: bool = True) -> None:
    """Write to stderr, with terminal and CI control sequences escaped.

    The stream is passed explicitly, here and above: click alone would write UTF-8 to an ASCII stream.
    """
    shown = fitted(inert(conceal(text), color=is_terminal(sys.stderr)), sys.stderr)
    click.echo(shown, file=sys.stderr, nl=nl, color=True)
