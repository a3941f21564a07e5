"""A promotion as JSON, described by `schemas/promotion.schema.json`."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

from kiamo_iac.authoring.promoting.promotion import NOTHING, PromotedDifference, PromotionResult
from kiamo_iac.authoring.sheet import FileChange
from kiamo_iac.core.common_records import DIAGNOSTIC
from kiamo_iac.render.escape import json_document
from kiamo_iac.render.file_diff import unified_diff

FORMAT_VERSION: Final = "1.0"
"""The first number changes when a reader of the old form would misread the new one."""


def promotion_json(made: PromotionResult, *, written: bool) -> str:
    """All of it, ending with a newline. `written`: whether the files have been written."""
    found = made.promotion
    return json_document(
        {
            "format_version": FORMAT_VERSION,
            "from": found.source,
            "to": found.target,
            "level": made.level,
            "live": made.live,
            "written": written,
            "missing": [DIAGNOSTIC.data(diagnostic) for diagnostic in made.missing],
            "changes": [_change(change) for change in found.changes],
            "notes": [DIAGNOSTIC.data(diagnostic) for diagnostic in made.notes],
            "by_variables": [{"address": address, "path": ".".join(leaf)} for address, leaf in found.by_variables],
            "only_to": list(found.only_target),
            "files": [_file(change, found.listed) for change in found.files],
        }
    )


def _change(change: PromotedDifference) -> dict[str, Any]:
    difference = change.difference
    return {
        "address": difference.address,
        "path": difference.path or None,
        "from": _value(difference.wanted),
        "to": _value(difference.present),
        "how": change.how.value,
        "files": list(change.files),
        "source": str(difference.source) if difference.source else None,
    }


def _value(data: Any) -> Any:
    return None if data is NOTHING else data


def _file(change: FileChange, listed: Collection[str]) -> dict[str, Any]:
    return {
        "file": change.file,
        "new": change.before is None,
        "diff": unified_diff(change.file, change.before, change.after, listed=listed),
    }
