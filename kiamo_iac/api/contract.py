"""The contract: every route and wire name as data, read from `contract.yaml`, with a user's override merged over it.

Nothing here speaks HTTP. Each entry carries the basis on which it rests: documented, observed or assumed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Literal, Self
from urllib.parse import quote

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, model_validator

from kiamo_iac.resources.capabilities import Capabilities, KindCapabilities

OBJECT_OPERATIONS = ("list", "create", "read", "update", "delete")
"""Operations that any kind may have; every other name under `operations` is a state command."""

_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
_PATTERN = Annotated[str, AfterValidator(lambda text: re.compile(text).pattern)]


class Basis(StrEnum):
    """On what an entry rests."""

    DOCUMENTED = "documented"
    OBSERVED = "observed"
    ASSUMED = "assumed"


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class _Based(_Entry):
    basis: Basis


class Auth(_Based):
    """The header that carries the token."""

    header: str


class Prefix(_Based):
    """What stands before every path."""

    path: Annotated[str, Field(pattern=r"^(/[^/?#{}]+)*$")]


class Meanings(_Based):
    """`ERR_nnnn` → the vendor's message."""

    codes: dict[str, str]


class Errors(_Based):
    """How an error answer is read (by the client) and written (by the emulator). `code` and `message` are dotted
    paths."""

    code_pattern: _PATTERN
    code: str
    message: str
    meanings: Meanings


class IdRule(_Based):
    """The wire name and the JSON type of a kind's id."""

    wire: str
    type: Literal["string", "integer"]


class Names(_Based):
    """Which names are possible: a regular expression for the whole name."""

    pattern: _PATTERN


class Operation(_Based):
    """One call. In `path`, `query` and `body` `{id}` stands for the thing's own id and `{kind}` for the id of its
    parent."""

    method: Literal["GET", "POST", "PUT", "DELETE"]
    path: Annotated[str, Field(pattern=r"^/[^?#]*$")]
    query: dict[str, str] = {}
    body: dict[str, JsonValue] = {}
    """Sent as it stands, beside the attributes of a create or an update; the whole body of a state command."""

    def placeholders(self) -> frozenset[str]:
        """The names in braces that the call needs."""
        texts = [self.path, *self.query.values(), *(v for v in self.body.values() if isinstance(v, str))]
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


def _fill(value: JsonValue, ids: Mapping[str, str | int]) -> JsonValue:
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
    first: int = 1
    """The number of the first page."""
    limit: Annotated[int, Field(ge=1)] = 100
    """How many things are asked for at a time."""


class Listing(_Based):
    """The shape of a list answer. `items` and `total` are dotted paths; without `items` the answer is the JSON
    array itself."""

    items: str | None = None
    total: str | None = None
    paging: Paging = Paging(style="none")


class Attribute(_Based):
    """One attribute: its wire name, and how its value is written there."""

    wire: str
    required: bool = False
    """A create must carry it."""
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

    wire: str


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
    item: str | None = None
    """Dotted path of the object in the answer to create, read, update and commands; without it the answer is the
    object itself."""
    attributes: dict[str, Attribute]
    embedded: dict[str, Embedded] = {}
    made_with_parent: MadeWithParent | None = None

    @property
    def listed_by_parent(self) -> bool:
        """Whether the list call names the parent; else one list answers for all parents."""
        return self.parent is not None and self.parent in self.operations["list"].placeholders()

    def capabilities(self) -> KindCapabilities:
        """The same in the words of manifests and planner."""
        writable = {name: a for name, a in self.attributes.items() if not a.read_only}
        return KindCapabilities(
            operations=frozenset(self.operations),
            attributes=frozenset(writable) | ({"state"} & self.attributes.keys()),
            required=frozenset(name for name, a in writable.items() if a.required),
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

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        for kind, stanza in self.kinds.items():
            if stanza.parent is not None and stanza.parent not in self.kinds:
                msg = f"kinds.{kind}.parent names {stanza.parent}, which has no stanza"
                raise ValueError(msg)
            if "list" in stanza.operations and stanza.parent and not stanza.listed_by_parent and not stanza.parent_wire:
                msg = f"kinds.{kind}.operations.list does not name {{{stanza.parent}}}: give kinds.{kind}.parent_wire"
                raise ValueError(msg)
            for operation, call in stanza.operations.items():
                known = {"id", stanza.parent} - ({"id"} if operation in {"list", "create"} else set())
                if unknown := call.placeholders() - known:
                    msg = f"kinds.{kind}.operations.{operation} has an unknown placeholder {{{min(unknown)}}}"
                    raise ValueError(msg)
        return self

    def capabilities(self) -> Capabilities:
        """What this contract lets manifests say and plans do."""
        return Capabilities(
            kinds={name: kind.capabilities() for name, kind in self.kinds.items()},
            meanings=self.errors.meanings.codes,
            origin=self.name,
        )


def merge(under: Any, over: Any) -> Any:
    """`over` merged over `under`: mappings key by key, null takes a key away, all else replaces."""
    if not isinstance(under, Mapping) or not isinstance(over, Mapping):
        return over
    merged = dict(under)
    for key, value in over.items():
        if value is None and key in merged:
            del merged[key]
        else:
            merged[key] = merge(merged.get(key), value)
    return merged
