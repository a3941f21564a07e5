"""Secrets: how one is read from the environment, and what the redactor forgets."""

from __future__ import annotations

from pathlib import Path

import pytest

from kiamo_iac.core.errors import UsageError
from kiamo_iac.core.secret import HIDDEN, Redactor, from_environ


def found(environ: dict[str, str], *, file: bool = True) -> str | None:
    secret = from_environ(environ, "X", file=file)
    return secret.reveal() if secret is not None else None


@pytest.mark.parametrize("around", ["{}", "{}\n", "{}\r\n", "\ufeff{}\n\n"])
def test_a_value_or_a_file_without_its_line_ends(tmp_path: Path, around: str) -> None:
    file = tmp_path / "secret"
    file.write_bytes(around.format(" a b ").encode())
    assert found({"X": around.format(" a b ")}) == " a b "
    assert found({"X_FILE": str(file)}) == " a b "


def test_what_is_not_set_or_empty_is_none(tmp_path: Path) -> None:
    assert found({}) is None
    assert found({"X": "", "X_FILE": " \n"}) is None
    (tmp_path / "secret").write_text("s", encoding="utf-8")
    assert found({"X_FILE": str(tmp_path / "secret")}, file=False) is None
    assert found({"X": "s", "X_FILE": str(tmp_path / "secret")}, file=False) == "s"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "cannot be read: No such file"),
        (b"\xff", "it is not text"),
        (b"x" * 4097, "it is larger than 4096 bytes"),
    ],
)
def test_a_file_that_holds_no_secret(tmp_path: Path, content: bytes | None, why: str) -> None:
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(UsageError, match=why) as caught:
        found({"X_FILE": str(file)})
    assert str(caught.value).startswith("The file of X_FILE ")
    assert caught.value.hint


def test_both_are_refused() -> None:
    with pytest.raises(UsageError, match="Both X and X_FILE are set"):
        found({"X": "s", "X_FILE": "f"})


def test_a_redactor_forgets_all_when_it_is_reset() -> None:
    redactor = Redactor()
    with redactor.run({"KIAMO_TOKEN": "secret-of-a-run"}):
        redactor.learn("learnt-in-a-run")
        assert redactor.conceal("secret-of-a-run, learnt-in-a-run") == f"{HIDDEN}, learnt-in-a-run"
        assert redactor.conceal_answer("secret-of-a-run, learnt-in-a-run") == f"{HIDDEN}, {HIDDEN}"
    with redactor.run({}, afterwards=True):
        assert redactor.conceal_answer("secret-of-a-run, learnt-in-a-run") == f"secret-of-a-run, {HIDDEN}"
        redactor.reset()
        assert redactor.conceal_answer("learnt-in-a-run") == "learnt-in-a-run"
    with redactor.run({}, afterwards=True):
        assert redactor.conceal_answer("learnt-in-a-run") == "learnt-in-a-run"
