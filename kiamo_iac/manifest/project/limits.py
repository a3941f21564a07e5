"""`limits` of an environment in the project file."""

from __future__ import annotations

from typing import Any, Final

from kiamo_iac.core.diagnostics import SourceRange
from kiamo_iac.core.settings import DEFAULT_BYTES, DEFAULT_ROWS, MAX_BYTES, MAX_ROWS, LimitSettings
from kiamo_iac.manifest.project.nodes import Nodes

_KEYS: Final = ("rows", "bytes")
_CODE: Final = "KIA0315"


def limits(nodes: Nodes, value: Any, source: SourceRange) -> LimitSettings:
    """What `limits` says; what it leaves out, or says wrongly, is as without it."""
    if not isinstance(value, dict):
        nodes.say("KIA0301", '"limits" is a mapping', source, f"write limits: {{rows: {DEFAULT_ROWS}}}")
        return LimitSettings()
    nodes.check_keys(value, known=_KEYS, what="limits")
    rows = nodes.number(value, "rows", least=1, most=MAX_ROWS, code=_CODE)
    size = nodes.number(value, "bytes", least=1, most=MAX_BYTES, code=_CODE)
    return LimitSettings(DEFAULT_ROWS if rows is None else rows, DEFAULT_BYTES if size is None else size)
