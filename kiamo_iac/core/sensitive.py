"""Sensitive settings: recognised by the name of their key, by their form, or listed by a manifest; and the text that
replaces their values in outputs, ledgers and saved plans."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final, NoReturn, Self, SupportsIndex

from kiamo_iac.core.known_forms import has_form
from kiamo_iac.core.secret import learn
from kiamo_iac.core.strict_json import same

MASK: Final = "(sensitive)"
"""The text in every output, ledger and saved plan in the place of a sensitive value."""

_SHORTEST_REPEATED: Final = 8
"""Characters of the shortest secret that makes a text which contains it sensitive too."""

Path = tuple[str, ...]
"""Keys from `settings` to a value; a list between them has no key, and a path applies to each of its items."""


class Sensitive(str):
    """A value that is compared and sent, and never shown: as a string, in any format, it is `(sensitive)`."""

    __slots__ = ("_value",)
    _value: Any

    def __new__(cls, value: Any) -> Self:
        """`value`: any JSON value, without wrappers in it."""
        made = super().__new__(cls, MASK)
        made._value = value
        return made

    def reveal(self) -> Any:
        """The value itself, to be sent or compared."""
        return self._value

    def __eq__(self, other: object) -> bool:
        return same(self._value, other.reveal() if isinstance(other, Sensitive) else other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        try:
            return hash(self._value)
        except TypeError:
            return hash(MASK)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _memo: object) -> Self:
        return self

    def __reduce_ex__(self, _protocol: SupportsIndex) -> NoReturn:
        msg = "a sensitive value is never pickled"
        raise TypeError(msg)


# --- by the name of a key --------------------------------------------------------------------------------------------

PASSWORD_WORDS: Final = frozenset(
    {"password", "passwords", "passwd", "pwd", "passphrase", "passcode", "mdp", "motdepasse"}
)
"""Words that make a key sensitive at any position in it, for strings and numbers."""
SECRET_WORDS: Final = frozenset(
    {
        *("secret", "secrets", "token", "tokens", "credential", "credentials", "creds", "bearer", "authorization"),
        *("apikey", "apikeys", "accesskey", "privatekey", "secretkey", "jeton", "jetons", "psk"),
    }
)
"""The same for strings; for numbers only those that are in `_NUMBERED_WORDS`."""
_NUMBERED_WORDS: Final = frozenset({"secret", "credential", "apikey", "accesskey", "privatekey", "secretkey", "psk"})
_NUMBERED_PHRASES: Final = (("api", "key"), ("access", "key"), ("secret", "key"), ("cle", "api"), ("cle", "secrete"))
"""In the singular: `secrets: 3` and `tokens: 300` are counts."""
_PASSWORD_ENDINGS: Final = ("password", "passwd", "pwd", "passphrase", "passcode", "motdepasse")
_SECRET_ENDINGS: Final = ("secret", "token", "apikey", "accesskey", "privatekey", "secretkey")
"""Endings of several words written as one: `smtppassword`, `CLIENTSECRET`."""
PASSWORD_PHRASES: Final = (
    *(("mot", "de", "passe"), ("mots", "de", "passe"), ("mot", "passe"), ("pass", "word"), ("pass", "phrase")),
    *(("code", "secret"), ("code", "confidentiel"), ("code", "pin"), ("pin", "code"), ("phrase", "de", "passe")),
    *(("code", "acces"), ("code", "d", "acces")),
)
SECRET_PHRASES: Final = (
    *(("api", "key"), ("api", "keys"), ("access", "key"), ("access", "keys"), ("private", "key"), ("private", "keys")),
    *(("secret", "key"), ("shared", "key"), ("account", "key"), ("encryption", "key"), ("signing", "key")),
    *(("master", "key"), ("hmac", "key"), ("aes", "key"), ("connection", "string"), ("chaine", "de", "connexion")),
    *(("cle", "api"), ("cles", "api"), ("cle", "privee"), ("cles", "privees"), ("cle", "secrete"), ("cle", "d", "api")),
    *(("cle", "acces"), ("cle", "d", "acces"), ("cle", "de", "chiffrement"), ("cle", "chiffrement")),
    *(("cle", "de", "signature"), ("phrase", "secrete")),
)
"""Adjacent words."""
LAST_PASSWORD_WORDS: Final = frozenset({"pass", "pin", "pincode", "pw"})
"""Words that make a key sensitive in the last position: `smtp_pass`, not `pass_through`."""
LAST_SECRET_WORDS: Final = frozenset({"auth", "identifiants"})
ABOUT_WORDS: Final = frozenset(
    {
        *("required", "needed", "enabled", "disabled", "active", "allowed", "visible", "requis", "requise", "active"),
        *("ttl", "expiry", "expires", "expiration", "lifetime", "duration", "duree", "validite", "age", "days"),
        *("date", "at", "length", "longueur", "min", "max", "minimum", "maximum", "count", "limit", "size"),
        *("policy", "politique", "rule", "rules", "strength", "rotation", "history", "type", "kind", "mode", "method"),
        *("format", "algorithm", "encoding", "scheme", "scope", "scopes", "source", "provider", "issuer", "audience"),
        *("attempt", "attempts", "tentatives", "essais", "retries", "tries", "complexity", "complexite", "expire"),
        *("expired", "changed", "forgotten", "oublie", "oubliee", "link", "lien", "capability", "channel", "left"),
        *("remaining", "restants", "used", "utilises", "budget"),
        *("url", "uri", "endpoint", "host", "path", "file", "filename", "folder", "fichier", "chemin"),
        *("name", "nom", "label", "libelle", "header", "field", "champ", "prefix", "id", "ids", "ref", "page"),
        *("hint", "indice", "question", "help", "aide", "description", "status", "state", "etat", "manager", "store"),
    }
)
"""Last words of a key that is about a secret and holds none: `token_ttl`, `password_policy`."""
COUNT_WORDS: Final = frozenset(
    {
        *("max", "min", "num", "nb", "count", "number", "nombre", "total", "length", "longueur", "duree", "duration"),
        *("is", "has", "use", "uses", "require", "requires", "needs", "can", "show", "hide", "allow", "forgot", "lost"),
    }
)
"""First words of such a key: `max_tokens`, `use_auth`."""
_PASSES: Final = frozenset({"first", "second", "third", "last", "next", "each", "boarding", "day", "access"})
"""First words of a key whose last `pass` is no password: `second_pass`."""

_SPELT: Final = {"clef": "cle", "clefs": "cles"}
_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


@lru_cache(maxsize=10_000)
def names_secret(key: str) -> bool:
    """Whether a key is named like a secret: `smtp_password`, `clientSecret`, `X-Api-Key`, `mot_de_passe`."""
    words = _words(key)
    if not words or words[-1] in ABOUT_WORDS or words[0] in COUNT_WORDS:
        return False
    if _names_password(words) or words[-1] in LAST_SECRET_WORDS or _has(words, SECRET_WORDS, SECRET_PHRASES):
        return True
    return any(word.endswith(_SECRET_ENDINGS) for word in words)


@lru_cache(maxsize=10_000)
def _names_number(key: str) -> bool:
    """Whether a number under the key is sensitive too: a password may be a number, a token is not."""
    words = _words(key)
    return _names_password(words) or _has(words, _NUMBERED_WORDS, _NUMBERED_PHRASES)


def _words(key: str) -> tuple[str, ...]:
    """The words of a key without accents and digits, in lower case, in any spelling (snake, camel, kebab)."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", key[:200]) if not unicodedata.combining(c))
    return tuple(_SPELT.get(word.lower(), word.lower()) for word in _WORD.findall(plain))


