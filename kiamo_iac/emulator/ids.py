"""Ids: the same under one seed, other ones under another, and none ever used twice."""

from __future__ import annotations

from hashlib import blake2b

from kiamo_iac.contract.model import Contract
from kiamo_iac.emulator.store import Store


class Ids:
    """Makes the ids of new things."""

    def __init__(self, contract: Contract, store: Store, seed: int) -> None:
        self._types = {kind: stanza.id.type for kind, stanza in contract.kinds.items()}
        self._store = store
        self._seed = seed
        self._first = int.from_bytes(blake2b(b"first %d" % seed, digest_size=4).digest()) % 1_000_000

    def make(self, kind: str, n: int) -> tuple[int, str]:
        """A number and its id: `n`, or the next number whose id no seed document has taken.

        Strings are 24 hexadecimal digits (never 40: those look like a token); integers count up.
        """
        while self._store.is_given(kind, id_ := self._made(kind, n)):
            n = self._store.next_number()
        return n, id_

    def _made(self, kind: str, n: int) -> str:
        if self._types[kind] == "integer":
            return str(self._first + n)
        return blake2b(f"{self._seed} {kind} {n}".encode(), digest_size=12).hexdigest()

    def parse(self, kind: str, value: object) -> str:
        """An id of a seed document, as text.

        Raises:
            ValueError: it has not the contract's JSON type.
        """
        wanted = int if self._types[kind] == "integer" else str
        if type(value) is not wanted or value == "":
            msg = f"the id {value!r} is not of the contract's type, {self._types[kind]}"
            raise ValueError(msg)
        return str(value)
