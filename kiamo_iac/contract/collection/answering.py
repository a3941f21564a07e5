"""The answers of a user, merged over what is derived: the questions that they answer are gone, all others stay."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from kiamo_iac.contract.collection.derive import DerivedContract
from kiamo_iac.contract.collection.questions import ContractQuestion
from kiamo_iac.contract.expansion import expanded_override, merge
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
    merged = merge(derived.data, expanded_override(data, Contract), keep_null=True)
    return replace(derived, data=merged, questions=left)


def _is_answered(question: ContractQuestion, data: Any) -> bool:
    """Whether the answers have the entry of a question, with the keys that it is about."""
    for key in question.path:
        if not isinstance(data, Mapping):
            return True
        if key not in data:
            return False
        data = data[key]
    return not isinstance(data, Mapping) or not question.about or not question.about.isdisjoint(data)
