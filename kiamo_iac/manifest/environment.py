"""The instance and the token of a run, from the project file and the environment."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from kiamo_iac.core.diagnostics import did_you_mean
from kiamo_iac.core.environ import TOKEN, variable, variable_prefix
from kiamo_iac.core.errors import UsageError
from kiamo_iac.core.ledger_settings import FileSettings, LedgerSettings
from kiamo_iac.core.printable import quote
from kiamo_iac.core.secret import Secret, from_environ
from kiamo_iac.core.settings import GuardSettings, LimitSettings
from kiamo_iac.core.urls import Origin, origin_of
from kiamo_iac.manifest.pins import check_instance, pinned_ledger_origin
from kiamo_iac.manifest.project.model import Environment, Project

_FORM: Final = re.compile(r"[0-9A-Fa-f]{40}")
"""Documented by the vendor: 40 hexadecimal characters."""


@dataclass(frozen=True, slots=True)
class Target:
    """The instance of one run."""

    name: str
    url: str
    """Without a slash at its end."""
    token: Secret
    guards: GuardSettings = field(default_factory=GuardSettings)
    ledger: LedgerSettings = field(default_factory=FileSettings)
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
        msg = "No environment is selected." if known else "The project has no environments."
        hint = (
            f"pass -e with one of: {', '.join(known)}" if known else "add one under environments: in the project file"
        )
        raise UsageError(msg, hint=hint)
    if name not in known:
        msg = f"The project has no environment {quote(name)}."
        listed = (
            f"known environments: {', '.join(known)}" if known else "add it under environments: in the project file"
        )
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
    token_variable = _token_variable(prefix, environ, alone=len(project.environments) == 1)
    check_instance(environment, _origin(url, where), where=where, shared=token_variable == TOKEN, environ=environ)
    pinned_ledger_origin(project, environment.name, environ)
    token = _token(token_variable, prefix, environ, alone=len(project.environments) == 1)
    return Target(environment.name, url.rstrip("/"), token, environment.guards, environment.ledger, environment.limits)


def instance_identity(environment: Environment, environ: Mapping[str, str]) -> str | None:
    """What the ledger of an environment names its instance by; None: it has no name, and no url is known.

    Raises:
        UsageError: the url in force is invalid.
    """
    if environment.instance is not None:
        return environment.instance
    prefix = variable_prefix(environment.name)
    if environment.url is None and variable(environ, f"{prefix}_URL") is None:
        return None
    return str(_origin(*_url(environment, prefix, environ)))


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
        msg = f"Invalid url in {where}: {error}."
        raise UsageError(msg, hint="write https://kiamo.example.com") from error


def _token_variable(prefix: str, environ: Mapping[str, str], *, alone: bool) -> str | None:
    """The variable that the token comes from, or, with `_FILE` after it, its file; None: none of them is set."""
    own = f"{prefix}_TOKEN"
    if any(variable(environ, name) is not None for name in (own, f"{own}_FILE")):
        return own
    return TOKEN if alone and variable(environ, TOKEN) is not None else None


def _token(name: str | None, prefix: str, environ: Mapping[str, str], *, alone: bool) -> Secret:
    token = from_environ(environ, name, file=name != TOKEN) if name is not None else None
    if token is None:
        own = f"{prefix}_TOKEN"
        shared = variable(environ, TOKEN) is not None
        alone_only = f" ({TOKEN} counts only where there is one environment)" if shared else ""
        or_shared = f", or {TOKEN}, as there is one environment" if alone else ""
        hint = f"or set {own}_FILE to a file that holds it{or_shared}"
        raise UsageError(f"No API token: set {own}{alone_only}.", hint=hint)
    if not _FORM.fullmatch(token.reveal()):
        where = name if name is not None and variable(environ, name) is not None else f"the file of {name}_FILE"
        msg = f"The value of {where} is not a token: it has {len(token.reveal())} characters."
        raise UsageError(msg, hint="a token is 40 hexadecimal characters, with nothing before or after")
    return token
