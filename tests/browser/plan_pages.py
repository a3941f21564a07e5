"""The page of a plan in Chromium: read, folded, searched, filtered, printed, by keyboard, at any width, in both themes.

Run by `make browser`, not by `make test`: it needs Chromium. Pictures go to build/screenshots/.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from kiamo_iac.planner.plan import Plan
from tests.browser.conftest import SCREENSHOTS, Open, Seen, screenshot
from tests.browser.looking import background, focused, overflow, unreadable
from tests.browser.subjects import FORGE, campaign_plan, drift_html, example_plan, plan_html
from tests.render.drifts import full as full_drift
from tests.render.graph.graphs import large_plan
from tests.render.plans import empty_plan, full_plan, refused_plan


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    return example_plan(tmp_path_factory.mktemp("example") / "project")


@pytest.fixture
def plan_page(opened: Open) -> Seen:
    return opened(plan_html(full_plan()))


def test_the_summary_and_the_table_can_be_read(plan_page: Seen) -> None:
    page = plan_page.page
    expect(page).to_have_title("Plan for staging")
    expect(page.get_by_role("heading", level=1)).to_have_text("Plan for staging")
    counts = page.get_by_role("list", name="How many steps of each action").get_by_role("listitem")
    assert counts.all_inner_texts() == [
        "3\ncreate", "2\nupdate", "1\nrename", "2\ndelete", "1\nstart", "1\npause", "1\nstop",
    ]  # fmt: skip
    expect(page.get_by_role("region", name="Data is lost 1")).to_contain_text("delete bases/prospects/batches/old")
    expect(page.get_by_role("region", name="Contacts will be dialled 1")).to_be_visible()
    expect(page.get_by_role("region", name="Cannot be undone 2")).to_be_visible()
    table = page.get_by_role("table", name="bases/prospects")
    expect(table.get_by_role("row")).to_have_count(9)
    expect(table.get_by_role("columnheader")).to_have_text(["step", "action", "resource", "kind", "risk"])
    cells = table.get_by_role("row").nth(2).get_by_role("cell")
    assert cells.nth(1).inner_text() == "delete"
    assert cells.nth(4).inner_text() == "data loss"
    expect(page.get_by_role("img", name="Plan for staging")).to_be_visible()
    expect(page.get_by_role("status")).to_have_text("11 of 11 steps")


def test_steps_fold_and_unfold_by_keyboard(plan_page: Seen) -> None:
    page = plan_page.page
    details = page.locator("#step-8 details")
    summary = details.locator("summary")
    reason = page.get_by_text("service, association and settings differ")
    expect(reason).to_be_hidden()
    summary.focus()
    page.keyboard.press("Enter")
    expect(reason).to_be_visible()
    expect(details.get_by_role("row").nth(1)).to_contain_text("(gone: 17)")
    expect(details.get_by_text("manifests/prospects.yaml:24:5")).to_be_visible()
    expect(details.get_by_role("link")).to_have_text(["1", "5", "7"])
    page.keyboard.press("Space")
    expect(reason).to_be_hidden()
    page.get_by_role("button", name="Unfold all").press("Enter")
    assert page.locator(".rows details[open]").count() == 11
    page.get_by_role("button", name="Fold all").press("Space")
    assert page.locator(".rows details[open]").count() == 0


def test_a_link_unfolds_the_step_that_it_leads_to(plan_page: Seen) -> None:
    page = plan_page.page
    page.get_by_role("link", name="delete bases/prospects/batches/old").click()
    expect(page.locator("#step-3 details")).to_have_attribute("open", "")
    assert focused(page)["tag"] == "summary"
    page.get_by_role("button", name="create 3").click()
    assert "step-8" not in plan_page.rows
    page.evaluate("location.hash = 'step-8'")
    expect(page.locator("#step-8 details")).to_have_attribute("open", "")
    page.locator(".node.rename").hover()
    page.locator(".node.rename").click()
    expect(page.locator("#step-6 details")).to_have_attribute("open", "")


def test_search_finds_names_values_reasons_and_places(plan_page: Seen) -> None:
    page = plan_page.page
    page.keyboard.press("/")
    assert focused(page)["what"] == "find"
    found = {
        "city": ["step-5", "step-8"],
        "VILLE D’APPEL": ["step-5"],
        "renamed_from": ["step-6"],
        "prospects.yaml:24": ["step-7", "step-8", "step-9"],
        "bases/prospects fields": ["step-5"],
        "pause autumn": ["step-7", "step-9"],
        "legacy": ["step-11"],
    }
    for words, rows in found.items():
        page.keyboard.press("ControlOrMeta+A")
        page.keyboard.type(words)
        plan_page.shows(rows)
        expect(page.locator("#shown")).to_have_text(str(len(rows)))
    page.keyboard.press("ControlOrMeta+A")
    page.keyboard.type("no such thing")
    expect(page.get_by_text("Nothing matches.")).to_be_visible()
    plan_page.shows([])
    page.keyboard.press("Escape")
    expect(page.locator("#shown")).to_have_text("11")
    expect(page.get_by_role("searchbox")).to_have_value("")
    page.keyboard.type("x/y")  # in the field a slash is a slash
    expect(page.get_by_role("searchbox")).to_have_value("x/y")
    page.get_by_role("button", name="Show all steps").click()
    assert len(plan_page.rows) == 11


def test_filters_show_an_action_a_risk_and_a_kind(plan_page: Seen) -> None:
    page = plan_page.page
    risk = page.get_by_role("group", name="Risk")
    risk.get_by_role("button", name="cannot be undone 3").press("Enter")
    expect(risk.get_by_role("button", name="cannot be undone 3")).to_have_attribute("aria-pressed", "true")
    assert sorted(plan_page.rows) == ["step-11", "step-2", "step-9"]
    risk.get_by_role("button", name="data loss 1").press("Space")
    assert sorted(plan_page.rows) == ["step-11", "step-2", "step-3", "step-9"]
    page.get_by_role("group", name="Kind").get_by_role("button", name="batch 6").click()
    assert plan_page.rows == ["step-2", "step-3", "step-9"]
    page.get_by_role("group", name="Action").get_by_role("button", name="start 1").click()
    assert plan_page.rows == ["step-9"]
    expect(page.get_by_role("status")).to_have_text("1 of 11 steps")
    assert page.locator(".group:visible").count() == 1
    page.get_by_role("button", name="Clear", exact=True).click()
    assert len(plan_page.rows) == 11
    expect(page.get_by_role("button", name="Clear", exact=True)).to_be_hidden()


def test_everything_can_be_reached_by_tab_and_the_focus_can_be_seen(plan_page: Seen) -> None:
    page = plan_page.page
    page.keyboard.press("Tab")
    assert focused(page)["what"] == "#rows"
    expect(page.get_by_role("link", name="Skip to the steps")).to_be_in_viewport()
    seen = []
    for _ in range(80):
        at = focused(page)
        if at["tag"] == "body":
            break
        assert at["outline"] >= 2, at
        assert at["inside"], at
        assert not at["covered"], at
        seen.append(at)
        page.keyboard.press("Tab")
    tags = [at["tag"] for at in seen]
    assert [at["what"] for at in seen[:6]] == ["#rows", "#main", "#diagnostics", "#rows", "#graph", "theme"]
    assert (tags.count("summary"), tags.count("input")) == (1 + 3 + 11, 1)
    assert tags.count("button") == 1 + 1 + 7 + 3 + 4
    assert seen[-1]["what"] == "picture"
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Shift+Tab")
    assert focused(page)["tag"] == "summary"


def test_the_skip_link_goes_to_the_steps(plan_page: Seen) -> None:
    page = plan_page.page
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert focused(page)["what"] == "find"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_button_switches_between_light_and_dark(opened: Open, scheme: str) -> None:
    seen = opened(plan_html(full_plan()), scheme=scheme)
    button = seen.page.get_by_role("button", name="Dark")
    first = background(seen.page)
    assert (sum(map(int, first.strip("rgb()").split(","))) > 380) is (scheme == "light")
    expect(button).to_have_attribute("aria-pressed", str(scheme == "dark").lower())
    button.press("Enter")
    second = background(seen.page)
    assert second != first
    expect(button).to_have_attribute("aria-pressed", str(scheme != "dark").lower())
    button.press("Enter")
    assert background(seen.page) == first


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_can_be_read_on_what_is_behind_it(opened: Open, scheme: str) -> None:
    pages = [plan_html(make()) for make in (full_plan, refused_plan, empty_plan)] + [drift_html(full_drift())]
    for text in pages:
        seen = opened(text, scheme=scheme)
        assert unreadable(seen.page) == []
        seen.page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
        if seen.page.locator(".chip").count():
            seen.page.locator(".chip").first.click()
        assert unreadable(seen.page) == []


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_the_page_is_never_wider_than_its_window(opened: Open, example: Plan, width: int) -> None:
    for text in (plan_html(full_plan()), plan_html(example), plan_html(refused_plan()), drift_html(full_drift())):
        seen = opened(text, width=width)
        assert overflow(seen.page) == 0
        seen.page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
        assert overflow(seen.page) == 0


def test_without_script_the_page_is_whole(opened: Open) -> None:
    seen = opened(plan_html(full_plan()), script=False)
    page = seen.page
    expect(page.get_by_role("searchbox")).to_be_hidden()
    expect(page.get_by_role("button")).to_have_count(0)
    assert page.locator(".rows > tbody > tr:visible").count() == 11
    page.locator("#step-8 summary").click()
    expect(page.get_by_text("service, association and settings differ")).to_be_visible()
    expect(page.get_by_role("img", name="Plan for staging")).to_be_visible()


def test_paper_shows_the_steps_unfolded_and_no_controls(plan_page: Seen, tmp_path: Path) -> None:
    page = plan_page.page
    opened_ = "document.querySelectorAll('.rows details[open]').length"
    page.evaluate(f"addEventListener('beforeprint', () => {{ window.__open = {opened_}; }})")
    assert page.pdf(path=tmp_path / "plan.pdf").startswith(b"%PDF-")
    assert page.evaluate("window.__open") == 11
    assert page.locator(".rows details[open]").count() == 0
    page.emulate_media(media="print", color_scheme="dark")
    for part in (page.get_by_role("searchbox"), page.locator(".top"), page.locator(".keys")):
        expect(part).to_be_hidden()
    assert background(page) == "rgb(255, 255, 255)"
    page.emulate_media(media="screen", color_scheme="light")


def test_a_plan_of_ten_thousand_steps_opens_and_is_searched(opened: Open) -> None:
    plan = large_plan(770)
    assert len(plan.steps) > 10_000
    seen = opened(plan_html(plan))
    page = seen.page
    expect(page.locator("#shown")).to_have_text(f"{len(plan.steps):,}")
    expect(page.locator(".legend", has_text="are too many to draw")).to_be_visible()
    page.keyboard.press("/")
    page.keyboard.type("base-00333")
    expect(page.locator("#shown")).to_have_text("13")
    assert len(seen.rows) == 13
    page.keyboard.press("Escape")
    expect(page.locator("#shown")).to_have_text(f"{len(plan.steps):,}")
    page.locator(".chip.is-start").click()  # by role, ten thousand groups would be asked for their names
    expect(page.locator("#shown")).to_have_text("770")


@pytest.fixture
def campaigns(opened: Open) -> Seen:
    """300 steps for 50 bases, with a warning about each."""
    return opened(plan_html(campaign_plan(300), FORGE), width=1440)


def test_d15_a_base_is_one_line_that_unfolds_by_keyboard(campaigns: Seen) -> None:
    page = campaigns.page
    assert page.locator(".group").count() == 50
    assert page.locator(".group[open]").count() == 0
    group = page.locator("#group-1")
    line = group.locator("> summary")
    assert line.inner_text().split() == (
        ["bases/churn-winback-agency-0001", "4", "update", "1", "create", "1", "start", "dials", "contacts"]
    )
    assert group.evaluate("each => each.offsetHeight") < 50
    line.press("Enter")
    expect(page.locator("#step-1")).to_be_visible()
    line.press("Space")
    expect(page.locator("#step-1")).to_be_hidden()
    page.get_by_role("button", name="Unfold all").click()
    assert page.locator(".group[open]").count() == 50
    page.get_by_role("button", name="Fold all").click()
    assert page.locator(".group[open]").count() == 0


def test_d15_the_list_of_groups_jumps_to_one_and_unfolds_it(campaigns: Seen) -> None:
    page = campaigns.page
    page.get_by_text("Jump to one of 50 groups").press("Enter")
    link = page.get_by_role("navigation", name="Groups of steps").get_by_role("link", name="agency-0033")
    for _ in range(2):  # also when it is followed again
        link.click()
        expect(page.locator("#group-33")).to_have_attribute("open", "")
        expect(page.locator("#group-33 > summary")).to_be_in_viewport()
        expect(page.locator("#step-193")).to_be_in_viewport()
        assert focused(page)["tag"] == "summary"
        page.locator("#group-33 > summary").press("Enter")
    page.evaluate("location.hash = 'step-300'")
    expect(page.locator("#step-300 .more")).to_be_visible()


def test_d15_many_warnings_do_not_push_the_steps_down(campaigns: Seen) -> None:
    page = campaigns.page
    expect(page.get_by_role("heading", name="Diagnostics 50")).to_be_visible()
    assert page.locator(".diagnostic").count() == 1
    assert page.evaluate("document.querySelector('#rows').offsetTop") < 1400
    page.get_by_text("and 49 more with the code KIA0602").press("Enter")
    expect(page.get_by_text("manifests/agencies.yaml:50:3")).to_be_visible()


def test_d15_a_search_from_below_shows_the_first_that_it_finds(campaigns: Seen) -> None:
    page = campaigns.page
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    page.keyboard.press("/")
    page.keyboard.type("lapsed on")
    expect(page.locator("#shown")).to_have_text("50")
    expect(page.locator("#step-4")).to_be_in_viewport()
    expect(page.get_by_role("searchbox")).to_be_in_viewport()
    page.keyboard.press("Escape")
    assert page.locator(".group[open]").count() == 0


def test_d15_values_are_shown_where_there_is_room(campaigns: Seen) -> None:
    page = campaigns.page
    page.locator("#group-2 > summary").click()
    line = page.locator("#step-7 summary")
    expect(line).to_contain_text('label: "Agency 2, winback of lapsed customers" → "Agency 2, winback 2027"')
    assert line.evaluate("each => each.scrollWidth <= each.clientWidth")


def test_d15_the_command_that_applies_it_is_copied(campaigns: Seen) -> None:
    page = campaigns.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy").press("Enter")
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == "kiamo-iac apply -e production"
    assert page.evaluate("String(getSelection())") == "kiamo-iac apply -e production"


def test_d15_places_are_links_to_the_forge(campaigns: Seen) -> None:
    link = campaigns.page.get_by_role("link", name="manifests/agencies.yaml:1:3")
    expect(link).to_have_attribute("href", f"{FORGE.sources}manifests/agencies.yaml#L1")
    expect(link).to_have_attribute("rel", "noopener noreferrer")


_SIZES = """() => Object.fromEntries(
  ["body", ".lead", "#rows h2", ".title", "tr .address", ".facts td", ".facts th", ".kind", ".act", ".grave", ".place"]
  .map((query) => [query, parseFloat(getComputedStyle(document.querySelector(query)).fontSize)]))"""


def test_d15_paper_has_the_sizes_of_the_screen_all_smaller_by_the_same(plan_page: Seen) -> None:
    screen = plan_page.page.evaluate(_SIZES)
    plan_page.page.emulate_media(media="print")
    paper = plan_page.page.evaluate(_SIZES)
    plan_page.page.emulate_media(media="screen")
    assert {round(paper[query] / screen[query], 2) for query in screen} == {0.75}


def test_d15_what_is_out_of_sight_of_five_thousand_steps_is_not_drawn(opened: Open) -> None:
    page = opened(plan_html(large_plan(1, batches=4990))).page
    page.locator("#group-2 > summary").click()
    drawn = "all => all.filter((each) => each.checkVisibility({ contentVisibilityAuto: true })).length"
    assert page.locator(".part > table").evaluate_all(drawn) < 5 < page.locator(".part").count()
    page.keyboard.press("/")
    page.keyboard.type("batch 4981")  # a name, and the number of a step
    expect(page.locator("#shown")).to_have_text("2")
    expect(page.locator(".rows > tbody > tr:visible")).to_have_count(2)


def test_a_refused_plan_and_one_without_steps_say_so(opened: Open) -> None:
    refused = opened(plan_html(refused_plan())).page
    expect(refused.get_by_text("Plan refused: 2 errors.")).to_be_visible()
    refused.get_by_role("link", name="2 errors").click()
    expect(refused.get_by_role("heading", name="Diagnostics 2")).to_be_in_viewport()
    empty = opened(plan_html(empty_plan())).page
    expect(empty.get_by_text("staging matches its manifests.")).to_be_visible()
    assert empty.locator("table, svg").count() == 0


def test_a_drift_is_read_filtered_and_searched(opened: Open) -> None:
    seen = opened(drift_html(full_drift()))
    page = seen.page
    expect(page.get_by_role("heading", level=1)).to_have_text("Drift of staging")
    page.get_by_role("group", name="Changed").get_by_role("button", name="on both sides 3").click()
    assert seen.rows == ["resource-1", "resource-3", "resource-7"]
    page.locator("#resource-7 summary").press("Enter")
    expect(page.locator("#resource-7").get_by_role("columnheader")).to_have_text(
        ["attribute", "declared", "applied", "live", "who"]
    )
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    page.keyboard.type("recreated")
    expect(page.locator("#shown")).to_have_text("1")
    assert seen.rows == ["resource-5"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pictures_are_taken(opened: Open, example: Plan, scheme: str) -> None:
    seen = opened(plan_html(example), scheme=scheme, height=1180)
    seen.page.locator("[data-action=start] summary").first.click()
    seen.page.mouse.move(0, 0)
    seen.page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
    picture = screenshot(seen, f"plan-{scheme}")
    assert picture.stat().st_size < 200_000, "it is too large to be committed"
    screenshot(seen, f"plan-{scheme}-whole", full_page=True)
    phone = opened(plan_html(example), scheme=scheme, width=390, height=844)
    screenshot(phone, f"plan-{scheme}-phone")
    screenshot(opened(drift_html(full_drift()), scheme=scheme), f"drift-{scheme}")
    assert {f"plan-{scheme}.png", f"plan-{scheme}-phone.png"} <= {path.name for path in SCREENSHOTS.iterdir()}
