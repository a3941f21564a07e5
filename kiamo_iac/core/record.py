"""One declaration of a JSON object, which writes it, reads it back, and describes it as a JSON Schema.

    Form      how one value is written in JSON
    Key       one key of an object: its form, and the attribute that it is written from and read into
    Record    an object with exactly these keys, as a form: records nest

What a record reads, its schema takes; a schema may take more, for instance text that is no address of a known kind.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from operator import attrgetter
from typing import Any, Final, Generic, NoReturn, TypeVar

from kiamo_iac.core import json_schema
from kiamo_iac.core.address import Address
from kiamo_iac.core.diagnostics import SourceRange
from kiamo_iac.core.json_schema import ANY, Schema, closed, defined, with_null

T = TypeVar("T")
K = TypeVar("K")
V = TypeVar("V")
E = TypeVar("E", bound=StrEnum)

ADDRESS_PATTERN: Final = "^[^/]+/[^/]+(/[^/]+/[^/]+)*$"
PLACE_PATTERN: Final = r":[1-9][0-9]*:[1-9][0-9]*( \(.+:[1-9][0-9]*\))?$"
_PLACE: Final = re.compile(r"(.*):([0-9]{1,9}):([0-9]{1,9})(?: \((.+:[0-9]{1,9})\))?", re.DOTALL)


class Form(Generic[V]):
    """How one value is written in JSON, read back, and described."""

    def __init__(
        self, schema: Mapping[str, Any], read: Callable[[Any], V], write: Callable[[V], Any] | None = None
    ) -> None:
        """`read` raises ValueError for a value of another form, with a predicate (`must be a list`). `write` is None
        where the value is JSON as it is."""
        self.schema: Schema = dict(schema)
        self.read = read
        self.write = write


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a record, where it is not just named as its attribute."""

    form: Form[Any]
    source: str | Callable[[Any], Any]
    """What is written: an attribute (dotted below others), or a function of the value."""
    target: str | None = None
    """The parameter that takes what is read; None: it is derived from others, and not read."""


class Record(Form[T]):
    """An object with exactly these keys, in the order in which they are written; optional ones only where set."""

    def __init__(
        self,
        make: Callable[..., T],
        description: str,
        keys: Mapping[str, Form[Any] | Key],
        *,
        definition: str | None = None,
        optional: Mapping[str, Any] | None = None,
    ) -> None:
        """`make` takes what was read, by the names of the attributes. `definition`: its name among the `definitions` of
        a schema that it is a part of; None: it is described where it is used. `optional`: keys that are left out where
        they hold these values, which `make` takes for them by itself."""
        self.names: Final = tuple(keys)
        self._optional = dict(optional or {})
        self.definition = definition
        forms = {name: key.form if isinstance(key, Key) else key for name, key in keys.items()}
        self.properties: Final[Mapping[str, Schema]] = {name: form.schema for name, form in forms.items()}
        needed = [name for name in keys if name not in self._optional]
        self.body: Final = closed(self.properties, description, required=needed)
        """Its own schema; `schema` is a reference to it where it has a name."""
        self._make = make
        self._known = frozenset(keys)
        sources = {name: key.source if isinstance(key, Key) else name for name, key in keys.items()}
        self._writers = [
            (name, attrgetter(source) if isinstance(source, str) else source, forms[name].write)
            for name, source in sources.items()
        ]
        targets = {name: key.target if isinstance(key, Key) else name for name, key in keys.items()}
        self._readers = [(name, target, forms[name].read) for name, target in targets.items() if target is not None]
        super().__init__(defined(definition) if definition else self.body, self.parse, self.data)

    def data(self, value: T) -> dict[str, Any]:
        """The object for `value`."""
        found = {name: get(value) if write is None else write(get(value)) for name, get, write in self._writers}
        for name, default in self._optional.items():
            if found[name] == default:
                del found[name]
        return found

    def parse(self, data: Any) -> T:
        """The value that `data` is written from.

        Raises:
            ValueError: it is another object, or none; the message is a predicate, after the key that it is about.
        """
        return self._make(**self.values(data))

    def values(self, data: Any) -> dict[str, Any]:
        """What `make` takes.

        Raises:
            ValueError: as `parse`.
        """
        if type(data) is not dict or not self._fits(data):
            needed = ", ".join(name for name in self.names if name not in self._optional)
            also = f"; it may have {', '.join(self._optional)}" if self._optional else ""
            wrong(f"must have the keys {needed}, and no others{also}")
        found: dict[str, Any] = {}
        name = ""
        try:
            for name, target, read in self._readers:
                if name in data:
                    found[target] = read(data[name])
        except ValueError as error:
            inner = str(error)
            wrong(f'"{name}": {inner}' if inner.startswith('"') else f'"{name}" {inner}')
        return found

    def _fits(self, data: Mapping[str, Any]) -> bool:
        """Whether `data` has the keys that it must have, and no unknown ones."""
        return data.keys() == self._known or (
            data.keys() <= self._known and self._known - data.keys() <= self._optional.keys()
        )


