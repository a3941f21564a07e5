"""Runs git without user configuration, and removes the variables of CI jobs from the environment."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

ENVIRON = {"PATH": os.environ["PATH"], "HOME": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
_SETTINGS = ("user.name=t", "user.email=t@example.com", "commit.gpgsign=false", "protocol.file.allow=always")


def git(folder: Path, *arguments: str) -> str:
    """What git prints in `folder`; it must succeed."""
    line = ["git", *(word for setting in _SETTINGS for word in ("-c", setting)), *arguments]
    return subprocess.run(line, cwd=folder, env=ENVIRON, check=True, capture_output=True, text=True).stdout.strip()


def leave_the_job(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the variables of git, GitLab and GitHub from the environment."""
    for name in [name for name in os.environ if name.startswith(("GIT_", "CI_", "GITHUB_"))]:
        monkeypatch.delenv(name)
