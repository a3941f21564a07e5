"""The HTML page: whole, locked, escaped, and saying what the other formats say."""

from __future__ import annotations

import base64
import hashlib
import subprocess
import sys
from collections import Counter
from importlib.resources import files

import pytest
from jinja2 import UndefinedError

from kiamo_iac.planner.plan import Plan
from kiamo_iac.render.base import PageContext, Style, drift_renderer, plan_renderer
from kiamo_iac.render.escape import value, visible
from kiamo_iac.render.html import page as pages
from kiamo_iac.render.html.plan import HtmlPlan
from tests.render.drifts import DRIFTS
from tests.render.graph.graphs import large_plan
from tests.render.html.parsed import Page
from tests.render.html.xss import CORPUS, evil_drift, evil_plan
from tests.render.plans import PLANS, full_plan

ELEMENTS = {
    "html", "head", "meta", "title", "style", "body", "a", "header", "div", "span", "nav", "button", "main", "section",
    "p", "h1", "h2", "ul", "li", "b", "code", "label", "input", "kbd", "table", "caption", "colgroup", "col", "thead",
    "tbody", "tr", "th", "td", "details", "summary", "footer", "script",
    "svg", "desc", "defs", "marker", "clippath", "path", "rect", "text", "g", "use",
}  # fmt: skip


def html(plan: Plan) -> str:
    return plan_renderer("html", Style()).render(plan)


PAGES = {
    **{name: html(make()) for name, make in PLANS.items()},
    **{f"drift {name}": drift_renderer("html", Style()).render(d, environment="staging") for name, d in DRIFTS.items()},
    "evil": html(evil_plan()),
    "evil drift": drift_renderer("html", Style()).render(evil_drift(), environment=" ".join(CORPUS)),
    "large": html(large_plan(30)),
}


@pytest.mark.parametrize("name", PAGES)
def test_the_page_is_well_formed_and_whole(name: str) -> None:
    page = Page(PAGES[name])
    assert page.open == []
    assert PAGES[name].startswith('<!doctype html>\n<html lang="en">')
    assert PAGES[name].endswith("</html>\n")
    ids = Counter(attributes["id"] for _, attributes in page.elements if "id" in attributes)
    assert max(ids.values()) == 1
    for tag, attributes in page.elements:
        for wanted in (attributes.get("aria-labelledby") or "").split():
            assert wanted in ids, (tag, wanted)


@pytest.mark.parametrize("name", PAGES)
def test_nothing_comes_from_elsewhere_and_nothing_runs_but_its_own_script(name: str) -> None:
    page = Page(PAGES[name])
    assert {tag for tag, _ in page.elements} <= ELEMENTS
    assert (len(page.raw["script"]), len(page.raw["style"])) == (1, 1)
    for _, attributes in page.elements:
        assert not [key for key in attributes if key.startswith("on") or key in {"style", "src", "srcdoc", "action"}]
        assert attributes.get("href", "#").startswith("#")
        assert not attributes.get("xlink:href")


@pytest.mark.parametrize("name", PAGES)
def test_the_policy_names_the_digests_of_script_and_style(name: str) -> None:
    page = Page(PAGES[name])
    digests = {
        kind: base64.b64encode(hashlib.sha256(page.raw[kind][0].encode()).digest()).decode() for kind in page.raw
    }
    assert page.of("meta")[1] == {
        "http-equiv": "Content-Security-Policy",
        "content": f"default-src 'none'; script-src 'sha256-{digests['script']}'; "
        f"style-src 'sha256-{digests['style']}'; base-uri 'none'; form-action 'none'",
    }
    assert page.elements.index(("meta", page.of("meta")[1])) < [tag for tag, _ in page.elements].index("style")


@pytest.mark.parametrize("name", PAGES)
def test_hidden_characters_are_shown(name: str) -> None:
    assert not {char for char in PAGES[name] if char != "\n" and visible(char) != char}


@pytest.mark.parametrize("name", ["evil", "evil drift"])
def test_hostile_text_is_text(name: str) -> None:
    text = "".join(Page(PAGES[name]).text)
    for evil in CORPUS:
        assert visible(evil) in text
        assert value(evil) in text


def test_the_page_says_what_the_plan_holds() -> None:
    plan = full_plan()
    text = "".join(Page(PAGES["full"]).text)
    for step in plan.steps:
        assert step.reason in text
        assert str(step.source or "") in text
        for change in step.changes:
            assert change.path in text
            assert value(change.before) in text
            assert value(change.after) in text
    for diagnostic in plan.diagnostics:
        assert diagnostic.summary in text
        assert (diagnostic.hint or "") in text
    rows = [row for row in Page(PAGES["full"]).of("tr") if "data-action" in row]
    assert sorted((row["id"], row["data-action"], row["data-risk"], row["data-kind"]) for row in rows) == sorted(
        (f"step-{s.id}", s.action.value, s.risk.value, s.kind) for s in plan.steps
    )


