"""Each guard: from which number on it refuses, what it says, and which option or setting it names."""

from __future__ import annotations

from collections.abc import Collection
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
from kiamo_iac.planner.guards import check_guards, preview_guards
from kiamo_iac.planner.plan import Action, Cause, Plan, Risk, Step

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
    desired_count: int = 1,
    now: datetime = MONDAY_NOON,
    allow_start: bool = False,
    allow_data_loss: Collection[Address] = (),
) -> tuple[Diagnostic, ...]:
    return check_guards(
        Plan("staging", "http://127.0.0.1:1", tuple(made)),
        settings or GuardSettings(),
        owned=owned,
        desired_count=desired_count,
        now=now,
        allow_start=allow_start,
        allow_data_loss=allow_data_loss,
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
    assert found.summary == ("the plan deletes 12 of 31 managed resources (38 %), and max_delete_percent is 30")
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
    found = only(check([*made, *steps(Action.DELETE, 1, cause=Cause.EXCLUSIVE)], owned=owning(10)), "KIA0703")
    assert "4 of 10 managed resources (40 %)" in found.summary


@pytest.mark.parametrize(("owned", "refused"), [(9, False), (10, True)])
def test_percentages_count_from_ten_on(owned: int, refused: bool) -> None:
    settings = GuardSettings(max_update_percent=50)
    made = [*steps(Action.DELETE, 6, cause=Cause.PRUNE), *steps(Action.UPDATE, 6)]
    codes = [d.code for d in check(made, settings, owned=owning(owned))]
    assert codes == (["KIA0703", "KIA0704"] if refused else [])


@pytest.mark.parametrize(("deleted", "refused"), [(3, False), (4, True)])
def test_the_limit_itself_is_allowed(deleted: int, refused: bool) -> None:
    made = steps(Action.DELETE, deleted, cause=Cause.PRUNE)
    assert bool(check(made, owned=owning(10))) is refused


def test_what_rounding_would_hide() -> None:
    settings = GuardSettings(max_delete_percent=30, place=PLACE)
    found = only(check(steps(Action.DELETE, 4, cause=Cause.PRUNE), settings, owned=owning(13)), "KIA0703")
    assert "4 of 13 managed resources (more than 30 %)" in found.summary
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
    assert check(made, desired_count=1) == ()
    found = only(check(made, desired_count=0), "KIA0705")
    assert found.summary == "the manifests declare nothing, and the plan prunes 1 resource"
    assert "bases/b0" in (found.detail or "")
    assert "ensure: absent" in (found.hint or "")
    assert check(steps(Action.DELETE, 1), desired_count=0) == ()


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
    assert check(made, allow_start=True) == ()
    assert check(made, GuardSettings(allow_start=True)) == ()


def test_stops_and_pauses_dial_no_contacts() -> None:
    assert check([step(Action.STOP, "bases/p/batches/b"), step(Action.PAUSE, "bases/p/batches/c")]) == ()


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
    one = only(check(made, allow_data_loss=[made[0].address]), "KIA0707")
    assert one.address == "bases/p/fields/city"
    assert len(check(made, allow_data_loss=[Address("bases/p")])) == 2
    assert check(made, allow_data_loss={made[0].address, made[1].address}) == ()


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
    codes = [d.code for d in check(made, settings, owned=owning(10), desired_count=0)]
    assert codes == ["KIA0706", "KIA0705", "KIA0702", "KIA0703", "KIA0704", "KIA0701", *["KIA0707"] * 4]


def test_what_an_apply_would_refuse_is_foreseen_as_notes_but_for_the_hour() -> None:
    window = ChangeWindow.parse("Mon-Fri 19:00-20:00 UTC")
    settings = GuardSettings(max_deletes=1, change_window=window)
    plan = Plan("staging", "http://127.0.0.1:1", (*steps(Action.DELETE, 2), step(Action.START, "bases/a/batches/x")))
    found = preview_guards(plan, settings, owned=None, desired_count=1)
    assert [(d.code, d.severity) for d in found] == [("KIA0702", Severity.NOTE), ("KIA0701", Severity.NOTE)]
    assert found[0].summary == "apply will be blocked: the plan deletes 2 resources, and max_deletes is 1"
    allowed = GuardSettings(max_deletes=2, allow_start=True)
    assert preview_guards(plan, allowed, owned=None, desired_count=1) == ()
    assert preview_guards(Plan("staging", "http://127.0.0.1:1", ()), settings, owned=None, desired_count=0) == ()
