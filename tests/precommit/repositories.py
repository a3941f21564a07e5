"""Git repositories to try the hooks on: the tool as somebody would name it in `repo:`, and projects that use it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
REV = "v0.1.0"
"""The tag that stands for a release."""
NOWHERE = "http://127.0.0.1:9"
"""A port that nobody listens at."""
OFFLINE: Mapping[str, str] = {
    **dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"), NOWHERE),
    "PIP_NO_INDEX": "1",
    "NO_PROXY": "",
    "no_proxy": "",
}
"""An environment in which whoever asks the network for anything fails at once."""


def surroundings(**more: str) -> dict[str, str]:
    """The environment without what belongs to this checkout, and with an author for git."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("KIAMO_", "GIT_", "PYTHON", "PRE_COMMIT"))}
    author = {f"GIT_{who}_{what}": "t@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    return {**kept, **author, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", **more}


def checkout() -> dict[str, str]:
    """The same, for this checkout's own program."""
    return surroundings(PYTHONPATH=str(ROOT))


def git(folder: Path, *words: str) -> str:
    """One git command, which must succeed; what it prints."""
    done = subprocess.run(
        ["git", *words], cwd=folder, env=surroundings(), capture_output=True, text=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def make_repository(folder: Path) -> None:
    """Make a repository of all that stands in `folder`."""
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message=first")


def tool(folder: Path) -> Path:
    """A repository of this tool with a tag, as it stands here: also what is not committed yet."""
    names = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, check=True, text=True, encoding="utf-8",
    ).stdout.split("\0")  # fmt: skip
    for name in names:
        if name and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    make_repository(folder)
    git(folder, "tag", REV)
    return folder


@dataclass(frozen=True)
class Outcome:
    """What pre-commit did."""

    code: int
    said: str

    def of(self, hook: str) -> str:
        """`Passed`, `Failed` or `Skipped`."""
        (line,) = (line for line in self.said.splitlines() if line.startswith(f"kiamo-iac {hook}."))
        return line.rpartition(".")[2].rpartition(")")[2]


@dataclass(frozen=True)
class Project:
    """A repository that uses the hooks."""

    folder: Path
    home: Path
    """Where pre-commit keeps its environments."""
    prefix: tuple[str, ...] = ()
    """What every command runs under."""
    environ: Mapping[str, str] = field(default_factory=dict)

    def pre_commit(self, *words: str) -> Outcome:
        """One command of pre-commit."""
        done = subprocess.run(
            [*self.prefix, sys.executable, "-m", "pre_commit", *words],
            cwd=self.folder,
            env=surroundings(PRE_COMMIT_HOME=str(self.home), PRE_COMMIT_COLOR="never", **self.environ),
            capture_output=True, text=True, encoding="utf-8", check=False,
        )  # fmt: skip
        return Outcome(done.returncode, done.stdout + done.stderr)

    def write(self, name: str, text: str) -> None:
        """Write a file and stage it."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
        git(self.folder, "add", "--all")

    def read(self, name: str) -> str:
        """A file as it stands there."""
        return (self.folder / name).read_text(encoding="utf-8")

    def commit(self) -> None:
        """Commit what is staged, past all hooks."""
        git(self.folder, "add", "--all")
        git(self.folder, "commit", "--quiet", "--no-verify", "--message=more")
