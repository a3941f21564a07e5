"""S3: links and other oddities that a merge request commits where this tool keeps files; nothing is led out."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import MANIFEST, PROJECT, Desk
from tests.git_by_hand import git

CANARY = b"somebody's own, and not ours to read or write\n"
LEDGER = ".kiamo/staging.ledger.jsonl"
FILES = (LEDGER, f"{LEDGER}.lock", f"{LEDGER}.holder.json", f"{LEDGER}.torn")
RESCUE = ".kiamo/staging.ledger.rescue.json"


@pytest.fixture
def outside(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of somebody else's, with a file in it."""
    folder = tmp_path_factory.mktemp("outside")
    (folder / "precious").write_bytes(CANARY)
    return folder


def untouched(outside: Path) -> bool:
    """Whether it is as it was, modes too."""
    found = {path.name: path.read_bytes() for path in outside.iterdir()}
    return found == {"precious": CANARY} and stat.S_IMODE((outside / "precious").stat().st_mode) == 0o644


def to_file(path: Path, outside: Path) -> str:
    path.symlink_to(outside / "precious")
    return "a symbolic link"


def to_file_within(path: Path, outside: Path) -> str:
    path.symlink_to("../manifests/a.yaml")
    return "a symbolic link"


def to_folder(path: Path, outside: Path) -> str:
    path.symlink_to(outside)
    return "a symbolic link"


def dangling(path: Path, outside: Path) -> str:
    path.symlink_to(outside / "made by us")
    return "a symbolic link"


def to_itself(path: Path, outside: Path) -> str:
    path.symlink_to(path.name)
    return "a symbolic link"


def to_zero(path: Path, outside: Path) -> str:
    path.symlink_to("/dev/zero")
    return "a symbolic link"


def pipe(path: Path, outside: Path) -> str:
    os.mkfifo(path)
    return "a named pipe"


def folder(path: Path, outside: Path) -> str:
    path.mkdir()
    return "a folder"


Trap = Callable[[Path, Path], str]
TRAPS = (to_file, to_file_within, to_folder, dangling, to_itself, to_zero, pipe, folder)
WRITING: tuple[tuple[str, ...], ...] = (
    ("apply", "-e", "staging", "--yes"),
    ("adopt", "-e", "staging", "bases/prospects"),
    ("ledger", "forget", "-e", "staging", "bases/prospects"),
)
READING: tuple[tuple[str, ...], ...] = (
    ("plan", "-e", "staging"),
    ("drift", "-e", "staging"),
    ("export", "-e", "staging"),
    ("ledger", "list", "-e", "staging"),
)
EVERY = (*WRITING, *READING)


def refused(desk: Desk, arguments: tuple[str, ...], *, place: str, what: str) -> None:
    """The command ends with 1, names the place, and sends no write."""
    before = len(desk.writes())
    code, out, err = desk.run(*arguments)
    assert code == 1, out + err
    assert f"{place}:1:1" in err
    assert f"KIA0340: {place} is {what}, not a " in err
    assert f"remove {place}" in err
    assert len(desk.writes()) == before


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("trap", TRAPS)
def test_s03_no_file_of_the_ledger_is_reached_through_a_link(desk: Desk, outside: Path, name: str, trap: Trap) -> None:
    (desk.folder / ".kiamo").mkdir()
    what = trap(desk.folder / name, outside)
    manifest = (desk.folder / "manifests" / "a.yaml").read_bytes()
    for arguments in WRITING:
        refused(desk, arguments, place=name, what=what)
    if name == LEDGER:
        for arguments in READING:
            refused(desk, arguments, place=name, what=what)
    assert untouched(outside)
    assert (desk.folder / "manifests" / "a.yaml").read_bytes() == manifest


@pytest.mark.parametrize("arguments", WRITING, ids=" ".join)
def test_s03_a_link_that_comes_beside_a_good_ledger_is_refused_too(
    desk: Desk, outside: Path, arguments: tuple[str, ...]
) -> None:
    desk.apply()
    before = desk.ledger.read_bytes()
    desk.manifest(MANIFEST.replace("Prospects", "Others"))
    for name in FILES[1:]:
        path = desk.folder / name
        path.unlink(missing_ok=True)
        to_file(path, outside)
        refused(desk, arguments, place=name, what="a symbolic link")
        path.unlink()
    assert desk.ledger.read_bytes() == before
    assert untouched(outside)


@pytest.mark.parametrize("target", ["outside", "within", "dangling", "itself"])
def test_s03_the_folder_itself_is_no_link(desk: Desk, outside: Path, target: str) -> None:
    (desk.folder / "kept").mkdir()
    to = {"outside": outside, "within": Path("kept"), "dangling": outside / "none", "itself": Path(".kiamo")}[target]
    (desk.folder / ".kiamo").symlink_to(to)
    for arguments in EVERY:
        refused(desk, arguments, place=".kiamo", what="a symbolic link")
    assert untouched(outside)
    assert list((desk.folder / "kept").iterdir()) == []


@pytest.mark.parametrize("path", ["ledgers/staging.jsonl", "a/ledgers/b/staging.jsonl"])
def test_s03_no_folder_on_the_way_to_a_ledger_of_another_path_is_a_link(desk: Desk, outside: Path, path: str) -> None:
    """One that stays within the project is refused too; one that leads out of it, by `validate` already."""
    desk.project(PROJECT.replace("staging: {", f"staging: {{ledger: {{backend: file, path: {path}}}, "))
    place = desk.folder / path[: path.index("ledgers") + len("ledgers")]
    place.parent.mkdir(exist_ok=True)
    (desk.folder / "kept").mkdir()
    place.symlink_to(desk.folder / "kept")
    for arguments in EVERY:
        refused(desk, arguments, place=place.relative_to(desk.folder).as_posix(), what="a symbolic link")
    assert list((desk.folder / "kept").iterdir()) == []
    place.unlink()
    place.symlink_to(outside)
    for arguments in (("validate",), *EVERY):
        code, out, err = desk.run(*arguments)
        assert code == 1
        assert "KIA0305: the path leads out of the project" in out + err
    assert untouched(outside)


