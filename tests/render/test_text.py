"""What the text of a plan tells, and how it looks where the terminal can do less."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kiamo_iac.core.address import Address
from kiamo_iac.planner.plan import Action, FieldChange, Plan, Risk, Step
from kiamo_iac.render.base import ASCII, UNICODE, Style, Symbols, plan_renderer
from kiamo_iac.render.formats import PLAN_FORMATS
from kiamo_iac.render.text import TextPlan
from kiamo_iac.render.view import plan_view
from tests.render.goldens import GOLDEN
from tests.render.plans import deleting_a_base, full_plan, step


def test_nothing_of_a_plan_is_left_out(named_plan: tuple[str, Plan]) -> None:
    text = TextPlan(Style()).render(named_plan[1])
    for each in named_plan[1].steps:
        head = f"{UNICODE.actions[each.action]} {each.action.value}"
        assert text.count(head) >= 1
        if each.source:
            assert f"{each.source}: " in text
    if named_plan[0] == "full":
        for each in named_plan[1].steps:
            assert each.reason in text
            assert str(each.address) in text


def test_the_groups_follow_the_plan() -> None:
    text = (GOLDEN / "full.txt").read_text(encoding="utf-8")
    heads = [line for line in text.splitlines() if line.startswith(("bases/", "services/"))]
    assert heads == ["services/Win-back", "bases/prospects", "bases/clients", "services/Legacy"]


def test_d16_the_summary_leaves_out_zero_counts() -> None:
    def numbered(number: int, action: Action) -> Step:
        return Step(
            id=number,
            action=action,
            address=Address("bases/a"),
            kind="base",
            depends_on=(),
            risk=Risk.REVERSIBLE,
            before={},
            after={},
            changes=(),
            reason="so",
            source=None,
        )

    actions = [Action.CREATE, Action.CREATE, Action.UPDATE, Action.DELETE, Action.START, Action.STOP]
    plan = Plan("staging", "u", tuple(numbered(n, a) for n, a in enumerate(actions, 1)))
    assert plan_view(plan).summary == "2 to create, 1 to update, 1 to delete; 1 to start, 1 to stop."


@pytest.mark.parametrize("form", ["text", "markdown", "github", "html"])
def test_o15_every_format_says_what_goes_with_a_deleted_base(form: str) -> None:
    drawn = plan_renderer(form, Style()).render(deleting_a_base())
    if form == "html":
        assert '<span class="also">2 resources go with them</span>' in drawn
    else:
        assert "2 to delete (2 resources go with them); 1 to stop." in drawn


def test_o15_one_base_with_one_field_is_counted_in_the_singular() -> None:
    plan = deleting_a_base()
    base = replace(plan.steps[2], also_deletes=plan.steps[2].also_deletes[:2])
    assert "1 to delete (2 resources go with it)." in plan_view(replace(plan, steps=(base,))).summary
    assert "2 to delete (1 resource goes with them);" in plan_view(replace(plan, steps=(*plan.steps[:2], base))).summary
    assert plan_view(replace(plan, steps=plan.steps[:2])).also_deleted_text == ""


def many_alike() -> Plan:
    """Nine creates and nine updates, of which one has a reason of its own."""
    creates = [step(n, Action.CREATE, f"bases/b{n}", kind="base", reason="missing there", line=n) for n in range(1, 10)]
    label = FieldChange("label", "A", "B")
    updates = [
        step(n, Action.UPDATE, f"bases/c{n}", kind="base", reason="label differs", changes=(label,), line=n)
        for n in range(10, 18)
    ]
    both = (label, FieldChange("settings.pace", 1, 2))
    last = step(18, Action.UPDATE, "bases/d", kind="base", reason="two differ", changes=both, line=18)
    return Plan("staging", "u", (*creates, *updates, last))


def test_d16_a_reason_that_repeats_is_given_once() -> None:
    text = TextPlan(Style()).render(many_alike())
    assert (
        "Reasons of steps that show none:\n  + create: missing there (9 steps)\n  ~ update: label differs (8 steps)\n\n"
    ) in text
    assert text.count("missing there") == text.count("label differs") == 1
    assert '      label: "A" → "B"\n      manifests/prospects.yaml:10:5\n' in text
    assert "      manifests/prospects.yaml:18:5: two differ\n" in text
    page = plan_renderer("markdown", Style()).render(many_alike())
    assert page.count("missing there") == page.count("label differs") == 1
    assert "- create: `missing there`, 9 steps\n" in page
    few = replace(many_alike(), steps=many_alike().steps[:3])
    assert TextPlan(Style()).render(few).count("missing there") == 3


def test_d16_a_compact_plan_has_a_line_for_each_step() -> None:
    text = TextPlan(Style(compact=True)).render(many_alike())
    assert "\n  + create bases/b5\n" in text
    assert '\n  ~ update bases/c10: label: "A" → "B"\n' in text
    assert "\n  ~ update bases/d: label, settings.pace; two differ\n" in text
    compact = TextPlan(Style(compact=True)).render(full_plan())
    assert "\n  - delete bases/prospects/batches/old [data loss]: the manifest says `ensure: absent`\n" in compact
    for part in ("Data is lost (1):", "warning KIA0601", "Plan: 3 to create"):
        assert part in compact


def test_nothing_to_do_says_so() -> None:
    text = TextPlan(Style()).render(Plan("staging", "http://127.0.0.1:8090", ()))
    assert text.splitlines()[-1] == "No changes: staging matches its manifests."


@pytest.mark.parametrize("risk", [Risk.REVERSIBLE, Risk.IRREVERSIBLE])
def test_a_start_says_that_it_dials_whatever_its_risk(risk: Risk) -> None:
    change = FieldChange("state", "new", "started")
    step = Step(
        id=1,
        action=Action.START,
        address=Address("bases/a/batches/b"),
        kind="batch",
        depends_on=(),
        risk=risk,
        before={"state": "new"},
        after={"state": "started"},
        changes=(change,),
        reason="so",
        source=None,
    )
    assert "contacts will be dialled" in TextPlan(Style()).render(Plan("staging", "u", (step,)))


def test_a_command_without_changes_still_shows_both_states() -> None:
    step = Step(
        id=1,
        action=Action.PAUSE,
        address=Address("bases/a/batches/b"),
        kind="batch",
        depends_on=(),
        risk=Risk.REVERSIBLE,
        before={"state": "started"},
        after={"state": "paused"},
        changes=(),
        reason="so",
        source=None,
    )
    assert '      state: "started" → "paused"\n' in TextPlan(Style()).render(Plan("staging", "u", (step,)))


@pytest.mark.parametrize(
    ("encoding", "expected"),
    [
        ("utf-8", UNICODE),
        ("utf-16", UNICODE),
        ("cp1252", ASCII),
        ("cp850", ASCII),
        ("ascii", ASCII),
        ("no-such-encoding", ASCII),
        (None, ASCII),
    ],
)
def test_the_signs_are_those_that_the_encoding_has(encoding: str | None, expected: Symbols) -> None:
    assert Symbols.for_encoding(encoding) == expected


def test_the_ascii_set_is_ascii_and_of_one_width() -> None:
    assert all(sign.isascii() for sign in [*ASCII.actions.values(), ASCII.arrow])
    assert {len(sign) for sign in ASCII.actions.values()} == {2}
    assert {len(sign) for sign in UNICODE.actions.values()} == {1}
    assert set(ASCII.actions) == set(UNICODE.actions) == set(Action)


def test_colour_adds_nothing_but_colour(named_plan: tuple[str, Plan]) -> None:
    import click

    plain = TextPlan(Style()).render(named_plan[1])
    colored = TextPlan(Style(color=True)).render(named_plan[1])
    assert colored != plain
    assert click.unstyle(colored) == plain


def test_a_large_plan_is_told_in_full() -> None:
    steps = tuple(
        Step(
            id=n,
            action=Action.CREATE,
            address=Address(f"bases/b{n % 50}/fields/f{n}"),
            kind="field",
            depends_on=(),
            risk=Risk.REVERSIBLE,
            before={},
            after={"name": f"f{n}", "label": f"Label {n}", "datatype": "string"},
            changes=(),
            reason="it is declared, and the instance has none of that name",
            source=None,
        )
        for n in range(1, 2001)
    )
    text = TextPlan(Style()).render(Plan("staging", "u", steps))
    assert sum(line.startswith("  + create ") for line in text.splitlines()) == 2000
    assert sum(line.startswith("bases/") for line in text.splitlines()) == 50
    assert 'label: "Label 1234", datatype: "string"' in text


def test_every_format_is_there() -> None:
    assert {"json", "text"} <= set(PLAN_FORMATS)
    for name in PLAN_FORMATS:
        assert plan_renderer(name, Style()).render(Plan("staging", "u", ())).endswith("\n")
    with pytest.raises(KeyError):
        plan_renderer("yaml", Style())
