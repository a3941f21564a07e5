"""The rules of each kind, one kind a file, written from the assumed behaviour of the API and its error table."""

from __future__ import annotations

from kiamo_iac.emulator.rules.batch import BatchRules
from kiamo_iac.emulator.rules.contact_base import ContactBaseRules
from kiamo_iac.emulator.rules.field import FieldRules
from kiamo_iac.emulator.rules.generic import KindRules
from kiamo_iac.emulator.rules.service import ServiceRules

_RULES: dict[str, KindRules] = {
    "base": ContactBaseRules(),
    "batch": BatchRules(),
    "field": FieldRules(),
    "service": ServiceRules(),
}
_GENERIC = KindRules()


def rules_of(kind: str) -> KindRules:
    """The rules of a kind; those of any kind where it has none of its own."""
    return _RULES.get(kind, _GENERIC)
