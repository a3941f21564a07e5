"""A url that two parsers read in two ways: the pin is compared with one host, and the token goes to another."""

from __future__ import annotations

import os
from pathlib import Path

import httpx
import pytest

from kiamo_iac.cli.main import run
from kiamo_iac.cli.session import Session
from tests.cli.conftest import MANIFEST

TOKEN = ("0123456789abcdef" * 3)[:40]
AMBIGUOUS = (
    ("http://[::1]", "http://[::1]47120"),
    ("http://[::1]:80", "http://[::1]080"),
    ("http://127.0.0.1", "http://127.1"),
    ("http://127.0.0.1", "http://2130706433"),
    ("http://127.0.0.1", "http://0x7f.0.0.1"),
    ("http://127.0.0.1", "http://127.0.0.01"),
    ("http://127.0.0.1", "http://127.0.0.1:"),
    ("http://127.0.0.1", "http://127.0.0.1:+80"),
    ("https://kiamo.example.com", "https://kiamo.example.com."),
    ("https://kiamo.example.com", "https://kiamo.example.com:00443"),
    ("https://kiamo.example.com", "https://kiamo.example.com\\\\@evil.example"),
    ("https://kiamo.example.com", "https://kiamo.example.com%40evil.example"),
    ("https://kiamo.example.com", "https://kiamo.example.com#@evil.example"),
    ("https://kiamo.example.com", "https://evil.example@kiamo.example.com"),
    ("https://kiamo.example.com", "https:/kiamo.example.com"),
    ("https://kiamo.example.com", "//kiamo.example.com"),
    ("https://kiamo.example.com", "https://kiamo\\uFF0Eexample\\u3002com"),
    ("https://kiamo.example.com", "https://kiamo.example.com\\t"),
    ("https://kiamo.example.com", "https://kiamo.example.com/..;/admin"),
    ("https://kiamo.example.com", "https://kiamo.example.com/%2e%2e/admin"),
    ("https://kiamo.example.com", "https://kiamo.example.com//evil.example"),
)
"""A pin, and a url in the escapes of YAML's double quotes."""


class Network(httpx.BaseTransport):
    """Takes the place of the network, and keeps what was to be sent."""

    def __init__(self) -> None:
        self.asked: list[httpx.Request] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        return httpx.Response(200, json=[])


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout, in a job that holds the token of staging."""
    for name in [name for name in os.environ if name.startswith(("KIAMO_", "CI_", "GITHUB_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("KIAMO_STAGING_TOKEN", TOKEN)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "manifests").mkdir()
    (tmp_path / "manifests" / "a.yaml").write_text(MANIFEST, encoding="utf-8")
    return tmp_path


def project(folder: Path, environment: str) -> None:
    """A project file with staging alone."""
    text = f"manifests: [manifests]\nenvironments:\n  staging: {{{environment}}}\n"
    (folder / "kiamo.yaml").write_text(text, encoding="utf-8")


@pytest.mark.parametrize(("pin", "url"), AMBIGUOUS)
@pytest.mark.parametrize("pinned", [True, False])
def test_s08_a_url_in_the_project_file(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    pin: str,
    url: str,
    pinned: bool,
) -> None:
    project(folder, f'url: "{url}"')
    if pinned:
        monkeypatch.setenv("KIAMO_STAGING_ORIGIN", pin)
    network = Network()
    assert run(("plan", "-e", "staging"), session=Session(transport=network)) == 1
    assert "kiamo.yaml:3:18: error KIA0307" in "".join(capsys.readouterr())
    assert network.asked == []


@pytest.mark.parametrize(("pin", "url"), [pair for pair in AMBIGUOUS if "\\" not in pair[1]])
def test_s08_a_url_that_overrides_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], pin: str, url: str
) -> None:
    project(folder, f"url: '{pin}'")
    monkeypatch.setenv("KIAMO_STAGING_ORIGIN", pin)
    monkeypatch.setenv("KIAMO_STAGING_URL", url)
    network = Network()
    assert run(("plan", "-e", "staging"), session=Session(transport=network)) == 64
    assert "Invalid url in KIAMO_STAGING_URL" in capsys.readouterr().err
    assert network.asked == []


@pytest.mark.parametrize(("pin", "url"), AMBIGUOUS)
@pytest.mark.parametrize("key", ["address", "lock_address", "unlock_address"])
def test_s08_an_address_of_a_ledger(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], pin: str, url: str, key: str
) -> None:
    address = "" if key == "address" else f"address: '{pin}/state', "
    project(folder, f'url: "https://kiamo.example.com", ledger: {{backend: http, {address}{key}: "{url}"}}')
    monkeypatch.setenv("KIAMO_STAGING_LEDGER_ORIGIN", pin)
    network = Network()
    assert run(("ledger", "list", "-e", "staging"), session=Session(transport=network)) == 1
    assert "error KIA0312" in "".join(capsys.readouterr())
    assert network.asked == []


@pytest.mark.parametrize(("pin", "url"), [pair for pair in AMBIGUOUS if "\\" not in pair[1]])
def test_s08_a_pin_is_as_strict_as_a_url(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], pin: str, url: str
) -> None:
    project(folder, f"url: '{pin}'")
    monkeypatch.setenv("KIAMO_STAGING_ORIGIN", url)
    network = Network()
    assert run(("plan", "-e", "staging"), session=Session(transport=network)) == 64
    assert "KIAMO_STAGING_ORIGIN is invalid" in capsys.readouterr().err
    assert network.asked == []


def test_s08_a_url_of_one_reading_is_called(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project(folder, "url: 'http://[::1]:47120/base'")
    monkeypatch.setenv("KIAMO_STAGING_ORIGIN", "http://[0:0:0:0:0:0:0:1]:47120")
    network = Network()
    run(("plan", "-e", "staging"), session=Session(transport=network))
    assert {(r.url.raw_host, r.url.port) for r in network.asked} == {(b"::1", 47120)}
    assert all(request.url.path.startswith("/base/") for request in network.asked)
