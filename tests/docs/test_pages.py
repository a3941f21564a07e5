"""What can be said of the pages without running them: links lead somewhere, command lines are real, nothing is lost."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.lines import invocations, problem_of
from tests.cli.program import ROOT
from tests.docs.page import DOCS, Command, Edited, Fence, Written, commands, doings, fences, pages, pattern

TEXTS = sorted(
    [
        *pages(),
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        ROOT / "SECURITY.md",
        ROOT / "CHANGELOG.md",
        *ROOT.glob("examples/*.md"),
    ]
)
SITE = (ROOT / ".ci" / "mkdocs.yml").read_text(encoding="utf-8")
LINK = re.compile(r"!?\[[^\]]*\]\((?P<target>[^)\s]+)\)|(?:src|srcset)=\"(?P<picture>[^\"]+)\"")
SHELLS = {"", "console", "bash", "sh", "run", "powershell"}
"""Languages of fences in which command lines stand."""


def shown(page: Path) -> str:
    """How a page is called in the name of a test."""
    return page.relative_to(ROOT).as_posix()


def prose(page: Path) -> str:
    """A page without its blocks of code and its code within lines."""
    text = re.sub(r"^ *```.*?^ *```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"`[^`\n]+`", "code", text)


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headlines, as GitHub and the site make them."""
    text = re.sub(r"^ *```.*?^ *```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    heads = re.findall(r"^#+ +(.*)$", text, re.MULTILINE)
    return {re.sub(r"\s", "-", re.sub(r"[^\w\s-]", "", head).strip().lower()) for head in heads}


def links(page: Path) -> Iterator[tuple[str, str]]:
    """Path and anchor of every link of a page within the repository."""
    for found in LINK.finditer(prose(page)):
        target = found["target"] or found["picture"]
        if not re.match(r"\w+:", target):
            path, _, anchor = target.partition("#")
            yield path, anchor


@pytest.mark.parametrize("page", TEXTS, ids=shown)
def test_every_link_leads_somewhere(page: Path) -> None:
    lost = []
    for path, anchor in links(page):
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors(target)):
            lost.append(f"{path}#{anchor}")
    assert lost == []


@pytest.mark.parametrize("page", TEXTS, ids=shown)
def test_every_command_line_is_one_that_the_program_has(page: Path) -> None:
    if page.name == "CHANGELOG.md":
        return  # of other versions too
    wrong = [
        (line, problem)
        for fence in fences(page)
        if fence.language in SHELLS
        for line in fence.body.splitlines()
        for words in invocations(line.removeprefix("$ "))
        if (problem := problem_of(words))
    ]
    spoken = re.findall(r"(?<!`)`(kiamo-iac [^`\n]+)`(?!`)", page.read_text(encoding="utf-8"))
    wrong += [(line, problem) for line in spoken for words in invocations(line) if (problem := problem_of(words))]
    assert wrong == []


def test_every_page_has_its_place_on_the_site() -> None:
    told = set(re.findall(r"(\S+\.md)$", SITE, re.MULTILINE))
    named = {page.relative_to(DOCS).as_posix() for page in pages()}
    assert sorted(name for name in named - told if not re.fullmatch(r"adr/\d{4}-.*", name)) == []
    assert sorted(told - named) == ["changelog.md", "contributing.md", "security.md"]


def test_the_readme_is_short_and_leads_to_the_site_s_pages() -> None:
    linked = {path for path, _ in links(ROOT / "README.md")}
    assert {"docs/index.md", "docs/tutorial.md", "docs/fr/prise-en-main.md", "docs/reference/commands.md"} <= linked


@pytest.mark.parametrize(
    "page", ["tutorial.md", "fr/prise-en-main.md", "how-to/promotion.md", "how-to/your-kiamo-differs.md"]
)
def test_the_pages_that_matter_are_run(page: str) -> None:
    run = [doing for doing in doings(DOCS / page) if isinstance(doing, Command) and not doing.hidden]
    assert len(run) >= 4


def test_a_page_is_taken_apart_as_a_reader_reads_it(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        '# A\n\n```yaml title="a.yaml"\nb: 1\n```\n\n```console\n$ one \\\n>   two\nsaid\n…\n$ three\n```\n\n'
        "<!-- run\n$ unseen\n-->\n\n```\nnot run\n```\n",
        encoding="utf-8",
    )
    assert list(doings(page)) == [
        Written("a.yaml", "b: 1\n"),
        Command("one \\\n  two", "said\n…\n", 8),
        Command("three", "", 12),
        Command("unseen", "", 16, hidden=True),
    ]
    assert list(commands(Fence("console", "", "$ a\n\nb\n", 1))) == [Command("a", "\nb\n", 2)]


def test_an_edit_replaces_lines_that_are_there_once(tmp_path: Path) -> None:
    page, file = tmp_path / "page.md", tmp_path / "a.yaml"
    page.write_text('```diff title="a.yaml"\n a:\n-  - b\n+  - c\n+  - d\n```\n', encoding="utf-8")
    (edit,) = doings(page)
    assert edit == Edited("a.yaml", "a:\n  - b\n", "a:\n  - c\n  - d\n")
    file.write_text("x: 1\na:\n  - b\n", encoding="utf-8")
    edit.apply(tmp_path)
    assert file.read_text(encoding="utf-8") == "x: 1\na:\n  - c\n  - d\n"
    with pytest.raises(ValueError, match=r"a\.yaml has these lines 0 times"):
        edit.apply(tmp_path)


@pytest.mark.parametrize(
    ("said", "real", "fits"),
    [
        ("a\n", "a\n", True),
        ("a\n", "ab\n", False),
        ("…\na\n", "x\ny\na\n", True),
        ("…\na\n", "a\n", True),
        ("a…c\n", "abc\n", True),
        ("a…c\n", "ab\nc\n", False),
        ("a.c\n", "abc\n", False),
        ("", "said\n", False),
    ],
)
def test_dots_stand_for_anything(said: str, real: str, fits: bool) -> None:
    assert bool(re.fullmatch(pattern(said), real)) is fits
