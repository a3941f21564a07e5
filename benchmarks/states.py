"""The measured documents as states, desired and live, for what is measured without files and without a server."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks import documents
from kiamo_iac.core.address import Address
from kiamo_iac.core.resource import Lifecycle
from kiamo_iac.core.state import ResourceState, State
from kiamo_iac.resources import by_collection

CHANGED_EVERY = 10
"""One of so many bases has another label on the instance, and lacks its second batch."""
_LIFECYCLE = Lifecycle(initial_state="new")
_REFERENCE = Lifecycle(managed=False)


def desired(count: int) -> State:
    """`count` documents, as declared."""
    return State(_desired(count))


def live(count: int, *, changed: bool) -> State:
    """The same as live state: equal, or with a change in every tenth."""
    return State(_live(count, changed=changed))


def write_live(count: int, file: Path) -> None:
    """Write the live state that matches `count` documents to a file, as terraform does."""
    rows = [
        [found.address, found.attributes, found.remote_id, found.extras, found.kind.collection]
        for found in _live(count, changed=False)
    ]
    file.write_text(json.dumps(rows), encoding="utf-8")


def read_live(file: Path) -> State:
    """The live state of such a file."""
    known = by_collection()
    return State(
        ResourceState(Address(address), known[collection], attributes, remote_id=remote_id, extras=extras)
        for address, attributes, remote_id, extras, collection in json.loads(file.read_text(encoding="utf-8"))
    )


def _desired(count: int) -> Iterator[ResourceState]:
    yield _instance(None, "services", {"name": documents.SERVICE}, lifecycle=_REFERENCE)
    for number in range(count):
        document = documents.base(number)
        base = _instance(None, "bases", {"name": document["name"], "label": document["label"]})
        yield base
        yield from (_instance(base.address, "fields", field) for field in document["fields"])
        for batch in document["batches"]:
            attributes = {k: v for k, v in batch.items() if k != "initial_state"}
            yield _instance(base.address, "batches", attributes, lifecycle=_LIFECYCLE)


def _live(count: int, *, changed: bool) -> Iterator[ResourceState]:
    yield _instance(None, "services", {"name": documents.SERVICE, "label": documents.SERVICE}, remote_id="1")
    for number in range(count):
        document = documents.base(number)
        differs = changed and number % CHANGED_EVERY == 0
        label = "changed by hand" if differs else document["label"]
        base = _instance(None, "bases", {"name": document["name"], "label": label}, remote_id=f"b{number}")
        yield base
        phone = {"name": "phone", "label": "Phone", "datatype": "phone"}
        yield _instance(base.address, "fields", phone, remote_id=f"f{number}", extras={"default": True})
        for index, field in enumerate(document["fields"]):
            yield _instance(base.address, "fields", field, remote_id=f"f{number}-{index}")
        for index, batch in enumerate(document["batches"][: 1 if differs else None]):
            attributes = {k: v for k, v in batch.items() if k != "initial_state"} | {"state": "new"}
            yield _instance(base.address, "batches", attributes, remote_id=f"t{number}-{index}")


def _instance(parent: Address | None, collection: str, attributes: Mapping[str, Any], **more: Any) -> ResourceState:
    address = Address.of(collection, attributes["name"], parent)
    return ResourceState(address, by_collection()[collection], attributes, **more)
