"""How each difference is brought over: the least change that `to` needs and that no other environment feels.

1. uncover   a patch of `to` hides what the base has: the key goes out of the patch
2. move      the value stands in a patch of `from`: it goes into the base, for all
3. patch     the others are to stay as they are: it is written into a patch of `to`
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby

from kiamo_iac.authoring.promoting.bench import Bench
from kiamo_iac.authoring.promoting.bodies import ENSURE, every_leaf, with_leaf
from kiamo_iac.authoring.promoting.drafts import Ref
from kiamo_iac.authoring.promoting.model import NOTHING, Change, Difference, How
from kiamo_iac.authoring.promoting.placing import Placing
from kiamo_iac.core.address import Address

_Files = Sequence[str]


class Moves:
    """Takes differences one by one, parents before children, and leaves the bench as it comes out."""

    def __init__(self, bench: Bench, placing: Placing, *, may_move: bool) -> None:
        """`may_move`: the base may change too."""
        self._bench = bench
        self._placing = placing
        self._may_move = may_move

    def all(self, differences: Iterable[Difference]) -> Iterator[Change]:
        """Bring each over, or leave it. What one null hides of a mapping comes back together."""
        for _, group in groupby(differences, key=lambda d: (d.address, d.leaf[:1], len(d.leaf) == 2)):
            together = tuple(group)
            files = self._uncover_mapping(together)
            for difference in together:
                yield Change(difference, How.UNCOVER, files) if files else self.bring(difference)

    def bring(self, difference: Difference) -> Change:
        """Bring one over, or leave it."""
        bench, address, leaf = self._bench, difference.address, difference.leaf
        before = bench.snapshot(address)
        desired = difference.wanted
        if leaf:
            desired = with_leaf(before[bench.views.target] or {}, leaf, difference.wanted)
        for how, way in self._ways(difference):
            mark = bench.drafts.mark()
            for touched in way():
                if bench.brings(address, before, desired):
                    return Change(difference, how, tuple(sorted(set(touched))))
            bench.drafts.back_to(mark)
        return Change(difference, How.LEFT)

    def _ways(self, difference: Difference) -> Iterator[tuple[How, Callable[[], Iterator[_Files]]]]:
        """What can be tried, one after the other. A way says after each step which files are touched by now."""
        if difference.leaf:
            yield How.UNCOVER, lambda: self._uncover(difference)
        if self._may_move:
            yield How.MOVE, lambda: self._move(difference) if difference.leaf else self._move_thing(difference)
        yield How.PATCH, lambda: self._patch(difference)

    # --- leaves -----------------------------------------------------------------------------------------------------

    def _uncover(self, difference: Difference) -> Iterator[_Files]:
        touched: list[str] = []
        for ref in self._bench.own(difference.address):
            if self._bench.take_leaf(ref, difference.leaf):
                touched.append(ref.file)
                yield touched

    def _uncover_mapping(self, together: tuple[Difference, ...]) -> tuple[str, ...]:
        """Take the nulls that hide a whole mapping out of the patches of `to`; the files, if that is all it takes."""
        bench, address, leaf = self._bench, together[0].address, together[0].leaf
        if len(leaf) < 2:
            return ()
        before = bench.snapshot(address)
        desired = before[bench.views.target] or {}
        for difference in together:
            desired = with_leaf(desired, difference.leaf, difference.wanted)
        mark = bench.drafts.mark()
        touched = [ref.file for ref in bench.own(address) if bench.take_null(ref, leaf[0])]
        if touched and bench.brings(address, before, desired):
            return tuple(sorted(set(touched)))
        bench.drafts.back_to(mark)
        return ()

    def _move(self, difference: Difference) -> Iterator[_Files]:
        bench, address, leaf = self._bench, difference.address, difference.leaf
        base = bench.base(address)
        if base is None:
            return
        order = self._order(address)
        touched = [r.file for r in (*bench.patched(address), *bench.own(address)) if bench.take_leaf(r, leaf)]
        if difference.wanted is NOTHING:
            bench.take_leaf(base, leaf)
        else:
            bench.put_leaf(base, leaf, difference.wanted, order=order)
        yield [*touched, base.file]

    def _move_thing(self, difference: Difference) -> Iterator[_Files]:
        bench, address = self._bench, difference.address
        patched = bench.patched(address)
        place = self._placing.in_base(address) if patched and bench.base(address) is None else None
        if place is None:
            return
        self._fill(place, difference, order=())
        for ref in patched:
            for leaf in every_leaf(difference.wanted):
                bench.take_leaf(ref, leaf)
            bench.settle(ref)
            bench.carry_comments(ref, place, address)
        yield [*(ref.file for ref in patched), place.file]

    def _patch(self, difference: Difference) -> Iterator[_Files]:
        """Into a block that is there, the highest first; else into a new one. What does not help is taken back."""
        bench, address = self._bench, difference.address
        order = self._order(address)
        for ref in bench.own(address):
            mark = bench.drafts.mark()
            self._fill(ref, difference, order=order)
            yield [ref.file]
            bench.drafts.back_to(mark)
        for file in self._placing.patch_files(address):
            mark = bench.drafts.mark()
            self._fill(self._placing.in_patch(address, file), difference, order=order)
            yield [file]
            bench.drafts.back_to(mark)

    def _fill(self, ref: Ref, difference: Difference, *, order: Iterable[str]) -> None:
        """Write what is wanted into a block: one leaf, or a whole body."""
        leaf, value = difference.leaf, difference.wanted
        if not leaf:
            for key, inner in value.items():
                self._bench.drafts.put(self._bench.drafts.node(ref), key, inner)
            return
        if value is NOTHING:
            value = "present" if leaf == ENSURE else None
        self._bench.put_leaf(ref, leaf, value, order=order)

    def _order(self, address: Address) -> list[str]:
        """The keys of a thing as `from` has them, then as `to` does."""
        source, target = self._bench.views.source, self._bench.views.target
        return [*(self._bench.effective(source, address) or ()), *(self._bench.effective(target, address) or ())]
