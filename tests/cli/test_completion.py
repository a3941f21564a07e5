"""Completion without a shell: what is offered, how PowerShell is answered, and that who types sees no errors."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from kiamo_iac.app.project import declared_addresses
from kiamo_iac.cli import options, reference, shells
from kiamo_iac.cli.completion import SHELLS
from kiamo_iac.cli.main import COMMANDS, cli
from kiamo_iac.cli.options import schema_names
from kiamo_iac.cli.shells import quote_for_bash, quote_for_powershell, script_text, split_line, unquote_from_powershell
from tests.cli.conftest import Desk
from tests.cli.program import kiamo, variables
from tests.shells import project

ASKED = re.compile(r"ENV|ADDRESS(\.\.\.)?|\[ADDRESS(\.\.\.)?\]")
"""The metavars of what is looked up in the project."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The project of harmful names, as the working directory."""
    made = project.make(tmp_path)
    monkeypatch.chdir(made)
    return made


def asked(desk: Desk, monkeypatch: pytest.MonkeyPatch, shell: str, *words: str) -> str:
    """What the program answers a shell, in process."""
    monkeypatch.setenv("_KIAMO_IAC_COMPLETE", f"{shell}_complete")
    monkeypatch.setenv("_KIAMO_IAC_WORDS", "\n".join(("kiamo-iac", *words)))
    code, out, err = desk.run()
    assert (code, err) == (0, "")
    return out


@pytest.mark.parametrize("shell", SHELLS)
def test_each_shell_gets_its_script(shell: str, desk: Desk) -> None:
    code, out, err = desk.run("completion", shell)
    assert (code, err) == (0, "")
    assert out == script_text(shells.SHELLS[shell].script)
    assert f"{shell}_complete" in out
    assert "\r" not in out


def test_the_shells_that_are_offered_are_those_that_are_answered(desk: Desk) -> None:
    assert tuple(shells.SHELLS) == SHELLS
    assert desk.run("completion", "tcsh")[0] == 64


def test_every_environment_and_every_address_is_completed() -> None:
    """Also those of commands that are added later: whoever says ENV or ADDRESS is asked about it."""
    found = 0
    for name, command, context in reference.commands():
        for parameter in command.params:
            metavar = parameter.make_metavar(context)
            if ASKED.fullmatch(metavar):
                found += 1
                assert completer(parameter) in (options.environment_names, options.declared_addresses), (name, metavar)
    assert found >= 12


def completer(parameter: click.Parameter) -> object:
    """What was given as `shell_complete=`."""
    return parameter._custom_shell_complete


