"""Paths of a project: what is portable, where links of a checkout may lead, and what is git's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from kiamo_iac.core.errors import ManifestError
from kiamo_iac.core.safe_files import lies_below
from kiamo_iac.manifest.paths import check_way, home_of, inside, loose_manifests, portable


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A repository with a project in it, and a folder beside both."""
    for folder in ("repo/.git", "repo/project/manifests", "repo/shared", "outside"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "repo" / "project" / "kiamo.yaml").touch()
    return tmp_path


def test_links_of_a_manifest_stay_in_the_project_and_others_in_the_repository(tree: Path) -> None:
    manifests = tree / "repo" / "project" / "manifests"
    assert home_of(manifests, project=True) == tree / "repo" / "project"
    assert home_of(manifests, project=False) == tree / "repo"
    assert home_of(tree / "repo" / "shared", project=True) == tree / "repo"
    assert home_of(tree / "outside", project=True) is None
    (tree / "repo" / ".git").rmdir()
    assert home_of(manifests, project=False) == tree / "repo" / "project"


@pytest.mark.parametrize(
    ("target", "project", "refused"),
    [
        ("../../../outside", False, "repository"),
        ("../../../outside", True, "project"),
        ("../../shared", True, "project"),
        ("../../shared", False, ""),
        ("..", True, ""),
        ("../../.git", False, "repository"),
        ("link", True, ""),
        ("nowhere", True, ""),
    ],
)
def test_a_way_is_followed_as_far_as_its_links_may_lead(
    tree: Path, monkeypatch: pytest.MonkeyPatch, target: str, project: bool, refused: str
) -> None:
    folder = tree / "repo" / "project" / "manifests"
    (folder / "link").symlink_to(target)
    monkeypatch.chdir(tree / "repo")
    for start in (Path("project/manifests"), folder, Path("shared/../project/manifests")):
        for name in ("link", "link/new", "link/a/../b"):
            if not refused:
                check_way(start / name, project=project)
                continue
            with pytest.raises(ManifestError) as caught:
                check_way(start / name, project=project)
            (found,) = caught.value.diagnostics
            assert found.code == "KIA0341"
            assert found.source is not None
            assert found.source.file == (start / "link").as_posix()


def test_a_way_through_links_that_no_checkout_brought_is_free(tree: Path) -> None:
    (tree / "work").symlink_to("repo")
    (tree / "home").symlink_to("work")
    check_way(tree / "home" / "project" / "manifests" / "a.yaml", project=True)
    (tree / "repo" / "project" / "manifests" / "a.yaml").symlink_to(tree / "outside")
    with pytest.raises(ManifestError, match="leads out of the project"):
        check_way(tree / "home" / "project" / "manifests" / "a.yaml", project=True)


def test_the_project_file_may_lead_anywhere_in_its_repository(tree: Path) -> None:
    file = tree / "repo" / "project" / "kiamo.yaml"
    file.unlink()
    file.symlink_to("../shared/kiamo.yaml")
    check_way(file, project=True)
    file.unlink()
    file.symlink_to("../../outside/kiamo.yaml")
    with pytest.raises(ManifestError, match="leads out of the repository"):
        check_way(file, project=True)


def test_loose_manifests_stay_in_their_repository_or_else_their_folder(tree: Path) -> None:
    shared = tree / "repo" / "shared"
    (shared / "a.yaml").touch()
    (shared / "b.yaml").symlink_to("../project/kiamo.yaml")
    assert [path.name for path in loose_manifests(shared)] == ["a.yaml", "b.yaml"]
    (tree / "repo" / ".git").rmdir()
    with pytest.raises(ManifestError, match=r"shared/b\.yaml is not followed"):
        loose_manifests(shared)


@pytest.mark.parametrize(
    "below",
    [
        ".git",
        ".git/config",
        "a/.GIT/x",
        ".git./config",
        ".git /config",
        "git~1/config",
        ".git::$INDEX_ALLOCATION/x",
        ".g\u200cit/config",
        "\ufeff.GIT/config",
    ],
)
def test_what_git_keeps_is_nothing_of_a_project(below: str) -> None:
    root = Path("/repo/.git/modules/x")  # above the root it does not matter
    assert not lies_below(root / below, root)


@pytest.mark.parametrize("below", ["", "a", ".gitignore", ".github/workflows", "a.git/b", "git/x"])
def test_all_else_below_a_folder_is_the_projects(below: str) -> None:
    root = Path("/repo/.git/modules/x")
    assert lies_below(root / below, root)
    assert not lies_below(root.parent / below, root)


@pytest.mark.parametrize(
    "text", ["/a", "C:/a", "a\\b", "nul", "a/con.yaml", "nul .yaml", "CONIN$", "com¹", "a ", "a\u200bb"]
)
def test_what_cannot_be_on_every_system_is_not_portable(tmp_path: Path, text: str) -> None:
    refused = portable(text)
    assert refused is not None
    assert inside(tmp_path, text) == refused


def test_a_link_elsewhere_that_leads_to_where_is_worked_is_followed(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A home folder that is a repository, with a link to the disk that all work is on; editors name whole paths."""
    (tree / "home" / ".git").mkdir(parents=True)
    (tree / "home" / "work").symlink_to("../repo")
    (tree / "home" / "all").symlink_to("..")
    (tree / "repo" / "project" / "out").symlink_to("../../outside")
    monkeypatch.chdir(tree / "repo" / "project")
    for name in ("work/project/kiamo.yaml", "work/project/manifests/new", "all/repo/shared", "work"):
        check_way(tree / "home" / name, project=True)
    for name in ("all/outside", "all", "work/.git/config", "work/project/out/x", "all/repo/project/out"):
        with pytest.raises(ManifestError):
            check_way(tree / "home" / name)
    monkeypatch.chdir(tree / "home")
    with pytest.raises(ManifestError):
        check_way(Path("work/project/kiamo.yaml"))
