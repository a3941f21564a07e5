"""Every exception that ends a run, told on stderr and turned into an exit code; no token ever gets through here."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import traceback
from collections.abc import Sequence

import click

from kiamo_iac.cli.terminal import write_message
from kiamo_iac.core.errors import Interrupted, KiamoIacError, UsageError
from kiamo_iac.core.secret import conceal_answer, concealing, redact


def report(error: BaseException, *, arguments: Sequence[str]) -> int:
    """Say what happened and return the exit code (the table of `kiamo-iac --help`)."""
    with concealing(os.environ, afterwards=True):
        return _told(error, arguments)


def _told(error: BaseException, arguments: Sequence[str]) -> int:
    code = 1
    match error:
        case SystemExit():
            code = error.code if isinstance(error.code, int) else 0
        case KeyboardInterrupt() | click.Abort():
            _say("Interrupted.")
            code = Interrupted.exit_code
        case click.UsageError():
            _usage(error)
            code = UsageError.exit_code
        case click.ClickException():
            _say(f"Error: {error.format_message()}")
        case KiamoIacError():
            _known(error)
            code = error.exit_code
        case OSError() if _pipe_closed(error):
            _silence_stdout()
        case OSError() if _nowhere_to_write(error):
            _say(f"Error: The output could not be written: {error.strerror}.")
            _say("Hint: make room where it goes, and run it again")
            _silence_stdout()
        case _:
            _unexpected(error, verbose="-v" in arguments or "--verbose" in arguments)
    return code


def _say(text: str) -> None:
    with contextlib.suppress(OSError, ValueError):  # stderr is gone: nobody is there to be told
        from kiamo_iac.render.escape import document, visible

        write_message(document(visible(redact(line)) for line in text.split("\n")), nl=False)


def _usage(error: click.UsageError) -> None:
    if error.ctx is not None:
        _say(error.ctx.get_usage())
        _say(f"Try '{error.ctx.command_path} --help' for help.\n")
    _say(f"Error: {error.format_message()}")


def _known(error: KiamoIacError) -> None:
    from kiamo_iac.render.base import Style
    from kiamo_iac.render.diagnostics import render_text
    from kiamo_iac.render.escape import visible

    if error.diagnostics:
        _say(render_text(error.diagnostics, Style()))
    _say(f"Error: {visible(str(error))}")
    if error.hint:
        _say(f"Hint: {visible(error.hint)}")


def _unexpected(error: BaseException, *, verbose: bool) -> None:
    if verbose:
        _say(conceal_answer("".join(traceback.format_exception(error))))
    what = conceal_answer(f"{type(error).__name__}: {error}")
    _say(f"Error: something that kiamo-iac did not expect happened ({what}).")
    if not verbose:
        _say("Hint: this is a fault of kiamo-iac; run it again as `kiamo-iac -v` for the traceback, and report it.")


def _pipe_closed(error: OSError) -> bool:
    """Whether whoever read our output has gone (`… | head`); Windows says EINVAL."""
    return error.errno == errno.EPIPE or (os.name == "nt" and error.errno == errno.EINVAL)


def _nowhere_to_write(error: OSError) -> bool:
    """Whether what stdout goes to takes no more; what we write to files of our own is told with their names."""
    full = {errno.ENOSPC, errno.EFBIG, errno.EIO, getattr(errno, "EDQUOT", errno.ENOSPC)}
    return error.filename is None and error.errno in full


def _silence_stdout() -> None:
    """Keep the interpreter's last flush from failing as well (Python's own advice on SIGPIPE)."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
