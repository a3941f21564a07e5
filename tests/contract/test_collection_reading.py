"""Collections of every format have one neutral form."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from kiamo_iac.contract.collection.reading import read_collection, resolved
from kiamo_iac.contract.collection.requests import CollectionRequest
from kiamo_iac.core.errors import ManifestError

COLLECTIONS = Path(__file__).parent / "collections"


def only(tree: Any) -> CollectionRequest:
    (request,) = read_collection(json.dumps(tree).encode(), shown="it").requests
    return request


def postman(request: Any, **more: Any) -> dict[str, Any]:
    return {"info": {"name": "X"}, "item": [{"name": "A", "request": request}], **more}


def test_the_documenter_publishes_addresses_as_text_and_descriptions_as_html() -> None:
    found = read_collection((COLLECTIONS / "documenter-v2.0.json").read_bytes(), shown="it")
    assert (found.name, found.format, len(found.requests)) == ("Contact API", "Postman 2.0", 29)
    command = next(each for each in found.requests if each.name == "Command a batch")
    assert str(command) == "PUT /api/bases/{baseId}/batches/{batchId}/command"
    assert command.folders == ("Contact Manager", "Batches")
    assert "The command is `start`, `pause` or `stop`." in command.text
    assert "ERR_2015 Batch has no association configured" in command.text
    assert command.headers == ("Kiamo-Api-Token", "Content-Type")
    assert command.body == {"command": "<string>"}
    assert command.place == "/item/0/item/2/item/5"
    assert [answer.status for answer in command.answers] == [200, 401]


def test_a_variable_of_the_collection_gives_the_beginning_of_paths_and_a_bare_one_stands_in_a_body() -> None:
    found = read_collection((COLLECTIONS / "francais-v2.1.json").read_bytes(), shown="it")
    assert (found.format, found.header, found.unknown_base) == ("Postman 2.1", "X-Jeton", False)
    create = next(each for each in found.requests if each.name == "Créer un fichier")
    assert create.path == "/rest/v1/fichiers"
    assert isinstance(create.body, dict)
    assert create.body["nom"] == "{{nom}}"


def test_openapi_references_are_followed_also_those_that_lead_in_a_circle() -> None:
    found = read_collection((COLLECTIONS / "openapi-3.yaml").read_bytes(), shown="it")
    assert (found.format, found.header) == ("OpenAPI 3", "X-Api-Key")
    create = next(each for each in found.requests if str(each) == "POST /v3/contact-lists")
    assert create.required == {"name"}
    assert create.body == {
        "name": "<string>",
        "label": "<string>",
        "columns": [{"name": "<string>", "label": "<string>", "type": "<string>"}],
    }
    queues = next(each for each in found.requests if str(each) == "GET /v3/queues")
    assert queues.query == ("offset", "limit")
    column = next(each for each in found.requests if each.name == "Get a column")
    assert column.answer_enums == {"type": ("string", "integer", "phone")}


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("https://server.example.com/api/bases/:id", "/api/bases/{id}"),
        ("{{url}}/bases/{{base_id}}?page=1", "/bases/{base_id}"),
        ("https://s/bases/:id.json", "/bases/{id}.json"),
        ("https://s/bases/{{id}}.json", "/bases/{id}.json"),
        ("server:8080/bases/12", "/bases/{}"),
        ("https://s/bases/<integer>", "/bases/{integer}"),
        ({"raw": "{{url}}/api/bases", "host": ["{{url}}"], "path": ["api", "bases"]}, "/api/bases"),
        ({"protocol": "https", "host": ["x", "example", "com"], "path": "/api/bases/:id"}, "/api/bases/{id}"),
        ({"raw": "https://x.example.com/bases"}, "/bases"),
    ],
)
def test_addresses_in_every_spelling(url: Any, path: str) -> None:
    assert only(postman({"method": "GET", "url": url})).path == path


def test_a_form_and_a_body_that_is_no_json() -> None:
    form = {"mode": "urlencoded", "urlencoded": [{"key": "name", "value": "x"}]}
    found = only(postman({"method": "POST", "url": "https://x/bases", "body": form}))
    assert (found.form, found.body) == ("form", {"name": "x"})
    raw = {"mode": "raw", "raw": "{name"}
    assert only(postman({"method": "POST", "url": "https://x/bases", "body": raw})).body is None


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"[]", "it is not a JSON object"),
        (b"<html>", "it is HTML"),
        (b'{"info": {}}', "it has the metadata of a collection, not its requests"),
        (b'{"swagger": "2.0"}', "its format is not known"),
        (b"", "Expecting value"),
    ],
)
def test_what_is_no_collection_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(ManifestError, match=why):
        read_collection(data, shown="it")


def test_folders_without_end_and_schemas_without_end_end() -> None:
    items: list[Any] = []
    for _ in range(60):
        items = [{"name": "f", "item": items}]
    assert read_collection(json.dumps({"item": items}).encode(), shown="it").requests == ()
    wide = {"type": "object", "properties": {f"k{n}": {"$ref": "#/components/schemas/A"} for n in range(60)}}
    tree = {
        "openapi": "3.1.0",
        "paths": {"/bases": {"post": {"requestBody": {"content": {"application/json": {"schema": wide}}}}}},
        "components": {"schemas": {"A": wide}},
    }
    assert len(read_collection(json.dumps(tree).encode(), shown="it").requests) == 1


def test_a_status_without_quotes_is_read_and_words_of_yaml_stay_words() -> None:
    data = b"""\
