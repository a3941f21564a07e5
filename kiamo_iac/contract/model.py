"""The contract: every route and wire name as data, read from `contract.yaml`, with a user's override merged over it.

Nothing here speaks HTTP. Each entry carries the basis on which it rests: documented, observed or assumed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Annotated, Any, Final, Literal, Self
from urllib.parse import quote

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, PrivateAttr, model_validator
from pydantic_core import PydanticCustomError

from kiamo_iac.contract.checks import ContradictionError, contradictions
from kiamo_iac.contract.outgoing import refused_header, refused_path
from kiamo_iac.core.capabilities import Capabilities, KindCapabilities
from kiamo_iac.core.linear_pattern import NotRegularError, PatternError, linear_pattern

OBJECT_OPERATIONS = ("list", "create", "read", "update", "delete")
"""Operations that any kind may have; every other name under `operations` is a state command."""

_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
_ORIGIN = "a contract file (contract: in kiamo.yaml)"


def _compiles(text: str) -> str:
    try:
        linear_pattern(text)
    except NotRegularError as error:
        msg = f"this is not a regular expression: {error}"
        raise ValueError(msg) from None
    except PatternError as error:
        raise PydanticCustomError(PATTERN_REFUSED, "the pattern cannot be used: {why}", {"why": str(error)}) from None
    return text


def _finds(text: str) -> str:
    if linear_pattern(_compiles(text)).matches(""):
        why = "it finds a code in every text, since nothing at all matches it"
        raise PydanticCustomError(PATTERN_REFUSED, "the pattern cannot be used: {why}", {"why": why})
    return text


def _sendable(name: str) -> str:
    if why := refused_header(name):
        raise PydanticCustomError(HEADER_REFUSED, "the token cannot be sent there: the header {why}", {"why": why})
    return name


def _callable(path: str) -> str:
    if why := refused_path(path):
        raise PydanticCustomError(PATH_REFUSED, "the path {why}", {"why": why})
    return path


HEADER_REFUSED: Final = "kiamo_header"
PATH_REFUSED: Final = "kiamo_path"
PATTERN_REFUSED: Final = "kiamo_pattern"
"""Types of pydantic's errors."""

_PATTERN = Annotated[str, AfterValidator(_compiles)]
_WIRE = Annotated[str, Field(min_length=1, max_length=200)]
_DOTTED = Annotated[str, Field(pattern=r"^[^.]+(\.[^.]+)*$", max_length=200)]


class Basis(StrEnum):
    """On what an entry rests."""

    DOCUMENTED = "documented"
    OBSERVED = "observed"
    ASSUMED = "assumed"


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, defer_build=True)


class _Based(_Entry):
    basis: Basis