def test_commands_are_offered_with_what_they_do(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    kind, *lines = asked(desk, monkeypatch, "zsh", "").splitlines()
    assert kind == "words"
    assert [tuple(line.split("\t")) for line in lines] == [(name, short) for name, (_, short) in COMMANDS.items()]


def test_environments_addresses_and_formats_are_offered(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    assert asked(desk, monkeypatch, "zsh", "plan", "-e", "").splitlines() == ["words", "staging", "eager"]
    below = asked(desk, monkeypatch, "fish", "plan", "--target", '"bases/').splitlines()
    assert below == [
        "words",
        "bases/prospects\tbase",
        "bases/prospects/batches/relance\tbatch",
        "bases/prospects/fields/ville\tfield",
    ]
    assert asked(desk, monkeypatch, "zsh", "ledger", "list", "--format", "j").splitlines() == ["words", "json"]
    assert asked(desk, monkeypatch, "zsh", "show", "").splitlines() == ["files"]


def test_no_call_is_made_for_it(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    asked(desk, monkeypatch, "zsh", "plan", "--target", "")
    assert desk.emulator.calls() == []


def test_it_imports_neither_client_nor_renderers(desk: Desk) -> None:
    """For `--target` no more than `validate` needs is imported, and for commands nearly nothing."""
    watch = (
        "import sys, kiamo_iac.cli.main as program; code = program.run([]); "
        "print(*(name for name in {!r} if name in sys.modules), file=sys.stderr); sys.exit(code)"
    )
    heavy = ("httpx", "deepdiff", "rich", "asyncio", "starlette", "jinja2")
    for words, unwanted in (("plan\n--target\n", heavy), ("", (*heavy, "pydantic", "ruamel.yaml"))):
        done = subprocess.run(
            [sys.executable, "-c", watch.format(unwanted)],
            cwd=desk.folder,
            env={**variables(_KIAMO_IAC_COMPLETE="zsh_complete", _KIAMO_IAC_WORDS=f"kiamo-iac\n{words}")},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.stdout.startswith("words\n")
        assert done.stderr.strip() == ""


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("broken", ["manifests: [", "manifests: [gone]\n", "- a\n", "\x00", None])
def test_whatever_is_wrong_is_met_with_silence(
    shell: str, broken: str | None, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    if broken is None:
        (desk.folder / "kiamo.yaml").unlink()
        (desk.folder / ".git").mkdir()
    else:
        desk.project(broken)
    for option in ("--environment", "--target"):
        assert asked(desk, monkeypatch, shell, "plan", option, "") in {"words\n", "[]\n"}


def test_a_broken_manifest_hides_only_itself(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.manifest("bases: [", "broken.yaml")
    assert "bases/prospects\tbase" in asked(desk, monkeypatch, "zsh", "adopt", "")


def test_a_mistake_of_ours_is_met_with_silence_too(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("kiamo_iac.cli.shells.completions_from", fails)
    assert asked(desk, monkeypatch, "zsh", "plan", "-e", "") == "words\n"


def test_no_more_is_offered_than_a_shell_can_lay_out(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(options, "MOST", 2)
    assert len(asked(desk, monkeypatch, "zsh", "adopt", "").splitlines()) == 3


def test_names_with_unseen_characters_are_never_offered(folder: Path) -> None:
    for shell in SHELLS:
        done = kiamo(
            cwd=folder,
            _KIAMO_IAC_COMPLETE=f"{shell}_complete",
            _KIAMO_IAC_WORDS="kiamo-iac adopt " if shell == "bash" else "kiamo-iac\nadopt\n",
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert all(line.replace("\t", "").isprintable() for line in done.stdout.splitlines())
        if shell == "powershell":
            assert [each["shown"] for each in json.loads(done.stdout)] == project.addresses()
        else:
            assert len(done.stdout.splitlines()) == 1 + len(project.addresses())


def test_powershell_is_answered_in_ascii_with_every_value_quoted(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.manifest("services: [{name: L'été ‘x’}]", "b.yaml")
    answer = asked(desk, monkeypatch, "powershell", "adopt", "'services/L")
    assert answer.isascii()
    assert json.loads(answer) == [{"text": "'services/L''été ‘‘x’’'", "shown": "services/L'été ‘x’", "help": "service"}]
    assert json.loads(asked(desk, monkeypatch, "powershell", "plan", "-e", "st")) == [
        {"text": "staging", "shown": "staging", "help": "staging"}
    ]
    assert asked(desk, monkeypatch, "powershell", "show", "") == "[]\n"


@pytest.mark.parametrize("value", [*project.NAMES, "a`b", '"', "$(1)", "@(1)", "a;b", "a,b", "{x}", "%PATH%"])
def test_powershell_s_quotes_hold(value: str) -> None:
    """A literal of PowerShell's: no sign of its quotes is alone, and bare words have no sign that means anything."""
    text = quote_for_powershell(value)
    if text == value:
        assert re.fullmatch(r"[\w./:=\\-]+", value, re.ASCII)
    else:
        assert (text[0], text[-1]) == ("'", "'")
        assert not re.search("['‘’‚‛]", re.sub("(['‘’‚‛])\\1", "", text[1:-1]))
        assert unquote_from_powershell(text) == value


def test_the_powershell_script_evaluates_nothing() -> None:
    script = script_text("kiamo-iac.ps1")
    code = "\n".join(line for line in script.splitlines() if not line.lstrip().startswith("#"))
    assert "Register-ArgumentCompleter -Native" in code
    for dangerous in ("Invoke-Expression", "iex", "ExpandString", "ScriptBlock]::Create", "Invoke-Command"):
        assert dangerous not in code
    assert code.count("{") == code.count("}")
    assert code.count("(") == code.count(")")
    assert code.isascii()


@pytest.mark.parametrize(
    ("text", "words", "current", "kept", "quote"),
    [
        ("", (), "", 0, ""),
        ("a b ", ("a", "b"), "", 0, ""),
        ("a 'b c' d", ("a", "b c"), "d", 0, ""),
        ('a "b\\"c', ("a",), 'b"c', 0, '"'),
        ('a "b\\c', ("a",), "b\\c", 0, '"'),
        ("a b\\ c", ("a",), "b c", 0, ""),
        ("a b:c", ("a",), "b:c", 2, ""),
        ("a b\\:c", ("a",), "b:c", 0, ""),
        ("a b:'c:d", ("a",), "b:c:d", 2, "'"),
        ("a b:'c'd", ("a",), "b:cd", 2, ""),
        ("a ''", ("a",), "", 0, ""),
        ("a '' ", ("a", ""), "", 0, ""),
        ("a \\", ("a",), "", 0, ""),
    ],
)
def test_a_line_is_split_as_a_shell_would(
    text: str, words: tuple[str, ...], current: str, kept: int, quote: str
) -> None:
    line = split_line(text, breaks=" :")
    assert (line.words, line.current, line.kept, line.quote) == (words, current, kept, quote)


def test_what_bash_inserts_of_several_names_never_lets_a_sign_go_free() -> None:
    """bash inserts what its candidates have in common: however it is cut, every special sign keeps its escape."""
    text = quote_for_bash(" $(x)`;&|<>'\"!*?[]{}#~\\", quote="")
    assert re.fullmatch(r"(?:\\.|[A-Za-z0-9])*", text)
    for end in range(len(text)):
        assert re.fullmatch(r"(?:\\.|[A-Za-z0-9])*\\?", text[:end])


def test_what_only_a_patch_declares_is_offered_and_so_are_schemas(desk: Desk) -> None:
    (desk.folder / "kiamo.yaml").write_text(
        "manifests: [manifests]\nenvironments:\n  staging:\n  late: {patches: [late.yaml]}\n", encoding="utf-8"
    )
    (desk.folder / "late.yaml").write_text("bases: [{name: only-there}]\n", encoding="utf-8")
    assert ("bases/only-there", "base") in declared_addresses(desk.folder / "kiamo.yaml")
    context = click.Context(cli)
    assert [item.value for item in schema_names(context, cli.params[0], "pl")] == ["plan", "plans"]
