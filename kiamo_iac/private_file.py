"""Files that are nobody else's to read: written whole or not at all, read up to a limit."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from pathlib import Path
from typing import Final

_CREATE: Final = os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)
_READ: Final = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)
"""Without blocking: a pipe that somebody put in the place of the file would never answer."""


def write_private(path: Path, data: bytes) -> None:
    """Put `data` in the place of `path`, with mode 0600 (on Windows: with the rights of its folder).

    The file is made beside it under a name that nobody can guess, brought to disk, and moved into place; so there is
    the old one or the new one, and at no moment a part of it, or one that others can read. A symbolic link is replaced,
    not followed.

    Raises:
        OSError: it cannot be written, or stands for something else than a file, such as `/dev/null`; nothing is left
            behind.
    """
    if path.exists() and not path.is_file():  # links followed: /dev/stdout is one
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    draft = path.with_name(f".{path.name[:100]}.{secrets.token_hex(8)}.tmp")
    handle = os.open(draft, _CREATE, 0o600)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            draft.unlink()
        raise
    _settle(path.parent)


def read_limited(path: Path, *, limit: int) -> bytes | None:
    """What stands in `path`, or None when that is more than `limit` bytes.

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


def _settle(folder: Path) -> None:
    """Bring the folder's own entry to disk, where a folder can be opened."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
