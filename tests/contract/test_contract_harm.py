"""Contracts that would be accepted and do harm: each is refused, at its place, with a hint."""

from __future__ import annotations

from pathlib import Path

import pytest

from kiamo_iac.contract.file import load_contract
from tests.contract.test_contract_file import problems_of

HARMFUL = [
    (
        "kinds: {field: {inside: {wire: a.b}}}\n",
        "1:26",
        'kinds.field.inside.wire: "a.b" is a path, and the list is one key',
    ),
    (
        "kinds: {field: {inside: {wire: columns}, listing: {keyed: id}}}\n",
        "1:52",
        "kinds.field.listing.keyed: the list is replaced as an array, or by the names of its rows",
    ),
    (
        "kinds: {base: {item: base, operations: {update: {send: whole}}}, field: {inside: {wire: c, read: d}}}\n",
        "1:92",
        'kinds.field.inside.read: it is not below "base", and the whole base that is sent would be without it',
    ),
    (
        "kinds: {batch: {operations: {stop: {query: {command: start}, body: {}}}}}\n",
        "1:30",
        'kinds.batch.operations.stop: the call says "start": it may start the batch, which dials',
    ),
    (
        (
            "kinds: {batch: {operations: {stop: {path: '/bases/{base}/batches/{id}/comman%64', body: "
            "{command: start}}}}}\n"
        ),
        "1:30",
        "kinds.batch.operations.stop: the same call as start: PUT /bases/{base}/batches/{id}/comman%64",
    ),
    (
        "kinds: {batch: {operations: {stop: {path: '/bases/{base}/batches/{id}/Command', body: {command: start}}}}}\n",
        "1:30",
        "kinds.batch.operations.stop: the same call as start: PUT /bases/{base}/batches/{id}/Command",
    ),
    (
        "kinds: {batch: {operations: {stop: {body: {command: Start}}}}}\n",
        "1:30",
        "kinds.batch.operations.stop: the same call as start: PUT /bases/{base}/batches/{id}/command",
    ),
    (
        "kinds: {batch: {operations: {start: {body: {c: 1}}, stop: {body: {c: 1.0}}}}}\n",
        "1:53",
        "kinds.batch.operations.stop: the same call as start: PUT /bases/{base}/batches/{id}/command",
    ),
    (
        (
            "kinds: {batch: {operations: {start: {form: $fields, body: {c: 'true'}}, stop: {form: $fields, "
            "body: {c: true}}}}}\n"
        ),
        "1:73",
        "kinds.batch.operations.stop: the same call as start: PUT /bases/{base}/batches/{id}/command",
    ),
    (
        "kinds: {batch: {operations: {stop: {body: {command: start, x: 1}}}}}\n",
        "1:30",
        'kinds.batch.operations.stop: the call says "start": it may start the batch, which dials',
    ),
    (
        "kinds: {base: {operations: {update: {method: DELETE}, delete: null}}}\n",
        "1:38",
        "kinds.base.operations.update.method: must not be DELETE for update: the call deletes",
    ),
    (
        (
            "kinds: {batch: {operations: {start: {method: DELETE, path: '/bases/{base}/batches/{id}', body: "
            "{}}, delete: null}}}\n"
        ),
        "1:38",
        "kinds.batch.operations.start.method: must not be DELETE for start: the call deletes",
    ),
    (
        "kinds: {batch: {operations: {update: {body: {command: start}}}}}\n",
        "1:30",
        'kinds.batch.operations.update: the call says "start": it may start the batch, which dials',
    ),
    (
        (
            "kinds: {batch: {operations: {update: {path: '/bases/{base}/batches/{id}/command', body: "
            "{command: start}}}}}\n"
        ),
        "1:30",
        "kinds.batch.operations.start: the same call as update: PUT /bases/{base}/batches/{id}/command",
    ),
    (
        "kinds: {batch: {operations: {create: {body: {command: start}}}}}\n",
        "1:30",
        'kinds.batch.operations.create: the call says "start": it may start the batch, which dials',
    ),
    (
        "kinds: {field: {operations: {delete: {path: '/bases/{base}', query: {f: '{id}'}}}}}\n",
        "1:39",
        "kinds.field.operations.delete.path: the call deletes the base",
    ),
    (
        "kinds: {service: {operations: {delete: {path: '/bases/{id}'}}}}\n",
        "1:32",
        "kinds.base.operations.delete: the same call as delete of a service: DELETE /bases/{id}",
    ),
    (
        "kinds: {service: {operations: {read: {method: POST, path: /services, body: {id: '{id}'}}}}}\n",
        "1:32",
        "kinds.service.operations.read: the same call as create: POST /services",
    ),
    (
        "kinds: {service: {operations: {list: {method: POST, path: /bases}}}}\n",
        "1:32",
        "kinds.service.operations.list: the same call as create of a base: POST /bases",
    ),
    (
        (
            "basis: assumed\nkinds: {batch: {operations: {status: {method: POST, path: "
            "'/bases/{base}/batches/{id}/command', body: {command: start}}}, attributes: {state: {from: status}}}}\n"
        ),
        "2:30",
        'kinds.batch.operations.status: the call says "start": it may start the batch, which dials',
    ),
    (
        "kinds: {batch: {operations: {read: {method: POST, path: '/bases/{base}/batches/{id}/start'}}}}\n",
        "1:30",
        'kinds.batch.operations.read: the call says "start": it may start the batch, which dials',
    ),
    (
        (
            "kinds: {base: {operations: {update: {method: POST, path: /bases/update, body: {base: '{id}'}, "
            "wrap: base}}}}\n"
        ),
        "1:73",
        'kinds.base.operations.update.body: "base" is the key of wrap',
    ),
    (
        "kinds: {base: {operations: {update: {body: {label: fixed}}}}}\n",
        "1:38",
        'kinds.base.operations.update.body: "label" is the key of the attribute label',
    ),
    (
        "kinds: {field: {attributes: {default: {read: label}}}}\n",
        "1:40",
        'kinds.field.attributes.default.read: "label" is where the attribute "label" is read',
    ),
    (
        "kinds: {field: {attributes: {default: {read: id}}}}\n",
        "1:40",
        'kinds.field.attributes.default.read: "id" is where the id is read',
    ),
    (
        "kinds: {field: {attributes: {datatype: {values: {string: text}}}}}\n",
        "1:50",
        'kinds.field.attributes.datatype.values.string: the value of "string", "text", is that of the word "text", too',
    ),
    (
        "kinds: {field: {attributes: {name: {values: {a: b}}}}}\n",
        "1:37",
        "kinds.field.attributes.name.values: has no effect: a name has no words",
    ),
    (
        "kinds: {base: {listing: {items: data, paging: {style: page, page: p, size: p}}}}\n",
        "1:70",
        'kinds.base.listing.paging.size: "p" is the name of two parameters',
    ),
    (
        "kinds: {batch: {operations: {list: {query: {state: started}}}}}\n",
        "1:45",
        'kinds.batch.operations.list.query.state: the list has only the objects whose state is "started"',
    ),
    (
        "kinds: {base: {listing: {items: data, paging: {style: page, within: body}}}}\n",
        "1:61",
        "kinds.base.listing.paging.within: the list is a GET, which has no body",
    ),
    (
        (
            "kinds: {base: {operations: {list: {method: POST, path: /bases/search}}, listing: {items: data, "
            "paging: {style: next, url: u, within: body}}}}\n"
        ),
        "1:126",
        "kinds.base.listing.paging.within: has no effect with style: next",
    ),
    (
        "kinds: {base: {listing: {groups: [a], keyed: id}}}\n",
        "1:39",
        "kinds.base.listing.keyed: has no effect beside groups, which are arrays",
    ),
    (
        "kinds: {field: {attributes: {default: {read: $group}}}}\n",
        "1:40",
        'kinds.field.attributes.default.read: "$group" without groups has no value',
    ),
    (
        (
            "kinds: {field: {listing: {groups: [a, b]}, attributes: {default: {read: $group, values: "
            "{'true': x, 'false': b}}}}}\n"
        ),
        "1:90",
        'kinds.field.attributes.default.values.true: "x" is no group of the list',
    ),
    (
        "kinds: {base: {listing: {keyed: label}}}\n",
        "1:26",
        'kinds.base.listing.keyed: "label" is neither the id nor the name',
    ),
    (
        "kinds: {base: {operations: {update: {carry: [v], body: {v: 1}}}}}\n",
        "1:50",
        'kinds.base.operations.update.body: "v" is the key of what is carried (v)',
    ),
    (
        "kinds: {base: {operations: {update: {wrap: a.b}}}}\n",
        "1:38",
        'kinds.base.operations.update.wrap: "a.b" is a path, and requests are wrapped in one key',
    ),
    (
        "kinds: {base: {operations: {create: {id: $loc}}}}\n",
        "1:38",
        'kinds.base.operations.create.id: "$loc" has no meaning',
    ),
    (
        "kinds: {batch: {attributes: {association: {shape: [{role: $role, field: $field}, {}]}}}}\n",
        "1:44",
        "kinds.batch.attributes.association.shape: must have one entry",
    ),
    (
        "kinds: {batch: {attributes: {service: {shape: /a/$/b/$}}}}\n",
        "1:40",
        "kinds.batch.attributes.service.shape: has two places for one value",
    ),
    (
        "kinds: {batch: {attributes: {service: {shape: [{id: $}]}}}}\n",
        "1:40",
        "kinds.batch.attributes.service.shape: is a list, and the attribute has one value",
    ),
    (
        "kinds: {batch: {attributes: {service: {wire: config}, association: {wire: config.roles}}}}\n",
        "1:69",
        'kinds.batch.attributes.association.wire: "config.roles" and "config" cannot be sent in one body',
    ),
    (
        "kinds: {base: {attributes: {label: {wire: $from}}}}\n",
        "1:37",
        'kinds.base.attributes.label.wire: "$from" is no name of the instance\'s',
    ),
    (
        "kinds: {base: {item: b}, field: {inside: {wire: columns, write: delete}}}\n",
        "1:58",
        "kinds.field.inside.write: delete of base does not replace the list",
    ),
    (
        "kinds: {field: {inside: {wire: label}}}\n",
        "1:26",
        'kinds.field.inside.wire: "label" is the key of the attribute "label" of a base',
    ),
    (
        "kinds: {field: {inside: {wire: columns}, listing: {groups: [a, b]}}}\n",
        "1:52",
        "kinds.field.listing.groups: the list is replaced as an array, or by the names of its rows",
    ),
    ("errors: {failed: {path: s, is: a, unless: b}}\n", "1:10", "errors.failed: is and unless exclude each other"),
    (
        "errors: {failed: {path: error, is: []}}\n",
        "1:10",
        "errors.failed: an empty list has no value: then no call fails, or every one",
    ),
    ("errors: {absent: ['ERR_']}\n", "1:1", "errors: absent: ERR_ is no code that code_pattern finds"),
    (
        "kinds: {base: {listing: {paging: {style: page, limit: true}}}}\n",
        "1:48",
        "kinds.base.listing.paging.limit must be an integer, got a boolean",
    ),
    (
        "kinds: {base: {listing: {paging: {style: page, limit: 100.5}}}}\n",
        "1:48",
        "kinds.base.listing.paging.limit must be an integer, got a number",
    ),
    (
        "kinds: {base: {made_with_parent: {things: [{name: x}], basis: assumed}}}\n",
        "1:16",
        "kinds.base.made_with_parent: has no effect: the kind has no parent",
    ),
    (
        "kinds: {base: {embedded: {field: {wire: name}}}}\n",
        "1:35",
        'kinds.base.embedded.field.wire: "name" and "name" cannot be sent in one body',
    ),
]


