"""Every format raises the same alarms for one plan and for one drift, and draws what is added to their views."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from html import unescape
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kiamo_iac.core.address import Address
from kiamo_iac.core.diagnostics import Diagnostic, Severity
from kiamo_iac.planner.drift import ChangedBy, Drift, DriftEvent
from kiamo_iac.planner.plan import Action, Plan, Risk
from kiamo_iac.render.base import Style, drift_renderer, plan_renderer
from kiamo_iac.render.environments import EnvironmentPlan, table_markdown, table_text
from kiamo_iac.render.formats import DRIFT_FORMATS, PLAN_FORMATS
from kiamo_iac.render.github import GithubDrift, GithubPlan
from kiamo_iac.render.graph.build import plan_graph
from kiamo_iac.render.html.drift import HtmlDrift
from kiamo_iac.render.html.plan import HtmlPlan
from kiamo_iac.render.markdown import MarkdownDrift, MarkdownPlan
from kiamo_iac.render.text import TextDrift, TextPlan
from kiamo_iac.render.view import Alarm, Entry, ListSection, PlanVerdict, plan_view
from kiamo_iac.render.view_drift import drift_view
from tests.render.drifts import full, thing
from tests.render.plans import full_plan, step

Raised = set[tuple[Alarm, str, str]]
"""Alarm, action and address."""

EXAMPLES: Final = {
    Alarm.DATA_LOSS: (Action.DELETE, Risk.DATA_LOSS),
    Alarm.DIALS: (Action.START, Risk.IRREVERSIBLE),
    Alarm.IRREVERSIBLE: (Action.STOP, Risk.IRREVERSIBLE),
}
"""Alarm → a step that raises it."""


def plan_of(steps: Iterable[tuple[Action, Risk]], *diagnostics: Diagnostic) -> Plan:
    """A plan of so many steps, each at an address of its own."""
    made = tuple(
        step(number, action, f"bases/b/batches/s{number}", reason="it is declared", risk=risk)
        for number, (action, risk) in enumerate(steps, start=1)
    )
    return Plan("staging", "http://127.0.0.1:8090", made, diagnostics)


def raised(plan: Plan) -> Raised:
    """The alarms that the view has, which is what every format is held against."""
    return {
        (alarm, row.step.action.value, str(row.step.address)) for row in plan_view(plan).rows for alarm in row.alarms
    }


# --- what each format says, read back ---------------------------------------------------------------------------------


def in_text(text: str) -> Raised:
    blocks = dict(re.findall(r"^([A-Z][a-z ]+) \(\d+\):\n((?:  .+\n)+)", text, re.MULTILINE))
    lines = ((alarm, line) for alarm in Alarm for line in blocks.get(alarm.heading, "").splitlines())
    return {(alarm, *line.strip().split(" ", 1)[1].partition(":")[0].split(" ")) for alarm, line in lines}


def in_markdown(text: str) -> Raised:
    blocks = dict(re.findall(r"^\*\*([A-Z][a-z ]+)\*\* \(\d+\):\n\n((?:- .+\n)+)", text, re.MULTILINE))
    found = ((alarm, re.findall(r"^- (\w+) `([^`]+)`", blocks.get(alarm.heading, ""), re.MULTILINE)) for alarm in Alarm)
    return {(alarm, action, address) for alarm, lines in found for action, address in lines}


def in_html(text: str) -> Raised:
    """The lists at the top; the pills of the table say the same."""
    lists = dict(re.findall(r'<section class="alarm is-(\w+)".*?>(.*?)</section>', text, re.DOTALL))
    found = (
        (alarm, re.findall(r'<a href="#step-(\d+)">(\w+) (.+?)</a>', lists.get(alarm.value, ""))) for alarm in Alarm
    )
    top = {(alarm, action, unescape(address), number) for alarm, lines in found for number, action, address in lines}
    pills = {
        (alarm, number)
        for number, row in re.findall(
            r'<tr id="step-(\d+)"(.*?)(?=<tr id="step-|<details class="group"|\Z)', text, re.DOTALL
        )
        for alarm in Alarm
        if f'<span class="grave is-{alarm.value}">{alarm.label}</span>' in row
    }
    assert pills == {(alarm, number) for alarm, _, _, number in top}
    return {(alarm, action, address) for alarm, action, address, _ in top}


def in_github(text: str) -> Raised:
    found = re.findall(r"^::warning (?:.*,)?title=([a-z ]+)::(\w+) ([^:%]+)", text, re.MULTILINE)
    labels = {alarm.label: alarm for alarm in Alarm}
    return {(labels[label], action, address) for label, action, address in found}


def in_json(text: str) -> Raised:
    """JSON names facts, from which a reader draws the same alarms."""
    found: Raised = set()
    for made in json.loads(text)["steps"]:
        facts = {
            Alarm.DATA_LOSS: made["risk"] == "data_loss",
            Alarm.DIALS: made["action"] == "start",
            Alarm.IRREVERSIBLE: made["risk"] != "data_loss"
            and made["action"] != "start"
            and (made["risk"] == "irreversible" or made["action"] == "delete"),
        }
        found |= {(alarm, made["action"], made["address"]) for alarm, holds in facts.items() if holds}
    return found


READERS: Final[dict[str, Callable[[str], Raised]]] = {
    "text": in_text,
    "markdown": in_markdown,
    "html": in_html,
    "github": in_github,
    "json": in_json,
}

NUMBERS: Final = {"gitlab"}
"""GitLab's widget has three numbers and no room for an alarm."""


