"""Calls to a server that keeps a ledger: one origin, no redirect, and a password that nobody sees."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path

import httpx
import pytest

from kiamo_iac.core.errors import ResponseError, TransportError, UsageError
from kiamo_iac.core.secret import Secret
from kiamo_iac.http.caller import Credentials, Plain, credentials_for
from kiamo_iac.http.retry import CONNECTS, Limits
from tests.api.servers import CERTIFICATES, always, answer, wild
from tests.api.stubs import NEVER_SENT, UNKNOWN, Script, Stub, in_turn, reply

pytestmark = pytest.mark.usefixtures("no_proxy")

URL = "http://127.0.0.1:1/state"
PASSWORD = "hunter2-hunter2"
CREDENTIALS = Credentials("robot", Secret(PASSWORD))
BASIC = f"Basic {b64encode(f'robot:{PASSWORD}'.encode()).decode()}"


def plain(script: Script | Stub, *, pauses: list[float] | None = None, limits: Limits | None = None) -> Plain:
    transport = script if isinstance(script, Stub) else Stub(script)
    waits = pauses if pauses is not None else []
    return Plain(URL, CREDENTIALS, transport=transport, pause=waits.append, limits=limits or Limits())


def test_any_method_is_sent_with_headers_body_and_password() -> None:
    with wild(always(answer(b'{"ID": "x"}', status="423 Locked"))) as server:
        told: list[str] = []
        with Plain(f"{server.url}/state", CREDENTIALS, told=told.append) as send:
            status, headers, body = send(
                "LOCK", f"{server.url}/state?ID=1", {"Content-Type": "application/json"}, b"{}"
            )
    assert (status, body, headers["content-type"]) == (423, b'{"ID": "x"}', "application/json")
    request = server.requests[0].decode()
    assert request.startswith("LOCK /state?ID=1 HTTP/1.1\r\n")
    assert f"authorization: {BASIC}\r\n".lower() in request.lower()
    assert request.endswith("\r\n\r\n{}")
    assert told == ["LOCK /state: 423"]


def test_a_server_that_is_not_there_is_told_by_its_own_name() -> None:
    with plain(in_turn(httpx.ConnectError("refused"))) as send, pytest.raises(TransportError) as caught:
        send("GET", f"{URL}/projects/acme%2Ftelephony?ID=1", {}, None)
    assert str(caught.value).startswith("GET /state/projects/acme%2Ftelephony failed: no connection to ")
    assert caught.value.hint == "check the address of the ledger, the network, and that the server is running"


def test_without_credentials_nothing_is_said_of_them() -> None:
    with wild(always(answer(b"{}"))) as server, Plain(server.url) as send:
        assert send("GET", server.url, {}, None)[0] == 200
    assert b"authorization" not in server.requests[0].lower()


def test_a_redirect_is_an_answer_like_another() -> None:
    with wild(always(answer(b"{}"))) as elsewhere:
        moved = answer(b"", status="307 Moved", headers=f"Connection: close\r\nLocation: {elsewhere.url}\r\n")
        with wild(always(moved)) as server, Plain(server.url, CREDENTIALS) as send:
            assert send("POST", server.url, {}, b"{}")[0] == 307
        assert (elsewhere.connections, elsewhere.requests) == (0, [])


@pytest.mark.parametrize("url", ["http://127.0.0.1:2/state", "http://localhost:1/state", "https://127.0.0.1:1/state"])
def test_another_origin_is_never_called(url: str) -> None:
    stub = Stub(in_turn(reply({})))
    with pytest.raises(UsageError, match="another server"):
        plain(stub)("POST", url, {}, b"{}")
    assert stub.asked == []


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("http://state.example.com/x", "any other host needs https"),
        ("https://robot:hunter2@state.example.com/x", "holds a user"),
        ("https://state.example.com/x#y", "fragment"),
        ("ftp://state.example.com/x", "does not begin with https://"),
        ("state", "does not begin with https://"),
        ("https://", "does not begin with https://"),
    ],
)
def test_an_address_that_no_password_may_go_to_is_refused(address: str, why: str) -> None:
    with pytest.raises(UsageError, match=why) as caught:
        Plain(address, CREDENTIALS)
    assert "hunter2" not in f"{caught.value}{caught.value.hint}"


@pytest.mark.parametrize("failure", NEVER_SENT, ids=lambda error: type(error).__name__)
def test_a_call_that_was_never_sent_is_made_again(failure: Exception) -> None:
    waits: list[float] = []
    stub = Stub(in_turn(failure, failure, reply({})))
    assert plain(stub, pauses=waits)("POST", URL, {}, b"{}")[0] == 200
    assert (len(stub.asked), len(waits)) == (3, 2)


@pytest.mark.parametrize("failure", UNKNOWN, ids=lambda error: type(error).__name__)
def test_a_write_of_unknown_outcome_is_not_made_again_and_a_get_is(failure: Exception) -> None:
    stub = Stub(in_turn(failure, reply({})))
    with pytest.raises(TransportError) as caught:
        plain(stub)("POST", URL, {}, b"{}")
    assert caught.value.sent
    assert len(stub.asked) == 1
    stub = Stub(in_turn(failure, reply({})))
    assert plain(stub)("GET", URL, {}, None)[0] == 200


def test_a_passing_status_is_waited_out_for_a_get_and_handed_over_for_a_write() -> None:
    waits: list[float] = []
    busy = reply(status=503, headers={"Retry-After": "2"})
    assert plain(in_turn(busy, reply({})), pauses=waits)("GET", URL, {}, None)[0] == 200
    assert 2 <= waits[0] < 3
    assert plain(in_turn(busy, reply({})))("POST", URL, {}, b"")[0] == 503
    always_busy = Stub(in_turn(reply(status=503)))
    assert plain(always_busy)("GET", URL, {}, None)[0] == 503
    assert len(always_busy.asked) == CONNECTS


def test_no_wait_begins_that_outlasts_patience() -> None:
    waits: list[float] = []
    busy = reply(status=429, headers={"Retry-After": "3600"})
    assert plain(in_turn(busy), pauses=waits)("GET", URL, {}, None)[0] == 429
    assert waits == []


def test_an_answer_that_is_too_large_is_refused() -> None:
    with pytest.raises(ResponseError, match="larger than 10 bytes"):
        plain(in_turn(reply(b"x" * 11)), limits=Limits(body=10))("GET", URL, {}, None)


def test_a_server_that_quotes_the_password_does_not_give_it_away() -> None:
    def mirror(request: httpx.Request) -> httpx.Response:
        assert request.headers["Authorization"] == BASIC
        return reply(f"{BASIC} {PASSWORD}".encode(), status=401)

    assert plain(mirror)("GET", URL, {}, None)[2] == b"(hidden) (hidden)"
    with pytest.raises(TransportError) as caught:
        plain(in_turn(httpx.ReadError(f"{BASIC} went wrong")))("POST", URL, {}, b"")
    assert BASIC not in str(caught.value)


def test_tls_is_checked_and_its_bundle_may_be_named() -> None:
    with wild(always(answer(b"{}")), tls=True) as server:
        url = f"https://127.0.0.1:{server.port}/state"
        with (
            Plain(url, CREDENTIALS, pause=lambda _: None) as send,
            pytest.raises(TransportError, match="is not trusted"),
        ):
            send("GET", url, {}, None)
        with Plain(url, CREDENTIALS, ca_bundle=CERTIFICATES / "authority.pem") as send:
            assert send("GET", url, {}, None)[0] == 200


# --- where the password comes from ----------------------------------------------------------------------------------

ADDRESS = "https://gitlab.example.com/api/v4/projects/1/terraform/state/kiamo"
PREFIX = "KIAMO_STAGING"
GITLAB = {"CI_JOB_TOKEN": "job", "CI_API_V4_URL": "https://gitlab.example.com/api/v4"}


def found(environ: dict[str, str], address: str = ADDRESS) -> str | None:
    credentials = credentials_for(address, environ, prefix=PREFIX)
    return None if credentials is None else credentials.authorization.reveal()


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
