"""Headers, paths and ids that may go into a request."""

from __future__ import annotations

import pytest

from kiamo_iac.contract.request_checks import refused_header, refused_id, refused_path

HEADERS = [
    "Host",
    "Cookie",
    "Set-Cookie",
    "User-Agent",
    "Connection",
    "Keep-Alive",
    "Proxy-Authorization",
    "Proxy-Connection",
    "TE",
    "Trailer",
    "Transfer-Encoding",
    "Upgrade",
    "Content-Length",
    "Content-Type",
    "Content-Encoding",
    "Accept",
    "Accept-Encoding",
    "Accept-Language",
    "Expect",
    "Range",
    "If-Match",
    "If-None-Match",
    "If-Modified-Since",
    "Forwarded",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Forwarded-Proto",
    "Via",
    "Referer",
    "Origin",
    "Date",
    "Cache-Control",
    "Pragma",
    "Location",
    "From",
    "Max-Forwards",
    "DNT",
    "Sec-Fetch-Site",
    "Sec-WebSocket-Key",
    "Access-Control-Request-Method",
    "Access-Control-Allow-Origin",
    "X-Real-IP",
    "X-HTTP-Method-Override",
    "X-Original-URL",
    "X-Rewrite-URL",
    "X-Request-Id",
    "traceparent",
    "Proxy",
    "CF-Connecting-IP",
    "X-Accel-Redirect",
    "Alt-Svc",
    "HTTP2-Settings",
]


@pytest.mark.parametrize("name", HEADERS)
def test_headers_that_mean_something(name: str) -> None:
    for spelled in (name, name.lower(), name.upper(), name.replace("-", "_")):
        assert refused_header(spelled), spelled


@pytest.mark.parametrize("name", ["", "a b", "a:", "a\r\nHost", "é", "a" * 101, "a\n"])
def test_what_is_no_header(name: str) -> None:
    assert refused_header(name) == "must be a valid name of an HTTP header"


@pytest.mark.parametrize(
    "name", ["Authorization", "Kiamo-Api-Token", "X-Api-Key", "X-Desk-Key", "Api_Token", "PRIVATE-TOKEN", "Token"]
)
def test_headers_of_their_own(name: str) -> None:
    assert refused_header(name) is None


@pytest.mark.parametrize(
    "path",
    [
        "/..", "/../admin", "/a/../b", "/a/..", "/./a", "/a/.", "//a", "/a//b", "//evil.example.com/x", "/a\\b",
        "/..\\b",
        "/%2e%2e/admin", "/%2E./a", "/.%2e", "/a%2fb", "/a%2Fb", "/a%5cb", "/%252e%252e/a", "/a%00", "/a%0d%0aHost:x",
        "/a;b", "/..;/a", "/a%3b", "/a b", "/a?b", "/a#b", "/é", "/a%", "/a%zz", "/a%3fb", "/a%23b", "/a\n", "/a|b",
        "/a/%2e/", "/{id}/../x",
    ],
)  # fmt: skip
def test_paths_that_could_be_read_as_another(path: str) -> None:
    assert refused_path(path)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/api",
        "/kiamo/rest/v9",
        "/bases/{base}/fields/{id}",
        "/x/",
        "/a.b/c..d/...",
        "/a%20b",
        "/a:b@c",
        "/{id}.json",
    ],
)
def test_plain_paths(path: str) -> None:
    assert refused_path(path) is None


@pytest.mark.parametrize(
    "id_",
    [
        "", ".", "..", "a/b", "../x", "..\\x", "a\\b", "%2e%2e", "%2E.", "%252e%252e", "a%2fb", "a%5Cb", "..;",
        "..;x=1", ";",
        "\uff0e\uff0e", "a\uff0fb", "a\x00", "a\n", "%00", "\x7f", "..%3b", "%25252e%25252e",
    ],
)  # fmt: skip
def test_ids_that_would_lead_elsewhere(id_: str) -> None:
    assert refused_id(id_)


@pytest.mark.parametrize(
    "id_", ["7", 7, -1, 0, "a.b", "...", "65f0-ab_c", "a b", "9?", "é", "a%20b", "50%", "{id}", "a;b", "a:b", "#1"]
)
def test_ids_that_stand_in_one_segment(id_: str | int) -> None:
    assert refused_id(id_) is None
