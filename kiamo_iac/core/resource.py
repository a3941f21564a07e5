"""The base of all kinds: the keys of a manifest block, references, and when an attribute may change.

A kind is one subclass of `Resource` in one file of `resources/`. The class is the model that checks a block of a
manifest and, in its class variables, all that the planner knows of the kind. Wire names and routes are data, in the
contract.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Final, assert_never

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from kiamo_iac.core.state_machine import StateMachine


class Ensure(StrEnum):
    """Whether a declared resource has to exist."""

    PRESENT = "present"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """The keys of a block that are not attributes of the resource."""

    ensure: Ensure = Ensure.PRESENT
    managed: bool = True
    """False: a reference. It must exist on the instance and is never written."""
    protect: bool = False
    """Never deleted or replaced."""
    renamed_from: tuple[str, ...] = ()
    """Former names, in NFC."""
    exclusive: tuple[str, ...] = ()
    """Child collections whose declared list is complete."""
    initial_state: str | None = None
    """The run state that it gets once, right after this tool creates it."""
    sensitive: tuple[str, ...] = ()
    """Settings that are masked in every output and stored nowhere, dotted: `settings.smtp.password`."""
    ignore_changes: tuple[str, ...] = ()
    """Attributes that are set when it is created and not compared afterwards; of settings, `settings.pace` or all."""


PRESENT = Lifecycle()
"""The lifecycle of most resources, shared to save memory."""


class Scope(StrEnum):
    """Where the target of a reference is looked up."""

    INSTANCE = "instance"
    """Anywhere on the instance, by its name."""
    SIBLING = "sibling"
    """Below the same parent."""


class ReferenceShape(StrEnum):
    """How an attribute holds the names of what it refers to."""

    ONE = "one"
    LIST = "list"
    """In the order that is declared: another order is another value."""
    MAPPING = "mapping"
    """Role → name."""


@dataclass(frozen=True, slots=True)
class Reference:
    """An attribute that names other resources.

    All methods take values with names or with their substitutes (ids on the wire, entries of a seed). A value of
    another shape (in a ledger of an older version) holds no names.
    """

    attribute: str
    kind: str
    scope: Scope
    shape: ReferenceShape = ReferenceShape.ONE
    missing: str | None = None
    """The vendor's code for a target that does not exist."""
    in_use: str | None = None
    """The vendor's code for deleting a target that something unfinished still refers to."""

    @property
    def holds_several(self) -> bool:
        """Whether a value is a list or a mapping, whose entries have places of their own."""
        return self.shape is not ReferenceShape.ONE

    def names(self, attributes: Mapping[str, Any]) -> tuple[Any, ...]:
        """The names that a resource with these attributes refers to, in the order of the value."""
        value = attributes.get(self.attribute)
        if value is None or not self.fits(value):
            return ()
        if self.shape is ReferenceShape.ONE:
            return (value,)
        return tuple(value.values() if self.shape is ReferenceShape.MAPPING else value)

    def items(self, value: Any) -> Iterator[tuple[str | None, Any]]:
        """Each name of a value with its key: the role, the index as `Place.at` takes it ("0"), or None for one name."""
        if value is None or not self.fits(value):
            return
        match self.shape:
            case ReferenceShape.ONE:
                yield None, value
            case ReferenceShape.LIST:
                yield from ((str(index), name) for index, name in enumerate(value))
            case ReferenceShape.MAPPING:
                yield from value.items()
            case _:
                assert_never(self.shape)

    def map(self, value: Any, change: Callable[[Any], Any]) -> Any:
        """The value with `change` of each name in its place; an entry that becomes None is left out.

        A value without names, None among them, comes back as it is.
        """
        return self.map_items(value, lambda _, name: change(name))

    def map_items(self, value: Any, change: Callable[[str | None, Any], Any]) -> Any:
        """As `map`; `change` takes the key of each name too, as `items` has it."""
        if value is None or not self.fits(value):
            return value
        changed = {key: new for key, name in self.items(value) if (new := change(key, name)) is not None}
        match self.shape:
            case ReferenceShape.ONE:
                return changed.get(None)
            case ReferenceShape.LIST:
                return list(changed.values())
            case ReferenceShape.MAPPING:
                return changed
            case _:
                assert_never(self.shape)

    def equal(self, one: Any, other: Any, same: Callable[[Any, Any], bool]) -> bool:
        """Whether two values hold the same names under the same keys; `same` compares a name of each."""
        if not self.fits(one) or not self.fits(other):
            return False
        if self.shape is ReferenceShape.ONE:
            return same(one, other)
        names, others = dict(self.items(one)), dict(self.items(other))
        return names.keys() == others.keys() and all(same(name, others[key]) for key, name in names.items())

    def fits(self, value: Any) -> bool:
        """Whether a value has the shape of this reference; its names are not looked at."""
        match self.shape:
            case ReferenceShape.ONE:
                return isinstance(value, str) or not isinstance(value, _SEVERAL)
            case ReferenceShape.LIST:
                return isinstance(value, list)
            case ReferenceShape.MAPPING:
                return isinstance(value, Mapping)
            case _:
                assert_never(self.shape)


