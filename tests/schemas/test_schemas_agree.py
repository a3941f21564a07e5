"""The schemas take what the readers take, and refuse what a schema can see; the rest is listed, with its reason."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator, Draft202012Validator

from kiamo_iac.app.schemas import catalogue
from kiamo_iac.core.errors import ManifestError
from kiamo_iac.document.parser import parse
from kiamo_iac.manifest.loader import compose
from kiamo_iac.manifest.project.file import load_project
from kiamo_iac.manifest.sources import SourceFiles
from kiamo_iac.resources import kinds
from tests.manifest.packaged import CAPABILITIES
from tests.schemas import corpus

WIDE = {name: entry.make() for name, entry in catalogue().items()}
IN_FORCE = {name: entry.make() for name, entry in catalogue(CAPABILITIES).items()}
WRONG_MANIFESTS = corpus.wrong_manifests()
WRONG_PROJECTS = corpus.wrong_projects()
OF_THE_CONTRACT = {"a datatype that is none"}
"""Closed lists that the models do not know."""


def data(text: str) -> Any:
    return parse(text, file="x.yaml").data


def takes(schema: dict[str, Any], text: str) -> bool:
    """Whether it takes a document; the newest dialect has to agree."""
    old, new = Draft7Validator(schema).is_valid(data(text)), Draft202012Validator(schema).is_valid(data(text))
    assert old is new
    return old


@pytest.mark.parametrize("case", WRONG_MANIFESTS)
def test_wrong_manifests(case: str) -> None:
    text, code = WRONG_MANIFESTS[case]
    seen = code in corpus.SEEN_IN_MANIFESTS
    assert seen or code in {**corpus.SEEN_WITH_A_CONTRACT, **corpus.NOT_SEEN_IN_MANIFESTS}, code
    assert takes(WIDE["manifest"], text) is (not seen or case in OF_THE_CONTRACT)
    assert takes(IN_FORCE["manifest"], text) is (not seen and code not in corpus.SEEN_WITH_A_CONTRACT)
    assert takes(IN_FORCE["patch"], text) is takes(IN_FORCE["manifest"], text) or "nothing for text" in case


def test_every_reason_is_needed() -> None:
    manifests = {*corpus.SEEN_IN_MANIFESTS, *corpus.SEEN_WITH_A_CONTRACT, *corpus.NOT_SEEN_IN_MANIFESTS}
    assert {wrong.code for wrong in WRONG_MANIFESTS.values()} == manifests
    projects = {*corpus.SEEN_IN_PROJECTS, *corpus.NOT_SEEN_IN_PROJECTS}
    assert {wrong.code for wrong in WRONG_PROJECTS.values()} == projects


@pytest.mark.parametrize("case", WRONG_PROJECTS)
def test_wrong_project_files(case: str) -> None:
    text, code = WRONG_PROJECTS[case]
    if code == "KIA0101":
        return
    seen = code in corpus.SEEN_IN_PROJECTS
    assert seen or code in corpus.NOT_SEEN_IN_PROJECTS, code
    assert takes(WIDE["project"], text) is not seen


@pytest.mark.parametrize("case", corpus.RIGHT_MANIFESTS)
def test_right_manifests(case: str) -> None:
    assert parse(corpus.RIGHT_MANIFESTS[case], file="x.yaml").diagnostics == ()
    assert takes(WIDE["manifest"], corpus.RIGHT_MANIFESTS[case])
    assert takes(IN_FORCE["manifest"], corpus.RIGHT_MANIFESTS[case])


@pytest.mark.parametrize("case", corpus.WRONG_VARIABLES)
def test_what_is_no_variable_is_refused_where_none_belongs(case: str) -> None:
    assert not takes(WIDE["manifest"], corpus.WRONG_VARIABLES[case])


@pytest.mark.parametrize("case", corpus.RIGHT_PATCHES)
def test_right_patches(case: str) -> None:
    assert takes(WIDE["patch"], corpus.RIGHT_PATCHES[case])


@pytest.mark.parametrize("case", corpus.WRONG_PATCHES)
def test_wrong_patches(case: str) -> None:
    assert not takes(WIDE["patch"], corpus.WRONG_PATCHES[case])


@pytest.mark.parametrize("kind", kinds())
def test_one_thing_is_what_stands_at_the_top_of_a_manifest(kind: str) -> None:
    schema = WIDE[kind]
    whole = WIDE["manifest"]["definitions"]
    at_top = whole.get(f"{kind}_at_top", whole[kind])
    assert {key: schema[key] for key in at_top} == at_top
    assert all(whole[name] == made for name, made in schema["definitions"].items())


@pytest.mark.parametrize("case", corpus.WRONG_CONTRACTS)
def test_wrong_overrides_of_the_contract(case: str, tmp_path: Path) -> None:
    from kiamo_iac.contract.file import load_contract

    text = corpus.WRONG_CONTRACTS[case]
    assert not takes(WIDE["contract-override"], text)
    (tmp_path / "mine.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ManifestError):
        load_contract(tmp_path / "mine.yaml")


def test_an_override_is_no_whole_contract() -> None:
    text = "kinds: {service: {operations: {create: null}}, batch: null}\n"
    assert takes(WIDE["contract-override"], text)
    assert not takes(WIDE["contract"], text)


# --- the project file is read by hand: its reader says itself which keys it takes ------------------------------------


def keys_that_are_taken(root: Path, text: str) -> set[str]:
    """What the reader says when it meets a key that it does not know: `zzzzzzz`."""
    (root / "manifests").mkdir(exist_ok=True)
    (root / "kiamo.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ManifestError) as caught:
        load_project(root / "kiamo.yaml")
    hints = [d.hint or "" for d in caught.value.diagnostics if d.code == "KIA0302"]
    assert len(hints) == 1
    return set(re.split(r", ", hints[0].partition("known keys: ")[2]))


@pytest.mark.parametrize(
    ("definition", "text"),
    [
        (None, "manifests: [manifests]\nzzzzzzz: 1\n"),
        ("environment", "manifests: [manifests]\nenvironments: {a: {zzzzzzz: 1}}\n"),
        ("guards", "manifests: [manifests]\nenvironments: {a: {guards: {zzzzzzz: 1}}}\n"),
        ("ledger_file", "manifests: [manifests]\nenvironments: {a: {ledger: {backend: file, zzzzzzz: 1}}}\n"),
        ("ledger_git", "manifests: [manifests]\nenvironments: {a: {ledger: {backend: git, zzzzzzz: 1}}}\n"),
        (
            "ledger_http",
            (
                "manifests: [manifests]\n"
                "environments: {a: {ledger: {backend: http, address: 'https://h/s', zzzzzzz: 1}}}\n"
            ),
        ),
    ],
)
def test_the_project_file_has_the_keys_that_its_reader_takes(definition: str | None, text: str, tmp_path: Path) -> None:
    schema = WIDE["project"] if definition is None else WIDE["project"]["definitions"][definition]
    assert set(schema["properties"]) == keys_that_are_taken(tmp_path, text)
    assert not takes(WIDE["project"], text)


@pytest.mark.parametrize("case", corpus.RIGHT_PROJECTS)
def test_right_project_files(case: str, tmp_path: Path) -> None:
    text = corpus.RIGHT_PROJECTS[case]
    assert takes(WIDE["project"], text)
    for folder in ("manifests", "more", "environments/production"):
        (tmp_path / folder).mkdir(parents=True)
    for name in ("contract.yaml", "one.yaml"):
        (tmp_path / name).touch()
    (tmp_path / "kiamo.yaml").write_text(text, encoding="utf-8")
    assert load_project(tmp_path / "kiamo.yaml").folders


def test_what_the_schema_takes_of_patches_the_reader_takes(tmp_path: Path) -> None:
    """The patch that takes everything away, over a base that has it."""
    for folder in ("manifests", "patches"):
        (tmp_path / folder).mkdir()
    (tmp_path / "kiamo.yaml").write_text(
        "manifests: [manifests]\nenvironments: {a: {patches: [patches]}}\n", encoding="utf-8"
    )
    base = (
        "bases:\n  - name: a\n    label: A\n    protect: false\n    settings: {pace: 1}\n"
        "    fields: [{name: to, label: To, datatype: phone}, {name: cc, label: Cc, datatype: phone}]\n"
        "    batches: [{name: b, state: new, association: {to: to, cc: cc}}]\n"
    )
    (tmp_path / "manifests" / "m.yaml").write_text(base, encoding="utf-8")
    (tmp_path / "patches" / "p.yaml").write_text(corpus.RIGHT_PATCHES["null takes away"], encoding="utf-8")
    project = load_project(tmp_path / "kiamo.yaml")
    composition = project.composition(project.environments["a"])
    loaded = compose(composition, sources=SourceFiles(project.root), capabilities=CAPABILITIES)
    assert loaded.diagnostics == ()
