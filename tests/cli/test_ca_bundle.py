"""Certificates: one that nobody signed is refused, and taken with `--ca-bundle`; there is no way to skip the check."""

from __future__ import annotations

from pathlib import Path

import pytest

from kiamo_iac.cli.main import run
from tests.http.servers import CERTIFICATES, always, answer, wild


@pytest.mark.parametrize(("bundle", "code"), [(False, 1), (True, 0)])
def test_an_unknown_authority_is_named_or_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], bundle: bool, code: int
) -> None:
    (tmp_path / "manifests").mkdir()
    (tmp_path / "manifests" / "a.yaml").write_text("bases:\n  - name: prospects\n", encoding="utf-8")
    monkeypatch.setenv("KIAMO_STAGING_TOKEN", "0123456789" * 4)
    options = ["--ca-bundle", str(CERTIFICATES / "authority.pem")] if bundle else []
    with wild(always(answer(b"[]")), tls=True) as server:
        project = tmp_path / "kiamo.yaml"
        url = server.url.replace("http:", "https:")
        project.write_text(f"manifests: [manifests]\nenvironments:\n  staging: {{url: '{url}'}}\n", encoding="utf-8")
        assert run(["--project", str(project), *options, "plan", "-e", "staging"]) == code
        assert bool(server.requests) is bundle
    said = capsys.readouterr()
    assert ("1 to create" in said.out) is bundle
    assert ("--ca-bundle FILE" in said.err) is not bundle


def test_a_bundle_that_is_not_there_is_a_mistake_of_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--ca-bundle", "nowhere.pem", "plan", "-e", "staging"]) == 64
    assert "nowhere.pem" in capsys.readouterr().err
