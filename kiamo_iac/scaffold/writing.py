"""Files that are all written or not at all, and never over others."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path

from kiamo_iac.errors import KiamoIacError


def write_all(files: Mapping[Path, str]) -> None:
    """Write every file, with the folders that it needs.

    Raises:
        KiamoIacError: some exist already, or one cannot be written; then there is none of them.
    """
    existing = [file for file in files if os.path.lexists(file)]
    if existing:
        listed = ", ".join(shown(file) for file in existing)
        msg = f"Nothing was written, for there is already: {listed}."
        raise KiamoIacError(msg, hint="move it away, or choose another folder; init never writes over a file")
    written: list[Path] = []
    folders: list[Path] = []
    try:
        for file, text in files.items():
            _make_folders(file.parent, folders)
            with file.open("x", encoding="utf-8", newline="\n") as stream:
                written.append(file)
                stream.write(text)
    except OSError as error:
        for path in reversed(written):
            with contextlib.suppress(OSError):
                path.unlink()
        for path in reversed(folders):
            with contextlib.suppress(OSError):
                path.rmdir()
        msg = f"Nothing was written: {error.filename or 'a file'}: {error.strerror or error}."
        raise KiamoIacError(msg) from error


def shown(file: Path) -> str:
    """A file as it is seen from the working directory."""
    try:
        return os.path.relpath(file)
    except ValueError:  # another drive
        return str(file)


def _make_folders(folder: Path, made: list[Path]) -> None:
    if folder.is_dir():
        return
    _make_folders(folder.parent, made)
    folder.mkdir()
    made.append(folder)
