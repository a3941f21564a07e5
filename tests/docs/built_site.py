"""The site as it was built: every page is whole by itself, and none calls another host. Run by `make site`."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests.cli.program import ROOT
from tests.docs.page import DOCS, pages

SITE = ROOT / "build" / "site"
LOADED = {
    "script": "src",
    "link": "href",
    "img": "src",
    "iframe": "src",
    "source": "srcset",
    "object": "data",
    "use": "href",
}
"""Elements that make a browser fetch something, and the attribute that says what."""


class _Page(HTMLParser):
    """What a page loads, links to, and can be linked to."""

    def __init__(self) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.linked: list[str] = []
        self.anchors: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        if (identifier := told.get("id") or told.get("name")) is not None:
            self.anchors.add(identifier)
        if tag == "link" and told.get("rel") in {"canonical", "next", "prev"}:
            return
        if tag in LOADED and (address := told.get(LOADED[tag])):
            self.loaded.append(address)
        if tag == "a" and (address := told.get("href")):
            self.linked.append(address)


def read(path: Path) -> _Page:
    """A built page."""
    page = _Page()
    page.feed(path.read_text(encoding="utf-8"))
    return page


BUILT = sorted(SITE.rglob("*.html"))


def test_every_page_of_docs_was_built() -> None:
    names = {path.relative_to(SITE).as_posix() for path in BUILT}
    wanted = {page.relative_to(DOCS).with_suffix(".html").as_posix() for page in pages()}
    wanted = {re.sub(r"README\.html$", "index.html", name) for name in wanted}
    assert wanted | {"404.html", "changelog.html", "contributing.html", "security.html"} == names


@pytest.mark.parametrize("path", BUILT, ids=lambda path: path.relative_to(SITE).as_posix())
def test_the_page_is_whole_by_itself(path: Path) -> None:
    page = read(path)
    base = SITE if path.name == "404.html" else path.parent
    for address in (*page.loaded, *page.linked):
        parts = urlsplit(address)
        if parts.scheme in {"http", "https", "mailto"} and address in page.linked and address not in page.loaded:
            continue  # a link that a reader may follow
        assert (parts.scheme, parts.netloc) == ("", ""), address
        target = (base / unquote(parts.path).lstrip("/" if base is SITE else "")) if parts.path else path
        if target.is_dir():
            target /= "index.html"
        assert target.is_file(), address
        if parts.fragment and target.suffix == ".html" and not parts.fragment.startswith("__"):
            assert unquote(parts.fragment) in (page if target == path else read(target)).anchors, address


def test_nothing_is_fetched_by_style_sheets_and_scripts_of_ours() -> None:
    for sheet in SITE.rglob("*.css"):
        assert not re.search(r"url\(['\"]?(?:https?:)?//", sheet.read_text(encoding="utf-8")), sheet
        assert "@import" not in sheet.read_text(encoding="utf-8")


def test_the_search_knows_every_page() -> None:
    index = json.loads((SITE / "search" / "search_index.json").read_text(encoding="utf-8"))
    told = {entry["location"].partition("#")[0] for entry in index["docs"]}
    assert {"index.html", "tutorial.html", "fr/prise-en-main.html", "reference/commands.html"} <= told
