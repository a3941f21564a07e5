"""`kiamo-iac render`: composed manifests, and where each value comes from."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from kiamo_iac.document.parser import parse
from kiamo_iac.render.composed import composed_schema
from tests.cli.conftest import Desk
from tests.cli.program import variables

PROJECT = """\
manifests: [manifests]
variables: {brand: ACME}
environments:
  staging:
    url: http://127.0.0.1:8090
    variables: {brand: ACME Test}
    patches: [environments/staging]
  production: {url: "https://kiamo.example.com"}
"""
BASE = """\
bases:
  - name: prospects
    label: ${brand} prospects
    settings: {limit: 9, list: [1, {a: b, c: []}], phone: "0612345678", t: "$${brand} of ${brand}"}
    fields:
      - {name: city, label: City, datatype: string}
batches:
  - {base: prospects, name: spring, service: Ventes, association: {destination: phone}}
  - {base: other, name: summer, service: Ventes, association: {destination: phone}}
services: [{name: Ventes}]
"""
PATCH = "bases:\n  - name: prospects\n    settings: {limit: 3}\n    fields: [{name: city, ensure: absent}]\n"
COMPOSED = """\
# The composed manifests of staging, with the origin of each value.
services:
  - name: Ventes                                  # manifests/a.yaml:10:19
bases:
  - name: prospects                               # manifests/a.yaml:2:11
    label: ACME Test prospects                    # manifests/a.yaml:3:12, ${brand} kiamo.yaml:6:24
    settings:
      limit: 3                                    # environments/staging/a.yaml:3:23
      list:
        - 1                                       # manifests/a.yaml:4:33
        - a: b                                    # manifests/a.yaml:4:40
          c: []                                   # manifests/a.yaml:4:46
      phone: "0612345678"                         # manifests/a.yaml:4:59
      t: $${brand} of ACME Test                   # manifests/a.yaml:4:76, ${brand} kiamo.yaml:6:24
    fields:
      - name: city                                # manifests/a.yaml:6:16
        ensure: absent                            # environments/staging/a.yaml:4:35
        label: City                               # manifests/a.yaml:6:29
        datatype: string                          # manifests/a.yaml:6:45
    batches:
      - name: spring                              # manifests/a.yaml:8:29
        service: Ventes                           # manifests/a.yaml:8:46
        association:
          destination: phone                      # manifests/a.yaml:8:81
batches:
  - base: other
    name: summer                                  # manifests/a.yaml:9:25
    service: Ventes                               # manifests/a.yaml:9:42
    association:
      destination: phone                          # manifests/a.yaml:9:77
"""


def made(desk: Desk) -> Path:
    folder = desk.folder
    (folder / "kiamo.yaml").write_text(PROJECT, encoding="utf-8")
    (folder / "environments" / "staging").mkdir(parents=True)
    (folder / "environments" / "staging" / "a.yaml").write_text(PATCH, encoding="utf-8")
    desk.manifest(BASE)
    return folder


def test_each_value_stands_beside_its_origin(desk: Desk) -> None:
    made(desk)
    assert desk.run("render", "-e", "staging") == (0, COMPOSED, "")


def test_what_is_printed_is_a_manifest_that_says_the_same(desk: Desk) -> None:
    folder = made(desk)
    _, before, _ = desk.run("render", "-e", "staging", "--format", "json")
    _, text, _ = desk.run("render", "-e", "staging")
    desk.manifest(text)
    (folder / "environments" / "staging" / "a.yaml").write_text("", encoding="utf-8")
    code, after, _ = desk.run("render", "-e", "staging", "--format", "json")
    assert code == 0

    def values(output: str) -> list[object]:
        things = json.loads(output)["things"]
        return [(t["address"], [(v["path"], v["value"]) for v in t["values"]]) for t in things]

    assert values(after) == values(before)


def test_a_console_of_another_encoding_does_not_change_the_manifest_in_a_file(desk: Desk) -> None:
    desk.manifest("bases:\n  - name: prospects\n    label: Été 😀\n")
    command = [sys.executable, "-m", "kiamo_iac", "render", "-e", "staging"]
    environ = variables(PYTHONIOENCODING="cp1252")
    told = subprocess.run(command, cwd=desk.folder, env=environ, capture_output=True, check=True)
    assert "label: Été 😀 " in told.stdout.decode("utf-8")


def test_json_names_the_variables(desk: Desk) -> None:
    made(desk)
    code, out, _ = desk.run("render", "-e", "staging", "--format", "json")
    data = json.loads(out)
    jsonschema.Draft7Validator(composed_schema()).validate(data)
    (label,) = [v for t in data["things"] for v in t["values"] if v["path"] == ["label"] and "prospects" in v["value"]]
    assert code == 0
    assert label == {
        "path": ["label"],
        "value": "ACME Test prospects",
        "source": "manifests/a.yaml:3:12",
        "variables": [{"name": "brand", "source": "kiamo.yaml:6:24"}],
    }


def test_warnings_go_to_stderr_and_errors_refuse(desk: Desk) -> None:
    made(desk)
    desk.manifest(BASE + "# and more\n", "a.yaml")
    (desk.folder / "environments" / "staging" / "a.yaml").write_text("bases: [{name: prospect}]\n", encoding="utf-8")
    code, out, err = desk.run("render", "-e", "staging")
    assert (code, "KIA0324" in err, "- name: prospect\n" in out) == (0, True, False)
    desk.manifest(BASE.replace("${brand} prospects", "${brnd} prospects"))
    code, out, err = desk.run("render", "-e", "staging")
    assert (code, out) == (1, "")
    assert 'manifests/a.yaml:3:12: error KIA0320: undefined variable "brnd"' in err
    assert 'hint: did you mean "brand"?' in err


@pytest.mark.parametrize(
    "text", ["a ##[error]b", "##vso[x]", "say \"##[x]\" \\ 'y'", 'a "##[b]"', "##teamcity[x]\nb", "it's\t##[x] \u202e"]
)
def test_no_value_is_a_command_of_a_ci_system_and_none_is_lost(desk: Desk, text: str) -> None:
    """They are looked for anywhere in a line."""
    data = {"bases": [{"name": "p", "label": text, "settings": {text: [text]}}]}
    desk.manifest(json.dumps(data))
    code, out, err = desk.run("render", "-e", "staging")
    assert (code, err) == (0, "")
    assert not re.search(r"##(\[|vso\[|teamcity\[)|^\s*::", out, re.MULTILINE)
    assert parse(out, file="x.yaml").data == data


def test_an_unknown_environment(desk: Desk) -> None:
    made(desk)
    code, out, err = desk.run("render", "-e", "stagin")
    assert (code, out) == (64, "")
    assert 'did you mean "staging"?' in err
