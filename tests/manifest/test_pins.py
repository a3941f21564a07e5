"""Pins: once one is set, all are asked for; instances and ledgers count separately."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiamo_iac.core.diagnostics import SourceRange
from kiamo_iac.core.errors import UsageError
from kiamo_iac.manifest.environment import resolve_environment
from kiamo_iac.manifest.pins import pinned_ledger_origin
from kiamo_iac.manifest.project.model import Environment, Project
from tests.manifest.test_project_file import project

TOKEN = ("0123456789abcdef" * 3)[:40]
HERE = "https://kiamo.example.com"
ONE = f"manifests: [manifests]\nenvironments:\n  staging: {{url: '{HERE}'}}\n"
TWO = f"{ONE}  production: {{url: 'https://prod.example.com'}}\n"
OWN = {"KIAMO_STAGING_TOKEN": TOKEN}
SHARED = {"KIAMO_TOKEN": TOKEN}


@pytest.mark.parametrize(
    "environ",
    [
        {**OWN},
        {**OWN, "KIAMO_STAGING_ORIGIN": HERE},
        {**OWN, "KIAMO_STAGING_ORIGIN": HERE, "KIAMO_PRODUCTION_ORIGIN": "nonsense"},
        {**OWN, "KIAMO_STAGING_ORIGIN": HERE, "KIAMO_ORIGIN": "https://elsewhere.example.com"},
        {**OWN, "KIAMO_STAGING_ORIGIN": "", "KIAMO_ORIGIN": " "},
        {**OWN, "KIAMO_STAGING_LEDGER_ORIGIN": "https://gitlab.example.com"},
        {**SHARED, "KIAMO_ORIGIN": HERE},
        {**SHARED, "KIAMO_ORIGIN": HERE, "KIAMO_PRODUCTION_ORIGIN": "https://prod.example.com"},
        {**SHARED, "KIAMO_STAGING_ORIGIN": HERE},
        {**SHARED, "KIAMO_STAGING_ORIGIN": HERE, "KIAMO_ORIGIN": HERE},
    ],
)
def test_instances_that_a_token_goes_to(tmp_path: Path, environ: dict[str, str]) -> None:
    assert resolve_environment(project(tmp_path, ONE), "staging", environ).url == HERE


@pytest.mark.parametrize(
    ("environ", "why"),
    [
        ({**OWN, "KIAMO_PRODUCTION_ORIGIN": HERE}, '"staging" is not pinned, but KIAMO_PRODUCTION_ORIGIN is set'),
        ({**OWN, "KIAMO_GONE_ORIGIN": "x", "KIAMO_STAGING_ORIGIN": ""}, '"staging" is not pinned'),
        ({**OWN, "KIAMO_ORIGIN": HERE}, '"staging" is not pinned, but KIAMO_ORIGIN is set'),
        ({"KIAMO_ORIGIN": HERE}, '"staging" is not pinned'),
        ({**SHARED, "KIAMO_PRODUCTION_ORIGIN": HERE}, '"staging" is not pinned'),
        ({**SHARED, "KIAMO_ORIGIN": "https://a.example.com"}, "KIAMO_ORIGIN allows only https://a.example.com:443"),
        ({**SHARED, "KIAMO_ORIGIN": "kiamo.example.com"}, "KIAMO_ORIGIN is invalid"),
        (
            {**SHARED, "KIAMO_ORIGIN": HERE, "KIAMO_STAGING_ORIGIN": "https://b.example.com"},
            "KIAMO_STAGING_ORIGIN allows",
        ),
        ({**SHARED, "KIAMO_ORIGIN": "https://b.example.com", "KIAMO_STAGING_ORIGIN": HERE}, "KIAMO_ORIGIN allows"),
    ],
)
def test_instances_that_no_token_goes_to(tmp_path: Path, environ: dict[str, str], why: str) -> None:
    with pytest.raises(UsageError, match=why) as caught:
        resolve_environment(project(tmp_path, ONE), "staging", environ)
    assert caught.value.hint
    assert caught.value.exit_code == 64


def test_the_shared_pin_is_none_where_the_shared_token_does_not_count(tmp_path: Path) -> None:
    environ = {**SHARED, **OWN, "KIAMO_ORIGIN": HERE}
    with pytest.raises(UsageError, match='"staging" is not pinned'):
        resolve_environment(project(tmp_path, TWO), "staging", environ)


VARIABLES = st.dictionaries(
    st.sampled_from(
        [
            *("KIAMO_TOKEN", "KIAMO_ORIGIN", "KIAMO_STAGING_TOKEN", "KIAMO_STAGING_ORIGIN", "KIAMO_STAGING_URL"),
            *("KIAMO_PRODUCTION_TOKEN", "KIAMO_PRODUCTION_ORIGIN", "KIAMO_GONE_ORIGIN", "KIAMO_STAGING_PLAN_TOKEN"),
        ]
    ),
    st.sampled_from(["", HERE, "https://evil.example.com", f"{HERE}:8443"]),
)


@given(VARIABLES, st.sampled_from(["staging", "production", "renamed"]), st.booleans())
def test_no_token_goes_anywhere_but_to_its_pin(environ: dict[str, str], name: str, alone: bool) -> None:
    environ = {key: TOKEN if value and key.endswith("_TOKEN") else value for key, value in environ.items()}
    nowhere = SourceRange("kiamo.yaml", 1, 1)
    names = (name,) if alone else (name, "second")
    made = {each: Environment(each, "https://evil.example.com", nowhere) for each in names}
    try:
        target = resolve_environment(Project(Path(), Path("kiamo.yaml"), (), None, made), name, environ)
    except UsageError:
        return
    set_pins = {key: value for key, value in environ.items() if key.endswith("_ORIGIN") and value}
    own = set_pins.get(f"KIAMO_{name.upper()}_ORIGIN")
    shared = not environ.get(f"KIAMO_{name.upper()}_TOKEN")
    fitting = [own, *([set_pins.get("KIAMO_ORIGIN")] if shared else [])]
    pins = {pin for pin in fitting if pin is not None}
    assert pins == {target.url} if set_pins else not pins


# --- ledgers ---------------------------------------------------------------------------------------------------------

HTTP = "{backend: http, address: 'https://gitlab.example.com/state/a'}"
GIT = "{backend: git}"


def ledger(tmp_path: Path, settings: str, environ: dict[str, str]) -> str | None:
    """What the ledger of staging is pinned to."""
    text = ONE.replace(f"'{HERE}'", f"'{HERE}', ledger: {settings}")
    found = pinned_ledger_origin(project(tmp_path, text), "staging", environ)
    return str(found) if found is not None else None


PIN = "KIAMO_STAGING_LEDGER_ORIGIN"


@pytest.mark.parametrize(
    ("settings", "environ", "pinned"),
    [
        ("{backend: file}", {"KIAMO_OTHER_LEDGER_ORIGIN": HERE, PIN: HERE}, None),
        (HTTP, {}, None),
        (HTTP, {PIN: "", "KIAMO_ORIGIN": HERE, "KIAMO_STAGING_ORIGIN": HERE}, None),
        (HTTP, {PIN: "https://gitlab.example.com:443"}, "https://gitlab.example.com:443"),
        (GIT, {}, None),
        (GIT, {PIN: "ssh://git.example.com"}, "ssh://git.example.com:22"),
        (GIT, {PIN: "https://git.example.com"}, "https://git.example.com:443"),
        (
            "{backend: git, remote: 'git@git.example.com:a/b.git'}",
            {PIN: "ssh://git.example.com"},
            "ssh://git.example.com:22",
        ),
        (
            "{backend: git, remote: 'https://git.example.com/b.git'}",
            {PIN: "https://git.example.com"},
            "https://git.example.com:443",
        ),
    ],
)
def test_ledgers_that_are_used(tmp_path: Path, settings: str, environ: dict[str, str], pinned: str | None) -> None:
    assert ledger(tmp_path, settings, environ) == pinned


@pytest.mark.parametrize("settings", [HTTP, GIT, "{backend: git, remote: 'git@git.example.com:a/b.git'}"])
@pytest.mark.parametrize(
    ("environ", "why"),
    [
        (
            {"KIAMO_OTHER_LEDGER_ORIGIN": HERE},
            'The ledger of "staging" is not pinned, but KIAMO_OTHER_LEDGER_ORIGIN is',
        ),
        ({"KIAMO_OTHER_LEDGER_ORIGIN": HERE, PIN: " "}, "is not pinned"),
        ({"KIAMO_LEDGER_ORIGIN": HERE}, "is not pinned"),
        ({PIN: "git.example.com"}, f"{PIN} is invalid"),
        ({PIN: "https://git.example.com/a"}, f"{PIN} is invalid"),
    ],
)
def test_ledgers_that_are_refused(tmp_path: Path, settings: str, environ: dict[str, str], why: str) -> None:
    with pytest.raises(UsageError, match=why):
        ledger(tmp_path, settings, environ)


@pytest.mark.parametrize(
    "settings",
    [
        HTTP,
        "{backend: git, remote: 'https://evil.example/x.git'}",
        "{backend: git, remote: 'ssh://git.example.com:2222/x.git'}",
        "{backend: git, remote: 'git@evil.example:x.git'}",
    ],
)
def test_ledgers_of_another_origin(tmp_path: Path, settings: str) -> None:
    with pytest.raises(UsageError, match=f"{PIN} allows only ssh://git.example.com:22"):
        ledger(tmp_path, settings, {PIN: "ssh://git.example.com"})


def test_an_instance_is_not_resolved_with_a_ledger_that_is_refused(tmp_path: Path) -> None:
    text = ONE.replace(f"'{HERE}'", f"'{HERE}', ledger: {HTTP}")
    with pytest.raises(UsageError, match="is not pinned"):
        resolve_environment(project(tmp_path, text), None, {**OWN, "KIAMO_OTHER_LEDGER_ORIGIN": HERE})
