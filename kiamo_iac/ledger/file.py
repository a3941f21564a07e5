"""The ledger in a file: a record is appended and on the disk before the next step begins."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Sequence
from typing import BinaryIO, Final

from kiamo_iac.core.errors import LedgerError
from kiamo_iac.core.ledger_settings import TORN
from kiamo_iac.core.safe_files import MisplacedError, RootedFile
from kiamo_iac.ledger.content import Content, LedgerIdentity, LedgerRecord
from kiamo_iac.ledger.errors import corruption_error, link_error, write_error
from kiamo_iac.ledger.lines import ParsedFile, header_line, parse_lines, record_lines

MAX_BYTES: Final = 256 * 1024 * 1024
"""Of a ledger that is read: some million records."""

_SLACK: Final = 100
"""A file is rewritten when it has more records than twice its entries plus this many."""


def read_file(file: RootedFile, *, shown: str, environment: str | None) -> ParsedFile | None:
    """The content of the file, or None when there is none. `shown`: its name in messages.
    `environment`: the one that it must be of; None: any.

    Raises:
        LedgerError: it cannot be read, is damaged, of another version, or of another environment; or its
            path has a link in it.
    """
    try:
        data = file.read(limit=MAX_BYTES)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _failed("read", shown, error) from error
    if data is None:
        raise corruption_error(shown, f"it is larger than {MAX_BYTES // (1024 * 1024)} MiB")
    return parse_lines(data, shown, environment=environment)


def torn_file(ledger: RootedFile) -> RootedFile:
    """The file that keeps an incomplete last line."""
    return ledger.beside(TORN)


class FileStore:
    """Appends to a ledger's file, which is created with the first record."""

    def __init__(self, file: RootedFile, found: ParsedFile | None, *, shown: str, content: Content) -> None:
        """`found`: what was read from the file, under the lock. `content`: what every record changes first.

        Raises:
            LedgerError: the file cannot be written.
        """
        self._place = file
        self._path = file.path
        self._shown = shown
        self._content = content
        self._waiting: list[LedgerRecord] = []
        self._file: BinaryIO | None = None
        self._size = 0
        self._torn: ParsedFile | None = None
        """An incomplete last line, to be removed before the next record is written."""
        if found is not None:
            try:
                self._open(found)
            except OSError as error:
                raise _failed("written", shown, error) from error

    def watch(self, on_failure: Callable[[LedgerError], object], /) -> None:
        """Nothing: each record is written at once."""

    def check(self) -> None:
        """Nothing: as `watch`."""

    def append(self, records: Sequence[LedgerRecord], /) -> None:
        """Write these, after any that could not be written before, and wait for the disk.

        Raises:
            LedgerError: they could not be written.
        """
        self._waiting.extend(records)
        self.flush()

    def flush(self) -> None:
        """Write what could not be written before.

        Raises:
            LedgerError: it still cannot be.
        """
        if not self._waiting:
            return
        try:
            if self._file is None:
                self._write_whole(self._content)
            else:
                self._check_untouched(self._file)
                self._append(self._file, record_lines(self._waiting).encode())
        except OSError as error:
            raise write_error(self._shown, _reason(error), records=self._waiting) from error
        self._waiting.clear()

    def claim(self, identity: LedgerIdentity) -> None:
        """Write the file with its new owner, which its content has already.

        Raises:
            LedgerError: it cannot be.
        """
        del identity
        self.compact()

    def compact(self) -> None:
        """Rewrite the file without the records that later ones replaced.

        Raises:
            LedgerError: it cannot be.
        """
        self.flush()
        if self._file is None:
            return
        try:
            self._check_untouched(self._file)
            if self._torn is not None:
                self._keep_torn(self._torn)
                self._torn = None
            self._file.close()
            self._file = None
            self._write_whole(self._content)
        except OSError as error:
            raise _failed("written", self._shown, error) from error

    def close(self) -> None:
        """Flush, and close the file.

        Raises:
            LedgerError: as `flush`.
        """
        try:
            self.flush()
        finally:
            if self._file is not None:
                self._file.close()

    def _open(self, found: ParsedFile) -> None:
        content = self._content
        if found.exposed or found.records > 2 * (len(content.entries) + len(content.applied_plans)) + _SLACK:
            self._keep_torn(found)
            self._write_whole(content)
            return
        self._file = self._place.open()
        self._size = self._file.seek(0, os.SEEK_END)
        if found.torn:
            self._torn = found
        self._check_untouched(self._file, size=found.whole + len(found.torn))

    def _append(self, file: BinaryIO, data: bytes) -> None:
        if self._torn is not None:
            self._keep_torn(self._torn)
            file.truncate(self._torn.whole)
            self._size, self._torn = self._torn.whole, None
        file.seek(self._size)
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[file.write(rest) :]
            os.fsync(file.fileno())
        except OSError:
            with contextlib.suppress(OSError):  # an incomplete line would corrupt the next one
                file.truncate(self._size)
            raise
        self._size += len(data)

    def _keep_torn(self, found: ParsedFile) -> None:
        if found.torn:
            torn_file(self._place).append(found.torn + b"\n")

    def _check_untouched(self, file: BinaryIO, *, size: int | None = None) -> None:
        """Check that no other program has written or replaced the file: the lock only keeps out this tool.

        Raises:
            LedgerError: another program has.
        """
        here, there = os.fstat(file.fileno()), os.lstat(self._path)
        same = (here.st_dev, here.st_ino) == (there.st_dev, there.st_ino)
        if not same or here.st_size != (self._size if size is None else size):
            raise write_error(self._shown, "another program has written it since it was read", records=self._waiting)

    def _write_whole(self, content: Content) -> None:
        records = list(content.records())
        self._place.write((header_line(content, records=len(records)) + record_lines(records)).encode())
        self._file = self._place.open()
        self._size = self._file.seek(0, os.SEEK_END)


def _reason(error: OSError) -> str:
    return error.strerror or str(error)


def _failed(what: str, shown: str, error: OSError) -> LedgerError:
    if isinstance(error, MisplacedError):
        return link_error(shown, what, error)
    return LedgerError(
        f"The ledger {shown} cannot be {what}: {_reason(error)}. Nothing was written.",
        hint="check the permissions of the file and of its folder, and that the disk is not full",
    )
