"""Every exception that ends a run: reported on stderr, without tokens, and turned into an exit code."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import sys
import traceback
from collections.abc import Sequence
from typing import Final

import click

from kiamo_iac.cli.terminal import write_message
from kiamo_iac.core.errors import Interrupted, KiamoIacError, UsageError
from kiamo_iac.core.secret import conceal_answer, concealing, redact


def report(error: BaseException, *, arguments: Sequence[str]) -> int:
    """Report the error and return the exit code (the table of `kiamo-iac --help`)."""
    with concealing(os.environ, afterwards=True):
        return _report(error, arguments)


def _report(error: BaseException, arguments: Sequence[str]) -> int:
    code = 1
    match error:
        case SystemExit():
            code = error.code if isinstance(error.code, int) else 0
        case KeyboardInterrupt() | click.Abort():
            _write("Interrupted.")
            code = Interrupted.exit_code
        case click.UsageError():
            _usage(error)
            code = UsageError.exit_code
        case click.ClickException():
            _write(f"Error: {error.format_message()}")
        case KiamoIacError():
            _report_known(error)
            code = error.exit_code
            cause = error.__cause__
            if isinstance(cause, OSError) and (_is_pipe_closed(cause) or _is_stdout_full(cause)):
                _silence_stdout()
        case OSError() if _is_pipe_closed(error):
            _silence_stdout()
        case OSError() if _is_stdout_full(error):
            _write(f"Error: The output could not be written: {error.strerror}.")
            _write("Hint: free space there, and run it again")
            _silence_stdout()
        case _ if _is_of_an_interrupt(error):
            _write("Interrupted.")
            code = Interrupted.exit_code
        case _:
            _report_unexpected(error, verbose="-v" in arguments or "--verbose" in arguments)
    return code


def _is_of_an_interrupt(error: BaseException) -> bool:
    """Whether a signal came out as this error: raised between two steps of `threading`, it leaves a lock that is
    released twice; raised while a class is built, Python wraps it."""
    seen: list[BaseException] = []
    following: BaseException | None = error
    while following is not None and following not in seen:
        seen.append(following)
        following = following.__cause__ or following.__context__
    return any(isinstance(found, KeyboardInterrupt) for found in seen)


def _write(text: str) -> None:
    with contextlib.suppress(OSError, ValueError):  # stderr is closed
        from kiamo_iac.render.escape import document, visible

        write_message(document(visible(redact(line)) for line in text.split("\n")), nl=False)


_NEVER_SUGGESTED: Final = re.compile(r"--(?:adopt|allow-|force|into-|owed|prune|write|yes).*")
"""Options that lift a protection, delete, or write: none is passed because it was suggested for a typo."""
_TRIAL: Final = re.compile(
    r"--?(?:dry|dry-?run|noop|no-op|pretend|preview|simulate|what-?if|check|diff)", re.IGNORECASE
)
"""Options by which other programs show what they would do. A command may have one of them."""
_WITHOUT_TRIAL: Final = {
    "apply": "see the plan first: kiamo-iac plan, or kiamo-iac apply --dry-run",
    "export": "without -o, export writes to stdout alone",
    "fmt": "fmt --check and fmt --diff write no file",
    "move": "ledger move shows what it changes and asks; without --yes, and answered with no, it changes nothing",
    "plan": "plan is the dry run: it changes nothing on the instance",
    "promote": "without --write, promote shows what it would change and writes no file",
    "undo": "undo shows its plan and asks; without --yes, and answered with no, it writes nothing",
}
"""Command → how to see first what it would do."""


def _usage(error: click.UsageError) -> None:
    if isinstance(error, click.NoSuchOption) and error.possibilities:
        error.possibilities[:] = [name for name in error.possibilities if not _NEVER_SUGGESTED.fullmatch(name)]
    if error.ctx is not None:
        _write(error.ctx.get_usage())
        _write(f"Try '{error.ctx.command_path} --help' for help.\n")
    _write(f"Error: {error.format_message()}")
    command = error.ctx.info_name if error.ctx is not None else None
    if isinstance(error, click.NoSuchOption) and _TRIAL.fullmatch(error.option_name) and command in _WITHOUT_TRIAL:
        _write(f"Hint: {_WITHOUT_TRIAL[command]}")


def _report_known(error: KiamoIacError) -> None:
    from kiamo_iac.render.base import Style
    from kiamo_iac.render.diagnostics import render_text
    from kiamo_iac.render.escape import visible

    if error.diagnostics:
        _write(render_text(error.diagnostics, Style()))
    _write(f"Error: {visible(str(error))}")
    if error.hint:
        _write(f"Hint: {visible(error.hint)}")


def _report_unexpected(error: BaseException, *, verbose: bool) -> None:
    if verbose:
        _write(conceal_answer("".join(traceback.format_exception(error))))
    what = conceal_answer(f"{type(error).__name__}: {error}")
    _write(f"Error: unexpected error ({what}).")
    if not verbose:
        _write("Hint: this is a bug in kiamo-iac; run `kiamo-iac -v` for the traceback, and report it.")


def _is_pipe_closed(error: OSError) -> bool:
    """Whether the reader of stdout has gone (`… | head`); on Windows, EINVAL."""
    return error.errno == errno.EPIPE or (os.name == "nt" and error.errno == errno.EINVAL)


def _is_stdout_full(error: OSError) -> bool:
    """Whether stdout cannot be written; errors of other files carry a file name."""
    full = {errno.ENOSPC, errno.EFBIG, errno.EIO, getattr(errno, "EDQUOT", errno.ENOSPC)}
    return error.filename is None and error.errno in full


def _silence_stdout() -> None:
    """Keep the interpreter's last flush from failing too (Python's note on SIGPIPE)."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
