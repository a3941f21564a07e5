"""Whether a saved plan is still what the manifests and the instance lead to: the same, stale, or tampered with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

from kiamo_iac.core.address import Address
from kiamo_iac.core.diagnostics import Diagnostic, Severity
from kiamo_iac.core.errors import PlanFileError, StaleError
from kiamo_iac.core.state import State
from kiamo_iac.planner.diff import changes_sentence, value_changes
from kiamo_iac.planner.plan import Action, FieldChange, Plan, Risk, Step
from kiamo_iac.planner.plan_file import SAVE_AGAIN, SavedPlan, declared_digests, observed_of, without_tokens
from kiamo_iac.planner.plan_json import STEP

_MOST_SHOWN: Final = 20
"""Declarations that an error names."""


class Finding(StrEnum):
    """How a saved plan relates to the plan that is derived now."""

    SAME = "same"
    """Every step is the same, and saw the same."""
    STALE = "stale"
    """What the steps saw has changed, or other resources are part of the plan."""
    TAMPERED = "tampered"
    """The steps differ although nothing that they saw has changed."""


class Presence(StrEnum):
    """What a plan saw of an address."""

    PRESENT = "present"
    MISSING = "missing"
    NOT_IN_PLAN = "not in the plan"


@dataclass(frozen=True, slots=True)
class PlanDifference:
    """One address that the two plans saw differently. Twice `PRESENT`: it has changed."""

    address: Address
    saw: Presence
    now: Presence
    changes: tuple[FieldChange, ...] = ()
    """What is known of its attributes, or of its step: as in the saved plan, and now."""
    reassessed: bool = False
    """Its attributes are as the saved plan saw them; its step has another risk or reason, or takes others along."""

    @property
    def sentence(self) -> str:
        """What happened to it, without a full stop."""
        if self.reassessed:
            return "its step is not assessed as when the plan was saved"
        match self.saw, self.now:
            case Presence.NOT_IN_PLAN, _:
                return "it is in the new plan, and not in the saved one"
            case _, Presence.NOT_IN_PLAN:
                return "it is in the saved plan, and not in the new one: it was changed or deleted meanwhile"
            case Presence.MISSING, _:
                return "it was created after the plan was saved"
            case _, Presence.MISSING:
                return "it was deleted after the plan was saved"
            case _:
                return "it was changed after the plan was saved"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of a comparison."""

    finding: Finding
    changes: tuple[PlanDifference, ...] = ()
    """When it is stale: by address."""


def compare(
    saved: Plan,
    derived: Plan,
    *,
    observed: Mapping[Address, Mapping[str, Any]] = MappingProxyType({}),
    live: State | None = None,
) -> Verdict:
    """Compare a saved plan with the one that the same manifests, contract and options lead to now.

    Steps are the same when every field of them but their place is, in their order; values are compared as JSON has
    them, `1` is neither `true` nor `1.0`. Live changes that leave the steps, and what they saw, as they were are no
    difference. `observed`: what the saved plan saw; `live`: what `derived` was made of.
    """
    if (saved.environment, saved.url) == (derived.environment, derived.url) and _steps(saved) == _steps(derived):
        return Verdict(Finding.SAME)
    before, now = _seen(saved), _seen(derived)
    changes = tuple(
        PlanDifference(address, _presence(before, address), _presence(now, address))
        for address in sorted(before.keys() | now.keys())
        if address not in before or address not in now or before[address] != now[address]
    )
    changes = changes or _reassessed(saved, derived)
    changes = tuple(
        replace(c, changes=found, reassessed=False) if found else c
        for c in changes
        for found in [_attribute_changes(c.address, observed, derived, live)]
    )
    return Verdict(Finding.STALE if changes else Finding.TAMPERED, changes)


def _attribute_changes(
    address: Address, observed: Mapping[Address, Mapping[str, Any]], derived: Plan, live: State | None
) -> tuple[FieldChange, ...]:
    before, now = observed.get(address), derived.observed.get(address)
    if before is None:
        return ()
    if now is not None:
        return value_changes(before, observed_of(now))
    found = live.get(address) if live is not None else None
    if found is None:
        return ()
    # not in the new plan, so its declaration has not hidden what is sensitive in its settings
    return value_changes({**before, "settings": None}, {**observed_of(found), "settings": None})


def _reassessed(saved: Plan, derived: Plan) -> tuple[PlanDifference, ...]:
    """The addresses of steps that differ only in their risk, their reason or what goes with them, which is in no
    fingerprint: contacts were added or removed, and decide whether a deletion loses data; a child was added to what is
    deleted; or the ledger learnt who changed what (`adopt`)."""
    pairs = list(zip(saved.steps, derived.steps, strict=False))
    if len(saved.steps) != len(derived.steps) or any(_canonical(_bare(a)) != _canonical(_bare(b)) for a, b in pairs):
        return ()
    return tuple(
        PlanDifference(a.address, Presence.PRESENT, Presence.PRESENT, _step_changes(a, b), reassessed=True)
        for a, b in pairs
        if _canonical(a) != _canonical(b)
    )


def _step_changes(saved: Step, derived: Step) -> tuple[FieldChange, ...]:
    facts = (
        FieldChange("its risk", saved.risk.value, derived.risk.value),
        FieldChange("its reason", saved.reason, derived.reason),
        FieldChange("what goes with it", [*map(str, saved.also_deletes)], [*map(str, derived.also_deletes)]),
    )
    return tuple(fact for fact in facts if fact.before != fact.after)


