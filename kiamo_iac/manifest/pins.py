"""Pins: the origins that the secrets of a run may be sent to, independent of the project file.

Instances and ledgers are pinned by variables of their own, and count separately: once one instance is pinned, no
instance without a pin receives a token; once one ledger is pinned, no remote ledger without a pin is used. A variable
counts also when the project has no environment of its name: a merge request may have renamed it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from kiamo_iac.core.environ import ORIGIN, instance_pins, ledger_pins, variable, variable_prefix
from kiamo_iac.core.errors import UsageError
from kiamo_iac.core.ledger_settings import LedgerSettings
from kiamo_iac.core.printable import quote
from kiamo_iac.core.urls import Origin, origin_of_pin
from kiamo_iac.manifest.project.model import Environment, Project


def check_instance(
    environment: Environment, found: Origin, *, where: str, shared: bool, environ: Mapping[str, str]
) -> None:
    """Refuse an instance that the token of this run may not be sent to.

    `found`: the origin of its url. `where`: what says that url. `shared`: the token is that of `KIAMO_TOKEN`, which
    `KIAMO_ORIGIN` pins; `KIAMO_<ENV>_ORIGIN` pins the environment with either token.

    Raises:
        UsageError: it has another origin than a pin allows, a pin is malformed, or others are pinned and it is not.
    """
    own = f"{variable_prefix(environment.name)}_ORIGIN"
    names = [name for name in (own, *([ORIGIN] if shared else [])) if variable(environ, name) is not None]
    for name in names:
        _compare(found, _pin(environ, name), name=name, where=where)
    if not names and (others := list(instance_pins(environ))):
        msg = f"The environment {quote(environment.name)} is not pinned, but {others[0]} is set."
        hint = f"once one instance is pinned, all must be: set {own} to the origin that may receive its token"
        raise UsageError(msg, hint=hint)


def ledger_file_instead(environment: str, environ: Mapping[str, str]) -> Path | None:
    """The file that `KIAMO_<ENV>_LEDGER_FILE` names: it keeps the ledger, instead of what the project file says. For
    tests, which must not touch the ledger of the project.

    Raises:
        UsageError: it is not an absolute path.
    """
    name = f"{variable_prefix(environment)}_LEDGER_FILE"
    value = variable(environ, name)
    if value is None:
        return None
    if not Path(value).is_absolute():
        msg = f"{name} is not an absolute path: {quote(value)}."
        raise UsageError(msg, hint="set it to a file in a temporary folder, or unset it")
    return Path(value)


def pinned_ledger_origin(project: Project, environment: str, environ: Mapping[str, str]) -> Origin | None:
    """What `KIAMO_<ENV>_LEDGER_ORIGIN` pins the ledger of `environment` to; None when nothing is pinned, or when the
    ledger is a file. To be called before anything is sent to a ledger.

    The address of an http ledger, and a git remote that is a URL, are compared with it here. A git remote that is a
    name, such as `origin`, leads where the configuration of the checkout says: whoever finds its URL compares
    `urls.origin_of_remote(url)` with what this returns, and refuses another one (also one that is no URL), unless this
    returns None. A pin may be of ssh: `ssh://git.example.com`, with port 22 if it names none.

    Raises:
        UsageError: the ledger has another origin than its pin allows, the pin is malformed, or others are pinned and
            this remote ledger is not.
    """
    chosen = project.environments[environment]
    local = ledger_file_instead(environment, environ) is not None
    if local or chosen.ledger.backup_location(environment) is None:
        return None
    name = f"{variable_prefix(environment)}_LEDGER_ORIGIN"
    if variable(environ, name) is None:
        if others := list(ledger_pins(environ)):
            msg = f"The ledger of {quote(environment)} is not pinned, but {others[0]} is set."
            hint = f"once one ledger is pinned, all must be: set {name} to the origin of the ledger"
            raise UsageError(msg, hint=hint)
        return None
    pinned = _pin(environ, name, ssh=True)
    found = _origin_of_ledger(chosen.ledger)
    if found is not None:
        _compare(found, pinned, name=name, where=f"The ledger of {quote(environment)}")
    return pinned


def _origin_of_ledger(settings: LedgerSettings) -> Origin | None:
    """None: only git knows, for the remote is a name.

    Raises:
        UsageError: it has none; the project file is checked before, so that this is a second line.
    """
    try:
        return settings.origin()
    except ValueError as error:
        msg = f"Invalid ledger address: {error}."
        raise UsageError(msg, hint="correct it in the project file") from error


def _pin(environ: Mapping[str, str], name: str, *, ssh: bool = False) -> Origin:
    try:
        return origin_of_pin(variable(environ, name) or "", ssh=ssh)
    except ValueError as error:
        msg = f"{name} is invalid: {error}."
        raise UsageError(msg, hint="set it to scheme, host and port only, such as https://kiamo.example.com") from error


def _compare(found: Origin, pinned: Origin, *, name: str, where: str) -> None:
    if found != pinned:
        msg = f"{where} points to {found}, but {name} allows only {pinned}."
        raise UsageError(msg, hint="nothing was sent; if the change is intended, change the variable too")
