"""Every other house whose collection has what the story needs, through the whole story."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from tests.contract.dialect import names
from tests.e2e.test_derived_contract import SHORT, tell

INCOMPLETE: Final = {"openapi-hal", "platform", "actions", "versioned"}
"""No word for a batch in any list; no label and no command; fields that are replaced as a list of their own; a variable
without a value in every path."""


@pytest.mark.parametrize("name", [name for name in names() if name not in {*SHORT, *INCOMPLETE}])
def test_from_a_collection_to_the_end_of_the_story(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tell(name, tmp_path, monkeypatch, capsys)
