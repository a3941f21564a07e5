"""The address of a resource: `bases/prospects/fields/city`, collections and names in turn."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection
from typing import Self


def identity(name: str) -> str:
    """The form in which names are compared: Unicode NFC (design §4); never sent to a server."""
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def _escape(name: str) -> str:
    name = identity(name)
    return name.replace("%", "%25").replace("/", "%2F") if "%" in name or "/" in name else name


class Address(str):
    """A path of (collection, name) pairs; a string that compares, hashes and sorts as it is shown.

    Names in it are in NFC; a slash in a name is written `%2F` and a percent sign `%25`.
    """

    __slots__ = ()

    @classmethod
    def of(cls, collection: str, name: str, parent: Address | None = None) -> Self:
        """The address of `name` in `collection`, on the instance or below `parent`."""
        tail = _escape(name)
        return cls("/".join((collection, tail) if parent is None else (parent, collection, tail)))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what a person typed.

        Raises:
            ValueError: the text is not pairs of a collection and a name.
        """
        parts = text.split("/")
        if len(parts) % 2 or not all(parts):
            msg = (
                f'"{text}" is not an address: write collections and names in turn, such as bases/prospects/fields/city'
            )
            raise ValueError(msg)
        return cls(identity(text))

    @property
    def collection(self) -> str:
        """The last collection, such as `fields`."""
        return self.rsplit("/", 2)[-2]

    @property
    def name(self) -> str:
        """The last name, unescaped, in NFC."""
        return self.rsplit("/", 1)[-1].replace("%2F", "/").replace("%25", "%")

    @property
    def parent(self) -> Address | None:
        """The address of its parent, or None at the top."""
        parts = self.rsplit("/", 2)
        return Address(parts[0]) if len(parts) == 3 else None

    @property
    def depth(self) -> int:
        """The number of collections in it: 1 at the top."""
        return (self.count("/") + 1) // 2

    @property
    def place(self) -> tuple[str, ...]:
        """Sorts an object right before what is below it: `bases/x/fields/a` before `bases/x-001`."""
        return tuple(self.split("/"))

    def covers(self, other: Address) -> bool:
        """Whether `other` is this address or stands below it: an address given to an option means both."""
        return other == self or other.startswith(f"{self}/")

    def child(self, collection: str, name: str) -> Address:
        """The address of `name` in `collection` below this one."""
        return Address.of(collection, name, self)


def covered(address: Address, by: Collection[Address]) -> bool:
    """Whether one of `by` is the address, or stands above it."""
    return any(one.covers(address) for one in by)
