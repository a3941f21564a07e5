"""An entry of the ledger as JSON: one declaration writes it, reads it back strictly, and is its schema."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from kiamo_iac.core import known_forms
from kiamo_iac.core.address import Address, identity
from kiamo_iac.core.printable import quote
from kiamo_iac.core.record import (
    ADDRESS_PATTERN,
    Form,
    Record,
    anything,
    boolean,
    list_of,
    mapping_of,
    nullable,
    remote_id,
    text,
    wrong,
)
from kiamo_iac.core.secret import TOKEN, redact
from kiamo_iac.core.sensitive import hidden, masked
from kiamo_iac.core.state import KeptValue, OwedState, Owned, RemoteId
from kiamo_iac.ledger.content import AppliedPlan
from kiamo_iac.resources import address_problem

TIME: Final = "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)Z$"
"""RFC 3339, UTC, to the second; the patterns here mean the same to JSON Schema."""
COMMIT: Final = "^[0-9a-f]{4,64}$"
"""In whole (SHA-1 or SHA-256) as it is written, or short."""
WORD: Final = "^[A-Za-z0-9._:+!~-]{1,128}$"
"""A version, a digest, a lineage: what identifies one."""
LONGEST: Final = 65_536
"""Characters of an address, of a name and of an id."""
_HEX: Final = re.compile(r"[0-9A-Fa-f]{40}")
"""What may be a token, whatever surrounds it: in JSON, that may be an escape."""
_DEEPEST: Final = 100
"""Lists and objects within each other in one attribute: a live value has 64 at most, and all that reads it recurses."""


def without_secrets(attributes: Mapping[str, Any]) -> Mapping[str, Any]:
    """What may be kept of attributes: settings that are sensitive by name or form are masked, and all else that has the
    form of a secret is hidden. The very same mapping where there is nothing of that."""
    settings = attributes.get("settings")
    kept = masked(hidden(settings)) if isinstance(settings, Mapping) else settings
    if kept is not settings:
        attributes = {**attributes, "settings": kept}
    line = dump(attributes)
    if _HEX.search(line) is None and not known_forms.may_have_form(line):
        return attributes  # nearly always: looked at once, not value by value
    redacted: Mapping[str, Any] = _redacted(attributes)
    return redacted


def _redacted(value: Any) -> Any:
    match value:
        case str():
            return redact(value) if (len(value) >= 40 and TOKEN.search(value)) or known_forms.has_form(value) else value
        case Mapping():
            entries = {_redacted(key): _redacted(inner) for key, inner in value.items()}
            same = all(entries.get(key) is inner for key, inner in value.items())
            return value if same else entries
        case list() | tuple():
            items = [_redacted(item) for item in value]
            return value if all(new is old for new, old in zip(items, value, strict=True)) else items
        case _:
            return value


def _attributes_of(value: Any) -> Mapping[str, Any]:
    if type(value) is not dict or is_deep(value, _DEEPEST):
        wrong(f"must be an object, of at most {_DEEPEST} levels")
    return without_secrets(value)


def _value_of(value: Any) -> Any:
    if is_deep(value, _DEEPEST):
        wrong(f"must have at most {_DEEPEST} levels")
    return _without_secret(value)


def _without_secret(value: Any) -> Any:
    """What may be kept of one value: what has the form of a secret is hidden."""
    return without_secrets({"value": value})["value"]


def _remote_id_of(value: Any) -> RemoteId | None:
    if value is None or type(value) is int or (type(value) is str and len(value) <= LONGEST):
        found: RemoteId | None = value
        return found
    return wrong(f"must be a string of at most {LONGEST} characters, a whole number or null")


def _name_of(value: Any) -> str:
    if type(value) is not str or len(value) > LONGEST:
        wrong(f"must hold names of at most {LONGEST} characters")
    return value


def address_of(value: Any) -> Address:
    """The address that `value` is.

    Raises:
        ValueError: it is none, or there is no such kind of resource.
    """
    if type(value) is not str or len(value) > LONGEST:
        wrong(f"must be an address of at most {LONGEST} characters")
    parts = value.split("/")
    if len(parts) % 2 or not all(parts) or not _is_a_place("/x/".join(parts[::2])):
        wrong(f"must be the address of a resource, not {quote(value)}")
    return Address(identity(value))


@lru_cache(maxsize=256)
def _is_a_place(collections: str) -> bool:
    return address_problem(Address(f"{collections}/x")) is None


def is_deep(value: Any, depth: int) -> bool:
    """Whether lists and objects are nested more than `depth` deep in `value`."""
    if not isinstance(value, dict | list):
        return False
    inner = value.values() if isinstance(value, dict) else value
    return depth == 0 or any(is_deep(item, depth - 1) for item in inner if isinstance(item, dict | list))


def dump(value: Any) -> str:
    """`value` as JSON on one line; readable, and always UTF-8.

    Raises:
        ValueError: it is not data that JSON has.
    """
    line = _READABLE.encode(value)
    try:
        line.encode()
    except UnicodeEncodeError:  # half of a surrogate pair in a live name
        return _ASCII.encode(value)
    return line


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    msg = f"the ledger cannot hold a {type(value).__name__}"
    raise ValueError(msg)


_READABLE: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_plain)
_ASCII: Final = json.JSONEncoder(ensure_ascii=True, allow_nan=False, separators=(",", ":"), default=_plain)
_TIME_TEXT: Final = "RFC 3339, UTC, to the second."

ADDRESS: Final = Form(text("Collections and names in turn.", pattern=ADDRESS_PATTERN).schema, address_of)
KEPT: Final = Record(
    KeptValue,
    "A value that the instance keeps in another form than it was sent in.",
    {
        "path": text("Dotted below mappings: `label`, `settings.pace`."),
        "sent": Form(anything("What was sent.").schema, _value_of, _without_secret),
        "kept": Form(anything("What the instance has had since.").schema, _value_of, _without_secret),
    },
    definition="kept",
)
OWED: Final = Record(
    OwedState,
    "A run state that a run was bringing the resource to, and that it has not reached.",
    {
        "state": text("The state to be reached.", pattern=WORD),
        "left_in": text("The state that the run leaves it in meanwhile.", pattern=WORD),
        "since": text(f"When it was recorded: {_TIME_TEXT}", pattern=TIME),
        "run": text("The id of that run.", pattern=WORD),
    },
    definition="owed",
)
ENTRY: Final = Record(
    Owned,
    "One managed resource.",
    {
        "address": ADDRESS,
        "remote_id": Form(remote_id("The id on the instance; null: it was about to be created.").schema, _remote_id_of),
        "attributes": Form(
            mapping_of(None, "What was declared when it was last applied.").schema, _attributes_of, without_secrets
        ),
        "protect": boolean("Never deleted, not even when it is no longer declared."),
        "renamed_from": list_of(Form(text("A former name.").schema, _name_of), "Former names that were declared."),
        "applied_at": text(
            f"When it was last applied: {_TIME_TEXT}", pattern=TIME.replace("^", "^(").replace("$", ")?$")
        ),
        "commit": nullable(text("The git commit of the manifests.", pattern=COMMIT)),
        "version": text("The version of kiamo-iac.", pattern=WORD.replace("{1,", "{0,")),
        "kept": list_of(KEPT, "Values that the instance keeps in another form than they were sent in."),
        "owed": nullable(OWED),
        "renaming_to": nullable(Form(text("The name that a run was giving it.").schema, _name_of)),
        "left_in": nullable(text("The run state that it had after the last step or adoption.", pattern=WORD)),
    },
    definition="entry",
    optional={"kept": [], "owed": None, "renaming_to": None, "left_in": None},
)
"""What is sensitive, or looks like a secret, is hidden when it is written and when it is read."""
APPLIED_PLAN: Final = Record(
    AppliedPlan,
    "A saved plan that was applied.",
    {
        "digest": text("Of the saved plan.", pattern=WORD),
        "at": text(f"When it was applied: {_TIME_TEXT}", pattern=TIME),
    },
    definition="spend",
)
