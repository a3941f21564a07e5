"""Edits of a text: what they change, and that they change nothing else."""

from __future__ import annotations

import difflib
from collections.abc import Callable

import pytest

from kiamo_iac.core.errors import EditError, ManifestError
from kiamo_iac.document.editing import Editor
from kiamo_iac.document.parser import parse
from kiamo_iac.document.tree import Tree
from tests.document.reading import TOKEN

MANIFEST = """\
# yaml-language-server: $schema=x
services:
  - name: Outbound Sales # a reference

bases:
  - name: prospects
    label: Prospects   # as they call it
    fields:
      # where they live
      - { name: city, label: City }
      - { name: age, label: Age } # in years
      # - { name: old }
    note: | # shown to supervisors
      one
      two
    # No state here.
other: [a, b]
"""

Edit = Callable[[Editor], None]


def edited(text: str, *edits: Edit) -> str:
    editor = Editor(text, file="m.yaml")
    for edit in edits:
        edit(editor)
    return editor.text()


def changed(text: str, *edits: Edit) -> list[str]:
    """The lines that go and those that come, in the form of a diff."""
    lines = difflib.ndiff(text.splitlines(), edited(text, *edits).splitlines())
    return [line for line in lines if line[0] in "+-"]


@pytest.mark.parametrize(
    ("edit", "lines"),
    [
        (
            lambda e: e.set(("bases", 0, "label"), "0612345678"),
            ["-     label: Prospects   # as they call it", '+     label: "0612345678"   # as they call it'],
        ),
        (
            lambda e: e.set(("bases", 0, "fields", 1, "label"), "Age, in years"),
            [
                "-       - { name: age, label: Age } # in years",
                '+       - { name: age, label: "Age, in years" } # in years',
            ],
        ),
        (
            lambda e: e.append(("bases", 0, "fields"), {"name": "zip", "label": "Zip"}),
            ["+       - { name: zip, label: Zip }"],
        ),
        (
            lambda e: e.remove(("bases", 0, "fields", 0)),
            ["-       # where they live", "-       - { name: city, label: City }"],
        ),
        (
            lambda e: e.set(("bases", 0, "note"), "one"),
            [
                "-     note: | # shown to supervisors",
                "+     note: one  # shown to supervisors",
                "-       one",
                "-       two",
            ],
        ),
        (
            lambda e: e.set(("bases", 0, "label"), "one\ntwo\n"),
            [
                "-     label: Prospects   # as they call it",
                "+     label: |   # as they call it",
                "+       one",
                "+       two",
            ],
        ),
        (lambda e: e.set(("bases", 0, "protect"), True, after="name"), ["+     protect: true"]),
        (
            lambda e: e.set(("bases", 0, "batches"), [{"name": "spring", "service": "y"}]),
            ["+     batches:", "+       - name: spring", '+         service: "y"'],
        ),
        (lambda e: e.append(("other",), "c"), ["- other: [a, b]", "+ other: [a, b, c]"]),
        (lambda e: e.remove(("other", 0)), ["- other: [a, b]", "+ other: [b]"]),
        (lambda e: e.remove(("other", 1)), ["- other: [a, b]", "+ other: [a]"]),
        (lambda e: e.set(("other",), []), ["- other: [a, b]", "+ other: []"]),
        (
            lambda e: e.remove(("services",)),
            ["- services:", "-   - name: Outbound Sales # a reference"],
        ),
        (lambda e: e.set(("bases", 0, "label"), "Prospects"), []),
    ],
)
def test_an_edit_changes_what_it_is_about(edit: Edit, lines: list[str]) -> None:
    assert changed(MANIFEST, edit) == lines


def test_a_mapping_or_list_that_is_left_empty_stays() -> None:
    text = "a:\n  - b: 1 # one\n    # about c\nd: 2\n"
    assert edited(text, lambda e: e.remove(("a", 0, "b"))) == "a:\n  - {}\nd: 2\n"
    assert edited(text, lambda e: e.remove(("a", 0))) == "a: []\nd: 2\n"
    assert edited("a: 1\n", lambda e: e.remove(("a",))) == "{}\n"
    assert edited("a: {b: 1}\n", lambda e: e.remove(("a", "b"))) == "a: {}\n"


def test_edits_build_on_each_other() -> None:
    result = edited(
        MANIFEST,
        lambda e: e.append(("bases",), {"name": "clients", "label": "Clients"}),
        lambda e: e.set(("bases", 1, "label"), "Clientèle"),
        lambda e: e.set(("bases", 1, "fields"), []),
        lambda e: e.append(("bases", 1, "fields"), {"name": "city", "label": "City"}),
        lambda e: e.append(("bases", 1, "fields"), {"name": "age", "label": "Age"}),
        lambda e: e.remove(("bases", 1, "fields", 0)),
    )
    assert "  - name: clients\n    label: Clientèle\n    fields:\n      - { name: age, label: Age }\n" in result


