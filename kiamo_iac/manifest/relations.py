"""Checks of resources against each other: parents, absence and renames."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from kiamo_iac.core.address import Address, identity
from kiamo_iac.core.diagnostics import Diagnostic, Severity, SourceRange, SuggestionBudget
from kiamo_iac.core.place import Place, RowPlace, pack
from kiamo_iac.core.printable import quote
from kiamo_iac.core.resource import Ensure, Lifecycle
from kiamo_iac.core.state import ResourceState
from kiamo_iac.manifest.blocks import REFERENCE
from kiamo_iac.resources import kinds

Resources = dict[Address, ResourceState]
Siblings = Mapping[tuple[Address | None, str], list[ResourceState]]
"""(parent, kind) → the resources declared there, in their order."""

_ABSENT = Lifecycle(ensure=Ensure.ABSENT)


def inherit_absence(resources: Resources) -> list[Diagnostic]:
    """Make the resources below an absent one absent too, and report those that are declared otherwise."""
    found: list[Diagnostic] = []
    if not any(map(is_absent, resources.values())):
        return found
    for address, resource in resources.items():
        above = address.parent
        while above is not None and not is_absent(resources.get(above)):
            above = above.parent
        if above is None:
            continue
        place = resource.place
        for key in ("ensure", "protect"):
            if place is not None and key in place and not _agrees(resource.lifecycle, key):
                what = "present" if key == "ensure" else "protected"
                summary = f"declared {what}, but {quote(above.name)} above it is declared absent"
                hint = f'remove "{key}" here, or "ensure: absent" there'
                others = related("declared absent here", resources[above], key="ensure")
                found.append(
                    Diagnostic("KIA0218", summary, hint=hint, address=address, source=place.at(key), related=others)
                )
        resources[address] = replace(resource, lifecycle=_ABSENT)
    return found


def _agrees(lifecycle: Lifecycle, key: str) -> bool:
    return lifecycle.ensure is Ensure.ABSENT if key == "ensure" else not lifecycle.protect


def is_absent(resource: ResourceState | None) -> bool:
    """Whether it is declared absent."""
    return resource is not None and resource.lifecycle.ensure is Ensure.ABSENT


def related(word: str, resource: ResourceState, *, key: str = "name") -> tuple[tuple[str, SourceRange], ...]:
    """The place of another resource, for `Diagnostic.related`."""
    source = resource.source_of(key)
    return ((word, source),) if source is not None else ()


def check_renames(resources: Resources) -> Iterator[Diagnostic]:
    """The problems of former names."""
    claimed: dict[Address, ResourceState] = {}
    for resource in resources.values():
        if not resource.lifecycle.renamed_from:
            continue
        for former in dict.fromkeys(resource.lifecycle.renamed_from):
            if former == identity(resource.name):
                continue
            address = Address.of(resource.kind.collection, former, resource.address.parent)
            source = resource.source_of("renamed_from")
            first = claimed.setdefault(address, resource)
            if first is not resource:
                summary = f"two resources list {quote(former)} in renamed_from"
                yield Diagnostic(
                    "KIA0221",
                    summary,
                    hint="keep it on the resource that had this name",
                    address=resource.address,
                    source=source,
                    related=related("first listed here", first, key="renamed_from"),
                )
            declared = resources.get(address)
            if declared is not None and not declared.lifecycle.renamed_from:
                absent = " absent" if is_absent(declared) else ""
                yield Diagnostic(
                    "KIA0222",
                    f"the former name {quote(former)} is also declared{absent}",
                    hint="remove one of the two: a resource has one name",
                    address=resource.address,
                    source=source,
                    related=related("declared here", declared),
                )


def imply_parents(
    resources: Resources,
    named: Mapping[Address, tuple[str, SourceRange]],
    *,
    siblings: Siblings,
    suggestions: SuggestionBudget,
) -> list[Diagnostic]:
    """Add, as references, the parents that are only named by blocks at the top of a file.

    `named`: address → its exact name, and where it was named first.
    """
    found = []
    by_collection = {kind.collection: kind for kind in kinds().values()}
    for address in sorted(named.keys() - resources.keys()):
        name, source = named[address]
        kind = by_collection[address.collection]
        hint = suggestions.near(name, [resource.name for resource in siblings.get((address.parent, kind.kind), ())])
        if hint is not None:
            summary = f"no manifest declares the {kind.kind} {quote(name)}: it must exist on the instance"
            found.append(Diagnostic("KIA0228", summary, Severity.WARNING, hint=hint, address=address, source=source))
        place = Place(source.file, pack(source.line, source.column))
        place = RowPlace(place, source.row) if source.row else place
        resources[address] = ResourceState(address, kind, {"name": name}, lifecycle=REFERENCE, place=place)
    return found
