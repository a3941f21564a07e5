"""The folder that an export writes into, and the file of each new block: one a base, one for all of a kind without
children, or a single one."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

from kiamo_iac.authoring.sheet import BlockRef, ChangedFile, EditTransaction, Sheet, bracketed_keys
from kiamo_iac.core.packing import PackedStore, PackedTexts
from kiamo_iac.core.resource import Resource
from kiamo_iac.document.writing import dump
from kiamo_iac.resources import children_of, kinds

SINGLE: Final = "manifests"
SUFFIX: Final = ".yaml"
_CHUNK: Final = 512
"""Characters of blocks that are compressed at a time: a contact base has more."""


@dataclass(frozen=True, slots=True)
class TargetFolder:
    """A folder as it is before the export. Files are named as places name them."""

    path: Path = field(default_factory=Path)
    """It need not exist."""
    prefix: str = ""
    """The path before the name of a file of the folder, as places show it."""
    names: Mapping[str, str | None] = field(default_factory=dict)
    """Name of everything in the folder itself → its key in `documents`, or None."""
    documents: Mapping[str, Any] = field(default_factory=dict)
    """The manifests in it that belong to the environment, parsed; the base's before those of patches."""
    texts: Mapping[str, str] = field(default_factory=dict)
    """The same, as texts."""
    files: Mapping[str, Path] = field(default_factory=dict)
    """The same → where they are."""
    single: bool = False
    """New blocks go into one file."""
    patched: bool = False
    """It has the patches of one environment alone, above all other layers: what may not be changed is written over."""
    inert: bool = False
    """No line of a new file is a command to a pipeline: it may go into a log."""

    def file(self, shown: str) -> Path:
        """Where a file is, or will be."""
        known = self.files.get(shown)
        return known if known is not None else self.path / shown.removeprefix(self.prefix)

    def edits(self) -> EditTransaction:
        """A transaction on the manifests in it."""
        return EditTransaction(self._sheet, may_change=self.documents.__contains__, keys_last=True)

    def _sheet(self, shown: str) -> Sheet:
        return Sheet(shown, self.files[shown], self.documents[shown], text=lambda: self.texts[shown])


class NewFile:
    """A file that does not exist yet. Its blocks are kept as text, in a store."""

    __slots__ = ("_blocks", "_folder", "_store", "file")
    before: Final = None

    def __init__(self, file: str, folder: TargetFolder, store: PackedStore) -> None:
        self.file = file
        """As places name it."""
        self._folder = folder
        self._store = store
        self._blocks: dict[str, PackedTexts] = {}
        """Collection → the lines of its blocks."""

    @property
    def path(self) -> Path:
        """Where it will be."""
        return self._folder.file(self.file)

    @property
    def after(self) -> str:
        """Its whole text."""
        return "".join(self.texts())

    def texts(self) -> Iterator[str]:
        """Its text, a block at a time; the collections in the order of kinds, those that others refer to first."""
        for kind in sorted(kinds().values(), key=lambda kind: not kind.by_reference):
            if kind.collection in self._blocks:
                yield f"{kind.collection}:\n"
                yield from self._blocks[kind.collection]

    def holds(self, collection: str) -> bool:
        """Whether it has blocks of a collection."""
        return collection in self._blocks

    def add(self, collection: str, block: dict[str, Any]) -> None:
        """Add a block at the end of a collection."""
        text = dump({collection: [block]}, flow=bracketed_keys(), inert=self._folder.inert)
        if collection not in self._blocks:
            self._blocks[collection] = PackedTexts(self._store, chunk=_CHUNK)
        self._blocks[collection].append(text.removeprefix(f"{collection}:\n"))


