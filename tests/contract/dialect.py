"""The collections of `dialects/`, a house a file, in a compact notation: what each publishes, which operations are
there, and what a user answers to the questions that are left."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from ruamel.yaml import YAML

from kiamo_iac.contract.collection.answering import answered
from kiamo_iac.contract.collection.derive import derive_contract
from kiamo_iac.contract.collection.reading import read_collection
from kiamo_iac.contract.collection.writing import override_text
from kiamo_iac.contract.file import load_contract
from kiamo_iac.contract.model import Contract

FOLDER = Path(__file__).parent / "dialects"
COLLECTIONS = Path(__file__).parent / "collections"
_SCHEMA = "https://schema.getpostman.com/json/collection/{}/collection.json"
_OWN = {"style", "name", "text", "header", "form", "folders", "operations", "facts", "answers"}


@dataclass(frozen=True)
class Dialect:
    """A collection, and what is true of it."""

    name: str
    data: bytes
    operations: Mapping[str, str]
    """`base.list` → `GET /api/bases`; of a word in the body: `PUT /…/command command=start`."""
    facts: Mapping[str, Any]
    """Kind → what is true of its attributes and answers."""
    answers: Mapping[str, Any]
    """An override: the answers to its questions."""


class Page(NamedTuple):
    """A request in the notation: a list, as long as it has to be."""

    name: str
    call: str
    """`GET {{url}}/bases?page=1`."""
    body: Any = None
    answer: Any = None
    text: str = ""
    status: int = 200


def dialect(name: str) -> Dialect:
    """The one in `dialects/NAME.yaml`."""
    tree = YAML(typ="safe").load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))
    if "file" in tree:
        data = (COLLECTIONS / tree["file"]).read_bytes()
    elif "document" in tree:
        data = json.dumps(tree["document"]).encode()
    else:
        data = json.dumps(_postman(tree), ensure_ascii=False).encode()
    return Dialect(name, data, tree["operations"], tree["facts"], tree["answers"])


def contract_of(name: str, folder: Path) -> Contract:
    """The contract that its collection and its answers give."""
    house = dialect(name)
    with (folder / "answers.yaml").open("w", encoding="utf-8") as file:
        YAML(typ="safe").dump(dict(house.answers), file)
    found = read_collection(house.data, shown=name)
    derived = answered(derive_contract(found), folder / "answers.yaml")
    (folder / "contract.yaml").write_text(override_text(found, derived), encoding="utf-8")
    return load_contract(folder / "contract.yaml")


def names() -> list[str]:
    """Every one of them."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def _postman(tree: Mapping[str, Any]) -> dict[str, Any]:
    version = "v2.1.0" if tree["style"] == "v2.1" else "v2.0.0"
    info = {"name": tree["name"], "description": tree.get("text", ""), "schema": _SCHEMA.format(version)}
    if tree["style"] == "documenter":
        info |= {"owner": "1000", "publishedId": "testPublished", "publicUrl": "https://docs.example.com"}
    more = {key: value for key, value in tree.items() if key not in _OWN}
    return {"info": info, **more, "item": _items(tree, tree["folders"])}


def _items(tree: Mapping[str, Any], folders: Mapping[str, Any]) -> list[dict[str, Any]]:
    found = []
    for name, below in folders.items():
        title, _, text = name.partition(" | ")
        inner = _items(tree, below) if isinstance(below, dict) else [_item(tree, Page(*page)) for page in below]
        found.append({"name": title, "description": text, "item": inner})
    return found


def _item(tree: Mapping[str, Any], page: Page) -> dict[str, Any]:
    method, _, address = page.call.partition(" ")
    request: dict[str, Any] = {"method": method, "description": page.text, "header": []}
    if "header" in tree:
        request["header"] = [{"key": tree["header"], "value": "{{token}}"}]
    if page.body is not None and "form" in tree:
        form = tree["form"]
        request["body"] = {"mode": form, form: [{"key": key, "value": value} for key, value in page.body.items()]}
    elif page.body is not None:
        raw = page.body if isinstance(page.body, str) else json.dumps(page.body, indent=2, ensure_ascii=False)
        request["body"] = {"mode": "raw", "raw": raw, "options": {"raw": {"language": "json"}}}
    request |= _url(tree["style"], address)
    item: dict[str, Any] = {"name": page.name, "request": request, "response": []}
    if page.answer is not None or page.status != 200:
        body = json.dumps(page.answer, ensure_ascii=False) if page.answer is not None else ""
        saved = {"name": "OK", "code": page.status, "body": body}
        item["response"] = [saved, {"name": "Refused", "code": 401, "body": '{"error": "token"}'}]
    return item


def _url(style: str, address: str) -> dict[str, Any]:
    path, _, query = address.partition("?")
    host, *segments = path.removeprefix("https://").split("/")
    pairs = [pair.partition("=") for pair in query.split("&") if pair]
    host, _, port = host.partition(":")
    parts: dict[str, Any] = {"protocol": "https", "host": host.split("."), "path": segments}
    if port:
        parts["port"] = port
    parts["query"] = [{"key": key, "value": value} for key, _, value in pairs]
    if style == "v2.1":
        return {"url": {"raw": address, **parts}}
    return {"url": address, "urlObject": parts} if style == "documenter" else {"url": address}
