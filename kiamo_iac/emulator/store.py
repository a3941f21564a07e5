"""Things in SQLite: rows, references between them, and what is left of those that are gone. No rules, no wire names."""

from __future__ import annotations

import json
import sqlite3
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kiamo_iac.emulator.strict_json import write

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
"""The parent number of a thing of the instance."""


@dataclass(slots=True)
class Thing:
    """One thing. References stand as numbers of things."""

    n: int
    """Its number: never used again, unlike anything that it shows."""
    kind: str
    id: str
    parent: int
    attributes: dict[str, Any]
    """By our names; `name` always, exact."""
    settings: dict[str, Any] = field(default_factory=dict)
    """By wire names."""
    wire: str = ""
    """Its JSON as answers show it."""

    @property
    def name(self) -> str:
        """The exact name."""
        name: str = self.attributes["name"]
        return name


def identity(name: str) -> str:
    """The form in which names are compared: NFC."""
    return unicodedata.normalize("NFC", name)


def _thing(row: tuple[Any, ...]) -> Thing:
    n, kind, id_, parent, attributes, settings, wire = row
    return Thing(n, kind, id_, parent, json.loads(attributes), json.loads(settings), wire)


class Store:
    """The database. Not safe under threads by itself: the emulator holds a lock around every call."""

    def __init__(self, database: str | Path, fingerprint: str) -> None:
        """
        Raises:
            ValueError: the file was made under another contract, or is no database of an emulator.
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
        # A toy's durability: what a crash of the machine loses is seeded again; a crash of the process loses nothing.
        self._db.executescript("PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;")
        if not self._db.execute("SELECT 1 FROM sqlite_master").fetchone():
            self._db.executescript(f"BEGIN; {_TABLES} COMMIT;")
            self._db.execute("INSERT INTO meta VALUES ('fingerprint', ?), ('number', 0)", (fingerprint + _TABLES,))
        found = self._db.execute("SELECT value FROM meta WHERE key = 'fingerprint'").fetchone()
        if found != (fingerprint + _TABLES,):
            msg = "the database was made under another contract: name another file, or delete this one"
            raise ValueError(msg)
        self._number: int = self._db.execute("SELECT value FROM meta WHERE key = 'number'").fetchone()[0]

    def close(self) -> None:
        """Let go of the database."""
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of it, or nothing when an exception leaves it."""
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

    def next_number(self) -> int:
        """A number that no thing has had."""
        self._number += 1
        self._run("UPDATE meta SET value = ? WHERE key = 'number'", (self._number,))
        return self._number

    def give(self, kind: str, id_: str) -> None:
        """Remember an id that was chosen from outside, so that it is never made again."""
        self._run("INSERT OR IGNORE INTO given VALUES (?, ?)", (kind, id_))

    def is_given(self, kind: str, id_: str) -> bool:
        """Whether an id was once chosen from outside."""
        return self._run("SELECT 1 FROM given WHERE kind = ? AND id = ?", (kind, id_)).fetchone() is not None

    # --- things ------------------------------------------------------------------------------------------------------

    def insert(self, thing: Thing) -> None:
        """Add a thing.

        Raises:
            sqlite3.IntegrityError: its id or its name is taken.
        """
        self._run(
            "INSERT INTO things (n, kind, id, parent, nfc, attributes, settings, wire) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (thing.n, thing.kind, thing.id, thing.parent, *self._written(thing)),
        )

    def save(self, thing: Thing) -> None:
        """Write a thing that is there."""
        self._run(
            "UPDATE things SET nfc = ?, attributes = ?, settings = ?, wire = ? WHERE n = ?",
            (*self._written(thing), thing.n),
        )

    @staticmethod
    def _written(thing: Thing) -> tuple[str, str, str, str]:
        return identity(thing.name), write(thing.attributes), write(thing.settings), thing.wire

    def delete(self, numbers: Iterable[int]) -> None:
        """Take things away, with what they refer to."""
        for n in numbers:
            self._run("DELETE FROM things WHERE n = ?", (n,))
            self._run("DELETE FROM refs WHERE owner = ?", (n,))
        self._run("DELETE FROM gone WHERE n NOT IN (SELECT target FROM refs)")

    def by_number(self, n: int) -> Thing | None:
        """The thing of a number."""
        return self._one("n = ?", (n,))

    def by_id(self, kind: str, id_: str) -> Thing | None:
        """The thing of an id."""
        return self._one("kind = ? AND id = ?", (kind, id_))

    def named(self, kind: str, name: str, parent: int | None) -> list[Thing]:
        """The things of a name, compared in NFC, below `parent` (None: anywhere)."""
        if parent is None:
            return self._many("kind = ? AND nfc = ? ORDER BY n", (kind, identity(name)))
        return self._many("parent = ? AND kind = ? AND nfc = ?", (parent, kind, identity(name)))

    def children(self, parent: int, kind: str | None = None) -> list[Thing]:
        """The things below `parent`, oldest first."""
        if kind is None:
            return self._many("parent = ? ORDER BY n", (parent,))
        return self._many("parent = ? AND kind = ? ORDER BY n", (parent, kind))

    def wires(self, kind: str, parent: int | None, *, limit: int = -1, offset: int = 0) -> list[str]:
        """The JSON of the things of a kind below `parent` (None: anywhere), oldest first, cut to a page."""
        where, values = ("kind = ?", (kind,)) if parent is None else ("parent = ? AND kind = ?", (parent, kind))
        sql = f"SELECT wire FROM things WHERE {where} ORDER BY n LIMIT ? OFFSET ?"  # noqa: S608 - constants
        return [wire for (wire,) in self._run(sql, (*values, limit, offset))]

    def count(self, kind: str, parent: int | None) -> int:
        """How many things of a kind there are below `parent` (None: anywhere)."""
        where, values = ("kind = ?", (kind,)) if parent is None else ("parent = ? AND kind = ?", (parent, kind))
        return int(self._run(f"SELECT count(*) FROM things WHERE {where}", values).fetchone()[0])  # noqa: S608

    def _one(self, where: str, values: Sequence[Any]) -> Thing | None:
        row = self._run(f"SELECT {_COLUMNS} FROM things WHERE {where}", values).fetchone()  # noqa: S608
        return _thing(row) if row else None

    def _many(self, where: str, values: Sequence[Any]) -> list[Thing]:
        return [_thing(row) for row in self._run(f"SELECT {_COLUMNS} FROM things WHERE {where}", values)]  # noqa: S608

    # --- references --------------------------------------------------------------------------------------------------

    def refer(self, owner: int, references: Iterable[tuple[str, int]]) -> None:
        """Set what a thing refers to: pairs of an attribute and a number."""
        self._run("DELETE FROM refs WHERE owner = ?", (owner,))
        for attribute, target in references:
            self._run("INSERT OR IGNORE INTO refs VALUES (?, ?, ?)", (owner, attribute, target))

    def owners(self, target: int) -> list[tuple[int, str]]:
        """What refers to a thing: pairs of a number and an attribute."""
        return self._run("SELECT owner, attribute FROM refs WHERE target = ? ORDER BY owner", (target,)).fetchall()

    def shown(self, n: int) -> tuple[str, str] | None:
        """Id and exact name of a thing that is there or gone."""
        row = self._run("SELECT id, attributes FROM things WHERE n = ?", (n,)).fetchone()
        if row:
            return row[0], json.loads(row[1])["name"]
        found: tuple[str, str] | None = self._run("SELECT id, name FROM gone WHERE n = ?", (n,)).fetchone()
        return found

    def is_gone(self, n: int) -> bool:
        """Whether a number is one of a thing that is gone but still referred to."""
        return self._run("SELECT 1 FROM gone WHERE n = ?", (n,)).fetchone() is not None

    def buried(self, kind: str, id_: str) -> int | None:
        """The number of a thing that is gone but still referred to, by its id."""
        row = self._run("SELECT n FROM gone WHERE kind = ? AND id = ?", (kind, id_)).fetchone()
        return int(row[0]) if row else None

    def bury(self, thing: Thing) -> None:
        """Keep the id and the name of a thing that goes away while something refers to it."""
        self._run("INSERT INTO gone VALUES (?, ?, ?, ?)", (thing.n, thing.kind, thing.id, thing.name))
