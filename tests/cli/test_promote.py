"""`promote`: two environments, two instances, and one change to the manifests."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest

from kiamo_iac.cli.main import run
from kiamo_iac.cli.session import Session
from kiamo_iac.contract.file import load_contract
from kiamo_iac.emulator import FULL_TOKEN, Emulator, EmulatorRequest
from kiamo_iac.http.transport import InProcess
from kiamo_iac.render.promotion import promotion_schema

PROJECT = """\
manifests: [manifests]
variables: {brand: ACME}
environments:
  staging:
    url: http://127.0.0.1:8091
    variables: {brand: ACME Test}
    patches: [environments/staging]
  production:
    url: http://127.0.0.1:8092
    patches: [environments/production]
"""
BASE = """\
services:
  - name: Outbound
bases:
  - name: prospects
    label: ${brand} prospects
    fields:
      - {name: city, label: City, datatype: string}
    batches:
      - {name: spring, service: Outbound, association: {destination: phone}}
"""
TRIAL = """\
bases:
  - name: prospects
    fields:
      - {name: city, label: Town}
      - {name: zip, label: Zip, datatype: string}
    batches:
      - {name: summer, service: Outbound, association: {destination: phone, place: zip}, state: new}
"""
FROM_TO = ("promote", "--from", "staging", "--to", "production")


class Both(httpx.BaseTransport):
    """Two instances in process, told apart by their ports."""

    def __init__(self, instances: dict[int, Emulator]) -> None:
        self._doors = {port: InProcess(one.handle, request=EmulatorRequest) for port, one in instances.items()}

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self._doors[request.url.port or 0].handle_request(request)


@dataclass(frozen=True)
class Place:
    folder: Path
    staging: Emulator
    production: Emulator
    capture: pytest.CaptureFixture[str]

    def run(self, *arguments: str) -> tuple[int, str, str]:
        transport = Both({8091: self.staging, 8092: self.production})
        code = run(arguments, session=Session(transport=transport))
        captured = self.capture.readouterr()
        return code, captured.out, captured.err

    def done(self, *arguments: str) -> str:
        code, out, err = self.run(*arguments)
        assert code == 0, out + err
        return out + err

    def write(self, file: str, text: str) -> None:
        path = self.folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def read(self, file: str) -> str:
        return (self.folder / file).read_text(encoding="utf-8")

    def files(self) -> dict[str, bytes]:
        found = (path for path in self.folder.rglob("*.yaml") if ".kiamo" not in path.parts)
        return {path.relative_to(self.folder).as_posix(): path.read_bytes() for path in found}

    def steps(self, environment: str) -> list[tuple[str, str]]:
        code, out, _ = self.run("plan", "-e", environment, "--format", "json")
        assert code == 0
        return [(step["action"], step["address"]) for step in json.loads(out)["steps"]]

    def promotion(self, *arguments: str) -> dict[str, Any]:
        out = self.run(*FROM_TO, *arguments, "--format", "json")[1]
        data: dict[str, Any] = json.loads(out)
        jsonschema.Draft7Validator(promotion_schema()).validate(data)
        return data


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Place]:
    """Both environments applied; then a trial is added to staging's patch."""
    folder = tmp_path / "repository" / "project"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    for name in ("STAGING", "PRODUCTION"):
        monkeypatch.setenv(f"KIAMO_{name}_TOKEN", FULL_TOKEN)
    with Emulator(load_contract()) as staging, Emulator(load_contract()) as production:
        for emulator in (staging, production):
            emulator.seed({"services": [{"name": "Outbound", "label": "O"}], "bases": []})
        made = Place(folder, staging, production, capsys)
        made.write("kiamo.yaml", PROJECT)
        made.write("manifests/a.yaml", BASE)
        made.write("environments/production/a.yaml", "bases: [{name: prospects, protect: true}]\n")
        made.write("environments/staging/a.yaml", "")
        for name in ("staging", "production"):
            made.done("apply", "-e", name, "--yes")
        made.write("environments/staging/a.yaml", TRIAL)
        yield made


