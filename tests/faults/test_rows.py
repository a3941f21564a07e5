"""Every fault that the program must survive has an end-to-end test with its number."""

from __future__ import annotations

from tests.faults.rows import ROWS, by_row


def test_every_row_has_a_test_with_its_number() -> None:
    assert sorted(by_row()) == ROWS
