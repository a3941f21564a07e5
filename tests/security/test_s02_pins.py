"""A merge request that leads a token to another host: it adds, renames or repoints an environment or its ledger."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from kiamo_iac.cli.main import run
from kiamo_iac.cli.session import Session
from tests.cli.conftest import MANIFEST
from tests.cli.program import kiamo
from tests.http.servers import Wild, always, answer, wild

TOKEN = ("0123456789abcdef" * 3)[:40]
PASSWORD = "the-ledgers-own-password"
GOOD = "https://kiamo.example.com"
"""Where nothing listens: it is never called here."""


def reading(environment: str) -> tuple[tuple[str, ...], ...]:
    """Command lines that call the instance of an environment."""
    return (
        ("plan", "-e", environment),
        ("plan", "-e", environment, "--prune", "--rehearse"),
        ("plan", "--all-environments"),
        ("apply", "-e", environment, "--yes"),
        ("drift", "-e", environment),
        ("export", "-e", environment),
        ("doctor", "-e", environment),
        ("adopt", "-e", environment, "bases/prospects"),
        ("promote", "--from", environment, "--to", "other"),
        ("promote", "--from", "other", "--to", environment),
    )


def keeping(environment: str) -> tuple[tuple[str, ...], ...]:
    """Command lines that call the ledger of an environment and nothing else."""
    return (
        ("ledger", "list", "-e", environment),
        ("ledger", "forget", "-e", environment, "bases/prospects"),
        ("ledger", "unlock", "-e", environment, "some-id"),
    )


OFFLINE = (
    ("validate",),
    ("fmt",),
    ("render", "-e", "staging"),
    ("graph",),
    ("schema",),
    ("contract", "show"),
    ("promote", "--from", "other", "--to", "staging", "--declared"),
)


@pytest.fixture
def evil() -> Iterator[Wild]:
    """The server that the merge request chose: it answers as an empty instance does, and keeps what it was sent."""
    with wild(always(answer(b"[]"))) as server:
        yield server


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout, in a job whose environment says nothing yet."""
    for name in [name for name in os.environ if name.startswith(("KIAMO_", "CI_", "GITHUB_"))]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "manifests").mkdir()
    (tmp_path / "manifests" / "a.yaml").write_text(MANIFEST, encoding="utf-8")
    return tmp_path


def project(folder: Path, **environments: str) -> None:
    """The project file: the name of each environment and what stands below it (`__` in a name is a hyphen)."""
    lines = [f"  {name.replace('__', '-')}: {{{text}}}\n" for name, text in environments.items()]
    (folder / "kiamo.yaml").write_text("manifests: [manifests]\nenvironments:\n" + "".join(lines), encoding="utf-8")


def given(monkeypatch: pytest.MonkeyPatch, **variables: str) -> None:
    """What the job's environment says."""
    for name, text in variables.items():
        monkeypatch.setenv(name, text)


def refused(capsys: pytest.CaptureFixture[str], line: tuple[str, ...]) -> str:
    """What a command says that ends as a mistake in its use does, or in a problem of the project file."""
    code = run(line, session=Session())
    captured = capsys.readouterr()
    assert code in {1, 64}, captured
    assert TOKEN not in captured.out + captured.err
    return captured.out + captured.err


def test_s02_without_any_pin_the_token_goes_where_the_project_file_says(
    folder: Path, evil: Wild, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that what follows is known to be the pins' doing."""
    project(folder, staging=f"url: '{evil.url}'")
    given(monkeypatch, KIAMO_STAGING_TOKEN=TOKEN)
    run(("plan", "-e", "staging"), session=Session())
    assert TOKEN.encode() in b"".join(evil.requests)


@pytest.mark.parametrize("line", [*reading("staging-plan"), *keeping("staging-plan"), ("validate",)], ids=" ".join)
def test_s02_an_environment_that_would_read_another_ones_plan_token(
    folder: Path, evil: Wild, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], line: tuple[str, ...]
) -> None:
    project(folder, staging=f"url: '{GOOD}'", staging__plan=f"url: '{evil.url}'", other=f"url: '{evil.url}'")
    given(monkeypatch, KIAMO_STAGING_PLAN_TOKEN=TOKEN, KIAMO_STAGING_ORIGIN=GOOD)
    assert "kiamo.yaml:4:3: error KIA0330" in refused(capsys, line)
    assert evil.connections == 0


