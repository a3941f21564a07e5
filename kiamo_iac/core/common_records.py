"""The keys and records that several JSON formats share."""

from __future__ import annotations

from operator import itemgetter
from typing import Final

from kiamo_iac.core.diagnostics import Diagnostic, Severity, SourceRange
from kiamo_iac.core.record import (
    Form,
    Key,
    Record,
    address,
    constant,
    enum,
    integer,
    list_of,
    nullable,
    place,
    text,
)

ADDRESS: Final = address("Of the resource: collections and names in turn.")
KIND: Final = text("Of the resource, such as `batch`.")
ENVIRONMENT: Final = text("The environment.")
URL: Final = text("The address of its instance.")
PATH: Final = text("The attribute, dotted below mappings.")
PLACE: Final = place("`file:line:column`, 1-based.")
PLACE_OR_NULL: Final = nullable(place("`file:line:column`, 1-based; null: no place."))


def _related(message: str, source: SourceRange) -> tuple[str, SourceRange]:
    return message, source


RELATED: Final = Record(
    _related,
    "Another place, with its reason.",
    {"message": Key(text("Why."), itemgetter(0), "message"), "source": Key(PLACE, itemgetter(1), "source")},
)
DIAGNOSTIC: Final = Record(
    Diagnostic,
    "A problem or note.",
    {
        "code": text("See docs/reference/diagnostics.md.", pattern="^KIA[0-9]{4}$"),
        "severity": enum(Severity, "An error refuses the run."),
        "summary": text("One short sentence."),
        "detail": nullable(text("Full sentences, when the summary is not enough.")),
        "hint": nullable(text("What to do about it.")),
        "address": nullable(address("Of the resource; null: of none.")),
        "source": PLACE_OR_NULL,
        "related": list_of(RELATED, "Related places."),
    },
    definition="diagnostic",
)


def diagnostics_list(description: str) -> Form[tuple[Diagnostic, ...]]:
    """Several diagnostics; the schema holds `DIAGNOSTIC` among its definitions."""
    return list_of(DIAGNOSTIC, description)


def count(description: str) -> Form[int]:
    """How many."""
    return integer(description, minimum=0)


def version_of(version: str) -> Key:
    """The `format_version` of a format."""
    return constant(version, "The first number changes when a reader of the old form would misread the new one.")


def major(version: str) -> str:
    """The first number of a version, which a schema's `$id` carries."""
    return version.partition(".")[0]
