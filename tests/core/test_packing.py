"""Data kept compressed: what comes out is what went in, from memory, from a file, and where there can be no file."""

from __future__ import annotations

import gc
import io
import tempfile
import weakref
from collections.abc import Callable, Iterable
from typing import IO, Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiamo_iac.core import packing
from kiamo_iac.core.address import Address
from kiamo_iac.core.packed_state import PackedChildren, PackedState, PackedTops
from kiamo_iac.core.packing import PackedStore, PackedTexts
from kiamo_iac.core.sensitive import Sensitive
from kiamo_iac.core.state import EMPTY, DanglingReference, ResourceState, State
from kiamo_iac.resources import kinds


def numbered(count: int) -> list[bytes]:
    return [f"the contacts of base {n}, {n * 7919 % 1000003}".encode() * 5 for n in range(count)]


@given(st.lists(st.binary(max_size=200)))
def test_what_was_stored_comes_back(pieces: list[bytes]) -> None:
    store = PackedStore()
    places = [store.put(piece) for piece in pieces]
    assert [store.get(at) for at in places] == pieces


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[IO[bytes]]:
    """The temporary files that were opened."""
    files: list[IO[bytes]] = []
    real: Callable[..., IO[bytes]] = tempfile.TemporaryFile

    def opens(**options: Any) -> IO[bytes]:
        files.append(real(**options))
        return files[-1]

    monkeypatch.setattr(packing, "TemporaryFile", opens)
    return files


def test_a_few_pieces_need_no_file(opened: list[IO[bytes]]) -> None:
    store = PackedStore()
    assert [store.get(store.put(piece)) for piece in numbered(20)] == numbered(20)
    assert opened == []


def test_many_pieces_go_into_a_file_that_ends_with_the_store(
    opened: list[IO[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packing, "_IN_MEMORY", 1000)
    store = PackedStore()
    places = [store.put(piece) for piece in numbered(500)]
    assert [store.get(at) for at in places] == numbered(500)
    (file,) = opened
    assert len(store._memory) < 100
    gone = weakref.ref(store)
    del store
    gc.collect()
    assert (gone(), file.closed) == (None, True)


class FullDisk(io.RawIOBase):
    """A file that takes three bytes at a time."""

    def __init__(self, file: IO[bytes]) -> None:
        self.seek, self.read = file.seek, file.read  # type: ignore[method-assign]
        self._file = file

    def write(self, data: Any) -> int:
        return self._file.write(data[:3])


@pytest.mark.parametrize("fails", ["open", "write"])
def test_without_room_on_a_disk_all_stays_in_memory(
    fails: str, opened: list[IO[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packing, "_IN_MEMORY", 1000)

    def refuse(*_: object, **__: object) -> Any:
        raise OSError(28, "No space left on device")

    if fails == "open":
        monkeypatch.setattr(packing, "TemporaryFile", refuse)
    store = PackedStore()
    places = [store.put(piece) for piece in numbered(100)]
    if fails == "write":  # of the rest, a part of each
        store._file = cast(IO[bytes], FullDisk(opened[0]))
    places += [store.put(piece) for piece in numbered(300)[100:]]
    assert [store.get(at) for at in places] == numbered(300)


@pytest.mark.parametrize("chunk", [1, 40, 10**6])
def test_a_list_of_texts(chunk: int) -> None:
    texts = PackedTexts(PackedStore(), chunk=chunk)
    wanted = [f"bases/base {n}/é\n\ud800" for n in range(50)]
    for text in wanted:
        texts.append(text)
    assert (len(texts), [*texts], texts.first(3), texts.first(99)) == (50, wanted, wanted[:3], wanted)
    texts.keep(60)
    assert [*texts] == wanted
    texts.keep(7)
    texts.append("last")
    assert (len(texts), [*texts]) == (8, [*wanted[:7], "last"])


# --- a live state ----------------------------------------------------------------------------------------------------


def resource(kind: str, name: str, parent: Address | None = None, **more: Any) -> ResourceState:
    found = kinds()[kind]
    attributes = {"name": name, **more.pop("attributes", {})}
    return ResourceState(Address.of(found.collection, name, parent), found, attributes, **more)


def world() -> list[ResourceState]:
    bases = [resource("base", name, remote_id=n) for n, name in enumerate(("b/c", "a", "a-b", *map(str, range(200))))]
    children: Iterable[ResourceState] = (
        child
        for base in bases[:3]
        for child in (
            resource("field", "phone", base.address, remote_id="f", extras={"default": True}),
            resource(
                "batch",
                "spring",
                base.address,
                attributes={"service": DanglingReference("(gone: 7)"), "association": {"destination": "phone"}},
                settings={"pace": 3, "pin": Sensitive("1234"), "inner": [{"pin": Sensitive(["x"])}]},
            ),
        )
    )
    return [*bases, resource("service", "Sales"), *children]


def packed(resources: list[ResourceState]) -> PackedState:
    below = PackedChildren()
    for parent in {one.address.parent for one in resources if one.address.parent is not None}:
        below.add(parent, [one for one in resources if one.address.parent == parent])
    tops = [one for one in resources if one.address.parent is None]
    bases = PackedTops((one for one in tops if one.kind.collection == "bases"), below)
    return PackedState((one for one in tops if one.kind.collection == "services"), bases, below)


def test_a_packed_state_answers_as_a_state_does() -> None:
    state, found = State(world()), packed(world())
    assert len(found) == len(state)
    assert sorted(one.address for one in found) == sorted(one.address for one in state)
    missing = Address("bases/a/batches/none")
    for address in (*(one.address for one in state), missing, Address("bases/none/fields/x")):
        assert (found.get(address), address in found) == (state.get(address), address in state)
        assert (str(address) in found) == (address in state)
    for parent in (None, *(one.address for one in state)):
        for collection in ("services", "bases", "fields", "batches"):
            assert [*found.tops(collection)] == [*state.tops(collection)]
            assert found.within(parent, collection) == state.within(parent, collection)
    assert found[Address("services/Sales")].settings is EMPTY
    with pytest.raises(KeyError, match="batches/none"):
        found[missing]


def test_what_is_sensitive_is_never_stored_and_what_is_dangling_stays_so(monkeypatch: pytest.MonkeyPatch) -> None:
    stored: list[bytes] = []
    below = PackedChildren()
    put = below._store.put

    def watched(data: bytes) -> int:
        stored.append(data)
        return put(data)

    monkeypatch.setattr(below._store, "put", watched)
    children = [one for one in world() if one.address.parent == "bases/a"]
    below.add(Address("bases/a"), children)
    assert stored
    assert not any(b"1234" in data or b"(sensitive)" in data for data in stored)
    spring = below.of(Address("bases/a"))[0]
    assert spring.settings["pin"].reveal() == "1234"
    assert spring.settings["inner"][0]["pin"].reveal() == ["x"]
    assert isinstance(spring.attributes["service"], DanglingReference)
