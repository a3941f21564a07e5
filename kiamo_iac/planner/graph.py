"""Actions with their needs → numbered steps, in an order in which they may be executed one by one."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping
from graphlib import TopologicalSorter

from kiamo_iac.core.address import Address
from kiamo_iac.planner.draft import Draft
from kiamo_iac.planner.plan import Step


def ordered(drafts: list[Draft]) -> list[Draft]:
    """The drafts so that each comes after its needs; among those that may come next, the smallest address first.

    The needs never go round in a circle: a name is only taken from what is renamed, and `order_names` opens those.
    """
    position = {id(d): (d.pair.address, n) for n, d in enumerate(drafts)}
    by_id = {id(d): d for d in drafts}
    sorter: TopologicalSorter[int] = TopologicalSorter({i: [id(n) for n in d.needs] for i, d in by_id.items()})
    sorter.prepare()
    waiting = [(position[i], i) for i in sorter.get_ready()]
    heapq.heapify(waiting)
    result: list[Draft] = []
    while waiting:
        _, i = heapq.heappop(waiting)
        result.append(by_id[i])
        sorter.done(i)
        for ready in sorter.get_ready():
            heapq.heappush(waiting, (position[ready], ready))
    return result


def steps(drafts: list[Draft], *, seen: Callable[[Draft], Mapping[Address, str | None]]) -> tuple[Step, ...]:
    """Number the drafts and turn their needs into `depends_on`; `seen` gives what a step stands on."""
    in_order = ordered(drafts)
    number = {id(d): n for n, d in enumerate(in_order, start=1)}
    return tuple(_step(d, number, seen(d)) for d in in_order)


def _step(draft: Draft, number: dict[int, int], seen: Mapping[Address, str | None]) -> Step:
    return Step(
        id=number[id(draft)],
        action=draft.action,
        address=draft.pair.address,
        kind=draft.pair.kind.kind,
        depends_on=tuple(sorted({number[id(need)] for need in draft.needs})),
        risk=draft.risk,
        before=draft.before,
        after=draft.after,
        changes=draft.changes,
        reason=draft.reason,
        source=draft.source,
        cause=draft.cause,
        seen=seen,
    )
