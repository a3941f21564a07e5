"""Files as plain data while it is tried how to change them: every step can be taken back, and places never move.

What is taken away leaves a mark, so that the path of a block leads to it until the end; what is added to a list comes
behind everything else. Only `texts` makes edits of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

from kiamo_iac.authoring.comments import BlockComments, carried
from kiamo_iac.core.errors import EditError
from kiamo_iac.core.strict_json import same
from kiamo_iac.document.editing import Editor
from kiamo_iac.document.writing import dump
from kiamo_iac.resources import kinds

Steps = tuple[str | int, ...]


class _Removed(Enum):
    REMOVED = "gone"


REMOVED: Final = _Removed.REMOVED
"""Stands where something was taken away."""
RemovedType = Literal[_Removed.REMOVED]


def is_removed(value: Any) -> bool:
    """Whether nothing is left there: it was taken away, or every item of a list was."""
    return value is REMOVED or (isinstance(value, list) and bool(value) and all(item is REMOVED for item in value))


class BlockRef(NamedTuple):
    """A block, by its place."""

    file: str
    """As places name it."""
    path: Steps
    """Keys and indices from the top of the file."""


@dataclass(frozen=True, slots=True)
class FileChange:
    """One file, before and after."""

    file: str
    """As places name it: from the folder of the project file, with forward slashes."""
    path: Path
    before: str | None
    """None: there is none yet."""
    after: str


class Sheet:
    """One file as data."""

    def __init__(self, file: str, path: Path, data: Any, *, exists: bool) -> None:
        self.file = file
        self.path = path
        self.exists = exists
        self.original = data
        self._read: dict[int, Any] = {}
        """id of a mapping or list that is a copy of one of the file → that copy, so that no other gets its id."""
        self.data = self._copied(data)
        if self.data is None:
            self.data = {}

    def _copied(self, data: Any) -> Any:
        """A copy in which nothing stands twice: an alias is changed apart from its anchor."""
        copy: Any = data
        if isinstance(data, dict):
            copy = {key: self._copied(value) for key, value in data.items()}
        elif isinstance(data, list):
            copy = [self._copied(item) for item in data]
        if copy is not data:
            self._read[id(copy)] = copy
        return copy

    def text(self) -> str:
        """The file as it is, with a byte order mark where it has one.

        Raises:
            EditError: it is not in UTF-8.
        """
        try:
            return self.path.read_bytes().decode("utf-8")
        except UnicodeDecodeError as error:
            msg = f"{self.file} is not in UTF-8, and is not changed."
            raise EditError(msg, hint="save it as UTF-8") from error

    def change(self, comments: Mapping[Steps, tuple[str, ...]]) -> FileChange | None:
        """The file before and after, or None when it stays as it is. `comments`: path of a new block → those above it.

        Raises:
            EditError: it cannot be edited, or is another one than was read.
        """
        if same(_plain(self.data), self.original if self.original is not None else {}):
            return None
        if not self.exists:
            return FileChange(
                self.file, self.path, None, self._with(comments, dump(_plain(self.data), flow=in_brackets()))
            )
        text = self.text()
        editor = Editor(text, file=self.file, flow=in_brackets())
        if not same(editor.data, self.original):
            msg = f"{self.file} has changed while it was read."
            raise EditError(msg, hint="run it again")
        removals: list[Steps] = []
        self._walk(editor, (), self.original if self.original is not None else {}, self.data, removals=removals)
        for steps in sorted(removals, key=_from_the_end, reverse=True):
            editor.remove(steps)
        return FileChange(self.file, self.path, text, self._with(comments, editor.text()))

    def _with(self, comments: Mapping[Steps, tuple[str, ...]], text: str) -> str:
        paths = [BlockComments(_settled(self.data, steps), lines) for steps, lines in comments.items()]
        return carried(text, self.file, paths) if paths else text

    def _walk(self, editor: Editor, steps: Steps, old: Any, new: Any, *, removals: list[Steps]) -> None:
        if isinstance(new, dict):
            behind: str | None = None
            for key, value in new.items():
                if is_removed(value):
                    removals += [(*steps, key)] if key in old else []
                    continue
                if key in old:
                    self._value(editor, (*steps, key), old[key], value, removals=removals)
                else:
                    editor.set((*steps, key), _plain(value), after=behind)
                behind = key
            return
        for index, item in enumerate(new):
            if index >= len(old):
                if item is not REMOVED:
                    editor.append(steps, _plain(item))
            elif item is REMOVED:
                removals.append((*steps, index))
            else:
                self._value(editor, (*steps, index), old[index], item, removals=removals)

    def _value(self, editor: Editor, steps: Steps, old: Any, new: Any, *, removals: list[Steps]) -> None:
        if id(new) in self._read:
            self._walk(editor, steps, old, new, removals=removals)
        elif not same(old, _plain(new)):
            editor.set(steps, _plain(new))


def in_brackets() -> frozenset[str]:
    """Keys whose small values are written in brackets: columns, and lists and mappings of references."""
    columns = {kind.collection for kind in kinds().values() if kind.column}
    references = [reference for kind in kinds().values() for reference in kind.references]
    return frozenset(columns | {reference.attribute for reference in references if reference.holds_several})


def _settled(data: Any, steps: Steps) -> Steps:
    """A path as it is when what was taken away is gone."""
    found: list[str | int] = []
    for step in steps:
        found.append(step if isinstance(step, str) else sum(item is not REMOVED for item in data[:step]))
        data = data[step]
    return tuple(found)


def _from_the_end(steps: Steps) -> tuple[tuple[int, str], ...]:
    """Sorts paths so that, from the last to the first, none moves what a later one means."""
    return tuple((step, "") if isinstance(step, int) else (-1, step) for step in steps)


def _plain(data: Any) -> Any:
    """A copy without what was taken away."""
    if isinstance(data, Mapping):
        return {key: _plain(value) for key, value in data.items() if not is_removed(value)}
    if isinstance(data, list):
        return [_plain(item) for item in data if item is not REMOVED]
    return data


class EditTransaction:
    """All files that were looked at, and every step that was taken, so that it can be taken back."""

    def __init__(self, read: Callable[[str], Sheet]) -> None:
        """`read` makes the draft of a file that exists."""
        self._read = read
        self._drafts: dict[str, Sheet] = {}
        self._undo: list[Callable[[], object]] = []
        self._comments: dict[BlockRef, tuple[str, ...]] = {}

    def __getitem__(self, file: str) -> Sheet:
        if file not in self._drafts:
            self._drafts[file] = self._read(file)
        return self._drafts[file]

    def add(self, draft: Sheet) -> None:
        """A file that is not there yet."""
        self._drafts[draft.file] = draft
        self.undoing(lambda: self._drafts.pop(draft.file))

    def __contains__(self, file: str) -> bool:
        return file in self._drafts

    def changes(self) -> tuple[FileChange, ...]:
        """Every file that comes out otherwise, by name.

        Raises:
            EditError: one of them cannot be edited.
        """
        comments: dict[str, dict[Steps, tuple[str, ...]]] = {}
        for ref, lines in self._comments.items():
            comments.setdefault(ref.file, {})[ref.path] = lines
        found = (self._drafts[file].change(comments.get(file, {})) for file in sorted(self._drafts))
        return tuple(change for change in found if change is not None)

    # --- steps that can be taken back ------------------------------------------------------------------------------

    def mark(self) -> int:
        """Where `back_to` leads to."""
        return len(self._undo)

    def back_to(self, mark: int) -> None:
        """Take back everything since `mark`."""
        while len(self._undo) > mark:
            self._undo.pop()()

    def undoing(self, undo: Callable[[], object]) -> None:
        """Remember how to take back a step."""
        self._undo.append(undo)

    def node(self, ref: BlockRef) -> Any:
        """What stands there, or REMOVED."""
        node: Any = self[ref.file].data
        for step in ref.path:
            node = node[step]
            if node is REMOVED:
                return REMOVED
        return node

    def put(self, mapping: dict[str, Any], key: str, value: Any, *, after: str | None = None) -> None:
        """A value under a key; a new key comes behind `after`, else at the end."""
        before = list(mapping.items())
        self.undoing(lambda: _refill(mapping, before))
        if key in mapping or after not in mapping:
            mapping[key] = value
        else:
            at = next(index for index, (name, _) in enumerate(before) if name == after) + 1
            _refill(mapping, [*before[:at], (key, value), *before[at:]])

    def take(self, mapping: dict[str, Any], key: str) -> None:
        """Take a key away."""
        self.put(mapping, key, REMOVED)

    def comment(self, ref: BlockRef, lines: tuple[str, ...]) -> None:
        """Comments to stand above a new block."""
        before = self._comments.get(ref, ())
        self._comments[ref] = (*before, *lines)
        self.undoing(lambda: self._comments.pop(ref) if not before else self._comments.update({ref: before}))

    def append(self, items: list[Any], item: Any) -> int:
        """An item at the end of a list; its index."""
        items.append(item)
        self.undoing(items.pop)
        return len(items) - 1

    def take_item(self, items: list[Any], index: int) -> None:
        """Take an item away."""
        before = items[index]
        items[index] = REMOVED
        self.undoing(lambda: items.__setitem__(index, before))


def _refill(mapping: dict[str, Any], items: list[tuple[str, Any]]) -> None:
    mapping.clear()
    mapping.update(items)