def test_every_format_is_held_against_the_view() -> None:
    assert {*READERS, *NUMBERS} == set(PLAN_FORMATS) >= set(DRIFT_FORMATS)
    assert set(EXAMPLES) == set(Alarm)


@pytest.mark.parametrize("output", READERS)
@pytest.mark.parametrize("alarm", Alarm)
def test_each_alarm_is_raised_by_every_format(alarm: Alarm, output: str) -> None:
    plan = plan_of([(Action.CREATE, Risk.REVERSIBLE), EXAMPLES[alarm]])
    assert raised(plan) == {(alarm, EXAMPLES[alarm][0].value, "bases/b/batches/s2")}
    assert READERS[output](plan_renderer(output, Style()).render(plan)) == raised(plan)


@pytest.mark.parametrize("output", READERS)
def test_a_plan_with_all_of_them_has_the_same_in_every_format(output: str) -> None:
    assert {alarm for alarm, _, _ in raised(full_plan())} == set(Alarm)
    assert READERS[output](plan_renderer(output, Style()).render(full_plan())) == raised(full_plan())


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(Action), st.sampled_from(Risk)), max_size=10))
def test_any_steps_raise_the_same_alarms_in_every_format(steps: list[tuple[Action, Risk]]) -> None:
    """Also those that no planner makes: a saved plan may claim a start that is reversible, or one that loses data."""
    plan = plan_of(steps)
    for output, read in READERS.items():
        text = plan_renderer(output, Style()).render(plan)
        if output == "github" and len(raised(plan)) > 10:
            assert read(text) < raised(plan), output
        else:
            assert read(text) == raised(plan), output
    lasting = sum(bool(row.alarms) for row in plan_view(plan).rows)
    losing = sum(Alarm.DATA_LOSS in row.alarms for row in plan_view(plan).rows)
    row = table_markdown([EnvironmentPlan("staging", plan)], Style()).splitlines()[-1]
    assert row.split(" | ")[-3:-1] == [str(lasting), str(losing)]
    marks = {(node.address, mark) for node in plan_graph(plan).nodes for mark in node.mark.split(", ") if mark}
    assert marks == {(address, alarm.label) for alarm, _, address in raised(plan)}


def test_what_cannot_be_taken_back_is_an_alarm_whatever_its_risk_says() -> None:
    steps = [(Action.START, Risk.REVERSIBLE), (Action.DELETE, Risk.REVERSIBLE), (Action.START, Risk.DATA_LOSS)]
    assert raised(plan_of(steps)) == {
        (Alarm.DIALS, "start", "bases/b/batches/s1"),
        (Alarm.IRREVERSIBLE, "delete", "bases/b/batches/s2"),
        (Alarm.DATA_LOSS, "start", "bases/b/batches/s3"),
        (Alarm.DIALS, "start", "bases/b/batches/s3"),
    }


# --- verdicts ---------------------------------------------------------------------------------------------------------

GUARD: Final = Diagnostic("KIA0701", "apply will be blocked: it dials contacts", Severity.NOTE)
ERROR: Final = Diagnostic("KIA0501", "the contract has no way to delete a service")


@pytest.mark.parametrize("output", ["text", "markdown", "html", "github"])
@pytest.mark.parametrize(
    ("verdict", "diagnostic", "sentence"),
    [
        (PlanVerdict.REFUSED, ERROR, "Plan refused: 1 error."),
        (PlanVerdict.GUARDED, GUARD, "Apply will be blocked by 1 guard; 1 step: 1 dials contacts."),
        (PlanVerdict.READY, None, "1 step: 1 dials contacts."),
    ],
)
def test_the_verdict_is_the_same_in_every_format(
    verdict: PlanVerdict, diagnostic: Diagnostic | None, sentence: str, output: str
) -> None:
    plan = plan_of([EXAMPLES[Alarm.DIALS]], *([diagnostic] if diagnostic else []))
    assert plan_view(plan).verdict is verdict
    text = plan_renderer(output, Style()).render(plan)
    assert sentence in text
    if verdict is PlanVerdict.GUARDED:
        assert "KIA0701" in text
        assert ("::warning title=KIA0701::" in text) is (output == "github")


