"""A changed file: as a diff that people read, and as the one that git applies."""

from __future__ import annotations

from kiamo_iac.render.file_diff import unified, unified_diff


def test_lines_that_differ_with_those_around_them() -> None:
    text = unified("a: 1\nb:   2\nc: 3\n", "a: 1\nb: 2\nc: 3\n", name="m.yaml")
    assert text == "--- a/m.yaml\n+++ b/m.yaml\n@@ -1,3 +1,3 @@\n a: 1\n-b:   2\n+b: 2\n c: 3\n"


def test_nothing_where_nothing_differs() -> None:
    assert unified("a: 1\n", "a: 1\n", name="m.yaml") == ""


def test_a_missing_line_break_is_told() -> None:
    text = unified("a: 1", "a: 1\n", name="m.yaml")
    assert text.endswith("-a: 1\n\\ No newline at end of file\n+a: 1\n")


def test_what_cannot_be_seen_is_shown() -> None:
    text = unified("a: \x1b[2J\n", "a: \u202e\n##[group]\n", name="m\x1b.yaml")
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "##[" not in text
    assert "--- a/m\\u001b.yaml" in text


def test_colours_where_they_are_understood() -> None:
    text = unified("a: 1\n", "a: 2\n", name="m.yaml", color=True)
    assert "\x1b[31m-a: 1\x1b[0m" in text
    assert "\x1b[32m+a: 2\x1b[0m" in text


def test_bytes_stay_as_they_are() -> None:
    found = unified_diff("a.yaml", "a: 1\r\nb: é\r\n", "a: 2\r\nb: é")
    assert found == (
        "--- a/a.yaml\n+++ b/a.yaml\n@@ -1,2 +1,2 @@\n-a: 1\r\n-b: é\r\n+a: 2\r\n+b: é\n\\ No newline at end of file\n"
    )


def test_a_name_is_no_line_of_its_own() -> None:
    head = unified_diff("x\n::error::f/a.yaml", None, "a: 1\n").splitlines()
    assert head[:2] == ["--- /dev/null", "+++ b/x\\u000a::error::f/a.yaml"]
