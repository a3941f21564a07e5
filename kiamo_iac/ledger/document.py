"""A whole ledger as one JSON document, as the remote backends keep it: an entry a line, by address."""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from kiamo_iac.core.diagnostics import Diagnostic, SourceRange
from kiamo_iac.core.errors import LedgerError
from kiamo_iac.core.gc_pause import collector_paused
from kiamo_iac.core.printable import printable, quote
from kiamo_iac.ledger.content import FORMAT_VERSION, AppliedPlan, Content
from kiamo_iac.ledger.entry import TIME, WORD, dump, entry_data, has_form, load, owned_of, wrong
from kiamo_iac.ledger.errors import UNTOUCHED, corruption_error

_KEYS: Final = frozenset({"format_version", "environment", "lineage", "serial", "spent", "entries"})
_MAX_SERIAL: Final = 2**63 - 1
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
    head = {
        "format_version": FORMAT_VERSION,
        "environment": content.environment,
        "lineage": content.lineage,
        "serial": content.serial,
        "spent": [{"digest": digest, "at": at} for digest, at in content.applied_plans.items()],
    }
    lines = ",\n".join(dump(entry_data(content.entries[address])) for address in sorted(content.entries))
    return f'{dump(head)[:-1]},"entries":[\n{lines}\n]}}\n' if lines else f'{dump(head)[:-1]},"entries":[]}}\n'


def parse_document(text: str, file: str, *, environment: str) -> Content:
    """The content of a document that came from `file` (a path, an address or a ref, for messages).

    Raises:
        LedgerError: it is damaged, of another version, or of another environment.
    """
    with collector_paused():
        return _content_of(read_json(text, file), file, environment=environment)


def _content_of(data: Any, file: str, *, environment: str) -> Content:
    check_head(data, file, environment=environment)
    if data.keys() != _KEYS or type(data["entries"]) is not list or type(data["spent"]) is not list:
        raise corruption_error(file, f"it has the keys {', '.join(sorted(_KEYS))}, the last two lists")
    content = Content(environment, data["lineage"], data["serial"])
    try:
        for item in data["spent"]:
            content.applied_plans.update([applied_plan_of(item)])
    except ValueError as error:
        raise corruption_error(file, str(error)) from None
    for number, item in enumerate(data["entries"], start=1):
        try:
            owned = owned_of(item)
            if owned.address in content.entries:
                wrong(f"{quote(owned.address)} stands twice")
        except ValueError as error:
            raise corruption_error(file, f"entry {number}: {error}", line=number + 1) from None
        content.entries[owned.address] = owned
        if owned.attributes != item["attributes"]:
            content.exposed.add(owned.address)
    return content


def applied_plan_of(data: object) -> AppliedPlan:
    """
    Raises:
        ValueError: `data` does not say which plan was applied when.
    """
    if not isinstance(data, dict) or data.keys() != {"digest", "at"}:
        wrong("a spent plan has the keys digest and at")
    if not has_form(data["digest"], WORD) or not has_form(data["at"], TIME):
        wrong("a spent plan has a digest, and a time (UTC, to the second)")
    return AppliedPlan(data["digest"], data["at"])


def read_json(text: str, file: str, *, line: int = 1) -> Any:
    """The JSON value of `text`, which begins in `line` of `file`.

    Raises:
        LedgerError: it is not JSON, with the place; or it holds too many values.
    """
    if text.count(",") + text.count("[") + text.count("{") > _MAX_VALUES:
        raise corruption_error(file, f"it holds more than {_MAX_VALUES:,} values", line=line)
    try:
        return load(text)
    except json.JSONDecodeError as error:
        reason, line, column = f"it is not JSON ({error.msg})", line + error.lineno - 1, error.colno
        raise corruption_error(file, reason, line=line, column=column) from None
    except ValueError as error:
        raise corruption_error(file, str(error), line=line) from None


def check_head(data: Any, file: str, *, environment: str) -> None:
    """
    Raises:
        LedgerError: `data` is not what begins a ledger, one of another version, or one of another environment.
    """
    version = data.get("format_version") if isinstance(data, dict) else None
    if type(version) is not int:
        raise corruption_error(file, 'it does not begin with a "format_version"')
    where = SourceRange(file, 1, 1)
    if version != FORMAT_VERSION:
        newer = version > FORMAT_VERSION
        summary = f"the ledger has format {printable(str(version), 20)}, and this version reads {FORMAT_VERSION}"
        found = Diagnostic("KIA0902", summary, source=where)
        hint = "use the version of kiamo-iac that wrote it, or a newer one" if newer else "no version ever wrote that"
        raise LedgerError(f"The ledger {file} cannot be read. {UNTOUCHED}", hint=hint, diagnostics=[found])
    if type(data.get("environment")) is not str or not has_form(data.get("lineage"), WORD):
        raise corruption_error(file, 'its "environment" is not text, or its "lineage" not an id')
    if type(data.get("serial")) is not int or not 0 <= data["serial"] <= _MAX_SERIAL:
        raise corruption_error(file, 'its "serial" is not a count')
    if data["environment"] != environment:
        summary = f"the ledger is of the environment {quote(data['environment'])}, not of {quote(environment)}"
        raise LedgerError(
            f"The ledger {file} is of another environment. {UNTOUCHED}",
            hint="give each environment a ledger of its own: another path, address or ref",
            diagnostics=[Diagnostic("KIA0903", summary, source=where)],
        )
