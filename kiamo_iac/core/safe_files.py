"""Files read, written and removed without following a symbolic link, and private files that are written whole.

A `RootedFile` lies below a folder, such as a checkout. The folder itself may be reached through links: the user chose
it. Its content may come from a merge request, and git stores links.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import BinaryIO, Final, Self

PRIVATE: Final = 0o600
"""The mode of a file that only its owner may read."""
PRIVATE_FOLDER: Final = 0o700

_BINARY: Final = getattr(os, "O_BINARY", 0)
_NO_FOLLOW: Final = _BINARY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
"""Without blocking: opening a pipe in the place of a file would never return."""
_READ: Final = os.O_RDONLY | _BINARY | getattr(os, "O_NONBLOCK", 0)
_CREATE: Final = os.O_CREAT | os.O_EXCL | os.O_WRONLY | _BINARY | getattr(os, "O_NOFOLLOW", 0)
_FOLDER: Final = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0)
_BY_HANDLE: Final = hasattr(os, "O_NOFOLLOW") and {os.open, os.mkdir, os.stat, os.unlink} <= os.supports_dir_fd
"""Whether the system opens names relative to an open folder, so that no folder can become a link meanwhile."""
_NAME_SURROGATE: Final = 0x20000000
"""The bit of a reparse tag that says that another name is meant (winnt.h): links and junctions, not cloud files."""
_IGNORED: Final = dict.fromkeys((*range(0x200C, 0x2010), *range(0x202A, 0x202F), *range(0x206A, 0x2070), 0xFEFF))
"""Code points that HFS+ leaves out when it compares names (Apple TN1150; git's `core.protectHFS`)."""
_KINDS: Final = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISREG, "a file"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
)


class MisplacedError(OSError):
    """A link, or another object than a file or folder, is in the place of one; `strerror` says where and what."""

    def __init__(self, place: str, what: str) -> None:
        super().__init__(errno.ELOOP, f"{place} is {what}", place)
        self.place = place
        """As it is seen from the root."""


def real(path: Path) -> Path:
    """`path` with every link followed; it need not exist. `Path.resolve` raises on a circle of links before 3.13."""
    return Path(os.path.realpath(path))


def lies_below(path: Path, root: Path) -> bool:
    """Whether `path` is `root` or lies below it, and not in what git keeps for itself; both have their links followed.

    A checkout's `.git/config` holds credentials, and its hooks are run.
    """
    if not path.is_relative_to(root):
        return False
    return not any(_is_git_folder(part) for part in path.relative_to(root).parts)


def _is_git_folder(name: str) -> bool:
    """Whether a file system takes a name for `.git`: case is ignored, on Windows also its short name, text after a
    colon, dots and spaces at the end, and on HFS+ some characters."""
    return name.translate(_IGNORED).partition(":")[0].rstrip(". ").casefold() in {".git", "git~1"}


def is_stream(path: Path) -> bool:
    """Whether it is the name of an open file, such as `/dev/stdout` or `/dev/fd/3`. It has to be written into:
    replacing the name would remove it for every program.
    """
    folder = real(path.parent)
    return folder in {Path("/dev"), Path("/dev/fd")} or folder.is_relative_to("/proc")


def is_link(found: os.stat_result) -> bool:
    """Whether it is a symbolic link; on Windows, a junction too."""
    return stat.S_ISLNK(found.st_mode) or bool(getattr(found, "st_reparse_tag", 0) & _NAME_SURROGATE)


