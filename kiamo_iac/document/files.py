"""Text files: reading with a size limit and a known encoding, and writing atomically."""

from __future__ import annotations

import codecs
import errno
import os
import stat
from pathlib import Path

from kiamo_iac.core.diagnostics import Diagnostic, SourceRange
from kiamo_iac.core.errors import ManifestError
from kiamo_iac.core.safe_files import RootedFile, lies_below, real

MAX_BYTES = 16 * 1024 * 1024
"""Of one file: some 20,000 bases."""

_USUAL = 64 * 1024
"""Bytes that nearly every file fits in: `read` allocates all that it is asked for, and 16 MiB are slow."""

_READ = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)
"""Without blocking: reading a pipe among the manifests would never return."""

_ENCODINGS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, None),  # before UTF-16 LE, whose mark it begins with
    (codecs.BOM_UTF32_BE, None),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def read_text(path: Path, *, shown: str, max_bytes: int = MAX_BYTES) -> str:
    """The text of `path`: UTF-8 with or without a byte order mark, or UTF-16 with one; line ends are kept.

    `shown` is the file's name in diagnostics.

    Raises:
        ManifestError: it cannot be read, is larger than `max_bytes`, or is not text; with one diagnostic.
    """
    return decode_text(read_bytes(path, shown=shown, max_bytes=max_bytes), shown=shown)


def read_bytes(path: Path, *, shown: str, max_bytes: int = MAX_BYTES) -> bytes:
    """The content of `path`.

    Raises:
        ManifestError: it cannot be read, or is larger than `max_bytes`.
    """
    try:
        with os.fdopen(os.open(path, _READ), "rb") as stream:
            if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                raise _problem("KIA0104", "it is not a regular file", hint="remove it", shown=shown)
            data = stream.read(min(_USUAL, max_bytes + 1))
            if len(data) == _USUAL:
                data += stream.read(max_bytes + 1 - _USUAL)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise _problem(
            "KIA0104",
            f"the file cannot be read: {reason}",
            hint="check that it exists, and its permissions",
            shown=shown,
        ) from error
    if len(data) > max_bytes:
        size = f"{max_bytes // (1024 * 1024)} MiB" if max_bytes >= 1024 * 1024 else f"{max_bytes} bytes"
        hint = "split it into several files" if max_bytes == MAX_BYTES else "shorten it"
        raise _problem("KIA0103", f"the file is larger than {size}", hint=hint, shown=shown)
    return data


def write_text(path: Path, text: str, *, within: Path) -> None:
    """Write `text` to `path` as UTF-8, and create missing folders; line ends and the mode of the file are kept.

    The write is atomic: a temporary file beside it is moved into place. A link is kept, and its target replaced.
    `within`, which exists, is the folder that no link may lead out of: a merge request may have added a link.

    Raises:
        OSError: it cannot be written; no temporary file remains.
    """
    root, target = real(within), real(path)
    if target == root or not lies_below(target, root):
        msg = "a link leads out of the folder"
        raise OSError(errno.ELOOP, msg, str(path))
    RootedFile.below(root, target.relative_to(root)).write(text.encode(), mode=None)


def decode_text(data: bytes, *, shown: str) -> str:
    """Decode `data` as `read_text` does.

    Raises:
        ManifestError: it is not text.
    """
    encoding: str | None = "utf-8"
    for mark, named in _ENCODINGS:
        if data.startswith(mark):
            data, encoding = data[len(mark) :], named
            break
    if encoding is None:
        raise _problem("KIA0102", "UTF-32 is not supported", hint="save it as UTF-8", shown=shown)
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        before = data[: error.start].decode(encoding, "replace")
        line, column = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
        summary = f"the file is not valid {'UTF-8' if encoding == 'utf-8' else 'UTF-16'}"
        hint = "save it as UTF-8: it may be in a Windows encoding" if encoding == "utf-8" else "save it as UTF-8"
        raise _problem("KIA0102", summary, hint=hint, shown=shown, line=line, column=column) from error


def _problem(code: str, summary: str, *, hint: str, shown: str, line: int = 1, column: int = 1) -> ManifestError:
    diagnostic = Diagnostic(code, summary, hint=hint, source=SourceRange(shown, line, column))
    return ManifestError(f"Cannot read {shown}: {summary}.", diagnostics=[diagnostic])
