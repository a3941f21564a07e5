"""Saved plans (`plan --out`): written, shown, and applied once, if planning again gives the same plan."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from kiamo_iac import __version__
from kiamo_iac.app.applying import ApplyRun, read_under_lock, run_under_lock
from kiamo_iac.app.planning import PlanResult, plan_from_inputs
from kiamo_iac.app.provenance import provenance_of_result
from kiamo_iac.core.errors import PlanFileError
from kiamo_iac.core.safe_files import read_limited, write_private
from kiamo_iac.planner.plan_compare import check_bound, check_same
from kiamo_iac.planner.plan_file import (
    MAX_BYTES,
    SavedPlan,
    declared_digests,
    load_plan,
    manifests_digest,
    observed_of,
    text_of,
)

if TYPE_CHECKING:
    from kiamo_iac.app.project import Workspace
    from kiamo_iac.core.provenance import PlanProvenance
    from kiamo_iac.ledger.ledger import Ledger


def save_plan(
    workspace: Workspace, result: PlanResult, file: Path, *, provenance: PlanProvenance | None = None
) -> None:
    """Write a plan to `file`, readable for its owner only; it can be applied once.
    `provenance`: of the plan; None: it is asked for here.

    Raises:
        ValueError: the plan is refused.
        PlanFileError: the file cannot be written.
    """
    provenance = provenance or provenance_of_result(workspace, result)
    saved = SavedPlan(
        plan=result.plan,
        tool_version=__version__,
        created_at=provenance.created_at,
        manifests_digest=manifests_digest(result.inputs.desired),
        contract_digest=workspace.contract_digest(),
        nonce=secrets.token_hex(16),
        provenance=provenance,
        options=result.options,
        observed={address: observed_of(state) for address, state in sorted(result.plan.observed.items())},
        declared=declared_digests(result.inputs.desired),
    )
    text = text_of(saved)
    try:
        write_private(file, text.encode("ascii"))
    except OSError as error:
        msg = f"The plan cannot be saved in {file}: {error.strerror or error}."
        raise PlanFileError(msg, hint="pass a file in a folder that you may write to") from error


def load_saved_plan(file: Path) -> SavedPlan:
    """Read a saved plan.

    Raises:
        PlanFileError: the file cannot be read, or was altered.
    """
    try:
        text = read_limited(file, limit=MAX_BYTES)
    except OSError as error:
        msg = f"{file} cannot be read: {error.strerror or error}."
        raise PlanFileError(msg, hint="pass a file written by plan --out") from error
    return load_plan(text if text is not None else b" " * (MAX_BYTES + 1), shown=str(file))


@contextmanager
def start_saved_apply(
    workspace: Workspace, file: Path, *, environment: str | None, lock_timeout: float = 0
) -> Iterator[ApplyRun]:
    """Take the lock and plan again with the saved options; the result must equal the saved plan.

    `environment`: the one that `-e` names; None: the plan's own.

    Raises:
        PlanFileError: the file was altered, was applied before, or is for another environment or instance.
        StaleError: the manifests, the contract, or the instance have changed since.
        LockedError: another run holds the lock.
        KiamoIacError: as `planning.plan_environment`.
    """
    saved = load_saved_plan(file)
    target = workspace.target(saved.plan.environment)
    check = partial(
        check_bound,
        saved,
        environment=environment,
        url=target.url,
        contract_digest=workspace.contract_digest(),
        tool_version=__version__,
    )
    check()

    def planned(ledger: Ledger) -> ApplyRun:
        if ledger.was_applied(saved.digest):
            msg = f"The plan in {file} was applied already. Nothing was written."
            raise PlanFileError(
                msg, hint="a saved plan can be applied once: create a new one with kiamo-iac plan --out"
            )
        inputs = read_under_lock(workspace, target, ledger, prune=saved.options.prune)
        check(manifests_digest=manifests_digest(inputs.desired), desired=inputs.desired)
        result = plan_from_inputs(workspace, inputs, saved.options)
        check_same(saved.plan, result.plan, observed=saved.observed, live=inputs.live)
        return ApplyRun(workspace, ledger, result, saved_digest=saved.digest)

    with run_under_lock(workspace, target.name, planned, lock_timeout=lock_timeout) as run:
        yield run
