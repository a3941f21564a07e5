"""A project opened, its manifests composed, and its client."""

from __future__ import annotations

from pathlib import Path

import pytest

from kiamo_iac.app.project import (
    Workspace,
    compose_environment,
    contract_in_force,
    declared_addresses,
    environment_names,
    project_above,
)
from kiamo_iac.contract.file import load_contract
from kiamo_iac.core.address import Address
from kiamo_iac.core.errors import ManifestError, UsageError
from kiamo_iac.emulator import FULL_TOKEN
from tests.app.conftest import Site

COMPOSED = """\
manifests: [manifests]
variables: {brand: ACME}
environments:
  test: {url: "http://127.0.0.1:1"}
  production: {url: "http://127.0.0.1:2", variables: {brand: Prod}, patches: [patches]}
"""


def test_the_nearest_project_is_opened(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    below = site.folder / "a" / "b"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    workspace = Workspace.open()
    assert workspace.project.root == site.folder
    assert tuple(workspace.project.environments) == ("staging", "guarded")
    assert project_above(below) == site.folder / "kiamo.yaml"


def test_without_a_project_the_packaged_contract_is_in_force(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert project_above(tmp_path) is None
    assert contract_in_force(None) == load_contract()
    with pytest.raises(UsageError, match=r"kiamo\.yaml"):
        Workspace.open()


def test_a_project_merges_its_contract_over_the_packaged_one(site: Site) -> None:
    override, file = site.folder / "mine.yaml", site.folder / "kiamo.yaml"
    override.write_text("prefix: {path: /telephony/api, basis: observed}\n", encoding="utf-8")
    file.write_text(file.read_text(encoding="utf-8") + "contract: mine.yaml\n", encoding="utf-8")
    merged = contract_in_force(file)
    assert (merged.prefix.path, load_contract().prefix.path) == ("/telephony/api", "/api")
    assert Workspace.open(file).contract.model_dump() == merged.model_dump()
    override.write_text("prefix: {pth: /x}\n", encoding="utf-8")
    with pytest.raises(ManifestError) as caught:
        contract_in_force(file)
    assert {d.source.file for d in caught.value.diagnostics if d.source} == {"mine.yaml"}


def test_loading_gives_the_state_and_the_diagnostics(site: Site) -> None:
    loaded = site.workspace.load("staging")
    assert sorted(str(each.address) for each in loaded.checked()) == [
        "bases/prospects",
        "bases/prospects/batches/spring",
        "bases/prospects/fields/city",
        "services/Sales",
    ]
    assert loaded.diagnostics == ()
    site.manifest("bases:\n  - {name: b, lable: B}\n", "b.yaml")
    broken = site.workspace.load("staging")
    assert [d.code for d in broken.diagnostics] == ["KIA0202"]
    with pytest.raises(ManifestError) as caught:
        broken.checked()
    assert caught.value.diagnostics == broken.diagnostics
    with pytest.raises(UsageError, match="nowhere"):
        site.workspace.load("nowhere")


def test_an_environment_is_composed_with_the_origin_of_its_values(site: Site) -> None:
    (site.folder / "kiamo.yaml").write_text(COMPOSED, encoding="utf-8")
    site.manifest("bases:\n  - {name: prospects, label: 'Of ${brand}'}\n")
    (site.folder / "patches").mkdir()
    (site.folder / "patches" / "p.yaml").write_text("bases:\n  - {name: prospects, protect: true}\n", encoding="utf-8")
    expected: dict[str, dict[str, object]] = {
        "test": {"label": "Of ACME"},
        "production": {"label": "Of Prod", "protect": True},
    }
    for environment, values in expected.items():
        composed, warnings = compose_environment(site.workspace, environment)
        assert warnings == ()
        (base,) = composed["bases"]
        assert {leaf.path: leaf.value for leaf in base.leaves if leaf.path != ("name",)} == {
            (key,): value for key, value in values.items()
        }
        origins = {str(leaf.path[0]): leaf.origin.source.file for leaf in base.leaves}
        assert origins["label"] == "manifests/a.yaml"
        assert origins.get("protect", "patches/p.yaml") == "patches/p.yaml"
    site.manifest("bases: 1\n")
    with pytest.raises(ManifestError):
        compose_environment(site.workspace, "test")


def test_completion_offers_environments_and_declared_addresses(site: Site) -> None:
    file = site.folder / "kiamo.yaml"
    assert environment_names(file) == ("staging", "guarded")
    site.manifest("bases:\n  - {name: good, label: G}\n  - {lable: no name}\n", "b.yaml")
    assert declared_addresses(file) == (
        ("bases/good", "base"),
        ("bases/prospects", "base"),
        ("bases/prospects/batches/spring", "batch"),
        ("bases/prospects/fields/city", "field"),
        ("services/Sales", "service"),
    )


def test_shared_sources_read_each_file_once(site: Site) -> None:
    shared = site.workspace.sharing_sources()
    first = shared.load("staging").state
    site.manifest("bases: []\n")
    assert [each.address for each in shared.load("guarded").state] == [each.address for each in first]
    assert [each.address for each in site.workspace.load("guarded").state] == []


def test_a_target_needs_a_token_and_its_client_logs_calls_without_it(site: Site) -> None:
    workspace = site.workspace
    target = workspace.target("staging")
    assert (target.name, target.url) == ("staging", "http://127.0.0.1:8090")
    with workspace.client(target) as client:
        assert client is not None
    assert FULL_TOKEN not in "".join(site.log)
    bare = Workspace(workspace.project, workspace.contract, {})
    with pytest.raises(UsageError, match="KIAMO_STAGING_TOKEN"):
        bare.target("staging")
    with pytest.raises(UsageError, match="stagging"):
        workspace.target("stagging")
    assert Address("services/Sales") in workspace.load("staging").state
