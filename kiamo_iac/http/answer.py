"""What a call was answered, and the way into it; another shape than the contract's is an error that names the call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kiamo_iac.core.errors import ResponseError
from kiamo_iac.core.printable import printable

_MISSING = object()


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer with a status of 200 to 299."""

    call: str
    """The call, as messages name it: `GET /api/bases/7/fields`."""
    status: int
    data: Any
    """The JSON; None when there was no body."""

    def items(self, path: str | None) -> list[Any]:
        """The list under `path` (dotted; None: the answer itself).

        Raises:
            ResponseError: there is no list there.
        """
        found = dig(self.data, path)
        if isinstance(found, list):
            return found
        raise self.unlike("a list" if path is None else f'a list under "{path}"', found)

    def item(self, path: str | None) -> Mapping[str, Any]:
        """The object under `path` (dotted; None: the answer itself).

        Raises:
            ResponseError: there is no object there.
        """
        found = dig(self.data, path)
        if isinstance(found, dict):
            return found
        raise self.unlike("an object" if path is None else f'an object under "{path}"', found)

    def total(self, path: str) -> int:
        """The count under `path`.

        Raises:
            ResponseError: there is no count there.
        """
        found = dig(self.data, path)
        if type(found) is int and found >= 0:
            return found
        raise self.unlike(f'a count under "{path}"', found)

    def unlike(self, wanted: str, found: Any) -> ResponseError:
        """The error that says what the contract led to expect, and what came."""
        return self.wrong(f"{kind_of(found)} where the contract has {wanted}")

    def wrong(self, what: str) -> ResponseError:
        """The error for an answer that holds `what`, which the contract does not describe."""
        return ResponseError(
            f"The answer to {self.call} holds {what}.",
            hint="compare the contract with the instance: kiamo-iac contract show",
        )


def dig(data: Any, path: str | None) -> Any:
    """What stands under a dotted path; `kind_of` it is "nothing" when there is no such thing."""
    for key in path.split(".") if path else ():
        data = data.get(key, _MISSING) if isinstance(data, dict) else _MISSING
    return data


def kind_of(value: Any) -> str:
    """The JSON type of a value in words, and what it is where that is short."""
    if value is _MISSING:
        return "nothing"
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return f"the number {printable(str(value), 20)}"
    if isinstance(value, str):
        return f'the text "{printable(value, 40)}"'
    return "a list" if isinstance(value, list) else "an object"
