"""Each problem of a block by itself: its code, its exact place, and the words that matter."""

from __future__ import annotations

from pathlib import Path

import pytest

from kiamo_iac.core.secret import TOKEN
from tests.manifest.loading import codes, loaded

CASES = {
    # shape of a file
    "a list at the top": ("- name: a\n", "1:1 KIA0201", "bases:"),
    "text at the top": ("bases\n", "1:1 KIA0201", "bases:"),
    "a typo in a collection": ("base: []\n", "1:1 KIA0202", 'did you mean "bases"?'),
    "an unknown collection": ("queues: []\n", "1:1 KIA0202", "services"),
    "an empty collection": ("bases:\n", "1:7 KIA0203", "remove the key"),
    "a mapping for a collection": ("bases:\n  name: a\n", "2:3 KIA0203", '"- "'),
    "text for a thing": ("bases:\n  - name: a\n  - b\n", "3:5 KIA0203", "name"),
    "text for children": ("bases:\n  - name: a\n    fields: b\n", "3:13 KIA0203", '"- "'),
    # keys
    "a typo in a key": ("bases:\n  - {name: a, lable: A}\n", "2:15 KIA0202", 'did you mean "label"?'),
    "a typo in a child collection": ("bases:\n  - name: a\n    feilds: []\n", "3:5 KIA0202", 'did you mean "fields"?'),
    "an unknown key": ("services:\n  - {name: a, zzz: A}\n", "2:15 KIA0202", "managed"),
    "a parent inside its parent": (
        "bases:\n  - name: a\n    batches:\n      - {name: b, base: a}\n",
        "4:19 KIA0202",
        "already",
    ),
    "no name": ("bases:\n  - label: A\n", "2:5 KIA0204", 'add "name: …"'),
    "no parent": ("batches:\n  - name: b\n", "2:5 KIA0204", 'add "base: …"'),
    "a parent that is not text": ("batches:\n  - {base: 1, name: b}\n", "2:12 KIA0203", "write the name of its base"),
    # types
    "a number for text": ("bases:\n  - {name: a, label: 12}\n", "2:22 KIA0203", "quotes"),
    "nothing for text": ("bases:\n  - name: a\n    label:\n", "3:11 KIA0203", "remove the key"),
    "a number for a name": ("bases:\n  - {name: 12}\n", "2:12 KIA0203", "quotes"),
    "text for a boolean": ('bases:\n  - {name: a, protect: "true"}\n', "2:24 KIA0203", "without quotes"),
    "text for a list": ("bases:\n  - {name: a, renamed_from: b}\n", "2:29 KIA0203", '"- "'),
    "a number in a list": ("bases:\n  - name: a\n    renamed_from: [b, 2]\n", "3:23 KIA0203", "quotes"),
    "a list for a mapping": ("bases:\n  - {name: a, settings: [b]}\n", "2:25 KIA0203", '"key: value"'),
    "a number in an association": (
        "bases:\n  - name: a\n    batches:\n      - {name: b, association: {destination: 1}}\n",
        "4:46 KIA0203",
        "quotes",
    ),
    # values
    "a state that is none": (
        "batches:\n  - {base: a, name: b, state: stoped}\n",
        "2:31 KIA0205",
        'did you mean "stopped"?',
    ),
    "a state that nobody may set": ("batches:\n  - {base: a, name: b, state: finished}\n", "2:31 KIA0205", "paused"),
    "ensure that is neither": ("bases:\n  - {name: a, ensure: gone}\n", "2:23 KIA0205", "present"),
    "a datatype that is none": (
        "bases:\n  - name: a\n    fields: [{name: f, datatype: strng}]\n",
        "3:34 KIA0205",
        'did you mean "string"?',
    ),
    "an empty name": ("bases:\n  - {name: ''}\n", "2:12 KIA0206", "write a value"),
    "a long label": (f"bases:\n  - {{name: a, label: {'x' * 256}}}\n", "2:22 KIA0206", "shorten"),
    "a long name": (f"bases:\n  - {{name: {'x' * 256}}}\n", "2:12 KIA0206", "shorten"),
    # names
    "a control character": ('bases:\n  - {name: "a\\e[31m"}\n', "2:12 KIA0210", "remove"),
    "the direction of writing": ('bases:\n  - {name: "a\\u202Eb"}\n', "2:12 KIA0210", "remove"),
    # the contract
    "an attribute without a wire name": (
        "batches:\n  - {base: a, name: b, label: B}\n",
        "2:24 KIA0211",
        "kinds: batch: attributes: label:",
    ),
    "an attribute in settings": ("bases:\n  - {name: a, settings: {x: 1, label: A}}\n", "2:32 KIA0213", "of the block"),
    "a wire name in settings": ("bases:\n  - {name: a, settings: {contacts: 1}}\n", "2:26 KIA0213", "attribute"),
    # lifecycle
    "state and initial_state": (
        "batches:\n  - {base: a, name: b, state: new, initial_state: paused}\n",
        "2:36 KIA0214",
        "every apply",
    ),
    "a label on a reference": ("services:\n  - {name: a, label: A}\n", "2:15 KIA0215", "managed: true"),
    "protect on a reference": ("services:\n  - {name: a, protect: true}\n", "2:15 KIA0215", "managed: true"),
    "absence of a reference": (
        "services:\n  - {name: a, managed: false, ensure: absent}\n",
        "2:31 KIA0215",
        "managed: true",
    ),
    "absent and protected": (
        "bases:\n  - {name: a, ensure: absent, protect: true}\n",
        "2:31 KIA0216",
        "one of them",
    ),
    "absent and renamed": (
        "bases:\n  - {name: a, ensure: absent, renamed_from: [b]}\n",
        "2:31 KIA0217",
        "its current name",
    ),
    "exclusive of no children": ("bases:\n  - {name: a, exclusive: [fields, batchs]}\n", "2:35 KIA0219", '"batches"?'),
    "exclusive of a kind without children": (
        "services:\n  - {name: a, managed: true, exclusive: [x]}\n",
        "2:42 KIA0219",
        "remove",
    ),
    "renamed from its own name": ("bases:\n  - {name: é, renamed_from: [e\u0301]}\n", "2:30 KIA0220", "remove"),
    "renamed twice from one name": ("bases:\n  - {name: a, renamed_from: [b, b]}\n", "2:33 KIA0220", "remove"),
    "a field renamed": ("bases:\n  - name: a\n    fields: [{name: f, renamed_from: [g]}]\n", "3:24 KIA0223", "absent"),
    "a start without an association": (
        "batches:\n  - {base: a, name: b, association: {}, state: paused}\n",
        "2:37 KIA0229",
        "ERR_2015: Batch has no association",
    ),
    "a later start without an association": (
        "batches:\n  - {base: a, name: b, association: {}, initial_state: started}\n",
        "2:37 KIA0229",
        "ERR_2015",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_one_problem_is_said_once_at_its_place(case: str, tmp_path: Path) -> None:
    text, expected, words = CASES[case]
    found = loaded(tmp_path, text).diagnostics
    assert codes(found) == [f"m.yaml:{expected}"]
    assert words in (found[0].hint or "")
    assert not found[0].summary.endswith(".")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# nothing\n",
        "bases: []\n",
        "services:\n  - {name: a}\n  - {name: b, managed: true, label: B, protect: true, renamed_from: [c]}\n",
        "services:\n  - {name: a, managed: false}\n",
        "bases:\n  - {name: a, ensure: present, exclusive: [fields, batches], settings: {pace: 1.5, x: {y: [null]}}}\n",
        "batches:\n  - {base: a, name: b, association: {}, state: new}\n",
        "batches:\n  - {base: a, name: b, state: started}\n",
        "bases:\n  - name: Clientèle d'hiver\n".replace("'", "-"),
        "bases:\n  - {name: a, renamed_from: []}\n",
    ],
)
def test_nothing_is_said_of_what_is_right(text: str, tmp_path: Path) -> None:
    assert codes(loaded(tmp_path, text).diagnostics) == []


