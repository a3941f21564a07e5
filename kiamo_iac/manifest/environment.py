"""Which instance a run talks to, and with which token: the project file's word and the environment's."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from kiamo_iac.core.diagnostics import did_you_mean
from kiamo_iac.core.environ import TOKEN, variable, variable_prefix
from kiamo_iac.core.errors import UsageError
from kiamo_iac.core.ledger_settings import LedgerSettings
from kiamo_iac.core.printable import quote
from kiamo_iac.core.secret import Secret
from kiamo_iac.core.settings import GuardSettings, LimitSettings
from kiamo_iac.core.urls import Origin, origin_of
from kiamo_iac.manifest.pins import check_instance, pinned_ledger_origin
from kiamo_iac.manifest.project.model import Environment, Project

_FORM: Final = re.compile(r"[0-9A-Fa-f]{40}")
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
    limits: LimitSettings = field(default_factory=LimitSettings)


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
    """The instance and the token of a run. Both the instance and a remote ledger are held against their pins here,
    before anything is sent to either.

    Raises:
        UsageError: the environment, its address or its token is missing, refused or malformed; no token is ever shown.
    """
    environment = choose_environment(project, name)
    prefix = variable_prefix(environment.name)
    url, where = _url(environment, prefix, environ)
    source = _token_source(prefix, environ, alone=len(project.environments) == 1)
    check_instance(environment, _origin(url, where), where=where, shared=source == TOKEN, environ=environ)
    pinned_ledger_origin(project, environment.name, environ)
    token = _token(source, prefix, environ)
    return Target(environment.name, url.rstrip("/"), token, environment.guards, environment.ledger, environment.limits)


def _url(environment: Environment, prefix: str, environ: Mapping[str, str]) -> tuple[str, str]:
    """The url, and what says it."""
    override = variable(environ, f"{prefix}_URL")
    if override is not None:
        return override.strip(), f"{prefix}_URL"
    if environment.url is None:
        msg = f"The environment {quote(environment.name)} has no url."
        raise UsageError(msg, hint=f"add it at {environment.source}, or set {prefix}_URL")
    return environment.url, str(environment.source)


def _origin(url: str, where: str) -> Origin:
    try:
        return origin_of(url)
    except ValueError as error:
        msg = f"The address in {where} cannot be used: {error}."
        raise UsageError(msg, hint="write https://kiamo.example.com") from error


def _token_source(prefix: str, environ: Mapping[str, str], *, alone: bool) -> str | None:
    """The variable that the token comes from; None: none of them is set.

    Raises:
        UsageError: two of them are.
    """
    own = [name for name in (f"{prefix}_TOKEN", f"{prefix}_TOKEN_FILE") if variable(environ, name) is not None]
    if len(own) > 1:
        msg = f"Both {own[0]} and {own[1]} are set."
        raise UsageError(msg, hint="unset one of them")
    if own:
        return own[0]
    return TOKEN if alone and variable(environ, TOKEN) is not None else None


def _token(source: str | None, prefix: str, environ: Mapping[str, str]) -> Secret:
    if source is None:
        name = f"{prefix}_TOKEN"
        shared = variable(environ, TOKEN) is not None
        alone_only = f"; {TOKEN} counts only where there is one environment" if shared else ""
        msg = f"There is no token: {name} is not set{alone_only}."
        raise UsageError(msg, hint=f"set {name}, or {name}_FILE to a file that holds it")
    text = variable(environ, source) or ""
    if source.endswith("_FILE"):
        return _checked(_read(Path(text), source), f"the file of {source}")
    return _checked(text, source)


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
    if not _FORM.fullmatch(token):
        msg = f"What {where} holds is not a token: {len(token)} characters."
        raise UsageError(msg, hint="a token is 40 hexadecimal characters, with nothing before or after")
    return Secret(token)
