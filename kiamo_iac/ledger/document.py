"""A whole ledger as one JSON document, as the remote backends keep it: an entry a line, by address."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from itertools import starmap
from typing import Any, Final

from kiamo_iac.core.diagnostics import Diagnostic, SourceRange
from kiamo_iac.core.errors import LedgerError
from kiamo_iac.core.printable import printable, quote
from kiamo_iac.core.record import Form, Key, Record, integer, list_of, text, wrong
from kiamo_iac.core.runtime import collector_paused
from kiamo_iac.core.strict_json import decode_json
from kiamo_iac.ledger.content import (
    APPLIED_PLANS_KEPT,
    FORMAT_VERSION,
    UNIDENTIFIED,
    AppliedPlan,
    Content,
    LedgerIdentity,
)
from kiamo_iac.ledger.entry import APPLIED_PLAN, ENTRY, WORD, dump
from kiamo_iac.ledger.errors import UNTOUCHED, corruption_error, foreign_error

_VERSIONS: Final = (UNIDENTIFIED, FORMAT_VERSION)
_IDENTITY: Final = ("project", "instance")
"""The keys of the head that came with format 2."""
_OWNER: Final = r"^[\s\S]{1,4096}$"
_HEAD: Final[Mapping[str, Form[Any] | Key]] = {
    "format_version": Key(
        Form({"enum": list(_VERSIONS), "description": "Of every form that a ledger is written in."}, lambda _: None),
        "format_version",
    ),
    "project": text("The project: its name, or its folder. Not in format 1.", pattern=_OWNER),
    "environment": text("The environment whose resources it records."),
    "instance": text("The instance: its name, or its origin. Not in format 1.", pattern=_OWNER),
    "lineage": text("Set when the ledger is created; it never changes.", pattern=WORD),
    "serial": integer("Grows with every change.", minimum=0, maximum=2**63 - 1),
}
HEADER: Final = Record(
    Content,
    "The first line of a ledger's file; `serial` is that before its records.",
    _HEAD,
    definition="header",
    optional=dict.fromkeys(_IDENTITY),
)
APPLIED_PLANS: Final = list_of(APPLIED_PLAN, "The saved plans that were applied.", maxItems=APPLIED_PLANS_KEPT)
DOCUMENT: Final = Record(
    Content,
    "A whole ledger, as the remote backends keep it.",
    {
        **_HEAD,
        "spent": Key(APPLIED_PLANS, lambda content: starmap(AppliedPlan, content.applied_plans.items())),
        "entries": Key(
            list_of(ENTRY, "Every managed resource, by address."),
            lambda content: (content.entries[address] for address in sorted(content.entries)),
        ),
    },
    definition="document",
    optional=dict.fromkeys(_IDENTITY),
)
"""Written and read one entry at a time, so that a message can name the line of an entry."""
_MAX_VALUES: Final = 10_000_000
"""A ledger of 250,000 batches with ten roles each has some 8 million; a larger text is refused before it is parsed."""


@dataclass(frozen=True, slots=True)
class RemoteContent:
    """What a remote backend holds."""

    content: Content
    revision: str
    """Changes whenever the content does."""


def revision_of(content: Content) -> str:
    """A digest of the whole document: 64 hexadecimal characters."""
    return sha256(document_text(content).encode()).hexdigest()


def document_text(content: Content) -> str:
    """The document; the same content always gives the same text."""
    applied = starmap(AppliedPlan, content.applied_plans.items())
    head = dump({**HEADER.data(content), "spent": list(map(APPLIED_PLAN.data, applied))})[:-1]
    lines = ",\n".join(dump(ENTRY.data(content.entries[address])) for address in sorted(content.entries))
    return f'{head},"entries":[\n{lines}\n]}}\n' if lines else f'{head},"entries":[]}}\n'


def parse_document(source: str, file: str, *, environment: str | None) -> Content:
    """The content of a document that came from `file` (a path, an address or a ref, for messages). `environment`: the
    one that it must be of; None: any.

    Raises:
        LedgerError: it is damaged, of another version, or of another environment.
    """
    with collector_paused():
        return _content_of(read_json(source, file), file, environment=environment)


def _content_of(data: Any, file: str, *, environment: str | None) -> Content:
    content = content_of_head(data, file, environment=environment)
    names = keys_of(DOCUMENT, content)
    if data.keys() != set(names) or type(data["entries"]) is not list:
        raise corruption_error(file, f"it must have the keys {', '.join(names)}, the last a list")
    try:
        content.applied_plans.update(APPLIED_PLANS.read(data["spent"]))
    except ValueError as error:
        raise corruption_error(file, f'"spent": {error}') from None
    for number, item in enumerate(data["entries"], start=1):
        try:
            owned = ENTRY.parse(item)
            if owned.address in content.entries:
                wrong(f"{quote(owned.address)} is listed twice")
        except ValueError as error:
            raise corruption_error(file, f"entry {number}: {error}", line=number + 1) from None
        content.entries[owned.address] = owned
        if owned.attributes != item["attributes"]:
            content.exposed.add(owned.address)
    return content


def read_json(source: str, file: str, *, line: int = 1) -> Any:
    """The JSON value of `source`, which begins in `line` of `file`.

    Raises:
        LedgerError: it is not JSON, with the place; or it holds too many values.
    """
    if sum(map(source.count, ",[{")) > _MAX_VALUES:
        raise corruption_error(file, f"it holds more than {_MAX_VALUES:,} values", line=line)
    try:
        return decode_json(source)
    except json.JSONDecodeError as error:
        reason, line, column = f"it is not JSON ({error.msg})", line + error.lineno - 1, error.colno
        raise corruption_error(file, reason, line=line, column=column) from None
    except ValueError as error:
        raise corruption_error(file, str(error), line=line) from None


def keys_of(record: Record[Content], content: Content) -> list[str]:
    """The keys that `record` has for a ledger of the version of `content`."""
    return [name for name in record.names if content.format_version > UNIDENTIFIED or name not in _IDENTITY]


def content_of_head(data: Any, file: str, *, environment: str | None) -> Content:
    """The content, still without entries, of a ledger that begins with `data`.

    Raises:
        LedgerError: `data` is not what begins a ledger, one of another version, or one of another environment.
    """
    version = data.get("format_version") if isinstance(data, dict) else None
    if type(version) is not int:
        raise corruption_error(file, '"format_version" is missing')
    where = SourceRange(file, 1, 1)
    if version not in _VERSIONS:
        newer = version > FORMAT_VERSION
        summary = (
            f"the ledger has format {printable(str(version), 20)}, and this version reads at most {FORMAT_VERSION}"
        )
        found = Diagnostic("KIA0902", summary, source=where)
        hint = (
            "use the version of kiamo-iac that wrote it, or a newer one"
            if newer
            else "no version of kiamo-iac writes that format"
        )
        raise LedgerError(f"The ledger {file} cannot be read. {UNTOUCHED}", hint=hint, diagnostics=[found])
    try:
        content = HEADER.parse(
            {name: data.get(name) for name in HEADER.names if version > UNIDENTIFIED or name not in _IDENTITY}
        )
    except ValueError as error:
        raise corruption_error(file, str(error)) from None
    if environment is not None:
        foreign = foreign_error(file, content.identity, LedgerIdentity(None, environment, None))
        if foreign is not None:
            raise foreign
    return content
