"""The edit model of export and promote: files as plain data, edited step by step, then written as edits of their texts.

    document ─► Sheet ─► put, remove, append, add_block ─► FileChange
    (parsed)      ▲            │ each step can be undone      (before and after, every untouched byte kept)
                  └────────────┘

A removed key or item leaves the mark REMOVED, and new items come last: the path of a block stays valid throughout.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

from kiamo_iac.authoring.comments import BlockComments, carry_comments
from kiamo_iac.core.errors import EditError
from kiamo_iac.core.strict_json import same
from kiamo_iac.document.editing import Editor
from kiamo_iac.document.writing import dump
from kiamo_iac.resources import kinds

Steps = tuple[str | int, ...]
"""Keys and indices from the top of a file."""


class _Mark(Enum):
    REMOVED = "removed"


REMOVED: Final = _Mark.REMOVED
"""Stands in the place of a key's value or an item that was removed."""


def is_removed(value: Any) -> bool:
    """Whether a value was removed, or is a list of which every item was."""
    return value is REMOVED or (isinstance(value, list) and bool(value) and all(item is REMOVED for item in value))


class BlockRef(NamedTuple):
    """A block by its place; with an empty path, the top of a file."""

    file: str
    """As places name it."""
    path: Steps


class ChangedFile(Protocol):
    """One file, before and after; as a `FileChange`, whose texts may be made when they are asked for."""

    @property
    def file(self) -> str: ...

    @property
    def path(self) -> Path: ...

    @property
    def before(self) -> str | None: ...

    @property
    def after(self) -> str: ...

    def texts(self) -> Iterator[str]:
        """What `after` is made of, in turn."""
        ...


@dataclass(frozen=True, slots=True)
class FileChange:
    """One file, before and after."""

    file: str
    """As places name it: from the folder of the project file, with forward slashes."""
    path: Path
    before: str | None
    """None: the file is new."""
    after: str

    def texts(self) -> Iterator[str]:
        """As `ChangedFile`."""
        yield self.after


class Sheet:
    """One file as data."""

    def __init__(
        self, file: str, path: Path, data: Any = None, *, text: Callable[[], str] | None = None, inert: bool = False
    ) -> None:
        """`data`: as it was parsed. `text` reads the file; None: the file is new. `inert`: as `dump` takes it."""
        self.file = file
        self.path = path
        self.exists = text is not None
        self._read_text = text
        self._inert = inert
        self._original: Any = {} if data is None else data
        self._read: dict[int, Any] = {}
        """id of a mapping or list that is a copy of one of the file → that copy, so that no other gets its id."""
        self.data: Any = self._copied(self._original)

    def _copied(self, data: Any) -> Any:
        """A copy in which no object is shared: an alias is changed apart from its anchor."""
        copy: Any = data
        if isinstance(data, dict):
            copy = {key: self._copied(value) for key, value in data.items()}
        elif isinstance(data, list):
            copy = [self._copied(item) for item in data]
        if copy is not data:
            self._read[id(copy)] = copy
        return copy

    def text(self) -> str:
        """The file as it is; empty for a new one.

        Raises:
            EditError: it cannot be edited.
        """
        return self._read_text() if self._read_text is not None else ""

    def change(self, comments: Mapping[Steps, tuple[str, ...]], *, keys_last: bool) -> FileChange | None:
        """The file before and after, or None when it stays as it is.

        `comments`: path of a new block → the comments above it. `keys_last`: as `EditTransaction` takes it.

        Raises:
            EditError: it cannot be edited, or has changed since `data` was read.
        """
        plain = _plain(self.data)
        if same(plain, self._original):
            return None
        if self._read_text is None:
            new = dump(plain, flow=bracketed_keys(), inert=self._inert)
            return FileChange(self.file, self.path, None, self._with(comments, new))
        text = self._read_text()
        editor = Editor(text, file=self.file, flow=bracketed_keys())
        if not same(editor.data if editor.data is not None else {}, self._original):
            msg = f"{self.file} has changed while it was read."
            raise EditError(msg, hint="run it again")
        splicing = _Splicing(editor, self._read, keys_last=keys_last)
        splicing.walk((), self._original, self.data)
        splicing.remove()
        return FileChange(self.file, self.path, text, self._with(comments, editor.text()))

    def _with(self, comments: Mapping[Steps, tuple[str, ...]], text: str) -> str:
        paths = [BlockComments(_settled(self.data, steps), lines) for steps, lines in comments.items()]
        return carry_comments(text, self.file, paths) if paths else text


