"""S14: what a merge request links among manifests, project files, pipelines and outputs leads out of nothing."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from kiamo_iac.cli.main import COMMANDS, LazyGroup, cli
from kiamo_iac.cli.options import NamedPath
from tests.cli.conftest import MANIFEST, PROJECT, Desk
from tests.cli.program import ROOT, kiamo, variables

SECRET = "token: canary-of-somebody-else\nb:   1\n"
REMEDY = "a merge request may have added the link"


@pytest.fixture
def outside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder of somebody else's; nothing in it changes, and nothing comes into it."""
    folder = tmp_path_factory.mktemp("outside")
    (folder / "secret.yaml").write_text(SECRET)
    (folder / "project").mkdir()
    (folder / "project" / "kiamo.yaml").write_text(PROJECT)
    (folder / "project" / "manifests").mkdir()
    (folder / "project" / "manifests" / "theirs.yaml").write_text("bases:   []\n")
    before = everything(folder)
    yield folder
    assert everything(folder) == before


@pytest.fixture
def repository(desk: Desk) -> Desk:
    """The desk as a checkout."""
    (desk.folder / ".git").mkdir()
    (desk.folder / ".git" / "config").write_text('[http "x"]\n\textraheader = AUTHORIZATION: basic canary\n')
    (desk.folder / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    return desk


def everything(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Modes and contents, by name."""
    return {
        path.relative_to(folder).as_posix(): (path.lstat().st_mode, path.read_bytes() if path.is_file() else b"")
        for path in sorted(folder.rglob("*"))
    }


def refused(desk: Desk, *arguments: str, saying: str, code: int = 1) -> None:
    """It ends with `code`, says this, and shows nothing of what stands outside."""
    before = everything(desk.folder)
    ended, out, err = desk.run(*arguments)
    assert ended == code, out + err
    assert saying in out + err
    assert "canary" not in out + err
    assert everything(desk.folder) == before


# --- what is read ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [(), ("--diff",), ("--check",), ("--check", "--diff")], ids=" ".join)
@pytest.mark.parametrize("name", ["manifests/link.yaml", "manifests/linked/secret.yaml", "manifests/linked"])
def test_s14_fmt_shows_and_writes_nothing_behind_a_link(
    repository: Desk, outside: Path, options: tuple[str, ...], name: str
) -> None:
    (repository.folder / "manifests" / "link.yaml").symlink_to(outside / "secret.yaml")
    (repository.folder / "manifests" / "linked").symlink_to(outside)
    refused(repository, "fmt", *options, name, saying="error KIA0341: the link leads out of the repository")
    refused(repository, "fmt", *options, saying="error KIA0305: the link")
    refused(repository, "fmt", *options, "manifests", saying="error KIA0305: the link")


@pytest.mark.parametrize("command", [("fmt", "--diff"), ("fmt",), ("validate",)], ids=" ".join)
def test_s14_a_loose_file_is_not_read_out_of_the_repository(
    repository: Desk, outside: Path, command: tuple[str, ...]
) -> None:
    """No project file anywhere: pre-commit names files all the same."""
    (repository.folder / "kiamo.yaml").unlink()
    (repository.folder / "link.yaml").symlink_to(outside / "secret.yaml")
    (repository.folder / "manifests" / "deep").mkdir()
    (repository.folder / "manifests" / "deep" / "link.yaml").symlink_to(outside / "secret.yaml")
    for named in ("link.yaml", "manifests", "manifests/deep", "manifests/deep/link.yaml"):
        link = named if named.endswith("link.yaml") else "manifests/deep/link.yaml"
        refused(repository, *command, named, saying=f"{link}:1:1: error KIA0341: the link leads out of the repository")
        assert REMEDY in repository.run(*command, named)[2]


def test_s14_a_link_of_ones_own_is_followed(repository: Desk, outside: Path) -> None:
    """It stands in no project and no repository; and within the repository, links are people's own affair."""
    (repository.folder / "shared.yaml").write_text("bases:   []\n")
    (outside.parent / "mine.yaml").symlink_to(repository.folder / "shared.yaml")
    code, out, _ = repository.run("fmt", "--diff", str(outside.parent / "mine.yaml"))
    assert code == 0
    assert "+bases: []" in out
    (repository.folder / "manifests" / "link.yaml").symlink_to("../shared.yaml")
    assert repository.run("fmt", "manifests/link.yaml")[0] == 0
    assert (repository.folder / "shared.yaml").read_text() == "bases: []\n"
    assert (repository.folder / "manifests" / "link.yaml").is_symlink()
    assert repository.run("validate")[0] == 0


READING = (
    ("validate",),
    ("render", "-e", "staging"),
    ("graph",),
    ("fmt", "--diff"),
    ("plan", "-e", "staging"),
    ("drift", "-e", "staging"),
)


@pytest.mark.parametrize("arguments", READING, ids=" ".join)
@pytest.mark.parametrize("target", ["outside", "git"])
def test_s14_no_entry_of_the_project_file_leads_out(
    repository: Desk, outside: Path, arguments: tuple[str, ...], target: str
) -> None:
    """`manifests`, `patches`, `contract` and what lies below them; into `.git`, where credentials are, neither."""
    to = outside / "secret.yaml" if target == "outside" else repository.folder / ".git" / "config"
    link = repository.folder / "manifests" / "link.yaml"
    link.symlink_to(to)
    refused(repository, *arguments, saying='the link "manifests/link.yaml" leads out of the project')
    link.unlink()
    (repository.folder / "linked").symlink_to(to.parent)
    (repository.folder / "contract.yaml").symlink_to(to)
    for text in (
        PROJECT.replace("[manifests]", "[manifests, linked]"),
        PROJECT.replace("staging: {", "staging: {patches: [linked], "),
        PROJECT.replace("staging: {", f"staging: {{patches: [linked/{to.name}], "),
        f"contract: contract.yaml\n{PROJECT}",
        f"contract: linked/{to.name}\n{PROJECT}",
    ):
        repository.project(text)
        refused(repository, *arguments, saying="KIA0305: the path leads out of the project")


@pytest.mark.parametrize("spelling", [".git/config", ".GIT/config", "a/../.git/config", ".git./config", "git~1/config"])
def test_s14_no_path_of_the_project_file_leads_into_git(repository: Desk, outside: Path, spelling: str) -> None:
    for text in (
        f"contract: {spelling}\n{PROJECT}",
        PROJECT.replace("[manifests]", f"[{spelling.removesuffix('/config')}]"),
        PROJECT.replace("staging: {", f"staging: {{ledger: {{backend: file, path: {spelling}.jsonl}}, "),
    ):
        repository.project(text)
        refused(repository, "validate", saying="KIA0305: the path leads out of the project")


@pytest.mark.parametrize("arguments", READING, ids=" ".join)
def test_s14_the_project_file_is_no_link_out_of_its_repository(
    repository: Desk, outside: Path, arguments: tuple[str, ...]
) -> None:
    project = repository.folder / "kiamo.yaml"
    for to in (outside / "project" / "kiamo.yaml", outside / "secret.yaml", repository.folder / ".git" / "config"):
        project.unlink()
        project.symlink_to(to)
        refused(repository, *arguments, saying="kiamo.yaml:1:1: error KIA0341: the link leads out of the repository")
        refused(repository, "--project", "kiamo.yaml", *arguments, saying="error KIA0341")


def test_s14_the_project_file_may_be_a_link_within_its_repository(repository: Desk, outside: Path) -> None:
    (repository.folder / "shared").mkdir()
    (repository.folder / "kiamo.yaml").rename(repository.folder / "shared" / "kiamo.yaml")
    (repository.folder / "kiamo.yaml").symlink_to("shared/kiamo.yaml")
    assert repository.run("validate")[0] == 0
    assert repository.run("validate", "kiamo.yaml", "manifests/a.yaml")[0] == 0
    assert repository.run("fmt", "kiamo.yaml")[0] == 0
    repository.apply()


def test_s14_a_project_is_not_looked_for_behind_a_link_of_the_checkout(repository: Desk, outside: Path) -> None:
    """Its ledger would be written there, and its manifests shown."""
    (repository.folder / "telephony").symlink_to(outside / "project")
    for arguments in READING:
        refused(repository, "--project", "telephony/kiamo.yaml", *arguments, saying="telephony:1:1: error KIA0341")
    for command in ("validate", "fmt"):
        for name in ("telephony", "telephony/manifests/theirs.yaml", "telephony/kiamo.yaml"):
            refused(repository, command, name, saying="telephony:1:1: error KIA0341")
    refused(repository, "--project", "telephony/kiamo.yaml", "apply", "-e", "staging", "--yes", saying="error KIA0341")


@pytest.mark.parametrize(
    "arguments",
    [
        ("show", "x"),
        ("graph", "x"),
        ("comment", "x"),
        ("contract", "check", "x"),
        ("apply", "x"),
        ("emulator", "--seed", "x"),
    ],
    ids=" ".join,
)
def test_s14_no_file_that_a_pipeline_names_is_read_out_of_the_repository(
    repository: Desk, outside: Path, arguments: tuple[str, ...]
) -> None:
    (repository.folder / "x").symlink_to(outside / "secret.yaml")
    refused(repository, *arguments, saying="x:1:1: error KIA0341: the link leads out of the repository")


def test_s14_a_circle_of_links_is_an_error_and_no_crash(repository: Desk, outside: Path) -> None:
    (repository.folder / "manifests" / "a.yaml").unlink()
    (repository.folder / "manifests" / "loop.yaml").symlink_to("loop.yaml")
    refused(repository, "validate", saying="KIA0104: the file cannot be read: Too many levels of symbolic links")
    (repository.folder / "manifests" / "loop.yaml").unlink()
    (repository.folder / "manifests").rmdir()
    (repository.folder / "manifests").symlink_to("manifests")
    refused(repository, "validate", saying="KIA0306")
    refused(repository, "export", "-e", "staging", "-o", "manifests", saying="could not be written: File exists")


# --- what is written -------------------------------------------------------------------------------------------------

WRITING = (
    ("plan", "-e", "staging", "--out", "out/x"),
    ("graph", "--out", "out/x"),
    ("export", "-e", "staging", "-o", "out"),
    ("export", "-e", "staging", "-o", "out/deeper"),
    ("schema", "--out", "out"),
    ("schema", "--out", "out/deeper"),
    ("emulator", "--db", "out/x"),
    ("init", "out"),
    ("init", "out/deeper"),
)


@pytest.mark.parametrize("arguments", WRITING, ids=" ".join)
def test_s14_nothing_is_written_behind_a_linked_folder(
    repository: Desk, outside: Path, arguments: tuple[str, ...]
) -> None:
    repository.emulator.seed({"bases": [{"name": "clients", "label": "Clients"}]})
    (repository.folder / "out").symlink_to(outside)
    refused(repository, *arguments, saying="out:1:1: error KIA0341: the link leads out of the repository")


@pytest.mark.parametrize("arguments", WRITING[:2], ids=" ".join)
@pytest.mark.parametrize("target", ["secret.yaml", "new"])
def test_s14_nothing_is_written_behind_a_linked_file(
    repository: Desk, outside: Path, arguments: tuple[str, ...], target: str
) -> None:
    (repository.folder / "out").mkdir()
    (repository.folder / "out" / "x").symlink_to(outside / target)
    refused(repository, *arguments, saying="out/x:1:1: error KIA0341: the link leads out of the repository")


def test_s14_promote_writes_nothing_behind_a_link(repository: Desk, outside: Path) -> None:
    patch = "bases:\n  - {name: prospects, label: Nouveaux}\n"
    (repository.folder / "environments" / "staging").mkdir(parents=True)
    (repository.folder / "environments" / "staging" / "a.yaml").write_text(patch)
    repository.project(PROJECT.replace("staging: {", "staging: {patches: [environments/staging], "))
    (repository.folder / "manifests" / "a.yaml").rename(outside.parent / "a.yaml")
    (repository.folder / "manifests" / "a.yaml").symlink_to(outside.parent / "a.yaml")
    before = (outside.parent / "a.yaml").read_bytes()
    refused(
        repository, "promote", "--from", "staging", "--to", "eager", "--declared", "--write", saying="KIA0305: the link"
    )
    assert (outside.parent / "a.yaml").read_bytes() == before


def test_s14_a_saved_plan_is_its_owners_alone_and_replaces_a_link(repository: Desk, outside: Path) -> None:
    (repository.folder / "other").write_text("kept")
    (repository.folder / "tonight.plan").symlink_to("other")
    before = os.umask(0)
    try:
        assert repository.run("plan", "-e", "staging", "--out", "tonight.plan")[0] == 0
    finally:
        os.umask(before)
    assert (repository.folder / "other").read_text() == "kept"
    assert stat.S_IMODE((repository.folder / "tonight.plan").lstat().st_mode) == 0o600


EXISTING = {".gitignore", ".pre-commit-config.yaml", ".prettierignore", ".yamllint", ".gitlab-ci.yml"}
"""The files that `init` lets stand."""


@pytest.mark.parametrize("ci", ["github", "gitlab"])
@pytest.mark.parametrize(
    "name",
    [
        ".github",
        ".github/workflows",
        ".gitlab",
        "manifests",
        "environments",
        "environments/production",
        ".gitignore",
        ".pre-commit-config.yaml",
        ".prettierignore",
        ".yamllint",
        ".gitlab-ci.yml",
        ".github/workflows/kiamo.yml",
        "kiamo.yaml",
    ],
)
@pytest.mark.parametrize("target", ["project", "secret.yaml", "none", "within"])
def test_s14_init_writes_through_no_link(
    tmp_path: Path, outside: Path, monkeypatch: pytest.MonkeyPatch, ci: str, name: str, target: str
) -> None:
    """All or nothing: what it would not touch anyway may be the user's own link, as long as it stays within."""
    (tmp_path / ".git").mkdir()
    (tmp_path / "kept").mkdir()
    if name == ".gitlab":
        (tmp_path / ".gitlab-ci.yml").write_text("stages: []\n")
    link = tmp_path / name
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(tmp_path / "kept" if target == "within" else outside / target)
    before = everything(tmp_path)
    done = kiamo("init", "--ci", ci, cwd=tmp_path)
    is_file = "." in link.name[1:] or link.name in EXISTING
    touched = (".github" in name) == (ci == "github") or not (".github" in name or ".gitlab" in name)
    if not touched or (target == "within" and name in EXISTING):
        assert done.returncode == 0, done.stderr
        assert link.is_symlink()
        assert list((tmp_path / "kept").iterdir()) == []
        return
    assert done.returncode == 1, done.stdout
    assert everything(tmp_path) == before
    assert name in done.stderr
    expected = ("leads out of the repository", "exist already") if is_file else ("is a symbolic link, not a folder",)
    assert any(text in done.stderr for text in expected), done.stderr


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1"])
def test_s14_a_name_of_standard_output_is_written_to_and_stays(repository: Desk, outside: Path, name: str) -> None:
    """Where it goes to a file, that is no link which leads out, and the name is not taken from all programs."""
    into = repository.folder / "shown"
    with into.open("wb") as stream:
        stream.write(b"before\n")
        stream.flush()
        code = subprocess.run(
            [sys.executable, "-m", "kiamo_iac", "graph", "--out", name],
            cwd=repository.folder,
            env=variables(),
            stdout=stream,
            stderr=subprocess.PIPE,
            check=False,
        ).returncode
    assert code == 0
    assert into.read_text().startswith("before\nflowchart LR\n")


@pytest.mark.parametrize("kind", ["endless", "pipe"])
def test_s14_init_reads_no_device_in_the_place_of_settings(tmp_path: Path, kind: str) -> None:
    """It asks what Dependabot is told already; git stores a link to `/dev/zero`."""
    (tmp_path / ".git").mkdir()
    (tmp_path / ".github").mkdir()
    if kind == "endless":
        (tmp_path / ".github" / "dependabot.yml").symlink_to("/dev/zero")
    else:
        os.mkfifo(tmp_path / ".github" / "dependabot.yml")
    done = kiamo("init", "--ci", "github", cwd=tmp_path)
    assert done.returncode == int(kind == "endless"), done.stderr
    assert ".github/dependabot.yml" in done.stderr


# --- the lock --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        ("apply", "-e", "staging", "--yes"),
        ("adopt", "-e", "staging", "bases/prospects"),
        ("ledger", "forget", "-e", "staging", "bases/prospects"),
        ("ledger", "unlock", "-e", "staging", "some-id"),
    ],
    ids=" ".join,
)
def test_s14_no_other_user_of_the_machine_can_hold_the_lock(desk: Desk, arguments: tuple[str, ...]) -> None:
    """To hold it takes no more than to open it for reading; a checkout makes it for all to read."""
    lock = desk.folder / ".kiamo" / "staging.ledger.jsonl.lock"
    for mode in (None, 0o644, 0o666):
        if mode is not None:
            lock.chmod(mode)
        before = os.umask(0)
        try:
            desk.run(*arguments)
        finally:
            os.umask(before)
        if lock.exists():
            assert stat.S_IMODE(lock.stat().st_mode) == 0o600
        else:
            assert arguments[:2] == ("ledger", "unlock")  # no ledger, no lock: it is made here
            lock.parent.mkdir()
            lock.touch()


