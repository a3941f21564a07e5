"""Collections that lead astray: what may be another call is a question, and what is no collection is an error."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kiamo_iac.contract.collection.derive import derive_contract
from kiamo_iac.contract.collection.matching import Certainty
from kiamo_iac.contract.collection.reading import read_collection
from kiamo_iac.contract.collection.words import OLD_WORDS
from kiamo_iac.contract.collection.writing import override_text
from kiamo_iac.contract.file import load_contract
from kiamo_iac.contract.model import Contract
from kiamo_iac.core.errors import ManifestError
from tests.contract.dialect import dialect
from tests.contract.test_collection_derive import calls, of, request

ONE = {"id": 1, "name": "a", "label": "b"}
BATCH = "bases/:baseId/batches/:batchId"
LISTED = [
    request("Get bases", "GET", "bases", answer=[ONE]),
    request("Create a batch", "POST", "bases/:baseId/batches", body={"name": "a", "service": "s"}, answer=ONE),
]
KNOWN = {"base.list": "GET /bases", "batch.create": "POST /bases/{base}/batches"}

ASTRAY: dict[str, tuple[Any, ...]] = {
    "a stop that is called start": ("Start a batch", "POST", f"{BATCH}/stop"),
    "a stop whose text says start": ("Batch", "POST", f"{BATCH}/stop", "Starts the campaign."),
    "a start whose text says stop": ("Batch", "POST", f"{BATCH}/start", "Stops the campaign."),
    "a start of something else": ("Start the preview", "POST", f"{BATCH}/start-preview"),
    "a start of an import": ("Batch", "POST", f"{BATCH}/start_import"),
    "a stop of agents": ("Batch", "POST", f"{BATCH}/stop-agents"),
    "a start of all batches of a base": ("Start batches", "POST", "batches/:baseId/start"),
    "a start of all batches of a service": ("Start a batch", "POST", "batches/:serviceId/start"),
    "a start that is cancelled": ("Cancel the start of a batch", "POST", f"{BATCH}/start"),
    "a start later on": ("Schedule the start of a batch", "POST", f"{BATCH}/start"),
    "a start that is only checked": ("Check whether a batch can start", "POST", f"{BATCH}/start"),
    "a start that is taken back": ("Undo the start of a batch", "POST", f"{BATCH}/start/undo"),
    "the log of a start": ("Batch", "POST", f"{BATCH}/start/logs"),
    "a start of all": ("Start all batches", "POST", f"{BATCH}/start"),
    "a start with options": ("Start a batch", "POST", f"{BATCH}/start?at=now"),
    "a start of a template": ("Start a batch", "POST", "templates/batches/:id/start"),
    "a start in a test": ("Start a batch", "POST", f"{BATCH}/start", "Simulates the start: no contact is dialled."),
    "a creation that starts": ("Create a base", "POST", "v2/bases", "Creates it and starts dialling.", dict(ONE), ONE),
    "a creation that starts, in French": ("Créer une base et lancer", "POST", "v2/bases", "", dict(ONE), ONE),
    "a stop that deletes": ("Stop a batch", "POST", f"{BATCH}/stop", "Stops the batch, then deletes it."),
    "a pause that deletes": ("Pause a batch", "POST", f"{BATCH}/pause", "Met en pause et supprime les contacts."),
    "a removal of an agent": ("Remove an agent from a batch", "DELETE", "batches/:id"),
    "a removal of contacts": ("Delete all contacts of a base", "DELETE", "bases/:id"),
    "a removal of contacts, in French": ("Supprimer les contacts de la base", "DELETE", "bases/:id"),
    "a removal of contacts by a path": ("Delete", "DELETE", "contacts-of-base/:id"),
    "a removal of recordings": ("Delete a recording of a base", "DELETE", "bases/:id"),
    "a removal of all": ("Delete bases", "DELETE", "bases"),
    "a removal of all that is below": ("Delete batches", "DELETE", "bases/:id/batches"),
    "a removal of all by a path": ("Delete bases", "POST", "bases/:id/delete/all"),
    "a removal with a mode": ("Delete a base", "DELETE", "bases/:id?purge=contacts"),
    "a removal from the trash": ("Delete a base", "DELETE", "trash/bases/:id"),
    "a list of what was deleted": ("Get deleted bases", "GET", "v2/deleted-bases"),
    "a list of what was deleted, in French": ("Liste des bases supprimées", "GET", "v2/bases", "", None, [ONE]),
    "a list of files that were deleted": ("Liste des fichiers supprimés", "GET", "v2/bases", "", None, [ONE]),
    "a list that purges": ("Get bases", "GET", "v2/bases?action=purge", "", None, [ONE]),
    "the services of an agent": ("Get services of the agent", "GET", "services", "", None, [ONE]),
    "an update that deletes": ("Update a base", "POST", "bases/:id?action=delete", "", dict(ONE), ONE),
    "a merge": ("Merge a base into another", "POST", "bases/:id", "", {"name": "a", "label": "b"}, ONE),
    "a copy": ("Clone a base", "POST", "v2/bases", "", {"name": "a", "label": "b"}, ONE),
    "many at once": ("Create bases", "POST", "v2/bases", "", [{"name": "a", "label": "b"}]),
    "many at once, wrapped": ("Create bases", "POST", "v2/bases", "", {"items": [{"name": "a", "label": "b"}]}),
    "many deleted at once": ("Delete bases", "POST", "bases/delete", "", {"id": [1, 2]}),
    "a file": ("Create a base", "POST", "v2/bases", "", {"file": "x.csv"}),
    "all that is below replaced": ("Replace batches", "PUT", "bases/:id/batches", "", {"name": "a", "service": "b"}),
    "a value of a contact": ("Set the value of a field", "PUT", "bases/:b/fields/:id", "", {"name": "a", "label": "x"}),
    "the same kind twice": ("Get a list of contacts", "GET", "bases/:id/liste-contacts", "", None, ONE),
}


def in_force(found: Any, folder: Path) -> Contract:
    text = override_text(found, derive_contract(found))
    (folder / "derived.yaml").write_text(text, encoding="utf-8")
    return load_contract(folder / "derived.yaml")


@pytest.mark.parametrize("what", ASTRAY)
def test_a_request_that_may_be_another_call_is_no_call(what: str, tmp_path: Path) -> None:
    name, method, path, *more = ASTRAY[what]
    item = request(name, method, path, **dict(zip(("text", "body", "answer"), more, strict=False)))
    contract = in_force(of(*LISTED, item), tmp_path)
    found = {
        f"{kind}.{name}": f"{call.method} {contract.prefix.path}{call.path}"
        for kind, stanza in contract.kinds.items()
        for name, call in stanza.operations.items()
    }
    assert found.items() <= KNOWN.items()


HOUSES = ("documenter", "francais", "camel", "embedded", "curseurs", "example-ids", "json-api")


@pytest.mark.parametrize("name", HOUSES)
@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_names_and_texts_on_the_wrong_requests_make_no_wrong_call(name: str, data: st.DataObject) -> None:
    house = dialect(name)
    tree = json.loads(house.data)
    items = [item for item in _requests(tree["item"]) if not OLD_WORDS.search(json.dumps(item))]
    for key in ("name", "description"):
        holders = [item if key == "name" else item["request"] for item in items]
        values = [holder.get(key, "") for holder in holders]
        for holder, value in zip(holders, data.draw(st.permutations(values)), strict=True):
            holder[key] = value
    found = calls(read_collection(json.dumps(tree).encode(), shown=name))
    assert found.items() <= house.operations.items()


def _requests(items: list[dict[str, Any]]) -> Any:
    for item in items:
        if "item" in item:
            yield from _requests(item["item"])
        else:
            yield item


HOSTILE = (
    "X\nkinds: {base: null}\n#",
    "a\x00b\x1b[31m\x07",
    "::add-mask::x\n##[command]y",
    "\u202egnirts \u2066x",
    "x" * 10_000,
    "- [}{&*!|>%@`\"'#: ",
    "{{name}} ${CI_JOB_TOKEN} $(id)",
    "__proto__",
)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_strings_stay_strings(text: str, tmp_path: Path) -> None:
    """In the name of the collection, of a folder, a request, a segment, a header, a key and a word."""
    rows = [{**ONE, text: 1, "label\n": text}]
    item = request(text, "GET", f"bases/{text}", text=text, answer={text: rows})
    item["request"]["header"] = [{"key": f"token{text}", "value": text}]
    command = request("Command", "PUT", f"{BATCH}/command", body={"command": text, f"state{text}": text})
    tree = {"info": {"name": text, "description": text}, "item": [*LISTED, {"name": text, "item": [item, command]}]}
    found = read_collection(json.dumps(tree).encode(), shown="it")
    written = override_text(found, derive_contract(found))
    assert {char for char in written if ord(char) < 0x20} == {"\n"}
    assert not {"\u202e", "\u2066", "\x7f"} & {*written}
    contract = in_force(found, tmp_path)
    assert {kind for kind, stanza in contract.kinds.items() if stanza.operations} <= {"base", "batch"}
    assert "start" not in contract.kinds["batch"].operations


BOMB = b"openapi: 3.0.0\nb0: &b0 [1]\n" + b"".join(
    b"b%d: &b%d [*b%d, *b%d]\n" % (n, n, n - 1, n - 1) for n in range(1, 40)
)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b'{"info": {}, "item": [\n  {"name": "a",}\n]}', "line 2"),
        (b'{"item": ' + b"[" * 200_000 + b"]" * 200_000 + b"}", "nested too deep"),
        (b'{"item": [], "item": []}', "the same key twice"),
        (b'{"item": [{"name": "\\ud800"}]}', "half of a surrogate pair"),
        (b'{"item": [1e999999]}', "out of range"),
        (b'{"item": "\xff"}', "UTF-8"),
        (b"openapi: 3.0.0\npaths: {a: [}\n", "cannot be read as a collection"),
        (BOMB, "cannot be read as a collection"),
        (b'{"openapi": "3.0.0", "item": {}, "paths": 1}', None),
        (b'{"info": 1, "item": [null, 1, [], {}, {"request": 1}, {"item": 1}]}', None),
    ],
)
def test_what_cannot_be_read_says_why_and_where(data: bytes, why: str | None) -> None:
    if why is None:
        assert read_collection(data, shown="it.json").requests == ()
        return
    with pytest.raises(ManifestError) as caught:
        read_collection(data, shown="it.json")
    shown = "\n".join([str(caught.value), *(str(each) for each in caught.value.diagnostics)])
    assert why in shown
    assert "it.json" in shown


def test_more_requests_than_any_api_has_are_refused() -> None:
    item = {"request": "https://x/bases"}
    with pytest.raises(ManifestError, match="more than 5,000 requests"):
        of(*[item] * 5_001)


@pytest.mark.parametrize("text", ["<", "and ", "`a", "a-", "name of the ", "x"])
def test_a_description_without_end_is_read_to_a_limit(text: str) -> None:
    """Of 4 MB, no more is read than of 200 kB."""
    item = request("Start a batch", "POST", f"{BATCH}/start", text=text * (4_000_000 // len(text)))
    found = of(item).requests[0]
    assert len(found.text) <= 200_000


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["", "bases", "{{x}}", ":id", "start", "GET"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            ["name", "request", "url", "method", "item", "body", "raw", "mode", "response", "code", "path", "query",
             "key", "value", "header", "description", "schema", "properties", "allOf", "items", "type", "enum", "get",
             "post", "/bases", "/bases/{id}", "responses", "content", "application/json", "$ref", "200", "parameters"]
        ),
        inner,
        max_size=4,
    ),
    max_leaves=25,
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(tree=JSON, style=st.sampled_from(["item", "paths"]))
def test_a_tree_of_any_shape_is_read_and_derived(tree: Any, style: str) -> None:
    """Whatever its parts are, the result is a valid override, or a clean error."""
    document = {"openapi": "3.1.0", "paths": tree, "components": tree} if style == "paths" else {"item": [tree, tree]}
    found = read_collection(json.dumps(document).encode(), shown="it")
    derived = derive_contract(found)
    override_text(found, derived)
    assert {match.certainty for match in derived.matches if match.operation == "start"} <= {
        Certainty.NOTHING,
        Certainty.QUESTION,
    }
