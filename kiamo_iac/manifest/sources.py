"""Manifest files as documents, each read once for all environments."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from kiamo_iac.core.diagnostics import Diagnostic, has_errors
from kiamo_iac.core.errors import ManifestError
from kiamo_iac.document.files import read_text
from kiamo_iac.document.parser import Document, parse
from kiamo_iac.manifest.rows import CsvFile, read_csv
from kiamo_iac.manifest.variables import MARK

_GENERATES: Final = re.compile(r"\b(?:use|for_each|templates)\b|\$\{each")


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file."""

    document: Document | None
    """None: it cannot be read."""
    diagnostics: tuple[Diagnostic, ...]
    """Problems of its syntax."""
    has_variables: bool = False
    generates: bool = False
    """It may have templates, or blocks that are generated."""

    @property
    def cut_short(self) -> bool:
        """Whether it declares unknown resources, since it is not valid YAML."""
        return self.document is None or (self.document.data is None and has_errors(self.diagnostics))


class SourceFiles:
    """Reads files; places name them relative to `root`."""

    def __init__(self, root: Path, *, keep: bool = False) -> None:
        """`keep`: cache the documents, for several environments."""
        self._root = root
        self._kept: dict[Path, SourceFile] | None = {} if keep else None
        self._csv: dict[str, CsvFile] = {}
        self._lock = threading.Lock()

    def read(self, files: Sequence[Path]) -> Iterator[SourceFile]:
        """Every file, sorted by its name in messages."""
        for shown, path in sorted((_shown(path, self._root), path) for path in files):
            if self._kept is None:
                yield _read(path, shown)
                continue
            with self._lock:  # several environments may be composed at a time
                source = self._kept.get(path)
                if source is None:
                    source = self._kept[path] = _read(path, shown)
            yield source

    def csv(self, text: str) -> CsvFile:
        """The CSV file that a manifest names by a path, relative to the root; each is read once."""
        with self._lock:
            if text not in self._csv:
                self._csv[text] = read_csv(self._root, text)
            return self._csv[text]

    def put(self, path: Path, text: str) -> None:
        """Use `text` as the content of `path` from now on, to try a change without writing it."""
        if self._kept is None:
            self._kept = {}
        self._kept[path] = _source(text, _shown(path, self._root))

    def forget(self, path: Path) -> None:
        """Undo `put`."""
        if self._kept is not None:
            self._kept.pop(path, None)


def _read(path: Path, shown: str) -> SourceFile:
    try:
        text = read_text(path, shown=shown)
    except ManifestError as error:
        return SourceFile(None, error.diagnostics)
    return _source(text, shown)


def _source(text: str, shown: str) -> SourceFile:
    document = parse(text, file=shown)
    return SourceFile(document, document.diagnostics, MARK in text, _GENERATES.search(text) is not None)


def _shown(path: Path, root: Path) -> str:
    text, below = str(path), f"{root}{os.sep}"
    if text.startswith(below):  # nearly always: twenty times as fast as pathlib
        return text[len(below) :].replace(os.sep, "/")
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()