@pytest.mark.parametrize(("text", "place", "says"), HARMFUL, ids=[each[2][:80] for each in HARMFUL])
def test_a_contract_that_would_do_harm_is_refused(tmp_path: Path, text: str, place: str, says: str) -> None:
    (found,) = problems_of(tmp_path, text)
    assert (str(found.source), found.summary) == (f"mine.yaml:{place}", says)
    assert found.hint


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "kinds: {field: {attributes: {default: {values: {'true': false, 'false': O}}}}}\n",
            ('the value "false" says the opposite', 'the value "O" says the opposite'),
        ),
        (
            "kinds: {batch: {attributes: {state: {values: {started: paused, paused: Started}}}}}\n",
            ('the value "paused" says another state', 'the value "started" says another state'),
        ),
        (
            "kinds: {batch: {operations: {stop: {method: DELETE, path: '/bases/{base}/batches/{id}', body: {}}}}}\n",
            ("the same call as delete", "the call of the stop deletes the object"),
        ),
    ],
)
def test_two_entries_that_would_do_harm(tmp_path: Path, text: str, says: tuple[str, str]) -> None:
    one, other = problems_of(tmp_path, text)
    assert says[0] in one.summary
    assert says[1] in other.summary
    assert one.hint
    assert other.hint


ONE = "/bases/{base}/batches/{id}"
HARMLESS = {
    "a stop that ends a run": f"stop: {{method: DELETE, path: '{ONE}/run', body: {{}}}}",
    "commands without bodies": f"start: {{method: POST, path: '{ONE}/run', body: {{}}}}, "
    f"stop: {{method: POST, path: '{ONE}/run/stop', body: {{}}}}",
    "commands in French": "start: {body: {ordre: lancer}}, pause: {body: {ordre: suspendre}}, "
    "stop: {body: {ordre: arreter}}",
    "commands as states": "start: {body: {state: started}}, pause: {body: {state: paused}}, "
    "stop: {body: {state: stopped}}",
    "a create that says the first state": "create: {body: {state: new}}",
    "a batch that is called a run": "list: {path: '/bases/{base}/runs'}, create: {path: '/bases/{base}/runs'}",
    "a filter that leaves nothing out": "list: {query: {state: all}}",
}


