"""Plans saved to a file, and applied from it: once, and only as long as everything leads to the very same plan."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING

from kiamo_iac import __version__
from kiamo_iac.app.applying import Applying
from kiamo_iac.app.planning import Planned, plan_sides, read_sides
from kiamo_iac.core.errors import PlanFileError
from kiamo_iac.core.private_file import read_limited, write_private
from kiamo_iac.document.files import read_bytes
from kiamo_iac.planner.plan_compare import check_bound, check_same
from kiamo_iac.planner.plan_file import (
    MAX_BYTES,
    SavedPlan,
    contract_digest,
    load_plan,
    manifests_digest,
    text_of,
)

if TYPE_CHECKING:
    from kiamo_iac.app.opening import Workspace


def save(workspace: Workspace, made: Planned, file: Path) -> None:
    """Write a plan to `file`, for one apply, so that nobody else can read it.

    Raises:
        ValueError: the plan is refused.
        PlanFileError: the file cannot be written.
    """
    saved = SavedPlan(
        plan=made.plan,
        tool_version=__version__,
        created_at=workspace.now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        manifests_digest=_manifests(workspace, made.plan.environment),
        contract_digest=_contract(workspace),
        nonce=secrets.token_hex(16),
        options=made.options,
    )
    text = text_of(saved)
    try:
        write_private(file, text.encode("ascii"))
    except OSError as error:
        msg = f"The plan cannot be saved in {file}: {error.strerror or error}."
        raise PlanFileError(msg, hint="name a file in a folder that you may write to") from error


def load_saved(file: Path) -> SavedPlan:
    """A plan that was saved, for showing and comparing.

    Raises:
        PlanFileError: the file cannot be read, or is not as it was saved.
    """
    try:
        text = read_limited(file, limit=MAX_BYTES)
    except OSError as error:
        msg = f"{file} cannot be read: {error.strerror or error}."
        raise PlanFileError(msg, hint="name a file that plan --out has written") from error
    return load_plan(text if text is not None else b" " * (MAX_BYTES + 1), shown=str(file))


@contextmanager
def applying_saved(
    workspace: Workspace, file: Path, *, environment: str | None, lock_timeout: float = 0
) -> Iterator[Applying]:
    """Take the lock and plan under it, with the options that the plan was saved with; the outcome must be that plan.

    `environment`: the one that `-e` names; None: the plan's own.

    Raises:
        PlanFileError: the file is not as it was saved, was applied before, or is of another environment or instance.
        StaleError: manifests, contract, or what the plan saw of the instance have changed since.
        LockedError: another run holds the lock.
        KiamoIacError: as `planning.planned`.
    """
    from kiamo_iac.app.owning import locked

    saved = load_saved(file)
    target = workspace.target(saved.plan.environment)
    check_bound(
        saved,
        environment=environment,
        url=target.url,
        manifests_digest=_manifests(workspace, target.name),
        contract_digest=_contract(workspace),
        tool_version=__version__,
    )
    with locked(workspace, target.name, lock_timeout=lock_timeout) as ledger:
        if ledger.was_applied(saved.digest):
            msg = f"The plan in {file} was applied already. Nothing has been written."
            raise PlanFileError(msg, hint="a saved plan is for one apply: make a new one with kiamo-iac plan --out")
        owned = dict(ledger.owned) if ledger.found else None
        sides = read_sides(workspace, target, owned=lambda: owned, prune=saved.options.prune)
        made = plan_sides(workspace, sides, saved.options)
        check_same(saved.plan, made.plan)
        yield Applying(workspace, ledger, made, spends=saved.digest)


def _manifests(workspace: Workspace, environment: str) -> str:
    """Of the base, and of the patches that this environment puts over it."""
    project = workspace.project
    composition = project.composition(project.environments[environment])
    files = dict.fromkeys((*composition.files, *(file for layer in composition.patches for file in layer)))
    return manifests_digest(_read(path, path.relative_to(project.root).as_posix()) for path in files)


def _read(path: Path, shown: str) -> tuple[str, bytes]:
    return shown, read_bytes(path, shown=shown)


def _contract(workspace: Workspace) -> str:
    return contract_digest(workspace.contract.model_dump(mode="json", exclude_unset=True))
