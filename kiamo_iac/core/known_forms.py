"""Secrets that are known by their form: tokens and keys of public services, private keys, URLs with a password.

Each form is bounded and begins at the edge of a word, so that a search takes bounded time for each character. The forms
are those that the services document, or publish to scanners (GitHub's list of supported secret scanning patterns).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache, lru_cache
from typing import Final, NamedTuple


class SecretForm(NamedTuple):
    """One form."""

    name: str
    """With its article: `a GitHub token`."""
    markers: tuple[str, ...]
    """Each text that has the form holds one of these: they are searched for first, which is fast."""
    pattern: str
    accepts: Callable[[str], bool] | None = None
    """Tells a secret from other text of the same pattern."""


def _is_user_and_password(text: str) -> bool:
    """Whether it is base64 of `user:password` (RFC 7617)."""
    from base64 import b64decode

    try:
        return b":" in b64decode(text + "=" * (-len(text) % 4), validate=True)
    except ValueError:
        return False


class SecretMatch(NamedTuple):
    """A place in a text that has a form."""

    start: int
    end: int
    name: str


_EDGE: Final = r"(?<![A-Za-z0-9_-])"
_GITLAB: Final = (
    *("glpat-", "gloas-", "gldt-", "glrt-", "glrtr-", "glcbt-", "glptt-"),
    *("glft-", "glimt-", "glagent-", "glwt-", "glsoat-", "glffct-"),
)
FORMS: Final = (
    # docs.github.com: About authentication to GitHub, token formats
    SecretForm("a GitHub token", ("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), _EDGE + r"gh[pousr]_[A-Za-z0-9]{20,255}"),
    SecretForm("a GitHub token", ("github_pat_",), _EDGE + r"github_pat_[A-Za-z0-9_]{20,255}"),
    # docs.gitlab.com: Token overview, token prefixes
    SecretForm("a GitLab token", _GITLAB, rf"{_EDGE}(?:{'|'.join(_GITLAB)})[A-Za-z0-9_.=-]{{16,500}}"),
    # docs.aws.amazon.com: IAM identifiers, unique ID prefixes
    SecretForm("an AWS access key", ("AKIA", "ASIA"), _EDGE + r"A[KS]IA[A-Z0-9]{16}(?![A-Za-z0-9])"),
    # RFC 7468, RFC 4716, and RFC 9580 for PGP
    SecretForm(
        "a private key",
        ("PRIVATE KEY",),
        r"-----BEGIN (?:[A-Z0-9]{1,16} ){0,4}PRIVATE KEY(?: BLOCK)?-----"
        r"(?:(?:[A-Za-z0-9+/=\s\\:,.()]|-(?!----)){0,20000}+-----END [A-Z0-9 ]{1,60}-----)?",
    ),
    # api.slack.com: Token types, all with a number in front; incoming webhooks
    SecretForm("a Slack token", ("xox", "xapp-"), _EDGE + r"(?:xox[abceoprs]|xapp)-[0-9][A-Za-z0-9-]{9,250}"),
    SecretForm(
        "a Slack webhook", ("hooks.slack.com/",), r"hooks\.slack\.com/((?:services|workflows)/[A-Za-z0-9/]{20,200})"
    ),
    # cloud.google.com: API keys; OAuth 2.0 access tokens and client secrets
    SecretForm("a Google API key", ("AIza",), _EDGE + r"AIza[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])"),
    SecretForm("a Google token", ("ya29.",), _EDGE + r"ya29\.[A-Za-z0-9_-]{20,2000}"),
    SecretForm("a Google client secret", ("GOCSPX-",), _EDGE + r"GOCSPX-[A-Za-z0-9_-]{20,60}"),
    # docs.stripe.com: API keys; webhook signatures
    SecretForm("a Stripe key", ("k_live_",), _EDGE + r"[rs]k_live_[A-Za-z0-9]{10,250}"),
    SecretForm("a Stripe webhook secret", ("whsec_",), _EDGE + r"whsec_[A-Za-z0-9+/=]{20,250}"),
    # RFC 7519; all have a header that begins with {"
    SecretForm(
        "a JSON Web Token",
        ("eyJ",),
        _EDGE + r"eyJ[A-Za-z0-9_-]{8,4000}\.eyJ[A-Za-z0-9_-]{8,8000}\.[A-Za-z0-9_-]{8,4000}",
    ),
    # docs.sendgrid.com: API keys
    SecretForm("a SendGrid key", ("SG.",), _EDGE + r"SG\.[A-Za-z0-9_-]{16,64}\.[A-Za-z0-9_-]{16,64}"),
    # learn.microsoft.com: Storage connection strings; Event Hubs and Service Bus have the second
    SecretForm(
        "an Azure key",
        ("AccountKey=", "SharedAccessKey="),
        r"(?:AccountKey|SharedAccessKey)=((?!x{40})[A-Za-z0-9+/]{40,100}={0,2})",
    ),
    # docs.npmjs.com: About access tokens
    SecretForm("an npm token", ("npm_",), _EDGE + r"npm_[A-Za-z0-9]{30,60}"),
    # pypi.org/help: API tokens; a macaroon of version 2 begins with Ag
    SecretForm("a PyPI token", ("pypi-Ag",), _EDGE + r"pypi-Ag[A-Za-z0-9_-]{16,1000}"),
    # developer.hashicorp.com: Vault, tokens
    SecretForm("a Vault token", ("hvs.",), _EDGE + r"hvs\.[A-Za-z0-9_-]{24,500}"),
    # RFC 3986, section 3.2.1; not a placeholder such as *** or, in an example, the word itself
    SecretForm(
        "a URL with a password",
        ("://",),
        r"://([^\s/?#:@\"'<>{}\\]{0,128}:(?!(?:[*xX•.]{1,64}|(?i:password|passwd|passe?|pwd|secret|token|mdp|motdepasse))@)"
        r"[^\s/?#@\"'<>{}\\]{1,256})@",
    ),
    # RFC 6750 and RFC 7617; a digit, or the end of base64, tells one from a word of a sentence
    SecretForm(
        "an Authorization header",
        ("Bearer ",),
        r"(?<![A-Za-z])Bearer {1,4}(?=[A-Za-z+/._~-]{0,500}[0-9=])[A-Za-z0-9+/._~-]{16,4000}={0,2}",
    ),
    SecretForm(
        "an Authorization header",
        ("Basic ",),
        r"(?<![A-Za-z])Basic {1,4}([A-Za-z0-9+/]{8,4000}={0,2})(?![A-Za-z0-9+/=_.-])",
        _is_user_and_password,
    ),
)
_LITERALS: Final = ("://", "AKIA", "ASIA", "AIza", "Key=", "PRIVATE KEY", "Bearer ", "Basic ", "hooks.slack.com/")
_RUNS: Final = tuple(
    (pattern[0], re.compile(re.escape(pattern[0]) + pattern[1:]).search)
    for pattern in ("_[A-Za-z0-9+/=_]{10}", "-[A-Za-z0-9_.=-]{10}", ".[A-Za-z0-9_-]{11}")
)
"""A text that has a form contains one of these literals or runs, each with the character that it begins with: a dozen
searches replace one for each marker."""
_BY_MARKER: Final = tuple((marker, form) for form in FORMS for marker in form.markers)
_SHORTEST: Final = 14
"""All forms but that of a URL have as many characters (`Basic ` and eight)."""
_LONGEST_CACHED: Final = 256
"""Characters of the longest text for which the result of `has_form` is cached."""


@cache
def _compiled(form: SecretForm) -> re.Pattern[str]:
    """Compiled when a text first contains one of its markers. A group, if any, is the secret, else the whole match."""
    return re.compile(form.pattern)


def _matches(text: str, form: SecretForm) -> Iterator[SecretMatch]:
    for match in _compiled(form).finditer(text):
        if form.accepts is None or form.accepts(match[match.re.groups]):
            yield SecretMatch(*match.span(match.re.groups), form.name)


def may_have_form(text: str) -> bool:
    """False for nearly all texts that have none; a fast check before `forms_in`."""
    return any(map(text.__contains__, _LITERALS)) or any(
        first in text and search(text) is not None for first, search in _RUNS
    )


def forms_in(text: str) -> list[SecretMatch]:
    """Every place that has a form, in order."""
    if _has_none(text):
        return []
    forms = [form for marker, form in _BY_MARKER if marker in text]
    return sorted(found for form in dict.fromkeys(forms) for found in _matches(text, form))


def has_form(text: str) -> bool:
    """Whether `text`, or a part of it, has one."""
    if _is_short(text):
        return False
    return _has_form(text) if len(text) <= _LONGEST_CACHED else bool(forms_in(text))


def _is_short(text: str) -> bool:
    """Whether `text` is too short for any form: most texts are, and need neither a search nor a cache entry."""
    return len(text) < _SHORTEST and "://" not in text


def _has_none(text: str) -> bool:
    """True for nearly all texts that have none."""
    return _is_short(text) or not may_have_form(text)


@lru_cache(maxsize=1024)
def _has_form(text: str) -> bool:
    return bool(forms_in(text))


def without_forms(text: str, instead: str) -> str:
    """`text` with `instead` in the place of everything that has a form."""
    return text if _has_none(text) else _replaced(text, lambda _: instead)


def blanked(text: str) -> str:
    """`text`, as long as it is and in the same lines, with an x for each character but colons of what has a form."""
    return _replaced(text, lambda part: re.sub(r"[^\s:]", "x", part))


def _replaced(text: str, by: Callable[[str], str]) -> str:
    parts, end = [], 0
    for found in forms_in(text):
        if found.end > end:
            parts += [text[end : max(end, found.start)], by(text[max(end, found.start) : found.end])]
            end = found.end
    return "".join([*parts, text[end:]]) if parts else text