class Auth(_Based):
    """The header that carries the token."""

    header: Annotated[str, Field(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$"), AfterValidator(_sendable)]


class Prefix(_Based):
    """What stands before every path."""

    path: Annotated[str, Field(pattern=r"^(/[^/?#{}]+)*$", max_length=500), AfterValidator(_callable)]


class Meanings(_Based):
    """`ERR_nnnn` → the vendor's message."""

    codes: dict[str, str]


class Errors(_Based):
    """How an error answer is read (by the client) and written (by the emulator). `code` and `message` are dotted
    paths."""

    code_pattern: Annotated[str, AfterValidator(_finds)]
    code: _DOTTED
    message: _DOTTED
    meanings: Meanings


class IdRule(_Based):
    """The wire name and the JSON type of a kind's id."""

    wire: _WIRE
    type: Literal["string", "integer"]


class Names(_Based):
    """Which names are possible: a regular expression for the whole name."""

    pattern: _PATTERN


class Operation(_Based):
    """One call. In `path`, `query` and `body` `{id}` stands for the thing's own id and `{kind}` for the id of its
    parent."""

    method: Literal["GET", "POST", "PUT", "DELETE"]
    path: Annotated[str, Field(pattern=r"^(/[^/?#\s]+)+/?$", max_length=500), AfterValidator(_callable)]
    query: dict[str, str] = {}
    body: dict[str, JsonValue] = {}
    """Sent as it stands, beside the attributes of a create or an update; the whole body of a state command."""

    def placeholders(self) -> frozenset[str]:
        """The names in braces that the call needs."""
        texts = [self.path, *self.query.values(), *_texts(self.body)]
        return frozenset(name for text in texts for name in _PLACEHOLDER.findall(text))

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


class Paging(_Entry):
    """How a list is cut into pages. `page`: number and size; `offset`: how many to pass over, and how many at most."""

    style: Literal["none", "page", "offset"]
    page: str = "page"
    offset: str = "offset"
    size: str = "size"
    """Wire names of the query parameters."""
    first: Annotated[int, Field(ge=0, le=1)] = 1
    """The number of the first page."""
    limit: Annotated[int, Field(ge=1, le=100_000)] = 100
    """How many things are asked for at a time."""


class Listing(_Based):
    """The shape of a list answer. `items` and `total` are dotted paths; without `items` the answer is the JSON
    array itself."""

    items: _DOTTED | None = None
    total: _DOTTED | None = None
    paging: Paging = Paging(style="none")


class Attribute(_Based):
    """One attribute: its wire name, and how its value is written there."""

    wire: _WIRE
    required: bool = False
    """A create must carry it."""
    missing: str | None = None
    """The vendor's code when a create lacks it."""
    read_only: bool = False
    refers_to: str | None = None
    """The kind that it names."""
    by: Literal["id", "name"] | None = None
    """How a reference stands on the wire."""
    choices: tuple[str, ...] | None = None
    values: dict[str, JsonValue] | None = None
    """Our word → the wire's, where they may differ (run states)."""

    @model_validator(mode="after")
    def _reference_says_how(self) -> Self:
        if (self.refers_to is None) != (self.by is None):
            msg = "a reference needs both refers_to and by"
            raise ValueError(msg)
        return self


class Embedded(_Based):
    """Child kinds sent inside a create, as a list under `wire`."""

    wire: _WIRE


class MadeWithParent(_Based):
    """Things that the platform makes itself with every new parent, by attribute (not wire) names."""

    things: tuple[dict[str, JsonValue], ...]


class KindContract(_Entry):
    """One kind: its routes, its attributes, its shapes."""

    parent: str | None = None
    parent_wire: str | None = None
    """The attribute of a listed thing that holds its parent's id; needed where one list answers for all parents."""
    id: IdRule
    names: Names | None = None
    operations: dict[str, Operation]
    listing: Listing
    item: _DOTTED | None = None
    """Dotted path of the object in the answer to create, read, update and commands; without it the answer is the
    object itself."""
    attributes: dict[str, Attribute]
    embedded: dict[str, Embedded] = {}
    made_with_parent: MadeWithParent | None = None

    @property
    def listed_by_parent(self) -> bool:
        """Whether the list call names the parent; else one list answers for all parents."""
        call = self.operations.get("list")
        return call is not None and self.parent is not None and self.parent in call.placeholders()

    def capabilities(self) -> KindCapabilities:
        """The same in the words of manifests and planner."""
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


class Contract(_Entry):
    """The whole of it."""

    contract_version: Literal["1"]
    name: str
    auth: Auth
    prefix: Prefix
    errors: Errors
    kinds: dict[str, KindContract]

    _origin: str = PrivateAttr(default=_ORIGIN)

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if found := tuple(contradictions(self)):
            raise ContradictionError(found)
        return self

    @property
    def origin(self) -> str:
        """Where a person would change it: the file of the override, or the key of kiamo.yaml that would name one."""
        return self._origin

    def from_file(self, shown: str) -> Self:
        """The same contract, with `shown` as its origin."""
        copy = self.model_copy()
        copy._origin = shown  # noqa: SLF001 - of the same class
        return copy

    def capabilities(self) -> Capabilities:
        """What this contract lets manifests say and plans do."""
        return Capabilities(
            kinds={name: kind.capabilities() for name, kind in self.kinds.items()},
            meanings=self.errors.meanings.codes,
            origin=self.origin,
        )


def merge(under: Any, over: Any) -> Any:
    """`over` merged over `under`: mappings key by key, null takes a key away, all else replaces."""
    if not isinstance(under, Mapping) or not isinstance(over, Mapping):
        return over
    merged = dict(under)
    for key, value in over.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge(merged.get(key), value)
    return merged
