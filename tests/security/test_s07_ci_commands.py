"""Names, labels and values that are commands to a CI system stand everywhere, and no command prints one that a CI
system, or a terminal, would obey: in no format, neither in what goes well nor in what goes wrong."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any, Final

import click
import pytest

from kiamo_iac.cli.failures import report
from kiamo_iac.cli.main import run
from kiamo_iac.cli.terminal import log_line, write_data, write_message
from kiamo_iac.core.errors import KiamoIacError
from kiamo_iac.core.printable import visible
from kiamo_iac.document.parser import parse
from tests.cli.conftest import Desk
from tests.cli.program import COMMAND, kiamo, variables
from tests.cli.test_canary import COMMANDS, GROUPS, LINES, OF_RUNS, E, formats
from tests.forge.fake import MARKER, serving
from tests.security.ci_commands import TRIES, obeyed

ALL: Final = " ".join(TRIES.values())
"""Every try in one text."""


def quoted(text: str) -> str:
    """In double quotes, as YAML has them."""
    shown = (char if char.isprintable() and char not in '"\\' else f"\\U{ord(char):08x}" for char in text)
    return f'"{"".join(shown)}"'


def project(text: str) -> str:
    """A project file with the text in a variable and in a URL's path."""
    return f"""\
manifests: [manifests]
variables: {{said: {quoted(text)}}}
environments:
  staging: {{url: "http://127.0.0.1:8090"}}
  later: {{url: "http://127.0.0.1:8090", patches: [later.yaml]}}
"""


def manifest(text: str) -> str:
    """What a merge request may declare: every text that is no name."""
    return f"""\
services: [{{name: Ventes}}]
bases:
  - name: prospects
    label: {quoted(text[:255])}
    settings:
      {quoted(f"key {text}")}: [1, {{deep: {quoted(text)}}}]
      lines: {quoted(text)}
      {quoted(text)}: {quoted(text)}
      filled: "${{said}}"
    fields:
      - {{name: city, label: {quoted(text[:255])}, datatype: string}}
  - name: other
    label: B
    batches:
      - {{name: r, service: Ventes, association: {{destination: phone}}, state: started}}
"""


def wrong(text: str) -> str:
    """Manifests with errors that quote the text."""
    return f"""\
bases:
  - {{name: {quoted(text)}, lable: {quoted(text)}, {quoted(f"k {text}")}: 1}}
  - {{name: b, label: {quoted("${none " + text + "}")}}}
batches: [{{base: {quoted(text)}, name: {quoted(text)}, service: {quoted(text)}}}]
"""


def live(text: str) -> dict[str, Any]:
    """What stands on the instance: names may hold anything there."""
    return {
        "services": [{"name": f"s {text}", "label": text}],
        "bases": [
            {"name": "prospects", "label": text, "fields": [{"name": f"x {text}", "label": text}]},
            {"name": f"live {text}", "label": text, "fields": []},
        ],
    }


def lines_of(name: str, text: str) -> list[list[str]]:
    """The command lines of the canary, with the text in place of its secrets."""
    address = f"bases/{text.replace('%', '%25').replace('/', '%2F')}"
    found = [[word if word.isascii() and "anari" not in word else text for word in line] for line in LINES[name]]
    extra = {"adopt": [[*E, address]], "plan": [[*E, "--target", address]], "ledger forget": [[*E, address]]}
    return [*found, *extra.get(name, [])]


