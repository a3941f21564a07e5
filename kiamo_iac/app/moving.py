"""A ledger that follows its project, environment or instance to a new name or url, on purpose (`ledger move`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kiamo_iac.app.ownership import environment_name, ledger_identity, open_ledger
from kiamo_iac.core.errors import UsageError
from kiamo_iac.core.printable import quote, shell_word
from kiamo_iac.core.urls import origin_of
from kiamo_iac.ledger.opening import Moving

if TYPE_CHECKING:
    from kiamo_iac.app.project import Workspace
    from kiamo_iac.ledger.content import LedgerIdentity
    from kiamo_iac.ledger.ledger import Ledger


@dataclass(frozen=True, slots=True)
class LedgerMove:
    """What a move changes."""

    before: LedgerIdentity
    after: LedgerIdentity
    source: str | None
    """Where the ledger is now, if it does not stay there."""
    place: str
    """Where it will be."""
    resources: int

    @property
    def changes(self) -> list[tuple[str, str | None, str]]:
        """Name, before (None: not recorded) and after, of all that changes."""
        pairs = zip(self.before._fields, self.before, self.after, strict=True)
        found = [(name, old, new) for name, old, new in pairs if new is not None and old != new]
        return [*found, ("ledger", self.source, self.place)] if self.source is not None else found


def move_ledger(
    workspace: Workspace,
    environment: str | None,
    *,
    confirm: Callable[[LedgerMove], object],
    was: Moving,
    from_instance: str | None = None,
    lock_timeout: float = 0,
) -> LedgerMove | None:
    """Record the project, environment and instance of this run in a ledger that is of others, or of format 1; a ledger
    in a git remote moves to the ref of the project. No API call is made. None: there is nothing to change.

    `confirm` returns if the move is wanted. `was`, `from_instance`: what the ledger must be of (an instance by its name
    or its url); a ledger of another environment is moved only if it is named.

    Raises:
        UsageError: there is no ledger, it is of others than `was` and `from_instance`, or no url is known.
        LockedError: another run holds the lock.
        KiamoIacError: the ledger cannot be locked, read or written; or as `confirm`. Nothing was moved.
    """
    name = environment_name(workspace, environment)
    after = ledger_identity(workspace, name)
    if after.instance is None:
        msg = f"The environment {quote(name)} has no url, so the instance is unknown."
        raise UsageError(msg, hint="set url or instance of the environment in the project file")
    with open_ledger(workspace, name, lock_timeout=lock_timeout, operation="ledger move", moving=was) as ledger:
        if not ledger.found:
            msg = f"There is no ledger to move to {ledger.where}."
            raise UsageError(msg, hint=f"if the project had another name than {after.project}, pass --from-project")
        _check_former(ledger, after, was, from_instance)
        move = LedgerMove(ledger.identity, after, ledger.source, ledger.where, len(ledger.owned))
        if not move.changes:
            return None
        with workspace.interruption.interruptible():
            confirm(move)
        ledger.claim(after)
        ledger.flush()
    return move


def _check_former(ledger: Ledger, after: LedgerIdentity, was: Moving, from_instance: str | None) -> None:
    """
    Raises:
        UsageError: the ledger is of another project, environment or instance than it was said to be.
    """
    of = ledger.identity
    expected = (
        ("project", of.project, was.project),
        ("environment", of.environment, was.environment or after.environment),
        ("instance", of.instance, _instance(from_instance) if from_instance is not None else None),
    )
    for name, found, wanted in expected:
        if wanted is None or found is None or found == wanted:
            continue
        msg = f"The ledger {ledger.source or ledger.where} is of the {name} {quote(found)}, not of {quote(wanted)}."
        raise UsageError(msg, hint=f"if it is the one to move, pass --from-{name} {shell_word(found, name.upper())}")


def _instance(text: str) -> str:
    """How a ledger names an instance that is given by its url, or by its name."""
    try:
        return str(origin_of(text))
    except ValueError:
        return text
