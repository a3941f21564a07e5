"""Which file a new block goes into: one a base, one for all of a kind that holds nothing, or a single one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from kiamo_iac.authoring.exporting.edits import Append, Edit, Set
from kiamo_iac.authoring.exporting.file_names import SUFFIX, folded, safe, unused
from kiamo_iac.authoring.exporting.layers import Edits
from kiamo_iac.core.resource import Resource
from kiamo_iac.resources import children_of, kinds

SINGLE: Final = "manifests"


@dataclass(frozen=True, slots=True)
class Folder:
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


class Placing:
    """Finds the file of each new block."""

    def __init__(self, folder: Folder, edits: Edits) -> None:
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
