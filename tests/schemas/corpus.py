"""Documents that are right and documents that are wrong, and of which wrong ones a JSON Schema can tell."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from kiamo_iac.core.address import Address
from kiamo_iac.ledger.content import AppliedPlan, Forget, Put
from kiamo_iac.ledger.document import document_text
from kiamo_iac.ledger.lines import header_line, record_lines
from kiamo_iac.planner.plan_file import Options, SavedPlan, text_of
from kiamo_iac.render.ledger import ledger_json
from kiamo_iac.render.run import run_json
from tests.ledger.entries import WHEN, content_of, owned
from tests.manifest import test_manifest_blocks, test_manifest_relations, test_project_environments, test_project_file
from tests.manifest.test_manifest_state import MANIFEST
from tests.render.goldens import GOLDEN, GOLDEN_DRIFT
from tests.render.plans import PLANS, PROVENANCE_OF_TESTS
from tests.render.test_run import FACTS, mixed

ROOT = Path(__file__).resolve().parents[2]

SEEN_IN_MANIFESTS: Mapping[str, str] = {
    "KIA0201": "a manifest is a mapping",
    "KIA0202": "every key is known",
    "KIA0203": "every value has a type",
    "KIA0204": "names and parents are required",
    "KIA0205": "closed lists",
    "KIA0206": "lengths and bounds",
    "KIA0219": "the children of a kind are a closed list",
}
"""Codes whose fault stands in one place of one file: there a schema sees it."""
SEEN_WITH_A_CONTRACT: Mapping[str, str] = {"KIA0211": "attributes without a wire name are left out"}
"""Codes that a schema sees when it knows the contract; and KIA0205 of the contract's own lists."""
NOT_SEEN_IN_MANIFESTS: Mapping[str, str] = {
    "KIA0207": "two places, or two files",
    "KIA0208": "two places, or two files",
    "KIA0210": "a pattern would say less than the diagnostic",
    "KIA0213": "the contract's wire names; a schema could only say that a key is not allowed",
    "KIA0214": "two keys that exclude each other: a schema could not say why",
    "KIA0215": "what `managed` would allow: a schema could not say so",
    "KIA0216": "two keys that exclude each other",
    "KIA0217": "two keys that exclude each other",
    "KIA0218": "two places, or two files",
    "KIA0220": "names are compared in Unicode NFC",
    "KIA0221": "two places, or two files",
    "KIA0222": "two places, or two files",
    "KIA0223": "a rule of the kind, which the diagnostic explains",
    "KIA0224": "two places, or two files",
    "KIA0225": "two places, or two files",
    "KIA0226": "two places, or two files",
    "KIA0227": "two places, or two files",
    "KIA0228": "two places, or two files",
    "KIA0229": "two keys that need each other",
}

SEEN_IN_PROJECTS: Mapping[str, str] = {
    "KIA0301": "every value has a type",
    "KIA0302": "every key is known",
    "KIA0304": "what is required",
    "KIA0309": "the names of environments",
    "KIA0310": "bounds",
    "KIA0313": "closed lists",
    "KIA0315": "bounds",
    "KIA0316": "the names of projects and instances",
    "KIA0323": "the names and the types of variables",
    "KIA0330": "the names of environments",
}
NOT_SEEN_IN_PROJECTS: Mapping[str, str] = {
    "KIA0101": "it cannot be read at all",
    "KIA0114": "YAML: the number that is left has a type that is allowed",
    "KIA0305": "paths are resolved",
    "KIA0306": "files are looked for",
    "KIA0307": "addresses are taken apart; a pattern could not say what is wrong with one",
    "KIA0308": "two environments",
    "KIA0311": "a language of its own, with the time zones of IANA",
    "KIA0312": "addresses are taken apart; a pattern could not say what is wrong with one",
    "KIA0331": "two addresses are compared",
    "KIA0332": "an address and a method are compared",
}


class Wrong(NamedTuple):
    """A document that the reader refuses."""

    text: str
    code: str


def wrong_manifests() -> dict[str, Wrong]:
    """Of the tests of manifests: those that are wrong in one file."""
    found = {name: Wrong(text, said.split()[1]) for name, (text, said, _) in test_manifest_blocks.CASES.items()}
    for name, (files, said, _) in test_manifest_relations.CASES.items():
        for file, text in files.items():
            found[f"{name}, {file}"] = Wrong(text, said[0].split()[1].rstrip("?"))
    return found


def wrong_projects() -> dict[str, Wrong]:
    """Of the tests of project files."""
    prefix = f"{test_project_file.PREFIX}environments:\n  production:\n    "
    found = {name: Wrong(text, said.split()[1]) for name, (text, said, _) in test_project_file.CASES.items()}
    for name, (text, said, _) in test_project_environments.CASES.items():
        found[name] = Wrong(f"{prefix}{text}\n", said.split()[1])
    return found


