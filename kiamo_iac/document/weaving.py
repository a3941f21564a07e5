"""Edits of one text, kept aside as long as they do not touch each other and then woven in together."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Any, Final

from kiamo_iac.document.growing import Grower
from kiamo_iac.document.nodes import Kind, Node
from kiamo_iac.document.pending import Change, Pending
from kiamo_iac.document.removing import Remover
from kiamo_iac.document.replacing import Replacer
from kiamo_iac.document.sameness import Path
from kiamo_iac.document.splices import Manner, Spot
from kiamo_iac.document.tree import Tree

_LOOKED_AT: Final = 50
"""Items of a list whose style is looked at."""


class Entangled(Exception):  # noqa: N818 - no fault: what is kept aside has to be woven in first
    """An edit builds on another that is not in the text yet."""


class Weaver:
    """A text and what is to be done to it; it is read anew only where one edit builds on another.

    Whatever reads the text may raise the YAMLError of ruamel.yaml, when what was woven is no YAML.
    """

    def __init__(self, text: str, *, flow: Collection[str], at: Callable[[Path], Any]) -> None:
        """`flow`: see `writing.dump`; `at` gives the data that is to stand at a path."""
        self._text = text
        self._flow = flow
        self._at = at
        self._tree: Tree | None = None
        self._pending = Pending(touching=False)
        self._replaced: set[int] = set()
        """ids of nodes that are other ones by now."""

    def text(self) -> str:
        """The text with all edits so far."""
        if self._pending:
            self._text = self._pending.woven(self._text)
            self._pending = Pending(touching=False)
            self._tree = None
        return self._text

    def _read(self) -> Tree:
        """The tree of the text as it was when the edits kept aside were made for it."""
        if self._tree is None:
            self._tree = tree = Tree(self._text)
            self._pending = Pending(touching=not tree.kept)
            self._replaced = set()
            self._replacer = Replacer(tree, flow=self._flow)
            self._grower = Grower(tree, flow=self._flow)
            self._remover = Remover(tree, flow=self._flow)
        return self._tree

    def keep(self, plan: Callable[[], Change]) -> bool:
        """Keep aside what `plan` wants; False when there is no place for it, even with all else woven in."""
        if self._kept(plan):
            return True
        self.text()
        return self._kept(plan)

    def _kept(self, plan: Callable[[], Change]) -> bool:
        try:
            change = plan()
        except Entangled:
            return False
        if not self._pending.take(change):
            return False
        if change.replaced is not None:
            self._replaced.add(id(change.replaced))
        if change.emptied is not None:
            holder, entry = change.emptied
            holder.entries.remove(entry)
        return True

    def _way(self, path: Path) -> list[Spot]:
        """What stands on the way along `path`, from the top of the text; shorter when an alias ends it.

        Raises:
            Entangled: an edit kept aside stands in the way.
        """
        root = self._read().root
        end = len(self._text)
        spot = Spot(root or Node(Kind.SCALAR, end, end, end, end), None, None)
        way = [spot]
        for step in path:
            if id(spot.node) in self._replaced:
                raise Entangled
            if spot.node.kind is Kind.ALIAS:
                return way
            entry = spot.node.entry(step)
            if entry is None:
                raise Entangled
            spot = Spot(entry.value, entry, spot.node)
            way.append(spot)
        if id(spot.node) in self._replaced:
            raise Entangled
        return way

    def _spot(self, path: Path) -> tuple[Spot, Path]:
        """Where `path` leads, and how much of it was gone."""
        way = self._way(path)
        return way[-1], path[: len(way) - 1]

    def put(self, path: Path) -> Change:
        """The value at `path` is another one."""
        spot, reached = self._spot(path)
        meant = self._read().meaning(spot.node)
        manner = Manner(meant if meant.entries else self._alike(reached), _key(reached))
        return Change(self._replacer.replaced(spot, self._at(reached), manner=manner), replaced=spot.node)

    def add(self, path: Path, after: str | None) -> Change:
        """The mapping, not empty, that `path` leads into has its last step as a new key."""
        spot, reached = self._spot(path[:-1])
        if reached != path[:-1] or spot.node.kind is Kind.ALIAS:
            return self.put(reached)
        key, holder = str(path[-1]), self._at(path[:-1])
        if after not in holder or after == list(holder)[-2]:
            after = None
        if not spot.node.entries or (after is not None and spot.node.entry(after) is None):
            raise Entangled
        splices = self._grower.added(spot, key, holder[key], after=after, like=self._alike(path))
        return Change(splices, grown=spot.node if after is None else None)

    def extend(self, path: Path) -> Change:
        """The list at `path`, not empty before, has a new last item."""
        spot, reached = self._spot(path)
        if reached != path or spot.node.kind is Kind.ALIAS:
            return self.put(reached)
        if not spot.node.entries:
            raise Entangled
        return Change(self._grower.appended(spot, self._at(path)[-1], key=_key(path)), grown=spot.node)

    def take(self, path: Path) -> Change:
        """What stood at `path` is gone from a mapping or list that has others."""
        spot, reached = self._spot(path)
        if reached != path or spot.entry is None or spot.parent is None:
            return self.put(reached)
        if len(spot.parent.entries) == 1:  # what was added to it is not there yet
            raise Entangled
        return Change(self._remover.removed(spot), emptied=(spot.parent, spot.entry))

    def _alike(self, path: Path) -> Node | None:
        """What stands in the place of `path` in another item of the same list; its style is the one to follow."""
        for above in (1, 2):
            if len(path) < above or not isinstance(path[-above], int):
                continue
            below = path[len(path) - above + 1 :]
            for entry in self._spot(path[:-above])[0].node.entries[:_LOOKED_AT]:
                node: Node | None = entry.value
                for step in below:
                    found = node.entry(step) if node is not None else None
                    node = found.value if found is not None else None
                if node is not None and node.entries:
                    return node
        return None

    def write_out_aliases(self, path: Path, goes: Path | None) -> None:
        """Write out the aliases of every anchor that a change is about to reach: other places stay as they are.

        The change is at `path`; what stands at `goes` is to go, with the anchors in it.
        """
        while self._read().bindings and self._bound(path, goes):
            self.text()
            bound = self._bound(path, goes)
            for place, node in _aliases(self._read().root, ()):
                if id(node) in bound:
                    manner = Manner(bound[id(node)], _key(place))
                    splices = self._replacer.replaced(self._spot(place)[0], self._at(place), manner=manner)
                    self._pending.take(Change(splices))
            self.text()

    def _bound(self, path: Path, goes: Path | None) -> dict[int, Node]:
        """ids of the aliases that stand for what a change at `path` reaches or takes along → what they stand for."""
        try:
            way = self._way(path)
            gone = self._way(goes)[-1].node if goes is not None else None
        except Entangled:
            self.text()
            way = self._way(path)
            gone = self._way(goes)[-1].node if goes is not None else None
        reached = {id(spot.node) for spot in way}
        lost = {id(node) for node in gone.below()} if gone is not None else set()
        found: dict[int, Node] = {}
        for node, aliases in self._read().bindings:
            if id(node) in reached or id(node) in lost:
                found |= {id(alias): node for alias in aliases if id(alias) not in lost}
        return found


def _key(path: Path) -> str | None:
    return next((step for step in reversed(path) if isinstance(step, str)), None)


def _aliases(node: Node | None, path: Path) -> Iterator[tuple[Path, Node]]:
    """Every alias below `node`, with its path."""
    if node is None:
        return
    if node.kind is Kind.ALIAS:
        yield path, node
    for index, entry in enumerate(node.entries):
        yield from _aliases(entry.value, (*path, index if entry.key is None else entry.key.value))
