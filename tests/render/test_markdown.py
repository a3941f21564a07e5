"""The comment on a merge request: read by a Markdown parser, it holds data in code alone, and it always fits."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from kiamo_iac.core.diagnostics import Diagnostic, Severity, SourceRange
from kiamo_iac.planner.drift import Drift
from kiamo_iac.planner.plan import Action, Plan, Risk
from kiamo_iac.render.base import Style
from kiamo_iac.render.comment_page import MAX_BYTES, MAX_LINE, clipped, code, fence, marker
from kiamo_iac.render.escape import visible
from kiamo_iac.render.markdown import MarkdownDrift, MarkdownPlan
from tests.render.drifts import DRIFTS, thing
from tests.render.hostile import HOSTILE, HUGE, drift_of, plan_of
from tests.render.plans import PLANS, refused_plan, step

PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
OURS = {
    "blockquote_open": False,
    "heading_open": True,
    "heading_close": True,
    "paragraph_open": True,
    "paragraph_close": True,
    "bullet_list_open": True,
    "bullet_list_close": True,
    "list_item_open": True,
    "list_item_close": True,
    "strong_open": True,
    "strong_close": True,
    "inline": True,
    "text": True,
    "code_inline": True,
    "fence": True,
    "html_block": True,
}
HTML = re.compile(
    r"<!-- kiamo-iac:(plan|drift|apply):[\w.%-]* -->|<details>|</details>|<summary>[A-Za-z ,]+: [0-9a-z, ]+</summary>"
)
WORDS = re.compile(r"[A-Za-z0-9 ,.;:()…*-]*")
"""What may stand outside of code: nothing that GitHub or GitLab make a mention, a reference or a link of."""


def tokens(text: str) -> Iterator[Token]:
    """Every token, those inside of lines too."""
    for token in PARSER.parse(text):
        yield token
        yield from token.children or ()


def data_of(text: str) -> list[str]:
    """What stands in code; everything else is checked to be ours."""
    found = []
    for token in tokens(text):
        assert OURS.get(token.type), token
        if token.type in {"code_inline", "fence"}:
            found.append(token.content)
            assert token.info in {"", "diff"}
        elif token.type == "html_block":
            for line in token.content.splitlines():
                assert HTML.fullmatch(line), line
        elif token.type == "text":
            assert WORDS.fullmatch(token.content), token.content
    assert text.count("<details>") == text.count("</details>\n") or "details" in "".join(found)
    return found


def plan_text(plan: Plan) -> str:
    """Rendered, and known to fit."""
    text = MarkdownPlan(Style()).render(plan)
    assert len(text.encode("utf-8")) < MAX_BYTES
    assert text.endswith("\n")
    assert not text.endswith("\n\n")
    return text


def drift_text(drift: Drift, environment: str = "staging") -> str:
    """Rendered, and known to fit."""
    text = MarkdownDrift(Style()).render(drift, environment=environment)
    assert len(text.encode("utf-8")) < MAX_BYTES
    return text


@pytest.mark.parametrize("name", PLANS)
def test_a_plan_tells_everything_in_code(name: str) -> None:
    plan = PLANS[name]()
    text = plan_text(plan)
    data = "\n".join(data_of(text))
    for made in plan.steps:
        assert f"{made.id}. {made.action.value} {visible(made.address)} (" in data
        assert visible(made.reason) in data
    for diagnostic in plan.diagnostics:
        assert visible(diagnostic.summary) in data
        assert visible(diagnostic.hint or "") in data


@pytest.mark.parametrize("name", DRIFTS)
def test_a_drift_tells_everything_in_code(name: str) -> None:
    data = "\n".join(data_of(drift_text(DRIFTS[name])))
    for found in DRIFTS[name].resources:
        assert f"! {visible(found.address)} (" in data


def test_what_matters_comes_first() -> None:
    text = plan_text(PLANS["full"]())
    order = [
        "<!-- kiamo-iac:plan:staging -->",
        "3 to create",
        "**Data is lost** (1)",
        "**Contacts will be dialled** (1)",
        "**Cannot be undone** (2)",
        "<summary>Deletions and data loss: 2</summary>",
        "- 3. delete",
        "<summary>Other steps: 9</summary>",
        "+ 1. create",
        "<summary>Diagnostics: 1 warning, 1 note</summary>",
    ]
    places = [text.index(part) for part in order]
    assert places == sorted(places)
    assert text.startswith(order[0])


def test_a_refusal_says_why_and_where_before_anything_else() -> None:
    text = plan_text(refused_plan())
    head = text[: text.index("<details>")]
    assert "**Plan refused: 2 errors.**" in head
    assert '**`KIA0503`** at `manifests/prospects.yaml:18:21`: `batch "spring" cannot be renamed' in head


def test_a_guard_that_will_refuse_it_is_told_before_the_folds() -> None:
    guarded = Diagnostic("KIA0701", "apply will be blocked: it dials", Severity.NOTE, hint="pass --allow-start")
    other = replace(guarded, code="KIA0702")
    text = plan_text(replace(PLANS["full"](), diagnostics=(guarded, other, guarded, guarded)))
    head = text[: text.index("<details>")]
    assert "**Apply will be blocked** (2):" in head
    assert (
        "- **`KIA0701`**: `apply will be blocked: it dials` Hint: `pass --allow-start` And 2 more of these.\n" in head
    )
    assert "- **`KIA0702`**: `apply will be blocked: it dials` Hint: `pass --allow-start`\n" in head
    assert "be blocked" not in plan_text(PLANS["full"]())


@pytest.mark.parametrize("trick", [*HOSTILE, "huge"])
def test_data_of_a_plan_is_never_markup(trick: str) -> None:
    text = HOSTILE.get(trick, HUGE)
    data = data_of(plan_text(plan_of(text)))
    assert "".join(data).count(visible(text)[: MAX_LINE // 2]) >= 8
    assert (clipped(visible(text)) or " ") in data


@pytest.mark.parametrize("trick", [*HOSTILE, "huge"])
def test_data_of_a_drift_is_never_markup(trick: str) -> None:
    text = HOSTILE.get(trick, HUGE)
    data = data_of(drift_text(drift_of(text), text))
    assert "".join(data).count(visible(text)[: MAX_LINE // 2]) >= 4


@pytest.mark.parametrize("trick", HOSTILE)
def test_a_code_span_holds_exactly_the_data(trick: str) -> None:
    parsed = [token for token in tokens(f"- {code(HOSTILE[trick])}: x") if token.type == "code_inline"]
    assert [token.content for token in parsed] == [visible(HOSTILE[trick]) or " "]


@pytest.mark.parametrize("trick", HOSTILE)
def test_no_environment_ends_the_marker(trick: str) -> None:
    mark = marker("plan", HOSTILE[trick])
    assert re.fullmatch(r"<!-- kiamo-iac:plan:[A-Za-z0-9_.%-]* -->", mark)
    assert [token.type for token in tokens(mark)] == ["html_block"]


def test_two_environments_have_two_markers() -> None:
    names = ["a", "A", "a-b", "a--b", "a b", "a%20b", "a~b", "é", "x" * 5_000, "x" * 5_001]
    assert len({marker("plan", name) for name in names}) == len(names)
    assert marker("drift", "eu--2_a.b-") == "<!-- kiamo-iac:drift:eu--2_a.b- -->"
    assert [token.type for token in tokens(marker("drift", "eu--2_a.b-"))] == ["html_block"]


def test_a_fence_is_longer_than_any_run_in_it() -> None:
    assert fence([]) == fence(["``"]) == "```"
    assert fence(["a ``` b", "`````"]) == "``````"


# --- what does not fit ------------------------------------------------------------------------------------------------


def long_plan(count: int, *, deletes: int = 0) -> Plan:
    """Many steps, the last of them deletions."""
    steps = [
        step(
            number,
            Action.DELETE if number > count - deletes else Action.CREATE,
            f"bases/b{number // 50}/fields/f{number}",
            kind="field",
            risk=Risk.DATA_LOSS if number > count - deletes else Risk.REVERSIBLE,
            after={"name": f"f{number}", "label": f"Libellé {number}", "datatype": "string"},
            reason="it is declared, and the instance has none of that name",
            line=number,
        )
        for number in range(1, count + 1)
    ]
    return Plan("staging", "http://127.0.0.1:8090", tuple(steps))


def shown_steps(text: str) -> int:
    """How many steps stand in the folds."""
    return sum(len(re.findall(r"^[-+!] \d+\. ", found, re.MULTILINE)) for found in data_of(text))


def test_ten_thousand_steps_are_cut_with_a_notice_that_counts() -> None:
    text = plan_text(long_plan(10_000, deletes=30))
    shown = shown_steps(text)
    assert 200 < shown < 1_000
    assert f"**Cut to fit in a comment:** {10_000 - shown:,} of 10,000 steps are not shown." in text
    assert text.index("**Cut to fit") < text.index("<details>")
    assert "- 9971. delete" in text
    assert "- 10000. delete" in text
    assert len(text.encode("utf-8")) > MAX_BYTES * 0.9


def test_what_fits_is_not_cut() -> None:
    text = plan_text(long_plan(100))
    assert shown_steps(text) == 100
    assert "Cut to fit" not in text


def test_many_diagnostics_leave_room_for_the_steps() -> None:
    said = tuple(
        Diagnostic("KIA0601", f"thing {n} {'x' * 300}", Severity.WARNING, source=SourceRange("a.yaml", n, 1))
        for n in range(1, 500)
    )
    plan = Plan("staging", "u", long_plan(100).steps, said)
    text = plan_text(plan)
    assert shown_steps(text) == 100
    assert re.search(r"\d+ of 499 diagnostics are not shown", text)


def test_many_errors_of_great_length_still_fit() -> None:
    said = tuple(Diagnostic("KIA0503", f"{n}{'é' * 9_000}", detail="`" * 9_000, hint="𝒜" * 9_000) for n in range(50))
    text = plan_text(Plan("e" * 9_000, "u" * 9_000, long_plan(2_000).steps, said))
    assert "more\n" in text
    assert shown_steps(text) > 100


def test_ten_thousand_things_of_a_drift_are_cut_too() -> None:
    things = tuple(
        thing(f"bases/b{number}", DRIFTS["full"].resources[5].event, DRIFTS["full"].resources[5].changed_by)
        for number in range(10_000)
    )
    text = drift_text(Drift(things))
    data_of(text)
    assert re.search(r"\*\*Cut to fit in a comment:\*\* 9,\d{3} of 10,000 drifted resources are not shown\.", text)
