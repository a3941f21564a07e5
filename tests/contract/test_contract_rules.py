"""What a contract may not say: each rule refuses with its place, and a hint."""

from __future__ import annotations

from pathlib import Path

import pytest

from kiamo_iac.contract.file import load_contract
from tests.contract.test_contract_file import problems_of

WHICH = "the call does not say which object it is for: every"
LIST = "the call has no {base}: set parent_wire to the attribute that has the id of the parent"
SAME = 'the same value as "stopped": which of the two is meant cannot be read'
ONE = "/bases/{base}/batches/{id}"

CALLS = [
    # what a call acts on
    (
        "kinds:\n  base:\n    operations:\n      delete: {path: /bases/selected}\n",
        "mine.yaml:4:7",
        f"kinds.base.operations.delete: {WHICH} delete would be the same call",
        "write {id} in path, query or body, for the id of the object",
    ),
    (
        "kinds:\n  service:\n    operations:\n      read: {path: /service}\n",
        "mine.yaml:4:7",
        f"kinds.service.operations.read: {WHICH} read would be the same call",
        "write {id} in path, query or body, for the id of the object",
    ),
    (
        "kinds:\n  service:\n    operations:\n      update: {path: /services/all}\n",
        "mine.yaml:4:7",
        f"kinds.service.operations.update: {WHICH} update would be the same call",
        "write {id} in path, query or body, for the id of the object",
    ),
    (
        "kinds:\n  batch:\n    operations:\n      start: {path: '/bases/{base}/start'}\n",
        "mine.yaml:4:7",
        f"kinds.batch.operations.start: {WHICH} start would be the same call",
        "write {id} in path, query or body, for the id of the object",
    ),
    (
        "kinds:\n  batch:\n    operations:\n      create: {path: /batches}\n",
        "mine.yaml:4:7",
        "kinds.batch.operations.create: the call does not say below which base it creates",
        "write {base} in path, query or body, for the id of the base",
    ),
    (
        "kinds:\n  field:\n    operations:\n      list: {path: /fields}\n",
        "mine.yaml:4:7",
        f"kinds.field.operations.list: {LIST}",
        "write {base} in path, query or body, or parent_wire",
    ),
    # two operations that are one call
    (
        "kinds:\n  batch:\n    operations:\n      stop: {body: {command: start}}\n",
        "mine.yaml:4:7",
        f"kinds.batch.operations.stop: the same call as start: PUT {ONE}/command",
        "correct its method, path, query or body, or remove it: stop: null",
    ),
    (
        f"kinds:\n  batch:\n    operations:\n      pause: {{path: '{ONE}', body: null}}\n",
        "mine.yaml:4:7",
        f"kinds.batch.operations.pause: the same call as update: PUT {ONE}",
        "correct its method, path, query or body, or remove it: pause: null",
    ),
    (
        "kinds:\n  base:\n    operations:\n      delete: {method: PUT}\n",
        "mine.yaml:4:7",
        "kinds.base.operations.delete: the same call as update: PUT /bases/{id}",
        "correct its method, path, query or body, or remove it: delete: null",
    ),
    # Postman's placeholders
    (
        "kinds:\n  base:\n    operations:\n      read: {path: '/bases/:id'}\n",
        "mine.yaml:4:14",
        'kinds.base.operations.read.path: ":id" is a placeholder of Postman\'s, and would be sent as it is',
        "write {id}: {id} is the id of the object, and {base} (any kind's name) that of its parent",
    ),
    (
        "kinds:\n  batch:\n    operations:\n      list: {path: '/bases/{{base}}/batches'}\n",
        "mine.yaml:4:14",
        'kinds.batch.operations.list.path: "{{base}}" is a placeholder of Postman\'s, and would be sent as it is',
        "write {base}: {id} is the id of the object, and {base} (any kind's name) that of its parent",
    ),
    (
        "kinds:\n  base:\n    operations:\n      read: {path: /base, query: {key: ':id'}}\n",
        "mine.yaml:4:27",
        'kinds.base.operations.read.query: ":id" is a placeholder of Postman\'s, and would be sent as it is',
        "write {id}: {id} is the id of the object, and {base} (any kind's name) that of its parent",
    ),
    (
        "kinds:\n  base:\n    operations:\n      delete: {path: /base, body: {ids: ['{{id}}']}}\n",
        "mine.yaml:4:29",
        'kinds.base.operations.delete.body: "{{id}}" is a placeholder of Postman\'s, and would be sent as it is',
        "write {id}: {id} is the id of the object, and {base} (any kind's name) that of its parent",
    ),
]

