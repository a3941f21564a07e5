"""Which file a new block goes into: one a base, one for all of a kind that holds nothing, or a single one."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Final

from kiamo_iac.authoring.exporting.edits import Append, Edit, Set
from kiamo_iac.authoring.exporting.layered_block import Edits
from kiamo_iac.core.resource import Resource
from kiamo_iac.resources import children_of, kinds

SINGLE: Final = "manifests"


@dataclass(frozen=True, slots=True)
class TargetFolder:
    """A folder that is exported into, as it is before."""

    documents: Mapping[str, Any] = field(default_factory=dict)
    """The manifests in it that belong to the environment, as places name them → what they hold; the base's before
    those of patches."""
    names: Mapping[str, str | None] = field(default_factory=dict)
    """Everything that stands in the folder itself → its key in `documents`, or None."""
    prefix: str = ""
    """What stands before the name of a file of the folder, as places name it."""
    single: bool = False
    """New things go into one file."""


class FilePlacer:
    """Finds the file of each new block."""

    def __init__(self, folder: TargetFolder, edits: Edits) -> None:
        self.created: dict[str, dict[str, list[Any]]] = {}
        """New files, as places name them → what they hold."""
        self._folder = folder
        self._edits = edits
        self._names = {folded(name): shown for name, shown in folder.names.items()}
        self._kept_free = {folded(f"{name}{SUFFIX}") for name in (SINGLE, *_without_children())}
        """For files that hold many things."""
        self._lists: dict[tuple[str, str], list[Any]] = {}
        """Lists that existing files are to get: (file, collection) → blocks."""

    def add(self, kind: type[Resource], name: str, block: dict[str, Any], *, within: str | None = None) -> None:
        """A new block for the top of a file. `within`: it is one of this thing, for whose file it is meant."""
        if self._folder.single:
            shown = self._file(SINGLE, frozenset())
        elif within is not None:
            shown = self._file(within, frozenset())
        elif children_of(kind.kind):
            shown = self._file(name, frozenset({kind.collection}))
        else:
            shown = self._holding(kind.collection) or self._file(kind.collection, frozenset())
        self._put(shown, kind.collection, block)

    def _holding(self, collection: str) -> str | None:
        """The first file that has such a list already."""
        files = [shown for shown, data in self._folder.documents.items() if isinstance(_list(data, collection), list)]
        named = f"{self._folder.prefix}{collection}{SUFFIX}"
        return named if named in files else next(iter(files), None)

    def _file(self, name: str, alone: frozenset[str]) -> str:
        """The file of a name; another one where that is taken, or holds one of the collections `alone` already."""
        usual = f"{safe(name)}{SUFFIX}"
        there = self._names.get(folded(usual), ...)
        if alone and folded(usual) in self._kept_free:
            there = None
        if isinstance(there, str) and not any(self._has(there, collection) for collection in alone):
            return there
        file = usual if there is ... else unused(name, {*self._names, *self._kept_free})
        shown = f"{self._folder.prefix}{file}"
        self._names[folded(file)] = shown
        self.created[shown] = {}
        return shown

    def _has(self, shown: str, collection: str) -> bool:
        data = self._folder.documents.get(shown, {})
        return collection in self.created.get(shown, ()) or isinstance(_list(data, collection), list)

    def _put(self, shown: str, collection: str, block: dict[str, Any]) -> None:
        if shown in self.created:
            self.created[shown].setdefault(collection, []).append(block)
            return
        edits = self._edits.setdefault(shown, [])
        if isinstance(_list(self._folder.documents[shown], collection), list):
            edits.append(Append((collection,), block))
            return
        blocks = self._lists.setdefault((shown, collection), [])
        blocks.append(block)
        if len(blocks) == 1:
            new: Edit = Set((collection,), blocks)
            edits.append(new)


def _without_children() -> list[str]:
    """The collections of things that stand in one file together."""
    return [kind.collection for kind in kinds().values() if kind.parent is None and not children_of(kind.kind)]


def _list(data: Any, collection: str) -> Any:
    return data.get(collection) if isinstance(data, dict) else None


SUFFIX: Final = ".yaml"
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
    short = _cut(kept, _LONGEST)
    return short if short == kept else f"{_cut(kept, _LONGEST - 9).rstrip('-.')}-{_mark(name)}"


def distinct(name: str) -> str:
    """`safe(name)` with something of its own, for where that is taken."""
    stem = safe(name)
    return f"{_cut(stem, _LONGEST - 9).rstrip('-.')}-{_mark(name)}"


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


def _cut(text: str, limit: int) -> str:
    return text.encode()[:limit].decode("utf-8", "ignore")