def test_the_round_from_a_trial_to_production(place: Place) -> None:
    place.done("apply", "-e", "staging", "--yes")
    said = place.done(*FROM_TO, "--write")
    assert "3 differences of production from staging: 3 moved into the base; 2 files." in said
    assert said.endswith("Written: environments/staging/a.yaml, manifests/a.yaml.\n")
    assert place.steps("staging") == []
    assert sorted(place.steps("production")) == [
        ("create", "bases/prospects/batches/summer"),
        ("create", "bases/prospects/fields/zip"),
        ("update", "bases/prospects/fields/city"),
    ]
    assert place.run(*FROM_TO, "--check")[0] == 0
    assert place.run(*FROM_TO, "--write")[2].endswith("production matches staging.\n")


def test_it_shows_a_diff_that_git_applies_and_writes_nothing(place: Place) -> None:
    before = place.files()
    code, diff, said = place.run(*FROM_TO, "--declared")
    assert code == 0
    assert place.files() == before
    assert "+      - {name: zip, label: Zip, datatype: string}\n" in diff
    assert "+ bases/prospects/fields/zip (moved from staging's patch into the base)" in said
    (place.folder / "change.diff").write_bytes(diff.encode())
    for arguments in (["init", "-q"], ["apply", "change.diff"]):
        subprocess.run(["git", *arguments], cwd=place.folder, check=True, capture_output=True)
    applied = place.files()
    for file, data in before.items():
        (place.folder / file).write_bytes(data)
    place.done(*FROM_TO, "--declared", "--write")
    assert place.files() == applied


def test_new_files_and_odd_names_and_line_ends_survive_git_below_the_root_of_its_repository(place: Place) -> None:
    place.write("environments/staging/a.yaml", "")
    place.write("environments/staging/Ü b.yaml", "services:\r\n  - name: New\r\n")
    place.write("manifests/c d.yaml", "")
    (place.folder / "manifests/a.yaml").write_bytes(BASE.replace("\n", "\r\n").removesuffix("\r\n").encode())
    place.write("environments/staging/c d.yaml", "bases: [{name: prospects, settings: {x: 1}}, {name: fresh}]\n")
    before = place.files()
    diff = place.run(*FROM_TO, "--declared")[1]
    subprocess.run(["git", "init", "-q", str(place.folder.parent)], check=True, capture_output=True)
    subprocess.run(["git", "apply"], cwd=place.folder, input=diff.encode(), check=True, capture_output=True)
    applied = place.files()
    assert "manifests/Ü b.yaml" in applied
    for file in applied:
        (place.folder / file).unlink()
    for file, data in before.items():
        (place.folder / file).write_bytes(data)
    place.done(*FROM_TO, "--declared", "--write")
    assert place.files() == applied


def test_check_is_for_pipelines(place: Place) -> None:
    code, out, said = place.run(*FROM_TO, "--check")
    assert (code, out) == (2, "")
    assert "3 differences of production from staging" in said
    assert place.run(*FROM_TO, "--check", "--except", "bases/prospects")[0] == 0
    assert place.run(*FROM_TO, "--check", "--only", "bases/prospects/fields/zip", "--declared")[0] == 2


def test_the_run_state_is_not_touched_unless_asked(place: Place) -> None:
    place.done(*FROM_TO, "--write")
    assert "state: new" in place.read("environments/staging/a.yaml")
    assert "state" not in place.read("manifests/a.yaml")
    assert "note KIA1028" in place.run(*FROM_TO)[2]
    place.done(*FROM_TO, "--write", "--run-state")
    assert "state: new" in place.read("manifests/a.yaml")


def test_what_production_lacks_comes_first_and_blocks(place: Place) -> None:
    place.staging.seed({"services": [{"name": "Win-back", "label": "W"}], "bases": []})
    place.write("environments/staging/a.yaml", TRIAL.replace("service: Outbound", "service: Win-back"))
    before = place.files()
    code, diff, said = place.run(*FROM_TO)
    assert code == 1
    assert diff.startswith("--- a/")
    first, second, *_ = said.splitlines()
    assert first == "Missing on production:"
    assert second.endswith('KIA1021: production has no service "Win-back", which bases/prospects/batches/summer needs')
    assert place.run(*FROM_TO, "--write")[0] == 1
    assert place.files() == before
    assert place.run(*FROM_TO, "--check")[0] == 2
    place.done(*FROM_TO, "--write", "--allow-missing")
    assert place.files() != before


