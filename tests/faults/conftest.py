"""A scene, and processes to kill."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.forks import Forks, forks
from tests.faults.scene import Scene, playing


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """A project, an empty instance, and a proxy that plays nothing yet."""
    with playing(tmp_path / "project") as made:
        yield made


@pytest.fixture(scope="session")
def forking() -> Iterator[Forks]:
    """Runs as processes."""
    with forks() as server:
        yield server
