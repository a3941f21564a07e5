"""Changes of one text that are kept aside until they are woven in together."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field

from kiamo_iac.document.splices import Splice
from kiamo_iac.document.tree import Entry, Node


@dataclass(frozen=True, slots=True)
class Change:
    """What one edit does to the text, and to what is known of it."""

    splices: list[Splice]
    replaced: Node | None = None
    """Stands for something else from now on."""
    emptied: tuple[Node, Entry] | None = None
    """A mapping or list, and the entry that it loses."""
    grown: Node | None = None
    """A mapping or list that gets an entry behind its last one."""


def _start(splice: Splice) -> int:
    return splice.start


@dataclass(slots=True)
class Pending:
    """Splices that do not touch each other, by where they start."""

    _splices: list[Splice] = field(default_factory=list)
    _growing: dict[int, int] = field(default_factory=dict)
    """Offset of a splice that adds entries behind the last one → id of their mapping or list."""

    def __bool__(self) -> bool:
        return bool(self._splices)

    def take(self, change: Change) -> bool:
        """Keep a change aside, or say that it touches another one and keep nothing of it."""
        splices = [splice for splice in change.splices if splice.text or splice.start != splice.end]
        if change.grown is not None and len(splices) == 1:
            (splice,) = splices
            if self._growing.get(splice.start) == id(change.grown):
                index = bisect_left(self._splices, splice.start, key=_start)
                kept = self._splices[index]
                self._splices[index] = kept._replace(text=kept.text + splice.text)
                return True
        if any(map(self._touches, splices)):
            return False
        if change.grown is not None and len(splices) == 1:
            self._growing[splices[0].start] = id(change.grown)
        for splice in splices:
            self._splices.insert(bisect_right(self._splices, splice.start, key=_start), splice)
        return True

    def _touches(self, new: Splice) -> bool:
        after = bisect_right(self._splices, new.start, key=_start)
        return any(_touch(kept, new) for kept in self._splices[max(after - 1, 0) : after + 1])

    def woven(self, text: str) -> str:
        """`text` with all that was kept aside."""
        pieces, position = [], 0
        for start, end, new in self._splices:
            pieces += [text[position:start], new]
            position = end
        return "".join([*pieces, text[position:]])


def _touch(one: Splice, other: Splice) -> bool:
    first, second = sorted((one, other))
    if not first.text and not second.text:  # what goes may end where something else begins to go
        return first.end > second.start
    return first.end >= second.start
