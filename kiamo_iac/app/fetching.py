"""A vendor's collection: fetched from where its documenter publishes it, or read from a file."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from kiamo_iac.contract.collection.reading import MAX_BYTES, read_collection
from kiamo_iac.contract.collection.requests import Collection
from kiamo_iac.core.errors import RefusedError, ResponseError
from kiamo_iac.core.printable import printable
from kiamo_iac.core.strict_json import parse_json
from kiamo_iac.core.urls import origin_of, origin_of_call
from kiamo_iac.document.files import read_bytes

if TYPE_CHECKING:
    from kiamo_iac.http.transport import Transport

PUBLISHED: Final = "https://apiv2.developer.mykiamo.com/view/metadata/2sBXijKC5r"
"""The metadata of the vendor's collection "Kiamo API v2"."""
_PLAIN: Final = re.compile(r"[A-Za-z0-9_-]{1,100}")
_HINT: Final = "pass --from with the address of the metadata, …/view/metadata/ID, or of the collection itself"


def collection_from_file(file: Path) -> Collection:
    """The collection in a file.

    Raises:
        ManifestError: it cannot be read.
    """
    shown = str(file)
    return read_collection(read_bytes(file, shown=shown, max_bytes=MAX_BYTES), shown=shown)


def fetch_collection(
    address: str = PUBLISHED,
    *,
    transport: Transport | None = None,
    ca_bundle: Path | None = None,
    show: Callable[[str], object] | None = None,
    log: Callable[[str], object] | None = None,
) -> bytes:
    """The collection that is published at `address`: its metadata, which say where the collection is, or the
    collection itself. No token is sent; the collection is fetched only from the origin of `address`.

    Raises:
        UsageError: the address is neither https nor of this machine.
        ApiError: a call failed, or its response is neither metadata nor a collection.
    """
    from kiamo_iac.http.caller import HttpCaller
    from kiamo_iac.http.message import Endpoint, Request
    from kiamo_iac.http.retry import CONNECTS, Limits

    endpoint = Endpoint(
        address="the address of the collection",
        example=PUBLISHED,
        owner="the collection's",
        hint=_HINT,
        server="the server of the collection",
    )
    limits = Limits(body=MAX_BYTES, attempts=CONNECTS)
    with HttpCaller(
        address, endpoint, transport=transport, ca_bundle=ca_bundle, limits=limits, show=show, log=log
    ) as send:

        def get(url: str) -> tuple[bytes, Any]:
            response = send(Request("GET", url))
            if response.status != 200:
                msg = f"GET {printable(url, 200)} returned {response.status}."
                raise RefusedError(msg, status=response.status, hint=_HINT)
            try:
                return response.body, parse_json(response.body)
            except ValueError as error:
                msg = f"The response to GET {printable(url, 200)} cannot be used: {error}."
                raise ResponseError(msg, hint=_HINT) from None

        body, data = get(address)
        url = _collection_url(data, address)
        return body if url is None else get(url)[0]


def _collection_url(data: Any, address: str) -> str | None:
    """Where metadata say that their collection is; None: `data` is a collection.

    Raises:
        ResponseError: `data` is neither, or leads to another origin than `address`.
    """
    inner = data.get("collection") if isinstance(data, dict) else None
    for each in (data, inner):
        if isinstance(each, dict) and ("item" in each or "openapi" in each):
            return None
    info = inner.get("info") if isinstance(inner, dict) else None
    parts = [info.get(key) if isinstance(info, dict) else None for key in ("publicUrl", "owner", "publishedId")]
    if not all(isinstance(part, str) for part in parts) or not all(_PLAIN.fullmatch(str(part)) for part in parts[1:]):
        msg = f"The response to GET {printable(address, 200)} is neither a collection nor the metadata of one."
        raise ResponseError(msg, hint=_HINT)
    public, owner, published = map(str, parts)
    try:
        is_same = origin_of(public) == origin_of_call(address)
    except ValueError:
        is_same = False
    if not is_same:
        msg = f"The metadata say that the collection is at {printable(public, 200)}: that is another server."
        raise ResponseError(msg, hint="check the address; then pass --from with the address of the collection itself")
    return f"{public.rstrip('/')}/api/collections/{owner}/{published}?segregateAuth=true&versionTag=latest"