def _names_password(words: tuple[str, ...]) -> bool:
    last = bool(words) and words[-1] in LAST_PASSWORD_WORDS and not (words[-1] == "pass" and words[0] in _PASSES)
    return (
        last or _has(words, PASSWORD_WORDS, PASSWORD_PHRASES) or any(word.endswith(_PASSWORD_ENDINGS) for word in words)
    )


def _has(words: tuple[str, ...], single: frozenset[str], phrases: Iterable[tuple[str, ...]]) -> bool:
    if not single.isdisjoint(words):
        return True
    return any(words[n : n + len(p)] == p for p in phrases for n in range(len(words) - len(p) + 1))


# --- hiding ----------------------------------------------------------------------------------------------------------


def hidden_text(text: str) -> str:
    """`text`, wrapped when it has the form of a secret."""
    return hide(text) if has_form(text) else text


def hide(value: Any) -> Sensitive:
    """A wrapper around `value`; wrappers inside it are removed."""
    return value if isinstance(value, Sensitive) else Sensitive(revealed(value))


def remember(settings: Any) -> None:
    """Hide the sensitive values of declared settings in every response that this run quotes: an instance may repeat
    what it was sent. Live values are not remembered, or an instance could hide any text in an output."""
    if isinstance(settings, Sensitive):
        for text in _texts(settings.reveal()):
            for part in {text, *text.splitlines()}:
                if not reads_back_masked(part):
                    learn(part)
    elif isinstance(settings, Mapping):
        for value in settings.values():
            remember(value)
    elif isinstance(settings, list):
        for value in settings:
            remember(value)


