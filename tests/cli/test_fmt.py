"""`kiamo-iac fmt`: what it writes, says and ends with."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import MANIFEST, PROJECT, Desk
from tests.cli.program import COMMAND, ROOT, kiamo, variables
from tests.cli.test_validate import HEAVY

UNTIDY, TIDY = "bases:\n- name:   a # one\n", "bases:\n  - name: a  # one\n"


def test_what_is_in_order_is_left_alone(desk: Desk) -> None:
    before = (desk.folder / "manifests" / "a.yaml").stat()
    assert desk.run("fmt") == (0, "", "2 files: 2 already formatted.\n")
    after = (desk.folder / "manifests" / "a.yaml").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert desk.emulator.calls() == []


def test_what_changes_is_named(desk: Desk) -> None:
    path = desk.manifest(UNTIDY, "b.yaml")
    assert desk.run("fmt") == (0, "manifests/b.yaml\n", "3 files: 1 formatted, 2 already formatted.\n")
    assert path.read_text(encoding="utf-8") == TIDY
    assert desk.run("fmt")[:2] == (0, "")


def test_rows_are_not_formatted(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(desk.folder)
    rows = desk.folder / "rows.csv"
    rows.write_bytes(b"\xef\xbb\xbfcode;ville\r\n\r\na; x # 1\r\n")
    before = rows.read_bytes()
    for option in ((), ("--check",), ("--diff",)):
        assert desk.run("fmt", *option, "manifests/a.yaml", "rows.csv") == (
            0,
            "",
            "rows.csv holds rows: not formatted.\n1 file: 1 already formatted.\n",
        )
    assert desk.run("fmt", "rows.csv")[:2] == (0, "")
    assert rows.read_bytes() == before


@pytest.mark.parametrize("option", [(), ("--check",), ("--diff",)])
def test_a_file_that_is_no_manifest_is_refused_and_no_other_is_written(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, option: tuple[str, ...]
) -> None:
    monkeypatch.chdir(desk.folder)
    notes, path = desk.folder / "notes.md", desk.manifest(UNTIDY, "b.yaml")
    notes.write_text("todo:   x\n", encoding="utf-8")
    code, out, err = desk.run("fmt", *option, "manifests/b.yaml", "notes.md")
    assert (code, out) == (64, "")
    assert "Error: notes.md is not formatted: it is no manifest, whose name ends in .yaml or .yml." in err
    assert "Hint: leave it out, rename it, or send it through standard input: kiamo-iac fmt - < FILE" in err
    assert (notes.read_text(encoding="utf-8"), path.read_text(encoding="utf-8")) == ("todo:   x\n", UNTIDY)
    assert desk.run("fmt", "--check", ".")[0] == 2, "a folder has its manifests"


def test_the_project_file_is_formatted_whatever_its_name(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from kiamo_iac.cli.main import run

    monkeypatch.chdir(desk.folder)
    (desk.folder / "kiamo.txt").write_text(PROJECT, encoding="utf-8")
    assert run(["--project", "kiamo.txt", "fmt", "--check", "kiamo.txt"]) == 0
    assert run(["fmt", "--check", "kiamo.txt"]) == 64


def test_check_writes_nothing_and_ends_with_2(desk: Desk) -> None:
    path = desk.manifest(UNTIDY, "b.yaml")
    assert desk.run("fmt", "--check") == (2, "manifests/b.yaml\n", "3 files: 1 would change, 2 already formatted.\n")
    assert path.read_text(encoding="utf-8") == UNTIDY
    assert desk.run("fmt", "--check", "manifests/a.yaml") == (0, "", "1 file: 1 already formatted.\n")


def test_diff_shows_and_writes_nothing(desk: Desk) -> None:
    path = desk.manifest(UNTIDY.replace("one", "\u202e"), "b.yaml")
    code, out, _ = desk.run("fmt", "--diff", "manifests/b.yaml")
    assert code == 0
    assert out == (
        "--- a/manifests/b.yaml\n+++ b/manifests/b.yaml\n@@ -1,2 +1,2 @@\n bases:\n"
        "-- name:   a # \\u202e\n+  - name: a  # \\u202e\n"
    )
    assert path.read_text(encoding="utf-8") == UNTIDY.replace("one", "\u202e")
    assert desk.run("fmt", "--diff", "--check", "manifests/b.yaml")[:2] == (2, out)


def test_a_byte_order_mark_alone_is_told(desk: Desk) -> None:
    path = desk.folder / "manifests" / "b.yaml"
    path.write_bytes(TIDY.encode("utf-8-sig"))
    code, out, err = desk.run("fmt", "--diff", "--check", "manifests/b.yaml")
    assert (code, out) == (2, "")
    assert "manifests/b.yaml would be written as UTF-8 without a byte order mark.\n" in err


def test_errors_are_told_and_the_others_go_on(desk: Desk) -> None:
    path = desk.manifest("a:   [1\n", "0.yaml")
    desk.manifest(UNTIDY, "b.yaml")
    code, out, err = desk.run("fmt")
    assert (code, out) == (1, "manifests/b.yaml\n")
    assert "manifests/0.yaml:2:1: error KIA0101: " in err
    assert err.endswith("4 files: 1 formatted, 1 not changed (errors), 2 already formatted.\n")
    assert path.read_text(encoding="utf-8") == "a:   [1\n"
    assert desk.run("fmt", "--check")[0] == 1


def test_standard_input_to_standard_output(desk: Desk) -> None:
    def piped(data: bytes, *arguments: str) -> tuple[int, bytes, str]:
        done = kiamo("fmt", "-", *arguments, cwd=desk.folder, typed=data.decode())
        return done.returncode, done.stdout.encode(), done.stderr

    crlf = UNTIDY.replace("\n", "\r\n").encode()
    assert piped(crlf) == (0, TIDY.replace("\n", "\r\n").encode(), "")
    assert piped(crlf, "--check") == (2, b"<stdin>\n", "")
    assert piped(TIDY.encode(), "--check") == (0, b"", "")
    code, out, err = piped(b"a: [1\n")
    assert (code, out) == (1, b"")
    assert "<stdin>:2:1: error KIA0101" in err


@pytest.mark.parametrize("arguments", [("-", "manifests"), ("missing.yaml",), ("--unknown",)])
def test_usage(desk: Desk, arguments: tuple[str, ...]) -> None:
    assert desk.run("fmt", *arguments)[0] == 64


def test_no_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from kiamo_iac.cli.main import run

    (tmp_path / ".git").mkdir()
    (tmp_path / "b.yaml").write_text(UNTIDY, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert run(["fmt"]) == 64
    assert run(["fmt", "b.yaml"]) == 0
    assert (tmp_path / "b.yaml").read_text(encoding="utf-8") == TIDY
    capsys.readouterr()


@pytest.mark.parametrize("arguments", [("fmt",), ("fmt", "--check", "--diff"), ("fmt", "manifests/a.yaml")])
def test_it_loads_nothing_that_it_does_not_need(desk: Desk, arguments: tuple[str, ...]) -> None:
    desk.manifest(UNTIDY, "b.yaml")
    code = (
        "import sys, json; from kiamo_iac.cli.main import run; run(sys.argv[1:]);"
        "print(json.dumps(list(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=desk.folder,
        env=variables(),
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = set(json.loads(done.stderr.splitlines()[-1]))
    assert loaded & HEAVY == set()
    assert "kiamo_iac.document.layout" in loaded
    if "manifests/a.yaml" in arguments:  # what pre-commit does, where all is in order
        assert loaded & {"pydantic", "kiamo_iac.app", "kiamo_iac.render.escape"} == set()


def test_examples_and_the_demo_are_in_the_canonical_layout(tmp_path: Path) -> None:
    done = kiamo("fmt", "--check", "examples", "kiamo_iac/demo/project", cwd=ROOT)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr
    shutil.copytree(ROOT / "examples" / "02-outbound-campaigns", tmp_path / "project")
    done = kiamo("fmt", "--check", cwd=tmp_path / "project")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "5 files: 5 already formatted.\n")


def test_the_manifest_of_the_tests_is_canonical() -> None:
    done = kiamo("fmt", "-", typed=MANIFEST)
    assert done.stdout == MANIFEST


def test_a_diff_in_a_file_is_utf8_whatever_the_console_speaks(tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text("bases:\n- name:   équipe →\n", encoding="utf-8")
    done = subprocess.run(
        [*COMMAND, "fmt", "--diff", "m.yaml"],
        cwd=tmp_path,
        env=variables(PYTHONIOENCODING="cp1252"),
        capture_output=True,
        check=False,
    )
    assert "+  - name: équipe →\n" in done.stdout.decode("utf-8").replace("\r\n", "\n")


def test_a_link_of_a_project_is_not_followed_out_of_it(desk: Desk, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside") / "theirs.yaml"
    outside.write_text(UNTIDY, encoding="utf-8")
    link = desk.folder / "manifests" / "l.yaml"
    link.symlink_to(outside)
    code, _, err = desk.run("fmt", "manifests/l.yaml")
    assert code == 1
    assert "manifests/l.yaml" in err
    assert outside.read_text(encoding="utf-8") == UNTIDY
    assert link.is_symlink()
