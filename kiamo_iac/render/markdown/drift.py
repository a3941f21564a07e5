"""A drift as a comment on a merge request: whose hand it was first, the things folded, never too long to be posted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from kiamo_iac.planner.diff import ChangedBy
from kiamo_iac.render.base import Style
from kiamo_iac.render.drift import attribute_line, drift_summary, happened, remarks
from kiamo_iac.render.escape import visible
from kiamo_iac.render.markdown.page import NOTICE, Section, SizeBudget, code, folded, listed, marker, notice, size

if TYPE_CHECKING:
    from kiamo_iac.planner.drift import Drift, ResourceDrift

_NAMED: Final = 10
"""How many things are named above the folds; all of them stand in the folds."""


class MarkdownDrift:
    """The Markdown format; the style of text does not touch it."""

    def __init__(self, style: Style) -> None:
        del style

    def render(self, drift: Drift, *, environment: str) -> str:
        """The comment, below `page.MAX_BYTES`, ending with a newline."""
        room = SizeBudget()
        head = [
            marker("drift", environment),
            f"### Drift of {code(environment)}",
            "",
            f"**{drift_summary(drift)}**",
            "",
        ]
        if not drift.ledger:
            head += ["There is no ledger of this environment, so that nobody can say who changed what.", ""]
        room.left -= size("\n".join(head)) + NOTICE
        git = [thing for thing in drift.resources if thing.changed_by is ChangedBy.GIT]
        others = [thing for thing in drift.resources if thing.changed_by is not ChangedBy.GIT]
        head += listed("Not from git alone", map(_in_short, others[:_NAMED]), room, count=len(others))
        theirs = _fold("Changed on the instance, on both sides, or nobody can say where", others, room)
        ours = _fold("Changed in git", git, room)
        left_out = theirs.left_out + ours.left_out
        missing = [f"{left_out:,} of {len(drift.resources):,} things"] if left_out else []
        return "\n".join([*head, *notice(missing), *theirs.lines, *ours.lines]).rstrip("\n") + "\n"


def _fold(title: str, things: Sequence[ResourceDrift], room: SizeBudget) -> Section:
    return folded(f"{title}: {len(things):,}", map(_lines, things), room, count=len(things), language="diff")


def _in_short(thing: ResourceDrift) -> str:
    return f"{code(thing.address)}: {code(happened(thing))}"


def _lines(thing: ResourceDrift) -> list[str]:
    return list(_told(thing))


def _told(thing: ResourceDrift) -> Iterator[str]:
    yield f"! {visible(thing.address)} ({visible(thing.kind)}): {happened(thing)}"
    yield from (f"      {attribute_line(found, thing)}" for found in thing.attributes)
    yield from (f"#     {line}" for line in remarks(thing))
