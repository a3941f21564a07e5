"""Data made safe for output: no hidden characters, no secrets, no commands for a terminal or a CI system.

`visible` and `printable` return one line, `quote` data inside a sentence, `inert` whole lines, and `shell_word` data
inside a command line that a person may copy.

Commands of CI systems in the output of a job:

GitHub Actions    `::name …::…` at the start of a line, behind white space too; `##[name …]…` anywhere in a line (the
                  runner's `ActionCommand.cs`); Gitea and Forgejo do the same
Azure Pipelines   `##vso[…]` anywhere in a line; `##[…]` formats (its page on logging commands)
TeamCity          `##teamcity[…]` anywhere in a line
GitLab CI         `section_start:…` before a carriage return and an escape: control characters, which are escaped
"""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any, Final

from kiamo_iac.core.secret import conceal, conceal_answer, redact

CI_PREFIX: Final = re.compile(r"##(?=\[|vso\[|teamcity\[)")
"""The beginning of a command anywhere in a line."""
_OBEYED: Final = re.compile(r"(?:^|[\r\n])(?:[^\S\r\n]*::|[^\r\n]*##(?:\[|vso\[|teamcity\[))")
_HIDDEN_CATEGORIES: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Controls (C0, DEL, C1), formats (bidi, zero-width, tags), lone surrogates, line and paragraph separators."""
BLANK: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0")
"""Letters and marks that are drawn as nothing (Unicode's Default_Ignorable_Code_Point)."""
_UNASSIGNED: Final = re.compile(
    "[\u2065\ufff0-\ufff8\U000e0000\U000e0002-\U000e001f\U000e0080-\U000e00ff\U000e01f0-\U000e0fff]"
)
"""Of those, the unassigned code points."""
_STRAY_SELECTOR: Final = re.compile(
    "(?<![^\x00-\x7f\ufe00-\ufe0f\U000e0100-\U000e01ef])[\ufe00-\ufe0f\U000e0100-\U000e01ef](?!\u20e3)"
)
"""Variation selectors without an effect. A selector chooses the form of the sign before it (an emoji, an ideograph);
after an ASCII letter (but for keycaps) or another selector it has none, and a row of them can hide bytes."""
_COLOR: Final = re.compile(r"(\x1b\[[0-9;]*m)")
"""Colours, as click writes them."""
_SUSPECT: Final = re.compile(r"[^\n\t\x20-\x7e]|##|^\s*::", re.MULTILINE)


def hidden(text: str) -> set[str]:
    """The characters of `text` that are invisible."""
    if text.isascii():
        return {char for char in set(text) if char < " " or char == "\x7f"}
    found = {char for char in set(text) if unicodedata.category(char) in _HIDDEN_CATEGORIES or char in BLANK}
    return found.union(_UNASSIGNED.findall(text), _STRAY_SELECTOR.findall(text))


def visible(text: str) -> str:
    r"""`text` on one line, without secrets, with invisible characters as `\uXXXX`, and CI commands broken."""
    return _visible(conceal(text))  # before anything is escaped or cut: half a secret is not recognised


def printable(text: str, longest: int) -> str:
    """Text that a server sent, for use in a sentence: as `visible`, with blanks as one space, without tokens and
    sensitive settings that it repeats; cut after `longest` characters."""
    line = redact(" ".join(conceal_answer(text)[: 8 * longest].split()))
    shown = _visible(line)
    return f"{shown[:longest]}…" if len(shown) > longest else shown


def guarded(line: str) -> str:
    """A line that does not open as a CI command (`::error::`)."""
    body = line.lstrip()
    return f"{line[: len(line) - len(body)]}\\u003a{body[1:]}" if body.startswith("::") else line


def inert(text: str, *, color: bool = False) -> str:
    """Lines that are safe on a terminal or in a log; text that is safe already is returned as it is.

    `color`: keep colours.
    """
    if _SUSPECT.search(text) is None:
        return text
    return "\n".join(guarded(_line(line, color=color)) for line in text.split("\n"))


def obeyed(text: str) -> str | None:
    """The first line of `text` that a CI system would obey, or None."""
    found = _OBEYED.search(text)
    if found is None:
        return None
    begin = found.start() + (found[0][:1] in {"\r", "\n"})
    return re.split(r"[\r\n]", text[begin:], maxsplit=1)[0]


def _line(line: str, *, color: bool) -> str:
    parts = _COLOR.split(line) if color else [line]
    shown = (part if color and _COLOR.fullmatch(part) else "\t".join(map(_visible, part.split("\t"))) for part in parts)
    return "".join(shown)


def _visible(text: str) -> str:
    if not (text.isascii() and text.isprintable()):
        text = text.translate({ord(char): _escaped(char) for char in hidden(text)})
    return CI_PREFIX.sub(r"#\\u0023", text)


def _escaped(char: str) -> str:
    code = ord(char)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


LONGEST_QUOTE: Final = 60
"""Characters."""


def quote(text: str) -> str:
    """`text` in double quotes, as diagnostics show data: without tokens, cut after 60 characters."""
    shown = redact(conceal(text))
    return f'"{shown[:LONGEST_QUOTE]}…"' if len(shown) > LONGEST_QUOTE else f'"{shown}"'


def json_pair(one: Any, other: Any, longest: int = 120) -> tuple[str, str]:
    """Two values that differ, each as JSON on one line, for a sentence: without tokens and sensitive settings, cut
    around their first difference. Blanks are kept; what looks the same in both is written in ASCII."""
    alike = _folded(one) == _folded(other)
    texts = [visible(redact(conceal_answer(json.dumps(v, ensure_ascii=alike)))) for v in (one, other)]
    begin = max(next((n for n, (a, b) in enumerate(zip(*texts, strict=False)) if a != b), 0) - longest // 2, 0)
    begin = begin if max(map(len, texts)) > longest else 0
    first, second = (_part(text, begin, longest) for text in texts)
    return first, second


def _folded(value: Any) -> str:
    return " ".join(unicodedata.normalize("NFKC", json.dumps(value, ensure_ascii=False)).casefold().split())


def _part(text: str, begin: int, longest: int) -> str:
    return ("…" if begin else "") + text[begin : begin + longest] + ("…" if begin + longest < len(text) else "")


_BARE: Final = re.compile(r"[A-Za-z0-9_./=:+%\-]+")
_IN_DOUBLE: Final = frozenset('"$`\\!\u201c\u201d\u201e')
"""Characters that some shell obeys in double quotes; PowerShell takes typographic quotes for quotes."""
_IN_SINGLE: Final = frozenset("'&|<>^\u2018\u2019\u201a\u201b")
"""Characters that some shell obeys in single quotes; cmd takes these for letters."""


def shell_word(text: str, otherwise: str) -> str:
    """`text` as one word of a command line in sh, PowerShell and cmd alike; `otherwise`, such as `ADDRESS`, where no
    form is safe in all three.

    The form does not depend on the machine: a plan is made on one and read on another.
    """
    if _BARE.fullmatch(text) and not text.startswith("-"):
        return text
    if not text or text.startswith("-") or hidden(text) or CI_PREFIX.search(text):  # it would be shown in another form
        return otherwise
    if _IN_SINGLE.isdisjoint(text):
        return f"'{text}'"
    if _IN_DOUBLE.isdisjoint(text):
        return f'"{text}"'
    return otherwise
