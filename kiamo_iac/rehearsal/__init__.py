"""A plan run beforehand on an emulator in this process, seeded with the live state that was just read."""

from __future__ import annotations

from kiamo_iac.rehearsal.rehearse import Rehearsal, rehearse

__all__ = ["Rehearsal", "rehearse"]