def test_the_table_of_environments_says_that_a_plan_is_blocked() -> None:
    rows = [
        EnvironmentPlan("a", plan_of([EXAMPLES[Alarm.DIALS]], GUARD)),
        EnvironmentPlan("b", plan_of([EXAMPLES[Alarm.DIALS]], ERROR)),
    ]
    for table in (table_text, table_markdown):
        text = table(rows, Style())
        assert "1 change, blocked by 1 guard" in text
        assert "efused: 1 error" in text


# --- drift ------------------------------------------------------------------------------------------------------------

EVENTS: Final = st.tuples(
    st.sampled_from(DriftEvent), st.sampled_from([who for who in ChangedBy if who is not ChangedBy.NEITHER])
)


@settings(max_examples=40, deadline=None)
@given(st.lists(EVENTS, max_size=9))
def test_a_drift_outside_git_is_an_alarm_in_every_format(events: list[tuple[DriftEvent, ChangedBy]]) -> None:
    drift = Drift(tuple(thing(f"bases/b{n}", event, who) for n, (event, who) in enumerate(events)))
    outside = {f"bases/b{n}" for n, (_, who) in enumerate(events) if who is not ChangedBy.GIT}
    texts = {name: drift_renderer(name, Style()).render(drift, environment="staging") for name in DRIFT_FORMATS}
    lines = re.findall(r"^::warning .*title=changed outside git::(bases/b\d)", texts["github"], re.MULTILINE)
    assert set(lines) == outside
    head = texts["markdown"].partition("<details>")[0]
    assert set(re.findall(r"^- `(bases/b\d)`", head, re.MULTILINE)) == outside
    alarm = re.search(r'<section class="alarm is-outside".*?</section>', texts["html"], re.DOTALL)
    assert set(re.findall(r"<b>(bases/b\d)</b>", alarm[0] if alarm else "")) == outside
    found = json.loads(texts["json"])["things"]
    assert {one["address"] for one in found if one["side"] != "git"} == outside
    if outside:
        line = drift_view(drift, environment="staging").verdict_line
        assert "outside git" in line
        assert all(line in texts[name] for name in ("text", "markdown", "html"))


@pytest.mark.parametrize("output", ["text", "markdown", "html", "github"])
def test_a_missing_ledger_is_told_by_every_format(output: str) -> None:
    text = drift_renderer(output, Style()).render(Drift((), ledger=False), environment="staging")
    assert "This environment has no ledger: who changed what is unknown." in text


# --- what is added to a view ------------------------------------------------------------------------------------------

SECTION: Final = ListSection(
    "kept", "Kept otherwise", "kept otherwise", (Entry(Address("bases/kept"), text="the label was rounded"),)
)
NOTE: Final = "the journal has it as not finished"


@pytest.mark.parametrize("alarm", [False, True])
@pytest.mark.parametrize("output", ["text", "markdown", "html", "github"])
def test_a_list_or_a_note_that_is_added_to_the_view_of_a_plan_is_drawn_by_every_format(
    output: str, alarm: bool
) -> None:
    plan = plan_of([(Action.CREATE, Risk.REVERSIBLE)])
    view = plan_view(plan)
    section = replace(SECTION, alarm=alarm)
    rows = tuple(replace(row, notes=(NOTE,)) for row in view.rows)
    view = replace(view, rows=rows, alarms=(section,) if alarm else (), sections=() if alarm else (section,))
    text = {
        "text": lambda: TextPlan(Style()).draw(view),
        "markdown": lambda: MarkdownPlan(Style()).draw(view),
        "html": lambda: HtmlPlan(Style()).draw(view, plan),
        "github": lambda: GithubPlan(Style()).draw(view),
    }[output]()
    for wanted in ("ept otherwise", "bases/kept", "the label was rounded", NOTE):
        assert wanted in text


@pytest.mark.parametrize("output", ["text", "markdown", "html", "github"])
def test_a_list_that_is_added_to_the_view_of_a_drift_is_drawn_by_every_format(output: str) -> None:
    view = replace(drift_view(full(), environment="staging"), sections=(SECTION,))
    text = {
        "text": lambda: TextDrift(Style()).draw(view),
        "markdown": lambda: MarkdownDrift(Style()).draw(view),
        "html": lambda: HtmlDrift(Style()).draw(view),
        "github": lambda: GithubDrift(Style()).draw(view),
    }[output]()
    for wanted in ("ept otherwise", "bases/kept", "the label was rounded"):
        assert wanted in text
