"""What git tracks, with git and without it, in every form of the index."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from kiamo_iac.core.errors import GitError
from kiamo_iac.git.tracking import why_tracked
from tests.git_by_hand import ENVIRON, git

NO_GIT = ENVIRON | {"PATH": "/nowhere"}
PARTS = (".kiamo", "a.json")


def stage(folder: Path, name: str) -> None:
    """Put `name` into the index, whatever is on the disk."""
    line = ["git", "hash-object", "-w", str(folder / "kiamo.yaml")]
    blob = subprocess.run(line, cwd=folder, env=ENVIRON, check=True, capture_output=True, text=True).stdout.strip()
    prefix = subprocess.run(
        ["git", "rev-parse", "--show-prefix"], cwd=folder, env=ENVIRON, check=True, capture_output=True, text=True
    )
    git(folder, "update-index", "--add", "--cacheinfo", f"100644,{blob},{prefix.stdout.strip()}{name}")


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
    if form == "--index-version=2":
        assert (why_tracked(project, PARTS, NO_GIT) or "").endswith(".kiamo/a.json")
    else:
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


@pytest.mark.parametrize("name", [".\u212aiamo/a.json", ".KIAMO/A.j\u017fon"], ids=["Kelvin", "long s"])
def test_letters_that_a_disk_takes_for_ascii_are_seen_without_git(project: Path, name: str) -> None:
    git(project, "add", "kiamo.yaml")
    stage(project, name)
    assert (why_tracked(project, PARTS, NO_GIT) or "").endswith(name)


@pytest.mark.parametrize("name", ["KIAMO~1/A~1.JSO", ".ki\u200camo/a.json"], ids=["short name", "invisible character"])
def test_another_spelling_is_the_same_file_if_the_file_system_treats_it_so(project: Path, name: str) -> None:
    stage(project, name)
    assert why_tracked(project, PARTS, NO_GIT) is None
    (project / name).parent.mkdir(exist_ok=True)
    os.link(project.joinpath(*PARTS), project / name)
    assert (why_tracked(project, PARTS, NO_GIT) or "").endswith(name)


@pytest.mark.parametrize("name", ["uplink", "links.md", "a-link/sdir", "sdir", "x" * 5000])
@pytest.mark.parametrize("more", ["", "--intent-to-add"])
@pytest.mark.parametrize("format_", ["sha1", "sha256"])
def test_no_name_in_the_index_makes_git_necessary(tmp_path: Path, name: str, more: str, format_: str) -> None:
    git(tmp_path, "init", "-q", f"--object-format={format_}")
    (tmp_path / "kiamo.yaml").write_text("manifests: [manifests]\n")
    git(tmp_path, "add", *filter(None, [more]), "kiamo.yaml")
    stage(tmp_path, name)
    if not more:
        git(tmp_path, "write-tree")  # with the extension TREE
    assert why_tracked(tmp_path, PARTS, NO_GIT) is None
    stage(tmp_path, ".kiamo/a.json")
    assert why_tracked(tmp_path, PARTS, NO_GIT) == "git tracks .kiamo/a.json"


def test_an_index_that_git_cannot_read_is_reported(project: Path) -> None:
    root = next(above for above in (project, *project.parents) if (above / ".git").is_dir())
    (root / ".git" / "index").write_bytes(b"junk")
    with pytest.raises(GitError, match="git ls-files failed"):
        why_tracked(project, PARTS, ENVIRON)


def test_a_pipe_in_the_place_of_the_index_is_not_waited_for(project: Path) -> None:
    """Such as that of another user, in a folder above that everybody may write to."""
    root = next(above for above in (project, *project.parents) if (above / ".git").is_dir())
    os.mkfifo(root / ".git" / "index")
    with pytest.raises(GitError, match="git cannot be run"):
        why_tracked(project, PARTS, NO_GIT)


def test_without_a_repository_nothing_is_tracked(tmp_path: Path) -> None:
    assert why_tracked(tmp_path, PARTS, NO_GIT) is None
