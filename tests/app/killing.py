"""A run that is killed at one of its writes, as by `kill -9`: nothing that it would do afterwards happens."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from kiamo_iac.app.applying import start_apply
from kiamo_iac.emulator import EmulatorRequest, EmulatorResponse
from kiamo_iac.executor.report import Report
from kiamo_iac.planner.guards import Consents
from kiamo_iac.planner.plan_file import Options
from tests.app.conftest import Site


@dataclass
class Kill:
    """Where a run is killed."""

    at: int
    """The number of the write, from 1."""
    committed: bool
    """Whether that write takes effect."""
    unsaved: bool = False
    """Whether the ledger is one that is saved now and then: of this run, it has only what was durable before."""
    writes: int = 0
    dead: bool = False
    ledger: bytes | None = field(default=None, repr=False)
    """What the file of the ledger holds at that moment; None: there is none."""


EVERY_START = Consents(every_start=True)


def killed(site: Site, kill: Kill, options: Options | None = None, consents: Consents = EVERY_START) -> bool:
    """Apply to staging, and kill the run; False: it ended before."""
    with (
        pytest.MonkeyPatch.context() as patch,
        _killing(site, kill, patch),
        start_apply(site.workspace, "staging", options or Options()) as run,
    ):
        run.check_guards(consents)
        run.perform(parallelism=1)
    path = ledger_file(site)
    if kill.dead and kill.ledger is not None:
        path.write_bytes(kill.ledger)
    elif kill.dead:
        path.unlink(missing_ok=True)
    return kill.dead


def applied(site: Site, options: Options | None = None) -> Report:
    """Apply to staging, with the consent to every start."""
    with start_apply(site.workspace, "staging", options or Options()) as run:
        run.check_guards(EVERY_START)
        report = run.perform(parallelism=1)
        run.check(report)
    return report


def ledger_file(site: Site) -> Path:
    """The file of the ledger of staging."""
    return site.folder / ".kiamo" / "staging.ledger.jsonl"


@contextmanager
def _killing(site: Site, kill: Kill, patch: pytest.MonkeyPatch) -> Iterator[None]:
    handle = site.emulator.handle

    def dying(request: EmulatorRequest) -> EmulatorResponse:
        if not kill.dead and request.method != "GET":
            kill.writes += 1
            path = ledger_file(site)
            if kill.writes == 1 or not kill.unsaved:
                kill.ledger = path.read_bytes() if path.exists() else None
            if kill.writes == kill.at:
                if kill.committed:
                    handle(request)
                kill.dead = True
        if kill.dead:
            msg = "the run was killed"
            raise RuntimeError(msg)
        return handle(request)

    patch.setattr(site.emulator, "handle", dying)
    yield
