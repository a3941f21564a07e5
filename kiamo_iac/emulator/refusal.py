"""What the emulator says no with: a code of the vendor's error table, and the HTTP status that goes with it."""

from __future__ import annotations

NOT_VALID = "The authentication token is not valid"
"""Documented: the message of a 401, which carries no code."""
FORBIDDEN = "Forbidden"
"""Documented: what a token without the right for the verb is told, with 403 and no code."""


class Refusal(Exception):  # noqa: N818 - saying no is an answer, not a fault
    """A call that is answered with an error status."""

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
