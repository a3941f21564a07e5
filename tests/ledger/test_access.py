"""Which credentials the server of a ledger is sent."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path

import pytest

from kiamo_iac.core.errors import UsageError
from kiamo_iac.ledger.access import authorization_for

ADDRESS = "https://gitlab.example.com/api/v4/projects/1/terraform/state/kiamo"
PREFIX = "KIAMO_STAGING"
GITLAB = {"CI_JOB_TOKEN": "job", "CI_API_V4_URL": "https://gitlab.example.com/api/v4"}


def found(environ: dict[str, str], address: str = ADDRESS) -> str | None:
    authorization = authorization_for(address, environ, prefix=PREFIX)
    return None if authorization is None else authorization.value.reveal()


def basic(user: str, password: str) -> str:
    return f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"


def test_a_user_and_a_password_of_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("from a file\n")
    user = {f"{PREFIX}_LEDGER_USERNAME": "robot"}
    assert found({**user, f"{PREFIX}_LEDGER_PASSWORD": "pass", **GITLAB}) == basic("robot", "pass")
    assert found({**user, f"{PREFIX}_LEDGER_PASSWORD_FILE": str(file)}) == basic("robot", "from a file")
    assert found({"KIAMO_PRODUCTION_LEDGER_USERNAME": "a", "KIAMO_PRODUCTION_LEDGER_PASSWORD": "b"}) is None


def test_the_token_of_a_job_goes_to_its_own_gitlab_alone() -> None:
    assert found(GITLAB) == basic("gitlab-ci-token", "job")
    assert found(GITLAB, ADDRESS.replace(".com", ".com:443")) == basic("gitlab-ci-token", "job")
    assert found({**GITLAB, "CI_API_V4_URL": "https://gitlab.example.com/api/v4/"}) == basic("gitlab-ci-token", "job")
    assert found(GITLAB, "https://elsewhere.example.com/api/v4/projects/1/terraform/state/kiamo") is None
    assert found(GITLAB, ADDRESS.replace(".com", ".com:8443")) is None


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/x",
        "/api/v4",
        "/api/v4/projects/1/repository/files/a/raw",
        "/api/v4/projects/1/terraform/state/kiamo/lock",
        "/other/api/v4/projects/1/terraform/state/kiamo",
        "/api/v4x/projects/1/terraform/state/kiamo",
    ],
)
def test_the_token_of_a_job_is_for_managed_states_alone(path: str) -> None:
    """What else is on that host is somebody else's, or answers to the token with more than a state."""
    assert found(GITLAB, f"https://gitlab.example.com{path}") is None


@pytest.mark.parametrize(
    ("environ", "why"),
    [
        ({f"{PREFIX}_LEDGER_USERNAME": "a"}, "Only one"),
        ({f"{PREFIX}_LEDGER_PASSWORD": "a"}, "Only one"),
        ({f"{PREFIX}_LEDGER_USERNAME": "", f"{PREFIX}_LEDGER_PASSWORD": "a"}, "Only one"),
        ({f"{PREFIX}_LEDGER_USERNAME": "a", f"{PREFIX}_LEDGER_PASSWORD": "a\nb"}, "characters"),
        ({f"{PREFIX}_LEDGER_PASSWORD": "a", f"{PREFIX}_LEDGER_PASSWORD_FILE": "b"}, "Both"),
        ({f"{PREFIX}_LEDGER_PASSWORD_FILE": "no-such-file"}, "cannot be read"),
    ],
)
def test_half_of_it_is_refused(environ: dict[str, str], why: str) -> None:
    with pytest.raises(UsageError, match=why):
        found(environ)


def test_what_is_set_and_empty_is_not_set() -> None:
    empty = {f"{PREFIX}_LEDGER_{name}": "" for name in ("USERNAME", "PASSWORD", "PASSWORD_FILE")}
    assert found({**GITLAB, **empty}) == basic("gitlab-ci-token", "job")


def test_a_gitlab_on_plain_http_gets_no_token() -> None:
    assert found({**GITLAB, "CI_API_V4_URL": "http://gitlab.example.com/api/v4"}) is None
