"""A server of states says that it has locked, unlocked or saved with nothing, with JSON or with one word; a web page,
whatever its status and whatever it calls itself, has done none of that."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final

import pytest

from tests.cli.conftest import Desk
from tests.ledger.state_server import State, serving
from tests.security.ci_commands import obeyed
from tests.security.conftest import keep_ledger_at

E: Final = ("-e", "staging")
LOGIN: Final = b"<!DOCTYPE html><title>Sign in ##[error]x</title><form action=/login>"
PAGES: Final = {
    "page": (LOGIN, "text/html"),
    "page that calls itself JSON": (LOGIN, "application/json"),
    "page behind blanks": (b"\n \t" + LOGIN, "text/plain"),
    "page behind a mark": (b"\xef\xbb\xbf" + LOGIN, "text/html"),
    "page that sends elsewhere": (b'<meta http-equiv=refresh content="0;url=http://evil.example">', "text/html"),
    "XML": (b"<?xml version='1.0'?><error/>", "application/xml"),
    "text": (b"::error::Please log in\n", "text/plain"),
    "a sentence": (b"Please log in", "text/plain"),
    "bytes": (b"\x00\x1b[31m\xff", "application/octet-stream"),
    "half of JSON": (b'{"ID": ', "application/json"),
    "a key twice": (b'{"ID": "a", "ID": "b"}', "application/json"),
    "deep JSON": (b"[" * 30_000 + b"]" * 30_000, "application/json"),
    "an error as JSON": (b'{"error": "unauthorized", "message": "please log in"}', "application/json"),
    "errors as JSON": (b'{"errors": [{"detail": "expired"}]}', "application/json"),
    "a word that says no": (b"Unauthorized", "text/plain"),
    "false": (b"false", "application/json"),
    "no success": (b'{"success": false}', "application/json"),
    "huge JSON": (b'"' + b"x" * 100_000 + b'"', "application/json"),
}


@pytest.fixture(params=[False, True], ids=["terraform", "gitlab"])
def state(request: pytest.FixtureRequest, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Iterator[State]:
    """Where the ledger of the desk's project is kept."""
    with serving(State(gitlab=request.param)) as running:
        lock = f', lock_address: "{running.address}/lock", unlock_address: "{running.address}/lock"'
        verbs = ", lock_method: POST, unlock_method: DELETE"
        more = lock + verbs if running.gitlab else ""
        keep_ledger_at(desk, monkeypatch, running, more=more)
        yield running


def verbs(state: State) -> tuple[str, str]:
    """How it is locked and unlocked."""
    return ("POST", "DELETE") if state.gitlab else ("LOCK", "UNLOCK")


@pytest.mark.parametrize("status", [200, 201])
@pytest.mark.parametrize(("body", "kind"), PAGES.values(), ids=PAGES)
def test_s15_what_is_no_response_of_a_state_server_locks_nothing(
    desk: Desk, state: State, body: bytes, kind: str, status: int
) -> None:
    lock, _ = verbs(state)
    state.spoken[lock] = (status, body, kind)
    code, out, err = desk.run("apply", *E, "--yes")
    assert (code, out) == (1, "")
    assert f"returned {status}, but the response is not that of a state server" in err
    assert "the response may be that of a login page" in err
    assert len(err) < 1_500
    assert obeyed(err) == []
    assert desk.writes() == []
    assert state.body is None


@pytest.mark.parametrize("status", [202, 203, 206, 207, 302, 307])
def test_s15_a_status_that_does_not_say_done_locks_nothing(desk: Desk, state: State, status: int) -> None:
    state.spoken[verbs(state)[0]] = (status, b"", "application/json")
    code, _, err = desk.run("apply", *E, "--yes")
    assert code == 1
    assert f"returned {status}" in err
    assert desk.writes() == []


