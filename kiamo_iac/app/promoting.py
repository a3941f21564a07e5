"""A promotion, compared with both instances."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from kiamo_iac.authoring.promoting.promote import promote
from kiamo_iac.authoring.promoting.promotion import Difference, Promotion, PromotionResult, Strategy
from kiamo_iac.authoring.selection import Selection
from kiamo_iac.authoring.writing import write_files
from kiamo_iac.core.address import Address
from kiamo_iac.core.diagnostics import Diagnostic, Severity, by_place
from kiamo_iac.core.errors import UsageError
from kiamo_iac.core.printable import quote, shell_word
from kiamo_iac.core.resource import Scope
from kiamo_iac.manifest.environment import choose_environment
from kiamo_iac.manifest.relations import is_absent
from kiamo_iac.resources import by_collection, kinds

if TYPE_CHECKING:
    from kiamo_iac.app.project import Workspace
    from kiamo_iac.core.state import ResourceState, State
    from kiamo_iac.planner.plan import Plan

EVERYTHING = Selection()
_SHOWN = 5
"""Addresses that a note names."""


def promote_environment(
    workspace: Workspace, source: str, target: str, selection: Selection = EVERYTHING, *, live: bool = True
) -> PromotionResult:
    """The edits that make `target` declare what `source` does. Nothing is written, and no lock is taken.

    `live`: both instances are read too: what promoted resources refer to has to be on the one, and what is promoted is
    compared with what runs on the other.

    Raises:
        UsageError: an environment, its address or its token is missing or refused, or both are the same.
        ManifestError: the manifests of one of the two have errors.
        EditError: a file cannot be edited without risk.
        ApiError: an instance could not be read.
        KiamoIacError: no change does what it should and nothing else.
    """
    source_environment, target_environment = (choose_environment(workspace.project, name) for name in (source, target))
    if source_environment.name == target_environment.name:
        msg = f"--from and --to both name {quote(source_environment.name)}."
        raise UsageError(msg, hint="name two environments of the project")
    for environment in (source, target) if live else ():
        workspace.target(environment)  # before anything is computed: a token may be missing
    found = promote(
        workspace.project,
        source_environment,
        target_environment,
        selection=selection,
        capabilities=workspace.contract.capabilities(),
    )
    missing, notes = [*found.missing], [*found.notes]
    if live:
        missing += _missing_on_target(workspace, found, notes)
        notes += _source_diagnostics(workspace, found, selection)
    return PromotionResult(found, by_place(missing), by_place(notes), live)


def write_promotion(workspace: Workspace, result: PromotionResult) -> tuple[str, ...]:
    """Write the files of a promotion; their names. Raises: as `write_files` does."""
    return write_files(result.promotion.files, within=workspace.project.root)


# --- the instance of `to` ------------------------------------------------------------------------------------------


def _missing_on_target(workspace: Workspace, promotion: Promotion, notes: list[Diagnostic]) -> list[Diagnostic]:
    from kiamo_iac.api.reader import StateReader
    from kiamo_iac.app.ownership import read_owned
    from kiamo_iac.planner.planner import build_plan

    target = workspace.target(promotion.target)
    owned = read_owned(workspace, target.name)
    with workspace.client(target) as client, StateReader(client, workspace.contract) as reader:
        live = reader.finish(promotion.desired, owned=owned).state
    capabilities = workspace.contract.capabilities()
    today = workspace.load(target.name).checked()
    plan = build_plan(today, live, capabilities=capabilities, environment=target.name, url=target.url, owned=owned)
    if plan.steps or not plan.applyable:
        count = "1 change" if len(plan.steps) == 1 else f"{len(plan.steps)} changes"
        what = f"has {count} pending" if plan.applyable else "has a refused plan"
        summary = f"{target.name} {what} already, without this promotion"
        hint = f"kiamo-iac plan -e {shell_word(target.name, 'ENV')}"
        notes.append(Diagnostic("KIA1030", summary, Severity.NOTE, hint=hint))
    defaults = {kind: [str(made["name"]) for made in capabilities.of(kind).defaults] for kind in kinds()}
    users: dict[Address, list[Difference]] = {}
    for user, needed in _required_resources(promotion):
        declared = promotion.desired.get(needed)
        if needed in live or (declared is not None and declared.lifecycle.managed):
            continue
        kind = by_collection()[needed.collection].kind
        if needed.parent is not None and needed.parent not in live and needed.name in defaults[kind]:
            continue  # the instance makes it together with its parent
        users.setdefault(needed, []).append(user)
    return [_missing(target.name, needed, found) for needed, found in users.items()]


def _missing(target: str, needed: Address, users: list[Difference]) -> Diagnostic:
    user = next((user for user in users if user.address != needed), users[0])
    kind = by_collection()[needed.collection].kind
    why = f"which {user.address} needs" if user.address != needed else "and no manifest creates it"
    summary = f"{target} has no {kind} {quote(needed.name)}, {why}"
    hint = "create it there, or declare it so that apply creates it"
    return Diagnostic("KIA1021", summary, hint=hint, address=needed, source=user.source)


def _required_resources(promotion: Promotion) -> Iterator[tuple[Difference, Address]]:
    """Each difference that is promoted with every resource that has to be there for it."""
    for change in promotion.changes:
        user, leaf = change.difference, change.difference.leaf
        resource = promotion.desired.get(user.address)
        if resource is None or is_absent(resource) or change.how is Strategy.NOT_PROMOTED:
            continue
        if not resource.lifecycle.managed:
            yield user, resource.address
        if not leaf and resource.address.parent is not None:
            yield user, resource.address.parent
        for reference in resource.kind.references:
            if leaf and leaf[0] != reference.attribute:
                continue
            collection = kinds()[reference.kind].collection
            above = resource.address.parent if reference.scope is Scope.SIBLING else None
            for name in reference.names(resource.attributes):
                yield user, Address.of(collection, name, above)


# --- the instance of `from` ----------------------------------------------------------------------------------------


def _source_diagnostics(workspace: Workspace, promotion: Promotion, selection: Selection) -> Iterator[Diagnostic]:
    from kiamo_iac.app.planning import plan_environment

    made = plan_environment(workspace, promotion.source)
    source = shell_word(promotion.source, "ENV")
    differing = _pending_addresses(made.plan, selection)
    first = {change.difference.address: change.difference for change in reversed(promotion.changes)}
    for address, difference in sorted(first.items()):
        if promotion.on_source(address) in differing:
            yield Diagnostic(
                "KIA1026",
                f"{promotion.source} does not match this declaration: the promoted values are not what runs there",
                Severity.WARNING,
                hint=f"run kiamo-iac apply -e {source} or kiamo-iac export -e {source} -o DIR, and test it there first",
                address=address,
                source=difference.source,
            )
    unknown = [resource.address for resource in _undeclared(made.inputs.desired, made.inputs.live)]
    if unknown:
        shown = ", ".join(unknown[:_SHOWN]) + (" and more" if len(unknown) > _SHOWN else "")
        what, verb = ("1 object", "is") if len(unknown) == 1 else (f"{len(unknown)} objects", "are")
        summary = f"{what} on {promotion.source} {verb} not declared, and not promoted: {shown}"
        yield Diagnostic("KIA1027", summary, Severity.NOTE, hint=f"kiamo-iac export -e {source} -o DIR")


def _pending_addresses(plan: Plan, selection: Selection) -> set[Address]:
    """What an apply to `from` would change, or is refused for."""
    from kiamo_iac.planner.plan import Action

    states = {Action.START, Action.PAUSE, Action.STOP}
    found = {step.address for step in plan.steps if selection.run_state or step.action not in states}
    return found | {d.address for d in plan.diagnostics if d.severity is Severity.ERROR and d.address is not None}


def _undeclared(desired: State, live: State) -> Iterator[ResourceState]:
    """Live objects that no manifest declares, below declared parents; not those that the platform creates."""
    for resource in sorted(live, key=lambda resource: resource.address):
        above = resource.address.parent
        if resource.address in desired or (above is not None and above not in desired):
            continue
        if not resource.is_default:
            yield resource