_SEVERAL = (Mapping, list)


@dataclass(frozen=True, slots=True)
class SystemObjects:
    """Objects that the platform creates itself and that cannot be changed (default fields)."""

    flag: str
    """The read-only attribute that is true on them."""
    update: str
    """The vendor's code for changing one."""
    delete: str
    """The vendor's code for deleting one."""


LONGEST_NAME = 255
"""Characters."""
Name = Annotated[
    str, Field(min_length=1, max_length=LONGEST_NAME, description="The name on the instance; names are identity.")
]


TEMPORARY: Final = ("-tmp", "_tmp", "tmp", "-tmp2", "-tmp3", "-tmp4")
"""The endings of temporary names, which objects have while they exchange their names; the preferred one first."""


def temporary_names(old: str) -> Iterator[str]:
    """Temporary names for a resource called `old`, the preferred one first."""
    for ending in TEMPORARY:
        yield old[: LONGEST_NAME - len(ending)] + ending


def is_temporary(name: str, names: Collection[str]) -> bool:
    """Whether `name` is a temporary name of one of `names`; it nearly never ends so."""
    return name.endswith(TEMPORARY) and any(name in temporary_names(old) for old in names)


def _without_default(schema: dict[str, Any]) -> None:
    schema.pop("default", None)


def unset() -> Any:
    """The default of an attribute that may be left out. An attribute that is not declared is not compared, so a schema
    shows no default."""
    return Field(default=None, json_schema_extra=_without_default)


class Resource(BaseModel):
    """The keys of every kind (design §4). Values are checked and never converted: they are compared as declared."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True, defer_build=True)

    kind: ClassVar[str]
    """`batch`: as plans and the contract call it."""
    collection: ClassVar[str]
    """`batches`: as manifests and addresses call it."""
    parent: ClassVar[str | None] = None
    """The kind of its parent, or None at the top of the instance."""
    by_reference: ClassVar[bool] = False
    """True: a block without `managed: true` is a reference."""
    references: ClassVar[tuple[Reference, ...]] = ()
    machine: ClassVar[StateMachine | None] = None
    immutable: ClassVar[Mapping[str, str | None]] = {}
    """Attributes fixed at creation, each with the vendor's code for changing it; `name` among them: no renames."""
    system: ClassVar[SystemObjects | None] = None
    contents: ClassVar[str | None] = None
    """The read-only attribute that counts the contacts which are deleted with it."""
    column: ClassVar[bool] = False
    """True: it is a column of its parent's contacts; deleting it deletes their data in it."""

    name: Name
    label: Annotated[str, Field(max_length=255, description="The label that people see.")] = unset()
    ensure: Annotated[Ensure, Field(strict=False, description="`absent`: delete it.")] = unset()
    protect: Annotated[bool, Field(description="Never delete or replace it.")] = unset()
    renamed_from: Annotated[list[Name], Field(description="Former names: the object is renamed, not recreated.")] = (
        unset()
    )
    exclusive: Annotated[
        list[str],
        Field(description="Child collections whose declared list is complete: all others are deleted."),
    ] = unset()
    settings: Annotated[
        dict[str, JsonValue],
        Field(description="Attributes that the contract does not know, sent as they are."),
    ] = unset()
    sensitive: Annotated[
        list[Annotated[str, Field(min_length=1)]],
        Field(
            description="Settings that are shown in no output and stored nowhere, by path (`settings.smtp.password`). "
            "Keys that are named like secrets are sensitive without being listed."
        ),
    ] = unset()
    ignore_changes: Annotated[
        list[Annotated[str, Field(min_length=1)]],
        Field(
            description="Attributes that are set when it is created and not compared afterwards: `label`, "
            "`settings.pace`, `settings`."
        ),
    ] = unset()


COMMON_KEYS = frozenset(
    {
        "ensure",
        "protect",
        "renamed_from",
        "settings",
        "exclusive",
        "managed",
        "initial_state",
        "sensitive",
        "ignore_changes",
    }
)
"""Keys of a block that are not attributes of the resource."""
