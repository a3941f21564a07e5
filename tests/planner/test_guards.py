"""Each guard: from which number on it refuses, what it says, and which option or setting it names."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from kiamo_iac.core.address import Address
from kiamo_iac.core.change_window import ChangeWindow
from kiamo_iac.core.codes import CODES
from kiamo_iac.core.diagnostics import Diagnostic, Severity, SourceRange
from kiamo_iac.core.place import Place, pack
from kiamo_iac.core.settings import GuardSettings
from kiamo_iac.core.state import Owned, Ownership
from kiamo_iac.planner.guards import NO_CONSENTS, Consents, check_guards, preview_guards
from kiamo_iac.planner.plan import Action, Cause, Plan, Risk, Standing, Step

MONDAY_NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
PLACE = Place("kiamo.yaml", pack(5, 5), {"max_deletes": pack(6, 7), "max_delete_percent": pack(7, 7)})


def step(action: Action, address: str, **more: Any) -> Step:
    values: dict[str, Any] = {
        "id": 1,
        "kind": "base",
        "depends_on": (),
        "risk": Risk.REVERSIBLE,
        "before": {},
        "after": {},
        "changes": (),
        "reason": "so it is",
        "source": SourceRange("m.yaml", 1, 3),
    }
    return Step(action=action, address=Address(address), **{**values, **more})


def steps(action: Action, count: int, **more: Any) -> list[Step]:
    return [step(action, f"bases/b{n}", **more) for n in range(count)]


def owning(count: int) -> Ownership:
    return {address: Owned(address, n) for n in range(count) if (address := Address(f"bases/b{n}"))}


def check(
    made: list[Step],
    settings: GuardSettings | None = None,
    *,
    owned: Ownership | None = None,
    declared: int = 1,
    now: datetime = MONDAY_NOON,
    consents: Consents = NO_CONSENTS,
) -> tuple[Diagnostic, ...]:
    return check_guards(
        Plan("staging", "http://127.0.0.1:1", tuple(made)),
        settings or GuardSettings(),
        owned=owned,
        declared=declared,
        now=now,
        consents=consents,
    )


def only(found: tuple[Diagnostic, ...], code: str) -> Diagnostic:
    assert [d.code for d in found] == [code]
    assert code in CODES
    return found[0]


def test_by_default_little_is_refused() -> None:
    assert check([]) == ()
    assert check(steps(Action.CREATE, 50)) == ()
    assert check(steps(Action.UPDATE, 50), owned=owning(50)) == ()
    assert check(steps(Action.DELETE, 50), owned=owning(50)) == ()  # each of them is ordered


# --- deletions -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cause", Cause)
def test_every_deletion_counts_for_max_deletes(cause: Cause) -> None:
    settings = GuardSettings(max_deletes=2, max_delete_percent=100, place=PLACE)
    assert check(steps(Action.DELETE, 2, cause=cause), settings) == ()
    found = only(check(steps(Action.DELETE, 3, cause=cause), settings), "KIA0702")
    assert found.summary == "the plan deletes 3 resources, and max_deletes is 2"
    assert found.detail == "Affected: bases/b0, bases/b1, bases/b2."
    assert found.hint == ("apply it in smaller parts, or set max_deletes: 3 in guards of staging in the project file")
    assert str(found.source) == "kiamo.yaml:6:7"
    assert found.related[0] == ("delete bases/b0", SourceRange("m.yaml", 1, 3))


def test_no_deletion_at_all() -> None:
    settings = GuardSettings(max_deletes=0)
    found = only(check(steps(Action.DELETE, 1, source=None), settings), "KIA0702")
    assert "deletes 1 resource, and max_deletes is 0" in found.summary
    assert (found.source, found.related) == (None, ())


@pytest.mark.parametrize("cause", [Cause.PRUNE, Cause.EXCLUSIVE])
def test_undeclared_deletions_are_a_share_of_the_managed_resources(cause: Cause) -> None:
    found = only(check(steps(Action.DELETE, 12, cause=cause), owned=owning(31)), "KIA0703")
    assert found.summary == ("the plan deletes 12 resources, with 31 managed (38 %), and max_delete_percent is 30")
    assert found.detail is not None
    assert found.detail.endswith("bases/b10, bases/b11.")
    assert found.hint == (
        "declare them with ensure: absent, or apply it in smaller parts, or set max_delete_percent: 39 in guards of "
        "staging in the project file"
    )
    assert found.source is None
    assert check(steps(Action.DELETE, 12, cause=cause), GuardSettings(max_delete_percent=39), owned=owning(31)) == ()


def test_orders_are_not_among_them() -> None:
    made = [*steps(Action.DELETE, 3, cause=Cause.PRUNE), *steps(Action.DELETE, 7)]
    assert check(made, owned=owning(10)) == ()
    found = only(check([*made, step(Action.DELETE, "bases/z", cause=Cause.EXCLUSIVE)], owned=owning(10)), "KIA0703")
    assert "4 resources, with 10 managed (40 %)" in found.summary


@pytest.mark.parametrize(("owned", "refused"), [(9, False), (10, True)])
def test_updates_are_a_share_from_ten_managed_resources_on(owned: int, refused: bool) -> None:
    codes = [d.code for d in check(steps(Action.UPDATE, 6), GuardSettings(max_update_percent=50), owned=owning(owned))]
    assert codes == (["KIA0704"] if refused else [])


@pytest.mark.parametrize(
    ("owned", "deleted", "percent", "refused"),
    [
        (9, 4, None, False),
        (9, 5, None, True),
        (2, 1, None, False),
        (1, 1, None, True),
        (10, 4, None, True),
        (9, 4, 30, True),
        (9, 2, 30, False),
        (3, 2, 70, False),
        (1, 1, 100, False),
        (5, 1, 0, True),
    ],
)
def test_o15_below_ten_managed_resources_half_may_go_unless_it_is_set(
    owned: int, deleted: int, percent: int | None, refused: bool
) -> None:
    made = steps(Action.DELETE, deleted, cause=Cause.PRUNE)
    found = check(made, GuardSettings(max_delete_percent=percent), owned=owning(owned))
    assert [d.code for d in found] == (["KIA0703"] if refused else [])
    if refused and percent is None and owned < 10:
        assert found[0].summary.endswith("and max_delete_percent is 50 (the default below 10)")


def base(number: int, *, batches: int, fields: int, cause: Cause) -> Step:
    """A base that is deleted with all that is below it."""
    address = Address(f"bases/b{number}")
    below = [address.child("batches", f"l{n}") for n in range(batches)]
    below += [address.child("fields", f"f{n}") for n in range(fields)]
    return step(Action.DELETE, address, cause=cause, also_deletes=tuple(below))


def test_o15_what_is_below_a_deleted_base_counts_for_max_deletes() -> None:
    one = base(1, batches=4, fields=6, cause=Cause.DECLARED)
    found = only(check([one], GuardSettings(max_deletes=1)), "KIA0702")
    assert found.summary == "the plan deletes 11 resources, and max_deletes is 1"
    assert found.detail == "Affected: bases/b1 (and 10 below it)."
    assert "max_deletes: 11" in (found.hint or "")
    below = step(Action.DELETE, "bases/b1/batches/l0", kind="batch")
    assert check([below, one], GuardSettings(max_deletes=11)) == ()  # counted once


def test_o15_what_is_below_a_pruned_base_is_a_part_of_the_managed_resources() -> None:
    owned = owning(12 * 9)  # twelve bases with two batches and six fields
    three, four = ([base(n, batches=2, fields=6, cause=Cause.PRUNE) for n in range(m)] for m in (3, 4))
    eleven = [base(n, batches=2, fields=6, cause=Cause.PRUNE) for n in range(11)]
    assert check(three, owned=owned) == ()
    assert "36 resources, with 108 managed (33 %)" in only(check(four, owned=owned), "KIA0703").summary
    assert "99 resources, with 108 managed (91 %)" in only(check(eleven, owned=owned), "KIA0703").summary
    ordered = [base(n, batches=2, fields=6, cause=Cause.DECLARED) for n in range(11)]
    assert check(ordered, owned=owned) == ()


@pytest.mark.parametrize(("deleted", "refused"), [(3, False), (4, True)])
def test_the_limit_itself_is_allowed(deleted: int, refused: bool) -> None:
    made = steps(Action.DELETE, deleted, cause=Cause.PRUNE)
    assert bool(check(made, owned=owning(10))) is refused


def test_what_rounding_would_hide() -> None:
    settings = GuardSettings(max_delete_percent=30, place=PLACE)
    found = only(check(steps(Action.DELETE, 4, cause=Cause.PRUNE), settings, owned=owning(13)), "KIA0703")
    assert "4 resources, with 13 managed (more than 30 %)" in found.summary
    assert "max_delete_percent: 31" in (found.hint or "")
    assert str(found.source) == "kiamo.yaml:7:7"


def test_without_a_ledger_there_is_nothing_to_count_against() -> None:
    made = [*steps(Action.DELETE, 50, cause=Cause.EXCLUSIVE), *steps(Action.UPDATE, 50)]
    assert check(made, GuardSettings(max_update_percent=1)) == ()


def test_a_hundred_percent_is_no_limit() -> None:
    made = [*steps(Action.DELETE, 11, cause=Cause.EXCLUSIVE), *steps(Action.UPDATE, 11)]
    settings = GuardSettings(max_delete_percent=100, max_update_percent=100)
    assert check(made, settings, owned=owning(10)) == ()


def test_manifests_that_declare_nothing_prune_nothing() -> None:
    made = steps(Action.DELETE, 1, cause=Cause.PRUNE, source=None)
    assert check(made, declared=1) == ()
    found = only(check(made, declared=0), "KIA0705")
    assert found.summary == "the manifests declare nothing that is managed, and the plan prunes 1 resource"
    assert "bases/b0" in (found.detail or "")
    assert "ensure: absent" in (found.hint or "")
    assert check(steps(Action.DELETE, 1), declared=0) == ()


# --- changes -------------------------------------------------------------------------------------------------------


def test_a_resource_that_is_renamed_and_updated_counts_once() -> None:
    settings = GuardSettings(max_update_percent=30)
    made = [*steps(Action.UPDATE, 3), *steps(Action.RENAME, 3)]
    assert check(made, settings, owned=owning(10)) == ()
    found = only(check([*made, step(Action.RENAME, "bases/z")], settings, owned=owning(10)), "KIA0704")
    assert found.summary == "the plan changes 4 resources, with 10 managed (40 %), and max_update_percent is 30"
    assert found.detail == "Affected: bases/b0, bases/b1, bases/b2, bases/z."
    assert "max_update_percent: 40 in guards of staging" in (found.hint or "")


# --- starts and data loss ------------------------------------------------------------------------------------------


def test_each_start_is_refused_by_itself() -> None:
    made = [step(Action.START, f"bases/p/batches/b{n}", kind="batch") for n in range(2)]
    found = check(made)
    assert [(d.code, d.address, str(d.source)) for d in found] == [
        ("KIA0701", "bases/p/batches/b0", "m.yaml:1:3"),
        ("KIA0701", "bases/p/batches/b1", "m.yaml:1:3"),
    ]
    assert "--allow-start" in (found[0].hint or "")
    assert "allow_start: true in guards of staging" in (found[0].hint or "")
    assert check(made, consents=Consents(every_start=True)) == ()
    assert check(made, GuardSettings(allow_start=True)) == ()


def test_o16_one_batch_is_allowed_to_start_by_its_address_or_by_that_of_its_base() -> None:
    made = [step(Action.START, f"bases/{base}/batches/b", kind="batch") for base in ("p", "p2")]
    for named in ("bases/p/batches/b", "bases/p"):
        one = only(check(made, consents=Consents(starts=(Address(named),))), "KIA0701")
        assert one.address == "bases/p2/batches/b"
    assert "--allow-start-of ADDRESS for one batch" in (one.hint or "")


def test_a_start_that_is_owed_needs_an_option_of_this_run() -> None:
    owed = step(Action.START, "bases/p/batches/b", kind="batch", cause=Cause.OWED)
    other = step(Action.START, "bases/p/batches/c", kind="batch")
    found = only(check([owed, other], GuardSettings(allow_start=True)), "KIA0701")
    assert found.address == owed.address
    assert found.detail == "An earlier run owes this start: allow_start does not cover it."
    assert found.hint == "pass --allow-start to dial them now, or --allow-start-of ADDRESS for one batch"
    for consents in (Consents(every_start=True), Consents(starts=(owed.address,))):
        assert check([owed, other], GuardSettings(allow_start=True), consents=consents) == ()
    assert [d.address for d in check([owed, other])] == [owed.address, other.address]


def command(action: Action, before: str, standing: Standing, *, name: str = "b", **more: Any) -> Step:
    return step(action, f"bases/p/batches/{name}", kind="batch", before={"state": before}, standing=standing, **more)


@pytest.mark.parametrize(
    ("before", "standing", "what"),
    [
        ("started", Standing.MANAGED, "this batch is running"),
        ("started", Standing.DECLARED, "this batch is running"),
        ("started", Standing.UNMANAGED, "this batch is running"),
        ("paused", Standing.DECLARED, "this batch is not managed"),
        ("new", Standing.UNMANAGED, "this batch is not managed"),
    ],
)
@pytest.mark.parametrize("cause", Cause)
def test_o16_a_batch_that_runs_or_is_not_managed_is_stopped_by_its_address(
    before: str, standing: Standing, what: str, cause: Cause
) -> None:
    made = [command(Action.STOP, before, standing, cause=cause)]
    found = only(check(made), "KIA0708")
    assert found.summary == f"{what}, and a stopped batch never runs again; pass --allow-stop ADDRESS"
    assert found.detail == "Reason of the step: so it is."
    assert (found.hint or "").startswith("to stop it for good, pass --allow-stop bases/p/batches/b")
    for named in ("bases/p/batches/b", "bases/p"):
        assert check(made, consents=Consents(stops=(Address(named),))) == ()
    assert check(made, consents=Consents(every_start=True, stops=(Address("bases/p/batches/b2"),))) == (found,)
    by_setting = check(made, GuardSettings(allow_stop=True))
    if standing is Standing.UNMANAGED:
        assert [d.hint for d in by_setting] == ["to stop it for good, pass --allow-stop bases/p/batches/b"]
    else:
        assert by_setting == ()
        assert "or set allow_stop: true in guards of staging" in (found.hint or "")


@pytest.mark.parametrize("before", ["new", "paused"])
def test_a_managed_batch_that_does_not_run_is_stopped_without_consent(before: str) -> None:
    assert check([command(Action.STOP, before, Standing.MANAGED)]) == ()
    assert check([command(Action.PAUSE, "started", Standing.UNMANAGED)]) == ()


def test_a_batch_that_this_plan_pauses_before_it_stops_it_was_running() -> None:
    made = [command(Action.PAUSE, "started", Standing.MANAGED), command(Action.STOP, "paused", Standing.MANAGED)]
    assert only(check(made), "KIA0708").address == "bases/p/batches/b"
    made = [
        command(Action.START, "new", Standing.MANAGED, name="c"),
        command(Action.STOP, "started", Standing.MANAGED, name="c"),
    ]
    assert check(made, consents=Consents(every_start=True)) == ()


def test_data_loss_is_allowed_by_address() -> None:
    made = [
        step(Action.DELETE, "bases/old prospects", risk=Risk.DATA_LOSS, reason="declared with ensure: absent"),
        step(Action.DELETE, "bases/p/fields/city", kind="field", risk=Risk.DATA_LOSS),
        step(Action.DELETE, "bases/empty", risk=Risk.IRREVERSIBLE),
    ]
    found = check(made)
    assert [(d.code, d.address) for d in found] == [("KIA0707", s.address) for s in made[:2]]
    assert "--allow-data-loss 'bases/old prospects'" in (found[0].hint or "")
    assert found[0].detail == "Reason of the step: declared with ensure: absent."
    assert "--allow-data-loss bases/p/fields/city" in (found[1].hint or "")
    one = only(check(made, consents=Consents(data_loss=(made[0].address,))), "KIA0707")
    assert one.address == "bases/p/fields/city"
    below = only(check(made, consents=Consents(data_loss=(Address("bases/p"),))), "KIA0707")
    assert below.address == "bases/old prospects"
    assert len(check(made, consents=Consents(data_loss=(Address("bases/ol"), Address("bases/p/fields/c"))))) == 2
    assert check(made, consents=Consents(data_loss=(made[0].address, made[1].address))) == ()


# --- the change window ---------------------------------------------------------------------------------------------


def test_outside_of_the_change_window_nothing_is_written() -> None:
    settings = GuardSettings(change_window=ChangeWindow.parse("Mon-Fri 19:00-08:00 Europe/Paris"))
    made = steps(Action.CREATE, 1)
    found = only(check(made, settings), "KIA0706")
    assert found.summary == (
        "staging: changes are allowed only Mon-Fri 19:00-08:00 Europe/Paris, "
        "and it is Mon 2026-01-05 13:00 Europe/Paris"
    )
    assert found.hint is not None
    assert found.hint.startswith("wait until Mon 2026-01-05 19:00 Europe/Paris, or correct change_window")
    assert check(made, settings, now=MONDAY_NOON.replace(hour=18)) == ()
    assert check([], settings) == ()
    with pytest.raises(ValueError, match="time zone"):
        check(made, settings, now=MONDAY_NOON.replace(tzinfo=None))


def test_a_window_whose_hour_is_skipped_on_its_next_day() -> None:
    window = ChangeWindow.parse("Sun 02:00-03:00 Europe/Paris")
    found = only(
        check(
            steps(Action.CREATE, 1),
            GuardSettings(change_window=window),
            now=datetime(2026, 3, 28, 12, 0, tzinfo=UTC),
        ),
        "KIA0706",
    )
    assert "Sun 2026-04-05 02:00 Europe/Paris" in (found.hint or "")


def test_all_guards_are_reported_at_once() -> None:
    settings = GuardSettings(
        max_deletes=0, max_update_percent=0, change_window=ChangeWindow.parse("Sun 00:00-24:00 UTC")
    )
    made = [
        *steps(Action.DELETE, 4, cause=Cause.PRUNE, risk=Risk.DATA_LOSS),
        step(Action.UPDATE, "bases/b9"),
        step(Action.START, "bases/b9/batches/s"),
    ]
    codes = [d.code for d in check(made, settings, owned=owning(10), declared=0)]
    assert codes == ["KIA0706", "KIA0705", "KIA0702", "KIA0703", "KIA0704", "KIA0701", *["KIA0707"] * 4]


def test_what_an_apply_would_refuse_is_foreseen_as_notes_but_for_the_hour() -> None:
    window = ChangeWindow.parse("Mon-Fri 19:00-20:00 UTC")
    settings = GuardSettings(max_deletes=1, change_window=window)
    plan = Plan("staging", "http://127.0.0.1:1", (*steps(Action.DELETE, 2), step(Action.START, "bases/a/batches/x")))
    found = preview_guards(plan, settings, owned=None, declared=1)
    assert [(d.code, d.severity) for d in found] == [("KIA0702", Severity.NOTE), ("KIA0701", Severity.NOTE)]
    assert found[0].summary == "apply will be blocked: the plan deletes 2 resources, and max_deletes is 1"
    allowed = GuardSettings(max_deletes=2, allow_start=True)
    assert preview_guards(plan, allowed, owned=None, declared=1) == ()
    assert preview_guards(Plan("staging", "http://127.0.0.1:1", ()), settings, owned=None, declared=0) == ()
