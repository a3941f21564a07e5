"""Each row of the threat model in SECURITY.md, tried as its attacker would.

What has many spellings is tried in full by the tests that the row names beside this one.
"""

from __future__ import annotations

import json
import os
import re
import socket
import stat
import subprocess
import sys
from pathlib import Path

import click
import pytest

from kiamo_iac.cli import reference
from kiamo_iac.cli.main import cli, run
from kiamo_iac.emulator import FULL_TOKEN, EmulatorRequest
from tests.cli.conftest import MANIFEST, Desk
from tests.cli.program import ROOT, kiamo, variables
from tests.http.servers import CERTIFICATES, always, answer, wild
from tests.render.html.xss import CORPUS as HTML_CORPUS

SENDING = (
    ("plan", "-e", "staging"),
    ("apply", "-e", "staging", "--yes"),
    ("drift", "-e", "staging"),
    ("export", "-e", "staging"),
    ("plan", "--all-environments"),
)
"""Command lines that send the token of an environment."""
FORMATS = ("text", "json", "markdown", "html", "github", "gitlab")
CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
"""What a terminal or an eye obeys: all controls but the line feed, bidi and zero-width characters."""


def project_at(folder: Path, url: str, *, environment: str = "staging") -> None:
    """A project of one environment with one base."""
    (folder / "manifests").mkdir(exist_ok=True)
    (folder / "manifests" / "a.yaml").write_text("bases:\n  - {name: prospects, label: P}\n", encoding="utf-8")
    (folder / "kiamo.yaml").write_text(
        f"manifests: [manifests]\nenvironments:\n  {environment}: {{url: '{url}'}}\n", encoding="utf-8"
    )


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory, and the token of staging in the environment."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KIAMO_STAGING_TOKEN", FULL_TOKEN)
    return tmp_path


