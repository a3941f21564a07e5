"""zizmor over the workflows that `init` writes, in all their variants, over action.yml and over our own configuration.

Not collected with the default suite: `make workflows`. https://docs.zizmor.sh/audits/ says what each audit looks for.
"""

from __future__ import annotations

import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest

from tests.cli.program import kiamo
from tests.pipelines.machine import ROOT
from tests.pipelines.variants import VARIANTS, written

OURS = (
    ROOT / "action.yml",
    ROOT / ".github" / "workflows" / "ci.yml",
    ROOT / "kiamo_iac" / "scaffold" / "templates" / "actions" / "action.yml",
    ROOT / ".github" / "dependabot.yml",
)
PERSONAS = {
    "regular": ("--no-config",),
    "pedantic": ("--no-config",),
    "auditor": ("--config", str(ROOT / "tests" / "pipelines" / "zizmor.yml")),
}


def zizmor(persona: str, *inputs: Path) -> subprocess.CompletedProcess[str]:
    """Its verdict, without the network."""
    program = shutil.which("zizmor", path=sysconfig.get_path("scripts"))
    assert program is not None, "zizmor is not installed: make venv"
    options = ("--offline", "--strict-collection", "--collect=all", "--persona", persona, *PERSONAS[persona])
    return subprocess.run([program, *options, "--", *inputs], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("persona", PERSONAS)
def test_this_repository(persona: str) -> None:
    done = zizmor(persona, *OURS)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("variant", VARIANTS)
def test_what_init_writes(variant: str, tmp_path: Path) -> None:
    written(variant, tmp_path)
    for persona in PERSONAS:
        done = zizmor(persona, tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr


def test_a_fault_is_found(tmp_path: Path) -> None:
    """So that the stage is known to look."""
    assert kiamo("init", "--ci", "github", cwd=tmp_path).returncode == 0
    workflow = tmp_path / ".github" / "workflows" / "kiamo.yml"
    text = workflow.read_text(encoding="utf-8")
    workflow.write_text(text.replace("persist-credentials: false", "clean: true"), encoding="utf-8")
    done = zizmor("pedantic", tmp_path)
    assert done.returncode != 0
    assert "artipacked" in done.stdout