def hidden(settings: Mapping[str, Any], listed: Iterable[str] = ()) -> Mapping[str, Any]:
    """`settings` with a wrapper around every value that is sensitive by the name of its key, by its form, or by
    `listed`; the same mapping when there is none.

    `listed`: as in a manifest's `sensitive`: `settings.smtp.password`.
    """
    found: Mapping[str, Any] = _hidden(settings, within=False, numbers=False)
    if listed:
        found = hidden_at(found, listed_paths(found, listed))
    return found if found is settings else hidden_repeats(found, found)


def hidden_at(settings: Mapping[str, Any], paths: Iterable[Path]) -> Mapping[str, Any]:
    """`settings` with a wrapper around each value at these paths, except null."""
    for path in paths:
        settings = _hidden_at(settings, path)
    return settings


def hidden_repeats(settings: Mapping[str, Any], of: Any) -> Mapping[str, Any]:
    """`settings` with a wrapper also around each string that contains a wrapped value of `of`, such as an alias of it
    or a URL that an instance made of it. Short values and plain words are not looked for."""
    secrets = {text for one in _wrapped(of) for text in _texts(one.reveal()) if _is_searched_for(text)}
    found: Mapping[str, Any] = _without_repeats(settings, secrets) if secrets else settings
    return found


def listed_paths(settings: Mapping[str, Any], listed: Iterable[str]) -> list[Path]:
    """The paths of `settings` that entries of a manifest's `sensitive` name; keys may hold dots themselves."""
    found: list[Path] = []
    for entry in listed:
        if entry == "settings":
            found += [(key,) for key in settings]
        elif entry.startswith("settings."):
            found += _named(settings, entry.removeprefix("settings."))
    return found


def sensitive_paths(data: Any, path: Path = ()) -> list[Path]:
    """The paths of the wrappers in settings, each once."""
    return list(dict.fromkeys(_paths(data, path, is_one=lambda value: isinstance(value, Sensitive))))


def masked_paths(data: Any) -> list[Path]:
    """The paths at which a ledger has the text for a sensitive value."""
    return list(dict.fromkeys(_paths(data, (), is_one=lambda value: isinstance(value, str) and str(value) == MASK)))


def masked(data: Any) -> Any:
    """Plain data with the text `(sensitive)` in the place of each wrapper, for files; the same object when there is
    none."""
    return _replaced(data, lambda _: MASK)


def revealed(data: Any) -> Any:
    """Plain data with the values in the place of wrappers, for API calls; the same object when there is none."""
    return _replaced(data, Sensitive.reveal)


def _hidden(value: Any, *, within: bool, numbers: bool) -> Any:
    match value:
        case Sensitive():
            return value
        case str():
            return hide(value) if value and value != MASK and (within or has_form(value)) else value
        case Mapping():
            changed = {}
            for key, inner in value.items():
                named = names_secret(key)
                new = _hidden(inner, within=within or named, numbers=numbers or (named and _names_number(key)))
                if new is not inner:
                    changed[key] = new
            return {**value, **changed} if changed else value
        case list():
            items = [_hidden(item, within=within, numbers=numbers) for item in value]
            return items if any(new is not old for new, old in zip(items, value, strict=True)) else value
        case bool() | None:
            return value
        case _:
            return hide(value) if numbers else value


def _hidden_at(value: Any, path: Path) -> Any:
    if isinstance(value, list):
        items = [_hidden_at(item, path) for item in value]
        return items if any(new is not old for new, old in zip(items, value, strict=True)) else value
    if not isinstance(value, Mapping) or isinstance(value, Sensitive) or path[0] not in value:
        return value
    inner = value[path[0]]
    if len(path) > 1:
        new = _hidden_at(inner, path[1:])
        return value if new is inner else {**value, path[0]: new}
    return value if inner is None or isinstance(inner, Sensitive) else {**value, path[0]: hide(inner)}