@dataclass(frozen=True, slots=True)
class RootedFile:
    """A file that need not exist."""

    root: Path
    """Links in it are followed."""
    parts: tuple[str, ...]
    """The path below it, the name of the file last; without `..`."""

    @classmethod
    def below(cls, root: Path, path: PurePath | str) -> Self:
        """`path` is relative to `root`.

        Raises:
            ValueError: it is not, or leads out of it.
        """
        parts = PurePath(path).parts
        if not parts or ".." in parts or PurePath(path).is_absolute():
            msg = f"{path} does not lie below {root}"
            raise ValueError(msg)
        return cls(root, parts)

    @property
    def path(self) -> Path:
        """For messages, and for what takes nothing but a path: see `check`."""
        return self.root.joinpath(*self.parts)

    @property
    def name(self) -> str:
        """Its own."""
        return self.parts[-1]

    def beside(self, suffix: str) -> RootedFile:
        """The file in the same folder whose name goes on with `suffix`."""
        return RootedFile(self.root, (*self.parts[:-1], f"{self.name}{suffix}"))

    def check(self) -> bool:
        """Whether the file exists.

        Raises:
            MisplacedError: another object is in its place, or a link is on its path.
            OSError: the way cannot be followed.
        """
        try:
            with self._folder() as folder:
                found = folder.status(self.name)
                _refuse(found, self._shown)
                return found is not None
        except FileNotFoundError:
            return False

    def read(self, *, limit: int) -> bytes | None:
        """Its content, or None when it is larger than `limit` bytes.

        Raises:
            OSError: it cannot be read; FileNotFoundError: there is none.
        """
        with self._folder() as folder, os.fdopen(folder.open(self.name, os.O_RDONLY, self._shown), "rb") as stream:
            data = stream.read(limit + 1)
        return data if len(data) <= limit else None

    def open(self) -> BinaryIO:
        """To be read and written, unbuffered; from now on it is private.

        Raises:
            OSError: it cannot be opened; FileNotFoundError: there is none.
        """
        with self._folder() as folder:
            handle = folder.open(self.name, os.O_RDWR, self._shown)
        _make_private(handle)
        return os.fdopen(handle, "r+b", buffering=0)

    def append(self, data: bytes) -> None:
        """Add `data` at its end; it is made where there is none, and private.

        Raises:
            OSError: it cannot be written.
        """
        with self._folder(make=PRIVATE_FOLDER) as folder:
            handle = folder.open(self.name, os.O_WRONLY | os.O_APPEND | os.O_CREAT, self._shown)
        _make_private(handle)
        with os.fdopen(handle, "ab") as stream:
            stream.write(data)

    def claim(self) -> None:
        """Create it, empty, when it does not exist; no other user can open it from now on.

        Raises:
            PermissionError: it belongs to another user, who could hold the lock.
            OSError: it cannot be made.
        """
        with self._folder(make=PRIVATE_FOLDER) as folder:
            handle = folder.open(self.name, os.O_RDWR | os.O_CREAT, self._shown)
            try:
                if sys.platform != "win32":
                    # The owner of the folder can replace any file in it: a container may run as root on a user's files.
                    above = os.fstat(folder.handle).st_uid if folder.handle is not None else os.geteuid()
                    if os.fstat(handle).st_uid not in {os.geteuid(), 0, above}:
                        msg = f"{self._shown} belongs to another user"
                        raise PermissionError(errno.EPERM, msg, str(self.path))
                _make_private(handle)
            finally:
                os.close(handle)

    def write(self, data: bytes, *, mode: int | None = PRIVATE, over_link: bool = False) -> None:
        """Replace the file in one step, and create the folders that it needs.

        A temporary file with a name that cannot be guessed is written beside it, synced to disk, and moved into place,
        so that there is never a part of a file. `mode`: None: that of the present file, or of new files and folders.
        `over_link`: a link in its place is replaced; else it is refused.

        Raises:
            OSError: it cannot be written, or another object is in its place; no temporary file is left.
        """
        with self._folder(make=PRIVATE_FOLDER if mode is not None else 0o777) as folder:
            found = folder.status(self.name)
            if not (over_link and found is not None and is_link(found)):
                _refuse(found, self._shown)
            temporary = f".{secrets.token_hex(8)}.tmp"
            handle = os.open(folder.at(temporary), _CREATE, 0o666 if mode is None else mode, dir_fd=folder.handle)
            try:
                with os.fdopen(handle, "wb") as stream:
                    stream.write(data)
                    stream.flush()
                    os.fsync(stream.fileno())
                if mode is None and found is not None:
                    os.chmod(folder.at(temporary), stat.S_IMODE(found.st_mode), dir_fd=folder.handle)
                os.replace(
                    folder.at(temporary), folder.at(self.name), src_dir_fd=folder.handle, dst_dir_fd=folder.handle
                )
            except BaseException:
                with contextlib.suppress(OSError):
                    os.unlink(folder.at(temporary), dir_fd=folder.handle)
                raise
            folder.sync()

    def create(self, data: bytes) -> None:
        """Write it where there is nothing yet, with the folders that it needs and the usual mode.

        Raises:
            OSError: it cannot be written, and is not left behind; FileExistsError: there is something.
        """
        with self._folder(make=0o777) as folder:
            handle = os.open(folder.at(self.name), _CREATE, 0o666, dir_fd=folder.handle)
            try:
                with os.fdopen(handle, "wb") as stream:
                    stream.write(data)
            except BaseException:
                with contextlib.suppress(OSError):
                    os.unlink(folder.at(self.name), dir_fd=folder.handle)
                raise

    def remove(self) -> None:
        """Remove it, if there is one.

        Raises:
            OSError: it cannot be removed.
        """
        with contextlib.suppress(FileNotFoundError), self._folder() as folder:
            os.unlink(folder.at(self.name), dir_fd=folder.handle)

    def siblings(self) -> list[str]:
        """The names of the files in its folder, sorted; none where there is no folder. Links are left out.

        Raises:
            OSError: the folder cannot be read, or a link is on the way.
        """
        try:
            with self._folder() as folder, os.scandir(folder.path if folder.handle is None else folder.handle) as found:
                return sorted(entry.name for entry in found if entry.is_file(follow_symlinks=False))
        except FileNotFoundError:
            return []

    @property
    def _shown(self) -> str:
        return "/".join(self.parts)

    @contextmanager
    def _folder(self, *, make: int | None = None) -> Iterator[_Folder]:
        """Its folder, open; with `make`, missing folders are created with that mode."""
        folder = _Folder(self.root, os.open(self.root, _FOLDER) if _BY_HANDLE else None)
        try:
            for depth, part in enumerate(self.parts[:-1], start=1):
                inner = folder.into(part, "/".join(self.parts[:depth]), make=make)
                folder.close()
                folder = inner
            yield folder
        finally:
            folder.close()


