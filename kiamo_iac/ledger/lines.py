"""The ledger as lines of JSON, as the file backend keeps it: a header, then one record a line, in order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, assert_never

from kiamo_iac.core.json_schema import Schema, closed, defined, schema_document
from kiamo_iac.core.record import definitions, wrong
from kiamo_iac.core.runtime import collector_paused
from kiamo_iac.ledger.content import FORMAT_VERSION, AppliedPlan, Content, Forget, LedgerRecord, Put
from kiamo_iac.ledger.document import DOCUMENT, HEADER, content_of_head, keys_of, read_json
from kiamo_iac.ledger.entry import ADDRESS, APPLIED_PLAN, ENTRY, KEPT, OWED, address_of, dump
from kiamo_iac.ledger.errors import corruption_error


@dataclass(frozen=True, slots=True)
class ParsedFile:
    """The content of a file."""

    content: Content
    records: int
    """How many records it has."""
    whole: int
    """How many bytes of it are whole lines."""
    torn: bytes = b""
    """What follows them: the line that was being written when the machine or the program stopped."""
    exposed: bool = False
    """Whether a line holds a secret, as older versions wrote them."""


def header_line(content: Content, *, records: int) -> str:
    """The first line of a file that holds `records` records, which together make `content`."""
    head = {**HEADER.data(content), "serial": content.serial - records}
    return f"{dump(head)}\n"


def record_lines(records: Iterable[LedgerRecord]) -> str:
    """A line for each record."""
    return "".join(f"{dump(_data_of(record))}\n" for record in records)


def parse_lines(data: bytes, file: str, *, environment: str | None) -> ParsedFile:
    """Parse `data`, the bytes of `file`. A last line without its end is left out: its write was never confirmed.
    `environment`: the one that it must be of; None: any.

    Raises:
        LedgerError: it is damaged, of another version, or of another environment.
    """
    whole = data.rfind(b"\n") + 1
    lines = data[:whole].split(b"\n")[:-1]
    if not lines:
        raise corruption_error(file, "it has no header")
    head = read_json(_text(lines[0], file, line=1), file)
    content = content_of_head(head, file, environment=environment)
    names = keys_of(HEADER, content)
    if head.keys() != set(names):
        raise corruption_error(file, f"its header must have the keys {', '.join(names)}, and no others")
    exposed = False
    with collector_paused():
        for number, line in enumerate(lines[1:], start=2):
            value = read_json(_text(line, file, line=number), file, line=number)
            try:
                record = _record_of(value)
                content.apply(record)
                exposed = exposed or (isinstance(record, Put) and record.owned.attributes != value["put"]["attributes"])
            except ValueError as error:
                raise corruption_error(file, str(error), line=number) from None
    return ParsedFile(content, len(lines) - 1, whole, data[whole:], exposed)


def _text(data: bytes, file: str, *, line: int) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise corruption_error(file, "it is not UTF-8", line=line) from None


def _data_of(record: LedgerRecord) -> dict[str, Any]:
    match record:
        case Put(owned):
            return {"put": ENTRY.data(owned)}
        case Forget(address):
            return {"forget": address}
        case AppliedPlan():
            return {"spend": APPLIED_PLAN.data(record)}
        case _:
            assert_never(record)


def _record_of(data: Any) -> LedgerRecord:
    match data:
        case {"put": entry, **rest} if not rest:
            return Put(ENTRY.parse(entry))
        case {"forget": address, **rest} if not rest:
            return Forget(address_of(address))
        case {"spend": plan, **rest} if not rest:
            return APPLIED_PLAN.parse(plan)
        case _:
            return wrong("a record must have one key: put, forget or spend")


def ledger_schema() -> Schema:
    """The schema of a ledger: of the document that remote backends keep, or of any line of the file."""
    record = closed(
        {"put": ENTRY.schema, "forget": ADDRESS.schema, "spend": APPLIED_PLAN.schema},
        "Every other line: what changed.",
        required=[],
    )
    body = {
        "type": "object",
        "description": "The resources that kiamo-iac manages in one environment.",
        "if": {"required": ["entries"]},
        "then": DOCUMENT.schema,
        "else": {"if": {"required": ["lineage"]}, "then": HEADER.schema, "else": defined("record")},
    }
    return schema_document(
        "ledger",
        FORMAT_VERSION,
        title="The ledger of kiamo-iac, or a line of its file",
        body=body,
        definitions={
            **definitions(DOCUMENT, HEADER),
            "record": {**record, "minProperties": 1, "maxProperties": 1},
            **definitions(ENTRY, KEPT, OWED, APPLIED_PLAN),
        },
    )
