"""The committed schemas under check-jsonschema, the program: what is ours passes, the corpus does not; offline."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from kiamo_iac.app.schemas import catalogue, write_schemas
from kiamo_iac.render.escape import json_document
from tests.manifest.packaged import CAPABILITIES
from tests.schemas import corpus
from tests.schemas.corpus import ROOT

PROGRAM = Path(sys.executable).with_name("check-jsonschema")
NOWHERE = "http://127.0.0.1:9"
"""A port that nobody listens at: a request would fail."""
WRITTEN = corpus.written()


def check(schema: Path, files: Iterable[Path]) -> dict[str, list[str]]:
    """File → what is wrong with it; the files that are right are not in it."""
    done = subprocess.run(
        [PROGRAM, "--output-format", "json", "--schemafile", schema, "--", *files],
        env={**os.environ, **dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), NOWHERE)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    answer = json.loads(done.stdout)
    assert answer.get("parse_errors", []) == []
    found: dict[str, list[str]] = {}
    for error in answer.get("errors", []):
        found.setdefault(Path(error["filename"]).name, []).append(error["message"])
    assert done.returncode == bool(found)
    return found


def write(folder: Path, texts: Mapping[str, str], suffix: str = "yaml") -> dict[str, Path]:
    """Each text in a file of its own: the name of the case → the file."""
    folder.mkdir()
    files = {}
    for number, (name, content) in enumerate(texts.items()):
        files[name] = folder / f"{number:03}.{suffix}"
        files[name].write_text(content, encoding="utf-8")
    return files


def refused(schema: Path, files: Mapping[str, Path]) -> set[str]:
    """The cases that it refuses."""
    found = check(schema, files.values())
    return {name for name, file in files.items() if file.name in found}


def committed(name: str) -> Path:
    return ROOT / "schemas" / catalogue()[name].file


def test_every_schema_meets_its_own_dialect() -> None:
    files = sorted((ROOT / "schemas").rglob("*.json"))
    done = subprocess.run([PROGRAM, "--check-metaschema", *files], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "ok -- validation done\n", "")


@pytest.mark.parametrize(("name", "folders"), [("manifest", ["manifests"]), ("patch", ["manifests", "environments"])])
def test_every_manifest_of_ours_passes(name: str, folders: list[str]) -> None:
    files = [*ROOT.glob("kiamo_iac/demo/project/manifests/*.yaml")]
    for folder in folders:
        files += ROOT.glob(f"examples/*/{folder}/**/*.yaml")
    if name == "patch":  # which generates nothing
        files = [file for file in files if "for_each" not in file.read_text(encoding="utf-8")]
    assert len(files) >= 10
    assert check(committed(name), files) == {}


def test_every_project_file_of_ours_passes() -> None:
    files = [*ROOT.glob("examples/*/kiamo.yaml"), ROOT / "kiamo_iac/demo/project/kiamo.yaml"]
    assert len(files) >= 4
    assert check(committed("project"), files) == {}


def test_the_packaged_contract_and_overrides_of_it_pass() -> None:
    packaged = ROOT / "kiamo_iac/contract/contract.yaml"
    assert check(committed("contract"), [packaged]) == {}
    assert check(committed("contract-override"), [packaged, *ROOT.glob("tests/contract/*.yaml")]) == {}


@pytest.mark.parametrize("name", WRITTEN)
def test_what_this_version_writes_passes(name: str, tmp_path: Path) -> None:
    assert refused(committed(name), write(tmp_path / "written", WRITTEN[name], "json")) == set()


def test_the_corpus_of_wrong_manifests_is_refused(tmp_path: Path) -> None:
    wrong = corpus.wrong_manifests()
    files = write(tmp_path / "wrong", {name: text for name, (text, _) in wrong.items()})
    seen = {name for name, (_, code) in wrong.items() if code in corpus.SEEN_IN_MANIFESTS}
    assert refused(committed("manifest"), files) == seen - {"a datatype that is none"}
    write_schemas(catalogue(CAPABILITIES), tmp_path / "in-force", json_document)
    seen |= {name for name, (_, code) in wrong.items() if code in corpus.SEEN_WITH_A_CONTRACT}
    assert refused(tmp_path / "in-force" / "manifest.schema.json", files) == seen


def test_the_corpus_of_wrong_project_files_is_refused(tmp_path: Path) -> None:
    wrong = {name: each for name, each in corpus.wrong_projects().items() if each.code not in {"KIA0101", "KIA0114"}}
    files = write(tmp_path / "wrong", {name: text for name, (text, _) in wrong.items()})
    seen = {name for name, (_, code) in wrong.items() if code in corpus.SEEN_IN_PROJECTS}
    assert refused(committed("project"), files) == seen


@pytest.mark.parametrize(
    ("name", "texts"),
    [
        ("manifest", corpus.WRONG_VARIABLES),
        ("patch", corpus.WRONG_PATCHES),
        ("contract-override", corpus.WRONG_CONTRACTS),
    ],
)
def test_other_wrong_documents_are_refused(name: str, texts: Mapping[str, str], tmp_path: Path) -> None:
    assert refused(committed(name), write(tmp_path / "wrong", texts)) == set(texts)


@pytest.mark.parametrize(
    ("name", "texts"),
    [
        ("manifest", corpus.RIGHT_MANIFESTS),
        ("patch", corpus.RIGHT_PATCHES),
        ("project", corpus.RIGHT_PROJECTS),
    ],
)
def test_no_right_document_is_refused(name: str, texts: Mapping[str, str], tmp_path: Path) -> None:
    assert refused(committed(name), write(tmp_path / "right", texts)) == set()


def test_one_file_can_be_carried_away(tmp_path: Path) -> None:
    """A schema refers to no other file, and to no place on the network."""
    alone = tmp_path / "alone.json"
    shutil.copy(committed("base"), alone)
    (tmp_path / "one.yaml").write_text("name: a\nfields: [{name: f, lable: F}]\n", encoding="utf-8")
    assert "'lable' was unexpected" in check(alone, [tmp_path / "one.yaml"])["one.yaml"][0]
