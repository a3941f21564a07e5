"""Every form of the files that `init --ci github` writes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tests.cli.program import kiamo

_REMOTE = '[remote "origin"]\n\turl = git@github.com:acme/call-centre.git\n'

VARIANTS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "a ledger on git, a gate": (_REMOTE, ()),
    "a ledger on git, no gate": (_REMOTE, ("--environment", "only")),
    "a ledger on git, two gates": (_REMOTE, ("--environment", "a", "--environment", "b.c", "--environment", "3")),
    "no ledger yet, a gate": ("", ()),
    "no ledger yet, no gate": ("", ("--environment", "only")),
    "a tool that is named": (_REMOTE, ("--tool", "https://github.com/acme/kiamo-iac@v9")),
    "an image": (_REMOTE, ("--image", f"registry.example.com/tools/kiamo-iac:1@sha256:{'5' * 64}")),
    "below the root": (_REMOTE, ("kiamo/emea",)),
}
"""Name → what git's configuration says, and arguments of `init`."""


def written(variant: str, root: Path) -> Path:
    """The workflow, in a repository at `root`."""
    config, arguments = VARIANTS[variant]
    (root / ".git").mkdir()
    (root / ".git" / "config").write_text(config, encoding="utf-8")
    done = kiamo("init", "--ci", "github", *arguments, cwd=root)
    assert done.returncode == 0, done.stderr
    (workflow,) = (root / ".github" / "workflows").glob("kiamo*.yml")
    return workflow
