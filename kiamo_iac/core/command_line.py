"""A command line for a person to copy into a shell: what is data in it stays one word, in whichever shell.

The form is the same on every machine, for a plan is made on one and read on another: bare where no shell minds, else
in single quotes where neither sh, PowerShell nor cmd obeys what is in them, else in double quotes where that holds for
those. What has no such form is not written.
"""

from __future__ import annotations

import re
from typing import Final

from kiamo_iac.core.printable import CI_PREFIX, hidden

_BARE: Final = re.compile(r"[A-Za-z0-9_./=:+%\-]+")
_IN_DOUBLE: Final = frozenset('"$`\\!\u201c\u201d\u201e')
"""What some shell obeys in double quotes; to PowerShell typographic ones are quotes as well."""
_IN_SINGLE: Final = frozenset("'&|<>^\u2018\u2019\u201a\u201b")
"""What some shell obeys in single quotes, which are letters to cmd."""


def word(text: str, otherwise: str) -> str:
    """`text` as one word of a command line; `otherwise`, such as `ADDRESS`, where no form of it is safe."""
    if _BARE.fullmatch(text) and not text.startswith("-"):
        return text
    if not text or text.startswith("-") or hidden(text) or CI_PREFIX.search(text):  # shown otherwise than it is
        return otherwise
    if _IN_SINGLE.isdisjoint(text):
        return f"'{text}'"
    if _IN_DOUBLE.isdisjoint(text):
        return f'"{text}"'
    return otherwise