class _Splicing:
    """Gives an editor every difference between the data as it was read and as it is."""

    def __init__(self, editor: Editor, read: Mapping[int, Any], *, keys_last: bool) -> None:
        self._editor = editor
        self._read = read
        self._keys_last = keys_last
        self._removals: list[Steps] = []

    def walk(self, steps: Steps, old: Any, new: Any) -> None:
        """Set what differs, add what is new, and note what was removed."""
        if isinstance(new, dict):
            behind: str | None = None
            for key, value in new.items():
                if is_removed(value):
                    self._removals += [(*steps, key)] if key in old else []
                    continue
                if key in old:
                    self._value((*steps, key), old[key], value)
                else:
                    self._editor.set((*steps, key), _plain(value), after=None if self._keys_last else behind)
                behind = key
            return
        for index, item in enumerate(new):
            if index >= len(old):
                if item is not REMOVED:
                    self._editor.append(steps, _plain(item))
            elif item is REMOVED:
                self._removals.append((*steps, index))
            else:
                self._value((*steps, index), old[index], item)

    def _value(self, steps: Steps, old: Any, new: Any) -> None:
        if id(new) in self._read:
            self.walk(steps, old, new)
        elif not same(old, _plain(new)):
            self._editor.set(steps, _plain(new))

    def remove(self) -> None:
        """Remove what was noted, from the end, so that no removal moves the place of a later one."""
        for steps in sorted(self._removals, key=_from_the_end, reverse=True):
            self._editor.remove(steps)


