"""The rules of fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from kiamo_iac.emulator.rules.generic import KindRules


class FieldRules(KindRules):
    """A field keeps its name and its datatype for life; a default one keeps everything."""

    missing: ClassVar[Mapping[str, str]] = {"name": "ERR_1040", "label": "ERR_1070", "datatype": "ERR_1080"}
    invalid: ClassVar[Mapping[str, str]] = {"datatype": "ERR_1080"}
    immutable: ClassVar[frozenset[str]] = frozenset({"name", "datatype"})
