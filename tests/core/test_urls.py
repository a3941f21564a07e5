"""One grammar of URLs: what it accepts, every parser reads alike; what they could read in two ways is refused."""

from __future__ import annotations

from urllib.parse import urlsplit

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kiamo_iac.core.urls import (
    Origin,
    is_loopback,
    origin_of,
    origin_of_call,
    origin_of_pin,
    origin_of_remote,
    parse_url,
)
from kiamo_iac.http.network import same_origin

PIECES = st.sampled_from(
    [
        *"httpsHTTPS:/@[].?#\\%;,=&+-_~0123456789abcfx \t\n\u00e9\u0661\uff0e\u3002",
        *("http", "https", "://", "localhost", "127.0.0.1", "127.1", "0x7f.1", "0177.0.0.1", "2130706433", "[::1]"),
        *("[::1%25eth0]", "[::ffff:127.0.0.1]", "kiamo.example.com", "xn--kiam-6qa.example", ":8090", ":0", ":65536"),
        *("..", "%2e", "%2F", "%5c", "//", ";", "user@", "evil.example", "\u0131", "\u212a"),
    ]
)
"""What URLs, and attacks on their parsers, are made of."""
TEXTS = st.one_of(
    st.lists(PIECES, max_size=8).map("".join),
    st.tuples(st.sampled_from(["http://", "https://", "HTTPS://"]), st.lists(PIECES, max_size=6)).map(
        lambda made: made[0] + "".join(made[1])
    ),
    st.from_regex(
        r"https?://(localhost|127\.0\.0\.1|\[::1?\]|[a-z]{1,3}\.[a-z]{1,3}):?[0-9]{0,5}(/[a-z.%2]{0,4}){0,2}"
    ),
)


@given(TEXTS)
@example("http://[::1]47120")
@example("http://[::1]:47120")
@example("https://[0:0::1]:8443/a%2Fb")
@example("https://xn--a.example/")
@example("https://xn--kiam-6qa.example.com")
def test_every_parser_reads_what_is_accepted_in_the_same_way(text: str) -> None:
    try:
        url = parse_url(text)
    except ValueError:
        return
    assert same_origin(httpx.URL(text), url.origin)
    assert httpx.URL(text).raw_path.decode() == (url.path or "/")
    parts = urlsplit(text)
    host = origin_of(f"https://[{parts.hostname}]").host if ":" in (parts.hostname or "") else parts.hostname
    port = parts.port if parts.port is not None else {"http": 80, "https": 443}[parts.scheme]
    assert (parts.scheme, host, port) == (url.origin.scheme, url.origin.host, url.origin.port)
    assert (parts.path, parts.query, parts.fragment, parts.username) == (url.path, "", "", None)
    assert origin_of_call(f"{text}?ID=1") == url.origin
    assert origin_of(str(url.origin)) == url.origin
    assert is_loopback(url.origin.host) or url.origin.scheme == "https"


