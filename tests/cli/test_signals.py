"""A signal may come at any moment, also while the very thread that handles it is writing to stderr."""

from __future__ import annotations

import io
import signal
import sys

import pytest

from kiamo_iac.cli.apply import stopping


class Interrupting(io.RawIOBase):
    """Where a stream's buffer is emptied to: a signal comes just then, once."""

    came = False

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        if not self.came:
            self.came = True
            signal.raise_signal(signal.SIGTERM)
        return len(bytes(data))  # type: ignore[call-overload]


def test_a_signal_in_the_middle_of_a_line_only_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = Interrupting()
    with io.TextIOWrapper(io.BufferedWriter(raw), encoding="utf-8") as stream:
        monkeypatch.setattr(sys, "stderr", stream)
        with stopping() as stop:
            print("a line of progress", file=stream, flush=True)
            assert raw.came
            assert stop.is_set()
