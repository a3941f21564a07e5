"""What a merge request would have the ledger say: a committed copy of a remote ledger, a committed file ledger."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from kiamo_iac.core.address import Address
from kiamo_iac.core.errors import LedgerError
from kiamo_iac.core.ledger_settings import GitSettings
from kiamo_iac.core.state import Owned
from kiamo_iac.ledger.backup import backup_of
from kiamo_iac.ledger.content import AppliedPlan, Put
from kiamo_iac.ledger.document import document_text
from kiamo_iac.ledger.git import GitBackend
from kiamo_iac.ledger.git_remotes import LedgerGit
from kiamo_iac.ledger.opening import LedgerContext
from tests.cli.conftest import MANIFEST, Desk
from tests.git_by_hand import git, leave_the_job
from tests.ledger.entries import identity_of

PROJECT = """\
manifests: [manifests]
environments:
  staging: {url: "http://127.0.0.1:8090", ledger: {backend: git}}
"""
FILE = PROJECT.replace(", ledger: {backend: git}", "")
READING = (("plan", "-e", "staging", "--prune"), ("drift", "-e", "staging"), ("ledger", "list", "-e", "staging"))
WRITING = (("apply", "-e", "staging", "--yes", "--prune"), ("adopt", "-e", "staging", "bases/prospects"))
SETTINGS = GitSettings()


@pytest.fixture
def project(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project below the root of a checkout, applied, and beside what is managed a base of somebody else."""
    leave_the_job(monkeypatch)
    folder = desk.folder / "checkout" / "telephony"
    (folder / "manifests").mkdir(parents=True)
    (folder / "kiamo.yaml").write_text(PROJECT, encoding="utf-8")
    (folder / "manifests" / "a.yaml").write_text(MANIFEST, encoding="utf-8")
    git(desk.folder, "init", "-q", "--bare", "origin.git")
    git(folder.parent, "init", "-q", "-b", "main")
    git(folder.parent, "remote", "add", "origin", str(desk.folder / "origin.git"))
    (folder / ".gitignore").write_text(".kiamo/\n")
    git(folder.parent, "add", ".")
    git(folder.parent, "commit", "-q", "-m", "begin")
    monkeypatch.chdir(folder)
    desk.apply()
    desk.emulator.seed({"bases": [{"name": "foreign", "label": "F"}]})
    return folder


def foreign(desk: Desk) -> Owned:
    """The entry that would make the base of somebody else managed."""
    return Owned(Address("bases/foreign"), desk.id_of("foreign"), {"name": "foreign"})


def remote(folder: Path) -> GitBackend:
    """The ledger in the remote."""
    context = LedgerContext(identity_of("staging"), folder, os.environ)
    return GitBackend(SETTINGS, LedgerGit.of(folder, os.environ, remote="origin"), context)


def copy_at(folder: Path, desk: Desk, *, change: bool = True, name: str = "staging.ledger.rescue.json") -> Path:
    """A copy that follows what the remote has, with the base of somebody else in it."""
    found = remote(folder).read()
    assert found is not None
    content = found.content.copy()
    if change:
        content.apply(Put(foreign(desk)))
    path = folder / ".kiamo" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(f'{{"follows":"{found.revision}","ledger":{document_text(content).rstrip()}}}\n', encoding="utf-8")
    return path


def assert_refused(desk: Desk, *said: str, code: str) -> None:
    """Every command refuses, nothing is deleted, and neither is anything written."""
    before = len(desk.writes())
    for line in (*READING, *WRITING):
        exit_code, out, err = desk.run(*line)
        assert (exit_code, out) == (1, ""), err
        assert f"error {code}" in err
        assert "Nothing was written." in err
        for text in said:
            assert text in err
    assert len(desk.writes()) == before
    assert desk.id_of("foreign")


def test_s04_a_committed_copy_is_not_put_back(project: Path, desk: Desk) -> None:
    before = remote(project).read()
    copy_at(project, desk)
    git(project, "add", "-f", ".kiamo")
    git(project, "commit", "-q", "-m", "evil")
    assert_refused(
        desk, "git tracks telephony/.kiamo/staging.ledger.rescue.json", "git rm --cached .kiamo/", code="KIA0910"
    )
    assert remote(project).read() == before


def test_s04_a_committed_copy_that_was_changed_since_is_not_put_back(project: Path, desk: Desk) -> None:
    path = copy_at(project, desk)
    text = path.read_text(encoding="utf-8")
    path.write_text("{}\n", encoding="utf-8")
    git(project, "add", "-f", ".kiamo")
    git(project, "commit", "-q", "-m", "evil")
    path.write_text(text, encoding="utf-8")
    assert_refused(desk, "git tracks", code="KIA0910")


