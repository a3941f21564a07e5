"""A whole ledger as one JSON document, as the remote backends keep it: an entry a line, by address."""

from __future__ import annotations

from typing import Any, Final

from kiamo_iac.core.gc_pause import collector_paused
from kiamo_iac.core.quote import quote
from kiamo_iac.ledger.content import FORMAT_VERSION, Content, Spend
from kiamo_iac.ledger.damage import check_head, damaged, read_json
from kiamo_iac.ledger.entry import TIME, WORD, dump, entry_data, has_form, owned_of, wrong

_KEYS: Final = frozenset({"format_version", "environment", "lineage", "serial", "spent", "entries"})


def document_text(content: Content) -> str:
    """The document; the same content always gives the same text."""
    head = {
        "format_version": FORMAT_VERSION,
        "environment": content.environment,
        "lineage": content.lineage,
        "serial": content.serial,
        "spent": [{"digest": digest, "at": at} for digest, at in content.spent.items()],
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
        raise damaged(file, f"it has the keys {', '.join(sorted(_KEYS))}, the last two lists")
    content = Content(environment, data["lineage"], data["serial"])
    try:
        for item in data["spent"]:
            content.spent.update([spend_of(item)])
    except ValueError as error:
        raise damaged(file, str(error)) from None
    for number, item in enumerate(data["entries"], start=1):
        try:
            owned = owned_of(item)
            if owned.address in content.entries:
                wrong(f"{quote(owned.address)} stands twice")
        except ValueError as error:
            raise damaged(file, f"entry {number}: {error}", line=number + 1) from None
        content.entries[owned.address] = owned
        if owned.attributes != item["attributes"]:
            content.exposed.add(owned.address)
    return content


def spend_of(data: object) -> Spend:
    """
    Raises:
        ValueError: `data` does not say which plan was applied when.
    """
    if not isinstance(data, dict) or data.keys() != {"digest", "at"}:
        wrong("a spent plan has the keys digest and at")
    if not has_form(data["digest"], WORD) or not has_form(data["at"], TIME):
        wrong("a spent plan has a digest, and a time (UTC, to the second)")
    return Spend(data["digest"], data["at"])