def test_what_the_reader_refuses_is_not_refused_twice(tmp_path: Path) -> None:
    text = "bases:\n  - name: 0612345678\n    label: 2026-01-01\n    protect: *none\n"
    assert codes(loaded(tmp_path, text).diagnostics) == [
        "m.yaml:2:11 KIA0114",
        "m.yaml:3:12 KIA0115",
        "m.yaml:4:14 KIA0113",
    ]


def test_a_warning_of_the_reader_hides_no_error(tmp_path: Path) -> None:
    assert codes(loaded(tmp_path, "bases:\n  - {name: a, protect: yes}\n").diagnostics) == [
        "m.yaml:2:24 KIA0118?",
        "m.yaml:2:24 KIA0203",
    ]


def test_nothing_that_looks_like_a_token_is_ever_printed(tmp_path: Path) -> None:
    token = ("0123456789abcdef" * 3)[:40]
    escaped = "".join(f"\\x{ord(c):02x}" for c in token)
    text = (
        f"bases:\n  - {{name: a, {token}: 1, ensure: {token}}}\n"
        f'  - {{name: "{escaped}", label: 1, "{escaped}": 2, ensure: "{escaped}"}}\n'
        f"services:\n  - {{name: '{token}/', settings: {{name: {token}}}}}\n"
        f"batches:\n  - {{base: {token}, name: b, service: {token}, state: {token}}}\n"
    )
    found = loaded(tmp_path, text)
    assert {"KIA0117", "KIA0203", "KIA0209", "KIA0227"} <= {d.code for d in found.diagnostics}
    assert not TOKEN.search(repr(found.diagnostics))
    assert not TOKEN.search(repr(list(found.state)))