@pytest.mark.parametrize("version", ["2", "3", "4"])
@pytest.mark.parametrize("name", [".KIAMO/staging.ledger.rescue.json", ".kiamo/Staging.Ledger.Rescue.JSON"])
def test_s04_another_spelling_in_the_index_counts_on_every_disk(
    project: Path, desk: Desk, name: str, version: str
) -> None:
    """Where the disk takes both for one file, this is the file."""
    path = copy_at(project, desk)
    blob = git(project, "hash-object", "-w", str(path))
    git(project, "update-index", "--index-version", version)
    git(project, "update-index", "--add", "--cacheinfo", f"100644,{blob},telephony/{name}")
    assert_refused(desk, f"git tracks telephony/{name}", code="KIA0910")


def test_s04_a_copy_in_a_split_index_counts(project: Path, desk: Desk) -> None:
    copy_at(project, desk)
    git(project, "update-index", "--split-index")
    git(project, "add", "-f", ".kiamo")
    assert_refused(desk, "git tracks", code="KIA0910")


def test_s04_a_copy_in_a_submodule_is_not_put_back(project: Path, desk: Desk) -> None:
    text = copy_at(project, desk).read_text(encoding="utf-8")
    source = desk.folder / "source"
    source.mkdir()
    git(source, "init", "-q")
    (source / "staging.ledger.rescue.json").write_text(text, encoding="utf-8")
    git(source, "add", ".")
    git(source, "commit", "-q", "-m", "evil")
    (project / ".kiamo" / "staging.ledger.rescue.json").unlink()
    shutil.rmtree(project / ".kiamo")
    git(project, "submodule", "add", "-f", str(source), ".kiamo")
    assert_refused(desk, ".kiamo is a git repository of its own", code="KIA0910")


def test_s04_a_copy_is_not_used_where_git_cannot_be_asked(project: Path, desk: Desk) -> None:
    """With a ledger behind git there is one; the image of a job with a ledger behind http may lack it."""
    copy_at(project, desk)
    git(project, "add", "-f", ".kiamo")
    git(project, "update-index", "--index-version", "4")
    with pytest.raises(LedgerError, match=r"is not used: whether git tracks the file is unknown") as caught:
        backup_of("staging", project, {"PATH": str(project)}).resolve(None, environment="staging")
    assert "git cannot be run" in str(caught.value)


def test_s04_a_backup_of_this_machine_is_restored_and_reported(project: Path, desk: Desk) -> None:
    path = copy_at(project, desk)
    code, out, err = desk.run("ledger", "list", "-e", "staging", "--format", "json")
    assert code == 0
    assert "bases/foreign" in {thing["address"] for thing in json.loads(out)["things"]}
    assert "note KIA0913: the ledger refs/kiamo-iac/staging of origin is read from the local backup" in err
    assert "differs from the ledger in 1 resource: bases/foreign." in err
    code, _, err = desk.run("adopt", "-e", "staging", "bases/prospects")
    assert code == 0
    assert "is restored from the local backup of an interrupted run" in err
    assert "1 resource: bases/foreign." in err
    assert not path.exists()
    found = remote(project).read()
    assert found is not None
    assert Address("bases/foreign") in found.content.entries


