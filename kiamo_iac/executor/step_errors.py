"""Errors of one step: `StaleError` for what changed since the plan, and the diagnostic of a failed API call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from kiamo_iac.core.address import Address
from kiamo_iac.core.diagnostics import Diagnostic
from kiamo_iac.core.errors import (
    AbsentError,
    ApiError,
    BudgetError,
    BusyError,
    OppositeError,
    PostconditionError,
    RefusedError,
    StaleError,
    TransportError,
    UnknownOutcomeError,
)
from kiamo_iac.core.printable import printable, shell_word
from kiamo_iac.core.state import RemoteId, ResourceState
from kiamo_iac.planner.diff import changes_sentence, value_changes
from kiamo_iac.planner.plan import FieldChange, Step

_HINT = "run plan again and review it"
_SHAPE = (
    _HINT + "; if it has not changed, a single read returns more attributes than the list: "
    "set kinds.{kind}.operations.read: null in the contract"
)


def changed(step: Step, address: Address, *, before: ResourceState | None, now: ResourceState) -> StaleError:
    """The object at `address` was changed since the plan."""
    code = "KIA0801" if address == step.address else "KIA0802"
    found = _differences(before, now) if before is not None else []
    detail = changes_sentence(found)
    hint = _SHAPE.format(kind=now.kind.kind) if found and all(map(_is_unset_on_one_side, found)) else _HINT
    return _stale(step, code, "has changed since the plan was made", address=address, detail=detail, hint=hint)


def missing(step: Step, address: Address) -> StaleError:
    """The object at `address` was deleted since the plan."""
    return _stale(step, "KIA0803", "has been deleted since the plan was made", address=address)


def created(step: Step, remote_id: RemoteId) -> StaleError:
    """An object with the name of `step` and the id `remote_id` was created since the plan."""
    detail = f"Its id is {printable(str(remote_id), 60)}."
    return _stale(step, "KIA0804", "has been created since the plan was made", address=step.address, detail=detail)


def still_there(step: Step, remote_id: RemoteId) -> StaleError:
    """A resource to create is there under the id that the ledger has, and no list showed it."""
    detail = (
        f"A read shows it under the id of the ledger, {printable(str(remote_id), 60)}, and the list did not show it."
    )
    hint = "run plan again; if it was deleted on purpose: kiamo-iac ledger forget "
    hint += shell_word(step.address, "ADDRESS")
    return _stale(step, "KIA0804", "still exists on the instance", address=step.address, detail=detail, hint=hint)


def contents_of(now: ResourceState) -> str:
    """What is deleted with an object, such as `12 contacts`; empty when that is nothing."""
    counted = now.kind.contents
    count = now.extras.get(counted) if counted else None
    return f"{count} {counted}" if count else ""


def no_longer_empty(step: Step, contents: str, *, of: Address | None = None) -> StaleError:
    """An object to be deleted, or the one that it is a column of (`of`), had no contents in the plan, and has some now:
    their loss was not allowed."""
    what = f"now has {contents}, and had none when the plan was made"
    return _stale(step, "KIA0801", what, address=of or step.address)


def _is_unset_on_one_side(change: FieldChange) -> bool:
    """Whether an attribute unknown to the contract is present on one side only."""
    return change.path.startswith("settings.") and (change.before is None or change.after is None)


def _stale(
    step: Step, code: str, what: str, *, address: Address, detail: str | None = None, hint: str = _HINT
) -> StaleError:
    summary = f"{address} {what}" if address == step.address else f"{address}, which this step needs, {what}"
    message = f"{summary}. {detail}" if detail else f"{summary}."
    return StaleError(
        message,
        hint=hint,
        diagnostics=[Diagnostic(code, summary, detail=detail, hint=hint, address=step.address, source=step.source)],
    )


def _differences(before: ResourceState, now: ResourceState) -> list[FieldChange]:
    settings = value_changes(before.settings, now.settings)
    return [
        *value_changes(before.attributes, now.attributes),
        *(replace(change, path=f"settings.{change.path}") for change in settings),
    ]


def add_diagnostic(error: ApiError, step: Step) -> None:
    """Give an API error the one diagnostic, with the step's address and source."""
    summary = str(error).rstrip(".")
    error.diagnostics = (Diagnostic(_code(error), summary, hint=error.hint, address=step.address, source=step.source),)


_CODES: Final[Mapping[type[ApiError], str]] = {
    RefusedError: "KIA0431",
    TransportError: "KIA0432",
    AbsentError: "KIA0432",
    OppositeError: "KIA0438",
    PostconditionError: "KIA0437",
    UnknownOutcomeError: "KIA0439",
    BudgetError: "KIA0440",
    BusyError: "KIA0441",
}


def _code(error: ApiError) -> str:
    return next((_CODES[base] for base in type(error).__mro__ if base in _CODES), "KIA0433")
