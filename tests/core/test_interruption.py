"""Where the main thread obeys a signal: at once, or where it looks."""

from __future__ import annotations

import threading

import pytest

from kiamo_iac.core.errors import Interrupted, LedgerError
from kiamo_iac.core.runtime import Interruption


def test_by_default_a_signal_is_obeyed_at_once_and_only_once() -> None:
    interruption = Interruption()
    with pytest.raises(KeyboardInterrupt):
        interruption.handle()
    interruption.handle()
    assert interruption.requested


def test_within_deferring_it_is_obeyed_at_the_end() -> None:
    interruption = Interruption()
    with pytest.raises(Interrupted, match="interrupted at its end"), interruption.deferring():
        interruption.handle()


def test_an_error_of_the_block_comes_first() -> None:
    def locked(interruption: Interruption) -> None:
        with interruption.deferring():
            interruption.handle()
            msg = "The ledger is full."
            raise LedgerError(msg)

    with pytest.raises(LedgerError):
        locked(Interruption())


def test_a_signal_before_the_block_keeps_it_from_beginning() -> None:
    interruption, begun = Interruption(), []
    interruption.request()
    with pytest.raises(Interrupted, match="Nothing was written"), interruption.deferring():
        begun.append(True)
    with pytest.raises(Interrupted, match="Nothing was written"):
        interruption.wait(3600)
    assert begun == []


@pytest.mark.parametrize("inside", [True, False])
def test_an_interruptible_block_is_left_at_once(inside: bool) -> None:
    """Whether the signal comes within it, or has come before."""
    interruption, seen = Interruption(), []

    def planning() -> None:
        with interruption.deferring():
            if not inside:
                interruption.handle()
            with interruption.interruptible():
                seen.append("in")
                interruption.handle()
                seen.append("after")

    with pytest.raises(Interrupted, match="Nothing was written"):
        planning()
    assert seen == (["in"] if inside else [])
    interruption.handle()  # deferred again: it raises nothing


def test_an_exception_that_the_interrupt_became_is_the_interrupt() -> None:
    """Raised in the middle of `Condition.wait`, it comes out as the RuntimeError of a lock that is not held."""
    interruption = Interruption()

    def planning() -> None:
        with interruption.deferring(), interruption.interruptible():
            try:
                interruption.handle()
            finally:
                raise RuntimeError

    with pytest.raises(Interrupted):
        planning()


def test_errors_of_an_interruptible_block_are_its_own_without_a_signal() -> None:
    interruption = Interruption()
    with pytest.raises(RuntimeError), interruption.deferring(), interruption.interruptible():
        raise RuntimeError


def test_without_deferring_an_interruptible_block_changes_nothing() -> None:
    interruption = Interruption()
    with pytest.raises(KeyboardInterrupt), interruption.interruptible():
        interruption.handle()


def test_a_request_sets_every_event_also_one_that_comes_later() -> None:
    interruption, early, late, over = Interruption(), threading.Event(), threading.Event(), threading.Event()
    with interruption.setting(over):
        pass
    with interruption.setting(early):
        interruption.request()
        with interruption.setting(late):
            assert late.is_set()
    assert early.is_set()
    assert interruption.stop.is_set()
    assert not over.is_set()


def test_an_event_that_is_set_for_another_reason_is_no_signal() -> None:
    interruption, end = Interruption(), threading.Event()
    with interruption.setting(end):
        end.set()
    assert not interruption.requested
    assert not interruption.stop.is_set()