@pytest.mark.parametrize(
    "text",
    [
        "https://kiamo.example.com",
        "https://kiamo.example.com/",
        "HTTPS://KIAMO.example.com:8443/base/sub",
        "https://kiamo_test.internal",
        "https://10.0.0.1",
        "https://[2001:db8::1]:8443",
        "http://localhost:8090",
        "http://127.0.0.1:65535/",
        "http://[::1]",
        "https://gitlab.example.com/api/v4/projects/acme%2Ftelephony/terraform/state/kiamo",
    ],
)
def test_urls_that_are_written_as_they_should_be(text: str) -> None:
    assert origin_of(text).scheme in {"http", "https"}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("http://[::1]47120", "cannot be separated"),
        ("https://[::1", "cannot be separated"),
        ("https://a]b", "cannot be separated"),
        ("https://[fe80::1%25eth0]", "must be an IPv6 address"),
        ("https://[::ffff:127.0.0.1]", "must be an IPv6 address"),
        ("https://[v1.x]", "must be an IPv6 address"),
        ("https://h:", "port"),
        ("https://h:0", "port"),
        ("https://h:0443", "port"),
        ("https://h:65536", "port"),
        ("https://h:+443", "port"),
        ("https://h:4_4", "port"),
        ("https://h:443:443", "port"),
        ("http://127.1", "number"),
        ("http://0x7f.1", "number"),
        ("https://1.2.3.0x4", "number"),
        ("http://2130706433", "number"),
        ("http://127.0.0.01", "number"),
        ("http://127.0.0.256", "number"),
        ("http://1.127.0.0.1", "number"),
        ("https://kiamo.example.com.", "DNS name"),
        ("https://.example.com", "DNS name"),
        ("https://a..b", "DNS name"),
        ("https://-a.example", "DNS name"),
        ("https://%6c%6f", "DNS name"),
        ("https://a%00b", "DNS name"),
        ("https://" + "a" * 64, "DNS name"),
        ("https://a,b", "DNS name"),
        ("https://" + "a." * 130 + "b", "DNS name"),
        ("https://" + "a/" * 2000, "longer"),
        ("https://k\u00efamo.example.com", "characters"),
        ("https://\u212aiamo.example.com", "characters"),
        ("https://\uff11\uff12\uff17.0.0.1", "characters"),
        ("https://kiamo.example.com\\@evil.example", "characters"),
        ("https:\\\\evil.example", "characters"),
        ("https://h\t", "characters"),
        ("https://h\n", "characters"),
        (" https://h", "characters"),
        ("https://kiamo.example.com@evil.example", "user"),
        ("https://:@h", "user"),
        ("https://a@b@h", "user"),
        ("http:/h", "begin"),
        ("https:h", "begin"),
        ("//h", "begin"),
        ("https:///h", "begin"),
        ("ftp://h", "begin"),
        ("ssh://h", "begin"),
        ("", "begin"),
        ("https://h?", "query"),
        ("https://h#", "query"),
        ("http://kiamo.example.com", "https"),
        ("http://localhost.example.com", "https"),
        ("http://0.0.0.0", "https"),
        ("http://[::ffff:7f00:1]", "https"),
        ("https://h//", "//"),
        ("https://h//a", "//"),
        ("https://h/a//b", "//"),
        ("https://h/a;b", "character"),
        ("https://h/..;/a", "character"),
        ("https://h/a%3Bb", "no path needs"),
        ("https://h/%zz", "character"),
        ("https://h/..", "segment"),
        ("https://h/a/../b", "segment"),
        ("https://h/./b", "segment"),
        ("https://h/%2e%2E/b", "segment"),
        ("https://h/a%2F..%2Fb", "segment"),
        ("https://h/a%2F%2Fb", "segment"),
        ("https://h/a%2F", "segment"),
        ("https://h/%252e%252e/b", "no path needs"),
        ("https://h/a%5C..%5Cb", "no path needs"),
        ("https://h/a%00", "no path needs"),
        ("https://h/%61pi/v4", "no path needs"),
        ("https://h/%c3%a9", "no path needs"),
        ("https://h/%c0%ae%c0%ae/", "no path needs"),
    ],
)
def test_urls_that_two_parsers_could_read_in_two_ways_are_refused(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parse_url(text)


def test_nothing_of_a_user_or_password_is_in_the_message() -> None:
    with pytest.raises(ValueError, match="user or a password") as caught:
        origin_of("https://robot:hunter2@h")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("query", ["?a b", "?a#b", "?a\\b", "?\u00e9", "?\n"])
def test_a_call_has_a_query_of_plain_characters(query: str) -> None:
    assert origin_of_call("https://h/a?page=2&per_page=100") == Origin("https", "h", 443)
    with pytest.raises(ValueError, match="characters"):
        origin_of_call(f"https://h/a{query}")


# --- pins ------------------------------------------------------------------------------------------------------------


def test_a_pin_is_scheme_host_and_port() -> None:
    assert origin_of_pin(" https://Kiamo.example.com\n") == Origin("https", "kiamo.example.com", 443)
    assert origin_of_pin("ssh://git.example.com", ssh=True) == Origin("ssh", "git.example.com", 22)
    assert origin_of_pin("ssh://git.example.com:2222", ssh=True).port == 2222


@pytest.mark.parametrize(
    "text", ["https://h/", "https://h/a", "https://u@h", "http://h", "ssh://h", "h", "*", "https://*.h"]
)
def test_a_pin_is_nothing_else(text: str) -> None:
    with pytest.raises(ValueError, match=r"^it|^http"):
        origin_of_pin(text)


def test_a_pin_of_ssh_names_no_user() -> None:
    with pytest.raises(ValueError, match="user"):
        origin_of_pin("ssh://git@git.example.com", ssh=True)


# --- git -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("remote", "origin"),
    [
        ("https://git.example.com/group/name.git", "https://git.example.com:443"),
        (
            "https://gitlab-ci-token:secret@git.example.com:8443/a b.git".replace(" ", "%20"),
            "https://git.example.com:8443",
        ),
        ("ssh://git@git.example.com/group/name.git", "ssh://git.example.com:22"),
        ("ssh://git.example.com:2222/~/name.git", "ssh://git.example.com:2222"),
        ("git@git.example.com:group/name.git", "ssh://git.example.com:22"),
        ("Git.Example.com:/srv/name.git", "ssh://git.example.com:22"),
        ("git@[::1]:name.git", "ssh://[::1]:22"),
        ("ssh://git@git.example.com/~me/a%20b@c.git", "ssh://git.example.com:22"),
        ("https://git%40corp:secret@git.example.com/[a].git", "https://git.example.com:443"),
        ("http://127.0.0.1:3000/name.git", "http://127.0.0.1:3000"),
    ],
)
def test_the_origin_of_a_git_remote(remote: str, origin: str) -> None:
    assert str(origin_of_remote(remote)) == origin


