"""Prints what the worlds of test_any_to_any.py came to, at the end of a run."""

from __future__ import annotations

from collections import Counter

import pytest

COUNTS = pytest.StashKey[Counter[str]]()


@pytest.fixture(scope="session")
def counts(request: pytest.FixtureRequest) -> Counter[str]:
    """How often the worlds reached each action, refusal and rule."""
    return request.config.stash.setdefault(COUNTS, Counter())


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    counts = terminalreporter.config.stash.get(COUNTS, None)
    if counts:
        terminalreporter.section("any live state × any desired state")
        for what, number in sorted(counts.items()):
            terminalreporter.write_line(f"{number:8}  {what}")
