"""Prettier and yamllint beside `kiamo-iac fmt`: what one has laid out, no other changes or reports.

Run by `make neighbours`, not by `make test`: npm fetches prettier, in the version of package-lock.json.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.program import kiamo
from tests.pipelines.machine import ROOT

EXAMPLES = sorted(folder.name for folder in (ROOT / "examples").iterdir() if folder.is_dir())
TOOL = ("--tool", "https://github.com/acme/kiamo-iac@v9")
LAYOUTS: dict[str, tuple[tuple[str, ...], ...]] = {
    "gitlab": (("--ci", "gitlab"),),
    "github": (("--ci", "github"),),
    "no pipelines": (("--ci", "none"),),
    "gitlab, a named tool, below the root": (("teams/emea", "--ci", "gitlab", *TOOL),),
    "github, three environments": (
        ("--ci", "github", *TOOL, *(f"--environment={name}" for name in ("a", "b.c", "3"))),
    ),
    "a folder whose name is a pattern": (("a[b] *{c}!", "--ci", "none"),),
}
"""Name → the arguments of each `init` in one repository."""

Prettier = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def prettier(tmp_path_factory: pytest.TempPathFactory) -> Prettier:
    """Prettier, in a folder: `prettier(folder, "--check", ".")`."""
    home = tmp_path_factory.mktemp("npm")
    for name in ("package.json", "package-lock.json"):
        shutil.copy(Path(__file__).with_name(name), home)
    npm = shutil.which("npm")
    assert npm is not None, "make neighbours needs Node.js and npm"
    done = subprocess.run(
        [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
        cwd=home,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr

    def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        words = ["node", str(home / "node_modules" / "prettier" / "bin" / "prettier.cjs"), *arguments]
        return subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)

    return run


def yamllint(folder: Path) -> list[str]:
    """What yamllint reports, warnings too."""
    words = [sys.executable, "-m", "yamllint", "--strict", "--format", "parsable", "."]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    assert (done.returncode != 0) == bool(done.stdout), done.stderr
    return done.stdout.splitlines()


def texts(folder: Path) -> dict[str, str]:
    """Every file of YAML or JSON, by its name."""
    files = [
        file for file in folder.rglob("*") if file.suffix in {".yaml", ".yml", ".json"} or file.name == ".yamllint"
    ]
    return {file.relative_to(folder).as_posix(): file.read_text(encoding="utf-8") for file in files}


def differing(folder: Path, before: dict[str, str]) -> list[str]:
    """The files that are not as they were."""
    return sorted(name for name, text in texts(folder).items() if before[name] != text)


def initialised(folder: Path, *calls: tuple[str, ...]) -> None:
    """A repository in which `init` has run."""
    subprocess.run(["git", "init", "--quiet", str(folder)], check=True)
    for arguments in calls:
        done = kiamo("init", *arguments, cwd=folder)
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("layout", LAYOUTS)
def test_what_init_writes_is_left_as_it_is(layout: str, tmp_path: Path, prettier: Prettier) -> None:
    """Also the schemas and the ledgers that come later, and whatever the working tree is formatted by first."""
    initialised(tmp_path, *LAYOUTS[layout])
    (project,) = tmp_path.rglob("kiamo.yaml")
    assert kiamo("schema", "--out", ".schemas", cwd=project.parent).returncode == 0
    (project.parent / ".kiamo").mkdir()
    (project.parent / ".kiamo" / "staging.json").write_text('{"a":   [1]}\n', encoding="utf-8")
    before = texts(tmp_path)
    checked = prettier(tmp_path, "--check", ".")
    assert checked.returncode == 0, checked.stderr
    assert prettier(tmp_path, "--write", ".").returncode == 0
    assert kiamo("fmt", cwd=project.parent).returncode == 0
    assert differing(tmp_path, before) == []
    assert yamllint(tmp_path) == []


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_left_as_it_is(name: str, tmp_path: Path, prettier: Prettier) -> None:
    """In a repository with the settings that `init` writes; live.json is the emulator's, and no part of a project."""
    initialised(tmp_path, ("--ci", "none"))
    for written in ("kiamo.yaml", "manifests", "environments", ".gitignore"):
        path = tmp_path / written
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    ignored = shutil.ignore_patterns(".kiamo", "live.json")
    shutil.copytree(ROOT / "examples" / name, tmp_path, ignore=ignored, dirs_exist_ok=True)
    before = texts(tmp_path)
    assert len(before) >= 3
    assert prettier(tmp_path, "--write", ".").returncode == 0
    assert differing(tmp_path, before) == []
    assert kiamo("fmt", "--check", cwd=tmp_path).returncode == 0
    assert yamllint(tmp_path) == []


def test_without_the_settings_they_undo_each_other(tmp_path: Path, prettier: Prettier) -> None:
    """So the tests above hold by what `init` writes."""
    initialised(tmp_path, ("--ci", "github"))
    before = texts(tmp_path)
    for name in (".prettierignore", ".yamllint"):
        (tmp_path / name).unlink()
    assert prettier(tmp_path, "--write", ".").returncode == 0
    assert differing(tmp_path, before) == [
        ".github/workflows/kiamo.yml",
        "environments/production/prospects.yaml",
        "kiamo.yaml",
        "manifests/prospects.yaml",
    ]
    assert kiamo("fmt", "--check", cwd=tmp_path).returncode == 2
    assert yamllint(tmp_path) != []


def test_a_repository_with_both_files_says_what_to_add(tmp_path: Path, prettier: Prettier) -> None:
    """A second project, and a repository that has had both tools for long: what is printed is enough."""
    (tmp_path / ".prettierignore").write_text("build/\n", encoding="utf-8")
    (tmp_path / ".yamllint.yml").write_text("extends: default\n", encoding="utf-8")
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    for folder in ("teams/emea", "apac"):
        done = kiamo("init", folder, "--ci", "gitlab", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        for part in done.stderr.partition("\nNext:")[0].split(" exists and was not changed. Add to it:\n\n")[1:]:
            added = part.rpartition("\n\n")[0] if part.rstrip().endswith((".yml", ".prettierignore")) else part
            file = ".yamllint.yml" if "rules:" in added else ".prettierignore"
            with (tmp_path / file).open("a", encoding="utf-8") as stream:
                stream.write(added.rstrip("\n") + "\n")
    checked = prettier(tmp_path, "--check", ".")
    assert checked.returncode == 0, checked.stderr
    assert yamllint(tmp_path) == []