@pytest.mark.parametrize("trap", TRAPS)
def test_s03_the_copy_of_a_remote_ledger_is_not_reached_through_a_link(
    desk: Desk, outside: Path, trap: Trap, monkeypatch: pytest.MonkeyPatch
) -> None:
    remote = with_git_ledger(desk, outside, monkeypatch)
    (desk.folder / ".kiamo").mkdir()
    what = trap(desk.folder / RESCUE, outside)
    for arguments in EVERY:
        code, out, err = desk.run(*arguments)
        assert code == 1, out + err
        assert f"KIA0340: {RESCUE} is {what}, not a file" in err
    assert desk.writes() == []
    assert untouched(outside)
    assert git(remote, "for-each-ref") == ""  # no ledger, and no lock is left


@pytest.mark.parametrize("target", ["outside", "within"])
def test_s03_the_copy_of_a_remote_ledger_is_not_kept_behind_a_linked_folder(
    desk: Desk, outside: Path, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_git_ledger(desk, outside, monkeypatch)
    (desk.folder / "kept").mkdir()
    (desk.folder / ".kiamo").symlink_to(outside if target == "outside" else "kept")
    for arguments in EVERY:
        code, _, err = desk.run(*arguments)
        assert code == 1
        assert "KIA0340: .kiamo is a symbolic link, not a folder" in err
    assert desk.writes() == []
    assert untouched(outside)


def test_s03_what_git_checks_out_is_refused(
    desk: Desk, outside: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The whole way: committed with `git add -f`, cloned, planned and applied."""
    (desk.folder / ".gitignore").write_text(".kiamo/\n")
    (desk.folder / ".kiamo").mkdir()
    (desk.folder / f"{LEDGER}.holder.json").symlink_to(outside / "precious")
    git(desk.folder, "init", "-q")
    git(desk.folder, "add", "-f", ".")
    git(desk.folder, "commit", "-q", "-m", "a request")
    clone = tmp_path_factory.mktemp("clones") / "clone"
    git(desk.folder, "clone", "-q", ".", str(clone))
    assert (clone / f"{LEDGER}.holder.json").is_symlink()
    code, _, err = desk.run("--project", str(clone / "kiamo.yaml"), "apply", "-e", "staging", "--yes")
    assert code == 1
    assert f"KIA0340: {LEDGER}.holder.json is a symbolic link" in err
    assert untouched(outside)


def test_s03_a_project_that_is_itself_reached_through_a_link_goes_on_working(
    desk: Desk, outside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = outside / "work"
    link.symlink_to(desk.folder)
    code, out, err = desk.run("--project", str(link / "kiamo.yaml"), "apply", "-e", "staging", "--yes")
    assert code == 0, out + err
    assert desk.ledger.is_file()
    monkeypatch.chdir(link)
    assert desk.run("plan", "-e", "staging", "--detailed-exitcode")[0] == 0


def test_s03_what_is_kept_is_its_owners_alone(desk: Desk) -> None:
    """Also what came with a checkout, for all to read."""
    before = os.umask(0o022)
    try:
        (desk.folder / ".kiamo").mkdir()
        (desk.folder / f"{LEDGER}.lock").touch()
        desk.apply()
        desk.ledger.chmod(0o644)
        with desk.ledger.open("ab") as stream:
            stream.write(b'{"half a line')
        desk.manifest(MANIFEST.replace("Prospects", "Others"))
        desk.apply()
    finally:
        os.umask(before)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (desk.folder / ".kiamo").glob("*.*")}
    assert modes == {Path(name).name: 0o600 for name in (LEDGER, f"{LEDGER}.lock", f"{LEDGER}.torn")}
    assert json.loads(desk.ledger.read_text().splitlines()[0])["environment"] == "staging"


def with_git_ledger(desk: Desk, outside: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A ledger on a remote; where that is."""
    for key in ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"):
        monkeypatch.setenv(key, "t@example.com")
    remote = outside.parent / f"{outside.name}.git"
    git(desk.folder, "init", "-q")
    git(desk.folder, "init", "-q", "--bare", str(remote))
    git(desk.folder, "remote", "add", "origin", str(remote))
    desk.project(PROJECT.replace("staging: {", "staging: {ledger: {backend: git}, "))
    return remote


@pytest.mark.parametrize(
    ("path", "backend"),
    [
        *((f"{LEDGER}{suffix}", "file") for suffix in (".lock", ".holder.json", ".torn")),
        (f".kiamo/../{LEDGER.upper()}.LOCK", "file"),
        (RESCUE, "git"),
    ],
)
def test_s03_no_ledger_is_a_file_that_another_one_keeps_beside_it(desk: Desk, path: str, backend: str) -> None:
    """The holder of one lock would be written over it, and removed."""
    desk.project(
        "manifests: [manifests]\nenvironments:\n"
        f"  staging: {{ledger: {{backend: {backend}}}}}\n"
        f"  other: {{ledger: {{backend: file, path: {path}}}}}\n"
    )
    code, out, _ = desk.run("validate")
    assert code == 1
    assert 'kiamo.yaml:4:3: error KIA0314: "other" and "staging" use the same ledger' in out
