"""The pages in French name what they follow, have not fallen behind, and are set as French is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.cli.program import ROOT
from tests.docs.page import DOCS
from tests.docs.test_pages import links, prose, shown
from tests.translations import Followed, main, revision_of, translations

PAGES = translations()
TRANSLATED = {
    "index.md",
    "tutorial.md",
    "how-to/pipelines.md",
    "how-to/promotion.md",
    "how-to/pre-commit.md",
    "how-to/bulk.md",
    "how-to/your-kiamo-differs.md",
}
"""What somebody who reads no English needs, from the first plan to a pipeline."""


@pytest.mark.parametrize("page", PAGES, ids=shown)
def test_a_translation_follows_the_page_as_it_is(page: Path) -> None:
    if problem := Followed.of(page).problem:
        pytest.fail(problem, pytrace=False)


def test_the_way_to_a_pipeline_is_there_in_french_and_linked_from_the_english_pages() -> None:
    followed = {Followed.of(page).english: page for page in PAGES}
    assert {DOCS / name for name in TRANSLATED} <= set(followed)
    for english, page in followed.items():
        assert page in {(english.parent / path).resolve() for path, _ in links(english)}, f"{english} has no link"


@pytest.mark.parametrize("page", PAGES, ids=shown)
def test_french_is_set_as_french(page: Path) -> None:
    """Spaces that do not break before `: ; ! ?` and within « », the apostrophe of typography."""
    text = re.sub(r"<!--.*?-->|\]\([^)]*\)", "", prose(page), flags=re.DOTALL)
    wrong = re.findall(r".{0,20}(?:[ \n][:;!?»]|\w[;!?](?!\w)|«[ \n\w]|\w'\w|\d \d{3}\b|\d %).{0,10}", text)
    assert [each for each in wrong if not re.fullmatch(r"[ :|-]*", each)] == []


def test_a_translation_that_has_fallen_behind_says_how_to_renew_it(tmp_path: Path) -> None:
    english, page = tmp_path / "page.md", tmp_path / "fr.md"
    english.write_text("# Page\n\nOne\ntwo.\n", encoding="utf-8")
    page.write_text("# Page\n\n*Traduction de [Page](page.md), révision `-`.*\n\nUn, deux.\n", encoding="utf-8")
    assert main(["--follow", str(page)]) == 0
    assert Followed.of(page).problem is None
    english.write_text("# Page\n\nOne two.\n", encoding="utf-8")  # only broken otherwise
    assert Followed.of(page).problem is None
    english.write_text("# Page\n\nOne, two.\n", encoding="utf-8")
    problem = Followed.of(page).problem
    assert problem is not None
    assert "fr.md follows " in problem
    assert problem.endswith("fr.md")
    assert "python -m tests.translations --follow " in problem
    assert Followed.of(page).changes().startswith("No commit has ")


def test_words_count_and_where_links_lead_does_not() -> None:
    assert revision_of("[a](b.md)") == revision_of("[a](c.md)") != revision_of("[b](b.md)")


def test_a_page_that_names_nothing_is_an_error(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Page\n\nText.\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"page\.md:3: name the page that it follows"):
        Followed.of(page)


def test_docs_fr_has_translations_alone() -> None:
    assert {page.name for page in (ROOT / "docs" / "fr").rglob("*")} == {page.name for page in PAGES}
