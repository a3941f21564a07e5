"""Checks the references of resources: each target is declared and not absent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from kiamo_iac.core.address import Address, identity
from kiamo_iac.core.capabilities import Capabilities
from kiamo_iac.core.diagnostics import Diagnostic, Severity, SourceRange, SuggestionBudget
from kiamo_iac.core.place import Place
from kiamo_iac.core.printable import quote
from kiamo_iac.core.resource import Ensure, Reference, Resource, Scope
from kiamo_iac.core.state import ResourceState
from kiamo_iac.manifest.relations import Resources, Siblings, is_absent, related
from kiamo_iac.resources import kinds


class ReferenceChecker:
    """Checks all references of a set of resources."""

    def __init__(
        self,
        resources: Resources,
        siblings: Siblings,
        *,
        inner: Mapping[Address, Mapping[str, Place]],
        capabilities: Capabilities,
        suggestions: SuggestionBudget,
    ) -> None:
        """`inner`: the places of attributes that are lists or mappings of names, by address and attribute."""
        self._resources = resources
        self._siblings = siblings
        self._inner = inner
        self._capabilities = capabilities
        self._suggestions = suggestions
        self._kinds = kinds()
        self._warned: set[Address] = set()
        self._settled: dict[tuple[Address | None, str], set[str]] = {}
        """(parent, kind) → exact names that need no further check."""
        self._absent = frozenset(address for address, resource in resources.items() if is_absent(resource))

    def check(self) -> Iterator[Diagnostic]:
        """Report every reference to an absent resource, and the first reference to each undeclared one."""
        for resource in self._resources.values():
            references = resource.kind.references
            if not references or resource.address in self._absent:
                continue
            for reference in references:
                value = resource.attributes.get(reference.attribute)
                if value:
                    parent = resource.address.parent if reference.scope is Scope.SIBLING else None
                    settled = self._settled_below(parent, reference.kind)
                    for key, name in reference.items(value):
                        if name not in settled:
                            problem = self._check(resource, reference, parent=parent, name=name, key=key)
                            if problem is not None:
                                yield problem

    def _settled_below(self, parent: Address | None, kind: str) -> set[str]:
        settled = self._settled.get((parent, kind))
        if settled is None:
            settled = self._settled[parent, kind] = self._made_with(parent, kind)
            for resource in self._siblings.get((parent, kind), ()):
                if resource.address in self._absent:
                    settled.discard(identity(resource.name))
                else:
                    settled.add(resource.name)
        return settled

    def _made_with(self, parent: Address | None, kind: str) -> set[str]:
        """The names, in NFC, of the resources that the platform creates with every parent."""
        defaults = self._capabilities.of(kind).defaults if parent is not None else ()
        return {identity(default["name"]) for default in defaults}

    def _check(
        self, resource: ResourceState, reference: Reference, *, parent: Address | None, name: str, key: str | None
    ) -> Diagnostic | None:
        target = self._kinds[reference.kind]
        address = Address.of(target.collection, name, parent)
        declared = self._resources.get(address)
        if declared is not None and declared.lifecycle.ensure is Ensure.PRESENT:
            return None
        source = resource.source_of(reference.attribute)
        if key is not None and resource.address in self._inner:
            source = self._inner[resource.address][reference.attribute].at(key)
        if declared is not None:
            return Diagnostic(
                "KIA0224",
                f"the {target.kind} {quote(name)} is referenced here, but declared absent",
                hint='refer to another one, or remove "ensure: absent" there',
                address=resource.address,
                source=source,
                related=related("declared absent here", declared, key="ensure"),
            )
        return self._undeclared(resource, address, name=name, target=target, source=source)

    def _undeclared(
        self,
        resource: ResourceState,
        address: Address,
        *,
        name: str,
        target: type[Resource],
        source: SourceRange | None,
    ) -> Diagnostic | None:
        parent = address.parent
        made = self._made_with(parent, target.kind)
        if identity(name) in made:
            return None
        owner = self._resources.get(parent) if parent is not None else None
        complete = owner is not None and target.collection in owner.lifecycle.exclusive
        if not complete:  # otherwise each such reference is an error
            self._settled_below(parent, target.kind).add(name)
        if address in self._warned and not complete:
            return None
        self._warned.add(address)
        near = self._siblings.get((parent, target.kind), ())
        hint = _renamed(name, near) or self._suggestions.near(name, {n.name for n in near} | made)
        if complete and parent is not None:
            summary = (
                f"the exclusive list of {target.collection} of {quote(parent.name)} has no {target.kind} {quote(name)}"
            )
            hint = hint or f"declare it, or refer to another {target.kind}"
            return Diagnostic("KIA0226", summary, hint=hint, address=resource.address, source=source)
        of_parent = f" of {quote(parent.name)}" if parent is not None else ""
        return Diagnostic(
            "KIA0225" if parent is not None else "KIA0227",
            f"no manifest declares the {target.kind} {quote(name)}{of_parent}: it must exist on the instance",
            Severity.WARNING,
            hint=hint or f'declare it under "{target.collection}" to have its name checked',
            address=resource.address,
            source=source,
        )


def _renamed(name: str, near: Sequence[ResourceState]) -> str | None:
    for resource in near:
        if identity(name) in resource.lifecycle.renamed_from:
            return f"it was renamed: did you mean {quote(resource.name)}?"
    return None
