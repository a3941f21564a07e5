"""A hint is copied into a shell: what a server, a ledger or a name says in it stays one word, or is not in it."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiamo_iac.core.printable import shell_word
from kiamo_iac.ledger.lock import LockInfo
from tests.cli.conftest import MANIFEST, Desk
from tests.ledger.state_server import State, serving
from tests.security.ci_commands import TRIES, obeyed
from tests.security.conftest import keep_ledger_at

E: Final = ("-e", "staging")
IDS: Final = {
    "command": "x; touch y #",
    "substitution": "$(touch y)",
    "backticks": "`touch y`",
    "pipe": "x|touch y",
    "ampersand": "x&calc",
    "quotes": "'\"; touch y; \"'",
    "typographic quotes": "x\u2019; calc; \u2018",
    "line end": "x\ntouch y\n",
    "option": "--help",
    "short option": "-rf",
    "percent": "%COMSPEC%",
    "expansion": "!touch",
    "blank": " ",
    "huge": "7" * 15_000,
    "one too long": "7" * 129,
    "surrogate": "\ud800",
    **TRIES,
}
"""Ids that a server may give to a lock."""


@contextmanager
def locked_elsewhere(desk: Desk, monkeypatch: pytest.MonkeyPatch, **lock: Any) -> Iterator[State]:
    """A ledger behind HTTP whose lock somebody holds."""
    with serving(State()) as state:
        keep_ledger_at(desk, monkeypatch, state)
        state.lock = {"ID": "dead-run", "Who": "carol@runner", "Created": "2026-01-01T00:00:00Z", **lock}
        yield state


def unlocking(err: str) -> list[str]:
    """The words of the command that a hint says, as a shell would read its line."""
    (line,) = (line for line in err.splitlines() if line.startswith("Hint: "))
    _, found, command = line.partition("its lock: kiamo-iac ")
    return shlex.split(command) if found else []


@pytest.mark.parametrize("lock_id", IDS.values(), ids=IDS)
def test_s10_an_id_of_another_form_is_in_no_command(desk: Desk, monkeypatch: pytest.MonkeyPatch, lock_id: str) -> None:
    with locked_elsewhere(desk, monkeypatch, ID=lock_id) as state:
        code, out, err = desk.run("apply", *E, "--yes")
        assert (code, out) == (5, "")
        assert obeyed(err) == []
        assert len(err) < 1_000
        command = unlocking(err)
        assert command[:-1] == ["ledger", "unlock", "-e", "staging"]
        assert re.fullmatch(r"sha256-[0-9a-f]{32}", command[-1])
        assert "touch" not in " ".join(command)
        assert desk.writes() == []
        assert desk.run("ledger", "unlock", *E, "--", "x")[0] == 64
        assert state.lock is not None
        code, out, err = desk.run(*command)
        assert code == 0, err
        assert obeyed(err) == []
        assert state.lock is None


def test_s10_an_odd_id_may_be_named_as_it_is(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    with locked_elsewhere(desk, monkeypatch, ID="x; touch y #") as state:
        assert desk.run("ledger", "unlock", *E, "x; touch y #")[0] == 0
        assert state.lock is None


@pytest.mark.parametrize("lock_id", ["dead-run", "6f1c3f0e-5f0b-4c58-9f0a-0d7c1a1f3f10", "a.b:c_1"])
def test_s10_an_id_of_terraform_is_shown_as_it_is(desk: Desk, monkeypatch: pytest.MonkeyPatch, lock_id: str) -> None:
    with locked_elsewhere(desk, monkeypatch, ID=lock_id):
        _, _, err = desk.run("apply", *E, "--yes")
        assert f"by carol@runner since 2026-01-01T00:00:00Z, lock {lock_id}." in err
        assert unlocking(err) == ["ledger", "unlock", "-e", "staging", lock_id]


@pytest.mark.parametrize("text", [*IDS.values()], ids=IDS)
def test_s10_who_holds_a_lock_and_since_when_is_data(desk: Desk, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    with locked_elsewhere(desk, monkeypatch, Who=text, Created=text, Operation=text):
        code, _, err = desk.run("apply", *E, "--yes")
        assert code == 5
        assert obeyed(err) == []
        assert len(err) < 1_000
        assert " since " not in err
        assert unlocking(err) == ["ledger", "unlock", "-e", "staging", "dead-run"]


@pytest.mark.parametrize("text", IDS.values(), ids=IDS)
def test_s10_the_holder_beside_a_file_is_data(desk: Desk, text: str) -> None:
    """Whoever can write the folder says what they like of a lock that is held."""
    from filelock import FileLock

    desk.apply()
    with FileLock(desk.ledger.with_name(f"{desk.ledger.name}.lock")):
        fields = {"id": text, "who": text, "host": text, "pid": 2**70, "since": text, "operation": text}
        desk.ledger.with_name(f"{desk.ledger.name}.holder.json").write_text(json.dumps(fields), encoding="utf-8")
        for words in (("apply", "--yes"), ("ledger", "unlock", "x"), ("ledger", "forget", "bases/prospects")):
            code, _, err = desk.run(*words, *E)
            assert code in {5, 64}
            assert obeyed(err) == []
            assert len(err) < 1_500
            assert "touch y" not in " ".join(unlocking(err))


@pytest.mark.parametrize("text", IDS.values(), ids=IDS)
def test_s10_the_holder_on_a_git_ref_is_data(text: str) -> None:
    """As read of the blob that anybody who may push can write."""
    fields = {"id": text, "who": text, "host": text, "pid": 7, "since": text, "operation": text}
    held = LockInfo.from_json(json.dumps(fields))
    assert held is not None
    error = held.locked_error("refs/kiamo-iac/staging of origin", environment="staging")
    for said in (str(error), error.hint or "", f"Released the lock of {held}."):
        assert obeyed(said) == []
        assert len(said) < 600


@pytest.mark.parametrize("answer", [b"", b"{}", b"[]", b'{"ID": 7}', b"\xff\x00", b"<html>", b"[" * 50_000])
def test_s10_where_no_id_is_known_no_command_is_made_up(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, answer: bytes
) -> None:
    with locked_elsewhere(desk, monkeypatch) as state:
        state.held_answer = answer
        code, _, err = desk.run("apply", *E, "--yes")
        assert code == 5
        assert "kiamo-iac ledger unlock" not in err
        assert "find the lock id in its output" in err
        assert desk.run("ledger", "unlock", *E, "guessed")[0] == 1
        assert state.lock is not None
        code, _, err = desk.run("ledger", "unlock", *E, "dead-run")  # as its output has said
        assert code == 0, err
        assert state.lock is None


# --- addresses, environments, files ----------------------------------------------------------------------------------

NAMES: Final = ("Outbound Sales", "L'Oréal", "été – vague 1", "a&b", "100 %", *IDS.values())


@pytest.mark.parametrize("name", NAMES)
def test_s10_a_name_in_a_hint_stays_one_word(desk: Desk, name: str) -> None:
    """To be lost, forgotten or adopted: the ledger says it, and the instance has it."""
    desk.apply()
    (base,) = desk.emulator.dump(ids=True)["bases"]
    address = f"bases/{name.replace('%', '%25').replace('/', '%2F')}"
    if len(address) > 10_000:
        return
    text = desk.ledger.read_text(encoding="utf-8").replace('"bases/prospects', json.dumps(address)[:-1])
    desk.ledger.write_text(text, encoding="utf-8")
    desk.manifest("services: [{name: Ventes}]\n")
    code, out, err = desk.run("plan", *E, "--prune")
    assert code in {0, 1}, err
    said = [line.partition("kiamo-iac ")[2] for line in out.splitlines() if "ledger forget " in line]
    assert said, out
    for line in said:
        last = shlex.split(line)[2]
        assert last == "ADDRESS" or last.startswith(address)
        assert len(shlex.split(line)) == 3
    assert base["name"] == "prospects"


SHELL: Final = st.text(st.sampled_from("ab/ '\"$`\\!;&|<>()%*?~#{}[]^=-\n\t\u2019\u201c\u00e9\u202e\x1b"), max_size=12)


@given(SHELL | st.text(max_size=12))
def test_s10_a_word_is_one_word_to_a_shell(text: str) -> None:
    made = shell_word(text, "X")
    assert shlex.split(made) in ([text], ["X"])
    assert made.isascii() or made != text


def test_s10_a_real_shell_reads_the_words_that_were_meant() -> None:
    texts = [text for text in (*NAMES, "a b", "it's", "a\\b", "~", "*", "{a,b}", "#", "a=b") if "\x00" not in text]
    words = [shell_word(text, "X") for text in texts]
    script = "".join(f"printf '%s\\n' {each}\n" for each in words)
    done = subprocess.run(["sh", "-c", script], capture_output=True, encoding="utf-8", check=True)
    meant = [text if each != "X" else "X" for text, each in zip(texts, words, strict=True)]
    assert done.stdout.splitlines() == meant


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("bases/prospects", "bases/prospects"),
        ("bases/a%2Fb", "bases/a%2Fb"),
        ("services/Outbound Sales", "'services/Outbound Sales'"),
        ("bases/L'Oréal – été", '"bases/L\'Oréal – été"'),
        ("bases/$(x)", "'bases/$(x)'"),
        ("bases/a & b", '"bases/a & b"'),
        ("bases/'$x", "X"),
        ("bases/a & $(b)", "X"),
        ("bases/\u2019; calc", '"bases/\u2019; calc"'),
        ("bases/\u202egnp", "X"),
        ("bases/x\n", "X"),
        ("-x", "X"),
        ("", "X"),
    ],
)
def test_s10_how_words_are_written(text: str, written: str) -> None:
    """Neither sh nor PowerShell nor cmd obeys anything in them."""
    assert shell_word(text, "X") == written


def test_s10_a_saved_plan_of_an_odd_name_is_quoted(desk: Desk) -> None:
    desk.manifest(MANIFEST)
    code, _, err = desk.run("plan", *E, "--out", "x; touch y.plan")
    assert code == 0
    assert err.endswith("To apply it (once): kiamo-iac apply 'x; touch y.plan'\n")


@pytest.mark.parametrize("path", ["x;touch$IFS$9y", "$(touch y).git", "a&calc", "it's", "a b"])
def test_s10_a_remote_of_the_project_file_in_a_hint_stays_one_word(desk: Desk, path: str) -> None:
    subprocess.run(["git", "init", "-q", "."], check=True)
    remote = f"https://evil.example/{path}"
    ledger = f"ledger: {{backend: git, remote: {json.dumps(remote)}}}"
    desk.project(f'manifests: [manifests]\nenvironments:\n  staging: {{url: "http://127.0.0.1:8090", {ledger}}}\n')
    code, out, err = desk.run("plan", *E)
    assert (code != 0, out) == (True, "")
    _, found, rest = err.partition("(git remote add NAME ")
    if found:  # others are no remote at all
        assert shlex.split(rest.partition("): then credentials")[0]) in ([remote], ["URL"])
    assert found or "KIA0312" in err