@pytest.mark.parametrize("case", HARMLESS)
def test_calls_that_are_what_they_say(tmp_path: Path, case: str) -> None:
    path = tmp_path / "contract.yaml"
    path.write_text(f"kinds: {{batch: {{operations: {{{HARMLESS[case]}}}}}}}\n", encoding="utf-8")
    assert load_contract(path).overridden


def test_two_kinds_may_be_read_by_one_call(tmp_path: Path) -> None:
    path = tmp_path / "contract.yaml"
    path.write_text(
        "kinds:\n"
        "  field: {operations: {list: {path: '/bases/{base}'}}, listing: {items: fields}}\n"
        "  batch: {operations: {list: {path: '/bases/{base}'}}, listing: {items: batches}}\n",
        encoding="utf-8",
    )
    assert load_contract(path).overridden


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        (
            "basis: assumed\nkinds:\n  base:\n    attributes:\n"
            + "".join(f"      a{n}: {{wire: w{n}.x}}\n" for n in range(5_000)),
            5_000,
        ),
        (
            (
                f"kinds: {{field: {{listing: {{groups: [{', '.join(f'g{n}' for n in range(20_000))}]}}, "
                f"attributes: {{default: {{read: $group, values: "
                f"{{'true': [{', '.join(f'h{n}' for n in range(20_000))}]}}}}}}}}}}\n"
            ),
            1,
        ),
        (
            (
                f"kinds: {{field: {{attributes: {{datatype: {{choices: [{', '.join(f'c{n}' for n in range(10_000))}], "
                f"values: {{{', '.join(f'c{n}: c{n + 1}' for n in range(5_000))}}}}}}}}}}}\n"
            ),
            1,
        ),
    ],
    ids=["attributes", "groups", "words"],
)
def test_checks_take_time_in_proportion(tmp_path: Path, text: str, problems: int) -> None:
    assert len(problems_of(tmp_path, text)) == problems
