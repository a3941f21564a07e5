"""From an error answer to the error that says it: the vendor's code, its meaning, the server's own words."""

from __future__ import annotations

import re
from typing import Any

from kiamo_iac.contract.model import Errors
from kiamo_iac.core.errors import AccessError, RefusedError
from kiamo_iac.core.linear_pattern import linear_pattern
from kiamo_iac.core.printable import printable
from kiamo_iac.core.strict_json import parse_json
from kiamo_iac.http.answer import dig

_LONGEST = 300
_TAG = re.compile(r"<(script|style)\b.*?</\1\s*>|<[^>]*>", re.DOTALL | re.IGNORECASE)


def refusal(call: str, status: int, *, body: bytes, errors: Errors) -> RefusedError:
    """The error for an answer with a status of 400 or more; the code is found wherever it stands in the body."""
    text = body.decode("utf-8", "replace")
    code = linear_pattern(errors.code_pattern).find(text)
    message = f"{call} was refused with {status}"
    if code is not None:
        meaning = errors.meanings.codes.get(code)
        message += f" {printable(code, 40)}" + (f" ({meaning})" if meaning else "")
        said = _said(text, body, path=errors.message)
        message += f': "{said}"' if said and said.rstrip(".") not in {code, (meaning or "").rstrip(".")} else ""
    elif said := _said(text, body, path=errors.message):
        message += f': "{said}"'
    if status in {401, 403}:
        hint = "the token may not do that: check that it is valid and active, and that it has the right for this verb"
        return AccessError(f"{message}.", status=status, code=code, hint=hint)
    return RefusedError(f"{message}.", status=status, code=code)


def _said(text: str, body: bytes, *, path: str) -> str:
    """The server's own words: what stands under `path`, else any text of the JSON, else the text of the page."""
    try:
        value = parse_json(body)
    except ValueError:
        return printable(_TAG.sub(" ", text[: 20 * _LONGEST]), _LONGEST)
    under = dig(value, path)
    return printable(under if isinstance(under, str) else _longest_text(value), _LONGEST)


def _longest_text(value: Any, depth: int = 8) -> str:
    if isinstance(value, str) or not depth:
        return value if isinstance(value, str) else ""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return max((_longest_text(item, depth - 1) for item in inner), key=len, default="")
