"""Data in Markdown: in a code span or a fence, where no markup, mention, reference or HTML is looked for.

A backslash before a sign keeps it from being markup, and does not keep GitHub or GitLab from looking for `@names` and
`#numbers` in what comes out; both leave code alone. So there is one rule: outside of code stand our own words only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from hashlib import blake2b
from typing import Final
from urllib.parse import quote

from kiamo_iac.render.escape import visible

MAX_LINE: Final = 500
"""Characters of one name, sentence or line of facts; the rest is said to be missing."""

_MAX_NAME: Final = 200

_BACKTICKS: Final = re.compile("`+")


def clipped(text: str, limit: int = MAX_LINE) -> str:
    """`text`, or its beginning with a word on how much is missing."""
    if len(text) <= limit:
        return text
    return f"{text[:limit]}… ({len(text) - limit:,} characters more)"


def code(text: str) -> str:
    """`text` as a code span: on one line, clipped, and with more backticks around it than in it."""
    shown = clipped(visible(text)) or " "
    ticks = "`" * (_longest_run(shown) + 1)
    edges = {shown[0], shown[-1]}
    pad = " " if "`" in edges or (" " in edges and shown.strip()) else ""  # one is taken off again, but not of blanks
    return f"{ticks}{pad}{shown}{pad}{ticks}"


def fence(lines: Iterable[str]) -> str:
    """The fence that none of `lines` can close."""
    return "`" * max(3, max((_longest_run(line) for line in lines), default=0) + 1)


def _longest_run(text: str) -> int:
    return max((len(run) for run in _BACKTICKS.findall(text)), default=0) if "`" in text else 0


def marker(what: str, environment: str) -> str:
    """A comment that nobody sees, by which a tool finds the text again: `<!-- kiamo-iac:plan:staging -->`.

    Of the name of an environment, letters, digits, `_`, `.` and `-` stay, which is all that a project file allows; the
    rest is percent-encoded, so that none can end the comment.
    """
    name = quote(environment, safe="", errors="backslashreplace").replace("~", "%7E")
    if len(name) > _MAX_NAME:  # no project file has such a one, but a plan may be shown that claims it
        name = f"{name[:_MAX_NAME]}.{blake2b(name.encode(), digest_size=8).hexdigest()}"
    return f"<!-- kiamo-iac:{what}:{name} -->"