ANSWERS: Final = {
    "nothing, as a page": (200, b"", "text/html; charset=utf-8"),
    "blanks": (200, b"\n", "text/plain"),
    "created": (201, b"", "application/json"),
    "no content": (204, b"", "application/json"),
    "JSON, as a page": (200, b'{"status": "ok"}', "text/html"),
    "a number, as GitLab": (200, b"200", "application/json"),
    "null": (200, b"null", "application/json"),
    "no error": (200, b'{"success": true, "error": null, "errors": []}', "application/json"),
    "a word": (200, b"OK\n", "text/plain"),
    "a word, as a page": (200, b"Locked.", "text/html"),
}


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_s15_nothing_json_and_a_word_are_a_lock_whatever_they_call_themselves(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, answer: tuple[int, bytes, str]
) -> None:
    """There are servers that say text/html of every answer of theirs, and of an empty one."""
    with serving(State()) as running:
        keep_ledger_at(desk, monkeypatch, running)
        running.rewritten = answer
        desk.apply()
        assert running.lock is None
        assert len(desk.owned()) == 3


def test_s15_a_lock_that_names_another_is_anothers(desk: Desk, state: State) -> None:
    lock, _ = verbs(state)
    body = json.dumps({"ID": "dead-run", "Who": "carol@runner"}).encode()
    state.spoken[lock] = (200, body, "application/json")
    code, _, err = desk.run("apply", *E, "--yes")
    assert code == 5
    assert "locked by carol@runner, lock dead-run" in err
    assert desk.writes() == []


@pytest.mark.parametrize(("body", "kind"), PAGES.values(), ids=PAGES)
def test_s15_a_write_that_returns_a_page_is_not_saved(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, body: bytes, kind: str
) -> None:
    """Before the first write to the instance: what is about to be made is written down first."""
    with serving(State()) as running:
        keep_ledger_at(desk, monkeypatch, running)
        running.spoken["POST"] = (200, body, kind)
        code, out, err = desk.run("apply", *E, "--yes")
        assert code == 1
        assert "could not be written" in err
        assert "the response is not that of a state server" in err
        assert obeyed(out + err) == []
        assert desk.writes() == []
        assert running.lock is None


@pytest.mark.parametrize(("body", "kind"), PAGES.values(), ids=PAGES)
def test_s15_an_unlock_that_returns_a_page_is_reported_with_a_hint(
    desk: Desk, state: State, body: bytes, kind: str
) -> None:
    state.spoken[verbs(state)[1]] = (200, body, kind)
    code, out, err = desk.run("apply", *E, "--yes")
    assert code != 0
    assert "its lock was not released" in err
    assert "kiamo-iac ledger unlock -e staging " in err
    assert obeyed(out + err) == []


@pytest.mark.parametrize("words", [("plan",), ("drift",), ("ledger", "list"), ("apply", "--yes")], ids=" ".join)
def test_s15_a_page_in_place_of_a_state_is_no_ledger(desk: Desk, state: State, words: tuple[str, ...]) -> None:
    state.spoken["GET"] = (200, LOGIN, "text/html")
    code, out, err = desk.run(*words, *E)
    assert (code, out) == (1, "")
    assert "error KIA0901: the ledger is corrupt: the response is a web page" in err
    assert "the response may be that of a login page" in err
    assert obeyed(err) == []
    assert desk.writes() == []


@pytest.mark.parametrize("status", [409, 423])
@pytest.mark.parametrize("body", [body for body, _ in PAGES.values()], ids=PAGES)
def test_s15_a_refused_lock_is_held_whatever_its_body(desk: Desk, state: State, status: int, body: bytes) -> None:
    state.spoken[verbs(state)[0]] = (status, body, "text/html")
    code, out, err = desk.run("apply", *E, "--yes")
    assert (code, out) == (5, "")
    assert "is locked by another run" in err
    assert len(err) < 1_500
    assert obeyed(err) == []
    assert desk.writes() == []


@pytest.mark.parametrize("status", [400, 401, 404, 405, 500])
def test_s15_the_text_of_a_refusal_is_quoted_and_escaped(desk: Desk, state: State, status: int) -> None:
    said = "no\n::error::x\r##vso[task.y]\x1b[31m\u202e" + "x" * 5_000
    state.spoken[verbs(state)[0]] = (status, said.encode(), "text/plain")
    code, _, err = desk.run("apply", *E, "--yes")
    assert code == 1
    assert f'returned {status}: "no ::error::x ' in err
    assert len(err) < 1_500
    assert obeyed(err) == []
