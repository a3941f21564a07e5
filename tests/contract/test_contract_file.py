"""The packaged contract, overrides over it, and every problem at its place."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from kiamo_iac.contract.entries import Basis
from kiamo_iac.contract.file import load_contract
from kiamo_iac.contract.model import Contract, merge
from kiamo_iac.core.codes import CODES
from kiamo_iac.core.diagnostics import Diagnostic
from kiamo_iac.core.errors import ManifestError
from tests.conftest import OTHER


def problems_of(tmp_path: Path, text: str) -> list[Diagnostic]:
    path = tmp_path / "contract.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ManifestError, match=r"The contract mine\.yaml has ") as caught:
        load_contract(path, shown="mine.yaml")
    found = list(caught.value.diagnostics)
    assert found == sorted(found, key=Diagnostic.sort_key)
    assert all(d.code in CODES for d in found)
    return found


def only(tmp_path: Path, text: str) -> tuple[str, str, str, str | None]:
    (found,) = problems_of(tmp_path, text)
    return found.code, str(found.source), found.summary, found.hint


def test_the_packaged_contract_is_read_once_and_says_on_what_it_rests(contract: Contract) -> None:
    assert load_contract() is contract
    assert list(contract.kinds) == ["service", "base", "field", "batch"]
    assert contract.auth.basis is Basis.DOCUMENTED
    assert contract.prefix.basis is Basis.OBSERVED
    assert {call.basis for kind in contract.kinds.values() for call in kind.operations.values()} == {Basis.ASSUMED}
    assert contract.origin == "a contract file (contract: in kiamo.yaml)"


def test_an_override_is_merged_over_it(contract: Contract) -> None:
    other = load_contract(OTHER, shown="contracts/other.yaml")
    assert other.origin == other.capabilities().origin == "contracts/other.yaml"
    assert other.auth.header == "X-Desk-Key"
    assert other.kinds["batch"].listed_by_parent is False
    assert other.kinds["field"].attributes["datatype"].choices == contract.kinds["field"].attributes["datatype"].choices
    assert contract.auth.header == "Kiamo-Api-Token"
    assert load_contract(OTHER).origin == OTHER.as_posix()


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "{}\n"])
def test_an_empty_override_changes_nothing(tmp_path: Path, contract: Contract, text: str) -> None:
    path = tmp_path / "contract.yaml"
    path.write_text(text, encoding="utf-8")
    assert load_contract(path).kinds == contract.kinds


def test_null_takes_a_thing_away(tmp_path: Path) -> None:
    path = tmp_path / "contract.yaml"
    path.write_text("kinds: {service: {operations: {delete: null, nothing: null}}, batch: null}\n", encoding="utf-8")
    capabilities = load_contract(path).capabilities()
    assert capabilities.of("service").operations == {"list", "create", "read", "update"}
    assert capabilities.of("batch").operations == frozenset()


def test_merging() -> None:
    assert merge({"a": {"b": 1, "c": 2}, "d": [1]}, {"a": {"b": None, "c": 3}, "d": [], "e": None}) == {
        "a": {"c": 3},
        "d": [],
    }
    assert merge({"a": 1}, {"a": {"b": None}}) == {"a": {"b": None}}


UNKNOWN_KEYS = [
    (
        "kinds:\n  service:\n    operation: {}\n",
        "mine.yaml:3:5",
        '"kinds.service.operation"',
        'did you mean "operations"?',
    ),
    ("auth: {heading: X}\n", "mine.yaml:1:8", '"auth.heading"', 'did you mean "header"?'),
    (
        "zzz: 1\n",
        "mine.yaml:1:1",
        '"zzz"',
        "known keys: auth, basis, calls, contract_version, errors, kinds, name, prefix",
    ),
    (
        "kinds: {base: {listing: {paging: {limits: 5}}}}\n",
        "mine.yaml:1:35",
        '"kinds.base.listing.paging.limits"',
        'did you mean "limit"?',
    ),
    (
        "kinds: {batch: {attributes: {name: {wires: x}}}}\n",
        "mine.yaml:1:37",
        '"kinds.batch.attributes.name.wires"',
        'did you mean "wire"?',
    ),
    ("calls: {encoding: json}\n", "mine.yaml:1:9", '"calls.encoding"', "known keys: form, wrap"),
    ("kinds: {base: {calls: {wraps: x}}}\n", "mine.yaml:1:24", '"kinds.base.calls.wraps"', 'did you mean "wrap"?'),
    ("kinds: {base: {routes: {al: /x}}}\n", "mine.yaml:1:25", '"kinds.base.routes.al"', 'did you mean "all"?'),
]


@pytest.mark.parametrize(("text", "source", "key", "hint"), UNKNOWN_KEYS)
def test_an_unknown_key(tmp_path: Path, text: str, source: str, key: str, hint: str) -> None:
    assert only(tmp_path, text) == ("KIA0401", source, f"unknown key {key}", hint)


def test_a_missing_key_is_told_at_what_lacks_it(tmp_path: Path) -> None:
    text = "kinds:\n  batch:\n    attributes:\n      called: {wire: called, read_only: true}\n"
    code, source, summary, hint = only(tmp_path, text)
    assert (code, source) == ("KIA0402", "mine.yaml:4:7")
    assert summary == 'missing key "kinds.batch.attributes.called.basis"'
    assert hint is not None
    assert "documented, observed or assumed" in hint
    assert only(tmp_path, "kinds:\n  base:\n    id: null\n")[:3] == (
        "KIA0402",
        "mine.yaml:3:5",
        'missing key "kinds.base.id"',
    )


@pytest.mark.parametrize(
    ("text", "source", "says"),
    [
        ("auth: 5\n", "mine.yaml:1:1", "auth must be a mapping, got a number"),
        ("prefix: {path: api}\n", "mine.yaml:1:10", "prefix.path must match the pattern ^(/"),
        ("auth: {header: 'Bad Header'}\n", "mine.yaml:1:8", "auth.header must match the pattern ^["),
        ("errors: {code_pattern: '('}\n", "mine.yaml:1:10", "errors.code_pattern: invalid regular expression"),
        ("errors: {code: a..b}\n", "mine.yaml:1:10", "errors.code must match the pattern ^[^.]"),
        ("kinds: {base: {id: {type: text}}}\n", "mine.yaml:1:21", 'id.type must be one of string, integer, got "text"'),
        ("kinds: {base: {listing: {paging: {limit: 0}}}}\n", "mine.yaml:1:35", "limit must be 1 or more"),
        ("kinds: {base: {operations: {list: {path: //x}}}}\n", "mine.yaml:1:36", "list.path must match the pattern"),
        ("kinds: {base: {operations: {list: {method: TRACE}}}}\n", "mine.yaml:1:36", 'got "TRACE"'),
        ("kinds: {batch: {attributes: {service: {by: null}}}}\n", "mine.yaml:1:30", "refers_to and by must be set"),
        ("- a\n", "mine.yaml:1:1", "a contract must be a mapping, got a list"),
        ("contract_version: '2'\n", "mine.yaml:1:1", 'contract_version must be "1", got "2"'),
    ],
)  # fmt: skip
def test_a_value_that_is_not_possible(tmp_path: Path, text: str, source: str, says: str) -> None:
    code, where, summary, _ = only(tmp_path, text)
    assert (code, where) == ("KIA0403", source)
    assert says in summary


@pytest.mark.parametrize(
    ("text", "source", "says"),
    [
        ("kinds: {batch: {operations: {list: {path: /lots}}}}\n", "mine.yaml:1:30", "set parent_wire to"),
        ("kinds: {base: {operations: {list: {method: PUT}}}}\n", "mine.yaml:1:36", "must be GET or POST for list"),
        ("kinds: {batch: {operations: {start: {method: GET}}}}\n", "mine.yaml:1:38", "must not be GET for start"),
        ("kinds: {base: {operations: {read: {path: '/b/{key}'}}}}\n", "mine.yaml:1:36", "unknown placeholder {key}"),
        ("kinds: {base: {operations: {read: {path: '/b/{ID}'}}}}\n", "mine.yaml:1:36", 'invalid placeholder "{ID}"'),
        ("kinds: {base: {operations: {create: {body: {a: [{b: '{id}'}]}}}}}\n", "mine.yaml:1:29", "placeholder {id}"),
        ("kinds: {base: {attributes: {label: {wire: name}}}}\n", "mine.yaml:1:37", 'duplicate wire name "name"'),
        ("kinds: {base: {attributes: {name: null}}}\n", "mine.yaml:1:16", 'missing key "name"'),
        ("kinds: {field: {made_with_parent: {things: [{label: Tel}]}}}\n", "mine.yaml:1:36", 'missing key "name"'),
        ("kinds: {field: {made_with_parent: {things: [{name: 5}]}}}\n", "mine.yaml:1:36", "name must be a string"),
        ("kinds: {base: {embedded: {service: {wire: s, basis: assumed}}}}\n", "mine.yaml:1:27", "not a child kind"),
        ("kinds: {service: null}\n", "mine.yaml:1:1", 'unknown kind "service"'),
    ],
)  # fmt: skip
def test_entries_that_contradict_each_other(tmp_path: Path, text: str, source: str, says: str) -> None:
    code, where, summary, _ = only(tmp_path, text)
    assert (code, where) == ("KIA0404", source)
    assert says in summary


def test_a_kind_or_an_attribute_that_manifests_have_no_word_for(tmp_path: Path) -> None:
    text = (
        "kinds:\n"
        "  batch:\n"
        "    attributes:\n"
        "      lable: {wire: title, basis: assumed}\n"
        "      pace: {wire: pace, basis: assumed}\n"
        "      called: {wire: called, read_only: true, basis: assumed}\n"
        "  servce:\n"
        "    id: {wire: id, type: string, basis: assumed}\n"
        "    operations: {}\n"
        "    listing: {basis: assumed}\n"
        "    attributes: {name: {wire: name, basis: assumed}}\n"
    )
    found = [(d.code, str(d.source), d.summary, d.hint) for d in problems_of(tmp_path, text)]
    assert found == [
        ("KIA0405", "mine.yaml:4:7", 'unknown attribute "lable" of a batch', 'did you mean "label"?'),
        (
            "KIA0405",
            "mine.yaml:5:7",
            'unknown attribute "pace" of a batch',
            "remove it: a manifest sets such an attribute under settings",
        ),
        ("KIA0405", "mine.yaml:7:3", 'unknown kind "servce"', 'did you mean "service"?'),
    ]


def test_every_problem_is_told_at_once(tmp_path: Path) -> None:
    found = problems_of(tmp_path, "auth: {heading: X}\nkinds:\n  base: {item: 5}\n  batch: {nmes: 1}\nextra: 1\n")
    assert [str(d.source) for d in found] == ["mine.yaml:1:8", "mine.yaml:3:10", "mine.yaml:4:11", "mine.yaml:5:1"]


def test_broken_yaml_and_a_missing_file_are_told_as_anywhere(tmp_path: Path) -> None:
    assert problems_of(tmp_path, "kinds: {a: 1, a: 2}\n")[0].code == "KIA0108"
    with pytest.raises(ManifestError) as caught:
        load_contract(tmp_path / "missing.yaml", shown="missing.yaml")
    assert caught.value.diagnostics[0].code == "KIA0104"


def test_loading_it_loads_no_http_library() -> None:
    code = (
        "import sys; from kiamo_iac.contract.file import load_contract; load_contract()\n"
        "print(sorted({'httpx', 'httpcore', 'deepdiff', 'rich', 'asyncio', 'starlette'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