@pytest.mark.parametrize("name", ["gitlab", "staging.plan", "Staging_Ledger", "x-url", "x-origin", "x-token", "x-file"])
def test_s02_names_that_would_read_a_variable_of_another_meaning(
    folder: Path, evil: Wild, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    project(folder, **{name: f"url: '{evil.url}'"})
    prefix = name.upper().replace("-", "_").replace(".", "_")
    given(monkeypatch, **{f"KIAMO_{prefix}_TOKEN": TOKEN})
    assert "KIA0330" in refused(capsys, ("plan", "-e", name))
    assert evil.connections == 0
    assert run(["init", "new", "--environment", name, "--ci", "none"]) == 64
    assert not (folder / "new").exists()


@pytest.mark.parametrize(
    "pin", ["KIAMO_STAGING_ORIGIN", "KIAMO_ORIGIN", "KIAMO_A_THIRD_ORIGIN", "KIAMO_STAGING_PLAN_ORIGIN"]
)
@pytest.mark.parametrize("line", [line for line in reading("renamed") if line[0] != "promote"], ids=" ".join)
def test_s02_the_only_environment_renamed(
    folder: Path,
    evil: Wild,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    line: tuple[str, ...],
    pin: str,
) -> None:
    project(folder, renamed=f"url: '{evil.url}'")
    given(monkeypatch, KIAMO_TOKEN=TOKEN, **{pin: GOOD})
    said = refused(capsys, line)
    assert pin in said
    assert "is not pinned" in said or "allows only https://kiamo.example.com:443" in said
    assert evil.connections == 0


@pytest.mark.parametrize("variable", ["KIAMO_STAGING_URL", "url"])
@pytest.mark.parametrize("shared", [True, False])
def test_s02_the_pinned_environment_repointed(
    folder: Path,
    evil: Wild,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    variable: str,
    shared: bool,
) -> None:
    project(folder, staging=f"url: '{evil.url if variable == 'url' else GOOD}'")
    if variable != "url":
        given(monkeypatch, **{variable: evil.url})
    token, pin = ("KIAMO_TOKEN", "KIAMO_ORIGIN") if shared else ("KIAMO_STAGING_TOKEN", "KIAMO_STAGING_ORIGIN")
    given(monkeypatch, **{token: TOKEN, pin: GOOD})
    assert f"{pin} allows only https://kiamo.example.com:443" in refused(capsys, ("plan", "-e", "staging"))
    assert evil.connections == 0


@pytest.mark.parametrize("line", [("plan", "--all-environments"), *reading("copy")], ids=" ".join)
def test_s02_one_unpinned_environment_among_pinned_ones(
    folder: Path, evil: Wild, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], line: tuple[str, ...]
) -> None:
    with wild(always(answer(b"[]"))) as good:
        project(folder, other=f"url: '{good.url}'", copy=f"url: '{evil.url}'")
        given(monkeypatch, KIAMO_OTHER_TOKEN=TOKEN, KIAMO_OTHER_ORIGIN=good.url, KIAMO_COPY_TOKEN=TOKEN)
        assert '"copy" is not pinned, but KIAMO_OTHER_ORIGIN is set' in refused(capsys, line)
        assert (good.connections > 0) == ("--all-environments" in line)
    assert evil.connections == 0


def test_s02_a_pin_that_was_deleted_counts_as_none(
    folder: Path, evil: Wild, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project(folder, staging=f"url: '{evil.url}'", other=f"url: '{GOOD}'")
    given(monkeypatch, KIAMO_STAGING_TOKEN=TOKEN, KIAMO_STAGING_ORIGIN="", KIAMO_OTHER_ORIGIN=GOOD)
    assert '"staging" is not pinned' in refused(capsys, ("plan", "-e", "staging"))
    assert evil.connections == 0


@pytest.mark.parametrize("line", OFFLINE, ids=" ".join)
def test_s02_what_sends_nothing_asks_for_no_pin(
    folder: Path, evil: Wild, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], line: tuple[str, ...]
) -> None:
    ledger = f"ledger: {{backend: http, address: '{evil.url}/state'}}"
    project(folder, staging=f"url: '{evil.url}', {ledger}", other=f"url: '{evil.url}'")
    given(monkeypatch, KIAMO_STAGING_TOKEN=TOKEN, KIAMO_GONE_ORIGIN=GOOD, KIAMO_GONE_LEDGER_ORIGIN=GOOD)
    assert run(line, session=Session()) == 0, capsys.readouterr()
    assert evil.connections == 0


