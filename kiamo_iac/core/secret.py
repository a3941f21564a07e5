"""Tokens and passwords: a wrapper that never shows its value, a reader for environment variables, the form of a token,
and the redactor, which removes the secrets of a run from all output in every encoding."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Lock
from typing import Final

from kiamo_iac.core.environ import variable
from kiamo_iac.core.known_forms import without_forms

TOKEN: Final = re.compile(r"(?<![0-9A-Za-z])[0-9A-Fa-f]{40}(?![0-9A-Za-z])")
"""A whole word of 40 hexadecimal characters, the form of a `Kiamo-Api-Token` (documented by the vendor)."""

HIDDEN: Final = "(hidden)"


_LARGEST_FILE: Final = 4096
"""Bytes of a file that holds a secret."""


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


def from_environ(environ: Mapping[str, str], name: str, *, file: bool = True) -> Secret | None:
    """The secret in the variable `name` or, with `file`, in the file that `<name>_FILE` names; None: neither is set.

    Line ends and a byte order mark around it are dropped, spaces are not.

    Raises:
        UsageError: both are set, or the file cannot be read, is not text in UTF-8, or is larger than 4096 bytes.
    """
    from kiamo_iac.core.errors import UsageError  # every start of the program imports this module

    value, path = variable(environ, name), variable(environ, f"{name}_FILE") if file else None
    if value is not None and path is not None:
        msg = f"Both {name} and {name}_FILE are set."
        raise UsageError(msg, hint="unset one of them")
    if path is not None:
        try:
            return Secret(_stripped(_content(path)))
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else _reason(error)
            msg = f"The file of {name}_FILE cannot be read: {reason}."
            raise UsageError(msg, hint="check the path, and who may read it") from error
    return Secret(_stripped(value)) if value is not None else None


def _content(path: str) -> str:
    """
    Raises:
        OSError: the file cannot be read.
        ValueError: it is too large, or not UTF-8 (UnicodeDecodeError).
    """
    from pathlib import Path

    with Path(path).open("rb") as stream:
        content = stream.read(_LARGEST_FILE + 1)
    if len(content) > _LARGEST_FILE:
        msg = f"it is larger than {_LARGEST_FILE} bytes"
        raise ValueError(msg)
    return content.decode()


def _reason(error: Exception) -> str:
    return "it is not text" if isinstance(error, UnicodeDecodeError) else str(error)


def _stripped(text: str) -> str:
    return text.strip("\ufeff\r\n")


# --- what output hides ----------------------------------------------------------------------------------------------


def redact(text: str) -> str:
    """`text` with everything replaced that looks like a token, or has the form of another secret."""
    return without_forms(TOKEN.sub(HIDDEN, text) if len(text) >= 40 else text, HIDDEN)


_NAMES: Final = re.compile(r"KIAMO_\w*(?:TOKEN|PASSWORD)(?:_FILE)?", re.ASCII)
"""Variables of this program that hold secrets, or name files that do."""
_NAMES_OF_FORGES: Final = frozenset({"GITHUB_TOKEN", "CI_JOB_TOKEN"})
_USERS: Final = {"CI_JOB_TOKEN": "gitlab-ci-token"}
"""By GitLab's documentation, the user of a job token: with a password it is sent in base64 (RFC 7617)."""
_PROXY: Final = re.compile(r"(?:https?|all)_proxy", re.IGNORECASE)
_USERINFO: Final = re.compile(r"(?:\w+://)?([^/@\s]*):([^/@\s]+)@")
_SHORTEST: Final = 8
"""Characters. Shorter values are not hidden: they may be common words."""
_MOST_LEARNT: Final = 100
"""Values of settings that `conceal_answer` hides: each costs a search of every text that an instance answers."""
_SHORTEST_LEARNT: Final = 4
"""Of a value of settings; one shorter than `_SHORTEST` is hidden where it is a word of its own."""


