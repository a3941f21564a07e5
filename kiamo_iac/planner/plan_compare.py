"""Whether a saved plan is still what the manifests and the instance lead to: the same, stale, or tampered with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from kiamo_iac.core.address import Address
from kiamo_iac.core.diagnostics import Diagnostic, Severity
from kiamo_iac.core.errors import PlanFileError, StaleError
from kiamo_iac.planner.plan import Action, Plan, Risk, Step
from kiamo_iac.planner.plan_file import SavedPlan, without_tokens
from kiamo_iac.planner.plan_json import STEP

_AGAIN: Final = "look at the new plan: kiamo-iac plan --out"


class Finding(StrEnum):
    """How a saved plan stands to the one that is derived now."""

    SAME = "same"
    """Every step is the same, and saw the same."""
    STALE = "stale"
    """What the steps saw has changed, or other things take part."""
    TAMPERED = "tampered"
    """The steps differ although nothing that they saw has changed."""


class Look(StrEnum):
    """What a plan saw of an address."""

    THERE = "there"
    MISSING = "not there"
    NOT_LOOKED_AT = "no part of the plan"


@dataclass(frozen=True, slots=True)
class Change:
    """One address that the two plans saw differently. Two times `THERE`: it is not as it was."""

    address: Address
    saw: Look
    now: Look

    @property
    def sentence(self) -> str:
        """What became of it, without a full stop."""
        match self.saw, self.now:
            case Look.NOT_LOOKED_AT, _:
                return "it takes part now, and did not when the plan was made"
            case _, Look.NOT_LOOKED_AT:
                return "nothing is left to be done to it: somebody did it, or it is gone"
            case Look.MISSING, _:
                return "it is there now, and was not when the plan was made"
            case _, Look.MISSING:
                return "it was there when the plan was made, and is gone"
            case _:
                return "it has changed since the plan was made"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came out of a comparison."""

    finding: Finding
    changes: tuple[Change, ...] = ()
    """When it is stale: by address."""


def compare(saved: Plan, derived: Plan) -> Verdict:
    """Compare a saved plan with the one that the same manifests, contract and options lead to now.

    Steps are the same when every field of them is, in their order; values are compared as JSON has them, `1` is neither
    `true` nor `1.0`. Live changes that leave the steps, and what they saw, as they were are no difference.
    """
    if (saved.environment, saved.url) == (derived.environment, derived.url) and _steps(saved) == _steps(derived):
        return Verdict(Finding.SAME)
    before, now = _seen(saved), _seen(derived)
    changes = tuple(
        Change(address, _look(before, address), _look(now, address))
        for address in sorted(before.keys() | now.keys())
        if address not in before or address not in now or before[address] != now[address]
    )
    changes = changes or _weighed_anew(saved, derived)
    return Verdict(Finding.STALE if changes else Finding.TAMPERED, changes)


def _weighed_anew(saved: Plan, derived: Plan) -> tuple[Change, ...]:
    """The things of steps that differ only in what the plan says of them: contacts came or went, which no fingerprint
    tells, and which makes a deletion a loss of data or none; or the ledger learnt who changed what (`adopt`)."""
    pairs = list(zip(saved.steps, derived.steps, strict=False))
    if len(saved.steps) != len(derived.steps) or any(_canonical(_bare(a)) != _canonical(_bare(b)) for a, b in pairs):
        return ()
    return tuple(Change(a.address, Look.THERE, Look.THERE) for a, b in pairs if _canonical(a) != _canonical(b))


def _bare(step: Step) -> Step:
    risk = Risk.REVERSIBLE if step.action is Action.DELETE else step.risk
    return replace(step, risk=risk, reason="")


def check_same(saved: Plan, derived: Plan) -> None:
    """Nothing, when they are the same.

    Raises:
        StaleError: what the plan saw has changed; a diagnostic for every address.
        PlanFileError: the file was changed by hand.
    """
    if not derived.applyable:
        msg = "What the saved plan saw has changed so that there is no plan any more. Nothing has been written."
        errors = [d for d in derived.diagnostics if d.severity is Severity.ERROR]
        raise StaleError(msg, hint="correct what the diagnostics name, and plan again", diagnostics=errors)
    verdict = compare(saved, derived)
    match verdict.finding:
        case Finding.SAME:
            return
        case Finding.STALE:
            sources = {step.address: step.source for step in (*derived.steps, *saved.steps)}
            raise StaleError(
                "What the saved plan saw has changed. Nothing has been written.",
                hint=_AGAIN,
                diagnostics=[
                    Diagnostic("KIA0805", c.sentence, address=c.address, source=sources.get(c.address))
                    for c in verdict.changes
                ],
            )
        case Finding.TAMPERED:
            raise PlanFileError(
                "The saved plan is not what these manifests and this instance lead to, although nothing that it saw "
                "has changed: the file is not as it was saved. Nothing has been written.",
                hint=_AGAIN,
            )


def check_bound(
    saved: SavedPlan,
    *,
    environment: str | None,
    url: str,
    manifests_digest: str,
    contract_digest: str,
    tool_version: str,
) -> None:
    """Nothing, when a saved plan is of this environment, address, tool, manifests and contract.

    `environment`: the one that was asked for, None when none was.

    Raises:
        PlanFileError: it was made for another environment or instance, or by another version of the tool.
        StaleError: manifests or contract have changed since.
    """
    plan = saved.plan
    if environment not in {None, plan.environment}:
        msg = f'The saved plan is for the environment "{plan.environment}", not for "{environment}".'
        raise PlanFileError(msg, hint="leave -e out, or make a plan for that environment")
    if plan.url != url:
        msg = f"The saved plan is for the instance at {plan.url}, and {plan.environment} is now at {url}."
        raise PlanFileError(msg, hint=_AGAIN)
    if saved.tool_version != tool_version:
        msg = f'The saved plan was made by version "{saved.tool_version}" of kiamo-iac, and this is {tool_version}.'
        raise PlanFileError(msg, hint=_AGAIN)
    changed = [
        what
        for what, then, now in (
            ("manifests", saved.manifests_digest, manifests_digest),
            ("the contract", saved.contract_digest, contract_digest),
        )
        if then != now
    ]
    if changed:
        msg = f"{' and '.join(changed).capitalize()} changed since the plan was saved. Nothing has been written."
        raise StaleError(msg, hint=_AGAIN)


def _steps(plan: Plan) -> list[str]:
    """Each step as text, in the form in which it stands in a file."""
    return [_canonical(step) for step in plan.steps]


def _canonical(step: Step) -> str:
    return json.dumps(without_tokens(STEP.data(step)), sort_keys=True)


def _seen(plan: Plan) -> dict[Address, str | None]:
    return {address: seen for step in plan.steps for address, seen in step.seen.items()}


def _look(seen: Mapping[Address, str | None], address: Address) -> Look:
    if address not in seen:
        return Look.NOT_LOOKED_AT
    return Look.MISSING if seen[address] is None else Look.THERE
