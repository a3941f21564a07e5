"""Patterns of a contract: what they match, where they find it, and which are refused."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiamo_iac.core.linear_pattern import (
    LONGEST_FOUND,
    LinearPattern,
    NotRegularError,
    PatternError,
    linear_pattern,
)

NAMES = r"[\w][\w .\-]*"
TEXTS = st.text(st.sampled_from("aZ9_ .-é½²٣\u0301\n\u200d!'"), max_size=12)


@given(
    text=TEXTS,
    pattern=st.sampled_from([NAMES, r"\W+", r"\\w", "(Sales|Été)", r"a{2,3}", r"[^\W\d]+", r"\d*", "(?i)z.", ""]),
)
def test_a_pattern_matches_what_python_matches(text: str, pattern: str) -> None:
    assert linear_pattern(pattern).matches(text) == bool(re.fullmatch(pattern, text))


@given(text=TEXTS.map(lambda text: text.replace("Z", "ERR_2060")))
def test_a_code_is_found_where_python_finds_it(text: str) -> None:
    found = re.search(r"ERR_\d{4}", text, re.ASCII)
    assert linear_pattern("ERR_[0-9]{4}").find(text) == (found[0] if found else None)


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        (r"ERR_\d+", "x ERR_2060, ERR_1", "ERR_2060"),
        (r"[A-Z]+_\d+", '{"code":"E_77","more":"F_1"}', "E_77"),
        (r"a|ab|abc", "xabcx", "abc"),
        (r"^ERR", "ERR", "ERR"),
        (r"ERR$", "x ERR", "ERR"),
        (r"\bE1\b", "xE1 E1", "E1"),
        (r"E\d*", "E" + "1" * 100, "E" + "1" * (LONGEST_FOUND - 1)),
        (r"E\d", "nothing", None),
        (r"E\d", "", None),
        (r"E{70}", "E" * 80, None),
    ],
)
def test_what_is_found(pattern: str, text: str, found: str | None) -> None:
    assert LinearPattern(pattern).find(text) == found


REFUSED = [
    (r"(?=a)b", "look-around, including look-ahead and look-behind, is not supported"),
    (r"(?<!a)b", "look-around"),
    (r"(a)\1", "backreferences are not supported"),
    (r"(?>a+)b", "unrecognized flag"),
    (r"(a{1,99}){1,99}", "expand to 9,900 parts, more than 1,000"),
    (r"(((a{9}){9}){9}){9}", "parts"),
    (r"(?:a{1,99}){11}{1}", None),
    (r"a{1001}", "expand to 1,001 parts"),
    (r"a{1001,}", "expand to 1,001 parts"),
    (r"a{,1001}", "expand to 1,001 parts"),
    ("a" * 501, "longer than 500 characters"),
    (r"[a-z&&b]", "it differs between engines"),
    (r"[[a]]", "it differs between engines"),
]


@pytest.mark.parametrize(("pattern", "why"), REFUSED)
def test_what_is_refused(pattern: str, why: str | None) -> None:
    with pytest.raises(PatternError, match=why):
        LinearPattern(pattern)


@pytest.mark.parametrize("pattern", ["(", "[", "a)|(b", "*", r"\p{L}", "a{2}{3}"])
def test_what_is_no_regular_expression_for_python(pattern: str) -> None:
    with pytest.raises(NotRegularError):
        LinearPattern(pattern)


EXPLOSIONS = [
    (r"(a+)+", "a"),
    (r"(a|a)*", "a"),
    (r"(a|aa)+", "a"),
    (r"(.*a){20}", "a"),
    (r"([a-z]+)*\d", "a"),
    (r"(\w+\s?)*", "a "),
    (r"a*a*a*a*a*a*b", "a"),
    (r"(a?){200}a{200}", "a"),
    (r"(a{0,30}){0,30}", "a"),
    (r"((a|b)?(ab|ba)?)*c", "ab"),
    (r"(x+x+)+y", "x"),
    (r"(\w|\d|[a-z])+", "a"),
]


@pytest.mark.parametrize(("pattern", "part"), EXPLOSIONS)
def test_what_stalls_python_ends(pattern: str, part: str) -> None:
    """Each would take Python longer than the world is old: that this test ends is what it says."""
    text = part * 5000
    assert not LinearPattern(pattern).matches(f"{text}!")
    assert linear_pattern(f"(?:{pattern})!").find(f"{text}?") is None
