"""Mermaid, dot and SVG: what is written is of their grammar, and no name gets out of its quotes."""

from __future__ import annotations

import re
from html import unescape
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiamo_iac.render.escape import visible
from kiamo_iac.render.formats import GRAPH_FORMATS, graph_text
from kiamo_iac.render.graph.build import plan_graph
from kiamo_iac.render.graph.dot import dot, quoted
from kiamo_iac.render.graph.mermaid import MAX_EDGES, MAX_TEXT, escaped, mermaid
from kiamo_iac.render.graph.svg import MAX_NODES, shortened, svg, width
from tests.render.graph.graphs import HOSTILE, graph_of, large_plan
from tests.render.plans import PLANS

SVG = "{http://www.w3.org/2000/svg}"
TOKEN = "0123456789abcdef" * 2 + "01234567"

LABEL = r'"(?:[A-Za-z0-9 /_-]|<br/>|#\d+;|[^\W\d_a-zA-Z])*"'
MERMAID = re.compile(
    "|".join(
        (
            r"flowchart LR",
            r"  acc(?:Title|Descr): .*",
            rf"  subgraph g\d+\[{LABEL}\]",
            r"  end",
            rf" {{2,4}}n\d+\[{LABEL}\]:::[a-z]+",
            rf"  n\d+ -->(?:\|{LABEL}\|)? n\d+",
            r"  classDef [a-z]+ [a-z0-9:,# -]+",
        )
    )
)
"""Each line that this tool may write."""

STRING = r'"(?:[^"\\]|\\[\\"n])*"'
VALUE = rf"(?:{STRING}|[a-zA-Z]\w*|\d+(?:\.\d+)?)"
ATTRIBUTES = rf"\[{VALUE}={VALUE}(?:, {VALUE}={VALUE})*\]"
DOT = re.compile(
    rf"digraph kiamo \{{|\s*subgraph cluster_\d+ \{{|\s*\}}|\s+(?:graph|node|edge|n\d+) {ATTRIBUTES}"
    rf"|\s+n\d+ -> n\d+(?: {ATTRIBUTES})?"
)
"""A statement a line, in the part of the grammar that this tool writes; a backslash stands before what it may."""


@pytest.mark.parametrize("output", GRAPH_FORMATS)
@pytest.mark.parametrize("name", PLANS)
def test_a_format_is_whole_and_the_same_every_time(name: str, output: str) -> None:
    text = graph_text(plan_graph(PLANS[name]()), output=output)
    assert text.endswith("\n")
    assert text == graph_text(plan_graph(PLANS[name]()), output=output)


def test_every_line_of_mermaid_is_of_its_grammar() -> None:
    for graph in (graph_of(HOSTILE), *(graph_of((name,), group=name) for name in HOSTILE)):
        for line in mermaid(graph).splitlines():
            assert MERMAID.fullmatch(line), line


@given(st.text(max_size=40))
def test_mermaid_shows_any_name_as_it_is(name: str) -> None:
    """Its codes are those of HTML with another sign in front; that they are read so was looked at in mermaid itself."""
    text = escaped(name)
    assert not set(text) & set('"<>&[]{}()|`%\\\n:.*')
    assert "--" not in text
    assert re.sub(r"#(\d+);", lambda found: chr(int(found[1])), text) == visible(name)


def test_mermaid_stays_below_its_own_limits() -> None:
    wordy = graph_of(tuple(f"{at} {'名前' * 40}" for at in range(390)))
    for graph in (plan_graph(large_plan(30)), plan_graph(large_plan(200, alike=False)), wordy):
        text = mermaid(graph)
        assert text.count(" --> ") <= MAX_EDGES
        assert len(text) <= MAX_TEXT
        assert "similar nodes are drawn once" in text or "too many to draw" in text


def test_every_line_of_dot_is_of_its_grammar() -> None:
    for graph in (graph_of(HOSTILE), plan_graph(large_plan(3)), *(graph_of((name,), group=name) for name in HOSTILE)):
        for line in dot(graph).splitlines():
            assert DOT.fullmatch(line), line
        assert dot(graph).count("{\n") == dot(graph).count("}\n")


