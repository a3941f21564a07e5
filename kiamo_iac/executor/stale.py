"""What is said when something is not as the plan saw it, and what counts as the same."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from kiamo_iac.core.address import Address
from kiamo_iac.core.diagnostics import Diagnostic
from kiamo_iac.core.errors import StaleError
from kiamo_iac.core.printable import printable
from kiamo_iac.core.sensitive import masked, shows
from kiamo_iac.core.state import Instance, RemoteId
from kiamo_iac.core.strict_json import same
from kiamo_iac.planner.diff import field_changes
from kiamo_iac.planner.plan import FieldChange, Step

_HINT = "run plan again, and look at what it says now"
_SHAPE = (
    _HINT + "; if nobody changed it, the instance shows more of it alone than in its list: "
    "say kinds.{kind}.operations.read: null in the contract"
)


def same_as_left(left: Instance, now: Instance) -> bool:
    """Whether a thing is as a write of ours left it, in all that both show: the answer to a write may show less, and a
    sensitive value that no other shows."""
    return left.remote_id == now.remote_id and all(
        same(masked(then[key]), masked(later[key])) or shows(later[key], then[key]) or shows(then[key], later[key])
        for then, later in ((left.attributes, now.attributes), (left.settings, now.settings))
        for key in then.keys() & later.keys()
    )


def changed(step: Step, address: Address, *, before: Instance | None, now: Instance) -> StaleError:
    """Somebody changed it."""
    code = "KIA0801" if address == step.address else "KIA0802"
    found = _differences(before, now) if before is not None else []
    told = "; ".join(f"{c.path} was {_shown(c.before)} and is {_shown(c.after)}" for c in found)
    detail = f"{told[:1].upper()}{told[1:]}." if told else None
    hint = _SHAPE.format(kind=now.kind.kind) if found and all(map(_comes_or_goes, found)) else _HINT
    return _stale(step, code, "has changed since the plan was made", address=address, detail=detail, hint=hint)


def gone(step: Step, address: Address) -> StaleError:
    """It is not there any more."""
    return _stale(step, "KIA0803", "is not there any more, and was when the plan was made", address=address)


def taken(step: Step, holder: RemoteId) -> StaleError:
    """Somebody made it first."""
    detail = f"Its id is {printable(str(holder), 60)}."
    return _stale(
        step, "KIA0804", "is there now, and was not when the plan was made", address=step.address, detail=detail
    )


def held_by(now: Instance) -> str:
    """What would go with a thing, such as `12 contacts`; empty when that is nothing."""
    counted = now.kind.contents
    count = now.extras.get(counted) if counted else None
    return f"{count} {counted}" if count else ""


def filled(step: Step, held: str) -> StaleError:
    """It held nothing when the plan was made, so that nobody agreed to lose what it holds now."""
    return _stale(step, "KIA0801", f"holds {held} now, and held none when the plan was made", address=step.address)


def _comes_or_goes(change: FieldChange) -> bool:
    """Whether an attribute that the contract does not know is there on one side only."""
    return change.path.startswith("settings.") and (change.before is None or change.after is None)


def _stale(
    step: Step, code: str, what: str, *, address: Address, detail: str | None = None, hint: str = _HINT
) -> StaleError:
    summary = f"{address} {what}" if address == step.address else f"{address}, which it needs, {what}"
    said = f"{summary}. {detail}" if detail else f"{summary}."
    return StaleError(
        said,
        hint=hint,
        diagnostics=[Diagnostic(code, summary, detail=detail, hint=hint, address=step.address, source=step.source)],
    )


def _differences(before: Instance, now: Instance) -> list[FieldChange]:
    found = [
        change
        for key in _keys(before.attributes, now.attributes)
        for change in field_changes(key, before.attributes.get(key), now.attributes.get(key))
    ]
    found += [
        change
        for key in _keys(before.settings, now.settings)
        for change in field_changes(f"settings.{key}", before.settings.get(key), now.settings.get(key))
    ]
    return found


def _keys(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    return sorted(before.keys() | now.keys())


def _shown(value: Any) -> str:
    return "not set" if value is None else printable(json.dumps(value, ensure_ascii=False), 80)
