"""What git tracks, with git and without it, in every form of the index."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from kiamo_iac.errors import GitError
from kiamo_iac.git.tracking import why_tracked

ENVIRON = {"PATH": os.environ["PATH"], "HOME": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
NO_GIT = ENVIRON | {"PATH": "/nowhere"}
PARTS = (".kiamo", "a.json")


def git(folder: Path, *arguments: str) -> None:
    line = ["git", "-c", "user.name=t", "-c", "user.email=t@example.com", *arguments]
    subprocess.run(line, cwd=folder, env=ENVIRON, check=True, capture_output=True)


@pytest.fixture(params=[".", "éloïse/telephony"])
def project(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A project at the root of a checkout, and one below it whose folder has letters beyond ASCII."""
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    git(checkout, "init", "-q")
    folder = checkout / str(request.param)
    folder.joinpath(".kiamo").mkdir(parents=True)
    folder.joinpath(*PARTS).write_text("{}\n")
    (folder / "kiamo.yaml").write_text("manifests: [manifests]\n")
    return folder


def test_before_anything_is_tracked_nothing_is(project: Path) -> None:
    assert why_tracked(project, PARTS, NO_GIT) is None


def test_what_is_not_in_the_index_needs_no_git(project: Path) -> None:
    git(project, "add", "kiamo.yaml")
    assert why_tracked(project, PARTS, NO_GIT) is None


@pytest.mark.parametrize("form", ["--index-version=2", "--index-version=4", "--split-index"])
def test_what_is_in_the_index_is_tracked_in_every_form(project: Path, form: str) -> None:
    git(project, "add", "kiamo.yaml")
    git(project, "update-index", *form.split("="))
    assert why_tracked(project, PARTS, ENVIRON) is None
    git(project, "add", ".kiamo/a.json")
    assert (why_tracked(project, PARTS, ENVIRON) or "").endswith(".kiamo/a.json")
    with pytest.raises(GitError, match="git cannot be run"):
        why_tracked(project, PARTS, NO_GIT)
    git(project, "rm", "-q", "--cached", ".kiamo/a.json")
    assert why_tracked(project, PARTS, ENVIRON) is None


def test_a_name_that_only_ends_like_it_is_not_it(project: Path) -> None:
    other = project / "elsewhere" / ".kiamo"
    other.mkdir(parents=True)
    (other / "a.json").write_text("{}\n")
    git(project, "add", "elsewhere")
    assert why_tracked(project, PARTS, ENVIRON) is None


def test_a_folder_that_is_a_link_in_the_index_is_tracked(project: Path, tmp_path: Path) -> None:
    """What stands in its place now was put there by hand; the next checkout takes it away."""
    (project / "link").symlink_to(tmp_path)
    git(project, "add", "link")
    (project / "link").unlink()
    (project / "link").mkdir()
    assert (why_tracked(project, ("link", "a.json"), ENVIRON) or "").endswith("link")


def test_a_folder_that_is_a_repository_is_not_of_this_machine_alone(project: Path) -> None:
    git(project, "init", "-q", ".kiamo")
    assert why_tracked(project, PARTS, NO_GIT) == ".kiamo is a git repository of its own"


def test_letters_beyond_ascii_are_compared_as_a_disk_may(project: Path) -> None:
    name = "te\u0301le\u0301phonie.json"
    (project / name).write_text("{}\n")
    git(project, "-c", "core.precomposeUnicode=false", "add", name)
    assert why_tracked(project, ("TÉLÉPHONIE.json",), ENVIRON) is not None
    assert why_tracked(project, ("téléphone.json",), ENVIRON) is None


def test_an_index_that_git_cannot_read_is_told(project: Path) -> None:
    root = next(above for above in (project, *project.parents) if (above / ".git").is_dir())
    (root / ".git" / "index").write_bytes(b"junk")
    with pytest.raises(GitError, match="git ls-files failed"):
        why_tracked(project, PARTS, ENVIRON)


def test_without_a_repository_nothing_is_tracked(tmp_path: Path) -> None:
    assert why_tracked(tmp_path, PARTS, NO_GIT) is None
