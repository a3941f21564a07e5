"""`kiamo-iac demo`: the real commands, every one of them answering as it must, and nothing left behind."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from kiamo_iac.demo import runner
from kiamo_iac.demo.runner import DemoCommand, run_demo
from tests.cli.program import COMMAND, kiamo, kiamo_process, variables

CONSENTS = "--allow-stop bases/prospects/batches/campagne-2025 --allow-data-loss bases/prospects/fields/fax"


def commands(shown: str) -> list[str]:
    """The command lines of the demo."""
    return re.findall(r"^\$ (kiamo-iac .*)$", shown, re.MULTILINE)


def test_the_whole_demo_runs_and_leaves_no_files(tmp_path: Path) -> None:
    done = kiamo_process("demo", cwd=tmp_path, TMPDIR=str(tmp_path), TEMP=str(tmp_path), TMP=str(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")
    assert list(tmp_path.iterdir()) == []
    assert commands(done.stdout) == [
        "kiamo-iac validate",
        "kiamo-iac plan -e staging",
        "kiamo-iac apply -e staging --yes",
        f"kiamo-iac apply -e staging --yes --allow-start {CONSENTS}",
        "kiamo-iac plan -e staging --detailed-exitcode",
        "kiamo-iac plan -e staging --detailed-exitcode",
        "kiamo-iac apply -e staging --yes --allow-start",
        "kiamo-iac plan -e staging --detailed-exitcode",
    ]
    assert done.stdout.count("No changes: staging matches its manifests.") == 3  # once more below a note
    assert 'label: "Prospects (ne pas toucher)" → "Prospects 2026"' in done.stdout
    assert (
        "▶ start bases/prospects/batches/relance-hiver (batch, cannot be undone: contacts will be dialled)"
        in done.stdout
    )
    assert "error KIA0701" in done.stdout
    assert "error KIA0707" in done.stdout
    assert "error KIA0708" in done.stdout
    assert "Traceback" not in done.stdout


@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
def test_the_demo_runs_on_an_ascii_console(encoding: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(command: list[str], *, cwd: Path, env: dict[str, str], **_: Any) -> subprocess.CompletedProcess[str]:
        """The commands of the demo, in this process too: the test before has started each."""
        assert command[:4] == [sys.executable, "-P", "-m", "kiamo_iac"]
        done = kiamo(*command[4:], cwd=cwd, **env)
        sys.stdout.write(done.stdout + done.stderr)
        return done

    pipes = {"DEVNULL": subprocess.DEVNULL, "STDOUT": subprocess.STDOUT}
    monkeypatch.setattr(runner, "subprocess", SimpleNamespace(run=run, **pipes))
    done = kiamo("demo", cwd=tmp_path, PYTHONIOENCODING=encoding)
    assert (done.returncode, done.stderr) == (0, "")
    assert "|> start bases/prospects/batches/relance-hiver" in done.stdout


def test_a_command_that_answers_otherwise_ends_the_demo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "BEGINNING", (DemoCommand("This cannot be:", ("validate",), 42), *runner.BEGINNING))
    lines: list[str] = []
    assert run_demo(lines.append, keep=False) is False
    assert lines[-1] == "Exit code 0, expected 42: the demo stops."
    assert [line for line in lines if line.startswith("$ ")] == ["$ kiamo-iac validate"]


def test_keep_leaves_a_project_and_a_server_to_play_with(tmp_path: Path) -> None:
    import signal

    process = subprocess.Popen(
        [*COMMAND, "demo", "--keep"],
        cwd=tmp_path,
        env=variables(TMPDIR=str(tmp_path)),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    try:
        assert process.stdout is not None
        shown: list[str] = []
        watchdog = threading.Timer(180, process.kill)  # ends the loop, and fails the test, if the last line never comes
        watchdog.start()
        for line in process.stdout:
            shown.append(line.rstrip("\n"))
            if line.startswith("Press Ctrl-C here to stop the emulator."):
                break
        watchdog.cancel()
        (folder,) = (Path(line.split(maxsplit=1)[1]) for line in shown if line.startswith("  cd /"))
        (token,) = (line.split("=")[1] for line in shown if line.startswith("  export KIAMO_STAGING_TOKEN="))
        assert f"  $env:KIAMO_STAGING_TOKEN = '{token}'" in shown
        again = kiamo("plan", "-e", "staging", cwd=folder, KIAMO_STAGING_TOKEN=token)
        manifest = folder / "manifests" / "prospects.yaml"
        text = manifest.read_text(encoding="utf-8")
        manifest.write_text(text.replace("Prospects 2026", "Prospects 2027"), encoding="utf-8")
        played = kiamo("apply", "-e", "staging", "--yes", cwd=folder, KIAMO_STAGING_TOKEN=token)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
        assert again.stdout.endswith("No changes: staging matches its manifests.\n")
        assert played.stdout.endswith("Applied: 1 done.\n")
    finally:
        process.kill()
    assert (process.returncode, err) == (0, "")
    assert out == "Stopped.\n"
    assert manifest.exists()
