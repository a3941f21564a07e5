"""Pages and drawings full of hostile text in Chromium: nothing runs, nothing is asked for, and all of it is shown.

Run by `make browser`, not by `make test`: it needs Chromium.
"""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from kiamo_iac.planner.plan import Plan
from kiamo_iac.render.escape import visible
from kiamo_iac.render.graph.build import plan_graph
from kiamo_iac.render.graph.svg import svg
from tests.browser.conftest import Open
from tests.browser.looking import overflow
from tests.browser.subjects import drift_html, plan_html
from tests.render.html.xss import CORPUS, evil_drift, evil_plan, evil_step

PAGES = {"plan": plan_html(evil_plan()), "drift": drift_html(evil_drift(), " ".join(CORPUS))}


@pytest.mark.parametrize("what", PAGES)
@pytest.mark.parametrize("script", [True, False])
def test_nothing_runs_and_everything_is_text(opened: Open, what: str, script: bool) -> None:
    """That nothing ran, was asked for or was refused by the policy is looked at by `opened` itself."""
    page = opened(PAGES[what], script=script).page
    page.wait_for_timeout(300)  # an image that fails, or a frame that loads, would call only now
    assert page.locator("script").count() == 1
    assert page.locator("iframe, img, form, base, link, object, embed, foreignObject, animate, set").count() == 0
    assert page.locator("meta[http-equiv]").count() == 1
    text = page.evaluate("document.body.textContent")
    for evil in CORPUS:
        assert visible(evil) in text
    assert "49" not in page.evaluate("document.querySelector('h1').textContent")
    assert overflow(page) == 0


@pytest.mark.parametrize("what", PAGES)
def test_it_stays_text_whatever_is_pressed(opened: Open, what: str) -> None:
    page = opened(PAGES[what]).page
    page.get_by_role("button", name="Unfold all").click()
    for chip in page.locator(".chip").all()[:40]:
        chip.click()
        chip.click()
    for evil in CORPUS:
        page.get_by_role("searchbox").fill(visible(evil))
        expect(page.locator("#shown")).not_to_have_text("0")
    page.keyboard.press("Escape")
    for row in page.locator(".rows > tbody > tr").all():
        row.hover()
    for node in page.locator(".node").all():
        node.hover(force=True)
    assert page.locator("script").count() == 1


@pytest.mark.parametrize("evil", CORPUS, ids=range(len(CORPUS)))
def test_each_by_itself_is_a_title_and_a_drawing(opened: Open, evil: str) -> None:
    """By itself, so that none hides behind what another has broken."""
    plan = Plan(environment=evil, url=evil, steps=(evil_step(1, evil), evil_step(2, evil)))
    page = opened(plan_html(plan)).page
    assert visible(evil).strip() in page.evaluate("document.title + document.querySelector('h1').textContent")
    assert page.locator("script").count() == 1
    drawing = opened(svg(plan_graph(plan)), suffix="svg").page
    assert drawing.evaluate("document.documentElement.nodeName") == "svg"
    assert drawing.evaluate("document.querySelectorAll('script, a, image, foreignObject').length") == 0
    assert drawing.evaluate("document.querySelectorAll('g.node').length") == 2


def test_markup_that_got_in_would_not_run(opened: Open) -> None:
    """The lock behind the lock: with escaping broken on purpose, the policy stops what got in, and says so."""
    broken = "<script>alert(1)</script><img src=x onerror=alert(2)><b onclick=alert(3)>b</b>"
    text = PAGES["plan"].replace("</main>", f"{broken}</main>")
    seen = opened(text)
    seen.page.wait_for_timeout(300)
    violations = seen.page.evaluate("window.__violations")
    assert {violation.split()[0] for violation in violations} == {"img-src", "script-src-attr", "script-src-elem"}
    assert seen.dialogs == []
    assert seen.refused == [request for request in seen.requests if request != seen.url]
    seen.forgive()
