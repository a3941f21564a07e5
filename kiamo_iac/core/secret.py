"""Tokens and passwords: a wrapper that never shows one, the rule by which a string is taken for a token, and the
secrets of the environment and of settings, which no output shows, however it spells them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Lock
from typing import Final

from kiamo_iac.core.known_forms import without_forms

TOKEN: Final = re.compile(r"(?<![0-9A-Za-z])[0-9A-Fa-f]{40}(?![0-9A-Za-z])")
"""A whole word of 40 hexadecimal characters, the form of a `Kiamo-Api-Token` (documented by the vendor)."""

HIDDEN: Final = "(hidden)"


def redact(text: str) -> str:
    """`text` with everything replaced that looks like a token, or has the form of another secret."""
    return without_forms(TOKEN.sub(HIDDEN, text) if len(text) >= 40 else text, HIDDEN)


_OURS: Final = re.compile(r"KIAMO_\w*(?:TOKEN|PASSWORD)(?:_FILE)?", re.ASCII)
_OTHERS: Final = frozenset({"GITHUB_TOKEN", "CI_JOB_TOKEN"})
_USERS: Final = {"CI_JOB_TOKEN": "gitlab-ci-token"}
"""By GitLab's documentation, who holds a job token: with a password it is said in base64 (RFC 7617)."""
_PROXY: Final = re.compile(r"(?:https?|all)_proxy", re.IGNORECASE)
_USERINFO: Final = re.compile(r"(?:\w+://)?([^/@\s]*):([^/@\s]+)@")
_SHORTEST: Final = 8
"""A shorter value is no secret, and hiding it would hide half of every sentence."""
_LARGEST_FILE: Final = 4096

_MOST_LEARNT: Final = 100
"""Values of settings that `conceal_answer` knows: each costs a search of every text that an instance answers."""
_SHORTEST_LEARNT: Final = 4
"""Of a value of settings; one shorter than `_SHORTEST` is hidden where it is a word of its own."""

_kept: tuple[str, ...] = ()
"""What `conceal` hides now."""
_learnt: set[str] | None = None
"""What was learnt; None: no run is going on."""
_former: frozenset[str] = frozenset()
"""What the run before had learnt, for whoever tells why it failed."""
_answers: tuple[tuple[str, re.Pattern[str]], ...] | None = None
"""Each spelling of what was learnt in lower case, and what finds it; None: not worked out yet."""
_learning: Final = Lock()


def conceal(text: str) -> str:
    """`text` without the secrets of the run that is going on (see `concealing`), and without those that are known by
    their form, for whatever is shown or written."""
    for spelling in _kept:
        if spelling in text:
            text = text.replace(spelling, HIDDEN)
    return without_forms(text, HIDDEN)


def learn(text: str) -> None:
    """Until the run ends, `conceal_answer` hides `text`: the value of a sensitive setting, which an instance might
    repeat in an error. Nothing else hides it: whoever writes a manifest could blot out what a plan says."""
    global _answers  # noqa: PLW0603 - as in `concealing`
    if _learnt is None or len(text) < _SHORTEST_LEARNT or text in _learnt or len(_learnt) >= _MOST_LEARNT:
        return
    with _learning:
        _learnt.add(text)
        _answers = None


def conceal_answer(text: str) -> str:
    """What an instance said, as `conceal` has it, and without what this run learnt, in capitals or not."""
    global _answers  # noqa: PLW0603 - as in `concealing`
    text = conceal(text)
    if not _learnt:
        return text
    with _learning:
        if _answers is None:
            _answers = tuple((spelling.lower(), _finding(spelling)) for spelling in spellings(frozenset(_learnt)))
        found = _answers
    lower = text.lower()
    for spelling, pattern in found:
        if spelling in lower:
            text = pattern.sub(HIDDEN, text)
            lower = text.lower()
    return text


def _finding(spelling: str) -> re.Pattern[str]:
    escaped = re.escape(spelling)
    word = rf"(?<![0-9A-Za-z]){escaped}(?![0-9A-Za-z])" if len(spelling) < _SHORTEST else escaped
    return re.compile(word, re.IGNORECASE)


