"""Many pieces of data that are alike, kept compressed: the first ones in memory, the others in a temporary file.

The file has no name where the system allows it (mode 0600 elsewhere), and goes with the process. Nothing sensitive is
stored: see `PackedChildren`.
"""

from __future__ import annotations

import contextlib
import json
import weakref
import zlib
from collections.abc import Iterable, Iterator
from itertools import islice
from tempfile import TemporaryFile
from typing import IO, Final

_WINDOW: Final = 15
_LARGEST_EXAMPLE: Final = 2**_WINDOW
"""Bytes that deflate looks back."""
_MOST_EXAMPLES: Final = 256
_IN_MEMORY: Final = 64 * 1024
"""Bytes, compressed, that are kept without a file."""


class PackedStore:
    """Stores pieces that are alike, each on its own: earlier ones serve as the dictionary of later ones.

    Without a temporary folder, or on a full disk, all of it stays in memory. Not safe under threads.
    """

    def __init__(self) -> None:
        self._examples: list[bytes] = [b""]
        self._memory: list[bytes] = []
        self._size = 0
        self._file: IO[bytes] | None = None
        self._end = 0

    def put(self, data: bytes) -> int:
        """Store `data`; returns what `get` takes."""
        if len(self._examples) < _MOST_EXAMPLES and 2 * len(self._examples[-1]) < min(len(data), _LARGEST_EXAMPLE):
            self._examples.append(data[:_LARGEST_EXAMPLE])
        number = len(self._examples) - 1
        compressor = zlib.compressobj(wbits=-_WINDOW, zdict=self._examples[number])
        packed = b"".join((bytes((number,)), compressor.compress(data), compressor.flush()))
        self._size += len(packed)
        at = self._written(packed) if self._size > _IN_MEMORY else None
        if at is not None:
            return at
        self._memory.append(packed)
        return -len(self._memory)

    def get(self, at: int) -> bytes:
        """The data of the `put` that returned `at`."""
        if at < 0:
            packed = self._memory[-at - 1]
        else:
            file = self._opened()
            file.seek(at)
            packed = file.read(int.from_bytes(file.read(4), "big"))
        return zlib.decompressobj(-_WINDOW, zdict=self._examples[packed[0]]).decompress(packed[1:])

    def _written(self, packed: bytes) -> int | None:
        """Where in the file it is now; None where it could not be written."""
        record = len(packed).to_bytes(4, "big") + packed
        at = self._end
        with contextlib.suppress(OSError):
            file = self._opened()
            file.seek(at)
            if file.write(record) == len(record):
                self._end += len(record)
                return at
        return None

    def _opened(self) -> IO[bytes]:
        if self._file is None:
            # Closed with this store. Without a buffer, which would keep what the disk has no room for.
            self._file = TemporaryFile(prefix="kiamo-iac-", buffering=0)  # noqa: SIM115
            weakref.finalize(self, self._file.close)
        return self._file


class PackedTexts:
    """A list of texts, most of it in a store."""

    __slots__ = ("_chunk", "_chunks", "_count", "_store", "_tail", "_tail_size")

    def __init__(self, store: PackedStore, *, chunk: int) -> None:
        """`chunk`: characters that are stored at a time."""
        self._store = store
        self._chunk = chunk
        self._chunks: list[int] = []
        self._tail: list[str] = []
        self._tail_size = 0
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[str]:
        for at in self._chunks:
            yield from json.loads(self._store.get(at))
        yield from self._tail

    def first(self, count: int) -> list[str]:
        """The first `count` texts."""
        return list(islice(self, count))

    def append(self, text: str) -> None:
        """Add a text at the end."""
        self._tail.append(text)
        self._tail_size += len(text)
        self._count += 1
        if self._tail_size >= self._chunk:
            self._chunks.append(self._store.put(json.dumps(self._tail).encode()))
            self._tail, self._tail_size = [], 0

    def keep(self, count: int) -> None:
        """Remove all but the first `count` texts."""
        if count < self._count:
            self._replace(self.first(count))

    def _replace(self, texts: Iterable[str]) -> None:
        self._chunks, self._tail, self._tail_size, self._count = [], [], 0, 0
        for text in texts:
            self.append(text)
