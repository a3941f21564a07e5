"""A promotion as text beside its diff: what is missing, what is promoted, then notes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

import click

from kiamo_iac.authoring.promoting.promotion import NOTHING, Difference, PromotedDifference, PromotionResult, Strategy
from kiamo_iac.render.base import Style
from kiamo_iac.render.diagnostics import counted, diagnostic_lines
from kiamo_iac.render.escape import document, value, visible


def promotion_text(made: PromotionResult, style: Style, *, verbose: bool = False) -> str:
    """All but the diff, ending with a line that counts. `verbose`: differences that are not promoted are listed too."""
    return document(_lines(made, style, verbose=verbose))


def _lines(made: PromotionResult, style: Style, *, verbose: bool) -> Iterator[str]:
    found = made.promotion
    if made.missing:
        yield _bold(f"Missing on {visible(found.target)}:", style)
        for lines in diagnostic_lines(made.missing, style):
            yield from (f"  {line}" for line in lines)
        yield ""
    if found.changes:
        yield _bold(f"From {visible(found.source)} to {visible(found.target)}:", style)
        yield from (f"  {_change(change, found.source, found.target, style)}" for change in found.changes)
        yield ""
    for lines in diagnostic_lines(made.notes, style):
        yield from lines
    if made.notes:
        yield ""
    yield from _kept(made, verbose=verbose)
    yield _bold(summary_line(made), style)


def _change(change: PromotedDifference, source: str, target: str, style: Style) -> str:
    difference = change.difference
    sign, color = ("+", "green") if difference.present is NOTHING else ("~", "yellow")
    if change.how is Strategy.LEFT:
        sign, color = "!", "red"
    head = f"{sign} {visible(difference.address)}"
    head = click.style(head, fg=color) if style.color else head
    return f"{head}{_values(difference, style)} ({visible(_how(change, source, target))})"


def _values(difference: Difference, style: Style) -> str:
    if not difference.leaf:
        return ""
    before, after = (None if one is NOTHING else one for one in (difference.present, difference.wanted))
    return f" {visible(difference.path)}: {value(before)} {style.symbols.arrow} {value(after)}"


def _how(change: PromotedDifference, source: str, target: str) -> str:
    match change.how:
        case Strategy.UNSHADOW:
            there = "" if change.difference.wanted is NOTHING else ": the base has it"
            return f"removed from {target}'s patch{there}"
        case Strategy.MOVE:
            return f"moved from {source}'s patch into the base"
        case Strategy.PATCH:
            return f"written into {target}'s patch"
        case Strategy.LEFT:
            return "not promoted: change it by hand"
        case _:
            assert_never(change.how)


def _kept(made: PromotionResult, *, verbose: bool) -> Iterator[str]:
    found = made.promotion
    variables = [f"{address} {'.'.join(leaf)}" for address, leaf in found.by_variables]
    for resources, said in (
        (variables, "caused by variables, not promoted"),
        (list(found.only_target), f"only in {found.target}, not promoted"),
    ):
        if resources:
            yield f"{counted(len(resources), 'difference')} {visible(said)}{':' if verbose else ' (-v lists them)'}"
            yield from (f"  {visible(resource)}" for resource in resources if verbose)


def summary_line(made: PromotionResult) -> str:
    """`production lacks 3 of what staging has: 1 moved into the base, 2 written into its patch; 2 files.`"""
    found = made.promotion
    looked = "" if made.live else " (as declared: the instances were not read)"
    source, target = visible(found.source), visible(found.target)
    if not found.changes:
        if made.missing:
            return f"{source} cannot be promoted to {target}: see what is missing{looked}."
        return f"{target} matches {source}{looked}."
    words = {
        Strategy.UNSHADOW: "removed from a patch",
        Strategy.MOVE: "moved into the base",
        Strategy.PATCH: f"written into {target}'s patch",
        Strategy.LEFT: "not promoted",
    }
    counts = {how: sum(change.how is how for change in found.changes) for how in Strategy}
    ways = ", ".join(f"{count} {words[how]}" for how, count in counts.items() if count)
    files = counted(len(found.files), "file")
    return f"{counted(len(found.changes), 'difference')} of {target} from {source}: {ways}; {files}{looked}."


def _bold(text: str, style: Style) -> str:
    return click.style(text, bold=True) if style.color else text
