"""Changed files are written: all of them, or none where one has changed since it was read."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from kiamo_iac.authoring.sheet import ChangedFile
from kiamo_iac.core.errors import KiamoIacError
from kiamo_iac.document.files import read_text, write_text

_BOM = "\ufeff"


def write_files(changes: Sequence[ChangedFile], *, within: Path) -> tuple[str, ...]:
    """Write each file whole and as UTF-8, no link followed out of `within`, which is created if missing; their names.

    Raises:
        ManifestError: a file that was read cannot be read again; none was written.
        KiamoIacError: a file has changed since it was read, or was created since; none was written. Or one cannot be
            written, and the hint names those that were.
    """
    for change in changes:
        _check_unchanged(change)
    written: list[str] = []
    for change in changes:
        try:
            within.mkdir(parents=True, exist_ok=True)
            write_text(change.path, change.after, within=within)
        except OSError as error:
            msg = f"{change.file} could not be written: {error.strerror or type(error).__name__}."
            so_far = f"written so far: {', '.join(written)}" if written else "nothing was written"
            raise KiamoIacError(msg, hint=f"{so_far}; fix the cause, then run it again") from error
        written.append(change.file)
    return tuple(written)


def _check_unchanged(change: ChangedFile) -> None:
    if change.before is None:
        stale = "was created meanwhile" if os.path.lexists(change.path) else None
    else:
        now = read_text(change.path, shown=change.file)  # without a byte order mark
        stale = "has changed since it was read" if now != change.before.removeprefix(_BOM) else None
    if stale is not None:
        msg = f"{change.file} {stale}; nothing was written."
        raise KiamoIacError(msg, hint="run it again")