def test_s02_completion_calls_nothing(folder: Path, evil: Wild) -> None:
    project(folder, staging=f"url: '{evil.url}'", other=f"url: '{evil.url}'")
    shell = {"_KIAMO_IAC_COMPLETE": "zsh_complete", "KIAMO_STAGING_TOKEN": TOKEN, "KIAMO_OTHER_ORIGIN": GOOD}
    for words, offered in (("plan\n-e\nst", "staging"), ("adopt\n-e\nstaging\nbases/", "bases/prospects")):
        done = kiamo(cwd=folder, **shell, _KIAMO_IAC_WORDS=f"kiamo-iac\n{words}")
        assert offered in done.stdout, done.stderr
    assert evil.connections == 0


# --- ledgers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("line", [*keeping("renamed"), *reading("renamed")], ids=" ".join)
def test_s02_an_unpinned_ledger_once_one_is_pinned(
    folder: Path, evil: Wild, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], line: tuple[str, ...]
) -> None:
    with wild(always(answer(b"[]"))) as good:
        ledger = f"ledger: {{backend: http, address: '{evil.url}/state'}}"
        project(folder, renamed=f"url: '{good.url}', {ledger}", other=f"url: '{good.url}'")
        given(monkeypatch, KIAMO_RENAMED_TOKEN=TOKEN, KIAMO_OTHER_TOKEN=TOKEN)
        given(monkeypatch, KIAMO_RENAMED_LEDGER_USERNAME="robot", KIAMO_RENAMED_LEDGER_PASSWORD=PASSWORD)
        given(monkeypatch, KIAMO_STAGING_LEDGER_ORIGIN=GOOD)
        said = refused(capsys, line)
        assert 'The ledger of "renamed" is not pinned, but KIAMO_STAGING_LEDGER_ORIGIN is set' in said
        assert (good.connections > 0) == ("--all-environments" in line)
    assert evil.connections == 0


@pytest.mark.parametrize("line", [*keeping("staging"), ("apply", "-e", "staging", "--yes")], ids=" ".join)
def test_s02_a_pinned_ledger_repointed(
    folder: Path, evil: Wild, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], line: tuple[str, ...]
) -> None:
    project(folder, staging=f"url: '{GOOD}', ledger: {{backend: http, address: '{evil.url}/state'}}")
    given(monkeypatch, KIAMO_STAGING_TOKEN=TOKEN, KIAMO_STAGING_LEDGER_ORIGIN=GOOD)
    given(monkeypatch, KIAMO_STAGING_LEDGER_USERNAME="robot", KIAMO_STAGING_LEDGER_PASSWORD=PASSWORD)
    assert "KIAMO_STAGING_LEDGER_ORIGIN allows only https://kiamo.example.com:443" in refused(capsys, line)
    assert evil.connections == 0


def test_s02_pins_of_instances_are_none_of_ledgers(
    folder: Path, evil: Wild, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project(folder, staging=f"url: '{evil.url}'")
    given(monkeypatch, KIAMO_STAGING_TOKEN=TOKEN, KIAMO_STAGING_LEDGER_ORIGIN=GOOD)
    run(("plan", "-e", "staging"), session=Session())
    assert evil.connections > 0
    capsys.readouterr()


# --- other users of the machine ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("whose", ["another's", "mine", "root's", "the folder's", "shared among few"])
def test_s02_a_project_file_that_another_user_puts_above_all_folders(
    folder: Path, evil: Wild, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], whose: str
) -> None:
    """In `/tmp`, for whoever works below it and has a token. Which of them are legitimate, the other cases say."""
    project(folder, staging=f"url: '{evil.url}'")
    below = folder / "mine"
    below.mkdir()
    owner = {"mine": os.geteuid(), "root's": 0, "the folder's": 4343}.get(whose, 4242)
    folder.chmod(0o775 if whose == "shared among few" else 0o1777)
    told = Path.stat

    def stat(path: Path, *, follow_symlinks: bool = True) -> os.stat_result:
        found = told(path, follow_symlinks=follow_symlinks)
        uid = {folder / "kiamo.yaml": owner, below: 4343}.get(path, found.st_uid)
        return os.stat_result((*found[:4], uid, *found[5:]))

    monkeypatch.setattr(Path, "stat", stat)
    monkeypatch.chdir(below)
    given(monkeypatch, KIAMO_STAGING_TOKEN=TOKEN)
    if whose != "another's":
        run(("plan", "-e", "staging"), session=Session())
        assert evil.connections > 0
        return
    said = refused(capsys, ("plan", "-e", "staging"))
    assert f"{folder / 'kiamo.yaml'} belongs to another user" in said
    assert "to use it, pass --project" in said
    assert evil.connections == 0
    run(("--project", str(folder / "kiamo.yaml"), "plan", "-e", "staging"), session=Session())
    assert evil.connections > 0
