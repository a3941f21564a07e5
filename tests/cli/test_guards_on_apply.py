"""Guards as a person meets them: exit 6, every reason with its numbers and its way out, and nothing written."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from tests.cli.conftest import Desk, starting

PROJECT = """\
manifests: [manifests]
environments:
  staging:
    url: "http://127.0.0.1:8090"
    guards: {%s}
"""
TWELVE = "bases:\n" + "".join(f"  - {{name: b{n:02}, label: B}}\n" for n in range(12))


def refused(desk: Desk, *arguments: str) -> str:
    """What a refusal says; it wrote nothing, neither to the instance nor to the ledger."""
    written = len(desk.writes())
    ledger = desk.ledger.read_bytes() if desk.ledger.exists() else None
    code, out, err = desk.run("apply", "-e", "staging", "--yes", *arguments)
    assert (code, out) == (6, ""), out + err
    assert "Nothing was written." in err
    assert len(desk.writes()) == written
    assert (desk.ledger.read_bytes() if desk.ledger.exists() else None) == ledger
    return err


def first(n: int, extra: str = "") -> str:
    """The first of the twelve."""
    return "".join(TWELVE.splitlines(keepends=True)[: n + 1]) + extra


def test_pruning_too_large_a_part_is_refused_without_anybody_asking_for_a_limit(desk: Desk) -> None:
    desk.manifest(TWELVE)
    desk.apply()
    desk.manifest(first(8))
    err = refused(desk, "--prune")
    assert "KIA0703" in err
    assert "4 resources, with 12 managed (33 %)" in err
    assert "max_delete_percent is 30" in err
    desk.manifest(first(9))
    desk.apply("--prune")


def test_an_order_is_not_counted_as_a_part(desk: Desk) -> None:
    desk.manifest(TWELVE)
    desk.apply()
    absent = "".join(f"  - {{name: b{n:02}, ensure: absent}}\n" for n in range(8, 12))
    desk.manifest(first(8, absent))
    desk.apply()
    assert len(desk.owned()) == 8


def test_max_deletes_counts_orders_too(desk: Desk) -> None:
    desk.project(PROJECT % "max_deletes: 1")
    desk.manifest(TWELVE)
    desk.apply()
    desk.manifest(first(10, "  - {name: b10, ensure: absent}\n  - {name: b11, ensure: absent}\n"))
    err = refused(desk)
    assert "KIA0702" in err
    assert "the plan deletes 2 resources, and max_deletes is 1" in err
    assert "kiamo.yaml:5:" in err


def test_max_update_percent(desk: Desk) -> None:
    desk.project(PROJECT % "max_update_percent: 10")
    desk.manifest(TWELVE)
    desk.apply()
    desk.manifest(TWELVE.replace("b00, label: B", "b00, label: C").replace("b01, label: B", "b01, label: C"))
    assert "KIA0704" in refused(desk)


def test_an_empty_project_prunes_nothing(desk: Desk) -> None:
    desk.manifest("bases:\n  - {name: b00, label: B}\n")
    desk.apply()
    desk.manifest("bases: []\n")
    err = refused(desk, "--prune")
    assert "KIA0705" in err


def test_o17_manifests_of_nothing_but_a_reference_are_empty(desk: Desk) -> None:
    desk.project(PROJECT % "max_delete_percent: 100")
    desk.manifest("bases:\n  - {name: b00, label: B}\n")
    desk.apply()
    desk.manifest("services: [{name: Ventes}]\n")
    err = refused(desk, "--prune")
    assert "KIA0705" in err
    assert "the manifests declare nothing that is managed, and the plan prunes 1 resource" in err
    desk.manifest("services: [{name: Ventes, managed: true}]\n")
    desk.apply("--prune")


def world(first: int, *, batches: int, fields: int, count: int = 12) -> str:
    """Bases from number `first` on, each with batches and fields."""
    blocks = [
        {
            "name": f"b{n:02}",
            "label": "B",
            "fields": [{"name": f"f{m}", "label": "F", "datatype": "string"} for m in range(fields)],
            "batches": [
                {"name": f"l{m}", "service": "Ventes", "association": {"destination": "phone"}} for m in range(batches)
            ],
        }
        for n in range(first, count)
    ]
    return json.dumps({"services": [{"name": "Ventes"}], "bases": blocks})


def test_o15_eleven_of_twelve_bases_with_all_that_is_below_them_are_refused(desk: Desk) -> None:
    desk.manifest(world(0, batches=2, fields=5))
    desk.apply()
    desk.manifest(world(11, batches=2, fields=5))
    code, out, _ = desk.run("plan", "-e", "staging", "--prune")
    assert code == 0
    assert "11 to delete (77 resources go with them);" in out
    assert "apply will be blocked: the plan deletes 88 resources, with 96 managed (91 %)" in out
    err = refused(desk, "--prune")
    assert "KIA0703" in err
    assert "the plan deletes 88 resources, with 96 managed (91 %), and max_delete_percent is 30" in err
    desk.manifest(world(3, batches=2, fields=5))
    desk.apply("--prune")
    assert len(desk.owned()) == 9 * 8


@pytest.mark.parametrize("absent", [False, True])
def test_o15_a_base_counts_with_its_batches_and_fields_for_max_deletes(desk: Desk, absent: bool) -> None:
    desk.project(PROJECT % "max_deletes: 1, max_delete_percent: 100")
    desk.manifest(world(0, batches=4, fields=6, count=2))
    desk.apply()
    rest = json.loads(world(1, batches=4, fields=6, count=2))
    rest["bases"] += [{"name": "b00", "ensure": "absent"}] if absent else []
    desk.manifest(json.dumps(rest))
    err = refused(desk, *([] if absent else ["--prune"]))
    assert "the plan deletes 11 resources, and max_deletes is 1" in err
    assert "Affected: bases/b00 (and 10 below it)." in err
    desk.project(PROJECT % "max_deletes: 11, max_delete_percent: 100")
    desk.apply("--prune")


def test_o15_below_ten_managed_resources_half_of_them_may_go(desk: Desk) -> None:
    desk.manifest(first(5))
    desk.apply()
    desk.manifest(first(2))
    err = refused(desk, "--prune")
    assert (
        "the plan deletes 3 resources, with 5 managed (60 %), and max_delete_percent is 50 (the default below 10)"
        in err
    )
    desk.project(PROJECT % "max_delete_percent: 60")
    desk.apply("--prune")


def test_a_change_window_is_looked_at_before_asking_and_before_writing(desk: Desk) -> None:
    desk.project(PROJECT % 'change_window: "Mon-Fri 19:00-20:00 Europe/Paris"')
    arguments = ("apply", "-e", "staging", "--yes")
    noon = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
    code, _, err = desk.run(*arguments, now=lambda: noon)
    assert code == 6
    assert "KIA0706" in err
    assert "Wed 2026-03-04 19:00 Europe/Paris" in err
    assert desk.run("plan", "-e", "staging", now=lambda: noon)[0] == 0
    clock = iter([datetime(2026, 3, 4, 18, 59, tzinfo=UTC), datetime(2026, 3, 4, 19, 0, tzinfo=UTC)])
    code, _, err = desk.run(*arguments, now=lambda: next(clock))
    assert code == 6
    assert "KIA0706" in err
    assert desk.writes() == []
    assert not desk.ledger.exists()
    assert desk.run(*arguments, now=lambda: datetime(2026, 3, 4, 18, 30, tzinfo=UTC))[0] == 0


@pytest.mark.parametrize(("contacts", "named"), [(0, ""), (12, "bases/p/fields/fax"), (12, "bases/p")])
def test_contacts_are_lost_by_their_address_or_by_that_of_their_base(desk: Desk, contacts: int, named: str) -> None:
    field = {"name": "fax", "label": "Fax", "datatype": "phone"}
    desk.emulator.seed({"bases": [{"name": "p", "label": "P", "contacts": contacts, "fields": [field]}]})
    desk.manifest("bases:\n  - {name: p, label: P, fields: [{name: fax, ensure: absent}]}\n")
    if contacts:
        err = refused(desk, "--allow-data-loss", "bases/p/fields/fa")
        assert "KIA0707" in err
        assert "pass --allow-data-loss bases/p/fields/fax" in err
        desk.apply("--allow-data-loss", named)
    else:
        desk.apply()
    assert desk.run("plan", "-e", "staging", "--detailed-exitcode")[0] == 0


def test_all_reasons_are_told_at_once(desk: Desk) -> None:
    desk.project(PROJECT % 'change_window: "Mon 00:00-00:01 UTC"')
    desk.manifest(starting())
    code, _, err = desk.run("apply", "-e", "staging", "--yes", now=lambda: datetime(2026, 3, 4, 12, 0, tzinfo=UTC))
    assert code == 6
    assert "KIA0701" in err
    assert "KIA0706" in err
    assert "Plan blocked by 2 guards of staging. Nothing was written." in err


def test_there_is_no_way_around_all_of_them(desk: Desk) -> None:
    assert desk.run("apply", "-e", "staging", "--force")[0] == 64
