"""One entry of the ledger as JSON, and strictly back again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, NoReturn

from kiamo_iac.address import Address
from kiamo_iac.owned import Owned
from kiamo_iac.secret import TOKEN, redact

KEYS: Final = ("address", "remote_id", "attributes", "protect", "renamed_from", "applied_at", "commit", "version")
_KEYS: Final = frozenset(KEYS)


def entry_data(owned: Owned) -> dict[str, Any]:
    """What is written of one thing: every key, always. What looks like a token is hidden, wherever it came from."""
    attributes: Any = owned.attributes
    if TOKEN.search(dump(attributes)):
        attributes = json.loads(redact(dump(attributes)))
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


def owned_of(data: Any) -> Owned:
    """The thing that `data` speaks of.

    Raises:
        ValueError: it is not an entry; the message is half a sentence on why.
    """
    if type(data) is not dict or data.keys() != _KEYS:
        wrong(f"an entry has the keys {', '.join(KEYS)}, no more and no less")
    address, remote_id, attributes = data["address"], data["remote_id"], data["attributes"]
    former = data["renamed_from"]
    if type(address) is not str:
        wrong("the address of an entry is text")
    if remote_id is not None and type(remote_id) is not str and type(remote_id) is not int:
        wrong(f'"remote_id" of {address} is neither text, a whole number nor null')
    if type(attributes) is not dict:
        wrong(f'"attributes" of {address} is not an object')
    if type(data["protect"]) is not bool:
        wrong(f'"protect" of {address} is neither true nor false')
    if type(former) is not list or any(type(name) is not str for name in former):
        wrong(f'"renamed_from" of {address} is not a list of texts')
    commit = data["commit"]
    if type(data["applied_at"]) is not str or type(data["version"]) is not str:
        wrong(f'"applied_at" or "version" of {address} is not text')
    if commit is not None and type(commit) is not str:
        wrong(f'"commit" of {address} is neither text nor null')
    return Owned(
        Address.parse(address),
        remote_id,
        attributes,
        data["protect"],
        tuple(former),
        data["applied_at"],
        commit,
        data["version"],
    )


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


_READABLE: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_plain)
_ASCII: Final = json.JSONEncoder(ensure_ascii=True, allow_nan=False, separators=(",", ":"), default=_plain)
_DECODER: Final = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant)