def test_a_service_that_the_manifests_make_is_not_missing(place: Place) -> None:
    trial = TRIAL.replace("service: Outbound", "service: Win-back")
    place.write("environments/staging/a.yaml", trial + "services: [{name: Win-back, managed: true, label: W}]\n")
    assert place.promotion()["missing"] == []


def test_a_new_reference_is_looked_for_itself(place: Place) -> None:
    place.write("environments/staging/a.yaml", "services: [{name: Elsewhere}]\n")
    (missing,) = place.promotion()["missing"]
    assert missing["summary"] == 'production has no service "Elsewhere", and no manifest creates it'
    assert missing["source"] == "environments/staging/a.yaml:1:12"


def test_fields_that_come_with_a_new_base_are_not_missing(place: Place) -> None:
    new = "  - {name: fresh, batches: [{name: b, service: Outbound, association: {to: phone, from: gone}}]}\n"
    place.write("environments/staging/a.yaml", f"bases:\n{new}")
    assert [said["address"] for said in place.promotion()["missing"]] == ["bases/fresh/fields/gone"]


def test_a_variable_that_production_lacks_is_missing(place: Place) -> None:
    place.write("kiamo.yaml", PROJECT.replace("{brand: ACME Test}", "{brand: ACME Test, trial: T}"))
    place.write("environments/staging/a.yaml", "bases: [{name: prospects, label: '${trial}'}]\n")
    found = place.promotion("--declared")
    assert [said["code"] for said in found["missing"]] == ["KIA1020"]
    assert (found["changes"], found["files"], found["level"]) == ([], [], False)
    assert "staging cannot be promoted to production" in place.run(*FROM_TO, "--declared")[2]


def test_what_was_not_tried_on_staging_is_told(place: Place) -> None:
    noted = {said["address"] for said in place.promotion()["notes"] if said["code"] == "KIA1026"}
    assert noted == {
        "bases/prospects/batches/summer",
        "bases/prospects/fields/city",
        "bases/prospects/fields/zip",
    }
    place.done("apply", "-e", "staging", "--yes")
    assert "KIA1026" not in place.run(*FROM_TO)[2]


def test_live_things_that_nobody_declares_are_counted(place: Place) -> None:
    place.staging.seed({"services": [{"name": "By hand", "label": "B"}], "bases": [{"name": "stray", "label": "S"}]})
    (note,) = [said for said in place.promotion()["notes"] if said["code"] == "KIA1027"]
    assert note["summary"].startswith("2 objects on staging are not declared, and not promoted")
    assert note["summary"].endswith("bases/stray, services/By hand")


def test_changes_that_production_has_pending_already_are_told(place: Place) -> None:
    place.write("environments/production/a.yaml", "bases: [{name: prospects, protect: true, label: Mine}]\n")
    notes = {said["code"]: said["summary"] for said in place.promotion()["notes"]}
    assert notes["KIA1030"] == "production has 1 change pending already, without this promotion"


def test_only_reads_go_to_both_instances(place: Place) -> None:
    counts = [len([c for c in e.calls() if c.method != "GET"]) for e in (place.staging, place.production)]
    place.done(*FROM_TO, "--write")
    assert [len([c for c in e.calls() if c.method != "GET"]) for e in (place.staging, place.production)] == counts