class Redactor:
    """Takes the secrets of a run out of text. Safe under threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self.reset()

    def reset(self) -> None:
        """Forget everything, as when the process began."""
        self._spellings: tuple[str, ...] = ()
        """What `conceal` hides now."""
        self._learnt: set[str] | None = None
        """None: outside of a run."""
        self._former: frozenset[str] = frozenset()
        """The values that the previous run learnt, for the message on its failure."""
        self._patterns: tuple[tuple[str, re.Pattern[str]], ...] | None = None
        """Each spelling of what was learnt in lower case, and what finds it; None: not compiled yet."""

    def conceal(self, text: str) -> str:
        """`text` without the secrets of the run that is going on (see `run`), and without those that are known by their
        form, for whatever is shown or written."""
        for spelling in self._spellings:
            if spelling in text:
                text = text.replace(spelling, HIDDEN)
        return without_forms(text, HIDDEN)

    def learn(self, text: str) -> None:
        """Until the run ends, `conceal_answer` hides `text`: the value of a sensitive setting, which an instance might
        repeat in an error. `conceal` does not hide it: a manifest could remove text from a plan."""
        learnt = self._learnt
        if learnt is None or len(text) < _SHORTEST_LEARNT or text in learnt or len(learnt) >= _MOST_LEARNT:
            return
        with self._lock:
            learnt.add(text)
            self._patterns = None

    def conceal_answer(self, text: str) -> str:
        """A text that an instance answered, as `conceal` has it, and without what this run learnt, in any case."""
        text = self.conceal(text)
        if not self._learnt:
            return text
        with self._lock:
            if self._patterns is None:
                self._patterns = tuple((s.lower(), _pattern(s)) for s in spellings(frozenset(self._learnt)))
            patterns = self._patterns
        lower = text.lower()
        for spelling, pattern in patterns:
            if spelling in lower:
                text = pattern.sub(HIDDEN, text)
                lower = text.lower()
        return text

    @contextmanager
    def run(self, environ: Mapping[str, str], *, afterwards: bool = False) -> Iterator[None]:
        """Meanwhile, `conceal` hides the secrets of an environment, and `conceal_answer` what is learnt; `afterwards`:
        also what the run before had learnt.

        Within another run it hides those of both, and what is learnt stays until the outer one ends.
        """
        outermost = self._learnt is None
        if outermost:
            self._learnt, self._patterns = set(self._former) if afterwards else set(), None
            self._spellings = spellings(secrets_of(environ))
        else:
            found = {*self._spellings, *spellings(secrets_of(environ))}
            self._spellings = tuple(sorted(found, key=lambda spelling: (-len(spelling), spelling)))
        try:
            yield
        finally:
            if outermost:
                former = frozenset(self._learnt or ())
                self.reset()
                self._former = former


REDACTOR: Final = Redactor()
"""Of the process: it shows the output of one run at a time, and every format of it asks here."""
conceal: Final = REDACTOR.conceal
conceal_answer: Final = REDACTOR.conceal_answer
learn: Final = REDACTOR.learn
concealing: Final = REDACTOR.run


def _pattern(spelling: str) -> re.Pattern[str]:
    escaped = re.escape(spelling)
    word = rf"(?<![0-9A-Za-z]){escaped}(?![0-9A-Za-z])" if len(spelling) < _SHORTEST else escaped
    return re.compile(word, re.IGNORECASE)


def secrets_of(environ: Mapping[str, str]) -> frozenset[str]:
    """The values of all variables that this program takes secrets from, or of the files that they name."""
    found: set[str] = set()
    for name, value in environ.items():
        if _NAMES.fullmatch(name) or name in _NAMES_OF_FORGES:
            secret = _stripped(_content_or_nothing(value) if name.endswith("_FILE") else value)
            user = environ.get(f"{name.removesuffix('_FILE').removesuffix('PASSWORD')}USERNAME", _USERS.get(name))
            found |= {secret.strip(), _base64(f"{user}:{secret}")} if user else {secret.strip()}
        elif _PROXY.fullmatch(name) and (userinfo := _USERINFO.match(value)):
            found |= {userinfo[2], _base64(f"{userinfo[1]}:{userinfo[2]}")}
    return frozenset(secret for secret in found if len(secret) >= _SHORTEST)


def _content_or_nothing(path: str) -> str:
    try:
        return _content(path)
    except (OSError, ValueError):
        return ""


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
