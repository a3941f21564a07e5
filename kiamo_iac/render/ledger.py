"""What the ledger records as managed, as a table for people and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from kiamo_iac.core.address import Address
from kiamo_iac.core.common_records import ADDRESS, ENVIRONMENT, major, version_of
from kiamo_iac.core.json_schema import Schema, schema_document
from kiamo_iac.core.printable import shell_word
from kiamo_iac.core.record import Key, Record, boolean, derived, list_of, mapping_of, nullable, remote_id, text
from kiamo_iac.core.state import OwedState, Owned, Ownership
from kiamo_iac.planner.run_state import left_text
from kiamo_iac.render.base import Style, columns
from kiamo_iac.render.escape import document, json_document, visible

FORMAT_VERSION: Final = "1.0"
"""Of the JSON; the first number changes when a reader of the old form would misread the new one."""
_HEADS: Final = ("address", "id", "last applied", "commit", "")
_SHOWN: Final = 5
_COMMIT: Final = 10
"""Characters of a commit that are shown."""


def ledger_text(owned: Ownership, style: Style) -> str:
    """A row for each managed resource, by address; then how many there are."""
    del style
    lines = columns([_HEADS, *(_row(owned[address]) for address in sorted(owned))])
    count = "1 managed resource." if len(owned) == 1 else f"{len(owned)} managed resources."
    return document([*(lines if owned else []), *([""] if owned else []), count])


def adoption_text(adopted: int, *, missing: Sequence[Address], recreated: Sequence[Address]) -> str:
    """How many resources became managed, and which of the declared ones did not, and why."""
    lines = [f"Adopted: {adopted}."]
    if missing:
        some = "1 declared resource is" if len(missing) == 1 else f"{len(missing)} declared resources are"
        lines.append(f"{some} missing on the instance, and will be created by apply: {_some(missing)}")
    if recreated:
        were = "1 resource was" if len(recreated) == 1 else f"{len(recreated)} resources were"
        lines.append(f"{were} recreated outside kiamo-iac, and not adopted: {_some(recreated)}")
        named = shell_word(recreated[0], "ADDRESS") if len(recreated) == 1 else "ADDRESS..."
        lines.append(f"hint: check on the instance what was recreated; to manage it: kiamo-iac adopt {named}")
    return "\n".join(lines)


def _some(addresses: Sequence[Address]) -> str:
    """The first of them, and how many more."""
    more = f" and {len(addresses) - _SHOWN} more" if len(addresses) > _SHOWN else ""
    return ", ".join(map(visible, addresses[:_SHOWN])) + more


def _row(entry: Owned) -> tuple[str, ...]:
    return (
        visible(entry.address),
        visible(str(entry.remote_id)) if entry.remote_id is not None else "(unknown)",
        visible(entry.applied_at),
        visible((entry.commit or "")[:_COMMIT]),
        "; ".join(_remarks(entry)),
    )


def _remarks(entry: Owned) -> Iterator[str]:
    if entry.protect:
        yield "protected"
    if entry.owed is not None:
        yield left_text(entry.owed)


def move_text(changes: Iterable[tuple[str, str | None, str]], resources: int) -> str:
    """What a move of a ledger changes: name, before (None: not recorded) and after."""
    count = "1 resource" if resources == 1 else f"{resources} resources"
    lines = [f"The ledger has {count}. It will be of:"]
    for name, before, after in changes:
        was = f'"{visible(before)}"' if before is not None else "not recorded"
        lines.append(f'  {name}: {was} -> "{visible(after)}"')
    return document(lines)


class _Listing(NamedTuple):
    environment: str
    owned: Ownership | None

    @property
    def entries(self) -> list[Owned]:
        owned = self.owned or {}
        return [owned[address] for address in sorted(owned)]


_OWED: Final = Record(
    OwedState,
    "A run state that a run was bringing the resource to, and that it has not reached.",
    {
        "state": text("The state to be reached."),
        "left_in": text("The state that the run left it in."),
        "since": text("When: RFC 3339, UTC."),
        "run": text("The id of that run."),
    },
)
_ENTRY: Final = Record(
    Owned,
    "One managed resource.",
    {
        "address": ADDRESS,
        "id": Key(remote_id("The id on the instance; null: unknown."), "remote_id", "remote_id"),
        "attributes": mapping_of(None, "What was declared when it was last applied."),
        "protect": boolean("Never deleted, not even when it is no longer declared."),
        "renamed_from": list_of(text("A former name."), "Former names that were declared."),
        "applied_at": derived(
            nullable(text("When it was last applied, RFC 3339.")), lambda entry: entry.applied_at or None
        ),
        "commit": nullable(text("The commit that it was last applied from.")),
        "version": derived(nullable(text("The version of kiamo-iac.")), lambda entry: entry.version or None),
        "owed": nullable(_OWED),
    },
    optional={"owed": None},
)
OWNED: Final = Record(
    _Listing,
    "What the ledger records as managed.",
    {
        "format_version": version_of(FORMAT_VERSION),
        "environment": ENVIRONMENT,
        "found": derived(boolean("False: there is no ledger."), lambda listing: listing.owned is not None),
        "things": derived(list_of(_ENTRY, "By address."), "entries"),
    },
)


def ledger_json(environment: str, owned: Ownership | None) -> str:
    """All entries; `owned` is None when there is no ledger."""
    return json_document(OWNED.data(_Listing(environment, owned)))


def owned_schema() -> Schema:
    """The schema of `ledger list --format json`."""
    return schema_document("owned", major(FORMAT_VERSION), title="What kiamo-iac manages", body=OWNED.body)
