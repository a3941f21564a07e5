"""Which instance, and which token: the variables of the environment, and what they cannot say."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from kiamo_iac.core.environ import variable_prefix
from kiamo_iac.core.errors import UsageError
from kiamo_iac.core.secret import TOKEN, Secret, redact
from kiamo_iac.core.urls import is_loopback, origin_of
from kiamo_iac.manifest.environment import resolve_environment
from kiamo_iac.manifest.project.file import load_project
from tests.manifest.test_project_file import project

CANARY = ("0123456789abcdef" * 3)[:40]
OTHER = CANARY[::-1]
ONE = "manifests: [manifests]\nenvironments:\n  staging: {url: 'https://kiamo.example.com'}\n"
TWO = ONE + "  my-prod.2: {url: 'https://prod.example.com', guards: {allow_start: true}}\n"


def test_the_only_environment_needs_no_name(tmp_path: Path) -> None:
    target = resolve_environment(project(tmp_path, ONE), None, {"KIAMO_STAGING_TOKEN": CANARY})
    assert (target.name, target.url, target.guards.allow_start) == ("staging", "https://kiamo.example.com", False)
    assert target.token.reveal() == CANARY
    assert CANARY not in f"{target} {target!r} {target.token} {target.token!r} {target.token:>50}"


def test_the_variables_of_an_environment(tmp_path: Path) -> None:
    environ = {"KIAMO_MY_PROD_2_TOKEN": CANARY, "KIAMO_STAGING_TOKEN": OTHER, "KIAMO_TOKEN": OTHER}
    target = resolve_environment(project(tmp_path, TWO), "my-prod.2", environ)
    assert target.token == Secret(CANARY)
    assert target.guards.allow_start is True
    assert variable_prefix("é-1.x_Y") == "KIAMO___1_X_Y"


def test_the_shared_token_counts_for_one_environment_alone(tmp_path: Path) -> None:
    environ = {"KIAMO_TOKEN": CANARY}
    assert resolve_environment(project(tmp_path, ONE), "staging", environ).token.reveal() == CANARY
    with pytest.raises(UsageError, match="one environment") as caught:
        resolve_environment(project(tmp_path, TWO), "staging", environ)
    assert caught.value.exit_code == 64


@pytest.mark.parametrize("ending", ["", "\n", "\r\n"])
def test_a_token_in_a_file(tmp_path: Path, ending: str) -> None:
    (tmp_path / "token").write_bytes((CANARY + ending).encode())
    target = resolve_environment(
        project(tmp_path, ONE), None, {"KIAMO_STAGING_TOKEN_FILE": str(tmp_path / "token"), "KIAMO_TOKEN": OTHER}
    )
    assert target.token.reveal() == CANARY


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({}, "No API token: set KIAMO_STAGING_TOKEN"),
        ({"KIAMO_STAGING_TOKEN": ""}, "No API token: set KIAMO_STAGING_TOKEN"),
        ({"KIAMO_TOKEN": " "}, "No API token: set KIAMO_STAGING_TOKEN\\."),
        ({"KIAMO_STAGING_TOKEN": f" {CANARY}"}, "41 characters"),
        ({"KIAMO_STAGING_TOKEN": CANARY[:39]}, "39 characters"),
        ({"KIAMO_STAGING_TOKEN": "g" + CANARY[1:]}, "not a token"),
        ({"KIAMO_STAGING_TOKEN": CANARY, "KIAMO_STAGING_TOKEN_FILE": "x"}, "Both"),
        ({"KIAMO_STAGING_TOKEN_FILE": "none/of/it"}, "cannot be read"),
        ({"KIAMO_STAGING_TOKEN_FILE": "."}, "cannot be read"),
        ({"KIAMO_TOKEN": CANARY + "0"}, "41 characters"),
    ],
)
def test_tokens_that_are_none_are_never_shown(tmp_path: Path, environ: dict[str, str], words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        resolve_environment(project(tmp_path, ONE), None, environ)
    assert caught.value.hint
    assert CANARY[1:39] not in f"{caught.value!r} {caught.value.hint}"


def test_a_token_file_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "token").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="not text"):
        resolve_environment(project(tmp_path, ONE), None, {"KIAMO_STAGING_TOKEN_FILE": str(tmp_path / "token")})


def test_the_url_may_be_overridden(tmp_path: Path) -> None:
    environ = {"KIAMO_TOKEN": CANARY, "KIAMO_STAGING_URL": "http://127.0.0.1:8090/"}
    assert resolve_environment(project(tmp_path, ONE), None, environ).url == "http://127.0.0.1:8090"
    bare = project(tmp_path, "manifests: [manifests]\nenvironments: {staging: }\n")
    assert resolve_environment(bare, None, environ).url == "http://127.0.0.1:8090"
    with pytest.raises(UsageError, match="has no url"):
        resolve_environment(bare, None, {"KIAMO_TOKEN": CANARY})


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://kiamo.example.com", "https"),
        ("https://a:b@kiamo.example.com", "password"),
        ("nonsense", "https://"),
    ],
)
def test_an_override_is_checked_like_any_url(tmp_path: Path, url: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        resolve_environment(project(tmp_path, ONE), None, {"KIAMO_TOKEN": CANARY, "KIAMO_STAGING_URL": url})


@pytest.mark.parametrize("pin", ["https://kiamo.example.com", "https://KIAMO.example.com:443"])
def test_a_pin_that_fits(tmp_path: Path, pin: str) -> None:
    environ = {"KIAMO_TOKEN": CANARY, "KIAMO_STAGING_ORIGIN": pin}
    assert resolve_environment(project(tmp_path, ONE), None, environ).url == "https://kiamo.example.com"


@pytest.mark.parametrize(
    ("pin", "words"),
    [
        ("https://evil.example.com", "allows only https://evil.example.com:443"),
        ("https://kiamo.example.com:8443", "allows only"),
        ("http://localhost", "allows only"),
        ("https://kiamo.example.com/", "more than scheme"),
        ("kiamo.example.com", "is invalid"),
        ("ssh://kiamo.example.com", "is invalid"),
    ],
)
def test_a_pin_that_does_not_fit_sends_no_token(tmp_path: Path, pin: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        resolve_environment(project(tmp_path, ONE), None, {"KIAMO_TOKEN": CANARY, "KIAMO_STAGING_ORIGIN": pin})


def test_a_pin_binds_the_override_too(tmp_path: Path) -> None:
    environ = {
        "KIAMO_TOKEN": CANARY,
        "KIAMO_STAGING_ORIGIN": "https://kiamo.example.com",
        "KIAMO_STAGING_URL": "https://evil.example.com",
    }
    with pytest.raises(UsageError, match="KIAMO_STAGING_URL points to https://evil"):
        resolve_environment(project(tmp_path, ONE), None, environ)


@pytest.mark.parametrize(
    ("text", "name", "message", "hint"),
    [
        (TWO, None, "No environment is selected", "staging, my-prod.2"),
        (TWO, "stagin", 'no environment "stagin"', 'did you mean "staging"?'),
        (TWO, "zzz", 'no environment "zzz"', "staging, my-prod.2"),
        ("manifests: [manifests]\n", None, "has no environments", "environments:"),
        ("manifests: [manifests]\n", "a", "no environment", "environments:"),
    ],
)
def test_which_environment(tmp_path: Path, text: str, name: str | None, message: str, hint: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        resolve_environment(project(tmp_path, text), name, {})
    assert hint in (caught.value.hint or "")


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "127.0.0.1", "127.1.2.3", "::1"])
def test_this_machine(host: str) -> None:
    assert is_loopback(host)
    assert origin_of(f"http://[{host}]:1" if ":" in host else f"http://{host}:1").port == 1


@pytest.mark.parametrize("host", ["localhost.example.com", "128.0.0.1", "127.0.0.1.example.com", "0.0.0.0", "::2", "x"])
def test_other_machines(host: str) -> None:
    assert not is_loopback(host)


def test_origins_are_written_in_one_form() -> None:
    assert str(origin_of("http://[::1]/x")) == "http://[::1]:80"
    assert origin_of("HTTPS://Kiamo.Example.com/a") == origin_of("https://kiamo.example.com:443")


def test_a_secret_is_compared_and_never_written() -> None:
    secret = Secret(CANARY)
    assert secret == Secret(CANARY)
    assert secret != Secret(OTHER)
    assert secret != CANARY
    assert len({secret, Secret(CANARY)}) == 1
    assert "(hidden)" in f"{secret} {secret!r}"
    with pytest.raises(TypeError):
        pickle.dumps(secret)
    assert redact(f"a {CANARY} b") == "a (hidden) b"
    assert TOKEN.search(CANARY + "0") is None


def test_d25_the_hint_for_a_missing_token_offers_the_shared_one_where_it_counts(tmp_path: Path) -> None:
    for environments, offered in (("staging", True), ("staging,production", False)):
        text = "".join(f"  {name}: {{url: 'https://{name}.example.com'}}\n" for name in environments.split(","))
        (tmp_path / "kiamo.d").mkdir(exist_ok=True)
        (tmp_path / "kiamo.yaml").write_text(f"manifests: [kiamo.d]\nenvironments:\n{text}")
        with pytest.raises(UsageError, match="No API token: set KIAMO_STAGING_TOKEN\\.") as caught:
            resolve_environment(load_project(tmp_path / "kiamo.yaml"), "staging", {})
        assert caught.value.hint is not None
        assert caught.value.hint.startswith("or set KIAMO_STAGING_TOKEN_FILE to a file that holds it")
        assert (", or KIAMO_TOKEN, as there is one environment" in caught.value.hint) is offered
