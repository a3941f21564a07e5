"""The installation that pipelines begin with, for real; and every script of theirs through shellcheck.

Not collected with the default suite: `make pipelines`. It needs shellcheck, jq and curl, and the index that pip knows.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests.cli.program import kiamo
from tests.pipelines.gitlab_runner import extended, load_pipeline
from tests.pipelines.machine import ROOT


def shellcheck(*files: Path) -> None:
    """Every file as a script of bash."""
    done = subprocess.run(["shellcheck", "--shell=bash", *files], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def scripts(folder: Path) -> Iterator[tuple[str, str]]:
    """Every script inside of a file of YAML, by a name of its own."""
    action = YAML(typ="safe").load(ROOT / "action.yml")
    for step in action["runs"]["steps"]:
        yield f"action {step['name']}", step["run"]
    for project, more in ((".", ()), ("image", ("--image", "kiamo-iac"))):
        assert kiamo("init", project, "--ci", "gitlab", *more, cwd=folder).returncode == 0
    pipeline = load_pipeline(folder / ".gitlab-ci.yml")
    for name, job in pipeline.items():
        if "script" in job or "before_script" in job:
            whole = extended(pipeline, name)
            yield f"gitlab {name}", "\n".join([*whole.get("before_script", []), *whole.get("script", [])])


def test_the_scripts_of_this_repository() -> None:
    shellcheck(ROOT / "pipelines" / "install", ROOT / "pipelines" / "action")


def test_the_scripts_inside_of_files_of_yaml(tmp_path: Path) -> None:
    found = dict(scripts(tmp_path))
    assert len(found) > 12
    files = []
    for number, (name, text) in enumerate(found.items()):
        file = tmp_path / f"{number}.sh"
        file.write_text(f"# {name}\nset -eo pipefail\n{text}\n", encoding="utf-8")
        files.append(file)
    shellcheck(*files)


def take_over(folder: Path, *names: str) -> None:
    """Put modules of these names there."""
    for name in names:
        (folder / f"{name}.py").write_text('raise SystemExit("taken over")\n', encoding="utf-8")


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the installation says."""
    folder = tmp_path_factory.mktemp("installed") / "with a space"
    here = tmp_path_factory.mktemp("a merge request")
    take_over(here, "venv", "pip", "ensurepip", "sysconfig", "json", "logging")
    done = subprocess.run(
        [ROOT / "pipelines" / "install", folder],
        cwd=here,
        env={**os.environ, "KIAMO_IAC_PYTHON": sys.executable},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{folder / 'command'}\n"
    return folder / "command"


def test_what_is_installed_runs(command: Path, tmp_path: Path) -> None:
    done = subprocess.run([command / "kiamo-iac", "init"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = subprocess.run(
        ["kiamo-iac", "validate"], cwd=tmp_path, env={"PATH": f"{command}:/usr/bin:/bin"}, check=False
    )
    assert found.returncode == 0


def test_no_module_of_the_folder_that_a_job_runs_in_is_imported(command: Path, tmp_path: Path) -> None:
    take_over(tmp_path, "json", "click", "kiamo_iac", "sitecustomize", "encodings")
    environ = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        [command / "kiamo-iac", "--version"], cwd=tmp_path, env=environ, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_an_old_python_is_refused(tmp_path: Path) -> None:
    old = tmp_path / "python"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo "Python 3.8.1"\nexit 1\n', encoding="utf-8")
    old.chmod(0o755)
    done = subprocess.run(
        [ROOT / "pipelines" / "install", tmp_path / "env"],
        env={"PATH": "/usr/bin:/bin", "KIAMO_IAC_PYTHON": str(old)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "needs Python 3.11 or newer" in done.stderr
    assert "Python 3.8.1" in done.stderr


def test_the_notification_of_the_documentation(tmp_path: Path) -> None:
    """The script of docs/how-to/notifications.md, against a chat of its own."""
    page = (ROOT / "docs" / "how-to" / "notifications.md").read_text(encoding="utf-8")
    script = tmp_path / "notify"
    script.write_text(page.partition('```bash title="notify"\n')[2].partition("```")[0], encoding="utf-8")
    shellcheck(script)
    report = tmp_path / "report.md"
    report.write_text("### Applied\n\n`a\"b` $(touch x) 'c' ${HOME}\n" + "é" * 5000, encoding="utf-8")
    with posts() as chat:
        sent = {"PATH": os.environ["PATH"], "CHAT_WEBHOOK": chat.url, "CI_JOB_URL": "https://gitlab.example.com/1"}
        notified = subprocess.run(["bash", script, report], cwd=tmp_path, env=sent, capture_output=True, check=True)
        assert notified.stdout == b""
        (body,) = chat.bodies
    text = json.loads(body)["text"]
    assert text.startswith("### Applied\n\n`a\"b` $(touch x) 'c' ${HOME}\n")
    assert text.endswith("\n\nhttps://gitlab.example.com/1")
    assert len(text) < 3100
    assert not (tmp_path / "x").exists()
    away = subprocess.run(["bash", script, report], cwd=tmp_path, env=sent, capture_output=True, text=True, check=True)
    assert "The chat was not notified." in away.stderr


class Chat:
    """What a webhook was sent."""

    def __init__(self) -> None:
        self.url = ""
        self.bodies: list[bytes] = []


@contextmanager
def posts() -> Iterator[Chat]:
    """A webhook on loopback."""
    chat = Chat()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            chat.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        chat.url = f"http://127.0.0.1:{server.server_port}/hook"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield chat
        finally:
            server.shutdown()
            thread.join()