def test_links_lead_somewhere() -> None:
    for text in PAGES.values():
        page = Page(text)
        ids = {attributes.get("id") for _, attributes in page.elements}
        assert {link["href"][1:] for link in page.of("a")} <= ids


def test_a_refused_plan_says_so_first() -> None:
    text = PAGES["refused"]
    assert "<title>Refused plan for production</title>" in text
    assert "Plan refused: 2 errors." in text
    assert text.index("2 errors") < text.index('id="rows"')


def test_an_empty_plan_is_a_page_without_table_or_graph() -> None:
    page = Page(PAGES["empty"])
    assert not page.of("table")
    assert not page.of("svg")
    assert "staging matches its manifests." in "".join(page.text)


def test_a_calm_plan_says_that_it_is() -> None:
    assert "No step dials contacts, loses data or is irreversible." in PAGES["hostile"]
    assert "No step dials" not in PAGES["full"]


def test_many_alarms_are_cut_and_counted() -> None:
    assert "and 18 more, marked in the table" in PAGES["large"]


def test_a_large_plan_keeps_its_size_within_reason() -> None:
    """About a kilobyte for each step; the drawing is made to fit."""
    plan = large_plan(150)
    text = html(plan)
    assert len(text) < 40_000 + 1_200 * len(plan.steps)
    assert len(Page(text).of("rect")) < 600
    assert "are too many to draw" in text
    assert text.count('<tr id="step-') == len(plan.steps)


def test_script_and_style_cannot_end_before_their_end() -> None:
    for asset in files("kiamo_iac.render.html").iterdir():
        if asset.name.endswith((".css", ".js")):
            text = asset.read_text(encoding="utf-8").lower()
            assert "</" not in text
            assert "<!--" not in text
            assert "\r" not in text


def test_a_template_that_asks_for_what_is_not_there_is_an_error() -> None:
    with pytest.raises(UndefinedError):
        pages.page("plan.html.j2")


def test_jinja_is_imported_for_html_alone() -> None:
    code = (
        "import sys, importlib\n"
        "from kiamo_iac.render.base import Style, drift_renderer, plan_renderer\n"
        "from kiamo_iac.render.formats import DRIFT_FORMATS, PLAN_FORMATS\n"
        "[plan_renderer(name, Style()) for name in PLAN_FORMATS if name != 'html']\n"
        "[drift_renderer(name, Style()) for name in DRIFT_FORMATS if name != 'html']\n"
        "import kiamo_iac.render.graph.svg, kiamo_iac.cli.graph\n"
        "assert 'jinja2' not in sys.modules\n"
        "plan_renderer('html', Style())\n"
        "assert 'jinja2' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_d15_no_card_counts_nothing() -> None:
    refused = Page(PAGES["refused"])
    counts = refused.elements.index(("ul", {"class": "counts", "aria-label": "How many steps of each action"}))
    cards = [attributes for tag, attributes in refused.elements[counts:] if tag == "li"]
    assert [card.get("class", "") for card in cards if not card.get("class", "").startswith("diagnostic")] == [
        "is-update"
    ]
    assert 'class="counts"' not in html(Plan("staging", "https://k.example.com", ()))


@pytest.mark.parametrize(("name", "there"), [("full", True), ("refused", False), ("empty", False)])
def test_d15_the_command_is_only_on_the_page_of_a_plan_that_can_be_applied(name: str, there: bool) -> None:
    page = HtmlPlan(Style()).render(PLANS[name](), context=PageContext("kiamo-iac apply -e 'a & b'"))
    assert ("kiamo-iac apply -e &#39;a &amp; b&#39;" in page) is there


def test_d15_a_group_says_what_is_in_it_on_one_line() -> None:
    large = Page(PAGES["large"])
    groups = [
        attributes for tag, attributes in large.elements if tag == "details" and attributes.get("class") == "group"
    ]
    assert [group["id"] for group in groups] == [f"group-{number}" for number in range(1, 32)]
    assert not any("open" in group for group in groups)
    assert all("open" in a for t, a in Page(PAGES["full"]).elements if t == "details" and a.get("class") == "group")
    assert '<span class="act is-create">12 create</span> <span class="act is-start">1 start</span> ' in PAGES["large"]
