"""The fourth example goes on as its README says: two instances, and a trial that is promoted from one to the other."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from kiamo_iac.emulator import FULL_TOKEN
from kiamo_iac.emulator.server import Server
from tests.cli.program import ROOT, kiamo
from tests.e2e.test_examples import blocks, seeded


def test_a_trial_goes_from_staging_to_production(tmp_path: Path) -> None:
    original = ROOT / "examples" / "04-environments"
    example = shutil.copytree(original, tmp_path / original.name, ignore=shutil.ignore_patterns(".kiamo"))
    _, first, _, both, way = blocks(example)
    with (
        seeded(example, "packaged") as staging,
        seeded(example, "packaged") as production,
        Server(staging) as near,
        Server(production) as far,
    ):

        def run(words: list[str]) -> subprocess.CompletedProcess[str]:
            yes = ["--yes"] if words[0] == "apply" else []
            variables = {"KIAMO_STAGING_URL": near.url, "KIAMO_PRODUCTION_URL": far.url}
            tokens = {"KIAMO_STAGING_TOKEN": FULL_TOKEN, "KIAMO_PRODUCTION_TOKEN": FULL_TOKEN}
            return kiamo(*words, *yes, cwd=example, **variables, **tokens)

        assert [run(words).returncode for words in first] == [0, 0, 0, 0]
        rendered, applied, plans = map(run, both)
        assert "pace: 20 " in rendered.stdout
        assert (rendered.returncode, applied.returncode, plans.returncode) == (0, 0, 0)
        assert plans.stdout.count("no changes") == 2
        shown, written, level, pending = map(run, way)
        assert (shown.returncode, written.returncode, level.returncode, pending.returncode) == (0, 0, 0, 2)
        assert "+      # for sales: the higher, the more likely to buy" in shown.stdout
        assert "No changes: staging matches its manifests." in level.stdout
        assert "1 to create, 1 to update." in pending.stdout
        assert "protect: true" in (example / "environments/production/prospects.yaml").read_text(encoding="utf-8")
        check = ["promote", "--from", "staging", "--to", "production", "--check"]
        assert run(check).returncode == 0
