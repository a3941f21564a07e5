"""The entries of a contract: routes and wire names of each kind, each entry with its basis (documented, observed or
assumed)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Annotated, Any, Final, Literal, Self
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


def _plain_shape(shape: JsonValue) -> JsonValue:
    """A shape in which a text around the value has `$` for it, also where `$field` was written."""
    if isinstance(shape, dict):
        return {key: _plain_shape(each) for key, each in shape.items()}
    if isinstance(shape, list):
        return [_plain_shape(each) for each in shape]
    return shape.replace("$field", "$") if isinstance(shape, str) and shape != "$field" else shape


_PATTERN = Annotated[str, AfterValidator(_valid_pattern)]
_WIRE = Annotated[str, Field(min_length=1, max_length=200)]
_DOTTED = Annotated[str, Field(pattern=r"^[^.]+(\.[^.]+)*$", max_length=200)]
"""Keys of objects, and numbers of a list's items."""
Scalar = str | int | float | bool | None

NO_ITEM: Final = "none"
"""As `item`: the answer shows no object. As `wrap`: nothing is wrapped."""
EVERY_FIELD: Final = "$fields"
"""As `form`: each attribute is a form field of its own."""
EMULATOR: Final = "kiamo-iac-emulator"
"""The header `Server` of the emulator. It speaks any contract, so that a plan against it proves nothing of one."""


class Basis(StrEnum):
    """The source of an entry."""

    DOCUMENTED = "documented"
    OBSERVED = "observed"
    ASSUMED = "assumed"


class ContractEntry(BaseModel):
    """Any entry."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, defer_build=True, serialize_by_alias=True
    )


class BasedEntry(ContractEntry):
    """An entry with a basis."""

    basis: Basis


class Auth(BasedEntry):
    """The header that carries the token, and a query parameter that carries it too."""

    header: Annotated[str, Field(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$"), AfterValidator(_valid_header)]
    query: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,100}$")] | None = None


class Prefix(BasedEntry):
    """The beginning of every path."""

    path: Annotated[str, Field(pattern=r"^(/[^/?#{}]+)*$", max_length=500), AfterValidator(_valid_path)]


class Meanings(BasedEntry):
    """`ERR_nnnn` → the vendor's message."""

    codes: dict[str, str]


class Failure(ContractEntry):
    """What shows in a response with a status of success that the call failed. Without `is` and `unless`: anything but
    null, false, 0, "" and an empty list or object."""

    path: _DOTTED
    equals: JsonValue | None = Field(default=None, alias="is")
    """The value, or a list of values, of a failure."""
    unless: JsonValue | None = None
    """The value, or a list of values, of a success."""

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        if {"equals", "unless"} <= self.model_fields_set:
            msg = "is and unless exclude each other"
            raise ValueError(msg)
        if [] in (self.equals, self.unless):
            msg = "an empty list has no value: then no call fails, or every one"
            raise ValueError(msg)
        return self

    def shown_by(self, found: Any, *, is_there: bool) -> bool:
        """Whether a value under `path` says that the call failed."""
        if "equals" in self.model_fields_set:
            return is_there and _is_among(found, self.equals)
        if "unless" in self.model_fields_set:
            return not is_there or not _is_among(found, self.unless)
        return is_there and bool(found)


def _is_among(found: Any, wanted: JsonValue) -> bool:
    choices = wanted if isinstance(wanted, list) else [wanted]
    return any(type(found) is type(choice) and found == choice for choice in choices)