def test_s04_without_a_repository_a_backup_is_restored(
    project: Path, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy_at(project, desk)
    plain = desk.folder / "plain"
    (plain / ".kiamo").mkdir(parents=True)
    (project / ".kiamo" / "staging.ledger.rescue.json").rename(plain / ".kiamo" / "staging.ledger.rescue.json")
    found = remote(project).read()
    content, rescued = backup_of("staging", plain, os.environ).resolve(found, environment="staging")
    assert rescued
    assert content is not None
    assert Address("bases/foreign") in content.content.entries


def test_s04_a_copy_never_shortens_the_list_of_applied_plans(project: Path, desk: Desk) -> None:
    there = remote(project)
    found = there.read()
    assert found is not None
    content = found.content.copy()
    for number in range(3):
        content.apply(AppliedPlan(f"plan-{number}", f"2026-11-2{number}T00:00:00Z"))
    assert there.write(content, expected=found.revision)
    path = copy_at(project, desk)
    data = json.loads(path.read_text(encoding="utf-8"))
    data["ledger"]["spent"] = [{"digest": "new", "at": "2026-11-21T12:00:00Z"}]
    path.write_text(json.dumps(data), encoding="utf-8")
    assert desk.run("adopt", "-e", "staging", "bases/prospects")[0] == 0
    kept = there.read()
    assert kept is not None
    assert list(kept.content.applied_plans) == ["plan-0", "plan-1", "new", "plan-2"]
    assert kept.content.serial > data["ledger"]["serial"]


@pytest.mark.parametrize(
    ("change", "why"),
    [({"lineage": "another"}, "is of another ledger"), ({"serial": 0}, "is not newer than the ledger")],
)
def test_s04_a_copy_of_another_ledger_is_refused(
    project: Path, desk: Desk, change: dict[str, object], why: str
) -> None:
    path = copy_at(project, desk)
    data = json.loads(path.read_text(encoding="utf-8"))
    data["ledger"] |= change
    path.write_text(json.dumps(data), encoding="utf-8")
    assert_refused(desk, f"ledger.rescue.json {why}", code="KIA0914")


# --- a file ledger ---------------------------------------------------------------------------------------------------


def file_ledger(project: Path, desk: Desk, settings: str = "") -> Path:
    """The project with its ledger in a file, adopted into."""
    ledger = f", ledger: {{backend: file, path: {settings}}}" if settings else ""
    (project / "kiamo.yaml").write_text(FILE.replace('8090"', f'8090"{ledger}'), encoding="utf-8")
    assert desk.run("adopt", "-e", "staging", "bases/prospects")[0] == 0
    return project / (settings or ".kiamo/staging.ledger.jsonl")


@pytest.mark.parametrize("path", ["", ".kiamo/staging.ledger.jsonl", ".kiamo/a/b.jsonl", "x/.Kiamo/b.jsonl"])
def test_s04_a_committed_ledger_below_kiamo_is_refused(project: Path, desk: Desk, path: str) -> None:
    file = file_ledger(project, desk, path)
    git(project, "add", "-f", str(file))
    git(project, "commit", "-q", "-m", "evil")
    before = file.read_bytes()
    assert_refused(desk, "is not used", "git rm -r --cached .kiamo", code="KIA0911")
    assert file.read_bytes() == before


def test_s04_a_committed_ledger_elsewhere_is_used_and_warned_of(project: Path, desk: Desk) -> None:
    file = file_ledger(project, desk, "ledgers/staging.jsonl")
    code, _, err = desk.run("plan", "-e", "staging")
    assert (code, "KIA0912" in err) == (0, False)
    git(project, "add", "-f", str(file))
    for line in (*READING, *WRITING):
        code, _, err = desk.run(*line)
        assert code == 0, err
        assert "warning KIA0912: the ledger ledgers/staging.jsonl is in git: a merge request can change" in err
        assert err.count("KIA0912") == 1
    assert desk.id_of("foreign")


def test_s04_an_image_without_git_uses_a_ledger_that_is_not_committed(
    project: Path, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = file_ledger(project, desk)
    path = os.environ["PATH"]
    monkeypatch.setenv("PATH", "/nowhere")
    assert desk.run("plan", "-e", "staging")[0] == 0
    monkeypatch.setenv("PATH", path)
    git(project, "add", "-f", str(file))
    monkeypatch.setenv("PATH", "/nowhere")
    code, _, err = desk.run("plan", "-e", "staging")
    assert code == 1
    assert "git tracks telephony/.kiamo/staging.ledger.jsonl" in err
    monkeypatch.setenv("PATH", path)
    git(project, "update-index", "--index-version", "4")
    monkeypatch.setenv("PATH", "/nowhere")
    code, _, err = desk.run("plan", "-e", "staging")
    assert code == 1
    assert "whether git tracks the file is unknown" in err
    assert "install git" in err


def test_s04_a_ledger_is_used_without_git_whatever_else_the_repository_holds(
    project: Path, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The index was searched for the word that marks a split one."""
    file_ledger(project, desk)
    (project / "uplinks.md").write_text("", encoding="utf-8")
    git(project, "add", "uplinks.md")
    monkeypatch.setenv("PATH", "/nowhere")
    for line in READING:
        code, _, err = desk.run(*line)
        assert code == 0, err


def test_s04_a_spelling_that_some_disk_takes_for_the_ledger_is_seen_without_git(
    project: Path, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Kelvin sign is a k to APFS."""
    file = file_ledger(project, desk)
    blob = git(project, "hash-object", "-w", str(file))
    name = "telephony/.\u212aiamo/staging.ledger.jsonl"
    git(project, "update-index", "--add", "--cacheinfo", f"100644,{blob},{name}")
    monkeypatch.setenv("PATH", "/nowhere")
    for line in READING:
        code, _, err = desk.run(*line)
        assert code == 1
        assert f"git tracks {name}" in err


def test_s04_a_project_that_ignores_nothing_and_tracks_nothing_works(project: Path, desk: Desk) -> None:
    """Not every untracked file is ignored; what counts is the index."""
    (project / ".gitignore").unlink()
    file_ledger(project, desk)
    for line in (*READING, *WRITING):
        code, _, err = desk.run(*line)
        assert (code, "KIA09" in err) == (0, False)
