"""The desk of tests/cli, for attacks on whoever sits at it."""

from __future__ import annotations

from tests.cli.conftest import desk, typing

__all__ = ["desk", "typing"]
