"""Private files: mode, all or nothing, links, limits, and what is no file."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

from kiamo_iac.core.safe_files import RootedFile, read_limited, write_private

POSIX = sys.platform != "win32"


def test_a_new_file_is_its_owners_alone_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        write_private(tmp_path / "plan", b"x")
    finally:
        os.umask(before)
    assert (tmp_path / "plan").read_bytes() == b"x"
    assert not POSIX or stat.S_IMODE((tmp_path / "plan").stat().st_mode) == 0o600
    assert [p.name for p in tmp_path.iterdir()] == ["plan"]


def test_an_open_file_becomes_private_when_it_is_written_anew(tmp_path: Path) -> None:
    path = tmp_path / "plan"
    path.write_bytes(b"old")
    path.chmod(0o644)
    write_private(path, b"new")
    assert path.read_bytes() == b"new"
    assert not POSIX or stat.S_IMODE(path.stat().st_mode) == 0o600


def test_what_cannot_be_moved_into_place_leaves_the_old_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "plan").write_bytes(b"old")

    def refuse(*paths: str, **folders: int | None) -> None:
        raise PermissionError(13, "no")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(PermissionError):
        write_private(tmp_path / "plan", b"new")
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("plan", b"old")]


def test_what_is_no_file_is_never_replaced(tmp_path: Path) -> None:
    """`--out /dev/null`, by the super-user, would take it away from everybody."""
    (tmp_path / "folder").mkdir()
    if sys.platform != "win32":
        os.mkfifo(tmp_path / "pipe")
        (tmp_path / "link").symlink_to(tmp_path / "pipe")
    before = sorted((p.name, p.lstat().st_mode) for p in tmp_path.iterdir())
    for path in tmp_path.iterdir():
        with pytest.raises(OSError, match="not a regular file"):
            write_private(path, b"x")
    assert sorted((p.name, p.lstat().st_mode) for p in tmp_path.iterdir()) == before


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/stderr", "/dev/fd/1", "/proc/self/fd/1"])
def test_the_systems_name_of_an_open_file_is_never_replaced(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind it may be a file: `--out /dev/stdout > plan`, by the super-user, would take it away from everybody."""
    monkeypatch.setattr(RootedFile, "write", lambda *_, **__: pytest.fail("it was replaced"))
    with pytest.raises(OSError, match="not a regular file"):
        write_private(Path(name), b"x")


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_private(tmp_path / "none" / "plan", b"x")


def test_a_link_is_replaced_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(b"precious")
    try:
        (tmp_path / "plan").symlink_to(tmp_path / "other")
    except OSError:  # Windows, without the right to make links
        (tmp_path / "plan").write_bytes(b"")
    write_private(tmp_path / "plan", b"x")
    assert (tmp_path / "other").read_bytes() == b"precious"
    assert not (tmp_path / "plan").is_symlink()


def test_reading_ends_at_the_limit(tmp_path: Path) -> None:
    (tmp_path / "plan").write_bytes(b"12345")
    assert read_limited(tmp_path / "plan", limit=5) == b"12345"
    assert read_limited(tmp_path / "plan", limit=4) is None


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"."):
        read_limited(tmp_path, limit=5)
    if POSIX:
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(OSError, match="not a regular file"):
            read_limited(tmp_path / "pipe", limit=5)