@pytest.fixture
def hostile(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """An instance, manifests and files that hold all of it, in a job of every CI system at once."""
    desk.emulator.seed(live(ALL))
    desk.project(project(ALL))
    desk.manifest(manifest(ALL))
    (desk.folder / "later.yaml").write_text(f"bases: [{{name: prospects, label: {quoted(ALL[-250:])}}}]\n", "utf-8")
    (desk.folder / "contract.yaml").write_text(f"{quoted(ALL)}: {quoted(ALL)}\n", encoding="utf-8")
    (desk.folder / "plan.md").write_text(ALL, encoding="utf-8")
    monkeypatch.setenv("KIAMO_LATER_TOKEN", "0123456789" * 4)
    for name in ("CI", "GITHUB_ACTIONS", "TF_BUILD"):
        monkeypatch.setenv(name, "true")
    return desk


def check(output: str, *, annotations: bool = False) -> None:
    """No CI system obeys any line of it."""
    assert obeyed(output, annotations=annotations) == []


@pytest.mark.parametrize("text", [ALL, TRIES["github, first"], TRIES["github, old"]], ids=["all", "first", "old"])
@pytest.mark.parametrize("made", [manifest, wrong])
@pytest.mark.parametrize("name", [name for name in LINES if LINES[name] and name not in GROUPS])
def test_s07_no_command_prints_what_a_ci_system_obeys(hostile: Desk, name: str, made: Any, text: str) -> None:
    assert hostile.run("plan", *E, "--out", "kept.plan")[0] == 0
    if name in OF_RUNS:
        hostile.run("apply", *E, "--yes", "--allow-start")
    hostile.manifest(made(text))
    for line in lines_of(name, text):
        for output in formats(name):
            _, out, err = hostile.run("-v", *name.split(), *line, *output)
            assert "did not expect" not in err, err
            assert out + err
            check(out + err, annotations=output == ("--format", "github"))


def test_s07_a_successful_run_is_shown_whole_and_without_commands(hostile: Desk) -> None:
    """The same on a way that leads somewhere: planned, saved, shown, applied, drifted, listed, exported."""
    plan = ("plan", *E, "--prune", "--out", "tonight.plan")
    for line in (plan, ("show", "tonight.plan"), ("apply", "tonight.plan", "--yes", "--allow-start")):
        code, out, err = hostile.run("-v", *line)
        assert code == 0, err
        assert "bases/prospects" in out
        check(out + err)
    hostile.manifest(manifest("other"))
    for words in ("drift -e staging", "plan -e staging", "promote --from staging --to later", "ledger list -e staging"):
        code, out, err = hostile.run("-v", *words.split())
        assert code in {0, 1}, err
        assert "prospects" in out + err
        check(out + err)


@pytest.mark.parametrize("text", TRIES.values(), ids=TRIES)
def test_s07_an_export_on_stdout_reads_back_the_same(desk: Desk, text: str) -> None:
    field = {"name": "city", "label": text, "datatype": "string"}
    settings = {f"k {text}": [text, {text: text}], "s": f"{text}\n{text}"}
    desk.emulator.seed({"bases": [{"name": "prospects", "label": text, "fields": [field], "settings": settings}]})
    code, out, err = desk.run("export", *E)
    assert code == 0, err
    check(out + err)
    data = parse(out, file="x").data
    (base,) = data["bases"]
    assert (base["label"], base["fields"][0]["label"]) == (text, text)
    assert base["settings"] == settings
    desk.manifest(out)
    code, out, err = desk.run("render", *E)
    assert code == 0, err
    check(out + err)
    assert parse(out, file="x").data["bases"][0]["settings"] == settings


RAW: Final = """\
bases:
  - name: prospects
    settings:
      script: |
        one
        ::error::pwned
    label: Base
    # ##vso[task.complete]
"""
"""A manifest that says it without an escape, as a merge request may."""


@pytest.fixture
def raw(desk: Desk) -> Desk:
    """A promotion whose patch has such lines around it."""
    desk.project(
        'manifests: [manifests]\nenvironments:\n  staging: {url: "http://127.0.0.1:8090", patches: [s.yaml]}\n'
        '  later: {url: "http://127.0.0.1:8090"}\n'
    )
    desk.manifest(RAW)
    (desk.folder / "s.yaml").write_text("bases: [{name: prospects, label: New}]\n", encoding="utf-8")
    return desk


PROMOTE: Final = ("promote", "--from", "staging", "--to", "later", "--declared")


JOBS = ("CI", "GITHUB_ACTIONS", "TF_BUILD", "TEAMCITY_VERSION")
"""The variables by which CI systems say that a job runs."""


@pytest.mark.parametrize("variable", JOBS)
def test_s07_a_patch_with_a_command_is_not_written_into_a_log(
    raw: Desk, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "1")
    code, out, err = raw.run(*PROMOTE)
    assert (code, out) == (1, "")
    check(err)
    assert "> promotion.patch" in err
    assert "--write" in err
    code, out, err = raw.run(*PROMOTE, "--write")
    assert code == 0, err
    check(out + err)


def test_s07_a_patch_stays_byte_for_byte_where_it_is_no_log(raw: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in JOBS:
        monkeypatch.delenv(name, raising=False)
    code, out, _ = raw.run(*PROMOTE)
    assert code == 0
    assert " ::error::pwned\n" in out


def test_s07_in_a_pipeline_a_patch_goes_into_a_file_byte_for_byte(raw: Desk) -> None:
    with Path("promotion.patch").open("wb") as file:
        done = subprocess.run([*COMMAND, *PROMOTE], env=dict(variables(CI="true")), stdout=file, check=False)
    assert done.returncode == 0
    assert b" ::error::pwned\n" in Path("promotion.patch").read_bytes()
    assert subprocess.run(["git", "apply", "--check", "promotion.patch"], check=False).returncode == 0


def test_s07_what_fmt_lays_out_from_stdin_is_not_written_into_a_log(raw: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in JOBS:
        monkeypatch.delenv(name, raising=False)
    done = kiamo("fmt", "-", cwd=raw.folder, typed=RAW, GITHUB_ACTIONS="true")
    assert (done.returncode, done.stdout) == (1, "")
    check(done.stderr)
    assert kiamo("fmt", "-", cwd=raw.folder, typed=RAW).stdout == RAW


def test_s07_messages_of_a_forge_hold_no_commands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], desk: Desk
) -> None:
    (tmp_path / "plan.md").write_text(f"{MARKER}\n", encoding="utf-8")
    with serving() as fake:
        for name, value in fake.github(tmp_path, GITHUB_TOKEN="another-token").items():
            monkeypatch.setenv(name, value)
        for text in TRIES.values():
            fake.refusal = text
            assert run(["-v", "comment", "plan.md"]) == 1
            check("".join(capsys.readouterr()))


@pytest.mark.parametrize("text", TRIES.values(), ids=TRIES)
def test_s07_all_output_is_escaped_at_the_end(capsys: pytest.CaptureFixture[str], text: str) -> None:
    """Also what no renderer has looked at: a line of ours with a path in it, an exception of a library."""
    for shown in (text, f"a\n{text}\nb", f"\t{text}"):
        write_message(shown)
        write_data(shown)
        log_line(shown)
        report(ValueError(shown), arguments=["-v"])
        report(KiamoIacError(shown, hint=shown), arguments=[])
        report(click.BadParameter(shown), arguments=[])
        check("".join(capsys.readouterr()))


def test_s07_every_command_is_tried() -> None:
    assert {name for name in LINES if LINES[name]} | GROUPS | {"demo", "emulator"} == set(COMMANDS)


@pytest.mark.parametrize(
    "text",
    [
        "a\U000e0000b",
        "a\U000e01f0b",
        "a\u2065b",
        "a\ufe0fb",
        "x\ufe01\ufe02",
        "\u2764\ufe0f\ufe0e",
        "a\u3164b",
        "\ufe0f",
    ],
    ids=ascii,
)
def test_s07_no_output_has_invisible_characters(desk: Desk, text: str) -> None:
    """A reviewer has to see that two labels differ, and that one holds a message of its own."""
    desk.emulator.seed({"bases": [{"name": "prospects", "label": text}]})
    desk.manifest("bases: [{name: prospects, label: a}]\n")
    shown = set(visible(text))
    for words in ("plan", "plan --format json", "plan --format markdown", "plan --format html", "drift"):
        code, out, err = desk.run(*words.split(), *E)
        assert code == 0, err
        assert "\\u" in out or "\\U" in out
        assert not (set(out) - shown) & set(text)
    code, out, _ = desk.run("export", *E)
    assert code == 0
    assert parse(out, file="x").data["bases"][0]["label"] == text


@pytest.mark.parametrize(
    "text",
    [
        "\u2764\ufe0f Win-back \u260e\ufe0e 1\ufe0f\u20e3 #\ufe0f\u20e3",
        "\u845b\U000e0100\u57ce",
        "e\u0301te\u0301 \u2013 L\u2019Or\u00e9al\u00a0: \u00ab vague\u202f1 \u00bb",
        "\u0645\u0631\u062d\u0628\u0627 \u05e9\u05dc\u05d5\u05dd",
        "a \u2192 b :: c ## d #1 ##1",
        "C:\\temp $HOME `x` \u2028"[:-2],
    ],
    ids=ascii,
)
def test_s07_what_people_write_reads_as_they_wrote_it(desk: Desk, text: str) -> None:
    desk.emulator.seed({"bases": [{"name": "prospects", "label": "a"}]})
    desk.manifest(f"bases: [{{name: prospects, label: {quoted(text)}}}]\n")
    shown = text.replace("\\", "\\\\")
    for words in ("plan", "plan --format json", "drift"):
        code, out, err = desk.run(*words.split(), *E)
        assert code == 0, err
        assert shown in out
