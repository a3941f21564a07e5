"""Workflow commands, read back as the runner reads them: encoded, worst first, within GitHub's limits."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from kiamo_iac.core.diagnostics import Diagnostic, Severity, SourceRange
from kiamo_iac.planner.plan import Action, Plan, Risk
from kiamo_iac.render.base import CheckReport, Style
from kiamo_iac.render.escape import visible
from kiamo_iac.render.github import GithubCheck, GithubDrift, GithubPlan
from tests.render.hostile import HOSTILE, HUGE, checked_of, drift_of, plan_of
from tests.render.plans import PLANS, command, full_plan, refused_plan, step


@dataclass(frozen=True)
class Command:
    """A workflow command, decoded."""

    name: str
    properties: dict[str, str]
    message: str


def read(line: str) -> Command:
    """One line, as GitHub documents the form and its encoding."""
    assert line.startswith("::")
    head, found, data = line[2:].partition("::")
    assert found
    name, _, rest = head.partition(" ")
    assert name in {"error", "warning", "notice"}
    pairs = [piece.partition("=") for piece in rest.split(",")]
    assert all(equals and text for _, equals, text in pairs)
    properties = {key: _decoded(text.replace("%3A", ":").replace("%2C", ",")) for key, _, text in pairs}
    assert len(properties) == len(pairs)
    assert properties.keys() in ({"title"}, {"file", "line", "col", "title"})
    message = _decoded(data)
    assert len(message) <= 4_096
    return Command(name, properties, message)


def _decoded(text: str) -> str:
    return text.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")


def commands(text: str) -> list[Command]:
    """Every line of an output: nothing but commands, and within the limits of a step."""
    assert "##[" not in text
    found = [read(line) for line in text.splitlines()]
    assert len(found) == text.count("\n")
    for name in ("error", "warning", "notice"):
        assert sum(command.name == name for command in found) <= 10
    order = ["error", "warning", "notice"]
    assert [c.name for c in found] == sorted((c.name for c in found), key=order.index)
    return found


def plan_commands(plan: Plan) -> list[Command]:
    return commands(GithubPlan(Style()).render(plan))


@pytest.mark.parametrize("name", PLANS)
def test_every_plan_is_commands_and_ends_with_a_notice_that_counts(name: str) -> None:
    last = plan_commands(PLANS[name]())[-1]
    assert last.name == "notice"
    assert last.properties == {"title": "kiamo-iac"}


def test_no_counts_are_told_where_there_is_no_plan() -> None:
    refused = replace(refused_plan(), steps=())
    assert plan_commands(refused)[-1].message == "production: Plan refused: 2 errors."


def test_errors_stand_at_their_place() -> None:
    first = plan_commands(refused_plan())[0]
    assert first.name == "error"
    assert first.properties == {"file": "manifests/prospects.yaml", "line": "18", "col": "21", "title": "KIA0503"}
    assert first.message.splitlines() == [
        'batch "spring" cannot be renamed: it is started',
        "of bases/prospects/batches/printemps",
        "ERR_2080: Only new batches can be renamed.",
        "manifests/services.yaml:3:5: its service stands here",
        'hint: keep the name "spring"',
    ]


def test_the_worst_comes_first() -> None:
    assert [c.properties["title"] for c in plan_commands(full_plan())] == [
        "data loss",
        "dials contacts",
        "cannot be undone",
        "cannot be undone",
        "KIA0601",
        "KIA0602",
        "kiamo-iac",
    ]


def test_what_is_beyond_the_limits_is_counted_in_a_last_notice() -> None:
    said = tuple(
        Diagnostic("KIA0503", f"{severity} {n}", severity, source=SourceRange("a.yaml", n, 1))
        for severity, count in ((Severity.ERROR, 15), (Severity.WARNING, 30), (Severity.NOTE, 12))
        for n in range(1, count + 1)
    )
    found = commands(GithubCheck(Style()).render(CheckReport(said)))
    assert [sum(c.name == name for c in found) for name in ("error", "warning", "notice")] == [10, 10, 10]
    assert found[-1].message == "GitHub shows 10 annotations of a level; not shown: 5 errors, 20 warnings, 3 notices."
    assert [c.message for c in found if c.name == "error"] == [f"error {n}" for n in range(1, 11)]


def test_ten_notes_alone_need_no_notice_that_counts() -> None:
    notes = [Diagnostic("KIA0602", f"{n}", Severity.NOTE, source=SourceRange("a.yaml", n, 1)) for n in range(1, 12)]
    ten = commands(GithubCheck(Style()).render(CheckReport(tuple(notes[:10]))))
    assert [c.message for c in ten] == [f"{n}" for n in range(1, 11)]
    eleven = commands(GithubCheck(Style()).render(CheckReport(tuple(notes))))
    assert [c.message for c in eleven[:9]] == [f"{n}" for n in range(1, 10)]
    assert eleven[-1].message.endswith(": 2 notices.")


def test_annotations_that_fit_are_in_the_order_of_their_places() -> None:
    """Identical ones, too: they are drawn together only where a level has more than GitHub shows."""
    every = [Diagnostic("KIA0202", f"key {n % 2}", source=SourceRange("a.yaml", n, 1)) for n in range(1, 12)]
    fits = commands(GithubCheck(Style()).render(CheckReport(tuple(every[:10]))))
    assert [c.properties["line"] for c in fits] == [str(n) for n in range(1, 11)]
    crowded = commands(GithubCheck(Style()).render(CheckReport(tuple(every))))
    assert [c.properties["line"] for c in crowded] == ["1", "2"]


def test_nothing_wrong_is_no_output() -> None:
    assert GithubCheck(Style()).render(CheckReport()) == ""


def test_ten_thousand_starts_are_within_the_limits() -> None:
    steps = [
        command(n, Action.START, f"bases/b/batches/s{n}", before="new", after="started", reason="declared", line=n)
        for n in range(1, 10_001)
    ]
    steps.append(step(10_001, Action.DELETE, "bases/b/fields/f", reason="absent", risk=Risk.DATA_LOSS))
    found = plan_commands(Plan("staging", "u", tuple(steps)))
    assert len(found) == 11
    assert found[0].properties["title"] == "data loss"
    assert found[-1].message.splitlines()[1].endswith(": 9,991 warnings.")


@pytest.mark.parametrize("trick", [*HOSTILE, "huge"])
def test_data_is_never_a_command(trick: str) -> None:
    text = HOSTILE.get(trick, HUGE)
    shown = visible(text)[:500]
    plan = plan_commands(plan_of(text))
    assert [c.name for c in plan] == ["error", "warning", "warning", "warning", "notice", "notice"]
    assert plan[0].properties["title"] == "KIA0202"
    assert plan[0].properties["file"] == f"{visible(text)}.yaml"
    assert plan[0].message.startswith(f'there is no "{shown}')
    drift = commands(GithubDrift(Style()).render(drift_of(text), environment=text))
    assert [c.name for c in drift] == ["warning", "warning", "notice", "notice"]
    assert drift[-1].message.startswith(shown)
    check = commands(GithubCheck(Style()).render(checked_of(text)))
    assert [c.name for c in check] == ["error", "warning", "notice"]