def wrong(reason: str) -> NoReturn:
    """
    Raises:
        ValueError: always, with `reason`.
    """
    raise ValueError(reason)


def definitions(*records: Record[Any]) -> Schema:
    """The `definitions` of a schema that refers to these records."""
    return {record.definition or "": record.body for record in records}


def derived(form: Form[V], source: str | Callable[[Any], V]) -> Key:
    """A key that is written and not read: it follows from others."""
    return Key(form, source)


# --- scalars ---------------------------------------------------------------------------------------------------------


def text(description: str, *, pattern: str | None = None) -> Form[str]:
    """A string; `pattern` begins with `^` and ends with `$`."""
    if pattern is None:
        return Form(json_schema.text(description), _text)
    form = pattern
    return Form(json_schema.text(description, pattern=form), lambda value: _text_of(value, form))


def boolean(description: str) -> Form[bool]:
    """True or false."""
    return Form({"type": "boolean", "description": description}, _boolean)


def integer(description: str = "", *, minimum: int, maximum: int | None = None) -> Form[int]:
    """A whole number within bounds; an item of a list needs no description."""
    bounds = {"minimum": minimum} if maximum is None else {"minimum": minimum, "maximum": maximum}

    def read(value: Any) -> int:
        if type(value) is not int or value < minimum or (maximum is not None and value > maximum):
            wrong(f"must be a whole number from {minimum}{'' if maximum is None else f' to {maximum}'}")
        return value

    about = {"description": description} if description else {}
    return Form({"type": "integer", **bounds, **about}, read)


def seconds(description: str) -> Form[float]:
    """A duration, written to the millisecond."""

    def read(value: Any) -> float:
        if type(value) not in {int, float} or value < 0:
            wrong("must be a number, 0 or more")
        return float(value)

    return Form({"type": "number", "minimum": 0, "description": description}, read, lambda value: round(value, 3))


def enum(choices: type[E], description: str) -> Form[E]:
    """A value of an enum."""

    def read(value: Any) -> E:
        try:
            return choices(value)
        except ValueError:
            return wrong(f"must be one of {', '.join(choices)}")

    return Form(json_schema.one_of(choices, description), read, attrgetter("value"))


def one_of(choices: Iterable[str], description: str) -> Form[str]:
    """One of these strings."""
    known = tuple(map(str, choices))

    def read(value: Any) -> str:
        return value if type(value) is str and value in known else wrong(f"must be one of {', '.join(known)}")

    return Form(json_schema.one_of(known, description), read, str)


def constant(value: str | int, description: str) -> Key:
    """A key with one value, such as the version of a format."""
    return Key(Form({"const": value, "description": description}, lambda _: value), lambda _: value)


def address(description: str) -> Form[Address]:
    """The address of a resource."""

    def read(value: Any) -> Address:
        try:
            return Address.parse(_text(value))
        except ValueError:
            return wrong("must be an address")

    return Form(json_schema.text(description, pattern=ADDRESS_PATTERN), read)


