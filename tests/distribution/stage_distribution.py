"""What is published holds by itself: links of its page, tests of its sdist, and the oldest versions that it allows.

Not collected with the default suite: `make dist`. It needs the package index that pip and uv know.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email import message_from_string
from email.message import Message
from pathlib import Path

import pytest

from tests.docs.test_pages import anchors

ROOT = Path(__file__).resolve().parent.parent.parent
LINK = re.compile(r"\]\(([^)\s]+)\)")
OF_EVERY_LAYER = ("document", "http", "api", "executor", "render", "cli/test_plan.py", "cli/test_apply.py")
"""Tests that are run with the oldest versions: what meets a library of others is among them."""


def done(*command: str | Path, cwd: Path = ROOT, **more: str) -> str:
    """Standard output of a command that succeeds."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("KIAMO_", "PYTHON"))}
    ran = subprocess.run(command, cwd=cwd, env=kept | more, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, f"{command}:\n{ran.stdout[-3000:]}\n{ran.stderr[-3000:]}"
    return ran.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist, and the wheel that is built from it."""
    folder = tmp_path_factory.mktemp("dist")
    done(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT)
    return folder


@pytest.fixture(scope="module")
def source(built: Path) -> Path:
    """The folder of the unpacked sdist."""
    with tarfile.open(next(built.glob("*.tar.gz"))) as sdist:
        sdist.extractall(built, filter="data")
    return next(path for path in built.iterdir() if path.is_dir())


@pytest.fixture(scope="module")
def metadata(built: Path) -> Message:
    """What a package index shows."""
    with zipfile.ZipFile(next(built.glob("*.whl"))) as wheel:
        name = next(each for each in wheel.namelist() if each.endswith(".dist-info/METADATA"))
        return message_from_string(wheel.read(name).decode())


def test_every_link_of_the_page_is_absolute_and_leads_to_a_file(metadata: Message) -> None:
    urls = dict(str(each).split(", ") for each in metadata.get_all("Project-URL", []))
    home = urls["Source"]
    raw = home.replace("https://github.com", "https://raw.githubusercontent.com") + "/main/"
    links = LINK.findall(str(metadata.get_payload()))
    assert len(links) > 20
    assert [link for link in links if not link.startswith("https://")] == []
    inside = [link for link in links if link.startswith((home, raw))]
    assert len(inside) > 20
    headings = anchors(ROOT / "README.md")
    for link in inside:
        path, _, anchor = link.removeprefix(raw).removeprefix(home).removeprefix("/blob/main/").partition("#")
        assert (ROOT / path).exists(), link
        assert path or anchor in headings, link


def test_the_metadata_say_who_and_where(metadata: Message) -> None:
    assert metadata["Author"]
    names = {str(each).split(", ")[0] for each in metadata.get_all("Project-URL", [])}
    assert {"Homepage", "Documentation", "Source", "Changelog", "Issues"} <= names
    assert "Programming Language :: Python :: 3.14" in metadata.get_all("Classifier", [])


def test_every_dependency_has_a_lower_bound() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert [each for each in project["dependencies"] if ">=" not in each] == []


def test_the_image_is_built_of_what_the_build_needs_and_runs_as_no_root(built: Path, tmp_path: Path) -> None:
    """There is no container engine here: what is copied into the image is built outside of one."""
    allowed = [line[1:] for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line.startswith("!")]
    for name in allowed:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, tmp_path / name)
    done(sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", tmp_path / "dist", tmp_path)
    with zipfile.ZipFile(next(built.glob("*.whl"))) as one, zipfile.ZipFile(next(tmp_path.glob("dist/*.whl"))) as two:
        assert one.namelist() == two.namelist()
    steps = (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()
    assert [step for step in steps if step.startswith(("USER ", "FROM "))][-1] == "USER kiamo"
    assert all(re.match(r"FROM python:3\.\d+-slim\b", step) for step in steps if step.startswith("FROM "))


def test_the_tests_of_the_sdist_collect_and_run(source: Path) -> None:
    here = done(sys.executable, "-m", "pytest", "--collect-only", "-q")
    there = done(sys.executable, "-m", "pytest", "--collect-only", "-q", cwd=source)
    assert there.splitlines()[:-1] == here.splitlines()[:-1]
    done(sys.executable, "-m", "pytest", "-q", "tests/core", "tests/planner/test_guards.py", cwd=source)


def test_the_oldest_versions_that_are_allowed_work(source: Path, tmp_path: Path) -> None:
    uv = (sys.executable, "-m", "uv")
    fresh = tmp_path / "venv"
    done(*uv, "venv", "--quiet", "--python", sys.executable, fresh)
    python = next(path for path in (fresh / "bin" / "python", fresh / "Scripts" / "python.exe") if path.exists())
    install = (*uv, "pip", "install", "--quiet", "--python", python)
    done(*install, "--resolution", "lowest-direct", source)
    done(*install, "pytest", "pytest-xdist", "hypothesis", "jsonschema", "pyyaml")
    assert "Done in" in done(python, "-m", "kiamo_iac", "demo", cwd=tmp_path)
    tests = [f"tests/{each}" for each in OF_EVERY_LAYER]
    done(python, "-m", "pytest", "-q", "--numprocesses", "2", *tests, cwd=source)
