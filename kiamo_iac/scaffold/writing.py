"""Files written all or none, without overwriting any."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path

from kiamo_iac.core.errors import KiamoIacError
from kiamo_iac.core.safe_files import MisplacedError, RootedFile


def write_files(files: Mapping[Path, str], root: Path) -> None:
    """Write every file below `root`, and its folders. No link below `root` is followed.

    Raises:
        KiamoIacError: a file exists, is behind a link, or cannot be written; no file is written.
    """
    rooted = {RootedFile.below(root, file.relative_to(root)): text for file, text in files.items()}
    for file in rooted:
        _check_folders(file)
    existing = [file for file in files if os.path.lexists(file)]
    if existing:
        listed = ", ".join(relative_name(file) for file in existing)
        msg = f"Nothing was written: these files exist already: {listed}."
        raise KiamoIacError(msg, hint="move them, or pass another folder; init never overwrites a file")
    lacking = dict.fromkeys(f for file in files for f in reversed(file.parents) if not os.path.lexists(f))
    written: list[RootedFile] = []
    try:
        root.mkdir(parents=True, exist_ok=True)
        for file, text in rooted.items():
            file.create(text.encode())
            written.append(file)
    except OSError as error:
        for file in reversed(written):
            with contextlib.suppress(OSError):
                file.remove()
        for folder in reversed(lacking):
            with contextlib.suppress(OSError):
                folder.rmdir()
        raise _unwritten(error) from error


def _check_folders(file: RootedFile) -> None:
    try:
        file.check()
    except MisplacedError as error:
        if error.place != "/".join(file.parts):  # an existing file is reported with all others
            raise _unwritten(error) from error


def _unwritten(error: OSError) -> KiamoIacError:
    if isinstance(error, MisplacedError):
        msg = f"Nothing was written: {error.strerror} of the repository."
        return KiamoIacError(msg, hint=f"remove {error.place}: init follows no links")
    return KiamoIacError(f"Nothing was written: {error.filename or 'a file'}: {error.strerror or error}.")


def relative_name(file: Path) -> str:
    """A file relative to the working directory."""
    try:
        return os.path.relpath(file)
    except ValueError:  # another drive
        return str(file)
