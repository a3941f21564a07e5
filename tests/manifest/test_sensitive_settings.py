"""Secrets in manifests: each with its code, its place and its severity; see also tests/security/test_s16_found.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from kiamo_iac.core.address import Address
from kiamo_iac.core.sensitive import Sensitive, masked
from kiamo_iac.manifest.project.file import load_project
from kiamo_iac.manifest.project_checks import check_project_manifests
from tests.manifest.loading import codes, loaded
from tests.manifest.packaged import CAPABILITIES
from tests.security.secrets import FORMS


def base(settings: str, more: str = "") -> str:
    return f"bases:\n  - name: a\n    settings: {{{settings}}}\n{more}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (base(f"x: {FORMS['npm']}"), ["m.yaml:3:19 KIA0240"]),
        (base("mdp: x"), ["m.yaml:3:21 KIA0241?"]),
        (base("auth: {token: x, user: y}"), ["m.yaml:3:22 KIA0241?"]),
        (
            base("a: {token: x}, b: [{pwd: y}, {pwd: z}]"),
            ["m.yaml:3:27 KIA0241?", "m.yaml:3:41 KIA0241?", "m.yaml:3:51 KIA0241?"],
        ),
        (base("mdp: x, zone: y", "    sensitive: [settings.mdp, settings.zone]\n"), []),
        (base("mdp: x", "    sensitive: [settings]\n"), []),
        (base("a: {pwd: x}", "    sensitive: [settings.a]\n"), []),
        (base("mdp: x", "    sensitive: [mdp]\n"), ["m.yaml:3:21 KIA0241?", "m.yaml:4:17 KIA0242"]),
        (base("x: 1", "    sensitive: [settings.y]\n"), ["m.yaml:4:17 KIA0243?"]),
        ("bases: [{name: a, sensitive: [settings.y]}]\n", ["m.yaml:1:31 KIA0243?"]),
        (base("x: [(sensitive)]"), ["m.yaml:3:20 KIA0244"]),
        ("bases: [{name: a, sensitive: settings.y}]\n", ["m.yaml:1:30 KIA0203"]),
        ("bases: [{name: a, sensitive: [[x]]}]\n", ["m.yaml:1:31 KIA0203"]),
    ],
)
def test_what_is_said(tmp_path: Path, text: str, expected: list[str]) -> None:
    assert codes(loaded(tmp_path, text).diagnostics) == expected


def test_the_state_has_wrappers(tmp_path: Path) -> None:
    found = loaded(tmp_path, base("a: {pwd: x, n: 1}, zone: y", "    sensitive: [settings.zone]\n")).state
    settings = found[Address.of("bases", "a")].settings
    assert masked(settings) == {"a": {"pwd": "(sensitive)", "n": 1}, "zone": "(sensitive)"}
    assert isinstance(settings["zone"], Sensitive)
    assert settings["zone"] == "y"


def test_variables_are_told_at_their_values(tmp_path: Path) -> None:
    (tmp_path / "manifests").mkdir()
    (tmp_path / "manifests" / "m.yaml").write_text(base("x: '${db_pwd}${api_token}${pwd_length}'"), encoding="utf-8")
    (tmp_path / "kiamo.yaml").write_text(
        "manifests: [manifests]\nvariables: {db_pwd: a, pwd_length: b}\n"
        "environments: {e: {url: 'https://x.example.com', variables: {api_token: c}}}\n",
        encoding="utf-8",
    )
    found = check_project_manifests(load_project(tmp_path / "kiamo.yaml"), CAPABILITIES).diagnostics
    assert codes(found) == ["kiamo.yaml:2:21 KIA0245?", "kiamo.yaml:3:73 KIA0245?"]