@pytest.mark.parametrize(
    ("before", "edit", "after"),
    [
        ("", lambda e: e.set(("a",), 1), "a: 1\n"),
        ("# nothing\n", lambda e: e.set(("a",), [1]), "# nothing\na:\n  - 1\n"),
        ("# nothing", lambda e: e.set(("a",), 1), "# nothing\na: 1\n"),
        ("---\n...\n", lambda e: e.set(("a",), 1), "---\na: 1\n...\n"),
        ("a:\n", lambda e: e.append(("a",), 1), "a:\n  - 1\n"),
        ("a: # c\n", lambda e: e.append(("a",), 1), "a:  # c\n  - 1\n"),
        ("a: []\n", lambda e: e.append(("a",), {"b": 1}), "a:\n  - b: 1\n"),
        ("a: ~\n", lambda e: e.set(("a", "b"), 1), "a:\n  b: 1\n"),
        ("a:\n- 1\n", lambda e: e.append(("a",), 2), "a:\n- 1\n- 2\n"),
        ("a:\n- 1\n# about b\nb: 2\n", lambda e: e.append(("a",), 2), "a:\n- 1\n- 2\n# about b\nb: 2\n"),
        ("a:\n    -   b: 1\n", lambda e: e.set(("a", 0, "c"), 2), "a:\n    -   b: 1\n        c: 2\n"),
        ("a: 1\n\nb: 2\n", lambda e: e.set(("c",), 3), "a: 1\n\nb: 2\n\nc: 3\n"),
        ("a: 1\n\nb: 2\n\nc: 3\n", lambda e: e.remove(("b",)), "a: 1\n\nc: 3\n"),
        ("a: 1", lambda e: e.set(("b",), 2), "a: 1\nb: 2"),
        ("a: |\n  x", lambda e: e.set(("b",), 2), "a: |-\n  x\nb: 2"),
        ("a: |+\n  x\n\n", lambda e: e.set(("b",), 2), "a: |+\n  x\n\nb: 2\n"),
        ("a: 1\r\nb: 2\r\n", lambda e: e.set(("c",), [1]), "a: 1\r\nb: 2\r\nc:\r\n  - 1\r\n"),
        ("\ufeffa: 1\n", lambda e: e.set(("a",), 2), "\ufeffa: 2\n"),
        ("a:\tx\t# c\n", lambda e: e.set(("a",), "z"), "a:\tz\t# c\n"),
        ("a:\tx\t# c\n", lambda e: e.set(("a",), [1]), "a:  # c\n  - 1\n"),
        ("a: [b: 1]\n", lambda e: e.set(("a", 0, "c"), 2), "a: [{b: 1, c: 2}]\n"),
        ("a: {b}\n", lambda e: e.set(("a", "b"), 2), "a: {b: 2}\n"),
        ("a: {b: , c: 1}\n", lambda e: e.set(("a", "b"), 2), "a: {b: 2 , c: 1}\n"),
        ("a: [\n  1, # one\n  2 # two\n]\n", lambda e: e.append(("a",), 3), "a: [\n  1, # one\n  2, # two\n  3\n]\n"),
        ("a: [\n  1, # one\n  2,\n]\n", lambda e: e.remove(("a", 0)), "a: [\n  2,\n]\n"),
        ("a: [\n  1,\n  2,\n]\n", lambda e: e.append(("a",), 3), "a: [\n  1,\n  2,\n  3,\n]\n"),
        ("? a\n: 1\n", lambda e: e.set(("a",), 2), "? a\n: 2\n"),
        ("- - 1\n  - 2\n", lambda e: e.remove((0, 0)), "- - 2\n"),
        ("- a: 1 # one\n  # two\n  b: 2\n", lambda e: e.remove((0, "a")), "-\n  # two\n  b: 2\n"),
        ("a: &x\n  b: 1\n", lambda e: e.set(("a",), 1), "a: 1\n"),
        ("a:\n  b: 1\n  # deep\nc: 2\n", lambda e: e.remove(("a",)), "c: 2\n"),
        ("# top\na: 1\nb: 2\n", lambda e: e.remove(("a",)), "# top\nb: 2\n"),
        ("x: 1\n# about a\na: 1 # one\nb: 2\n", lambda e: e.remove(("a",)), "x: 1\nb: 2\n"),
        ("a: 1\n  # deep\n", lambda e: e.set(("a",), "l1\nl2\n"), 'a: "l1\\nl2\\n"\n  # deep\n'),
        ("[1, 2]\n", lambda e: e.set((), {"a": 1}), "a: 1\n"),
        ("'é': \"ü\"\n", lambda e: e.set(("é",), "日本"), "'é': 日本\n"),
    ],
)
def test_every_style(before: str, edit: Edit, after: str) -> None:
    assert edited(before, edit) == after


def test_an_alias_is_written_out_where_it_would_change_with_its_anchor() -> None:
    text = "a: &x {k: 1}\nb: *x # same\nc:\n  - *x\n"
    assert edited(text, lambda e: e.set(("a", "k"), 2)) == "a: &x {k: 2}\nb: {k: 1} # same\nc:\n  - {k: 1}\n"
    assert edited(text, lambda e: e.remove(("a",))) == "b: {k: 1} # same\nc:\n  - {k: 1}\n"


