"""Which instance a run talks to, and with which token: the project file's word and the environment's."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from kiamo_iac.diagnostics import did_you_mean
from kiamo_iac.document.quote import quote
from kiamo_iac.errors import UsageError
from kiamo_iac.guard_settings import GuardSettings
from kiamo_iac.ledger_settings import LedgerSettings
from kiamo_iac.manifest.project.model import Environment, Project
from kiamo_iac.manifest.urls import Origin, origin_of
from kiamo_iac.secret import Secret

_TOKEN: Final = re.compile(r"[0-9A-Fa-f]{40}")
"""Documented by the vendor: 40 hexadecimal characters."""
_LARGEST_TOKEN_FILE: Final = 4096


@dataclass(frozen=True, slots=True)
class Target:
    """The instance of one run."""

    name: str
    url: str
    """Without a slash at its end."""
    token: Secret
    guards: GuardSettings = field(default_factory=GuardSettings)
    ledger: LedgerSettings = field(default_factory=LedgerSettings)


def variable_prefix(name: str) -> str:
    """`KIAMO_STAGING` for `staging`: upper case, and `_` for all that is neither letter nor digit."""
    return f"KIAMO_{re.sub(r'[^A-Z0-9]', '_', name.upper())}"


def choose_environment(project: Project, name: str | None) -> Environment:
    """The environment that `-e` names, or the only one.

    Raises:
        UsageError: there is none of that name, or there are several and none is named.
    """
    known = project.environments
    if name is None:
        if len(known) == 1:
            return next(iter(known.values()))
        msg = "No environment is named." if known else "The project has no environments."
        hint = f"name one with -e: {', '.join(known)}" if known else "add one under environments: in the project file"
        raise UsageError(msg, hint=hint)
    if name not in known:
        msg = f"The project has no environment {quote(name)}."
        listed = f"it has {', '.join(known)}" if known else "add it under environments: in the project file"
        raise UsageError(msg, hint=did_you_mean(name, known) or listed)
    return known[name]


def resolve_environment(project: Project, name: str | None, environ: Mapping[str, str]) -> Target:
    """The instance and the token of a run.

    Raises:
        UsageError: the environment, its address or its token is missing, refused or malformed; no token is ever shown.
    """
    environment = choose_environment(project, name)
    prefix = variable_prefix(environment.name)
    url = _url(environment, prefix, environ)
    alone = len(project.environments) == 1
    token = _token(prefix, environ, alone=alone)
    return Target(environment.name, url, token, environment.guards, environment.ledger)


def _variable(environ: Mapping[str, str], name: str) -> str | None:
    """What a variable says. An empty one is a mistake of a pipeline, and nothing is guessed from it."""
    value = environ.get(name)
    if value is not None and not value.strip():
        msg = f"{name} is set, and empty."
        raise UsageError(msg, hint="give it a value, or unset it")
    return value


def _url(environment: Environment, prefix: str, environ: Mapping[str, str]) -> str:
    override = _variable(environ, f"{prefix}_URL")
    url = environment.url if override is None else override.strip().rstrip("/")
    if url is None:
        msg = f"The environment {quote(environment.name)} has no url."
        raise UsageError(msg, hint=f"add it at {environment.source}, or set {prefix}_URL")
    origin = _origin(url, f"{prefix}_URL" if override is not None else str(environment.source))
    pin = _variable(environ, f"{prefix}_ORIGIN")
    if pin is not None:
        pinned = _origin(pin.strip(), f"{prefix}_ORIGIN")
        if pin.strip().count("/") > 2:
            msg = f"{prefix}_ORIGIN holds more than scheme, host and port."
            raise UsageError(msg, hint=f"write {pinned}")
        if pinned != origin:
            where = f"{prefix}_URL" if override is not None else str(environment.source)
            msg = f"{where} points to {origin}, and {prefix}_ORIGIN allows {pinned} alone."
            raise UsageError(msg, hint="the token is not sent there; if the change is meant, change the variable too")
    return url


def _origin(url: str, where: str) -> Origin:
    try:
        return origin_of(url)
    except ValueError as error:
        msg = f"The address in {where} cannot be used: {error}."
        raise UsageError(msg, hint="write https://kiamo.example.com") from error


def _token(prefix: str, environ: Mapping[str, str], *, alone: bool) -> Secret:
    name = f"{prefix}_TOKEN"
    token = _variable(environ, name)
    file = _variable(environ, f"{name}_FILE")
    if token is not None and file is not None:
        msg = f"Both {name} and {name}_FILE are set."
        raise UsageError(msg, hint="unset one of them")
    if file is not None:
        return _checked(_read(Path(file), f"{name}_FILE"), f"the file of {name}_FILE")
    if token is not None:
        return _checked(token, name)
    shared = environ.get("KIAMO_TOKEN")
    if shared is not None and alone:
        return _checked(shared, "KIAMO_TOKEN")
    alone_only = "; KIAMO_TOKEN counts only where there is one environment" if shared is not None else ""
    msg = f"There is no token: {name} is not set{alone_only}."
    raise UsageError(msg, hint=f"set {name}, or {name}_FILE to a file that holds it")


def _read(path: Path, variable: str) -> str:
    try:
        with path.open(encoding="utf-8") as stream:
            return stream.read(_LARGEST_TOKEN_FILE)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "it is not text"
        msg = f"The file of {variable} cannot be read: {reason}."
        raise UsageError(msg, hint="check the path, and who may read it") from error


def _checked(text: str, where: str) -> Secret:
    token = text.strip("\r\n\ufeff")
    if not _TOKEN.fullmatch(token):
        msg = f"What {where} holds is not a token: {len(token)} characters."
        raise UsageError(msg, hint="a token is 40 hexadecimal characters, with nothing before or after")
    return Secret(token)
