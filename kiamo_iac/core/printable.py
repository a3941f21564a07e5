"""Data as it may be shown: nothing hidden, no secret, nothing that a terminal or the log of a CI system obeys.

What a CI system takes for a command in the output of a job:

GitHub Actions    `::name …::…` at the start of a line, behind white space too; `##[name …]…` anywhere in a line (the
                  runner's `ActionCommand.cs`); Gitea and Forgejo do the same
Azure Pipelines   `##vso[…]` anywhere in a line; `##[…]` formats (its page on logging commands)
TeamCity          `##teamcity[…]` anywhere in a line
GitLab CI         `section_start:…` before a carriage return and an escape: control characters, which nothing shows
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from kiamo_iac.core.secret import conceal, conceal_answer, redact

CI_PREFIX: Final = re.compile(r"##(?=\[|vso\[|teamcity\[)")
"""What begins a command anywhere in a line."""
_OBEYED: Final = re.compile(r"(?:^|[\r\n])(?:[^\S\r\n]*::|[^\r\n]*##(?:\[|vso\[|teamcity\[))")
_HIDDEN_CATEGORIES: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Controls (C0, DEL, C1), formats (bidi, zero-width, tags), lone surrogates, line and paragraph separators."""
BLANK: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0")
"""Letters and marks that are drawn as nothing (Unicode's Default_Ignorable_Code_Point)."""
_UNASSIGNED: Final = re.compile(
    "[\u2065\ufff0-\ufff8\U000e0000\U000e0002-\U000e001f\U000e0080-\U000e00ff\U000e01f0-\U000e0fff]"
)
"""Of those, what has no meaning yet."""
_STRAY_SELECTOR: Final = re.compile(
    "(?<![^\x00-\x7f\ufe00-\ufe0f\U000e0100-\U000e01ef])[\ufe00-\ufe0f\U000e0100-\U000e01ef](?!\u20e3)"
)
"""A variation selector says how the sign before it is drawn: an emoji, an ideograph. Behind a letter of ASCII (but for
keycaps) or another selector it says nothing, and bytes can be hidden in a row of them."""
_PAINT: Final = re.compile(r"(\x1b\[[0-9;]*m)")
"""Colours, as click writes them."""
_SUSPECT: Final = re.compile(r"[^\n\t\x20-\x7e]|##|^\s*::", re.MULTILINE)


def hidden(text: str) -> set[str]:
    """The characters of `text` that nobody would see."""
    if text.isascii():
        return {char for char in set(text) if char < " " or char == "\x7f"}
    found = {char for char in set(text) if unicodedata.category(char) in _HIDDEN_CATEGORIES or char in BLANK}
    return found.union(_UNASSIGNED.findall(text), _STRAY_SELECTOR.findall(text))


def visible(text: str) -> str:
    r"""`text` on one line, without secrets, with what cannot be seen written as `\uXXXX`, and CI commands broken."""
    return _visible(conceal(text))  # before anything is escaped or cut: of half a secret nobody could say what it is


def printable(text: str, longest: int) -> str:
    """Text that a server sent, made fit for a sentence: as `visible`, blanks as one space, tokens hidden, and what it
    repeats of sensitive settings; cut after `longest` characters."""
    line = redact(" ".join(conceal_answer(text)[: 8 * longest].split()))
    shown = _visible(line)
    return f"{shown[:longest]}…" if len(shown) > longest else shown


def guarded(line: str) -> str:
    """A line that does not open as a CI command (`::error::`)."""
    body = line.lstrip()
    return f"{line[: len(line) - len(body)]}\\u003a{body[1:]}" if body.startswith("::") else line


def inert(text: str, *, color: bool = False) -> str:
    """Lines as they may be written to a terminal or a log, whatever is in them; what is shown already stays as it is.

    `color`: colours stay too.
    """
    if _SUSPECT.search(text) is None:
        return text
    return "\n".join(guarded(_line(line, color=color)) for line in text.split("\n"))


def obeyed(text: str) -> str | None:
    """The first line of `text` that a CI system would take for a command, or None."""
    found = _OBEYED.search(text)
    if found is None:
        return None
    begin = found.start() + (found[0][:1] in {"\r", "\n"})
    return re.split(r"[\r\n]", text[begin:], maxsplit=1)[0]


def _line(line: str, *, color: bool) -> str:
    parts = _PAINT.split(line) if color else [line]
    shown = (part if color and _PAINT.fullmatch(part) else "\t".join(map(_visible, part.split("\t"))) for part in parts)
    return "".join(shown)


def _visible(text: str) -> str:
    if not (text.isascii() and text.isprintable()):
        text = text.translate({ord(char): _escaped(char) for char in hidden(text)})
    return CI_PREFIX.sub(r"#\\u0023", text)


def _escaped(char: str) -> str:
    code = ord(char)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
