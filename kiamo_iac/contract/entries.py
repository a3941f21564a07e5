"""The entries of a contract: routes and wire names of each kind, each entry with its basis (documented, observed or
assumed)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Annotated, Final, Literal, Self
from urllib.parse import quote

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, model_validator
from pydantic_core import PydanticCustomError

from kiamo_iac.contract.request_checks import refused_header, refused_path
from kiamo_iac.core.capabilities import KindCapabilities
from kiamo_iac.core.linear_pattern import NotRegularError, PatternError, linear_pattern

OBJECT_OPERATIONS = ("list", "create", "read", "update", "delete")
"""Operations that any kind may have; every other name under `operations` is a state command."""

HEADER_REFUSED: Final = "kiamo_header"
PATH_REFUSED: Final = "kiamo_path"
PATTERN_REFUSED: Final = "kiamo_pattern"
"""Types of pydantic's errors."""

_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")


def _valid_pattern(text: str) -> str:
    try:
        linear_pattern(text)
    except NotRegularError as error:
        msg = f"invalid regular expression: {error}"
        raise ValueError(msg) from None
    except PatternError as error:
        raise PydanticCustomError(PATTERN_REFUSED, "the pattern cannot be used: {why}", {"why": str(error)}) from None
    return text


def _valid_search_pattern(text: str) -> str:
    if linear_pattern(_valid_pattern(text)).matches(""):
        why = "it matches the empty string, which every text contains"
        hint = "write a pattern that matches a code only, such as ERR_[0-9]{4}"
        raise PydanticCustomError(PATTERN_REFUSED, "the pattern cannot be used: {why}", {"why": why, "hint": hint})
    return text


def _valid_header(name: str) -> str:
    if why := refused_header(name):
        raise PydanticCustomError(HEADER_REFUSED, "the header {why}", {"why": why})
    return name


def _valid_path(path: str) -> str:
    if why := refused_path(path):
        raise PydanticCustomError(PATH_REFUSED, "the path {why}", {"why": why})
    return path


_PATTERN = Annotated[str, AfterValidator(_valid_pattern)]
_WIRE = Annotated[str, Field(min_length=1, max_length=200)]
_DOTTED = Annotated[str, Field(pattern=r"^[^.]+(\.[^.]+)*$", max_length=200)]


class Basis(StrEnum):
    """The source of an entry."""

    DOCUMENTED = "documented"
    OBSERVED = "observed"
    ASSUMED = "assumed"


class ContractEntry(BaseModel):
    """Any entry."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, defer_build=True)


class BasedEntry(ContractEntry):
    """An entry with a basis."""

    basis: Basis


class Auth(BasedEntry):
    """The header that carries the token."""

    header: Annotated[str, Field(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$"), AfterValidator(_valid_header)]


class Prefix(BasedEntry):
    """The beginning of every path."""

    path: Annotated[str, Field(pattern=r"^(/[^/?#{}]+)*$", max_length=500), AfterValidator(_valid_path)]


class Meanings(BasedEntry):
    """`ERR_nnnn` → the vendor's message."""

    codes: dict[str, str]


class Errors(BasedEntry):
    """The form of an error response, which the client reads and the emulator writes. `code` and `message` are dotted
    paths."""

    code_pattern: Annotated[str, AfterValidator(_valid_search_pattern)]
    code: _DOTTED
    message: _DOTTED
    meanings: Meanings


class IdRule(BasedEntry):
    """The wire name and the JSON type of a kind's id."""

    wire: _WIRE
    type: Literal["string", "integer"]


class NameRule(BasedEntry):
    """The names that are allowed: a regular expression for the whole name."""

    pattern: _PATTERN
    taken: str | None = None
    """The vendor's code for a name that is in use; None: names are not unique, so a create whose response is lost is
    never sent again."""


class Operation(BasedEntry):
    """One API call. In `path`, `query` and `body`, `{id}` is the id of the object and `{kind}` that of its parent."""

    method: Literal["GET", "POST", "PUT", "DELETE"]
    path: Annotated[str, Field(pattern=r"^(/[^/?#\s]+)+/?$", max_length=500), AfterValidator(_valid_path)]
    query: dict[str, str] = {}
    body: dict[str, JsonValue] = {}
    """Sent with the attributes of a create or an update; the whole body of a state command."""

    def placeholders(self) -> frozenset[str]:
        """The names in braces that the call needs."""
        texts = [self.path, *self.query.values(), *self.texts()]
        return frozenset(name for text in texts for name in _PLACEHOLDER.findall(text))

    def texts(self) -> Iterator[str]:
        """Every text in the body."""
        return _texts(self.body)

    def render(self, ids: Mapping[str, str | int]) -> tuple[str, dict[str, str], dict[str, JsonValue]]:
        """Path (percent-encoded), query and body with every placeholder filled in. A body value that is one
        placeholder keeps its JSON type.

        Raises:
            KeyError: `ids` lacks a placeholder.
        """
        path = _PLACEHOLDER.sub(lambda m: quote(str(ids[m[1]]), safe=""), self.path)
        query = {k: _PLACEHOLDER.sub(lambda m: str(ids[m[1]]), v) for k, v in self.query.items()}
        return path, query, {k: _fill(v, ids) for k, v in self.body.items()}