def test_threat_token_in_output(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A server that answers with what it was sent, in the body and in a header."""
    body = json.dumps({"error": {"code": "ERR_1000", "message": f"unknown token {FULL_TOKEN}"}}).encode()
    said = ""
    for status in ("200 OK", "400 Bad EmulatorRequest", "401 Unauthorized", "500 Internal Server Error"):
        with wild(
            always(answer(body, status=status, headers=f"Connection: close\r\nX-Echo: {FULL_TOKEN}\r\n"))
        ) as evil:
            project_at(folder, evil.url)
            for line in SENDING:
                assert run(["-v", *line]) != 0
                said += "".join(capsys.readouterr())
            assert FULL_TOKEN.encode() in evil.requests[0]
    assert "GET /api" in said
    assert FULL_TOKEN[:10] not in said
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert not any(FULL_TOKEN.encode() in path.read_bytes() for path in files)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_threat_redirects(folder: Path, capsys: pytest.CaptureFixture[str], status: int) -> None:
    with wild(always(answer(b"[]"))) as other:
        location = f"Connection: close\r\nLocation: {other.url}/api/services\r\n"
        with wild(always(answer(b"", status=f"{status} Moved", headers=location))) as server:
            project_at(folder, server.url)
            for line in SENDING:
                assert run(line) == 1
            assert server.requests
        assert other.connections == 0
    assert str(status) in capsys.readouterr().err


def test_threat_chosen_host(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("KIAMO_STAGING_ORIGIN", "https://kiamo.example.com")
    with wild(always(answer(b"[]"))) as evil:
        project_at(folder, evil.url)
        for line in SENDING:
            code = run(line)
            said = "".join(capsys.readouterr())
            assert code in {1, 64}
            assert "KIAMO_STAGING_ORIGIN" in said
            assert "kiamo.yaml" in said
        assert evil.connections == 0


def test_threat_unpinned_host(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One environment is pinned; the request renames it, or adds one whose token the pipeline happens to hold."""
    monkeypatch.setenv("KIAMO_PRODUCTION_ORIGIN", "https://kiamo.example.com")
    monkeypatch.setenv("KIAMO_TOKEN", FULL_TOKEN)
    monkeypatch.setenv("KIAMO_PRODUCTION_PLAN_TOKEN", FULL_TOKEN)
    with wild(always(answer(b"[]"))) as evil:
        for name in ("staging", "renamed", "production-plan"):
            project_at(folder, evil.url, environment=name)
            for line in SENDING:
                code = run([name if word == "staging" else word for word in line])
                assert code in {1, 64}
                assert "".join(capsys.readouterr())
        assert evil.connections == 0


def test_threat_certificates(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("PYTHONHTTPSVERIFY", "GIT_SSL_NO_VERIFY", "NODE_TLS_REJECT_UNAUTHORIZED"):
        monkeypatch.setenv(name, "1" if name.endswith("VERIFY") and "NO" in name else "0")
    with wild(always(answer(b"[]")), tls=True) as server:
        project_at(folder, server.url.replace("http:", "https:"))
        assert run(["plan", "-e", "staging"]) == 1
        assert "--ca-bundle FILE" in capsys.readouterr().err
        assert server.requests == []
        assert run(["--ca-bundle", str(CERTIFICATES / "authority.pem"), "plan", "-e", "staging"]) == 0
        assert server.requests
    options = {o for _, command, _ in reference.commands() for p in command.params for o in p.opts}
    options |= {o for p in cli.params if isinstance(p, click.Option) for o in p.opts}
    assert not [option for option in options if re.search("insecure|verify|skip-tls|no-check", option)]


BOMBS = {
    "laughs": "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9 if n else ['lol'] * 9)}]\n" for n in range(9)),
    "depth": "bases: " + "[" * 100_000,
    "block": "".join(f"{' ' * n}a:\n" for n in range(2_000)),
    "size": "# " + "x" * 40_000_000,
    "keys": "bases: {" + ", ".join(f"k{n}: 1" for n in range(600_000)) + "}",
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_threat_yaml_bombs(folder: Path, bomb: str) -> None:
    """The memory is that of a process of its own, beside that of the same process with a manifest that is in order."""
    project_at(folder, "http://127.0.0.1:1")
    program = (
        "import resource, sys; from kiamo_iac.cli.main import run; code = run(['validate']);"
        "print(code, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )

    def measured() -> tuple[int, int, str]:
        done = subprocess.run(
            [sys.executable, "-c", program], cwd=folder, env=variables(), capture_output=True, text=True, check=True
        )
        code, peak = map(int, done.stdout.splitlines()[-1].split())
        return code, peak * (1 if sys.platform == "darwin" else 1024), done.stderr + done.stdout

    plain = measured()
    assert plain[0] == 0, plain
    (folder / "manifests" / "bomb.yaml").write_text(BOMBS[bomb], encoding="utf-8")
    code, peak, said = measured()
    assert code == 1
    assert "manifests/bomb.yaml" in said
    assert peak - plain[1] < 100 * 1024 * 1024


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("bases: !!python/object/apply:os.system [id]\n", "1:8"),
        ("bases:\n  - !exec {name: a}\n", "2:5"),
        ("%YAML 1.1\n---\nbases: []\n", "1:1"),
        ("bases: []\nbases: []\n", "2:1"),
        ('bases:\n  - {name: a, "settings": {"\u00e9": 1, "e\u0301": 2}}\n', "2:36"),
    ],
)
def test_threat_yaml_tags(folder: Path, capsys: pytest.CaptureFixture[str], text: str, place: str) -> None:
    project_at(folder, "http://127.0.0.1:1")
    (folder / "manifests" / "b.yaml").write_text(text, encoding="utf-8")
    assert run(["validate"]) == 1
    assert f"manifests/b.yaml:{place}: error KIA01" in "".join(capsys.readouterr())


@pytest.mark.parametrize(
    "path", ["..", "/", "../other", "manifests/../../other", "C:\\\\x", "\\\\\\\\host\\\\x", "link"]
)
@pytest.mark.parametrize("key", ["manifests", "contract", "patches", "ledger"])
def test_threat_paths(folder: Path, capsys: pytest.CaptureFixture[str], path: str, key: str) -> None:
    """Nothing outside is read, and its text is not quoted."""
    project, outside = folder / "project", folder / "other"
    project.mkdir()
    outside.mkdir()
    (outside / "a.yaml").write_text("bases:\n  - {name: outside}\n", encoding="utf-8")
    (project / "link").symlink_to(outside if key in {"manifests", "patches"} else outside / "a.yaml")
    (project / "manifests").mkdir()
    manifests = f'["{path}"]' if key == "manifests" else "[manifests]"
    more = {
        "patches": f', patches: ["{path}"]',
        "ledger": f', ledger: {{backend: file, path: "{path}"}}',
    }.get(key, "")
    (project / "kiamo.yaml").write_text(
        f"manifests: {manifests}\n"
        + (f'contract: "{path}"\n' if key == "contract" else "")
        + f"environments: {{staging: {{url: 'http://127.0.0.1:1'{more}}}}}\n",
        encoding="utf-8",
    )
    before = {file: file.read_bytes() for file in outside.iterdir()}
    assert run(["--project", str(project / "kiamo.yaml"), "validate"]) == 1
    said = "".join(capsys.readouterr())
    assert "kiamo.yaml:" in said
    assert "KIA03" in said
    assert "name: outside" not in said
    assert {file: file.read_bytes() for file in outside.iterdir()} == before


ODD_NAMES = (
    "\x1b]8;;https://evil\x07x",
    "\x1b[2Jx",
    "a\u202eb",
    "a\u2066b",
    "[/red]",
    "\x9b31mx",
    "a\rb",
    "zero\u200bwidth",
)


@pytest.mark.parametrize("name", ODD_NAMES)
def test_threat_control_characters(desk: Desk, name: str) -> None:
    desk.emulator.seed({"bases": [{"name": "prospects", "label": name, "fields": []}]})
    lines: list[tuple[str, ...]] = [("plan", "-e", "staging", "--format", each) for each in FORMATS]
    lines += [("drift", "-e", "staging"), ("export", "-e", "staging"), ("apply", "-e", "staging", "--yes")]
    for line in lines:
        _, out, err = desk.run("-v", *line)
        found = CONTROL.search(out + err)
        assert found is None, (line, (out + err)[max(0, found.start() - 60) : found.end() + 20])
    assert desk.emulator.dump()["bases"][0]["label"] == "Prospects"


def test_threat_git(desk: Desk, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A bare repository in the checkout, whose configuration names programs."""
    outside = tmp_path_factory.mktemp("outside")
    marks = {name: outside / name for name in ("fsmonitor", "uploadpack", "hook", "sshcommand")}
    for name in ("objects/info", "refs/heads", "hooks"):
        (desk.folder / name).mkdir(parents=True)
    (desk.folder / "HEAD").write_text("ref: refs/heads/main\n", encoding="utf-8")
    (desk.folder / "hooks" / "pre-push").write_text(f"#!/bin/sh\ntouch {marks['hook']}\n", encoding="utf-8")
    (desk.folder / "hooks" / "pre-push").chmod(0o755)
    (desk.folder / "config").write_text(
        "[core]\n\trepositoryformatversion = 0\n\tbare = true\n"
        f'\tfsmonitor = "touch {marks["fsmonitor"]}; false"\n\tsshCommand = "touch {marks["sshcommand"]}; false"\n'
        f'[remote "origin"]\n\turl = .\n\tuploadpack = "touch {marks["uploadpack"]}; git-upload-pack"\n',
        encoding="utf-8",
    )
    desk.project(
        "manifests: [manifests]\n"
        "environments: {staging: {url: 'http://127.0.0.1:8090', ledger: {backend: git, remote: origin}}}\n"
    )
    for line in (*SENDING, ("ledger", "list", "-e", "staging"), ("adopt", "-e", "staging", "bases/prospects")):
        code, out, err = desk.run(*line)
        assert code != 0, out + err
    assert not [name for name, path in marks.items() if path.exists()]


@pytest.mark.skipif(os.name == "nt", reason="links and modes of POSIX")
def test_threat_checkout_files(desk: Desk, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A link in every place where the ledger's files are written: what it names stays as it is."""
    target = tmp_path_factory.mktemp("outside") / "precious"
    desk.apply()
    ledger = desk.ledger.read_bytes()
    desk.manifest(MANIFEST.replace("label: Prospects", "label: Anders"))
    for suffix in ("", ".holder.json", ".lock", ".torn"):
        target.write_bytes(b"precious\n" if suffix else ledger)
        kept = target.read_bytes()
        place = desk.ledger.with_name(desk.ledger.name + suffix)
        place.unlink(missing_ok=True)
        place.symlink_to(target)
        desk.run("apply", "-e", "staging", "--yes")
        assert target.read_bytes() == kept, suffix
        place.unlink()
        desk.ledger.write_bytes(ledger)
    desk.run("apply", "-e", "staging", "--yes")
    for path in desk.ledger.parent.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path.name


def test_threat_secrets_in_settings(desk: Desk) -> None:
    value = "Zebra-Kanari-42"
    note = "ghp_" + "k4N4ri" * 6
    settings = {"smtp_password": value, "note": note}
    desk.emulator.seed({"bases": [{"name": "prospects", "label": "P", "settings": settings}]})
    code, out, err = desk.run("export", "-e", "staging")
    assert code == 0, err
    assert "smtp_password" in out + err
    assert value not in out + err
    assert note not in out + err
    desk.manifest(
        MANIFEST.replace("label: Prospects", f"label: Prospects\n    settings: {{smtp_password: {value}-new}}")
    )
    for line in [("plan", "-e", "staging", "--format", each) for each in FORMATS]:
        code, out, err = desk.run(*line, *(("--out", "saved.plan") if line[-1] == "text" else ()))
        assert code == 0, out + err
        assert "smtp_password" in out or line[-1] == "gitlab"
        assert value not in out + err
    assert value not in (desk.folder / "saved.plan").read_text(encoding="utf-8")
    desk.apply()
    assert desk.emulator.dump()["bases"][0]["settings"]["smtp_password"] == f"{value}-new"
    assert "smtp_password" in desk.ledger.read_text(encoding="utf-8")
    assert value not in desk.ledger.read_text(encoding="utf-8")
    desk.manifest(MANIFEST.replace("label: Prospects", f"label: Prospects\n    settings: {{note: {note}}}"))
    code, out, err = desk.run("validate")
    assert code == 1
    assert note not in out + err


COMMANDS = ("x\n::error::pwned", "##vso[task.setvariable variable=a]b", "##[add-mask]x", "::add-mask::x", "a\r::b::c")


@pytest.mark.parametrize("name", COMMANDS)
def test_threat_ci_commands(desk: Desk, name: str) -> None:
    desk.emulator.seed({"bases": [{"name": "prospects", "label": name, "fields": []}]})
    lines: list[tuple[str, ...]] = [("plan", "-e", "staging", "--format", each) for each in FORMATS if each != "github"]
    lines += [("drift", "-e", "staging"), ("export", "-e", "staging"), ("apply", "-e", "staging", "--yes")]
    for line in lines:
        _, out, err = desk.run("-v", *line)
        for text in re.split(r"[\r\n]", out + err):
            assert not text.lstrip().startswith("::"), (line, text)
            assert not re.search(r"##(?:vso)?\[", text), (line, text)
    _, out, _ = desk.run("plan", "-e", "staging", "--format", "github")
    assert all("pwned" not in text and "add-mask" not in text for text in re.findall(r"(?m)^::(\w+)", out))


def test_threat_html_and_markdown(desk: Desk) -> None:
    """The same corpus is opened in a browser by `make browser`."""
    for evil in HTML_CORPUS:
        desk.manifest(MANIFEST.replace("label: Prospects", f"label: {json.dumps(evil)}"))
        code, out, _ = desk.run("plan", "-e", "staging", "--format", "html")
        if code == 0:
            assert out.count("<script") == 1
            assert "Content-Security-Policy" in out
            assert not re.search(r"<(?:img|iframe|form|base|link|object|embed)\b", out)
        code, out, _ = desk.run("plan", "-e", "staging", "--format", "markdown")
        fences = re.findall(r"(?m)^(`{3,}|~{3,})", out)
        assert len(fences) % 2 == 0
        assert not re.search(r"(?m)^<(?:script|img|iframe)", out)


def test_threat_changed_plan_file(desk: Desk) -> None:
    """Every value of the file is changed, one at a time."""
    code, _, err = desk.run("plan", "-e", "staging", "--out", "saved.plan")
    assert code == 0, err
    file = desk.folder / "saved.plan"
    whole = file.read_text(encoding="utf-8")
    places = [match.span() for match in re.finditer(r"(?<=[:\[,]) ?(?:\"[^\"\n]+\"|\d+|true|false)", whole)]
    assert len(places) > 60
    for start, end in places:
        value = whole[start:end]
        other = {" true": " false", " false": " true", "true": "false", "false": "true"}.get(value)
        if other is None:
            other = value[:-1] + ("x" if value.endswith('x"') is False else "y") + '"' if '"' in value else f"{value}1"
        file.write_text(whole[:start] + other + whole[end:], encoding="utf-8")
        code, _, err = desk.run("apply", "saved.plan", "--yes", "--allow-start")
        assert code in {1, 3, 64}, (value, err)
    assert desk.writes() == []
    file.write_text(whole, encoding="utf-8")
    assert desk.run("apply", "saved.plan", "--yes")[0] == 0


@pytest.mark.parametrize("value", ["0612345678", "+33612345678", "2026-01-01", "0x1F", "1e5"])
def test_threat_unquoted_numbers(folder: Path, capsys: pytest.CaptureFixture[str], value: str) -> None:
    project_at(folder, "http://127.0.0.1:1")
    file = folder / "manifests" / "b.yaml"
    file.write_text(f"bases:\n  - name: b\n    label: {value}\n", encoding="utf-8")
    assert run(["validate"]) == 1
    said = "".join(capsys.readouterr())
    assert "manifests/b.yaml:3:12: error" in said
    assert "quote" in said
    file.write_text(f'bases:\n  - name: b\n    label: "{value}"\n', encoding="utf-8")
    assert run(["validate"]) == 0


def test_threat_encodings(folder: Path) -> None:
    project_at(folder, "http://127.0.0.1:1")
    file = folder / "manifests" / "a.yaml"
    text = "bases:\r\n  - {name: prospects, label: Été – ✓}\r\n"
    for data in (
        text.encode("utf-8-sig"),
        text.encode("utf-16"),
        "\ufeff".encode("utf-16-le") + text.encode("utf-16-le"),
        "\ufeff".encode("utf-16-be") + text.encode("utf-16-be"),
    ):
        file.write_bytes(data)
        for encoding in ("cp1252", "ascii", "utf-8"):
            done = kiamo("validate", cwd=folder, PYTHONIOENCODING=encoding)
            assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr
        done = kiamo("render", "-e", "staging", cwd=folder)  # into a pipe: UTF-8, whatever the console speaks
        assert done.returncode == 0
        assert "Été – ✓" in done.stdout
        done = kiamo("fmt", cwd=folder)
        assert done.returncode == 0, done.stderr
        assert not file.read_bytes().startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff"))
        assert file.read_bytes().decode("utf-8").count("\r\n") == file.read_bytes().count(b"\n") == 2


@pytest.mark.skipif(os.name == "nt", reason="modes of POSIX")
def test_threat_other_users(desk: Desk) -> None:
    before = os.umask(0)
    try:
        desk.apply()
        desk.manifest(MANIFEST.replace("label: Prospects", "label: Anders"))
        assert desk.run("plan", "-e", "staging", "--out", "saved.plan")[0] == 0
    finally:
        os.umask(before)
    kept = [*desk.ledger.parent.iterdir(), desk.folder / "saved.plan"]
    assert {path.name for path in kept} >= {"staging.ledger.jsonl", "staging.ledger.jsonl.lock", "saved.plan"}
    assert [path.name for path in kept if stat.S_IMODE(path.stat().st_mode) & 0o077] == []


HOSTILE_CONTRACTS = (
    "auth: {header: Host, basis: assumed}",
    "auth: {header: cookie, basis: assumed}",
    "prefix: {path: /../../admin, basis: assumed}",
    "kinds: {base: {operations: {list: {path: /../../admin}}}}",
    "kinds: {base: {names: {pattern: '(?=(a+)+)b', basis: assumed}}}",
    "errors: {code_pattern: '((a+)+)+(?!b)'}",
)


@pytest.mark.parametrize("contract", HOSTILE_CONTRACTS)
def test_threat_contract_override(folder: Path, capsys: pytest.CaptureFixture[str], contract: str) -> None:
    (folder / "contract.yaml").write_text(f"{contract}\n", encoding="utf-8")
    with wild(always(answer(b"[]"))) as server:
        project_at(folder, server.url)
        text = (folder / "kiamo.yaml").read_text(encoding="utf-8")
        (folder / "kiamo.yaml").write_text(f"contract: contract.yaml\n{text}", encoding="utf-8")
        for line in SENDING:
            assert run(line) == 1
            assert "contract.yaml:1:" in "".join(capsys.readouterr())
        assert server.connections == 0


def test_threat_endless_answers(desk: Desk) -> None:
    desk.emulator.seed({"bases": [{"name": f"b{n}", "label": "B"} for n in range(300)]})
    desk.project(
        "manifests: [manifests]\n"
        "environments: {staging: {url: 'http://127.0.0.1:8090', limits: {rows: 200, bytes: 536870912}}}\n"
    )
    for line in SENDING[:4]:
        code, out, err = desk.run(*line)
        assert code == 1, out
        assert "GET /api/bases" in err
        assert "limits" in err
    assert desk.writes() == []


def test_threat_foreign_ledger(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A url of another server, where a base of the same name and id lives that no manifest declares."""
    desk.apply()
    writes = len(desk.writes())
    desk.manifest("services: [{name: Ventes}]\n")
    monkeypatch.setenv("KIAMO_STAGING_URL", "https://other.example.com")
    for command in (("plan", "--prune"), ("apply", "--prune", "--yes"), ("drift",), ("adopt", "bases/prospects")):
        code, _, err = desk.run(command[0], "-e", "staging", *command[1:])
        assert code == 1
        assert "belongs to another instance" in err
    assert len(desk.writes()) == writes


def test_threat_ledger_addresses(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KIAMO_STAGING_LEDGER_USERNAME", "robot")
    monkeypatch.setenv("KIAMO_STAGING_LEDGER_PASSWORD", "s3cret-of-the-ledger")
    page = answer(b"<!DOCTYPE html><title>Sign in</title>")
    with wild(always(page)) as server:
        for more in ("", f", unlock_address: '{server.url}/states/other', unlock_method: DELETE"):
            ledger = f"{{backend: http, address: '{server.url}/states/mine'{more}}}"
            desk.project(
                "manifests: [manifests]\n"
                f"environments: {{staging: {{url: 'http://127.0.0.1:8090', ledger: {ledger}}}}}\n"
            )
            for line in SENDING[:2]:
                assert desk.run(*line)[0] == 1
        assert not [request for request in server.requests if b"/states/other" in request]
    assert desk.writes() == []


def test_threat_commands_to_copy(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server says that a lock is held, with an id that is a command of a shell."""
    evil = "x; touch $(id) `id` '\" & #"
    held = answer(json.dumps({"ID": evil, "Who": evil, "Created": evil}).encode(), status="423 Locked")

    def locked(peer: socket.socket, request: bytes) -> None:
        peer.sendall(held if request.startswith(b"LOCK") else answer(b"", status="404 Not Found"))

    with wild(locked) as server:
        desk.project(
            "manifests: [manifests]\nenvironments:\n  staging:\n    url: http://127.0.0.1:8090\n"
            f"    ledger: {{backend: http, address: '{server.url}/state'}}\n"
        )
        code, out, err = desk.run("apply", "-e", "staging", "--yes")
    assert code == 5, out + err
    command = re.search(r"kiamo-iac ledger unlock -e staging (.*)", err)
    assert command is not None
    assert re.fullmatch(r"sha256-[0-9a-f]{32}\b.*", command[1])
    assert "touch" not in command[1]


def test_threat_workflows(folder: Path) -> None:
    assert run(["init", ".", "--ci", "github"]) == 0
    text = (folder / ".github" / "workflows" / "kiamo.yml").read_text(encoding="utf-8")
    used = re.findall(r"uses: (\S+)", text)
    assert used
    assert [name for name in used if not re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}|\./\.kiamo-iac", name)] == []
    assert re.search(r"(?m)^permissions: \{\}", text)
    assert not re.search(r"(?m)^\s*pull_request_target:", text)
    assert len(re.findall(r"(?m)^\s+persist-credentials: ", text)) == text.count("uses: actions/checkout@")
    scripts = re.findall(r"run: (?:\|\n((?:\s{8,}.*\n)+)|(.*))", text)
    assert not [script for pair in scripts for script in pair if "${{" in script]


@pytest.mark.parametrize(
    ("header", "value"), [("host", "evil.example"), ("origin", "https://evil.example"), ("origin", "null")]
)
def test_threat_emulator_pages(desk: Desk, header: str, value: str) -> None:
    for method, path in (("POST", "/_emulator/reset"), ("GET", "/_emulator/dump"), ("POST", "/_emulator/seed")):
        response = desk.emulator.answer(
            EmulatorRequest(method, path, {}, {"host": "127.0.0.1:8090", header: value}, b"{}")
        )
        assert response.status in {403, 421}
        assert b"Ventes" not in response.body
    assert desk.emulator.dump()["services"]


def test_the_package_is_the_one_of_this_checkout() -> None:
    """Or every attack above would be on something else."""
    import kiamo_iac

    assert Path(kiamo_iac.__file__).resolve().is_relative_to(ROOT)
