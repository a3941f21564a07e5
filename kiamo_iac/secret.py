"""The token: a wrapper that never shows it, and the rule by which a string is taken for one."""

from __future__ import annotations

import re
from typing import Final

TOKEN: Final = re.compile(r"(?<![0-9A-Za-z])[0-9A-Fa-f]{40}(?![0-9A-Za-z])")
"""A whole word of 40 hexadecimal characters, the form of a `Kiamo-Api-Token` (documented by the vendor)."""

HIDDEN: Final = "(hidden)"


def redact(text: str) -> str:
    """`text` with everything that looks like a token replaced."""
    return TOKEN.sub(HIDDEN, text) if len(text) >= 40 else text


class Secret:
    """A value that is sent and never shown: neither by `str`, `repr`, formatting nor pickling."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value itself, for the one place that sends it."""
        return self._value

    def __repr__(self) -> str:
        return f"Secret{HIDDEN}"

    def __str__(self) -> str:
        return HIDDEN

    def __format__(self, spec: str) -> str:
        return format(HIDDEN, spec)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other.reveal() == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce__(self) -> str:
        msg = "a secret is never pickled"
        raise TypeError(msg)