def place(description: str) -> Form[SourceRange]:
    """`file:line:column`; the file may hold colons. Of what a row generated: `file:line:column (agences.csv:12)`."""

    def read(value: Any) -> SourceRange:
        found = _PLACE.fullmatch(_text(value))
        if found is None:
            return wrong("must be file:line:column")
        return SourceRange(found[1], int(found[2]), int(found[3]), found[4] or "")

    return Form(json_schema.text(description, pattern=PLACE_PATTERN), read, str)


def remote_id(description: str) -> Form[str | int | None]:
    """An id on the instance, or null."""

    def read(value: Any) -> str | int | None:
        if type(value) not in {str, int, type(None)}:
            wrong("must be a string, a whole number or null")
        found: str | int | None = value
        return found

    return Form({"type": ["string", "integer", "null"], "description": description}, read)


def anything(description: str) -> Form[Any]:
    """Any JSON."""
    return Form({"description": description}, lambda value: value)


def nullable(form: Form[V]) -> Form[V | None]:
    """The same, or null."""
    inner, read = form.write, form.read
    write = None if inner is None else lambda value: None if value is None else inner(value)
    schema = with_null(form.schema)
    if isinstance(form, Record) and form.definition is not None:  # no keyword may be beside a reference
        about = {"description": f"The {form.definition}, or null.", "type": ["object", "null"]}
        schema = {**about, "if": {"type": "object"}, "then": form.schema}
    return Form(schema, lambda value: None if value is None else read(value), write)


# --- lists and mappings ----------------------------------------------------------------------------------------------


def list_of(items: Form[V], description: str, **constraints: Any) -> Form[tuple[V, ...]]:
    """An array; `constraints` are keywords of JSON Schema, which its reader leaves to the writer."""
    inner, read_item = items.write, items.read

    def read(value: Any) -> tuple[V, ...]:
        if type(value) is not list:
            wrong("must be a list")
        return tuple(map(read_item, value))

    def write(values: Iterable[V]) -> list[Any]:
        return list(values) if inner is None else list(map(inner, values))

    return Form(json_schema.list_of(items.schema, description, **constraints), read, write)


def mapping_of(values: Form[V] | None, description: str, *, keys: Form[Any] | None = None) -> Form[Mapping[Any, V]]:
    """An object with any keys; `values` None: of any JSON. `keys`: the form of its keys, where they have one."""
    constraints = {} if keys is None else {"propertyNames": {"pattern": keys.schema["pattern"]}}

    def read(value: Any) -> Mapping[Any, V]:
        if type(value) is not dict:
            wrong("must be an object")
        found = value if keys is None else {keys.read(key): inner for key, inner in value.items()}
        return found if values is None else {key: values.read(inner) for key, inner in found.items()}

    schema = json_schema.mapping_of(ANY if values is None else values.schema, description, **constraints)
    return Form(schema, read, dict)


def counts(
    keys: Iterable[str], description: str, *, optional: Mapping[str, str] | None = None
) -> Form[Mapping[Any, int]]:
    """A number for each of these keys, all present. `optional`: further keys with their descriptions, written where the
    number is not 0."""
    needed = [str(key) for key in keys]
    described = {key: f"How many: {key}." for key in needed} | dict(optional or {})
    numbers = {key: integer(text, minimum=0) for key, text in described.items()}
    schema = closed({key: form.schema for key, form in numbers.items()}, description, required=needed)

    def write(found: Mapping[Any, int]) -> dict[str, int]:
        return {key: found[key] for key in numbers if key in needed or found[key]}

    return Form(schema, lambda value: value, write)


# --- reading ---------------------------------------------------------------------------------------------------------


def _text(value: Any) -> str:
    if type(value) is not str:
        wrong("must be a string")
    return value


def _boolean(value: Any) -> bool:
    if type(value) is not bool:
        wrong("must be true or false")
    return value


def _text_of(value: Any, pattern: str) -> str:
    if type(value) is not str or not (_matches if len(value) <= _CACHED else _matches.__wrapped__)(value, pattern):
        wrong(f"must match {pattern}")
    return value


_CACHED: Final = 128
"""Characters of the longest text whose match is remembered."""


@lru_cache(maxsize=4096)  # all that one run applied has one time, one commit and one version
def _matches(value: str, pattern: str) -> bool:
    return re.fullmatch(pattern, value) is not None
