"""The diff that git applies: byte for byte, but for names that no diff can hold."""

from __future__ import annotations

from kiamo_iac.render.unified import unified_diff


def test_bytes_stay_as_they_are() -> None:
    found = unified_diff("a.yaml", "a: 1\r\nb: é\r\n", "a: 2\r\nb: é")
    assert found == (
        "--- a/a.yaml\n+++ b/a.yaml\n@@ -1,2 +1,2 @@\n-a: 1\r\n-b: é\r\n+a: 2\r\n+b: é\n\\ No newline at end of file\n"
    )


def test_a_name_is_no_line_of_its_own() -> None:
    head = unified_diff("x\n::error::f/a.yaml", None, "a: 1\n").splitlines()
    assert head[:2] == ["--- /dev/null", "+++ b/x\\u000a::error::f/a.yaml"]
