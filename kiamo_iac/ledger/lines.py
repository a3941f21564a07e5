"""The ledger as lines of JSON, as the file backend keeps it: a header, then a record a line, in the order they came."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, assert_never

from kiamo_iac.core.gc_pause import collector_paused
from kiamo_iac.ledger.content import FORMAT_VERSION, AppliedPlan, Content, Forget, Put, Record
from kiamo_iac.ledger.document import applied_plan_of, check_head, read_json
from kiamo_iac.ledger.entry import address_of, dump, entry_data, owned_of, wrong
from kiamo_iac.ledger.errors import corruption_error


@dataclass(frozen=True, slots=True)
class ParsedFile:
    """What was found in a file."""

    content: Content
    records: int
    """How many records stand in it."""
    whole: int
    """How many bytes of it are whole lines."""
    torn: bytes = b""
    """What follows them: the line that was being written when the machine or the program stopped."""
    exposed: bool = False
    """Whether a line holds a secret, as older versions wrote them."""


def header_line(content: Content, *, records: int) -> str:
    """The first line of a file that holds `records` records, which together make `content`."""
    head = {
        "format_version": FORMAT_VERSION,
        "environment": content.environment,
        "lineage": content.lineage,
        "serial": content.serial - records,
    }
    return f"{dump(head)}\n"


def record_lines(records: Iterable[Record]) -> str:
    """A line for each record."""
    return "".join(f"{dump(_data_of(record))}\n" for record in records)


def parse_lines(data: bytes, file: str, *, environment: str) -> ParsedFile:
    """What `data`, the bytes of `file`, say. A last line without its end is left out: it was never promised to anybody.

    Raises:
        LedgerError: it is damaged, of another version, or of another environment.
    """
    whole = data.rfind(b"\n") + 1
    lines = data[:whole].split(b"\n")[:-1]
    if not lines:
        raise corruption_error(file, "it has no header")
    head = read_json(_text(lines[0], file, line=1), file)
    check_head(head, file, environment=environment)
    if head.keys() != {"format_version", "environment", "lineage", "serial"}:
        raise corruption_error(file, "its header has the keys format_version, environment, lineage and serial")
    content = Content(environment, head["lineage"], head["serial"])
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


def _data_of(record: Record) -> dict[str, Any]:
    match record:
        case Put(owned):
            return {"put": entry_data(owned)}
        case Forget(address):
            return {"forget": address}
        case AppliedPlan(digest, at):
            return {"spend": {"digest": digest, "at": at}}
        case _:
            assert_never(record)


def _record_of(data: Any) -> Record:
    match data:
        case {"put": entry, **rest} if not rest:
            return Put(owned_of(entry))
        case {"forget": str(address), **rest} if not rest:
            return Forget(address_of(address))
        case {"spend": spent, **rest} if not rest:
            return applied_plan_of(spent)
        case _:
            return wrong("a record says put, forget or spend, and nothing else")
