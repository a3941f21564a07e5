"""The program as a whole: its help, what it imports, and how everything that goes wrong ends."""

from __future__ import annotations

import errno
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import httpx
import pytest

from kiamo_iac import __version__
from kiamo_iac.cli import main as program
from kiamo_iac.cli.main import COMMANDS, EXIT_CODES, cli, run
from kiamo_iac.cli.reference import top_context
from kiamo_iac.cli.session import Session
from kiamo_iac.cli.signals import NUMBERS
from kiamo_iac.core import errors
from tests.cli.program import kiamo, kiamo_process

CANARY = "c0ffee" * 6 + "abcd"


def imported(*arguments: str) -> set[str]:
    """The modules that a run of the program loads."""
    code = (
        "import sys; from kiamo_iac.cli.main import run; run(sys.argv[1:]);"
        "print('\\0'.join(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
    return set(done.stderr.splitlines()[-1].split("\0"))


def raising(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Make `kiamo-iac schema plan` raise `error`."""

    def fail(which: str) -> None:
        raise error

    monkeypatch.setattr(click.Command, "invoke", lambda *_: fail("x"))


def chained(
    error: Exception, *, cause: BaseException | None = None, context: BaseException | None = None
) -> BaseException:
    """As it comes out when raised `from` its cause, or while its context was handled; the chain may be a ring."""
    error.__cause__, error.__context__ = cause, context
    if (inner := cause or context) is not None and inner.__context__ is None:
        inner.__context__ = error
    return error


def test_the_version_is_told() -> None:
    done = kiamo_process("--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"kiamo-iac {__version__}\n", "")


def test_a_call_loads_no_command_line_of_httpx() -> None:
    code = (
        "import atexit, sys; from kiamo_iac.cli.main import main; sys.argv[1:] = ['--version'];"
        "atexit.register(lambda: (__import__('httpx'), print(*{'httpx', 'rich', 'pygments'} & {*sys.modules})));"
        "main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[1:] == ["httpx"], done.stderr


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_version_and_help_load_click_and_nothing_else_of_weight(option: str) -> None:
    plain = subprocess.run(
        [sys.executable, "-c", "import sys, click; print('\\0'.join(sys.modules))"],
        capture_output=True,
        text=True,
        check=True,
    )
    ours = {name for name in imported(option) if name.split(".")[0] == "kiamo_iac"}
    others = imported(option) - ours - set(plain.stdout.strip().split("\0"))
    assert {name.split(".")[0] for name in others} - sys.stdlib_module_names <= {"click"}
    assert ours == {"kiamo_iac", "kiamo_iac.cli", "kiamo_iac.cli.main"}


def test_the_help_lists_every_command_as_it_describes_itself() -> None:
    text = kiamo_process("--help").stdout
    context = click.Context(cli)
    for name, (_, short) in COMMANDS.items():
        command = cli.get_command(context, name)
        assert command is not None
        assert command.get_short_help_str(limit=200) == short
        assert re.search(rf"^  {name} +{re.escape(short)}$", text, re.MULTILINE)


def test_every_command_shows_its_help_with_an_example() -> None:
    for name in COMMANDS:
        context = top_context()
        command = cli.get_command(context, name)
        assert command is not None
        text = command.get_help(click.Context(command, info_name=name, parent=context))
        assert f"kiamo-iac {name}" in text
        assert text.count("kiamo-iac") >= 2, f"{name} shows no example"


def test_the_exit_codes_of_all_errors_are_in_the_table() -> None:
    def below(cls: type[errors.KiamoIacError]) -> list[type[errors.KiamoIacError]]:
        return [cls, *(deeper for sub in cls.__subclasses__() for deeper in below(sub))]

    assert {error.exit_code for error in below(errors.KiamoIacError)} | {0, 2} == set(EXIT_CODES)


@pytest.mark.parametrize(
    "arguments", [["no-such-command"], ["plan"], ["--no-such-option"], ["schema", "nothing"], ["plan", "-e"]]
)
def test_a_wrong_command_line_is_64(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments) == 64
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Error: " in captured.err


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (
            errors.UsageError("No such environment.", hint="say -e staging"),
            64,
            "Error: No such environment.\nHint: say",
        ),
        (errors.ManifestError("Wrong."), 1, "Error: Wrong.\n"),
        (errors.StaleError("Stale."), 3, "Error: Stale.\n"),
        (errors.PartialError("In part."), 4, "Error: In part.\n"),
        (errors.LockedError("Locked."), 5, "Error: Locked.\n"),
        (errors.GuardError("Guarded."), 6, "Error: Guarded.\n"),
        (errors.Interrupted("Stopped."), 130, "Error: Stopped.\n"),
        (errors.ApiError("a\x1b[31m\n::error::b"), 1, "Error: a\\u001b[31m\\u000a::error::b\n"),
        (KeyboardInterrupt(), 130, "Interrupted.\n"),
        (click.ClickException("Bad."), 1, "Error: Bad.\n"),
        (ValueError("odd"), 1, "ValueError: odd"),
        (chained(RuntimeError("release unlocked lock"), context=KeyboardInterrupt()), 130, "Interrupted.\n"),
        (chained(RuntimeError("of a class"), cause=chained(KeyError(), context=KeyboardInterrupt())), 130, "Interr"),
        (chained(RuntimeError("odd"), context=KeyError("inner")), 1, "RuntimeError: odd"),
    ],
)
def test_every_exception_ends_in_its_exit_code(
    error: BaseException, code: int, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    raising(monkeypatch, error)
    assert run(["schema", "plan"]) == code
    captured = capsys.readouterr()
    assert said in captured.err
    assert "Traceback" not in captured.err
    assert captured.out == ""


def test_verbose_shows_the_traceback_and_never_a_token(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KIAMO_STAGING_TOKEN", "not-hexadecimal-at-all")
    raising(monkeypatch, ValueError(f"header {CANARY} and not-hexadecimal-at-all"))
    assert run(["-v", "schema", "plan"]) == 1
    said = capsys.readouterr().err
    assert "Traceback" in said
    assert "ValueError: header (hidden) and (hidden)" in said
    assert CANARY not in said
    assert "not-hexadecimal-at-all" not in said


def test_without_verbose_the_hint_says_how_to_see_more(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    raising(monkeypatch, RuntimeError("boom"))
    assert run(["schema", "plan"]) == 1
    assert "kiamo-iac -v" in capsys.readouterr().err


def test_a_reader_that_goes_away_is_no_error_worth_a_word(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("kiamo_iac.cli.failures._silence_stdout", lambda: None)
    raising(monkeypatch, BrokenPipeError(errno.EPIPE, "Broken pipe"))
    assert run(["schema", "plan"]) == 1
    assert capsys.readouterr().err == ""


def test_a_closed_pipe_ends_the_real_program_quietly() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "kiamo_iac", "schema", "plan"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    said = process.stderr.read()
    process.stderr.close()
    assert process.wait() in {0, 1}
    assert b"Traceback" not in said
    assert b"Exception ignored" not in said


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
def test_a_full_disk_below_stdout_is_no_fault_of_the_program(
    number: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    silenced: list[bool] = []
    monkeypatch.setattr("kiamo_iac.cli.failures._silence_stdout", lambda: silenced.append(True))
    raising(monkeypatch, OSError(number, "No space left"))
    assert run(["schema", "plan"]) == 1
    assert capsys.readouterr().err == (
        "Error: The output could not be written: No space left.\nHint: free space there, and run it again\n"
    )
    assert silenced == [True]


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "utf-8"])
def test_no_console_encoding_crashes_the_help(encoding: str) -> None:
    done = kiamo_process("--help", PYTHONIOENCODING=encoding)
    assert (done.returncode, done.stderr) == (0, "")
    for arguments in (["plan", "--help"], ["demo", "--help"], ["schema", "plan"]):
        done = kiamo(*arguments, PYTHONIOENCODING=encoding)
        assert done.returncode == 0
        assert done.stderr == ""


def test_streams_are_reconfigured_only_where_they_can_be(monkeypatch: pytest.MonkeyPatch) -> None:
    from kiamo_iac.cli.terminal import escape_unencodable, is_terminal

    monkeypatch.setattr(sys, "stderr", None)
    escape_unencodable()
    assert not is_terminal(sys.stderr)


def test_main_ends_the_process_with_the_code(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[Callable[[], None]] = []
    monkeypatch.setattr(program, "run", lambda: 7)
    monkeypatch.setattr("kiamo_iac.cli.terminal.escape_unencodable", lambda: called.append(lambda: None))
    handlers = {number: signal.getsignal(number) for number in NUMBERS}
    try:
        with pytest.raises(SystemExit) as ended:
            program.main()
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    assert ended.value.code == 7
    assert called


@pytest.mark.parametrize(
    ("evil", "code"),
    [("7 ::error::pwned ##[error]", 0), ("7\n::error::pwned\n##[error]\x1b[31m", 1)],
    ids=["a path can hold it", "no path can hold it"],
)
def test_a_call_is_told_on_one_line_whatever_the_server_calls_its_things(
    evil: str, code: int, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An id that goes into a path may hold much, and a CI system reads stderr too."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KIAMO_STAGING_TOKEN", CANARY)
    (tmp_path / "kiamo.yaml").write_text(
        'manifests: [manifests]\nenvironments: {staging: {url: "http://127.0.0.1:8090"}}\n'
    )
    (tmp_path / "manifests").mkdir()
    (tmp_path / "manifests" / "a.yaml").write_text("bases: [{name: b, label: B}]\n")

    def answer(request: httpx.Request) -> httpx.Response:
        known = request.url.path.endswith("/bases")
        return httpx.Response(200, json=[{"id": evil, "name": "b", "label": "B"}] if known else [])

    assert run(["-v", "plan", "-e", "staging"], session=Session(transport=httpx.MockTransport(answer))) == code
    said = capsys.readouterr().err
    assert "pwned" in said
    assert not re.search(r"^\s*::|##\[|\x1b", said, re.MULTILINE)
