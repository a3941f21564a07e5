"""Text on a terminal: no word is broken in its middle, at any width, and progress stays in its columns."""

from __future__ import annotations

import io
import re
import time

import pytest

from kiamo_iac.core.address import Address
from kiamo_iac.planner.plan import Action, Plan
from kiamo_iac.render.base import Style
from kiamo_iac.render.progress import LiveTable
from kiamo_iac.render.text import TextPlan
from kiamo_iac.render.wrapping import cells, shortened, wrapped
from tests.render.plans import deleting_a_base, full_plan, hostile_plan, step

WIDTHS = (20, 60, 80, 100, 200)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("plan", [full_plan(), hostile_plan(), deleting_a_base()], ids=["full", "hostile", "base"])
def test_d14_no_word_of_a_plan_is_broken(plan: Plan, width: int) -> None:
    for color in (False, True):
        text = TextPlan(Style(color=color)).render(plan)
        shown = wrapped(text, width)
        assert re.split(r"[ \n/]+", shown) == re.split(r"[ \n/]+", text)
        for line in shown.split("\n"):
            assert cells(line) <= width or not re.search(r"[ /]", line.strip(" /"))


def test_d14_the_lines_of_a_long_one_are_indented_and_its_last_blank_stays() -> None:
    text = "  - delete bases/p: its id and its history are lost"
    assert wrapped(text, 40) == "  - delete bases/p: its id and its\n      history are lost"
    assert wrapped('Type "yes" to apply this to production: ', 25) == 'Type "yes" to apply this\n    to production: '
    assert wrapped("  bases/late-payers/batches/spring", 22) == "  bases/late-payers/\n      batches/spring"
    assert wrapped("日本語 日本語 日本語", 14) == "日本語 日本語\n    日本語"


def test_d14_a_name_is_shortened_at_its_slashes_or_left_out() -> None:
    address = "bases/late-payers/batches/spring"
    assert shortened("update", address, width=39) == "update bases/late-payers/batches/spring"
    assert shortened("update", address, width=38) == "update …/late-payers/batches/spring"
    assert shortened("update", address, width=20) == "update …/spring"
    assert shortened("update", address, width=14) == ""


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_d14_progress_has_bar_count_time_and_step_in_fixed_columns(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setattr(time, "monotonic", lambda: 7.0)
    addresses = [Address(f"bases/late-payers-{n:03}/batches/relance-{n:03}") for n in range(1, 385)]
    steps = [step(n, Action.UPDATE, address, reason="so") for n, address in enumerate(addresses, 1)]
    plan, stream = Plan("staging", "u", tuple(steps)), io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    table = LiveTable(plan, style=Style(), stream=stream)
    lines = []
    for count in (0, 1, 2, 5):
        for each in steps[:count]:
            table.started(each)
        with table._console.capture() as captured:
            table._console.print(table._line())
        lines.append(captured.get().rstrip("\n"))
    assert {cells(line) for line in lines} == {width}
    assert {line.index("0/384") for line in lines} == {lines[0].index("0/384")}
    assert {line.index("0:00") for line in lines} == {lines[0].index("0:00")}
    assert lines[0].index("0/384") >= width // 6  # behind the bar
    current = [line.partition("0:00")[2].strip() for line in lines]
    assert current[0] == ""
    assert all(re.fullmatch(r"update \S*/relance-001( \(\+\d\))?", each) for each in current[1:])
