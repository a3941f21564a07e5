"""The first reading of an instance with a contract that is mostly assumed says so, once. The instance is not the
emulator, which speaks any contract."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from kiamo_iac.contract.assumptions import assumptions
from kiamo_iac.contract.entries import Basis
from kiamo_iac.contract.file import load_contract
from kiamo_iac.emulator import FULL_TOKEN, Emulator
from kiamo_iac.emulator.server import Server
from tests.cli.program import Completed, kiamo
from tests.faults.kiamo import TOKEN, Kiamo, serving

PROJECT = """\
manifests: [manifests]
environments:
  staging: {url: "http://127.0.0.1:1"}
"""
EVERY = [each.basis for each in assumptions(load_contract())]
ASSUMED = EVERY.count(Basis.ASSUMED)
NOTE = (
    f"note KIA0409: staging is read for the first time with a contract of which {ASSUMED} of {len(EVERY)} statements "
    "are assumed: kiamo-iac doctor -e staging checks them, kiamo-iac contract derive makes a contract from the "
    "vendor's collection\n"
)


@pytest.fixture
def instance() -> Iterator[Kiamo]:
    with serving(Kiamo()) as found:
        yield found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "manifests").mkdir()
    (tmp_path / "manifests" / "a.yaml").write_text("bases: [{name: prospects, label: P}]\n", encoding="utf-8")
    (tmp_path / "kiamo.yaml").write_text(PROJECT, encoding="utf-8")
    return tmp_path


def run(folder: Path, url: str, *arguments: str, token: str = TOKEN) -> Completed:
    return kiamo(*arguments, cwd=folder, KIAMO_STAGING_TOKEN=token, KIAMO_STAGING_URL=url)


def plan(folder: Path, url: str, *arguments: str, token: str = TOKEN) -> Completed:
    return run(folder, url, "plan", "-e", "staging", *arguments, token=token)


def test_the_first_plan_says_so_in_one_line_and_the_second_does_not(folder: Path, instance: Kiamo) -> None:
    first, second = (plan(folder, instance.url, "--format", "json") for _ in range(2))
    assert (first.stderr, second.stderr) == (NOTE, "")
    assert (first.returncode, second.returncode) == (0, 0)
    assert json.loads(first.stdout)["steps"] == json.loads(second.stdout)["steps"]
    assert "KIA0409" not in first.stdout
    assert [path.name for path in (folder / ".kiamo").iterdir()] == ["staging.contract-seen"]


def test_it_is_said_again_of_another_instance_and_of_another_contract(folder: Path, instance: Kiamo) -> None:
    plan(folder, instance.url)
    with serving(Kiamo()) as other:
        assert NOTE in plan(folder, other.url).stderr
    assert NOTE in plan(folder, instance.url).stderr
    (folder / "kiamo.yaml").write_text(f"contract: c.yaml\n{PROJECT}", encoding="utf-8")
    (folder / "c.yaml").write_text(
        "kinds: {base: {operations: {list: {path: /bases, basis: documented}}}}\n", encoding="utf-8"
    )
    assert f"{ASSUMED - 1} of {len(EVERY)} statements" in plan(folder, instance.url).stderr


@pytest.mark.parametrize("command", ["apply", "drift"])
def test_another_command_may_be_the_first(folder: Path, instance: Kiamo, command: str) -> None:
    more = ["--yes"] if command == "apply" else []
    assert NOTE in run(folder, instance.url, command, "-e", "staging", *more).stderr
    assert plan(folder, instance.url).stderr == ""


def test_it_is_said_beside_the_error_of_a_contract_that_is_wrong(folder: Path, instance: Kiamo) -> None:
    (folder / "kiamo.yaml").write_text(f"contract: c.yaml\n{PROJECT}", encoding="utf-8")
    (folder / "c.yaml").write_text("prefix: {path: /api/v9}\n", encoding="utf-8")
    done = plan(folder, instance.url)
    assert (done.returncode, done.stderr.startswith("note KIA0409: ")) == (1, True)
    assert "refused with 404" in done.stderr


def test_a_refused_token_does_not_use_it_up(folder: Path, instance: Kiamo) -> None:
    refused = plan(folder, instance.url, token="0123456789" * 4)
    assert "KIA0409" not in refused.stderr
    assert "refused with 401" in refused.stderr
    assert plan(folder, instance.url).stderr == NOTE


def test_a_contract_that_is_mostly_documented_says_nothing(folder: Path, instance: Kiamo) -> None:
    (folder / "kiamo.yaml").write_text(f"contract: c.yaml\n{PROJECT}", encoding="utf-8")
    entries = {
        kind: {
            "operations": {name: {"basis": "documented"} for name in ("list", "create", "read", "update", "delete")},
            "listing": {"basis": "documented"},
            "names": {"basis": "documented"},
        }
        for kind in ("service", "base", "field", "batch")
    }
    (folder / "c.yaml").write_text(json.dumps({"kinds": entries}), encoding="utf-8")
    assert plan(folder, instance.url).stderr == ""


def test_the_emulator_proves_nothing_of_a_contract(folder: Path) -> None:
    with Emulator(load_contract()) as emulator, Server(emulator) as server:
        assert plan(folder, server.url, token=FULL_TOKEN).stderr == ""
    assert not (folder / ".kiamo").exists()


def test_a_link_in_the_place_of_the_mark_is_not_followed(folder: Path, instance: Kiamo) -> None:
    (folder / ".kiamo").mkdir()
    target = folder / "elsewhere"
    (folder / ".kiamo" / "staging.contract-seen").symlink_to(target)
    assert [plan(folder, instance.url).stderr for _ in range(2)] == [NOTE, NOTE]
    assert not target.exists()
