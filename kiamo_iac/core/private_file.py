"""Files that are nobody else's to read: written whole or not at all, read up to a limit."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import Final

from kiamo_iac.core.rooted import RootedFile, is_stream

_READ: Final = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)
"""Without blocking: a pipe that somebody put in the place of the file would never answer."""


def write_private(path: Path, data: bytes) -> None:
    """Put `data` in the place of `path`, with mode 0600 (on Windows: with the rights of its folder).

    There is the old file or the new one, and at no moment a part of it, or one that others can read. A symbolic link in
    its place is replaced, not followed. Of a file below a project's folder, see `rooted`.

    Raises:
        OSError: it cannot be written, or stands for something else than a file, such as `/dev/stdout`; nothing is left
            behind.
    """
    if is_stream(path) or (path.exists() and not path.is_file()):  # links followed
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    RootedFile(path.parent, (path.name,)).write(data, over_link=True)


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
