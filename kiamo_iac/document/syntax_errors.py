"""libyaml's syntax errors in plain words, with a hint."""

from __future__ import annotations

import re
from typing import Any, Final, NamedTuple

from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.reader import ReaderError

# All but what libyaml's reader accepts (YAML 1.2, production c-printable): control characters, halves of pairs.
UNPRINTABLE: Final = "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"


class SyntaxProblem(NamedTuple):
    """A syntax error."""

    code: str
    summary: str
    hint: str
    offset: int
    """Of its first character in the text, 0-based."""


_WORDS: Final[dict[str, tuple[str, str]]] = {
    "mapping values are not allowed in this context": (
        'unexpected ": "',
        'quote a string that contains ": ", and check that the keys of a block begin in the same column',
    ),
    "mapping keys are not allowed in this context": ('unexpected "? "', "check the indentation"),
    "block sequence entries are not allowed in this context": (
        'unexpected "- "',
        'begin the list on a line of its own; quote a string that begins with "- "',
    ),
    "found character that cannot start any token": (
        "an unquoted string cannot begin with this character",
        "quote the string; indent with spaces, never with tabs",
    ),
    "could not find expected ':'": (
        'missing ":" after this key',
        'write "key: value", with a space after the colon',
    ),
    "did not find expected key": (
        "expected a key",
        "check the indentation, and that a string that contains quotes is quoted as a whole",
    ),
    "did not find expected '-' indicator": ('expected a list item that begins with "- "', "check the indentation"),
    "did not find expected ',' or '}'": (
        'expected "," or "}"',
        "separate the entries of { } with commas and close it",
    ),
    "did not find expected ',' or ']'": (
        'expected "," or "]"',
        "separate the items of [ ] with commas and close it",
    ),
    "did not find expected node content": ("expected a value", "quote the string, or write the missing value"),
    "did not find expected <document start>": (
        "the document ends before this line",
        "check the indentation of the lines before",
    ),
    "found unexpected end of stream": (
        "the quoted string is not closed",
        "close it with the quote it begins with",
    ),
    "found unexpected document indicator": (
        'the quoted string contains a line "---" or "..."',
        "close the quote before it",
    ),
    "found unknown escape character": (
        "invalid escape sequence",
        "double the backslash, or use single quotes",
    ),
    "found unexpected ':'": (
        'unexpected ":" in an unquoted string',
        "inside { } and [ ], quote a string that contains a colon",
    ),
    "found undefined tag handle": ("tags are not supported", "remove the tag: only plain data is allowed"),
    "found incompatible YAML document": (
        "this version of YAML is not supported",
        "remove the %YAML line: manifests are YAML 1.2",
    ),
}
_CODES: Final = {"found undefined tag handle": "KIA0107", "found incompatible YAML document": "KIA0105"}
_FROM_ITS_BEGINNING: Final = frozenset({"found unexpected end of stream", "found unexpected document indicator"})
"""Errors that libyaml places where it stopped; they are reported where the string began."""


def explain(error: Exception, text: str) -> SyntaxProblem:
    """The problem for an exception that the parser raised on `text`."""
    if isinstance(error, MarkedYAMLError):
        return _marked(error, text)
    found = re.search(UNPRINTABLE, text)
    if isinstance(error, (ReaderError, UnicodeEncodeError)) and found:
        summary = f"the character U+{ord(found[0]):04X} is not allowed in YAML"
        hint = 'remove it, or write it as "\\x…" or "\\u…" in double quotes'
        return SyntaxProblem("KIA0119", summary, hint, found.start())
    return SyntaxProblem("KIA0101", "the file is not valid YAML", "check its syntax", 0)


def _marked(error: Any, text: str) -> SyntaxProblem:
    problem: str = error.problem or "syntax error"
    begins = problem in _FROM_ITS_BEGINNING and error.context_mark is not None
    mark = error.context_mark if begins else (error.problem_mark or error.context_mark)
    offset = mark.index if mark is not None else 0
    summary, hint = _WORDS.get(problem, (problem, "check the syntax of this line and the one before"))
    if text[offset : offset + 1] == "\t":
        summary, hint = "a tab is not allowed here", "indent with spaces"
    if text[max(offset - 1, 0) : offset + 1] == "${":
        hint = 'inside { } and [ ], quote a string that contains "${"'
    return SyntaxProblem(_CODES.get(problem, "KIA0101"), summary, hint, offset)