@given(st.text(max_size=40))
def test_dot_quotes_any_name(name: str) -> None:
    text = quoted(name)
    assert re.fullmatch(STRING, text)
    assert re.search(r"&(?!amp;)", text) is None
    if name.isascii() and name.isprintable() and "##" not in name:
        assert unescape(re.sub(r"\\(.)", r"\1", text[1:-1])) == unescape(name.replace("&", "&amp;"))


def test_svg_is_xml_whatever_the_names_are() -> None:
    for graph in (graph_of(HOSTILE), *(graph_of((name,), group=name) for name in HOSTILE)):
        tree = ET.fromstring(svg(graph))
        assert (tree.tag, tree.get("role")) == (f"{SVG}svg", "img")
        tags = {element.tag.removeprefix(SVG) for element in tree.iter()}
        assert tags <= {
            "svg", "title", "desc", "style", "defs", "marker", "clipPath", "path", "rect", "text", "g", "use"
        }  # fmt: skip
        for element in tree.iter():
            assert not {name for name in element.attrib if name.startswith("on") or name in {"style", "href"}} - (
                {"href"} if element.tag == f"{SVG}use" else set()
            )
            assert (element.get("href") or "#").startswith("#")
    labels = {element.get("id"): element.text for element in ET.fromstring(svg(graph_of(HOSTILE))).iter()}
    assert (labels["graph-title"], labels["graph-desc"]) == ("A title", "A description.")


def test_svg_says_all_of_a_name_in_a_title_and_what_fits_in_the_box() -> None:
    name = "a name that is much longer than any box could ever be, and then some more of it"
    tree = ET.fromstring(svg(graph_of((name,))))
    texts = [element.text or "" for element in tree.iter(f"{SVG}text")]
    assert any(text.startswith("a name t") and text.endswith("ore of it") and "…" in text for text in texts)
    assert [e.text for e in tree.iter(f"{SVG}title")][1] == f"step 0: create field x/{name}"


def test_a_large_plan_becomes_a_drawing_that_can_be_looked_at() -> None:
    text = svg(plan_graph(large_plan(300)))
    tree = ET.fromstring(text)
    assert len([g for g in tree.iter(f"{SVG}g") if (g.get("class") or "").startswith("node")]) <= MAX_NODES
    assert len(text) < 400_000
    assert "too many to draw" in text


@pytest.mark.parametrize("output", GRAPH_FORMATS)
def test_what_looks_like_a_token_is_hidden_before_anything_is_cut(output: str) -> None:
    text = graph_text(graph_of((TOKEN, f"a {TOKEN}")), output=output)
    assert TOKEN[:12] not in text
    assert "hidden" in text


def test_d15_what_is_drawn_once_says_how_many_it_is() -> None:
    tree = ET.fromstring(svg(plan_graph(large_plan(900))))
    shown = [e.text or "" for e in tree.iter(f"{SVG}text") if e.get("class") == "node-name"]
    assert any(name.startswith("bas") and name.endswith("000 and 899 more") for name in shown)


def test_text_is_cut_to_the_room_that_there_is() -> None:
    assert shortened("short", room=100, size=13) == "short"
    for text in ("a" * 100, "W" * 100, "名" * 100, "é" * 100):
        cut = shortened(text, room=100, size=13)
        assert cut == f"{text[: cut.index('…')]}…{text[: len(cut) - cut.index('…') - 1]}"
        assert width(cut, size=13) <= 100


def test_d15_long_names_that_differ_at_their_ends_differ_in_the_drawing() -> None:
    names = tuple(f"churn-winback-agency-{at:04}" for at in range(1, 11))
    tree = ET.fromstring(svg(graph_of(names)))
    shown = [e.text for e in tree.iter(f"{SVG}text") if e.get("class") == "node-name"]
    assert len(set(shown)) == len(names)
    assert all((text or "").startswith("churn-w") for text in shown)