@dataclass(frozen=True, slots=True)
class _Folder:
    """A folder, open where the system can look names up in one."""

    path: Path
    handle: int | None

    def at(self, name: str) -> str:
        """The path of the entry for a call with `dir_fd`."""
        return name if self.handle is not None else str(self.path / name)

    def status(self, name: str) -> os.stat_result | None:
        """Its status, without following a link; None when there is none."""
        try:
            return os.stat(self.at(name), dir_fd=self.handle, follow_symlinks=False)
        except FileNotFoundError:
            return None

    def into(self, name: str, shown: str, *, make: int | None) -> _Folder:
        """The folder of that name in this one."""
        found = self.status(name)
        if found is None:
            if make is None:
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), shown)
            with contextlib.suppress(FileExistsError):
                os.mkdir(self.at(name), make, dir_fd=self.handle)
            found = self.status(name)
        _refuse(found, shown, folder=True)
        handle = None
        if self.handle is not None:
            handle = os.open(name, _FOLDER | _NO_FOLLOW, dir_fd=self.handle)
        return _Folder(self.path / name, handle)

    def open(self, name: str, flags: int, shown: str) -> int:
        """Open a regular file."""
        _refuse(self.status(name), shown)
        handle = os.open(self.at(name), flags | _NO_FOLLOW, PRIVATE, dir_fd=self.handle)
        try:
            _refuse(os.fstat(handle), shown)
        except BaseException:
            os.close(handle)
            raise
        return handle

    def sync(self) -> None:
        """Sync its entries to disk, where a folder can be opened."""
        if self.handle is not None:
            with contextlib.suppress(OSError):
                os.fsync(self.handle)

    def close(self) -> None:
        """Close the handle."""
        if self.handle is not None:
            os.close(self.handle)


def _refuse(found: os.stat_result | None, shown: str, *, folder: bool = False) -> None:
    """
    Raises:
        MisplacedError: it exists, and is not a file or, with `folder`, not a folder.
    """
    if found is None or ((stat.S_ISDIR if folder else stat.S_ISREG)(found.st_mode) and not is_link(found)):
        return
    kind = next((what for test, what in _KINDS if test(found.st_mode)), "a device")
    what = "a symbolic link" if is_link(found) else kind
    raise MisplacedError(shown, f"{what}, not {'a folder' if folder else 'a file'}")


def _make_private(handle: int) -> None:
    if sys.platform != "win32":
        with contextlib.suppress(PermissionError):  # a file of another user, with write access
            os.fchmod(handle, PRIVATE)


def write_private(path: Path, data: bytes) -> None:
    """Replace the file at `path` in one step, with mode 0600 (on Windows: with the rights of its folder).

    At no moment is there a part of the file, or a file that others can read. A symbolic link in its place is replaced,
    not followed. For a file below a project's folder use `RootedFile`.

    Raises:
        OSError: it cannot be written, or it is not a regular file (`/dev/stdout`); no temporary file is left.
    """
    if is_stream(path) or (path.exists() and not path.is_file()):  # links followed
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    RootedFile(path.parent, (path.name,)).write(data, over_link=True)


def read_limited(path: Path, *, limit: int) -> bytes | None:
    """The content of `path`, or None when it is larger than `limit` bytes.

    Raises:
        OSError: it cannot be read, or is no regular file.
    """
    handle = os.open(path, _READ)
    with os.fdopen(handle, "rb") as stream:
        if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
            msg = "not a regular file"
            raise OSError(0, msg, str(path))
        data = stream.read(limit + 1)
    return data if len(data) <= limit else None