class Errors(BasedEntry):
    """The form of an error response, which the client reads and the emulator writes. `code` and `message` are dotted
    paths."""

    code_pattern: Annotated[str, AfterValidator(_valid_search_pattern)]
    code: _DOTTED
    message: _DOTTED
    failed: Failure | None = None
    absent: tuple[str, ...] = ()
    """Codes of an object that does not exist, whatever the status."""
    meanings: Meanings

    @model_validator(mode="after")
    def _absent_are_codes(self) -> Self:
        for code in self.absent:
            if linear_pattern(self.code_pattern).find(code) != code:
                msg = f"absent: {code} is no code that code_pattern finds"
                raise ValueError(msg)
        return self


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

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    path: Annotated[str, Field(pattern=r"^(/[^/?#\s]+)+/?$", max_length=500), AfterValidator(_valid_path)]
    query: dict[str, str] = {}
    body: dict[str, JsonValue] = {}
    """Sent with the attributes of a create or an update; the whole body of a state command."""
    form: _WIRE | None = None
    """The form field that carries the body as JSON; `$fields`: each attribute is a field; None: the body is JSON."""
    wrap: _WIRE | None = None
    """The key that the attributes of a create or update are sent under."""
    item: _DOTTED | None = None
    """The dotted path of the object in the answer, where it is another than the kind's; `none`: it shows none."""
    id: _WIRE | None = None
    """Where the answer to a create has the id: a dotted path, `$location`, `$answer` (the answer itself) or `$name` (it
    is looked up by its name)."""
    send: Literal["changes", "whole"] = "changes"
    """What an update sends: `whole`: every writable attribute, as read right before."""
    carry: tuple[_DOTTED, ...] = ()
    """Dotted paths of what is read right before, and goes back with the call (`version`)."""

    @property
    def reads_first(self) -> bool:
        """Whether the object is read right before the call."""
        return self.send == "whole" or bool(self.carry)

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
    """The paging of a list. `page`: number and size; `offset`: the number of objects to skip, and the size; `cursor`: a
    text of the response, sent back as `parameter`; `next` and `link`: the address of the next page, in the response or
    in its header Link, of which only the query is used."""

    style: Literal["none", "page", "offset", "cursor", "next", "link"]
    next: _DOTTED | None = None
    """Dotted path of the cursor."""
    parameter: str = "cursor"
    """The parameter that carries the cursor."""
    url: _DOTTED | None = None
    """Dotted path of the address of the next page."""
    within: Literal["query", "body"] = "query"
    """Where the parameters of `page`, `offset` and `cursor` are sent."""
    page: str = "page"
    offset: str = "offset"
    size: str = "size"
    """Wire names of the query parameters."""
    first: Annotated[int, Field(ge=0, le=1, strict=True)] = 1
    """The number of the first page."""
    limit: Annotated[int, Field(ge=1, le=100_000, strict=True)] = 100
    """Objects a page."""

    @model_validator(mode="after")
    def _path_is_there(self) -> Self:
        if self.style == "cursor" and self.next is None:
            msg = "style: cursor needs next, the path of the cursor in the response"
            raise ValueError(msg)
        if self.style == "next" and self.url is None:
            msg = "style: next needs url, the path of the address of the next page in the response"
            raise ValueError(msg)
        return self


class Listing(BasedEntry):
    """The form of a list response. `items` and `total` are dotted paths; without `items` the response is the array."""

    items: _DOTTED | None = None
    total: _DOTTED | None = None
    paging: Paging = Field(default_factory=lambda: Paging(style="none"))
    groups: tuple[str, ...] = ()
    """The keys of several arrays below `items`, which are one list."""
    keyed: _WIRE | None = None
    """The rows are the values of an object; each key is this attribute (by wire name) of its row."""
    row: _DOTTED | None = None
    """Dotted path of the object in each row."""
    detail: Literal["read"] | None = None
    """The list shows less than a read: every object is read."""
    whole: bool = False
    """A response without pages is whole, whatever it says of further ones."""