openapi: 3.0.0
paths:
  /bases:
    get:
      responses:
        200:
          content: {application/json: {example: [{id: 1, phone: +33, yes: no}]}}
"""
    (request,) = read_collection(data, shown="it").requests
    assert request.answer == [{"id": 1, "phone": "+33", "yes": "no"}]


@pytest.mark.parametrize("part", [None, 1, "x", [], {}, [[]], {"mode": {}}, {"raw": 1}])
@pytest.mark.parametrize("key", ["url", "method", "header", "body", "description"])
def test_parts_of_a_request_may_have_any_shape(key: str, part: Any) -> None:
    request = {"method": "POST", "url": "https://x/bases", key: part}
    assert only(postman(request)).place == "/item/0"


POINTERS: Final[dict[str, Any]] = {
    "a/b": {"c~d": [{"x": 1}, {"y": 2}]},
    "e f": {"é": {"$ref": "#/a~1b/c~0d/1"}},
    "g%h": {"0": {"z": 3}},
    "": {"": {"w": 4}},
    "list": [[{"v": 5}]],
    "circle": {"$ref": "#/circle"},
    "far": {"$ref": "other.yaml#/a"},
}


@pytest.mark.parametrize(
    "pointer",
    ["#/a~1b/c~0d/0", "#/e%20f/%C3%A9", "#/g%25h/0", "#//", "#/list/0/0", "#/e f", "#/a%7E1b/c~0d/1", "#/list/0"],
)
def test_a_reference_leads_where_a_library_says(pointer: str) -> None:
    resolver = Registry().with_resource("", DRAFT202012.create_resource(POINTERS)).resolver()
    wanted = resolver.lookup(pointer).contents
    while isinstance(wanted, dict) and "$ref" in wanted:
        wanted = resolver.lookup(wanted["$ref"]).contents
    assert resolved(POINTERS, {"$ref": pointer}) == (wanted if isinstance(wanted, dict) else {})


@pytest.mark.parametrize("pointer", ["#/circle", "#/far", "#/nowhere", "#/list/7", "#/list/-1", "#/list/x", "#a", ""])
def test_a_reference_that_leads_nowhere_is_empty(pointer: str) -> None:
    assert resolved(POINTERS, {"$ref": pointer}) == {}


def test_schemas_are_composed_at_any_depth_and_end_where_they_hold_themselves() -> None:
    reference = {"$ref": "#/components/schemas/C"}
    schemas = {
        "A": {"properties": {"id": {"type": "integer"}}},
        "B": {"allOf": [{"$ref": "#/components/schemas/A"}, {"properties": {"name": {"type": "string"}}}]},
        "C": {"allOf": [{"$ref": "#/components/schemas/B"}, reference], "properties": {"label": {"type": "string"}}},
    }
    answers = {"200": {"content": {"application/json": {"schema": reference}}}}
    tree = {
        "openapi": "3.1.0",
        "paths": {"/bases/{id}": {"get": {"responses": answers}}},
        "components": {"schemas": schemas},
    }
    assert only(tree).answer == {"id": "<integer>", "name": "<string>", "label": "<string>"}
