"""A refused call: a code of the vendor's error table with its HTTP status; and which tokens are refused."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

VERBS = frozenset({"GET", "POST", "PUT", "DELETE"})
"""Documented: the request types that a token has rights for."""

# Computed, because scanners take 40 hexadecimal characters for a secret.
FULL_TOKEN = "0123456789" * 4
"""The default token: every verb."""
READ_ONLY_TOKEN = "9876543210" * 4
"""The default token that may only read."""

NOT_VALID = "The authentication token is not valid"
"""Documented: the message of a 401, which carries no code."""
FORBIDDEN = "Forbidden"
"""Documented: the message of a 403, for a token without the right for the verb; it carries no code."""

_TOKEN_FORM = re.compile(r"[0-9a-f]{40}")


class Refusal(Exception):  # noqa: N818 - a response of the API, not an error of the emulator
    """A call that gets an error status."""

    def __init__(self, code: str | None, *, status: int | None = None, message: str | None = None) -> None:
        super().__init__(message or code)
        self.code = code
        self.status = status if status is not None else status_of(code or "")
        self.message = message
        """Instead of the contract's message for the code."""


def status_of(code: str) -> int:
    """The HTTP status of a code (documented: by the headings of the vendor's table)."""
    if code == "ERR_3100":
        return 405
    if code.startswith("ERR_3"):
        return 404
    return 400


class TokenRights:
    """The tokens of an emulator, each with its verbs."""

    def __init__(self, tokens: Mapping[str, Collection[str]] | None = None) -> None:
        """
        Raises:
            ValueError: a token is not 40 hexadecimal characters, or a right does not exist. No token is shown.
        """
        given = {FULL_TOKEN: VERBS, READ_ONLY_TOKEN: {"GET"}} if tokens is None else tokens
        self._rights = {token: frozenset(verbs) for token, verbs in given.items()}
        if not all(_TOKEN_FORM.fullmatch(token) for token in self._rights):
            msg = "a token must be 40 hexadecimal characters in lower case"
            raise ValueError(msg)
        if unknown := frozenset[str]().union(*self._rights.values()) - VERBS:
            msg = f"unknown verb {min(unknown)} of a token (known: {', '.join(sorted(VERBS))})"
            raise ValueError(msg)

    def check(self, token: str | None, method: str) -> None:
        """
        Raises:
            Refusal: 401 for a token that is missing or unknown, 403 for one without the right for this verb.
        """
        rights = self._rights.get(token or "")
        if rights is None:
            raise Refusal(None, status=401, message=NOT_VALID)
        needed = "PUT" if method == "PATCH" else method
        if needed in VERBS and needed not in rights:
            raise Refusal(None, status=403, message=FORBIDDEN)
