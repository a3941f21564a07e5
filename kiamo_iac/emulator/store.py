"""Objects in SQLite: rows, references, ids, and names of deleted objects that are still referred to; no rules."""

from __future__ import annotations

import json
import sqlite3
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

from kiamo_iac.contract.model import Contract
from kiamo_iac.core.strict_json import write_json

_TABLES = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE things (
    n INTEGER PRIMARY KEY, kind TEXT NOT NULL, id TEXT NOT NULL, parent INTEGER NOT NULL, nfc TEXT NOT NULL,
    attributes TEXT NOT NULL, settings TEXT NOT NULL, wire TEXT NOT NULL);
CREATE UNIQUE INDEX things_id ON things (kind, id);
CREATE UNIQUE INDEX things_name ON things (parent, kind, nfc);
CREATE INDEX things_order ON things (parent, kind);
CREATE INDEX things_kind ON things (kind);
CREATE TABLE refs (owner INTEGER, attribute TEXT, target INTEGER, PRIMARY KEY (owner, attribute, target)) WITHOUT ROWID;
CREATE INDEX refs_target ON refs (target);
CREATE TABLE gone (n INTEGER PRIMARY KEY, kind TEXT NOT NULL, id TEXT NOT NULL, name TEXT NOT NULL);
CREATE TABLE given (kind TEXT, id TEXT, PRIMARY KEY (kind, id)) WITHOUT ROWID;
"""
_DATA = ("things", "refs", "gone", "given")
_COLUMNS = "n, kind, id, parent, attributes, settings, wire"

TOP = 0
"""The parent number of an object of the instance."""
VERSION = "$version"
"""Among the attributes of an object, of no contract: how often it was written."""


@dataclass(slots=True)
class StoredObject:
    """One object. A reference is the number of an object."""

    n: int
    """Its number, which is never reused."""
    kind: str
    id: str
    parent: int
    attributes: dict[str, Any]
    """By the names of manifests; `name` always, exact."""
    settings: dict[str, Any] = field(default_factory=dict)
    """By wire names."""
    wire: str = ""
    """Its JSON in responses."""

    @property
    def name(self) -> str:
        """The exact name."""
        name: str = self.attributes["name"]
        return name


class Shown(NamedTuple):
    """What other objects show of an object."""

    id: str
    name: str
    """Exact."""
    key: str


def key_of(kind: str, id_: str) -> str:
    """The key of an object that was created with none, where a contract refers to its kind by key."""
    return f"{kind}-{id_}"


def identity(name: str) -> str:
    """The form in which names are compared: NFC."""
    return unicodedata.normalize("NFC", name)


def _stored(row: tuple[Any, ...]) -> StoredObject:
    n, kind, id_, parent, attributes, settings, wire = row
    return StoredObject(n, kind, id_, parent, json.loads(attributes), json.loads(settings), wire)


class ObjectStore:
    """The database. Not safe under threads by itself: the emulator holds a lock around every call."""

    def __init__(self, database: str | Path, fingerprint: str) -> None:
        """
        Raises:
            ValueError: the file was created with another contract, or is not a database of an emulator.
        """
        self._db = sqlite3.connect(database, check_same_thread=False, isolation_level=None, timeout=0.2)
        try:
            self._prepare(fingerprint)
        except sqlite3.DatabaseError as error:
            self._db.close()
            msg = f"{database} cannot be used as the emulator's database: {error}"
            raise ValueError(msg) from error
        except ValueError:
            self._db.close()
            raise
        self._run = self._db.execute

    def _prepare(self, fingerprint: str) -> None:
        # Low durability: a crash of the machine may lose data, a crash of the process does not.
        self._db.executescript("PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;")
        if not self._db.execute("SELECT 1 FROM sqlite_master").fetchone():
            self._db.executescript(f"BEGIN; {_TABLES} COMMIT;")
            self._db.execute("INSERT INTO meta VALUES ('fingerprint', ?), ('number', 0)", (fingerprint + _TABLES,))
        found = self._db.execute("SELECT value FROM meta WHERE key = 'fingerprint'").fetchone()
        if found != (fingerprint + _TABLES,):
            msg = "the database was created with another contract: pass another file, or delete this one"
            raise ValueError(msg)
        self._number: int = self._db.execute("SELECT value FROM meta WHERE key = 'number'").fetchone()[0]

    def close(self) -> None:
        """Close the database."""
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit at the end, roll back on an exception."""
        self._run("BEGIN")
        try:
            yield
        except BaseException:
            self._run("ROLLBACK")
            raise
        self._run("COMMIT")

    def clear(self) -> None:
        """Empty it, and count from 1 again."""
        for table in _DATA:
            self._run(f"DELETE FROM {table}")  # noqa: S608 - a constant
        self._number = 0
        self._run("UPDATE meta SET value = 0 WHERE key = 'number'")

    @property
    def newest(self) -> int:
        """The highest number that an object has had."""
        return self._number

    def next_number(self) -> int:
        """A number that no object has had."""
        self._number += 1
        self._run("UPDATE meta SET value = ? WHERE key = 'number'", (self._number,))
        return self._number

    def reserve_id(self, kind: str, id_: str) -> None:
        """Reserve an id of a seed document, so that it is never generated."""
        self._run("INSERT OR IGNORE INTO given VALUES (?, ?)", (kind, id_))

    def is_reserved(self, kind: str, id_: str) -> bool:
        """Whether a seed document had this id."""
        return self._run("SELECT 1 FROM given WHERE kind = ? AND id = ?", (kind, id_)).fetchone() is not None

    # --- objects ------------------------------------------------------------------------------------------------------

    def insert(self, stored: StoredObject) -> None:
        """Add an object.

        Raises:
            sqlite3.IntegrityError: its id or its name is taken.
        """
        self._run(
            "INSERT INTO things (n, kind, id, parent, nfc, attributes, settings, wire) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (stored.n, stored.kind, stored.id, stored.parent, *self._written(stored)),
        )

    def save(self, stored: StoredObject) -> None:
        """Write a stored object again."""
        self._run(
            "UPDATE things SET nfc = ?, attributes = ?, settings = ?, wire = ? WHERE n = ?",
            (*self._written(stored), stored.n),
        )

    @staticmethod
    def _written(stored: StoredObject) -> tuple[str, str, str, str]:
        return identity(stored.name), write_json(stored.attributes), write_json(stored.settings), stored.wire

    def delete(self, numbers: Iterable[int]) -> None:
        """Delete objects and their references."""
        for n in numbers:
            self._run("DELETE FROM things WHERE n = ?", (n,))
            self._run("DELETE FROM refs WHERE owner = ?", (n,))
        self._run("DELETE FROM gone WHERE n NOT IN (SELECT target FROM refs)")

    def by_number(self, n: int) -> StoredObject | None:
        """The object of a number."""
        return self._one("n = ?", (n,))

    def by_id(self, kind: str, id_: str) -> StoredObject | None:
        """The object of an id."""
        return self._one("kind = ? AND id = ?", (kind, id_))

    def named(self, kind: str, name: str, parent: int | None) -> list[StoredObject]:
        """The objects of a name, compared in NFC, below `parent` (None: anywhere)."""
        if parent is None:
            return self._many("kind = ? AND nfc = ? ORDER BY n", (kind, identity(name)))
        return self._many("parent = ? AND kind = ? AND nfc = ?", (parent, kind, identity(name)))

    def children(self, parent: int, kind: str | None = None) -> list[StoredObject]:
        """The objects below `parent`, oldest first."""
        if kind is None:
            return self._many("parent = ? ORDER BY n", (parent,))
        return self._many("parent = ? AND kind = ? ORDER BY n", (parent, kind))

    def wires(
        self, kind: str, parent: int | None, *, limit: int = -1, offset: int = 0, without: Sequence[int] = ()
    ) -> list[str]:
        """The JSON of the objects of a kind below `parent` (None: anywhere), oldest first, cut to a page. `without`:
        numbers to leave out."""
        where, values = _of_kind(kind, parent, without)
        sql = f"SELECT wire FROM things WHERE {where} ORDER BY n LIMIT ? OFFSET ?"  # noqa: S608 - constants
        return [wire for (wire,) in self._run(sql, (*values, limit, offset))]

    def listed(
        self, kind: str, parent: int | None, *, limit: int = -1, offset: int = 0, without: Sequence[int] = ()
    ) -> list[StoredObject]:
        """As `wires`, the objects themselves."""
        where, values = _of_kind(kind, parent, without)
        return self._many(f"{where} ORDER BY n LIMIT ? OFFSET ?", (*values, limit, offset))

    def count(self, kind: str, parent: int | None, *, without: Sequence[int] = ()) -> int:
        """How many objects of a kind there are below `parent` (None: anywhere), but for these numbers."""
        where, values = _of_kind(kind, parent, without)
        return int(self._run(f"SELECT count(*) FROM things WHERE {where}", values).fetchone()[0])  # noqa: S608

    def _one(self, where: str, values: Sequence[Any]) -> StoredObject | None:
        row = self._run(f"SELECT {_COLUMNS} FROM things WHERE {where}", values).fetchone()  # noqa: S608
        return _stored(row) if row else None

    def _many(self, where: str, values: Sequence[Any]) -> list[StoredObject]:
        return [_stored(row) for row in self._run(f"SELECT {_COLUMNS} FROM things WHERE {where}", values)]  # noqa: S608

    # --- references --------------------------------------------------------------------------------------------------

    def refer(self, owner: int, references: Iterable[tuple[str, int]]) -> None:
        """Set what an object refers to: pairs of an attribute and a number."""
        self._run("DELETE FROM refs WHERE owner = ?", (owner,))
        for attribute, target in references:
            self._run("INSERT OR IGNORE INTO refs VALUES (?, ?, ?)", (owner, attribute, target))

    def owners(self, target: int) -> list[tuple[int, str]]:
        """The references to an object: pairs of the owner's number and its attribute."""
        return self._run("SELECT owner, attribute FROM refs WHERE target = ? ORDER BY owner", (target,)).fetchall()

    def shown(self, n: int) -> Shown | None:
        """What others show of an object, deleted ones that are still referred to among them."""
        row = self._run("SELECT kind, id, attributes FROM things WHERE n = ?", (n,)).fetchone()
        if row:
            kind, id_, attributes = row[0], row[1], json.loads(row[2])
            return Shown(id_, attributes["name"], attributes.get("key") or key_of(kind, id_))
        gone = self._run("SELECT kind, id, name FROM gone WHERE n = ?", (n,)).fetchone()
        return Shown(gone[1], gone[2], key_of(gone[0], gone[1])) if gone else None

    def is_deleted(self, n: int) -> bool:
        """Whether a number is that of a deleted object that is still referred to."""
        return self._run("SELECT 1 FROM gone WHERE n = ?", (n,)).fetchone() is not None

    def deleted_number(self, kind: str, id_: str) -> int | None:
        """The number of a deleted object that is still referred to, by its id."""
        row = self._run("SELECT n FROM gone WHERE kind = ? AND id = ?", (kind, id_)).fetchone()
        return int(row[0]) if row else None

    def keep_deleted(self, stored: StoredObject) -> None:
        """Keep the id and the name of a deleted object that is still referred to."""
        self._run("INSERT INTO gone VALUES (?, ?, ?, ?)", (stored.n, stored.kind, stored.id, stored.name))


