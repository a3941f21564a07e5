"""Typical mistakes: what a validator says names the key, the type or the list, never only that nothing fits."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft7Validator
from jsonschema.exceptions import best_match

from kiamo_iac.app.schemas import catalogue
from kiamo_iac.document.parser import parse
from tests.manifest.packaged import CAPABILITIES
from tests.schemas import corpus

SCHEMAS = {name: entry.make() for name, entry in catalogue(CAPABILITIES).items()}
A_PROJECT = "manifests: [m]\nenvironments: {production: {%s}}\n"
MISTAKES = {
    "a typo in a key": ("manifest", "bases:\n  - {name: a, lable: A}\n", "bases/0", "'lable' was unexpected"),
    "a typo in a collection": ("manifest", "base: []\n", "", "'base' was unexpected"),
    "no name": ("manifest", "bases:\n  - {label: A}\n", "bases/0", "'name' is a required property"),
    "no parent": ("manifest", "batches:\n  - {name: b}\n", "batches/0", "'base' is a required property"),
    "a number for text": ("manifest", "bases:\n  - {name: a, label: 12}\n", "bases/0/label", "not of type 'string'"),
    "text for a boolean": ("manifest", "bases:\n  - {name: a, protect: 'yes'}\n", "bases/0/protect", "type 'boolean'"),
    "a state that is none": (
        "manifest",
        "batches:\n  - {base: a, name: b, state: stoped}\n",
        "batches/0/state",
        "'stoped' is not one of ['new', 'started', 'paused', 'stopped']",
    ),
    "a datatype that is none": (
        "manifest",
        "bases:\n  - {name: a, fields: [{name: f, datatype: strng}]}\n",
        "bases/0/fields/0/datatype",
        "'strng' is not one of ['string', 'text',",
    ),
    "a child that is none": (
        "manifest",
        "bases:\n  - {name: a, exclusive: [feilds]}\n",
        "bases/0/exclusive/0",
        "'feilds' is not one of ['batches', 'fields']",
    ),
    "a long label": ("manifest", f"bases:\n  - {{name: a, label: {'x' * 256}}}\n", "bases/0/label", "is too long"),
    "null in a list of names": ("patch", "bases:\n  - {name: a, renamed_from: 1}\n", "bases/0/renamed_from", "'array'"),
    "a state in a patch": ("patch", "batches:\n  - {base: a, name: b, state: on}\n", "batches/0/state", "'started'"),
    "a typo in the project file": ("project", "manifests: [m]\nenviroments: {}\n", "", "'enviroments' was unexpected"),
    "an environment with a space": ("project", "manifests: [m]\nenvironments: {a b: }\n", "environments", "'a b'"),
    "a backend that is none": (
        "project",
        A_PROJECT % "ledger: {backend: s3}",
        "environments/production/ledger/backend",
        "'s3' is not one of ['file', 'http', 'git']",
    ),
    "a key of another backend": (
        "project",
        A_PROJECT % "ledger: {backend: git, path: x}",
        "environments/production/ledger",
        "'path' was unexpected",
    ),
    "a ledger without an address": (
        "project",
        A_PROJECT % "ledger: {backend: http}",
        "environments/production/ledger",
        "'address' is a required property",
    ),
    "a limit in quotes": (
        "project",
        A_PROJECT % "guards: {max_deletes: '5'}",
        "environments/production/guards/max_deletes",
        "'integer'",
    ),
    "more than all": (
        "project",
        A_PROJECT % "guards: {max_delete_percent: 101}",
        "environments/production/guards/max_delete_percent",
        "maximum of 100",
    ),
    "a method of the contract": (
        "contract-override",
        "kinds: {base: {operations: {list: {method: TRACE}}}}\n",
        "kinds/base/operations/list/method",
        "'TRACE' is not one of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'",
    ),
    "a record of the ledger that is none": ("ledger", "{puts: 1}\n", "", "'puts' was unexpected"),
    "a ledger that lacks something": (
        "ledger",
        "{format_version: 1, environment: a, serial: 1, entries: [], spent: []}\n",
        "",
        "'lineage' is a required property",
    ),
}


def said(schema: dict[str, Any], text: str) -> tuple[str, str]:
    """Where, and what, of the best of the messages."""
    error = best_match(Draft7Validator(schema).iter_errors(parse(text, file="x.yaml").data))
    assert error is not None
    return "/".join(map(str, error.absolute_path)), error.message


@pytest.mark.parametrize("case", MISTAKES)
def test_a_message_names_what_is_wrong_and_where(case: str) -> None:
    name, text, where, words = MISTAKES[case]
    path, message = said(SCHEMAS[name], text)
    assert path == where
    assert words in message


def test_no_message_says_only_that_nothing_fits() -> None:
    for text, code in corpus.wrong_manifests().values():
        if code in corpus.SEEN_IN_MANIFESTS:
            assert "any of the given schemas" not in said(SCHEMAS["manifest"], text)[1]
    for text, code in corpus.wrong_projects().values():
        if code in corpus.SEEN_IN_PROJECTS:
            assert "any of the given schemas" not in said(SCHEMAS["project"], text)[1]