class Attribute(BasedEntry):
    """One attribute: its wire name, and the form of its value there. A reference has the shape that its kind declares:
    one id or name, a list of them, or an object of them."""

    wire: _WIRE
    """Its dotted path in a request, and in a response where `read` is left out."""
    read: _DOTTED | None = None
    """Its dotted path in a response; `$group`: the key of the array that its row is in."""
    source: _WIRE | None = Field(default=None, alias="from")
    """The operation whose response shows it, where a read of the object does not."""
    shape: Annotated[JsonValue | None, AfterValidator(_plain_shape)] = None
    """The form of its value: `$` stands for the value, `$role` and `$field` for an entry of a mapping."""
    required: bool = False
    """A create must have it."""
    missing: str | None = None
    """The vendor's code when a create lacks it."""
    read_only: bool = False
    refers_to: str | None = None
    """The kind that it refers to."""
    by: Literal["id", "name", "key"] | None = None
    """The form of a reference on the wire; `key`: the read-only attribute `key` of its target."""
    choices: tuple[str, ...] | None = None
    values: dict[str, JsonValue] | None = None
    """Word of manifests → value on the wire, where they differ (run states); of a list, the first is written."""

    @model_validator(mode="after")
    def _reference_is_complete(self) -> Self:
        if (self.refers_to is None) != (self.by is None):
            msg = "refers_to and by must be set together"
            raise ValueError(msg)
        return self


class Embedded(BasedEntry):
    """Child kinds sent inside a create, as a list under `wire`."""

    wire: _WIRE


class KindRoutes(ContractEntry):
    """The paths of list and create, and of read, update and delete."""

    all: str | None = None
    one: str | None = None
    basis: Basis | None = None


class Calls(ContractEntry):
    """Defaults of the operations that have a body."""

    form: _WIRE | None = None
    wrap: _WIRE | None = None
    """Of creates and updates; `$kind`: the name of the kind."""


class Inside(ContractEntry):
    """Objects that exist only inside their parent: the whole list is replaced by a write of the parent."""

    wire: _WIRE
    """The list in the parent's write."""
    read: _DOTTED | None = None
    """Dotted path of the list in the response to the parent's read; left out: `item` of the parent, then `wire`."""
    write: str = "update"
    """The operation of the parent."""


class MadeWithParent(BasedEntry):
    """Objects that the platform creates with every new parent, by attribute (not wire) names."""

    things: tuple[dict[str, JsonValue], ...]


class KindContract(ContractEntry):
    """One kind: its routes, attributes and response forms."""

    parent: str | None = None
    parent_wire: str | None = None
    """The attribute of a listed object that holds its parent's id; for lists that have the children of all parents."""
    id: IdRule
    identity: Literal["id", "name"] = "id"
    """`name`: objects have no id, and their name identifies them."""
    names: NameRule | None = None
    operations: dict[str, Operation]
    listing: Listing
    item: _DOTTED | None = None
    """Dotted path of the object in the response to create, read, update and commands; without it the response is the
    object."""
    attributes: dict[str, Attribute]
    embedded: dict[str, Embedded] = {}
    made_with_parent: MadeWithParent | None = None
    inside: Inside | None = None
    routes: KindRoutes | None = None
    calls: Calls | None = None

    def item_of(self, operation: str) -> str | None:
        """The dotted path of the object in the answer to an operation; None: the answer is the object."""
        call = self.operations.get(operation)
        return call.item if call is not None and call.item is not None else self.item

    @property
    def listed_by_parent(self) -> bool:
        """Whether the list call names the parent; else one list has the children of all parents."""
        call = self.operations.get("list")
        return call is not None and self.parent is not None and self.parent in call.placeholders()

    def wire_names(self) -> frozenset[str]:
        """Its wire names, and the first keys of those that are paths: no setting has one of them."""
        paths = {self.id.wire, *(e.wire for e in self.embedded.values())}
        for attribute in self.attributes.values():
            paths |= {attribute.wire} | ({attribute.read} if attribute.read and attribute.source is None else set())
        return frozenset(paths | {path.split(".")[0] for path in paths})

    def capabilities(self) -> KindCapabilities:
        """The same in the words of manifests."""
        writable = {name: a for name, a in self.attributes.items() if not a.read_only}
        return KindCapabilities(
            operations=frozenset(self.operations),
            attributes=frozenset(writable) | ({"state"} & self.attributes.keys()),
            required={name: a.missing for name, a in writable.items() if a.required},
            wire_names=self.wire_names(),
            name_pattern=self.names.pattern if self.names else None,
            choices={name: a.choices for name, a in writable.items() if a.choices},
            defaults=self.made_with_parent.things if self.made_with_parent else (),
            embedded=frozenset(self.embedded),
        )
