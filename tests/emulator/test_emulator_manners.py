"""The story under manners that a contract describes, on the emulator, in short, and what it is rehearsed on: every
third manner here, each of them in `make slow`."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.emulator.manners import EmulatedManner, emulated
from tests.manners.story import CHAPTERS, tell_in_short, telling

MANNERS = list(emulated())
if not os.environ.get("KIAMO_IAC_WORLDS"):  # make slow sets it
    MANNERS = MANNERS[::3]


@pytest.mark.parametrize("manner", MANNERS, ids=lambda manner: manner.name)
def test_the_emulator_has_a_manner_through_the_story(manner: EmulatedManner, tmp_path: Path) -> None:
    tell_in_short(manner, tmp_path / "project")


@pytest.mark.parametrize("manner", MANNERS, ids=lambda manner: manner.name)
def test_a_plan_under_a_manner_is_rehearsed(manner: EmulatedManner, tmp_path: Path) -> None:
    with telling(manner, tmp_path / "project") as told:
        told.manifest(CHAPTERS["create"].manifest(manner))
        assert told.apply().returncode == 0
        told.manifest(CHAPTERS["change service"].manifest(manner))
        done = told.run("plan", "-e", "staging", "--rehearse")
        assert done.returncode == 0, f"{manner.name}\n{done.stdout}{done.stderr}"