NAMES = [
    (
        "kinds:\n  batch:\n    operations:\n      strat: {method: PUT, path: '/x/{id}', basis: assumed}\n",
        "mine.yaml:4:7",
        'unknown operation "strat" of a batch',
        'did you mean "start"?',
    ),
    (
        "kinds:\n  service:\n    operations:\n      archive: {method: PUT, path: '/x/{id}', basis: assumed}\n",
        "mine.yaml:4:7",
        'unknown operation "archive" of a service',
        "known operations: list, create, read, update, delete",
    ),
    ("kinds:\n  bases: {}\n", "mine.yaml:2:3", 'unknown kind "bases"', 'did you mean "base"?'),
]

VALUES = [
    (
        "values: {started: {code: 1}}",
        "state",
        "kinds.batch.attributes.state.values.started: must be a string, a number, true or false, or a list of them",
        "several values for one word are a list of strings or numbers; the first is written",
    ),
    (
        "values: {paused: [[A], B]}",
        "state",
        "kinds.batch.attributes.state.values.paused: must be a string, a number, true or false, or a list of them",
        "several values for one word are a list of strings or numbers; the first is written",
    ),
    (
        "values: {strated: RUNNING}",
        "state",
        'kinds.batch.attributes.state.values.strated: unknown word "strated"',
        'did you mean "started"?',
    ),
    (
        "values: {paused: null}",
        "state",
        "kinds.batch.attributes.state.values: no value for paused",
        "write the value that the instance has for every run state: new, started, paused, finished, stopped",
    ),
    (
        "values: {stopped: CLOSED, finished: CLOSED}",
        "state",
        f"kinds.batch.attributes.state.values.finished: {SAME}",
        "write another value, or list it only where it is meant: stopped",
    ),
    (
        "refers_to: base",
        "service",
        'kinds.batch.attributes.service.refers_to: must be service, got "base"',
        "write refers_to: service",
    ),
    (
        "refers_to: services",
        "service",
        'kinds.batch.attributes.service.refers_to: unknown kind "services"',
        'did you mean "service"?',
    ),
    (
        "wire: label..fr",
        "service",
        'kinds.batch.attributes.service.wire: "label..fr" is neither a name nor a path',
        "write the names of nested objects with a dot between them: label.fr",
    ),
]


@pytest.mark.parametrize(("text", "source", "says", "hint"), CALLS)
def test_a_call_says_what_it_acts_on_and_is_no_other(
    tmp_path: Path, text: str, source: str, says: str, hint: str
) -> None:
    found = [(d.code, str(d.source), d.summary, d.hint) for d in problems_of(tmp_path, text)]
    assert found == [("KIA0404", source, says, hint)]


@pytest.mark.parametrize(("text", "source", "says", "hint"), NAMES)
def test_an_operation_and_a_kind_are_known(tmp_path: Path, text: str, source: str, says: str, hint: str) -> None:
    found = [(d.code, str(d.source), d.summary, d.hint) for d in problems_of(tmp_path, text)]
    assert found == [("KIA0405", source, says, hint)]


@pytest.mark.parametrize(("entry", "attribute", "says", "hint"), VALUES)
def test_values_can_be_read_back(tmp_path: Path, entry: str, attribute: str, says: str, hint: str) -> None:
    text = f"kinds:\n  batch:\n    attributes:\n      {attribute}:\n        {entry}\n"
    assert [(d.code, d.summary, d.hint) for d in problems_of(tmp_path, text)] == [("KIA0404", says, hint)]


def test_a_flag_has_two_words(tmp_path: Path) -> None:
    text = "kinds: {field: {attributes: {default: {values: {'yes': O, 'false': N}}}}}\n"
    (found,) = problems_of(tmp_path, text)
    assert (found.code, found.hint) == ("KIA0404", "known words: true, false")


def test_words_of_a_closed_list_are_of_it(tmp_path: Path) -> None:
    text = "kinds: {field: {attributes: {datatype: {values: {strng: chaine}}}}}\n"
    (found,) = problems_of(tmp_path, text)
    assert (found.code, found.hint) == ("KIA0404", 'did you mean "string"?')