def test_an_alias_that_is_edited_becomes_a_copy() -> None:
    text = "a: &x {k: 1}\nb: *x # same\nc: *x\n"
    assert edited(text, lambda e: e.set(("b", "k"), 2)) == "a: &x {k: 1}\nb: {k: 2} # same\nc: *x\n"
    assert edited(text, lambda e: e.set(("b",), "z")) == "a: &x {k: 1}\nb: z # same\nc: *x\n"


@pytest.mark.parametrize(
    ("edit", "place", "words"),
    [
        (lambda e: e.set(("a", 7), 1), "m.yaml:1:4", "it does not exist"),
        (lambda e: e.set(("b", "c", "d"), 1), "m.yaml:2:1", "it does not exist"),
        (lambda e: e.remove(("x",)), "m.yaml:1:1", "it does not exist"),
        (lambda e: e.remove(()), "m.yaml:1:1", "the whole document cannot be removed"),
        (lambda e: e.append(("b",), 1), "m.yaml:2:1", "it is not a list"),
        (lambda e: e.set(("b",), float("nan")), "m.yaml:2:1", "cannot be written as YAML"),
        (lambda e: e.set(("b",), 2**63), "m.yaml:2:1", "cannot be written as YAML"),
    ],
)
def test_what_cannot_be_edited_is_said_and_nothing_changes(edit: Edit, place: str, words: str) -> None:
    editor = Editor("a: [1]\nb: 2\n", file="m.yaml")
    with pytest.raises(EditError) as caught:
        edit(editor)
    (diagnostic,) = caught.value.diagnostics
    assert (diagnostic.code, str(diagnostic.source)) == ("KIA0121", place)
    assert words in diagnostic.summary
    assert diagnostic.hint == 'edit "m.yaml" by hand'
    assert editor.data == {"a": [1], "b": 2}
    assert editor.text() == "a: [1]\nb: 2\n"


def test_a_text_that_would_be_refused_is_never_given() -> None:
    editor = Editor("a: 1\nb: 2\n", file="m.yaml")
    editor.set(("b",), TOKEN)
    with pytest.raises(EditError, match="would be invalid") as caught:
        editor.text()
    assert TOKEN not in str(caught.value)


def test_a_text_that_says_something_else_is_never_given() -> None:
    editor = Editor("a: 1\nb: 2\n", file="m.yaml")
    editor.set(("b",), 3)
    editor.data["b"] = True
    with pytest.raises(EditError, match=r"m\.yaml:2:1: \"b\" cannot be changed: the edited file would not contain"):
        editor.text()


def test_a_text_with_errors_is_not_edited() -> None:
    with pytest.raises(ManifestError) as caught:
        Editor("a: 0612\n", file="m.yaml")
    assert [d.code for d in caught.value.diagnostics] == ["KIA0114"]


def test_data_is_what_parse_gives_and_nothing_stands_twice() -> None:
    text = "a: &x {k: [1]}\nb: *x\n"
    editor = Editor(text, file="m.yaml")
    assert editor.data == parse(text, file="m.yaml").data
    assert editor.data["a"] is not editor.data["b"]
    editor.append(("a", "k"), 2)
    assert editor.data == {"a": {"k": [1, 2]}, "b": {"k": [1]}}


def test_keys_that_are_named_go_into_brackets() -> None:
    editor = Editor("bases:\n  - name: a\n", file="m.yaml", flow=("fields",))
    editor.set(("bases", 0, "fields"), [{"name": "city", "label": "City"}])
    assert editor.text().endswith("    fields:\n      - {name: city, label: City}\n")


def test_a_value_follows_the_style_of_its_cousins() -> None:
    text = "b:\n  - name: x\n    to: {phone: 1}\n  - name: y\n"
    assert edited(text, lambda e: e.set(("b", 1, "to"), {"phone": 2})).endswith("  - name: y\n    to: {phone: 2}\n")


def test_many_edits_read_the_text_few_times(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []

    def counted(text: str) -> Tree:
        read.append(text)
        return Tree(text)

    monkeypatch.setattr("kiamo_iac.document.edit_batch.Tree", counted)
    text = "b:\n" + "".join(f"  - name: n{n}\n    l:\n      - 1\n      - 2\n      - 3\n" for n in range(100))
    editor = Editor(text, file="m.yaml")
    for n in range(100):
        editor.set(("b", n, "name"), f"m{n}")
        editor.append(("b", n, "l"), 4)
        editor.append(("b", n, "l"), 5)
        editor.remove(("b", n, "l", 1))
    assert editor.text().count("      - 5\n") == 100
    assert len(read) == 1


def test_a_text_that_is_an_empty_mapping_keeps_the_comments_before_it() -> None:
    editor = Editor("# c\n# d\n{}\n", file="m.yaml")
    editor.set(("bases",), [{"name": "b"}])
    assert editor.text().startswith("# c\n# d\n")
    assert parse(editor.text(), file="m.yaml").data == {"bases": [{"name": "b"}]}
