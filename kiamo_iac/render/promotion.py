"""A promotion as text beside its diff, and as JSON, described by `schemas/promotion.schema.json`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple, assert_never

import click

from kiamo_iac.authoring.promoting.promotion import NOTHING, Difference, PromotedDifference, PromotionResult, Strategy
from kiamo_iac.authoring.sheet import FileChange
from kiamo_iac.core.common_records import (
    ADDRESS,
    DIAGNOSTIC,
    ENVIRONMENT,
    PATH,
    PLACE_OR_NULL,
    diagnostics_list,
    major,
    version_of,
)
from kiamo_iac.core.json_schema import Schema, schema_document
from kiamo_iac.core.record import Record, anything, boolean, definitions, derived, enum, list_of, nullable, text
from kiamo_iac.render.base import Style
from kiamo_iac.render.diagnostics import counted, diagnostic_lines
from kiamo_iac.render.escape import document, json_document, value, visible
from kiamo_iac.render.file_diff import unified_diff


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
    if change.how is Strategy.NOT_PROMOTED:
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
        case Strategy.NOT_PROMOTED:
            return "not promoted: edit the manifests"
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
    looked = "" if made.live else " (manifests only: the instances were not read)"
    source, target = visible(found.source), visible(found.target)
    if not found.changes:
        if made.missing:
            return f"{source} cannot be promoted to {target}: see what is missing{looked}."
        return f"{target} matches {source}{looked}."
    words = {
        Strategy.UNSHADOW: "removed from a patch",
        Strategy.MOVE: "moved into the base",
        Strategy.PATCH: f"written into {target}'s patch",
        Strategy.NOT_PROMOTED: "not promoted",
    }
    counts = {how: sum(change.how is how for change in found.changes) for how in Strategy}
    ways = ", ".join(f"{count} {words[how]}" for how, count in counts.items() if count)
    files = counted(len(found.files), "file")
    return f"{counted(len(found.changes), 'difference')} of {target} from {source}: {ways}; {files}{looked}."


def _bold(text: str, style: Style) -> str:
    return click.style(text, bold=True) if style.color else text


# --- JSON -------------------------------------------------------------------------------------------------------------

FORMAT_VERSION: Final = "1.0"
"""The first number changes when a reader of the old form would misread the new one."""
_FILE: Final = text("The file, from the folder of the project file.")


class _Promotion(NamedTuple):
    result: PromotionResult
    written: bool

    @property
    def files(self) -> list[tuple[FileChange, str]]:
        """Each file with its diff."""
        found = self.result.promotion
        return [(c, unified_diff(c.file, c.before, c.after, listed=found.listed)) for c in found.files]


def _value(data: Any) -> Any:
    return None if data is NOTHING else data


_CHANGE: Final = Record(
    PromotedDifference,
    "One difference.",
    {
        "address": derived(ADDRESS, "difference.address"),
        "path": derived(
            nullable(text("The attribute, dotted below mappings; null: the resource itself.")),
            lambda change: change.difference.path or None,
        ),
        "from": derived(
            anything("As `from` writes it, with its variables; of a resource, its body; null: not at all."),
            lambda change: _value(change.difference.wanted),
        ),
        "to": derived(
            anything("As `to` writes it; null: not at all."), lambda change: _value(change.difference.present)
        ),
        "how": enum(Strategy, "How it is brought over; `left`: not at all."),
        "files": list_of(_FILE, "What changes for it."),
        "source": derived(PLACE_OR_NULL, "difference.source"),
    },
)
_CHANGED_FILE: Final = Record(
    tuple,
    "One file that changes.",
    {
        "file": derived(_FILE, lambda pair: pair[0].file),
        "new": derived(boolean("Whether it is not there yet."), lambda pair: pair[0].before is None),
        "diff": derived(text("A unified diff."), lambda pair: pair[1]),
    },
)
_LEAF: Final = Record(
    tuple,
    "A value that differs only by its variables.",
    {"address": derived(ADDRESS, lambda pair: pair[0]), "path": derived(PATH, lambda pair: ".".join(pair[1]))},
)
PROMOTION: Final = Record(
    _Promotion,
    "What would bring the manifests of one environment level with those of another.",
    {
        "format_version": version_of(FORMAT_VERSION),
        "from": derived(ENVIRONMENT, "result.promotion.source"),
        "to": derived(ENVIRONMENT, "result.promotion.target"),
        "level": derived(boolean("Whether there is nothing to promote, and nothing missing."), "result.level"),
        "live": derived(boolean("Whether the instances were looked at."), "result.live"),
        "written": boolean("Whether the files have been written."),
        "missing": derived(diagnostics_list("What `to` has to have first."), "result.missing"),
        "changes": derived(list_of(_CHANGE, "Parents before their children."), "result.promotion.changes"),
        "notes": derived(diagnostics_list("Diagnostics, by place."), "result.notes"),
        "by_variables": derived(
            list_of(_LEAF, "Written alike, and of another value in each. Not changed."),
            "result.promotion.by_variables",
        ),
        "only_to": derived(list_of(ADDRESS, "What only `to` declares. Not changed."), "result.promotion.only_target"),
        "files": derived(list_of(_CHANGED_FILE, "By name."), "files"),
    },
)


def promotion_json(made: PromotionResult, *, written: bool) -> str:
    """All of it, ending with a newline. `written`: whether the files have been written."""
    return json_document(PROMOTION.data(_Promotion(made, written)))


def promotion_schema() -> Schema:
    """The schema of `promote --format json`."""
    return schema_document(
        "promotion",
        major(FORMAT_VERSION),
        title="A promotion of kiamo-iac",
        body=PROMOTION.body,
        definitions=definitions(DIAGNOSTIC),
    )