@contextmanager
def concealing(environ: Mapping[str, str], *, afterwards: bool = False) -> Iterator[None]:
    """Meanwhile, `conceal` knows the secrets of an environment, and `conceal_answer` what is learnt; `afterwards`: also
    what the run before had learnt.

    Within another one it knows those of both, and what is learnt stays until the outer one ends.
    """
    global _kept, _learnt, _former, _answers  # noqa: PLW0603 - one process shows the output of one run, and every format of it asks
    outermost = _learnt is None
    if outermost:
        _learnt, _answers = set(_former) if afterwards else set(), None
        _kept = spellings(secrets_of(environ))
    else:
        _kept = tuple(sorted({*_kept, *spellings(secrets_of(environ))}, key=lambda s: (-len(s), s)))
    try:
        yield
    finally:
        if outermost:
            _former = frozenset(_learnt or ())
            _kept, _learnt, _answers = (), None, None


def secrets_of(environ: Mapping[str, str]) -> frozenset[str]:
    """The values of all variables that this program takes secrets from, or of the files that they name."""
    found: set[str] = set()
    for name, value in environ.items():
        if _OURS.fullmatch(name) or name in _OTHERS:
            secret = (_content(value) if name.endswith("_FILE") else value).strip("\ufeff \t\r\n")
            user = environ.get(f"{name.removesuffix('_FILE').removesuffix('PASSWORD')}USERNAME", _USERS.get(name))
            found |= {secret, _base64(f"{user}:{secret}")} if user else {secret}
        elif _PROXY.fullmatch(name) and (userinfo := _USERINFO.match(value)):
            found |= {userinfo[2], _base64(f"{userinfo[1]}:{userinfo[2]}")}
    return frozenset(secret for secret in found if len(secret) >= _SHORTEST)


def spellings(secrets: frozenset[str]) -> tuple[str, ...]:
    """Every way in which an output may spell one of them, the longest first."""
    if not secrets:
        return ()
    import json

    found: set[str] = set()
    for secret in secrets:
        inner = {
            secret,
            _address(secret),
            _percent(secret),
            _percent(secret).replace("%20", "+"),
            json.dumps(secret, ensure_ascii=False)[1:-1],
        }
        inner |= {spelling.lower() for spelling in inner if "%" in spelling and "%" not in secret}
        for text in inner:
            found |= {text, text.replace("'", "''"), text.replace("%", "%25"), repr(text)[1:-1], *_in_markup(text)}
            found |= {json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]}
        found.add(secret.replace("%", "%25").replace(":", "%3A").replace(",", "%2C"))
        found.add(_base64(secret))
    return tuple(sorted(found, key=lambda spelling: (-len(spelling), spelling)))


def _content(file: str) -> str:
    from pathlib import Path

    try:
        with Path(file).open(encoding="utf-8") as stream:
            return stream.read(_LARGEST_FILE)
    except (OSError, ValueError):
        return ""


def _base64(text: str) -> str:
    from base64 import b64encode

    return b64encode(text.encode("utf-8", "surrogateescape")).decode("ascii").rstrip("=")


def _address(text: str) -> str:
    return text.replace("%", "%25").replace("/", "%2F")


def _percent(text: str) -> str:
    from urllib.parse import quote

    return quote(text, safe="", errors="surrogateescape")


def _in_markup(text: str) -> Iterator[str]:
    """As jinja2, the standard library and XML write it."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    yield text
    yield text.replace('"', "&quot;")
    yield text.replace('"', "&quot;").replace("'", "&#x27;")
    yield text.replace('"', "&#34;").replace("'", "&#39;")


class Secret:
    """A value that is sent and never shown: neither by `str`, `repr`, formatting nor pickling."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value itself, for the one place that sends it."""
        return self._value

    def __repr__(self) -> str:
        return f"Secret{HIDDEN}"

    def __str__(self) -> str:
        return HIDDEN

    def __format__(self, spec: str) -> str:
        return format(HIDDEN, spec)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other.reveal() == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce__(self) -> str:
        msg = "a secret is never pickled"
        raise TypeError(msg)