def _texts(value: JsonValue) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)


def _fill(value: JsonValue, ids: Mapping[str, str | int]) -> JsonValue:
    if isinstance(value, dict):
        return {k: _fill(v, ids) for k, v in value.items()}
    if isinstance(value, list):
        return [_fill(v, ids) for v in value]
    if not isinstance(value, str):
        return value
    whole = _PLACEHOLDER.fullmatch(value)
    return ids[whole[1]] if whole else _PLACEHOLDER.sub(lambda m: str(ids[m[1]]), value)


class Paging(ContractEntry):
    """The paging of a list. `page`: number and size; `offset`: the number of objects to skip, and the size."""

    style: Literal["none", "page", "offset"]
    page: str = "page"
    offset: str = "offset"
    size: str = "size"
    """Wire names of the query parameters."""
    first: Annotated[int, Field(ge=0, le=1)] = 1
    """The number of the first page."""
    limit: Annotated[int, Field(ge=1, le=100_000)] = 100
    """Objects a page."""


class Listing(BasedEntry):
    """The form of a list response. `items` and `total` are dotted paths; without `items` the response is the array."""

    items: _DOTTED | None = None
    total: _DOTTED | None = None
    paging: Paging = Paging(style="none")
    whole: bool = False
    """A response without pages is whole, whatever it says of further ones."""


class Attribute(BasedEntry):
    """One attribute: its wire name, and the form of its value there. A reference has the shape that its kind declares:
    one id or name, a list of them, or an object of them."""

    wire: _WIRE
    required: bool = False
    """A create must have it."""
    missing: str | None = None
    """The vendor's code when a create lacks it."""
    read_only: bool = False
    refers_to: str | None = None
    """The kind that it refers to."""
    by: Literal["id", "name"] | None = None
    """The form of a reference on the wire."""
    choices: tuple[str, ...] | None = None
    values: dict[str, JsonValue] | None = None
    """Word of manifests → value on the wire, where they differ (run states)."""

    @model_validator(mode="after")
    def _reference_is_complete(self) -> Self:
        if (self.refers_to is None) != (self.by is None):
            msg = "refers_to and by must be set together"
            raise ValueError(msg)
        return self


class Embedded(BasedEntry):
    """Child kinds sent inside a create, as a list under `wire`."""

    wire: _WIRE


class MadeWithParent(BasedEntry):
    """Objects that the platform creates with every new parent, by attribute (not wire) names."""

    things: tuple[dict[str, JsonValue], ...]


class KindContract(ContractEntry):
    """One kind: its routes, attributes and response forms."""

    parent: str | None = None
    parent_wire: str | None = None
    """The attribute of a listed object that holds its parent's id; for lists that have the children of all parents."""
    id: IdRule
    names: NameRule | None = None
    operations: dict[str, Operation]
    listing: Listing
    item: _DOTTED | None = None
    """Dotted path of the object in the response to create, read, update and commands; without it the response is the
    object."""
    attributes: dict[str, Attribute]
    embedded: dict[str, Embedded] = {}
    made_with_parent: MadeWithParent | None = None

    @property
    def listed_by_parent(self) -> bool:
        """Whether the list call names the parent; else one list has the children of all parents."""
        call = self.operations.get("list")
        return call is not None and self.parent is not None and self.parent in call.placeholders()

    def capabilities(self) -> KindCapabilities:
        """The same in the words of manifests."""
        writable = {name: a for name, a in self.attributes.items() if not a.read_only}
        return KindCapabilities(
            operations=frozenset(self.operations),
            attributes=frozenset(writable) | ({"state"} & self.attributes.keys()),
            required={name: a.missing for name, a in writable.items() if a.required},
            wire_names=frozenset(
                {self.id.wire, *(a.wire for a in self.attributes.values()), *(e.wire for e in self.embedded.values())}
            ),
            name_pattern=self.names.pattern if self.names else None,
            choices={name: a.choices for name, a in writable.items() if a.choices},
            defaults=self.made_with_parent.things if self.made_with_parent else (),
            embedded=frozenset(self.embedded),
        )
