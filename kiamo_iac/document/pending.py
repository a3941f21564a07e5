"""Changes of one text that are kept aside until they are woven in together."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field

from kiamo_iac.document.nodes import Entry, Node
from kiamo_iac.document.splices import Splice


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

    def gone(self) -> Splice | None:
        """All that stood where it changes something: nothing kept aside may be in there."""
        what = self.emptied[1] if self.emptied is not None else self.replaced
        return Splice(what.start, what.full, "-") if what is not None else None


def _start(splice: Splice) -> int:
    return splice.start


@dataclass(slots=True)
class Pending:
    """Splices that do not touch each other, by where they start."""

    touching: bool
    """What goes may end where something else begins to go."""
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
        gone = change.gone()
        if any(map(self._touches, splices)) or (gone is not None and self._touches(gone)):
            return False
        if change.grown is not None and len(splices) == 1:
            self._growing[splices[0].start] = id(change.grown)
        for splice in splices:
            self._splices.insert(bisect_right(self._splices, splice.start, key=_start), splice)
        return True

    def _touches(self, new: Splice) -> bool:
        after = bisect_right(self._splices, new.start, key=_start)
        return any(self._touch(kept, new) for kept in self._splices[max(after - 1, 0) : after + 1])

    def _touch(self, one: Splice, other: Splice) -> bool:
        first, second = sorted((one, other))
        if self.touching and not first.text and not second.text:
            return first.end > second.start
        return first.end >= second.start

    def woven(self, text: str) -> str:
        """`text` with all that was kept aside."""
        pieces, position = [], 0
        for start, end, new in self._splices:
            pieces += [text[position:start], new]
            position = end
        return "".join([*pieces, text[position:]])
