"""A promotion as JSON, described by `schemas/promotion.schema.json`."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from kiamo_iac.authoring.promoting.promotion import NOTHING, PromotedDifference, PromotionResult, Strategy
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
from kiamo_iac.render.escape import json_document
from kiamo_iac.render.file_diff import unified_diff

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