@pytest.mark.parametrize(
    "remote",
    [
        "origin",
        "/srv/name.git",
        "./name.git",
        "../a:b",
        "file:///srv/name.git",
        "ext::sh -c true",
        "ext::https://git.example.com",
        "git://git.example.com/name.git",
        "http://git.example.com/name.git",
        "https://git.example.com@evil.example@x/name.git",
        "https://git.example.com%40evil.example/name.git",
        "ssh://-oProxyCommand=x/name.git",
        "-oProxyCommand=x:name.git",
        "git@-oProxyCommand=x:name.git",
        "ssh://git@git.example.com:22:22/name.git",
        # the host that git finds is evil.example
        "ssh://git.example.com/a@[evil.example]/name.git",
        "ssh://git.example.com:22/a@[evil.example:22]/name.git",
        "ssh://git.example.com/a%40%5bevil.example%5D/name.git",
        "ssh://git.example.com/a@%5Bevil.example]/name.git",
        "ssh://git@git.example.com/a@[evil.example]/name.git",
        "ssh://[::1]/a@[evil.example]/name.git",
        "ssh://evil.example%2F@git.example.com/name.git",
        "ssh://a%40%5Bevil.example%5D@git.example.com/name.git",
        "git@git.example.com:a@[evil.example]:name.git",
        "git.example.com:a@[evil.example]:name.git",
    ],
)
def test_what_has_no_origin_that_git_would_agree_on(remote: str) -> None:
    with pytest.raises(ValueError, match=r"^it|^http"):
        origin_of_remote(remote)


# --- below -----------------------------------------------------------------------------------------------------------

STATE = "https://h/api/v4/projects/acme%2Ftelephony/terraform/state/kiamo"


@pytest.mark.parametrize("url", [STATE, f"{STATE}/", f"{STATE}/lock", f"{STATE}/a/b"])
def test_what_lies_below_a_url(url: str) -> None:
    assert parse_url(STATE).contains(parse_url(url))
    assert parse_url(f"{STATE}/").contains(parse_url(url))


@pytest.mark.parametrize(
    "url",
    [
        f"{STATE}-production",
        f"{STATE}-production/lock",
        STATE.removesuffix("/kiamo"),
        STATE.replace("%2F", "%2f"),
        STATE.replace("state/kiamo", "state/Kiamo"),
        f"{STATE}%2Flock",
        f"{STATE}/a%2Fb",
        STATE.replace("https://h", "https://h:8443"),
        STATE.replace("https://h", "https://i"),
    ],
)
def test_what_does_not(url: str) -> None:
    assert not parse_url(STATE).contains(parse_url(url))
