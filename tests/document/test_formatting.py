"""The canonical layout: what it is, and that nothing is lost on the way there."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from kiamo_iac.core.diagnostics import Severity, has_errors
from kiamo_iac.core.errors import ManifestError
from kiamo_iac.document.equality import difference
from kiamo_iac.document.files import read_text
from kiamo_iac.document.formatting import comments_in, format_text
from kiamo_iac.document.parser import parse
from kiamo_iac.document.tree import Tree
from tests.document.commented import Writer

GOLDEN = Path(__file__).parent / "fmt"
CORPUS = Path(__file__).parent / "corpus"

MANY_DO_NOT_COUNT = (HealthCheck.filter_too_much,)
"""Most of what is drawn is assumed away, at times fifty in a row; the count of examples is of those that are left."""


def comments(text: str) -> list[str]:
    tree = Tree(text.removeprefix("\ufeff"))
    return [text.removeprefix("\ufeff")[comment.start : comment.end] for comment in tree.comments]


def laid_out(text: str) -> str:
    result = format_text(text, file="m.yaml")
    assert result.diagnostics == ()
    return result.text


@pytest.mark.parametrize("before", sorted(GOLDEN.glob("*.before.yaml")), ids=lambda path: path.name)
def test_golden(before: Path) -> None:
    after = before.with_name(before.name.replace(".before.", ".after.")).read_bytes().decode("utf-8")
    text = read_text(before, shown=before.name)
    assert laid_out(text) == after
    assert laid_out(after) == after
    assert comments(text) == comments(after)


def test_every_golden_file_has_its_pair() -> None:
    names = {path.name.split(".")[0] for path in GOLDEN.iterdir()}
    assert {path.name for path in GOLDEN.iterdir()} == {f"{n}.{w}.yaml" for n in names for w in ("before", "after")}


@given(st.randoms(use_true_random=False), st.booleans())
@settings(max_examples=250, deadline=None)
def test_nothing_is_lost_and_it_comes_to_rest(random: Random, anchors: bool) -> None:
    text = Writer(random, anchors=anchors).document()
    document = parse(text, file="m.yaml")
    assume(not has_errors(document.diagnostics))
    result = laid_out(text)
    assert difference(parse(result, file="m.yaml").data, document.data) is None
    assert comments(result) == comments(text)
    assert laid_out(result) == result
    newline = "\r\n" if "\r\n" in text else "\n"
    lines = result.split(newline)
    assert lines.pop() == ""
    assert "\n" not in "".join(lines)
    assert result.startswith("\ufeff") is False


@given(st.randoms(use_true_random=False))
@settings(max_examples=100, deadline=None, suppress_health_check=MANY_DO_NOT_COUNT)
def test_the_layout_of_what_has_no_literal_text_is_tidy(random: Random) -> None:
    text = Writer(random, anchors=False).document()
    assume(not has_errors(parse(text, file="m.yaml").diagnostics) and "|" not in text and ">" not in text)
    lines = laid_out(text).splitlines()
    for line, following in zip(lines, [*lines[1:], "x"], strict=True):
        assert line == line.rstrip()
        assert line or following
        assert (len(line) - len(line.lstrip(" "))) % 2 == 0
        assert "\t" not in line.partition("#")[0]


@pytest.mark.parametrize("path", sorted(CORPUS.glob("*.yaml")), ids=lambda path: path.name)
def test_the_corpus_is_laid_out_or_left_alone(path: Path) -> None:
    try:
        text = read_text(path, shown=path.name)
    except ManifestError:
        assert not path.name.startswith("accepted")
        return
    result = format_text(text, file=path.name)
    refused = [d for d in parse(text, file=path.name).diagnostics if d.severity is Severity.ERROR]
    assert list(result.diagnostics) == refused
    if refused:
        assert result.text == text


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", ""),
        ("\n\n", ""),
        ("# only\n", "# only\n"),
        ("---\n", "---\n"),
        ("a: 1", "a: 1\n"),
        ("\ufeffa: 1\n", "a: 1\n"),
        ("a:   1\r\nb: 2\r\n", "a: 1\r\nb: 2\r\n"),
        ("a: 'b'\n", "a: b\n"),
        ("a: '06'\n", 'a: "06"\n'),
        ("a: 'yes'\n", 'a: "yes"\n'),
        ("a: yes\n", "a: yes\n"),
        ("a: 12:30\n", "a: 12:30\n"),
        ('a: "b\\u00e9"\n', "a: bé\n"),
        ('a: "b\\u202e"\n', 'a: "b\\u202e"\n'),
        ("a: [ 'x, y' , \"z\" ]\n", 'a: ["x, y", z]\n'),
        ("'a b': 1\n", "a b: 1\n"),
        ("'1': 1\n", '"1": 1\n'),
        ("{a: 1, b: {c: [1,2]}}\n", "{a: 1, b: {c: [1, 2]}}\n"),
        ("a: {b: , c}\n", "a: {b: null, c: null}\n"),
        ("a: [b: 1]\n", "a: [{b: 1}]\n"),
        ("a:\r\n- b   # c\r\n- |\r\n   d\r\n", "a:\r\n  - b  # c\r\n  - |\r\n    d\r\n"),
        ("a: |\n   x\n\n\nb: 1\n", "a: |\n  x\n\nb: 1\n"),
        ("a: |+\n   x\n\n\nb: 1\n", "a: |+\n  x\n\n\nb: 1\n"),
        ("a: |\n   x", "a: |-\n  x\n"),
        ("|\n x\n", "|\n  x\n"),
        ("a: >-\n      x\n      y\n", "a: >-\n  x\n  y\n"),
        ("a:\n\n\n  b: 1\n", "a:\n  b: 1\n"),
        ('a: "x\n\n  y"\n', 'a: "x\n\n  y"\n'),
        ("# a\n\n\n\n# b\n", "# a\n\n# b\n"),
        ("a: 1 #b\n", "a: 1  #b\n"),
        ("a:\n- b\n#c\n", "a:\n  - b\n#c\n"),
        ("fields:\n  # - {name: old}\nb: 1\n", "fields:\n  # - {name: old}\nb: 1\n"),
        ("a: !!str   12\n", "a: !!str 12\n"),
        ("a: &x   [1]\nb:   *x\n", "a: &x [1]\nb: *x\n"),
        ("a:\n  &x\n  b: 1\n", "a: &x\n  b: 1\n"),
    ],
)
def test_small_things(before: str, after: str) -> None:
    assert laid_out(before) == after
    assert laid_out(after) == after


def test_brackets_stay_as_long_as_they_fit() -> None:
    fits, too_long = "x" * 110, "x" * 111
    assert laid_out(f"abc:   [{fits}, y]\n") == f"abc: [{fits}, y]\n"
    assert laid_out(f"abc: [{too_long}, y]\n") == f"abc:\n  - {too_long}\n  - y\n"
    assert laid_out(f"- {{a: {fits}}} # c\n") == f"- {{a: {fits}}}  # c\n"
    assert laid_out(f"- {{a: {fits}, b: 1}} # c\n") == f"# c\n- a: {fits}\n  b: 1\n"


def test_a_long_text_keeps_its_lines() -> None:
    short = "a: one\n    two\n"
    long = "a: " + "x" * 80 + "\n      " + "y" * 80 + "\n"
    assert laid_out(short) == "a: one two\n"
    assert laid_out(long) == "a: " + "x" * 80 + "\n  " + "y" * 80 + "\n"


def test_errors_are_told_and_the_text_stays() -> None:
    result = format_text("a:   0612\nb: [1\n", file="m.yaml")
    assert [d.code for d in result.diagnostics] == ["KIA0114", "KIA0101"]
    assert result.text == "a:   0612\nb: [1\n"


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("a: 1\n? " + "k" * 1001 + "\n: 2\n", "m.yaml:2:3", "a key is too long"),
        ("b: 1\na: |\n  x\u2028  y\n", "m.yaml:2:1", '"a" would change its value'),
    ],
)
def test_what_is_not_certain_is_refused(text: str, place: str, words: str) -> None:
    result = format_text(text, file="m.yaml")
    (diagnostic,) = result.diagnostics
    assert (diagnostic.code, str(diagnostic.source)) == ("KIA0120", place)
    assert words in diagnostic.summary
    assert diagnostic.hint
    assert result.text == text


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["b: 1"], '"the document" would change its value'),
        (["a: 1"], "a comment would be lost or moved"),
        (["a: 1  # d"], "a comment would be lost or moved"),
        (["a: [1  # c"], "the formatted file would be invalid"),
        (["# c", "a: 1", "", ""], "formatting it again would change it"),
    ],
)
def test_a_layout_that_is_wrong_is_never_given(lines: list[str], words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    real = format_text.__globals__["Layout"].lines
    monkeypatch.setattr(
        "kiamo_iac.document.layout.Layout.lines",
        lambda self: lines if self._text == "a:   1 # c\n" else real(self),
    )
    result = format_text("a:   1 # c\n", file="m.yaml")
    (diagnostic,) = result.diagnostics
    assert diagnostic.code == "KIA0120"
    assert words in diagnostic.summary
    assert result.text == "a:   1 # c\n"


@pytest.mark.parametrize("root", ["{}", "[]", "{a: 1}", "x", '"a: b"', "&x {a: 1}", "!!map {a: 1}"])
@pytest.mark.parametrize("before", ["# c\n", "# c\n\n# d\n", "---\n# c\n", "# c\n---\n"])
def test_comments_before_a_text_that_is_one_value(before: str, root: str) -> None:
    done = format_text(f"{before}{root}  # e\n", file="m.yaml")
    assert done.diagnostics == ()
    assert comments_in(done.text) == comments_in(f"{before}{root}  # e\n")
    assert done.text.count("#") == before.count("#") + 1


def test_a_comment_is_found_without_the_tree() -> None:
    text = 'a: | # b\n  # no\n  c\n# d\ne: "# no # no" # f\ng: h#no\n"i # no": [j, # k\n  l]\n'
    assert comments_in(text) == ["# b", "# d", "# f", "# k"]


def test_an_overlooked_comment_stops_the_layout(monkeypatch: pytest.MonkeyPatch) -> None:
    class Blind(Tree):
        def __init__(self, text: str) -> None:
            super().__init__(text)
            self.comments = []

    monkeypatch.setattr("kiamo_iac.document.formatting.Tree", Blind)
    done = format_text("a:   1\n# b\n", file="m.yaml")
    assert [d.code for d in done.diagnostics] == ["KIA0120"]
    assert done.text == "a:   1\n# b\n"
