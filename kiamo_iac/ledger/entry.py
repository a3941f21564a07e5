"""One entry of the ledger as JSON, and strictly back again: what is read has its form, whoever wrote it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from math import isfinite
from typing import Any, Final, NoReturn

from kiamo_iac.core import known_forms
from kiamo_iac.core.address import Address, identity
from kiamo_iac.core.printable import quote
from kiamo_iac.core.secret import TOKEN, redact
from kiamo_iac.core.sensitive import hidden, masked
from kiamo_iac.core.state import Owned
from kiamo_iac.resources import address_problem

TIME: Final = "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)Z$"
"""RFC 3339, UTC, to the second; the patterns here mean the same to JSON Schema."""
COMMIT: Final = "^[0-9a-f]{4,64}$"
"""In whole (SHA-1 or SHA-256) as it is written, or short."""
WORD: Final = "^[A-Za-z0-9._:+!~-]{1,128}$"
"""A version, a digest, a lineage: what tells one from another, and nothing else."""
LONGEST: Final = 65_536
"""Characters of an address, of a name and of an id."""
_HEX: Final = re.compile(r"[0-9A-Fa-f]{40}")
"""What may be a token, whatever stands around it: in JSON, an escape may."""
_DEEPEST: Final = 100
"""Lists and objects within each other in one attribute: a live value has 64 at most, and all that reads it recurses."""

KEYS: Final = ("address", "remote_id", "attributes", "protect", "renamed_from", "applied_at", "commit", "version")
_KEYS: Final = frozenset(KEYS)


def entry_data(owned: Owned) -> dict[str, Any]:
    """What is written of one thing: every key, always. What is sensitive, or looks like a token, is hidden, wherever it
    came from."""
    attributes = without_secrets(owned.attributes)
    return {
        "address": owned.address,
        "remote_id": owned.remote_id,
        "attributes": attributes,
        "protect": owned.protect,
        "renamed_from": list(owned.renamed_from),
        "applied_at": owned.applied_at,
        "commit": owned.commit,
        "version": owned.version,
    }


def without_secrets(attributes: Mapping[str, Any]) -> Mapping[str, Any]:
    """What may be kept of attributes: settings that are sensitive by name or form are masked, and all else that has the
    form of a secret is hidden. The very same mapping where there is nothing of that."""
    settings = attributes.get("settings")
    kept = masked(hidden(settings)) if isinstance(settings, Mapping) else settings
    if kept is not settings:
        attributes = {**attributes, "settings": kept}
    text = dump(attributes)
    if _HEX.search(text) is None and not known_forms.may_have_form(text):
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


def owned_of(data: Any) -> Owned:
    """The thing that `data` speaks of, without secrets that an older version may have kept.

    Raises:
        ValueError: it is not an entry; the message is half a sentence on why.
    """
    if type(data) is not dict or data.keys() != _KEYS:
        wrong(f"an entry has the keys {', '.join(KEYS)}, no more and no less")
    address, remote_id, attributes = address_of(data["address"]), data["remote_id"], data["attributes"]
    former, applied_at, commit, version = data["renamed_from"], data["applied_at"], data["commit"], data["version"]
    match remote_id:
        case None | int() | str() if type(remote_id) is not bool and len(str(remote_id)) <= LONGEST:
            pass
        case _:
            wrong(f'"remote_id" of {quote(address)} is neither text (of {LONGEST} characters), a whole number nor null')
    if type(attributes) is not dict or is_deep(attributes, _DEEPEST):
        wrong(f'"attributes" of {quote(address)} is not an object, or is nested too deeply')
    if type(data["protect"]) is not bool:
        wrong(f'"protect" of {quote(address)} is neither true nor false')
    if type(former) is not list or any(type(name) is not str or len(name) > LONGEST for name in former):
        wrong(f'"renamed_from" of {quote(address)} is not a list of names')
    if applied_at != "" and not has_form(applied_at, TIME):
        wrong(f'"applied_at" of {quote(address)} is not a time (UTC, to the second)')
    if commit is not None and not has_form(commit, COMMIT):
        wrong(f'"commit" of {quote(address)} is neither a commit nor null')
    if version != "" and not has_form(version, WORD):
        wrong(f'"version" of {quote(address)} is not a version')
    kept = without_secrets(attributes)
    return Owned(address, remote_id, kept, data["protect"], tuple(former), applied_at, commit, version)


def address_of(text: Any) -> Address:
    """The address that `text` is.

    Raises:
        ValueError: it is none, or there is no such kind of thing.
    """
    if type(text) is not str or len(text) > LONGEST:
        wrong("an address is text, and not that long")
    parts = text.split("/")
    if len(parts) % 2 or not all(parts) or not _is_a_place("/x/".join(parts[::2])):
        wrong(f"{quote(text)} is not the address of anything")
    return Address(identity(text))


@lru_cache(maxsize=256)
def _is_a_place(collections: str) -> bool:
    return address_problem(Address(f"{collections}/x")) is None


def has_form(value: Any, pattern: str) -> bool:
    """Whether `value` is text of the form `pattern`, one of those above."""
    return type(value) is str and len(value) <= 128 and _matches(value, pattern)


@lru_cache(maxsize=4096)  # all that one run applied has one time, one commit and one version
def _matches(text: str, pattern: str) -> bool:
    return re.fullmatch(pattern, text) is not None


def is_deep(value: Any, depth: int) -> bool:
    """Whether lists and objects stand more than `depth` deep within each other in `value`."""
    if not isinstance(value, dict | list):
        return False
    inner = value.values() if isinstance(value, dict) else value
    return depth == 0 or any(is_deep(item, depth - 1) for item in inner if isinstance(item, dict | list))


def dump(value: Any) -> str:
    """`value` as JSON on one line; readable, and always UTF-8.

    Raises:
        ValueError: it is not data that JSON has.
    """
    text = _READABLE.encode(value)
    try:
        text.encode()
    except UnicodeEncodeError:  # half of a surrogate pair in a live name
        return _ASCII.encode(value)
    return text


def load(text: str) -> Any:
    """The value that `text` holds.

    Raises:
        ValueError: it is not JSON as RFC 8259 has it, or an object has a key twice; see `json.JSONDecodeError`.
    """
    try:
        return _DECODER.decode(text)
    except RecursionError:
        return wrong("it is nested too deeply")


def wrong(what: str) -> NoReturn:
    """
    Raises:
        ValueError: always, saying `what`.
    """
    raise ValueError(what)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    msg = f"the ledger cannot hold a {type(value).__name__}"
    raise ValueError(msg)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        wrong("an object holds the same key twice")
    return found


def _constant(text: str) -> NoReturn:
    wrong(f"{text} is not JSON")


def _number(text: str) -> float:
    value = float(text)
    return value if isfinite(value) else wrong("a number is out of range")


_READABLE: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_plain)
_ASCII: Final = json.JSONEncoder(ensure_ascii=True, allow_nan=False, separators=(",", ":"), default=_plain)
_DECODER: Final = json.JSONDecoder(object_pairs_hook=_object, parse_float=_number, parse_constant=_constant)