# --- the commands ----------------------------------------------------------------------------------------------------


def parameters(command: click.Command, name: str) -> Iterator[tuple[str, click.Parameter]]:
    """Of a command and of those below it."""
    for parameter in command.params:
        yield f"{name} {parameter.name}", parameter
    if isinstance(command, click.Group):
        context = click.Context(command)
        for below in command.list_commands(context):
            found = command.get_command(context, below)
            assert found is not None
            yield from parameters(found, f"{name} {below}")


def test_s14_every_path_of_the_command_line_is_looked_at() -> None:
    """A new option with a path of click's own would follow a link out; these two are exempt, and why is said there."""
    assert isinstance(cli, LazyGroup)
    assert COMMANDS
    plain = {
        name
        for name, parameter in parameters(cli, "kiamo-iac")
        if isinstance(parameter.type, click.Path) and not isinstance(parameter.type, NamedPath)
    }
    assert plain == {"kiamo-iac project", "kiamo-iac ca_bundle"}


@pytest.mark.parametrize("started", ["installed", "-P", "-I"])
def test_s14_no_module_of_the_working_directory_is_imported(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, started: str
) -> None:
    """As an installed command is started, and in the spellings that documentation has for where there is none."""
    for name in ("json", "click", "kiamo_iac", "yaml", "ruamel", "encodings", "sitecustomize"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit(77)\n")
    (tmp_path / "kiamo.yaml").write_text(PROJECT)
    (tmp_path / "manifests").mkdir()
    (tmp_path / "manifests" / "a.yaml").write_text(MANIFEST)
    script = tmp_path_factory.mktemp("bin") / "kiamo-iac"
    script.write_text(f"import sys\nsys.path.append({str(ROOT)!r})\nfrom kiamo_iac.cli.main import main\nmain()\n")
    command = {"installed": [str(script)], "-P": ["-P", "-m", "kiamo_iac"], "-I": ["-I", str(script)]}[started]
    done = subprocess.run(
        [sys.executable, *command, "validate"],
        cwd=tmp_path,
        env=variables(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_s14_no_page_tells_to_import_from_the_working_directory() -> None:
    """`python -m kiamo_iac` stands where it runs in our own checkout alone."""
    ours = {"README.md": 2, "Makefile": 1, ".ci/run": 2, "docs/adr/0009-runs-without-installing.md": 2}
    found: dict[str, int] = {}
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        if not name.startswith(("tests/", "benchmarks/")):
            text = (ROOT / name).read_text(encoding="utf-8", errors="replace")
            count = len(re.findall(r"(?<!-P )(?<!-I )-m kiamo_iac|(?<!-P\", )\"-m\", \"kiamo_iac", text))
            found |= {name: count} if count else {}
    assert found.pop("kiamo_iac/__main__.py", 1) == 1  # its own docstring
    assert found == ours