class FilePlacer:
    """Puts new blocks into files, which it creates where there is none for them."""

    def __init__(self, folder: TargetFolder, edits: EditTransaction) -> None:
        self._folder = folder
        self._edits = edits
        self._store = PackedStore()
        self._created: dict[str, NewFile] = {}
        self._names = {folded(name): shown for name, shown in folder.names.items()}
        self._shared = [k.collection for k in kinds().values() if k.parent is None and not children_of(k.kind)]
        """Collections whose blocks share one file."""
        self._reserved = {folded(f"{name}{SUFFIX}") for name in (SINGLE, *self._shared)}
        """Names of files that hold many blocks."""

    def add(self, kind: type[Resource], name: str, block: dict[str, Any], *, within: str | None = None) -> None:
        """Add a block to the top of a file. `within`: the resource whose file it goes into."""
        if self._folder.single:
            shown = self._file(SINGLE, frozenset())
        elif within is not None:
            shown = self._file(within, frozenset())
        elif children_of(kind.kind):
            shown = self._file(name, frozenset({kind.collection}))
        else:
            shown = self._file_with_list(kind.collection) or self._file(kind.collection, frozenset())
        if shown in self._created:
            self._created[shown].add(kind.collection, block)
        else:
            self._edits.add_block(BlockRef(shown, ()), kind.collection, block)

    def changes(self) -> tuple[ChangedFile, ...]:
        """Every file that is new or differs from what was read, by name.

        Raises:
            EditError: one of them cannot be edited.
        """
        return tuple(sorted((*self._edits.changes(), *self._created.values()), key=lambda change: change.file))

    def _file_with_list(self, collection: str) -> str | None:
        """The first file with such a list."""
        files = [shown for shown, data in self._folder.documents.items() if _has_list(data, collection)]
        named = f"{self._folder.prefix}{collection}{SUFFIX}"
        return named if named in files else next(iter(files), None)

    def _file(self, name: str, alone: frozenset[str]) -> str:
        """The file of a name; another one where that is taken, or has one of the collections `alone` already."""
        usual = f"{safe(name)}{SUFFIX}"
        there = self._names.get(folded(usual), ...)
        if alone and folded(usual) in self._reserved:
            there = None
        if isinstance(there, str) and not any(self._holds(there, collection) for collection in alone):
            return there
        file = usual if there is ... else unused(name, {*self._names, *self._reserved})
        shown = f"{self._folder.prefix}{file}"
        self._names[folded(file)] = shown
        self._created[shown] = NewFile(shown, self._folder, self._store)
        return shown

    def _holds(self, shown: str, collection: str) -> bool:
        """Whether a new file has blocks of a collection by now, or another one had a list of them before."""
        new = self._created.get(shown)
        return _has_list(self._folder.documents.get(shown), collection) if new is None else new.holds(collection)


def _has_list(data: Any, collection: str) -> bool:
    return isinstance(data, dict) and isinstance(data.get(collection), list)


# --- names of files, the same on every system, and never out of the folder -------------------------------------------

_LONGEST: Final = 100
"""Bytes of UTF-8 before the suffix; systems take 255, archives and encrypted folders less."""
_DEVICES: Final = re.compile(r"(?:con|prn|aux|nul|conin\$|conout\$|com[0-9]|lpt[0-9])(?:\..*)?", re.IGNORECASE)
"""Names that Windows keeps for devices, with any suffix; its superscript digits are plain ones after NFKC."""


def safe(name: str) -> str:
    """`name` as a file's name, without a suffix: letters, digits, `.`, `_` and `-`; never empty, hidden or a device."""
    text = unicodedata.normalize("NFC", name)
    kept = "".join(c if c in "._-" or unicodedata.category(c)[0] in "LNM" else "-" for c in text)
    kept = re.sub(r"-{2,}", "-", kept).strip("-.")
    if not kept:
        return "unnamed"
    if _DEVICES.fullmatch(unicodedata.normalize("NFKC", kept)):
        kept = f"_{kept}"
    short = _truncate(kept, _LONGEST)
    return short if short == kept else f"{_truncate(kept, _LONGEST - 9).rstrip('-.')}-{_mark(name)}"


def distinct(name: str) -> str:
    """`safe(name)` with something of its own, for where that is taken."""
    stem = safe(name)
    return f"{_truncate(stem, _LONGEST - 9).rstrip('-.')}-{_mark(name)}"


def folded(file: str) -> str:
    """The form in which two names of files are one on some system."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", file).casefold())


def unused(name: str, taken: Iterable[str]) -> str:
    """A file's name for `name`, with its suffix, that is not `taken` (in the form of `folded`)."""
    known = set(taken)
    for stem in (safe(name), distinct(name)):
        if folded(stem + SUFFIX) not in known:
            return stem + SUFFIX
    number = 2
    while folded(f"{distinct(name)}-{number}{SUFFIX}") in known:
        number += 1
    return f"{distinct(name)}-{number}{SUFFIX}"


def _mark(name: str) -> str:
    return blake2b(unicodedata.normalize("NFC", name).encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()


def _truncate(text: str, limit: int) -> str:
    return text.encode()[:limit].decode("utf-8", "ignore")