def _of_kind(kind: str, parent: int | None, without: Sequence[int]) -> tuple[str, tuple[Any, ...]]:
    where, values = ("kind = ?", (kind,)) if parent is None else ("parent = ? AND kind = ?", (parent, kind))
    if without:
        where += " AND n NOT IN (SELECT value FROM json_each(?))"
        values = (*values, json.dumps(list(without)))
    return where, values


class IdGenerator:
    """Generates ids, which depend on the seed and are never reused."""

    def __init__(self, contract: Contract, store: ObjectStore, seed: int) -> None:
        self._types = {kind: stanza.id.type for kind, stanza in contract.kinds.items()}
        self._store = store
        self._seed = seed
        self._first = int.from_bytes(blake2b(b"first %d" % seed, digest_size=4).digest()) % 1_000_000

    def make(self, kind: str, n: int) -> tuple[int, str]:
        """A number and its id: `n`, or the next number whose id no seed document has taken.

        Strings are 24 hexadecimal digits (never 40: those look like a token); integers count up.
        """
        while self._store.is_reserved(kind, id_ := self._made(kind, n)):
            n = self._store.next_number()
        return n, id_

    def _made(self, kind: str, n: int) -> str:
        if self._types[kind] == "integer":
            return str(self._first + n)
        return blake2b(f"{self._seed} {kind} {n}".encode(), digest_size=12).hexdigest()

    def parse(self, kind: str, value: object) -> str:
        """An id of a seed document, as a string.

        Raises:
            ValueError: it does not have the contract's JSON type.
        """
        wanted = int if self._types[kind] == "integer" else str
        if type(value) is not wanted or value == "":
            msg = f"must be of the contract's type {self._types[kind]}, not {value!r}"
            raise ValueError(msg)
        return str(value)
