"""What a call is made of: how it is named, and that its secret is hidden."""

from __future__ import annotations

import pytest

from kiamo_iac.core.errors import UsageError
from kiamo_iac.core.secret import Secret
from kiamo_iac.http.message import Authorization, Request, Response


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://h/api/bases?page=2", "GET /api/bases"),
        ("https://h/acme%2Ftelephony/", "GET /acme%2Ftelephony/"),
        ("https://h", "GET /"),
        ("https://h?token=x", "GET /"),
        ("https://robot:hunter2@h/x", "GET /x"),
    ],
)
def test_a_call_is_named_by_method_and_path(url: str, name: str) -> None:
    assert str(Request("GET", url)) == name
    assert str(Request("GET", url, name="GET bases")) == "GET bases"


def test_what_is_sent_and_what_comes_back_are_in_no_repr() -> None:
    request = Request("PUT", "https://h/x", {"X": "header-text"}, b"body-text")
    response = Response(200, {"X": "header-text"}, b"body-text")
    assert "-text" not in f"{request!r} {response!r}"


def test_a_secret_is_hidden_alone_and_in_its_header() -> None:
    for authorization in (
        Authorization.basic("robot", Secret("hunter2")),
        Authorization.bearer(Secret("hunter2")),
        Authorization.token("PRIVATE-TOKEN", Secret("hunter2")),
    ):
        text = f"a {authorization.value.reveal()} b hunter2 c"
        assert authorization.hide(text) == "a (hidden) b (hidden) c"
        assert authorization.hide_in(text.encode()) == b"a (hidden) b (hidden) c"
        assert "hunter2" not in repr(authorization)
    assert Authorization.basic("robot", Secret("")).hide("a b") == "a b"


@pytest.mark.parametrize("token", ["", "two\nlines", "with space", "\u00e9"])
def test_a_token_that_a_header_cannot_carry_is_refused_unseen(token: str) -> None:
    for make in (Authorization.bearer, lambda secret: Authorization.token("X", secret)):
        with pytest.raises(UsageError, match="a header cannot carry") as caught:
            make(Secret(token))
        assert not token or token not in str(caught.value)
