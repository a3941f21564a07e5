"""How the server of a ledger is reached: which credentials it is sent, and within which limits it is called."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from kiamo_iac.core.environ import variable
from kiamo_iac.core.errors import UsageError
from kiamo_iac.core.ledger_settings import gitlab_state
from kiamo_iac.core.secret import from_environ
from kiamo_iac.core.urls import parse_url
from kiamo_iac.http.caller import HttpCaller, origin_for
from kiamo_iac.http.message import Authorization, Endpoint
from kiamo_iac.http.retry import CONNECTS, Limits

LIMITS: Final = Limits(deadline=60.0, patience=60.0, body=128 * 1024 * 1024, attempts=CONNECTS)
"""A ledger of 250,000 resources, as many as a run reads unless it is set otherwise, is some 100 MB."""
_ENDPOINT: Final = Endpoint(
    address="the address of the ledger",
    example="https://gitlab.example.com/api/v4/projects/1/terraform/state/kiamo",
    owner="the ledger's",
    server="the server of the ledger",
    hint="all addresses of the ledger have one scheme, host and port",
)
_JOB_USER: Final = "gitlab-ci-token"
"""GitLab's name for whoever holds a job token (its documentation of managed Terraform states)."""
_PRINTABLE: Final = re.compile(r"[\x20-\x7e]+")


def caller_for(
    address: str,
    authorization: Authorization | None,
    *,
    ca_bundle: Path | None = None,
    stop: threading.Event | None = None,
    show: Callable[[str], object] | None = None,
    pause: Callable[[float], object] | None = None,
    log: Callable[[str], object] | None = None,
) -> HttpCaller:
    """The caller for the server of `address`. All other arguments: as for `HttpCaller`.

    Raises:
        UsageError: the address is not one that a password may be sent to, or the certificates cannot be read.
    """
    return HttpCaller(
        address,
        _ENDPOINT,
        authorization,
        ca_bundle=ca_bundle,
        limits=LIMITS,
        stop=stop,
        show=show,
        pause=pause,
        log=log,
    )


def authorization_for(address: str, environ: Mapping[str, str], *, prefix: str) -> Authorization | None:
    """The credentials for the server of `address`, from the environment: `<prefix>_LEDGER_USERNAME` and
    `<prefix>_LEDGER_PASSWORD` (or `…_PASSWORD_FILE`); else, for a managed state of the GitLab that runs this pipeline,
    the token of the job; else None. `manifest.pins` has already checked that they may be sent there.

    Raises:
        UsageError: only one of them is set, or the address is not one that a password may be sent to.
    """
    origin_for(address, _ENDPOINT)
    user, password = variable(environ, f"{prefix}_LEDGER_USERNAME"), from_environ(environ, f"{prefix}_LEDGER_PASSWORD")
    if password is not None and not _PRINTABLE.fullmatch(password.reveal()):
        msg = f"{prefix}_LEDGER_PASSWORD is empty, or has characters that HTTP does not allow in a password."
        raise UsageError(msg, hint="use a password of printable ASCII characters")
    if user is not None and password is not None:
        return Authorization.basic(user, password)
    if user is not None or password is not None:
        msg = f"Only one of {prefix}_LEDGER_USERNAME and {prefix}_LEDGER_PASSWORD is set."
        raise UsageError(msg, hint="set both, or neither")
    token, gitlab = from_environ(environ, "CI_JOB_TOKEN", file=False), environ.get("CI_API_V4_URL")
    if token is not None and gitlab and _is_state_of(gitlab, address):
        return Authorization.basic(_JOB_USER, token)
    return None


def _is_state_of(gitlab: str, address: str) -> bool:
    """Whether `address` is a managed state of this GitLab's API: its host may serve other content too, and the job's
    token opens more of the API."""
    try:
        api, state = parse_url(gitlab), parse_url(address)
    except ValueError:  # a GitLab on plain http, where no ledger is kept
        return False
    below = state.path.startswith(f"{api.path.rstrip('/')}/projects/")
    return state.origin == api.origin and below and gitlab_state(address) == address
