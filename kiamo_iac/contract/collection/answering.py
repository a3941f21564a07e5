"""The answers of a user, merged over what is derived: the questions that they answer are gone, all others stay."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from kiamo_iac.contract.collection.derive import DerivedContract
from kiamo_iac.contract.collection.questions import ContractQuestion, Entry
from kiamo_iac.contract.expansion import expanded_override, replaces
from kiamo_iac.contract.file import load_contract, override_data
from kiamo_iac.contract.model import Contract


def answered(derived: DerivedContract, answers: Path) -> DerivedContract:
    """`derived` with the override in the file `answers` over it.

    Raises:
        ManifestError: the file cannot be read, or is no valid override over what is derived.
    """
    load_contract(answers, below=derived.data)
    data = override_data(answers)
    left = tuple(question for question in derived.questions if not _is_answered(question, data))
    return replace(derived, data=_over(derived.data, expanded_override(data, Contract), ()), questions=left)


def _over(under: Any, over: Any, path: tuple[str, ...]) -> Any:
    """`over` merged over `under`; null stays, for it removes an entry of the packaged contract."""
    if not isinstance(under, Mapping) or not isinstance(over, Mapping) or replaces(path):
        return over
    merged: Entry = dict(under)
    for key, value in over.items():
        merged[key] = _over(merged.get(key), value, (*path, key))
    return merged


def _is_answered(question: ContractQuestion, data: Any) -> bool:
    """Whether the answers have the entry of a question, with the keys that it is about."""
    for key in question.path:
        if not isinstance(data, Mapping):
            return True
        if key not in data:
            return False
        data = data[key]
    return not isinstance(data, Mapping) or not question.about or not question.about.isdisjoint(data)
