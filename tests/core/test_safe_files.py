"""Files below a folder: no link is followed on the way, whichever calls the system has; modes; all or nothing."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from kiamo_iac.core import safe_files
from kiamo_iac.core.safe_files import MisplacedError, RootedFile, real

POSIX = sys.platform != "win32"


@pytest.fixture(params=["by handle", "by path"], autouse=True)
def calls(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways to follow a path: the second one is what Windows has."""
    if request.param == "by path":
        monkeypatch.setattr(safe_files, "_BY_HANDLE", False)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with a file in a folder, and beside it one that is not to be reached."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "precious").write_bytes(b"precious")
    made = tmp_path / "root"
    (made / "in").mkdir(parents=True)
    (made / "in" / "file").write_bytes(b"12345")
    return made


def untouched(root: Path) -> bool:
    """Whether nothing beside it was changed or made."""
    outside = root.parent / "outside"
    return [(p.name, p.read_bytes()) for p in outside.iterdir()] == [("precious", b"precious")]


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


CALLS: dict[str, Callable[[RootedFile], object]] = {
    "check": RootedFile.check,
    "read": lambda file: file.read(limit=5),
    "open": RootedFile.open,
    "append": lambda file: file.append(b"x"),
    "claim": RootedFile.claim,
    "write": lambda file: file.write(b"x"),
    "write text": lambda file: file.write(b"x", mode=None),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize("target", ["../../outside/precious", "../../outside", "../../outside/new", "link", "file"])
def test_no_link_is_followed_in_its_place(root: Path, call: Callable[[RootedFile], object], target: str) -> None:
    (root / "in" / "link").symlink_to(target)
    with pytest.raises(MisplacedError, match="in/link is a symbolic link, not a file"):
        call(RootedFile.below(root, "in/link"))
    assert untouched(root)
    assert str((root / "in" / "link").readlink()) == target
    assert (root / "in" / "file").read_bytes() == b"12345"


@pytest.mark.parametrize("call", [*CALLS.values(), RootedFile.remove, lambda file: file.create(b"x")])
@pytest.mark.parametrize("target", ["../outside", "in", "none", "link"])
def test_no_link_is_followed_on_the_way(root: Path, call: Callable[[RootedFile], object], target: str) -> None:
    (root / "link").symlink_to(target)
    for way in ("link/precious", "link/file", "link/a/b"):
        with pytest.raises(MisplacedError, match="link is a symbolic link, not a folder"):
            call(RootedFile.below(root, way))
    assert untouched(root)
    assert sorted(path.name for path in root.rglob("*")) == ["file", "in", "link"]


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_what_is_no_file_is_refused_at_once(root: Path, call: Callable[[RootedFile], object]) -> None:
    (root / "in" / "folder").mkdir()
    with pytest.raises(MisplacedError, match="in/folder is a folder, not a file"):
        call(RootedFile.below(root, "in/folder"))
    with pytest.raises(MisplacedError, match="in/file is a file, not a folder"):
        call(RootedFile.below(root, "in/file/below"))
    if POSIX:
        os.mkfifo(root / "in" / "pipe")
        with pytest.raises(MisplacedError, match="in/pipe is a named pipe, not a file"):
            call(RootedFile.below(root, "in/pipe"))


def test_the_root_itself_may_be_reached_through_links(root: Path) -> None:
    (root.parent / "link").symlink_to(root)
    file = RootedFile.below(root.parent / "link", "in/new")
    file.write(b"x")
    assert file.read(limit=5) == b"x"
    assert (root / "in" / "new").read_bytes() == b"x"


@pytest.mark.parametrize("path", ["", ".", "..", "../x", "a/../../x", "/etc/passwd"])
def test_a_path_that_leads_elsewhere_is_none_of_its_files(tmp_path: Path, path: str) -> None:
    with pytest.raises(ValueError, match="does not lie below"):
        RootedFile.below(tmp_path, path)


def test_what_is_kept_is_private_whatever_the_umask(root: Path) -> None:
    before = os.umask(0)
    try:
        RootedFile.below(root, "new/deep/file").write(b"x")
        RootedFile.below(root, "new/appended").append(b"x")
        RootedFile.below(root, "new/claimed").claim()
        (root / "in" / "file").chmod(0o644)
        RootedFile.below(root, "in/file").open().close()
        RootedFile.below(root, "text/file").write(b"x", mode=None)
        RootedFile.below(root, "text/made").create(b"x")
    finally:
        os.umask(before)
    if POSIX:
        kept = ("new/deep/file", "new/appended", "new/claimed", "in/file")
        assert {mode(root / name) for name in kept} == {0o600}
        assert {mode(root / name) for name in ("new", "new/deep")} == {0o700}
        assert {mode(root / name) for name in ("text/file", "text/made")} == {0o666}
        assert mode(root / "text") == 0o777


def test_a_text_keeps_the_mode_that_it_has(root: Path) -> None:
    (root / "in" / "file").chmod(0o640)
    RootedFile.below(root, "in/file").write(b"x", mode=None)
    assert not POSIX or mode(root / "in" / "file") == 0o640
    assert (root / "in" / "file").read_bytes() == b"x"


def test_a_link_in_its_place_is_replaced_where_that_is_asked_for(root: Path) -> None:
    (root / "link").symlink_to("../outside/precious")
    RootedFile.below(root, "link").write(b"x", over_link=True)
    assert untouched(root)
    assert not (root / "link").is_symlink()


def test_what_is_there_is_not_created(root: Path) -> None:
    (root / "link").symlink_to("../outside/new")
    for name in ("in/file", "link", "in"):
        with pytest.raises(FileExistsError):
            RootedFile.below(root, name).create(b"x")
    assert untouched(root)


def test_removing_takes_the_link_and_not_what_it_leads_to(root: Path) -> None:
    (root / "link").symlink_to("../outside/precious")
    RootedFile.below(root, "link").remove()
    RootedFile.below(root, "none/at/all").remove()
    assert untouched(root)
    assert not os.path.lexists(root / "link")


def test_reading_ends_at_the_limit(root: Path) -> None:
    assert RootedFile.below(root, "in/file").read(limit=5) == b"12345"
    assert RootedFile.below(root, "in/file").read(limit=4) is None
    for name in ("in/none", "none/none"):
        with pytest.raises(FileNotFoundError):
            RootedFile.below(root, name).read(limit=5)
        assert RootedFile.below(root, name).check() is False
    assert RootedFile.below(root, "in/file").check() is True


def test_what_cannot_be_moved_into_place_leaves_the_old_and_nothing_else(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*paths: str, **folders: int | None) -> None:
        raise PermissionError(13, "no")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(PermissionError):
        RootedFile.below(root, "in/file").write(b"x")
    assert [(p.name, p.read_bytes()) for p in (root / "in").iterdir()] == [("file", b"12345")]


@pytest.mark.parametrize("owner", ["us", "the super-user", "the folder's", "another"])
def test_a_file_of_another_user_is_not_claimed(root: Path, monkeypatch: pytest.MonkeyPatch, owner: str) -> None:
    """Unless it is the folder's owner, who can do as they like in it."""
    if not POSIX:
        return
    us, theirs, folders = 1001, 1002, 1003
    owners = {"us": us, "the super-user": 0, "the folder's": folders, "another": theirs}
    real_fstat = os.fstat

    def fstat(handle: int) -> os.stat_result:
        found = list(real_fstat(handle))
        found[4] = folders if stat.S_ISDIR(int(found[0])) else owners[owner]
        return os.stat_result(found)

    monkeypatch.setattr(os, "fstat", fstat)
    monkeypatch.setattr(os, "geteuid", lambda: us)
    monkeypatch.setattr(safe_files, "_BY_HANDLE", True)
    if owner == "another":
        with pytest.raises(PermissionError, match="in/file belongs to another user"):
            RootedFile.below(root, "in/file").claim()
    else:
        RootedFile.below(root, "in/file").claim()


def test_a_path_of_links_in_a_circle_has_a_name_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    assert real(tmp_path / "a").parent == real(tmp_path)