def test_declared_alone_needs_no_token_and_makes_no_call(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = len(place.staging.calls()), len(place.production.calls())
    for name in ("KIAMO_STAGING_TOKEN", "KIAMO_PRODUCTION_TOKEN"):
        monkeypatch.delenv(name)
    assert place.run(*FROM_TO)[0] == 64
    code, _, said = place.run(*FROM_TO, "--declared")
    assert code == 0
    assert said.endswith("2 files (manifests only: the instances were not read).\n")
    assert (len(place.staging.calls()), len(place.production.calls())) == calls


def test_json_says_all_of_it(place: Place) -> None:
    found = place.promotion()
    assert (found["from"], found["to"], found["level"], found["live"], found["written"]) == (
        "staging",
        "production",
        False,
        True,
        False,
    )
    first = found["changes"][0]
    assert (first["how"], first["address"], first["path"]) == ("move", "bases/prospects/fields/city", "label")
    assert (first["from"], first["to"]) == ("Town", "City")
    assert found["by_variables"] == [{"address": "bases/prospects", "path": "label"}]
    assert [file["file"] for file in found["files"]] == ["environments/staging/a.yaml", "manifests/a.yaml"]
    assert place.promotion("--write")["written"]


def test_verbose_lists_what_is_not_to_be_changed(place: Place) -> None:
    place.write("environments/production/a.yaml", "bases: [{name: own}]\n")
    said = place.run("-v", *FROM_TO, "--declared")[2]
    assert "1 difference caused by variables, not promoted:\n  bases/prospects label\n" in said
    assert "1 difference only in production, not promoted:\n  bases/own\n" in said


@pytest.mark.parametrize(
    "arguments",
    [
        ("--from", "staging", "--to", "staging"),
        ("--from", "staging", "--to", "nowhere"),
        ("--from", "staging"),
        ("--from", "staging", "--to", "production", "--check", "--write"),
        ("--from", "staging", "--to", "production", "--only", "prospects"),
    ],
)
def test_usage(place: Place, arguments: tuple[str, ...]) -> None:
    assert place.run("promote", "--declared", *arguments)[0] == 64


def test_a_refused_promotion_says_why_and_writes_nothing(place: Place) -> None:
    place.write("environments/staging/a.yaml", "bases: [{name: prospects, ensure: absent}]\n")
    before = place.files()
    code, out, said = place.run(*FROM_TO, "--declared", "--write")
    assert (code, out) == (1, "")
    assert "KIA0216" in said
    assert "nothing was written" in said
    assert place.files() == before


def test_somebody_at_a_terminal_sees_what_cannot_be_seen(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.write("environments/staging/a.yaml", "bases: # \u202e::error::\n  - {name: prospects, label: Long}\n")
    assert "\u202e" in place.run(*FROM_TO, "--declared")[1]
    monkeypatch.setattr("kiamo_iac.cli.promote.is_terminal", lambda _: True)
    shown = place.run("--no-color", *FROM_TO, "--declared")[1]
    assert "\u202e" not in shown
    assert "\\u202e" in shown


def test_a_generated_resource_is_patched_by_its_name_and_its_block_never_written(place: Place) -> None:
    generated = """\
  - for_each: [a, b]
    base: prospects
    name: "relance-${each}"
    service: Outbound
    association: {destination: phone}
    settings: {pace: 1, note: "${brand}"}
"""
    base = f"{BASE}batches:\n{generated}"
    place.write("manifests/a.yaml", base)
    patch = "batches:\n  - {base: prospects, name: relance-b, settings: {pace: 5}}\n"
    place.write("environments/staging/a.yaml", patch)
    place.done(*FROM_TO, "--declared", "--write")
    assert place.read("manifests/a.yaml") == base
    written = "".join(
        text.decode() for name, text in place.files().items() if name.startswith("environments/production")
    )
    assert "name: relance-b" in written
    assert "pace: 5" in written
    assert "relance-a" not in written
    assert "note" not in written
    place.write("environments/staging/a.yaml", "")
    place.done(*FROM_TO, "--declared", "--write")
    assert place.read("manifests/a.yaml") == base
    assert "pace" not in place.read("environments/production/a.yaml"), "the patch that hides the row goes"


def test_environments_with_rows_of_their_own_are_compared_by_name(place: Place) -> None:
    place.write(
        "kiamo.yaml",
        PROJECT.replace("brand: ACME Test", "brand: ACME Test, rows: t").replace(
            "variables: {brand: ACME}", "variables: {brand: ACME, rows: p}"
        ),
    )
    place.write("t.csv", "code\na\nb\ntrial\n")
    place.write("p.csv", "code\nb\na\n")
    block = '{for_each: {csv: "${rows}.csv"}, base: prospects, name: "lot-${each.code}", service: Outbound}'
    place.write("manifests/a.yaml", f"{BASE}batches:\n  - {block}\n")
    place.write("environments/staging/a.yaml", "")
    assert place.promotion("--declared")["changes"] == [], "each has its rows"
    patch = "batches:\n" + "".join(
        f"  - {{base: prospects, name: lot-{code}, association: {{destination: phone}}}}\n" for code in ("b", "trial")
    )
    place.write("environments/staging/a.yaml", patch)
    changes = place.promotion("--declared")["changes"]
    assert [change["address"] for change in changes] == ["bases/prospects/batches/lot-b"], "production has no trial"
