"""How each difference is promoted: the smallest change for `to` that changes no other environment.

1. unshadow  a patch of `to` hides what the base has: the key goes out of the patch
2. move      the value is in a patch of `from`: it goes into the base, for all
3. patch     the others are to stay as they are: it is written into a patch of `to`
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby

from kiamo_iac.authoring.promoting.block_bodies import ENSURE, every_leaf, with_leaf
from kiamo_iac.authoring.promoting.overlay import EnvironmentOverlay
from kiamo_iac.authoring.promoting.placing import BlockPlacer
from kiamo_iac.authoring.promoting.promotion import NOTHING, Difference, PromotedDifference, Strategy
from kiamo_iac.authoring.sheet import BlockRef
from kiamo_iac.core.address import Address

_Files = Sequence[str]


class StrategyRunner:
    """Promotes differences one by one, parents before children, by editing the overlay."""

    def __init__(self, overlay: EnvironmentOverlay, placing: BlockPlacer, *, may_move: bool) -> None:
        """`may_move`: the base may change too."""
        self._overlay = overlay
        self._placing = placing
        self._may_move = may_move

    def all(self, differences: Iterable[Difference]) -> Iterator[PromotedDifference]:
        """Promote each, or leave it. Entries of a mapping that one null hides are promoted together."""
        for _, group in groupby(differences, key=lambda d: (d.address, d.leaf[:1], len(d.leaf) == 2)):
            together = tuple(group)
            files = self._unshadow_mapping(together)
            for difference in together:
                yield (
                    PromotedDifference(difference, Strategy.UNSHADOW, files) if files else self.promote_one(difference)
                )

    def promote_one(self, difference: Difference) -> PromotedDifference:
        """Promote one, or leave it."""
        overlay, address, leaf = self._overlay, difference.address, difference.leaf
        before = overlay.snapshot(address)
        desired = difference.wanted
        if leaf:
            desired = with_leaf(before[overlay.environments.target] or {}, leaf, difference.wanted)
        for how, way in self._ways(difference):
            mark = overlay.edits.mark()
            for touched in way():
                if overlay.achieves(address, before, desired):
                    return PromotedDifference(difference, how, tuple(sorted(set(touched))))
            overlay.edits.back_to(mark)
        return PromotedDifference(difference, Strategy.NOT_PROMOTED)

    def _ways(self, difference: Difference) -> Iterator[tuple[Strategy, Callable[[], Iterator[_Files]]]]:
        """The strategies to try, in order. Each yields after every step the files that it has edited."""
        if difference.leaf:
            yield Strategy.UNSHADOW, lambda: self._unshadow(difference)
        if self._may_move:
            yield Strategy.MOVE, lambda: self._move(difference) if difference.leaf else self._move_resource(difference)
        yield Strategy.PATCH, lambda: self._patch(difference)

    # --- leaves -----------------------------------------------------------------------------------------------------

    def _unshadow(self, difference: Difference) -> Iterator[_Files]:
        touched: list[str] = []
        for ref in self._overlay.own(difference.address):
            if self._overlay.remove_leaf(ref, difference.leaf):
                touched.append(ref.file)
                yield touched

    def _unshadow_mapping(self, together: tuple[Difference, ...]) -> tuple[str, ...]:
        """Take the nulls that hide a whole mapping out of the patches of `to`; the files, if that is all it takes."""
        overlay, address, leaf = self._overlay, together[0].address, together[0].leaf
        if len(leaf) < 2:
            return ()
        before = overlay.snapshot(address)
        desired = before[overlay.environments.target] or {}
        for difference in together:
            desired = with_leaf(desired, difference.leaf, difference.wanted)
        mark = overlay.edits.mark()
        touched = [ref.file for ref in overlay.own(address) if overlay.remove_null(ref, leaf[0])]
        if touched and overlay.achieves(address, before, desired):
            return tuple(sorted(set(touched)))
        overlay.edits.back_to(mark)
        return ()

    def _move(self, difference: Difference) -> Iterator[_Files]:
        overlay, address, leaf = self._overlay, difference.address, difference.leaf
        base = overlay.base(address)
        if base is None:
            return
        order = self._order(address)
        touched = [r.file for r in (*overlay.patched(address), *overlay.own(address)) if overlay.remove_leaf(r, leaf)]
        if difference.wanted is NOTHING:
            overlay.remove_leaf(base, leaf)
        else:
            overlay.put_leaf(base, leaf, difference.wanted, order=order)
        yield [*touched, base.file]

    def _move_resource(self, difference: Difference) -> Iterator[_Files]:
        overlay, address = self._overlay, difference.address
        patched = overlay.patched(address)
        declared = [part for part in overlay.stack(overlay.environments.source, address) if not part.layer]
        place = self._placing.in_base(address) if patched and not declared else None
        if place is None:
            return
        self._fill(place, difference, order=())
        for ref in patched:
            for leaf in every_leaf(difference.wanted):
                overlay.remove_leaf(ref, leaf)
            overlay.remove_if_empty(ref)
            overlay.carry_comments(ref, place, address)
        yield [*(ref.file for ref in patched), place.file]

    def _patch(self, difference: Difference) -> Iterator[_Files]:
        """Into a block that is there, the highest first; else into a new one. An edit that does not help is undone."""
        overlay, address = self._overlay, difference.address
        order = self._order(address)
        for ref in overlay.own(address):
            mark = overlay.edits.mark()
            self._fill(ref, difference, order=order)
            yield [ref.file]
            overlay.edits.back_to(mark)
        for file in self._placing.patch_files(address):
            mark = overlay.edits.mark()
            self._fill(self._placing.in_patch(address, file), difference, order=order)
            yield [file]
            overlay.edits.back_to(mark)

    def _fill(self, ref: BlockRef, difference: Difference, *, order: Iterable[str]) -> None:
        """Write what is wanted into a block: one leaf, or a whole body."""
        leaf, value = difference.leaf, difference.wanted
        if not leaf:
            for key, inner in value.items():
                self._overlay.edits.put(self._overlay.edits.node(ref), key, inner)
            return
        if value is NOTHING:
            value = "present" if leaf == ENSURE else None
        self._overlay.put_leaf(ref, leaf, value, order=order)

    def _order(self, address: Address) -> list[str]:
        """The keys of a resource as `from` has them, then as `to` does."""
        source, target = self._overlay.environments.source, self._overlay.environments.target
        return [*(self._overlay.effective(source, address) or ()), *(self._overlay.effective(target, address) or ())]
