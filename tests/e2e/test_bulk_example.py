"""The fifth example, changed as its README says: a row that is wrong, and a row that is new."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from kiamo_iac.app.project import Workspace
from kiamo_iac.core.state import ResourceState
from kiamo_iac.emulator import FULL_TOKEN
from kiamo_iac.emulator.server import Server
from tests.cli.program import ROOT, kiamo
from tests.e2e.test_examples import seeded


def _declared(resource: ResourceState) -> tuple[object, ...]:
    return dict(resource.attributes), dict(resource.settings), resource.lifecycle


def test_rows_of_a_spreadsheet_are_checked_and_added(tmp_path: Path) -> None:
    original = ROOT / "examples" / "05-bulk"
    example = shutil.copytree(original, tmp_path / original.name, ignore=shutil.ignore_patterns(".kiamo"))
    rows = example / "agences.csv"
    text = rows.read_bytes()
    rendered = kiamo("render", "-e", "staging", cwd=example).stdout
    assert rendered.count("- name: relance-") == 300
    assert "# manifests/relances.yaml:21:11 (agences.csv:8)\n" in rendered
    assert "agence: Pilote" in rendered
    written_out = tmp_path / "written-out"
    (written_out / "manifests").mkdir(parents=True)
    (written_out / "kiamo.yaml").write_text("manifests: [manifests]\n", encoding="utf-8")
    (written_out / "manifests" / "all.yaml").write_text(rendered, encoding="utf-8")
    generated = Workspace.open(example / "kiamo.yaml").load("staging").checked()
    state = Workspace.open(written_out / "kiamo.yaml").load().checked()
    assert {one.address: _declared(one) for one in state} == {one.address: _declared(one) for one in generated}
    rows.write_bytes(text.replace(b"a007;", b"a006;").replace(b"Nice;Recouvrement", b"Nice;Recouvrment"))
    wrong = kiamo("validate", "--format", "json", cwd=example)
    found = [(d["code"], d["source"]) for d in json.loads(wrong.stdout)["diagnostics"]]
    assert wrong.returncode == 1
    assert found == [
        ("KIA0207", "manifests/relances.yaml:19:5 (agences.csv:8)"),
        ("KIA0227", "manifests/relances.yaml:22:14 (agences.csv:6)"),
    ]
    rows.write_bytes(text)
    with seeded(example, "packaged") as emulator, Server(emulator) as server:
        access = {"KIAMO_STAGING_URL": server.url, "KIAMO_STAGING_TOKEN": FULL_TOKEN}
        consent = ["--allow-stop", "bases/prospects/batches/relance-a299"]
        assert kiamo("apply", "-e", "staging", "--yes", *consent, cwd=example, **access).returncode == 0
        rows.write_bytes(text + b"a301;Cayenne;Recouvrement;;\r\n")
        plan = json.loads(kiamo("plan", "-e", "staging", "--format", "json", cwd=example, **access).stdout)
        assert [(step["action"], step["address"], step["source"]) for step in plan["steps"]] == [
            ("create", "bases/prospects/batches/relance-a301", "manifests/relances.yaml:19:5 (agences.csv:302)")
        ]