def _without_repeats(value: Any, secrets: set[str]) -> Any:
    match value:
        case Sensitive():
            return value
        case str():
            return hide(value) if any(secret in value for secret in secrets) else value
        case Mapping():
            changed = {key: _without_repeats(inner, secrets) for key, inner in value.items()}
            return changed if any(changed[key] is not inner for key, inner in value.items()) else value
        case list():
            items = [_without_repeats(item, secrets) for item in value]
            return items if any(new is not old for new, old in zip(items, value, strict=True)) else value
        case _:
            return value


def _is_searched_for(text: str) -> bool:
    return len(text) >= _SHORTEST_REPEATED and not text.isalpha() and not reads_back_masked(text)


def _wrapped(value: Any) -> Iterator[Sensitive]:
    if isinstance(value, Sensitive):
        yield value
    elif isinstance(value, Mapping | list):
        for inner in value.values() if isinstance(value, Mapping) else value:
            yield from _wrapped(inner)


def _named(data: Any, rest: str) -> list[Path]:
    if isinstance(data, list):
        return list(dict.fromkeys(path for item in data for path in _named(item, rest)))
    if not isinstance(data, Mapping):
        return []
    found: list[Path] = [(rest,)] if rest in data else []
    for key, inner in data.items():
        if rest.startswith(f"{key}."):
            found += [(key, *path) for path in _named(inner, rest[len(key) + 1 :])]
    return found


def _paths(data: Any, path: Path, *, is_one: Any) -> Iterator[Path]:
    if is_one(data):
        yield path
    elif isinstance(data, Mapping):
        for key, inner in data.items():
            yield from _paths(inner, (*path, key), is_one=is_one)
    elif isinstance(data, list | tuple):
        for item in data:
            yield from _paths(item, path, is_one=is_one)


def _replaced(data: Any, instead: Any) -> Any:
    if isinstance(data, str):
        return instead(data) if isinstance(data, Sensitive) else data
    if isinstance(data, Mapping):
        entries = {key: _replaced(value, instead) for key, value in data.items()}
        return entries if any(entries[key] is not value for key, value in data.items()) else data
    if isinstance(data, list):
        items = [_replaced(item, instead) for item in data]
        return items if any(new is not old for new, old in zip(items, data, strict=True)) else data
    return data


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, str):
        yield value
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield str(value)


# --- what an instance returns in the place of a secret ---------------------------------------------------------------

_PLACEHOLDER: Final = re.compile(
    r"[*•●∙·⬤◦○■▪＊#]{3,200}|[xX]{4,200}|[.…_-]{3,200}|…|.{0,8}[*•●]{4,200}.{0,8}"
    r"|hidden|masked|redacted|masqué|caché"
    r"|(?:\*{2,8}|_{1,4}|<|\[|\(|\{{1,2})\s?(?:hidden|masked|redacted|secret|sensitive|protected|encrypted|unchanged"
    r"|filtered|removed|not shown|set|masqu[ée]e?|cach[ée]e?|confidentiel|prot[ée]g[ée]e?|inchang[ée]e?)"
    r"\s?(?:\*{2,8}|_{1,4}|>|\]|\)|\}{1,2})",
    re.IGNORECASE | re.DOTALL,
)


def reads_back_masked(value: Any) -> bool:
    """Whether a live value says nothing of the one that was sent: `****`, `<hidden>`, an empty string, null, or `true`
    for a value that is set."""
    plain = value.reveal() if isinstance(value, Sensitive) else value
    if isinstance(plain, str):
        return not plain or _PLACEHOLDER.fullmatch(plain) is not None
    return plain is None or plain is True


def shows(live: Any, declared: Any) -> bool:
    """Whether a live value is the declared one, as far as it is visible: a value that reads back masked is equal."""
    if isinstance(declared, Sensitive) and reads_back_masked(live):
        return True
    if isinstance(declared, Mapping) and isinstance(live, Mapping):
        return declared.keys() == live.keys() and all(shows(live[key], value) for key, value in declared.items())
    if isinstance(declared, list) and isinstance(live, list):
        return len(declared) == len(live) and all(map(shows, live, declared))
    return same(live, declared)