class EditTransaction:
    """The files that are being edited, and every step so far, so that it can be undone."""

    def __init__(
        self,
        read: Callable[[str], Sheet],
        *,
        may_change: Callable[[str], bool] = lambda _: True,
        keys_last: bool = False,
    ) -> None:
        """`read` makes the sheet of a file that exists. `may_change`: whether a file may be edited at all.

        `keys_last`: a new key comes after the whole text of its mapping, with the comments there; otherwise after
        the key before it that is kept.
        """
        self.may_change = may_change
        self._read = read
        self._keys_last = keys_last
        self._sheets: dict[str, Sheet] = {}
        self._undo: list[Callable[[], object]] = []
        self._comments: dict[BlockRef, tuple[str, ...]] = {}

    def __getitem__(self, file: str) -> Sheet:
        if file not in self._sheets:
            self._sheets[file] = self._read(file)
        return self._sheets[file]

    def __contains__(self, file: str) -> bool:
        return file in self._sheets

    def create(self, sheet: Sheet) -> None:
        """Add a new file."""
        self._sheets[sheet.file] = sheet
        self.on_undo(lambda: self._sheets.pop(sheet.file))

    def changes(self) -> tuple[FileChange, ...]:
        """Every file that differs from what was read, by name.

        Raises:
            EditError: one of them cannot be edited.
        """
        comments: dict[str, dict[Steps, tuple[str, ...]]] = {}
        for ref, lines in self._comments.items():
            comments.setdefault(ref.file, {})[ref.path] = lines
        found = (
            self._sheets[file].change(comments.get(file, {}), keys_last=self._keys_last)
            for file in sorted(self._sheets)
        )
        return tuple(change for change in found if change is not None)

    def is_empty(self, file: str) -> bool:
        """Whether an edited file has no key any more."""
        return file in self._sheets and not _plain(self._sheets[file].data)

    # --- undo --------------------------------------------------------------------------------------------------------

    def mark(self) -> int:
        """A point that `back_to` returns to."""
        return len(self._undo)

    def back_to(self, mark: int) -> None:
        """Undo every step since `mark`."""
        while len(self._undo) > mark:
            self._undo.pop()()

    def on_undo(self, undo: Callable[[], object]) -> None:
        """Register how to undo a step."""
        self._undo.append(undo)

    @contextmanager
    def all_or_nothing(self) -> Iterator[None]:
        """Undo the steps inside when one of them raises."""
        mark = self.mark()
        try:
            yield
        except BaseException:
            self.back_to(mark)
            raise

    # --- steps -------------------------------------------------------------------------------------------------------

    def node(self, ref: BlockRef) -> Any:
        """The data at a place, or REMOVED."""
        node: Any = self[ref.file].data
        for step in ref.path:
            node = node[step]
            if node is REMOVED:
                return REMOVED
        return node

    def put(self, mapping: dict[str, Any], key: str, value: Any, *, after: str | None = None) -> None:
        """Set a key. A new key comes after the key `after`, else last."""
        before = list(mapping.items())
        self.on_undo(lambda: _refill(mapping, before))
        if key in mapping or after not in mapping:
            mapping[key] = value
        else:
            at = next(index for index, (name, _) in enumerate(before) if name == after) + 1
            _refill(mapping, [*before[:at], (key, value), *before[at:]])

    def remove(self, mapping: dict[str, Any], key: str) -> None:
        """Remove a key."""
        self.put(mapping, key, REMOVED)

    def append(self, items: list[Any], item: Any) -> int:
        """Add an item at the end of a list; returns its index."""
        items.append(item)
        self.on_undo(items.pop)
        return len(items) - 1

    def remove_item(self, items: list[Any], index: int) -> None:
        """Remove an item of a list; all others keep their index."""
        before = items[index]
        items[index] = REMOVED
        self.on_undo(lambda: items.__setitem__(index, before))

    def add_block(self, holder: BlockRef, collection: str, block: dict[str, Any]) -> BlockRef:
        """Add a block to a collection of `holder`, which gets the collection if it has none."""
        node = self.node(holder)
        if not isinstance(node.get(collection), list):
            self.put(node, collection, [])
        index = self.append(node[collection], block)
        return BlockRef(holder.file, (*holder.path, collection, index))

    def remove_block(self, ref: BlockRef) -> BlockRef:
        """Remove a block, if what holds it is not removed already; returns what holds it."""
        *above, collection, index = ref.path
        holder = BlockRef(ref.file, tuple(above))
        node = self.node(holder)
        if node is not REMOVED:
            self.remove_item(node[collection], int(index))
        return holder

    def comment(self, ref: BlockRef, lines: tuple[str, ...]) -> None:
        """Add comments above a new block."""
        before = self._comments.get(ref, ())
        self._comments[ref] = (*before, *lines)
        self.on_undo(lambda: self._comments.pop(ref) if not before else self._comments.update({ref: before}))


def bracketed_keys() -> frozenset[str]:
    """Keys whose small values are written in brackets: columns, and lists and mappings of references."""
    columns = {kind.collection for kind in kinds().values() if kind.column}
    references = [reference for kind in kinds().values() for reference in kind.references]
    return frozenset(columns | {reference.attribute for reference in references if reference.holds_several})


def _settled(data: Any, steps: Steps) -> Steps:
    """A path as it is when what was removed is gone."""
    found: list[str | int] = []
    for step in steps:
        found.append(step if isinstance(step, str) else sum(item is not REMOVED for item in data[:step]))
        data = data[step]
    return tuple(found)


def _from_the_end(steps: Steps) -> tuple[tuple[int, str], ...]:
    """Sorts paths so that, from the last to the first, none moves what a later one means."""
    return tuple((step, "") if isinstance(step, int) else (-1, step) for step in steps)


def _plain(data: Any) -> Any:
    """A copy without what was removed."""
    if isinstance(data, Mapping):
        return {key: _plain(value) for key, value in data.items() if not is_removed(value)}
    if isinstance(data, list):
        return [_plain(item) for item in data if item is not REMOVED]
    return data


def _refill(mapping: dict[str, Any], items: list[tuple[str, Any]]) -> None:
    mapping.clear()
    mapping.update(items)
