"""The environment variables that this program reads: their names, and the names of environments that are reserved for
them. An empty variable counts as unset."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

TOKEN: Final = "KIAMO_TOKEN"  # noqa: S105 - the name of a variable
"""The token of the only environment of a project."""
ORIGIN: Final = "KIAMO_ORIGIN"
"""The only origin that `KIAMO_TOKEN` may be sent to."""
RESERVED_ENDINGS: Final = ("PLAN", "LEDGER", "URL", "ORIGIN", "TOKEN", "FILE")
"""Pipelines keep the plan token of `staging` in `KIAMO_STAGING_PLAN_TOKEN`: no environment is called `staging-plan`."""
RESERVED_NAMES: Final = ("GITLAB", "IAC")
"""`KIAMO_GITLAB_TOKEN` comments on merge requests; `KIAMO_IAC_…` locates this program in a pipeline."""
_LEDGER_PIN: Final = re.compile(r"KIAMO_(?:.*_)?LEDGER_ORIGIN", re.DOTALL)
_INSTANCE_PIN: Final = re.compile(r"KIAMO_(?:.*_)?ORIGIN", re.DOTALL)


def variable(environ: Mapping[str, str], name: str) -> str | None:
    """The value of a variable; None when it is not set, or blank: pipelines pass an undefined variable as blank."""
    value = environ.get(name)
    return value if value is not None and value.strip() else None


def variable_prefix(name: str) -> str:
    """`KIAMO_STAGING` for `staging`: upper case, with `_` for each character that is neither letter nor digit."""
    return f"KIAMO_{re.sub(r'[^A-Z0-9]', '_', name.upper())}"


def why_reserved(name: str) -> str | None:
    """Why no environment may have this name, as a clause; None when it may."""
    prefix = variable_prefix(name)
    if prefix.removeprefix("KIAMO_") in RESERVED_NAMES:
        return f"variables that begin with {prefix}_ have another meaning"
    ending = prefix.rpartition("_")[2]
    if ending in RESERVED_ENDINGS:
        return f"variables that begin with {prefix} have another meaning"
    return None


def instance_pins(environ: Mapping[str, str]) -> Iterator[str]:
    """The variables that are set and pin an instance, whether or not a project has such an environment."""
    for name in sorted(environ):
        if _INSTANCE_PIN.fullmatch(name) and not _LEDGER_PIN.fullmatch(name) and variable(environ, name) is not None:
            yield name


def ledger_pins(environ: Mapping[str, str]) -> Iterator[str]:
    """The variables that are set and pin a ledger, whether or not a project has such an environment."""
    for name in sorted(environ):
        if _LEDGER_PIN.fullmatch(name) and variable(environ, name) is not None:
            yield name
