"""Which `.git` counts: folders, linked work trees and submodules do; what a commit can bring does not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kiamo_iac.core.errors import GitError
from kiamo_iac.git.command import Git
from kiamo_iac.git.repository import Repository, find_repository, work_tree_of
from tests.git_by_hand import ENVIRON, git


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "checkout"
    folder.mkdir()
    git(folder, "init", "-q")
    git(folder, "commit", "-q", "--allow-empty", "-m", "one")
    return folder


def works(folder: Path) -> Repository:
    """The repository of `folder`, which git agrees about."""
    found = Git.of(folder, ENVIRON)
    assert found is not None
    assert found.run("rev-parse", "--verify", "HEAD").code == 0
    return found.repository


def test_the_nearest_folder_with_a_git_upward_is_the_work_tree(checkout: Path) -> None:
    below = checkout / "a" / "b"
    below.mkdir(parents=True)
    assert works(below) == Repository(checkout, checkout / ".git")
    assert work_tree_of(below) == checkout


def test_a_folder_without_git_anywhere_above_has_no_repository(tmp_path: Path) -> None:
    assert find_repository(tmp_path) is None
    assert Git.of(tmp_path, ENVIRON) is None


def test_a_bare_repository_is_no_work_tree(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "--bare", "bare")
    assert find_repository(tmp_path / "bare") is None


def test_a_linked_work_tree_is_one(checkout: Path, tmp_path: Path) -> None:
    git(checkout, "worktree", "add", "-q", "--detach", str(tmp_path / "linked"))
    assert works(tmp_path / "linked") == Repository(tmp_path / "linked", checkout / ".git/worktrees/linked")


def test_work_trees_beside_a_bare_repository_are_some(checkout: Path, tmp_path: Path) -> None:
    """A layout that people use: `.bare`, a `.git` file that leads there, and work trees beside it."""
    home = tmp_path / "home"
    git(tmp_path, "clone", "-q", "--bare", str(checkout), str(home / ".bare"))
    (home / ".git").write_text("gitdir: ./.bare\n")
    git(home, "worktree", "add", "-q", "--detach", "main")
    assert works(home / "main").git_dir == home / ".bare/worktrees/main"


def test_a_separate_git_dir_outside_of_the_tree_is_one(checkout: Path, tmp_path: Path) -> None:
    git(checkout, "init", "-q", "--separate-git-dir", str(tmp_path / "kept"))
    assert works(checkout).git_dir == tmp_path / "kept"
    assert not works(checkout).is_submodule


def test_a_linked_git_outside_of_the_tree_is_one(checkout: Path, tmp_path: Path) -> None:
    (checkout / ".git").rename(tmp_path / "kept")
    (checkout / ".git").symlink_to(tmp_path / "kept")
    assert works(checkout).git_dir == tmp_path / "kept"


def test_a_submodule_is_known_as_one(checkout: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", str(checkout), "super")
    git(tmp_path / "super", "submodule", "add", str(checkout), "sub")
    found = works(tmp_path / "super" / "sub")
    assert found == Repository(tmp_path / "super/sub", tmp_path / "super/.git/modules/sub")
    assert found.is_submodule
    assert not works(tmp_path / "super").is_submodule


@pytest.mark.parametrize("pointer", ["gitdir: evil\n", "gitdir: ../evil\n", "gitdir: ../../evil/../evil\n"])
def test_a_file_that_leads_to_files_of_the_tree_is_refused(checkout: Path, pointer: str) -> None:
    project = checkout / "project"
    for evil in (checkout / "evil", project / "evil"):
        git(checkout, "init", "-q", "--bare", str(evil))
    git(checkout.parent, "init", "-q", "--bare", str(checkout / "evil"))
    (project / ".git").write_text(pointer)
    if pointer.count("..") > 2:
        (project / ".git").write_text(f"gitdir: {checkout}/project/../evil\n")
    with pytest.raises(GitError, match="a folder that a commit can bring"):
        find_repository(project)


def test_a_layout_with_a_bare_repository_within_another_checkout_is_refused(checkout: Path) -> None:
    """The same layout as above, all of it brought along: the `.git` around it is the one that counts."""
    home = checkout / "home"
    git(checkout, "clone", "-q", "--bare", str(checkout), str(home / ".bare"))
    (home / ".git").write_text("gitdir: ./.bare\n")
    git(home, "worktree", "add", "-q", "--detach", "main")
    with pytest.raises(GitError, match="a folder that a commit can bring"):
        find_repository(home / "main")


def test_a_clone_within_another_checkout_has_work_trees_and_submodules_as_anywhere(
    checkout: Path, tmp_path: Path
) -> None:
    """A home folder in git, or a second checkout below the first: what a `.git` folder holds came with no commit."""
    inner = checkout / "inner"
    git(checkout, "clone", "-q", str(checkout), str(inner))
    git(inner, "worktree", "add", "-q", "--detach", "../linked")
    git(inner, "worktree", "add", "-q", "--detach", ".trees/linked2")
    git(inner, "submodule", "add", str(checkout), "sub")
    assert works(checkout / "linked").git_dir == inner / ".git/worktrees/linked"
    assert works(inner / ".trees" / "linked2").git_dir == inner / ".git/worktrees/linked2"
    assert works(inner / "sub").git_dir == inner / ".git/modules/sub"
    assert works(inner / "sub").is_submodule


def test_a_git_that_leads_nowhere_is_refused_and_not_passed_over(checkout: Path) -> None:
    project = checkout / "project"
    project.mkdir()
    entry = project / ".git"
    entry.symlink_to("gone")
    with pytest.raises(GitError, match=r"project/\.git leads to no git repository"):
        find_repository(project)
    entry.unlink()
    entry.symlink_to(".git")
    with pytest.raises(GitError, match="leads to no git repository"):
        find_repository(project)
    entry.unlink()
    for text in ("", "gitdir: gone\n", "something else\n", "gitdir: a\0b\n", "gitdir: " + "x" * 5000):
        entry.write_text(text)
        with pytest.raises(GitError, match="leads to no git repository"):
            find_repository(project)
    entry.unlink()
    os.mkfifo(entry)
    with pytest.raises(GitError, match="leads to no git repository"):
        find_repository(project)


def test_an_empty_git_folder_is_no_reason_to_take_the_folder_for_a_bare_repository(checkout: Path) -> None:
    project = checkout / "project"
    git(checkout, "init", "-q", "--bare", str(project))
    (project / ".git").mkdir()
    with pytest.raises(GitError, match=r"Git does not accept .*project as a repository"):
        Git.of(project, ENVIRON)