def _bare(step: Step) -> Step:
    risk = Risk.REVERSIBLE if step.action is Action.DELETE else step.risk
    return replace(step, risk=risk, reason="", also_deletes=())


def check_same(
    saved: Plan,
    derived: Plan,
    *,
    observed: Mapping[Address, Mapping[str, Any]] = MappingProxyType({}),
    live: State | None = None,
) -> None:
    """Check that both plans are the same; all arguments as for `compare`.

    Raises:
        StaleError: what the plan saw has changed; a diagnostic for every address.
        PlanFileError: the file was changed by hand.
    """
    if not derived.applyable:
        msg = "The instance has changed since the plan was saved, and the new plan is refused. Nothing was written."
        errors = [d for d in derived.diagnostics if d.severity is Severity.ERROR]
        raise StaleError(msg, hint="correct the errors, and plan again", diagnostics=errors)
    verdict = compare(saved, derived, observed=observed, live=live)
    match verdict.finding:
        case Finding.SAME:
            return
        case Finding.STALE:
            sources = {step.address: step.source for step in (*derived.steps, *saved.steps)}
            what = "The ledger or the instance" if all(c.reassessed for c in verdict.changes) else "The instance"
            raise StaleError(
                f"{what} has changed since the plan was saved. Nothing was written.",
                hint=SAVE_AGAIN,
                diagnostics=[
                    Diagnostic(
                        "KIA0805",
                        c.sentence,
                        detail=changes_sentence(c.changes),
                        address=c.address,
                        source=sources.get(c.address),
                    )
                    for c in verdict.changes
                ],
            )
        case Finding.TAMPERED:
            raise PlanFileError(
                "The saved plan differs from the plan of these manifests and this instance, although neither has "
                "changed: the file was modified. Nothing was written.",
                hint=SAVE_AGAIN,
            )


def check_bound(
    saved: SavedPlan,
    *,
    environment: str | None,
    url: str,
    manifests_digest: str | None = None,
    desired: State = State(),  # noqa: B008 - never changed
    contract_digest: str,
    tool_version: str,
) -> None:
    """Check that a saved plan is of this environment, address, tool, manifests and contract.

    `environment`: the one that was passed, or None. `manifests_digest`: None before the manifests are read.
    `desired`: what they declare, to tell what has changed.

    Raises:
        PlanFileError: it was made for another environment or instance, or by another version of the tool.
        StaleError: manifests or contract have changed since.
    """
    plan = saved.plan
    if environment not in {None, plan.environment}:
        msg = f'The saved plan is for the environment "{plan.environment}", not for "{environment}".'
        raise PlanFileError(msg, hint="remove -e, or save a plan for that environment")
    if plan.url != url:
        msg = f"The saved plan is for the instance at {plan.url}, but {plan.environment} is now at {url}."
        raise PlanFileError(msg, hint=SAVE_AGAIN)
    if saved.tool_version != tool_version:
        msg = f'The plan was saved by kiamo-iac "{saved.tool_version}", but this is {tool_version}.'
        raise PlanFileError(msg, hint=SAVE_AGAIN)
    changed = [
        what
        for what, then, now in (
            ("manifests", saved.manifests_digest, manifests_digest),
            ("the contract", saved.contract_digest, contract_digest),
        )
        if now is not None and then != now
    ]
    if changed:
        found = _redeclared(saved, desired) if changed[0] == "manifests" else []
        which = f" ({_which(len(found))})" if changed[0] == "manifests" else ""
        msg = f"{' and '.join(changed).capitalize()} changed since the plan was saved{which}. Nothing was written."
        raise StaleError(msg, hint=SAVE_AGAIN, diagnostics=found[:_MOST_SHOWN])


def _redeclared(saved: SavedPlan, desired: State) -> list[Diagnostic]:
    """An error for each address that is declared otherwise than when the plan was saved. Its place is that of now, or,
    where it is declared no longer, that of its step."""
    then, now = saved.declared, declared_digests(desired)
    steps = {step.address: step.source for step in saved.plan.steps}
    found = []
    for address in sorted(then.keys() | now.keys()):
        if address in now and then.get(address) != now[address]:
            what = "it is declared otherwise" if address in then else "it is newly declared"
            found.append(Diagnostic("KIA0806", what, address=address, source=desired[address].source))
        elif address not in now:
            found.append(Diagnostic("KIA0806", "it is no longer declared", address=address, source=steps.get(address)))
    return found


def _which(count: int) -> str:
    if not count:
        return "only values that are sensitive"
    shown = f", {_MOST_SHOWN} are shown" if count > _MOST_SHOWN else ""
    return f"{count:,} {'resource' if count == 1 else 'resources'}{shown}"


def _steps(plan: Plan) -> list[str]:
    """Each step as text, as in the file."""
    return [_canonical(step) for step in plan.steps]


def _canonical(step: Step) -> str:
    """The place is left out: a comment above it moves it."""
    return json.dumps(without_tokens(STEP.data(step) | {"source": None}), sort_keys=True)


def _seen(plan: Plan) -> dict[Address, str | None]:
    return {address: seen for step in plan.steps for address, seen in step.seen.items()}


def _presence(seen: Mapping[Address, str | None], address: Address) -> Presence:
    if address not in seen:
        return Presence.NOT_IN_PLAN
    return Presence.MISSING if seen[address] is None else Presence.PRESENT
