"""Which commit files are of, and whether they are as committed; no filter of git runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from kiamo_iac.git.checkout import Checkout, checkout_of
from tests.git_by_hand import ENVIRON, git


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "checkout"
    folder = root / "été"
    folder.mkdir(parents=True)
    git(root, "init", "-q", "-b", "main")
    (folder / "a.yaml").write_bytes(b"bases: []\n")
    (root / "other.txt").write_text("not of the project")
    git(root, "add", ".")
    git(root, "commit", "-q", "--author=Ann O'Neil <a@example.com>", "-m", "one")
    return folder


def test_the_commit_its_author_and_the_branch_are_found(project: Path, tmp_path: Path) -> None:
    found = checkout_of(project, [project / "a.yaml"], ENVIRON)
    commit = git(project, "rev-parse", "HEAD")
    assert found == Checkout(commit, "Ann O'Neil", "main", dirty=False)
    assert found.committed == commit
    git(project, "checkout", "-q", "--detach")
    assert checkout_of(project, [], ENVIRON).branch is None
    for nowhere in (checkout_of(tmp_path, [], ENVIRON), checkout_of(project, [], {"PATH": str(tmp_path)})):
        assert nowhere == Checkout()
    (tmp_path / "new").mkdir()
    git(tmp_path / "new", "init", "-q", "-b", "first")
    assert checkout_of(tmp_path / "new", [], ENVIRON) == Checkout(branch="first")


def test_d11_files_that_are_not_committed_make_a_commit_dirty(project: Path) -> None:
    file, more = project / "a.yaml", project / "b.yaml"
    file.write_bytes(b"bases: []\r\n")  # as core.autocrlf checks it out
    (project.parent / "other.txt").write_text("changed, and no file of the run")
    assert checkout_of(project, [file], ENVIRON).dirty is False
    file.write_bytes(b"bases: [] # changed\n")
    found = checkout_of(project, [file], ENVIRON)
    assert (found.dirty, found.committed) == (True, None)
    assert found.commit == git(project, "rev-parse", "HEAD")
    git(project, "add", ".")
    assert checkout_of(project, [file], ENVIRON).dirty is True  # in the index alone
    git(project, "commit", "-q", "-m", "two")
    assert checkout_of(project, [file], ENVIRON).dirty is False
    more.write_bytes(b"")
    (project.parent / ".gitignore").write_text("b.yaml\n")
    assert checkout_of(project, [file, more], ENVIRON).dirty is True
    more.unlink()
    more.symlink_to(file)
    assert checkout_of(project, [more], ENVIRON).dirty is False


def test_d11_no_filter_that_a_commit_chooses_runs(project: Path, tmp_path: Path) -> None:
    trace = tmp_path / "ran"
    (project / ".gitattributes").write_text("*.yaml filter=x\n")
    git(project, "add", ".")
    git(project, "commit", "-q", "-m", "two")
    git(project, "config", "filter.x.clean", f"touch {trace}; cat")
    (project / "a.yaml").write_bytes(b"bases: [] # changed\n")
    assert checkout_of(project, [project / "a.yaml"], ENVIRON).dirty is True
    assert not trace.exists()
