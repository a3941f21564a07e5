"""Values and names that no manifest can represent: YAML or variables would change them, or they are secret."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from kiamo_iac.core.address import identity
from kiamo_iac.core.known_forms import has_form
from kiamo_iac.core.resource import LONGEST_NAME
from kiamo_iac.core.secret import TOKEN
from kiamo_iac.core.sensitive import Sensitive, revealed
from kiamo_iac.document.reader import MAX_DEPTH
from kiamo_iac.manifest.names import misleading
from kiamo_iac.manifest.variables import MARK, literal

IsSecret = Callable[[str], bool]
"""Whether a text holds a token that is known."""

_DEEPEST: Final = MAX_DEPTH - 8
"""Of one value; the mappings and lists around it need eight."""
_INT64: Final = 2**63


def no_secrets(_: str) -> bool:
    """For whoever knows no token."""
    return False


def refused(value: Any, *, is_secret: IsSecret = no_secrets, depth: int = 0) -> str | None:
    """Why a manifest cannot hold `value`, as the end of a sentence on it; None: it can."""
    why = None
    match value:
        case Sensitive():
            why = "has the form of a secret" if has_secret_form(value) else "is sensitive"
        case str():
            why = _refused_text(value, is_secret)
        case int() if not -_INT64 <= value < _INT64:
            why = "is a number too large to be kept exactly"
        case Mapping() | list() if depth >= _DEEPEST:
            why = "is nested too deeply"
        case Mapping():
            why = _refused_keys(value, is_secret) or _first(value.values(), is_secret, depth)
        case list():
            why = _first(value, is_secret, depth)
    return why


def refused_name(name: str, *, is_secret: IsSecret = no_secrets) -> str | None:
    """Why no block can have this name; None: it can. What is live is valid, whatever the contract allows."""
    if why := refused(name, is_secret=is_secret):
        return why
    if len(name) > LONGEST_NAME:
        return f"is longer than {LONGEST_NAME} characters"
    if character := misleading(name):
        return f"holds the invisible character U+{ord(character):04X}"
    return None


def escaped(value: Any) -> Any:
    """`value` as a manifest writes it: nothing of it is taken for a variable."""
    match value:
        case str():
            return literal(value)
        case Mapping():
            return {key: escaped(item) for key, item in value.items()}
        case list():
            return [escaped(item) for item in value]
        case _:
            return value


def has_secret_form(value: Any) -> bool:
    """Whether a text, hidden or not, has the form of a secret."""
    plain = revealed(value)
    return isinstance(plain, str) and has_form(plain)


def _refused_text(text: str, is_secret: IsSecret) -> str | None:
    if TOKEN.search(text) or is_secret(text):
        return "looks like a token"
    if has_form(text):
        return "has the form of a secret"
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        return "holds half of a surrogate pair"
    return None


def _refused_keys(value: Mapping[str, Any], is_secret: IsSecret) -> str | None:
    for key in value:
        if why := _refused_text(key, is_secret):
            return f"has a key that {why}"
        if MARK in key:
            return f'has a key with "{MARK}", where a manifest reads no variables'
    if len({identity(key) for key in value}) < len(value):
        return "has two keys that are the same in Unicode NFC"
    return None


def _first(values: Any, is_secret: IsSecret, depth: int) -> str | None:
    found = (refused(item, is_secret=is_secret, depth=depth + 1) for item in values)
    return next((why for why in found if why is not None), None)
