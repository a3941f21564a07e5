"""An apply: guards, writes, ledger, lock, and the error that its report stands for."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from kiamo_iac.app.applying import check_report, start_apply
from kiamo_iac.app.planning import plan_environment
from kiamo_iac.core.errors import (
    GuardError,
    Interrupted,
    KiamoIacError,
    LedgerError,
    LockedError,
    PartialError,
    RefusedError,
    StaleError,
)
from kiamo_iac.executor.report import Report, Status, StepResult
from kiamo_iac.planner.guards import Consents
from kiamo_iac.planner.plan import Step
from tests.app.conftest import MANIFEST, Site

STARTED = MANIFEST.replace("destination: phone}}", "destination: phone}, state: started}")
CREATED = ["bases/prospects", "bases/prospects/batches/spring", "bases/prospects/fields/city"]


def test_it_writes_the_instance_and_the_ledger(site: Site) -> None:
    plan, report = site.apply()
    assert len(report.results) == len(plan.steps) == 3
    assert report.ok
    (base,) = site.emulator.dump()["bases"]
    assert (base["name"], base["label"]) == ("prospects", "Prospects")
    owned = site.owned()
    assert sorted(owned) == CREATED
    entry = owned[next(a for a in owned if a == "bases/prospects")]
    assert str(entry.remote_id) == str(site.base_id())
    assert entry.attributes["label"] == "Prospects"
    assert entry.version
    assert plan_environment(site.workspace, "staging").plan.steps == ()


def test_a_guard_blocks_before_anything_is_written(site: Site) -> None:
    site.manifest(STARTED)
    with start_apply(site.workspace, "staging") as run:
        assert run.plan.applyable
        with pytest.raises(GuardError, match=r"Plan blocked by 1 guard of staging\. Nothing was written\.") as caught:
            run.check_guards()
        assert [d.code for d in caught.value.diagnostics] == ["KIA0701"]
        with pytest.raises(GuardError):
            run.perform(parallelism=1)
        assert site.writes() == []
        run.check_guards(Consents(every_start=True))
        assert run.perform(parallelism=1).ok
    assert site.owned()[next(a for a in site.owned() if a.endswith("spring"))].attributes["state"] == "started"


def test_guards_are_checked_again_when_the_plan_is_carried_out(site: Site) -> None:
    """A change window may close while the user is asked."""
    (site.folder / "kiamo.yaml").write_text(
        'manifests: [manifests]\nenvironments:\n  staging:\n    url: "http://127.0.0.1:8090"\n'
        '    guards: {change_window: "Mon-Fri 09:00-10:00 UTC"}\n',
        encoding="utf-8",
    )
    clock = [datetime(2024, 1, 8, 9, 30, tzinfo=UTC)]
    with start_apply(replace(site.workspace, now=lambda: clock[0]), "staging") as run:
        run.check_guards()
        clock[0] = datetime(2024, 1, 8, 10, 30, tzinfo=UTC)
        with pytest.raises(GuardError):
            run.perform(parallelism=1)
    assert site.writes() == []


def test_another_run_that_holds_the_lock_ends_this_one(site: Site) -> None:
    with start_apply(site.workspace, "staging"):
        before = len(site.emulator.calls())
        with pytest.raises(LockedError), start_apply(site.workspace, "staging"):
            pytest.fail("it went on without the lock")
        assert len(site.emulator.calls()) == before


def test_a_stopped_run_is_interrupted_and_keeps_what_was_done(site: Site) -> None:
    workspace = site.workspace

    def apply() -> None:
        with start_apply(workspace, "staging") as run:
            workspace.interruption.request()
            run.check(run.perform(parallelism=1))

    with pytest.raises(Interrupted, match="0 done, 0 failed, 3 not tried"):
        apply()
    assert site.writes() == []


def test_a_run_that_is_interrupted_after_its_last_step_says_so(site: Site) -> None:
    workspace = site.workspace

    def apply() -> None:
        with start_apply(workspace, "staging") as run:
            run.check(run.perform(parallelism=1))
            workspace.interruption.request()

    with pytest.raises(Interrupted, match="interrupted at its end"):
        apply()
    assert len(site.owned()) == 3


def test_an_object_that_changed_since_the_plan_is_not_overwritten(site: Site) -> None:
    site.apply()
    site.manifest(MANIFEST.replace("label: Prospects", "label: Leads"))
    with start_apply(site.workspace, "staging") as run:
        site.call("PUT", f"/api/bases/{site.base_id()}", {"label": "By hand"})
        report = run.perform(parallelism=1)
        with pytest.raises(StaleError, match="The instance has changed since the plan: 1 failed, 0 not tried"):
            run.check(report)
    assert site.emulator.dump()["bases"][0]["label"] == "By hand"
    assert site.owned()[next(a for a in site.owned() if a == "bases/prospects")].attributes["label"] == "Prospects"


# --- what a report stands for ----------------------------------------------------------------------------------------


def report_of(steps: tuple[Step, ...], *statuses: Status, error: KiamoIacError | None = None) -> Report:
    return Report(
        tuple(
            StepResult(step, status, error if status is Status.FAILED else None)
            for step, status in zip(steps, statuses, strict=False)
        )
    )


def test_each_outcome_of_a_run_has_its_error(site: Site) -> None:
    steps = plan_environment(site.workspace, "staging").plan.steps
    done, failed, skipped = Status.DONE, Status.FAILED, Status.SKIPPED
    refused = RefusedError("no", status=400)
    check_report(report_of(steps, done, done), interrupted=False)
    lost = LedgerError("The ledger is full.", hint="free space")
    with pytest.raises(
        PartialError, match=r"Every step is done, but the ledger could not be written\. The ledger is full"
    ):
        check_report(report_of(steps, done), interrupted=False, ledger=lost)
    with pytest.raises(LedgerError):
        check_report(report_of(steps, skipped), interrupted=False, ledger=lost)
    with pytest.raises(PartialError, match="The ledger could not be written, so the run was stopped") as caught:
        check_report(report_of(steps, done, skipped), interrupted=False, ledger=lost)
    assert (caught.value.hint, caught.value.__cause__) == ("free space", lost)
    with pytest.raises(Interrupted, match="1 done, 1 failed, 1 not tried"):
        check_report(report_of(steps, done, failed, skipped, error=refused), interrupted=True)
    with pytest.raises(Interrupted, match=r"1 not tried\. The ledger is full") as caught_too:
        check_report(report_of(steps, done, skipped), interrupted=True, ledger=lost)
    assert caught_too.value.hint == "free space"
    with pytest.raises(Interrupted, match="2 done, 0 failed, 0 not tried"):
        check_report(report_of(steps, done, done), interrupted=True)
    with pytest.raises(StaleError):
        check_report(report_of(steps, done, failed, error=StaleError("changed")), interrupted=False)
    with pytest.raises(KiamoIacError, match="Nothing was written: 1 failed, 1 not tried") as nothing:
        check_report(report_of(steps, failed, skipped, error=refused), interrupted=False)
    assert nothing.value.exit_code == 1
    with pytest.raises(PartialError):
        check_report(report_of(steps, failed, skipped, error=refused), interrupted=False, has_sent=True)
    with pytest.raises(PartialError, match="applied in part: 1 failed, 1 not tried"):
        check_report(report_of(steps, done, failed, skipped, error=refused), interrupted=False)


def test_o13_a_run_that_did_nothing_was_not_applied_in_part(site: Site) -> None:
    steps = plan_environment(site.workspace, "staging").plan.steps
    report = report_of(steps, Status.FAILED, Status.SKIPPED, error=RefusedError("no", status=400))
    with pytest.raises(PartialError, match="was not applied, and a write was sent: 1 failed, 1 not tried"):
        check_report(report, interrupted=False, has_sent=True)