@pytest.mark.parametrize(
    "text",
    [
        # what names its object elsewhere than in the path
        "kinds: {base: {operations: {delete: {path: /bases, body: {ids: ['{id}']}}}}}\n",
        "kinds: {base: {operations: {delete: {path: /bases, query: {id: '{id}'}}}}}\n",
        "kinds: {batch: {operations: {create: {path: /batches, body: {of: '{base}'}}}}}\n",
        # a segment with a colon in its middle is no placeholder
        "kinds: {base: {operations: {list: {path: '/bases:list'}}}}\n",
        # what was read goes back
        "kinds: {base: {operations: {update: {path: /bases, carry: [id]}}}}\n",
        # create and update are one call, which has the name
        "kinds: {service: {identity: name, operations: {update: {method: POST, path: /services, send: whole}}}}\n",
        # no operation at all
        "kinds: {base: {operations: {update: null, delete: null}}}\n",
    ],
)
def test_what_is_fine(tmp_path: Path, text: str) -> None:
    path = tmp_path / "contract.yaml"
    path.write_text(text, encoding="utf-8")
    assert load_contract(path).overridden


BATCH_STATE = "kinds:\n  batch:\n    attributes:\n      state: {from: "
LANGUAGE = [
    (
        BATCH_STATE + "status}\n",
        "mine.yaml:4:15",
        'kinds.batch.attributes.state.from: there is no operation "status"',
        "declare it under kinds.batch.operations, with method, path and basis",
    ),
    (
        BATCH_STATE + "start}\n",
        "mine.yaml:4:15",
        'kinds.batch.attributes.state.from: "start" is no call that reads an object',
        "write the name of an operation of its own, such as status, and declare it under operations",
    ),
    (
        "kinds:\n  base:\n    listing: {detail: read}\n    operations: {read: null}\n",
        "mine.yaml:3:15",
        "kinds.base.listing.detail: every object of the list is read, and there is no operation read",
        "write the operation read",
    ),
    (
        "kinds:\n  base:\n    operations:\n      read: null\n      update: {send: whole}\n",
        "mine.yaml:5:16",
        "kinds.base.operations.update.send: the object is read right before, and there is no operation read",
        "write the operation read",
    ),
    (
        "kinds:\n  base:\n    operations:\n      update: {id: result}\n",
        "mine.yaml:4:16",
        "kinds.base.operations.update.id: has no effect: only a create makes an id",
        "remove it",
    ),
    (
        "kinds:\n  batch:\n    operations:\n      stop: {send: whole}\n",
        "mine.yaml:4:14",
        "kinds.batch.operations.stop.send: has no effect: only an update sends attributes",
        "remove it",
    ),
    (
        "kinds:\n  batch:\n    operations:\n      start: {wrap: batch}\n",
        "mine.yaml:4:15",
        "kinds.batch.operations.start.wrap: has no effect: only creates and updates are wrapped",
        "write the key into body, which is the whole body of a command",
    ),
    (
        "kinds:\n  base:\n    operations:\n      create: {carry: [version]}\n",
        "mine.yaml:4:16",
        "kinds.base.operations.create.carry: has no effect: no object is read before a create",
        "remove it",
    ),
    (
        "kinds:\n  batch:\n    attributes:\n      service: {shape: {id: id}}\n",
        "mine.yaml:4:17",
        "kinds.batch.attributes.service.shape: has no place for the value",
        "write $ where the value stands, such as {id: $}",
    ),
    (
        "kinds:\n  batch:\n    attributes:\n      association: {shape: [{field: $field}]}\n",
        "mine.yaml:4:21",
        "kinds.batch.attributes.association.shape: has no place for the value",
        "write one entry, such as [{role: $role, field: $field}]",
    ),
    (
        "kinds:\n  base:\n    operations: {update: null}\n  field:\n    inside: {wire: fields}\n",
        "mine.yaml:5:5",
        'kinds.field.inside: base has no operation "update"',
        "write the operation of the parent that replaces the list",
    ),
    (
        "auth: {query: page}\nkinds:\n  base:\n    listing: {paging: {style: page}}\n",
        "mine.yaml:1:8",
        'auth.query: "page" is a query parameter of the calls of a base',
        "write the parameter that the instance reads the token from",
    ),
]


@pytest.mark.parametrize(("text", "source", "says", "hint"), LANGUAGE)
def test_an_entry_has_an_effect_and_the_one_that_it_seems_to_have(
    tmp_path: Path, text: str, source: str, says: str, hint: str
) -> None:
    found = [(d.code, str(d.source), d.summary, d.hint) for d in problems_of(tmp_path, text)]
    # beside what follows of it: a command that is read from must have a method that reads
    assert ("KIA0404", source, says, hint) in found
    assert len(found) == 1 or "from: start" in text or "inside" in text