RIGHT_MANIFESTS: Mapping[str, str] = {
    "the design's": MANIFEST,
    "nothing": "# nothing\n",
    "no collections": "{}\n",
    "empty collections": "bases: []\nservices: []\n",
    "variables for text": "bases:\n  - {name: '${brand} prospects', label: '${label}', renamed_from: ['${old}']}\n",
    "variables for closed lists": "batches:\n  - {base: '${base}', name: b, state: '${state}', ensure: 'a${b}c'}\n",
    "variables for a boolean": "bases:\n  - {name: a, protect: '${protect}', exclusive: ['${children}']}\n",
    "a long text with a variable": f"bases:\n  - {{name: a, label: '${{x}}{'x' * 255}'}}\n",
    "any settings": "bases:\n  - {name: a, settings: {pace: 1.5, x: {y: [null, '${v}']}}}\n",
}
WRONG_VARIABLES: Mapping[str, str] = {
    "a literal in a closed list": "batches:\n  - {base: a, name: b, state: '$${state}'}\n",
    "a variable without an end": "batches:\n  - {base: a, name: b, state: '${state'}\n",
    "a variable without a name": "batches:\n  - {base: a, name: b, state: '${}'}\n",
    "a boolean with something around it": "bases:\n  - {name: a, protect: 'x${protect}'}\n",
    "null, which is for patches": "bases:\n  - {name: a, label: null}\n",
}
RIGHT_PATCHES: Mapping[str, str] = {
    **RIGHT_MANIFESTS,
    "null takes away": (
        "bases:\n  - name: a\n    label: null\n    protect: null\n    settings: {pace: null}\n"
        "    batches: [{name: b, state: null, association: {to: null}, ensure: absent}]\n"
    ),
}
WRONG_PATCHES: Mapping[str, str] = {
    "a name cannot be taken away": "bases:\n  - {name: null}\n",
    "nor a parent": "batches:\n  - {base: null, name: b}\n",
    "nor a collection": "bases:\n  - {name: a, fields: null}\n",
    "a typo": "bases:\n  - {name: a, lable: null}\n",
}

_STATE = "https://gitlab.example.com/api/v4/projects/42/terraform/state/kiamo"
RIGHT_PROJECTS: Mapping[str, str] = {
    "the least": "manifests: [manifests]\n",
    "everything": (
        "manifests: [manifests, more]\ncontract: contract.yaml\nvariables: {brand: ACME, pace: 2, on: true}\n"
        "environments:\n  staging: {url: 'http://127.0.0.1:8090', ledger: {backend: file, path: x.jsonl}}\n"
        "  production:\n    url: https://kiamo.example.com\n    variables: {brand: ACME Test}\n"
        "    patches: [environments/production, one.yaml]\n    ledger: {backend: git, remote: origin, ref: eu-1}\n"
        "    guards: {max_deletes: 5, max_delete_percent: 30, max_update_percent: 40, allow_start: true, "
        "allow_stop: true, change_window: 'Mon-Fri 19:00-08:00 Europe/Paris'}\n"
        "    limits: {rows: 1000000, bytes: 1073741824, writes_per_second: 0.5, retry_wait: 600}\n"
        f"  eu: {{ledger: {{backend: http, address: '{_STATE}', lock_address: '{_STATE}/lock', "
        f"unlock_address: '{_STATE}/lock', lock_method: POST, unlock_method: DELETE, update_method: PUT}}}}\n"
        "  bare:\n"
    ),
}

WRONG_CONTRACTS: Mapping[str, str] = {
    "a typo": "kinds: {service: {operation: {}}}\n",
    "an unknown key": "zzz: 1\n",
    "a kind that is none": "kinds: {servce: {}}\n",
    "a type": "kinds: {base: {id: {type: text}}}\n",
    "a method": "kinds: {base: {operations: {list: {method: TRACE}}}}\n",
    "a path": "kinds: {base: {operations: {list: {path: //x}}}}\n",
    "a basis": "auth: {basis: guessed}\n",
    "a required key taken away": "kinds: {base: {id: null}}\n",
    "a list": "- a\n",
}


def written() -> Mapping[str, Mapping[str, str]]:
    """Name of a schema → what this version writes in that format, by a name for each."""
    everything = content_of("a", "b")
    everything.apply(AppliedPlan("f" * 64, WHEN))
    records = (Put(owned()), Forget(Address.of("bases", "x")), AppliedPlan("f" * 64, WHEN))
    lines = [header_line(everything, records=0), *(record_lines([record]) for record in records)]
    full = PLANS["full"]()
    return {
        "plan": {name: _golden(GOLDEN, name) for name in PLANS},
        "drift": {name: _golden(GOLDEN_DRIFT, name) for name in ("full", "hostile", "no-ledger", "none")},
        "saved-plan": {name: _saved(make) for name, make in PLANS.items() if make().applyable},
        "report": {"mixed": run_json(full, mixed(full), FACTS), "empty": run_json(full, [], FACTS)},
        "owned": {"some": ledger_json("staging", everything.entries), "none": ledger_json("staging", None)},
        "ledger": {
            "document": document_text(everything),
            **{f"line {number}": line for number, line in enumerate(lines)},
        },
    }


def _golden(folder: Path, name: str) -> str:
    return (folder / f"{name}.json").read_text(encoding="utf-8")


def _saved(make: Callable[[], Any]) -> str:
    nonce, digest = "0123456789abcdef" * 2, "0123456789abcdef" * 4
    options = Options(prune=True, targets=(Address.of("bases", "a"),))
    return text_of(SavedPlan(make(), "0.1.0", WHEN, digest, digest, nonce, options, provenance=PROVENANCE_OF_TESTS))
