"""Regular expressions of a contract, matched in time that is linear in the text.

Python's `re` tries every way to match: `(a+)+` takes years for 60 letters. Rust's engine, which pydantic
includes, tries all ways at once. It returns only whether a text matches, so `find` searches for the position.
"""

from __future__ import annotations

import re
import warnings
from bisect import bisect_left
from functools import lru_cache
from typing import Final

from pydantic_core import SchemaError, SchemaValidator, core_schema

LONGEST: Final = 500
"""Characters of a pattern."""
MOST_STEPS: Final = 1000
"""Parts of a pattern with `{m,n}` written out: each character of a text is compared with all of them."""
LONGEST_FOUND: Final = 64
"""Characters of a match that `find` returns."""

_TOKEN: Final = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\{(\d*)(?:,(\d*))?\}|.", re.DOTALL)
_ESCAPE: Final = re.compile(r"\\(.)", re.DOTALL)
_VERBOSE: Final = re.compile(r"\?[a-zA-Z]*x")
"""The flag x makes comments of text after `#`, which would hide parts from the count."""
_PYTHON: Final = {"w": r"[\p{L}\p{N}_]", "W": r"[^\p{L}\p{N}_]"}
"""Letters as Python has them: Rust adds combining marks."""


class PatternError(ValueError):
    """A pattern cannot be used; the message is the second half of a sentence on it."""


class NotRegularError(PatternError):
    """A pattern is not a regular expression."""


class LinearPattern:
    """One pattern, with the same meaning in Python and in Rust."""

    __slots__ = ("_finders", "_pattern", "_whole", "text")

    def __init__(self, text: str) -> None:
        """
        Raises:
            NotRegularError: it is no regular expression.
            PatternError: it has look-around or backreferences, differs between the two, or is too large.
        """
        self.text = text
        _check(text)
        self._pattern = _ESCAPE.sub(lambda found: _PYTHON.get(found[1], found[0]), text)
        self._whole = _validator(rf"\A(?:{self._pattern})\z")
        self._finders: tuple[SchemaValidator, SchemaValidator] | None = None
        """At the beginning, and anywhere; made when needed, since each may take 20 MB and names need neither."""

    def matches(self, text: str) -> bool:
        """Whether it matches the whole of `text`."""
        return self._whole.isinstance_python(text)

    def find(self, text: str) -> str | None:
        """The longest of the first matches in `text`, of up to 64 characters; None when there is none."""
        if self._finders is None:
            self._finders = _validator(rf"\A(?:{self._pattern})"), _validator(rf"(?:{self._pattern})")
        begins, anywhere = self._finders
        if not anywhere.isinstance_python(text):
            return None
        ends = range(len(text) + 1)
        end = bisect_left(ends, True, key=lambda end: anywhere.isinstance_python(text[:end]))
        for start in range(max(0, end - LONGEST_FOUND), end + 1):
            window = text[start : start + LONGEST_FOUND]
            if begins.isinstance_python(window):
                found = (window[:stop] for stop in range(len(window), -1, -1))
                return next((part for part in found if self.matches(part)), None)
        return None


@lru_cache(maxsize=256)
def linear_pattern(text: str) -> LinearPattern:
    """The pattern of `text`; made once.

    Raises:
        PatternError: as `LinearPattern`.
    """
    return LinearPattern(text)


def _check(text: str) -> None:
    if len(text) > LONGEST:
        msg = f"it is longer than {LONGEST} characters"
        raise PatternError(msg)
    steps = _steps(text)
    if steps > MOST_STEPS:
        msg = f"its repetitions expand to {steps:,} parts, more than {MOST_STEPS:,}"
        raise PatternError(msg)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            re.compile(text)
        except (re.error, OverflowError, RecursionError) as error:
            raise NotRegularError(str(error)) from None
        except Warning as error:
            msg = f"it differs between engines ({str(error).lower()})"
            raise PatternError(msg) from None


def _steps(text: str) -> int:
    """The number of its parts with every `{m,n}` written out.

    Raises:
        PatternError: it has comments, which could hide parts.
    """
    sums, lasts = [0], [0]
    for found in _TOKEN.finditer(text):
        if found[0] == "(":
            if _VERBOSE.match(text, found.end()):
                msg = "it has the flag x"
                raise PatternError(msg)
            sums.append(0)
            lasts.append(0)
            continue
        if found[0] == ")" and len(sums) > 1:
            lasts.pop()
            lasts[-1] = sums.pop() + 1
            sums[-1] += lasts[-1]
        elif found[0].startswith("{") and len(found[0]) > 1:
            times = max(int(found[2] or found[1] or 1), 1)
            sums[-1] += lasts[-1] * (times - 1)
            lasts[-1] *= times
        else:
            lasts[-1] = 1
            sums[-1] += 1
    return sum(sums)


def _validator(pattern: str) -> SchemaValidator:
    try:
        return SchemaValidator(core_schema.str_schema(pattern=pattern, regex_engine="rust-regex", strict=True))
    except SchemaError as error:
        why = str(error).rpartition("error: ")[2].strip().splitlines()[0] if "error: " in str(error) else ""
        msg = why or "it is too large"
        raise PatternError(msg) from None
