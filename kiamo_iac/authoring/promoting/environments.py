"""The environments of a project side by side: what each declares, and what `to` would declare with the blocks of
`from`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from kiamo_iac.authoring.promoting.block_bodies import names_of, written
from kiamo_iac.core.address import Address
from kiamo_iac.core.capabilities import Capabilities
from kiamo_iac.manifest.composition import Composition, Part, merge_bodies
from kiamo_iac.manifest.loader import Loaded, compose
from kiamo_iac.manifest.project.model import Project
from kiamo_iac.manifest.sources import SourceFiles
from kiamo_iac.manifest.variables import Variables, variables_in

Compositions = Mapping[str, Composition]
"""Environment → what its manifests are put together from."""
Parts = Mapping[Address, tuple[Part, ...]]
"""Address → what each layer says, the lowest first."""


@dataclass(frozen=True, slots=True)
class ComposedEnvironments:
    """What a promotion compares."""

    source: str
    """The environment that is promoted."""
    target: str
    compositions: Compositions
    """Of every environment of the project."""
    loaded: Mapping[str, Loaded]
    """The same, composed."""
    wanted: Parts
    """What the layers of `source` say, with the variables of `target`, as `target` names it."""
    names: Mapping[str, Mapping[Address, Address]]
    """Environment → how it names what `target` names so, where that is another name."""

    def absent(self, address: Address) -> bool:
        """Whether `target` is to declare a resource absent, or an ancestor of it."""
        at: Address | None = address
        while at is not None:
            if at in self.wanted and _is_absent(self.wanted[at]):
                return True
            at = at.parent
        return False

    def named(self, environment: str, address: Address) -> Address:
        """How an environment names what `target` names so."""
        return self.names[environment].get(address, address)


def shown(path: Path, root: Path) -> str:
    """How places name a file of the project."""
    return path.relative_to(root).as_posix()


def all_compositions(project: Project) -> Compositions:
    """Of every environment.

    Raises:
        ManifestError: a folder cannot be read.
    """
    return {name: project.composition(environment) for name, environment in project.environments.items()}


def compose_environments(
    compositions: Compositions, *, source: str, target: str, sources: SourceFiles, capabilities: Capabilities
) -> ComposedEnvironments:
    """Compose every environment. Errors are in their diagnostics."""

    def made(environment: str, variables: str) -> Loaded:
        known = compositions[variables].variables.known
        mixed = replace(compositions[environment], variables=Variables(known))
        return compose(mixed, sources=sources, capabilities=capabilities, keep_parts=True)

    loaded = {name: made(name, name) for name in compositions}
    wanted = made(source, target).parts
    names: dict[str, Mapping[Address, Address]] = {name: {} for name in compositions}
    if any(_may_be_named_otherwise(parts[0]) for parts in wanted.values()):
        grouped = loaded[source].parts
        wanted = _regrouped(grouped, wanted)
        ours = {_where(parts[0]): address for address, parts in wanted.items()}
        for name in compositions:
            theirs = grouped if name == source else _regrouped(grouped, made(source, name).parts)
            pairs = ((ours.get(_where(parts[0])), address) for address, parts in theirs.items())
            names[name] = {our: their for our, their in pairs if our is not None and our != their}
    return ComposedEnvironments(source, target, compositions, loaded, wanted, names)


def _may_be_named_otherwise(part: Part) -> bool:
    """Whether an environment with other variables may have another name for it."""
    return part.block.generated or any(map(variables_in, names_of(part).values()))


def _is_absent(parts: tuple[Part, ...]) -> bool:
    return bool(merge_bodies(map(written, parts)).get("ensure") == "absent")


def _regrouped(grouped: Parts, other: Parts) -> Parts:
    """The resources of `grouped`, each part as `other` has it, under the address that the lowest of them has there.

    With other variables, a patch may name another resource than the block that it is about.
    """
    known = {_where(part): (address, part) for address, parts in other.items() for part in parts}
    found: dict[Address, tuple[Part, ...]] = {}
    for parts in grouped.values():
        same = [known[_where(part)] for part in parts if _where(part) in known]
        is_of_other_rows = parts[0].block.row and _where(parts[0]) not in known
        if same and not is_of_other_rows:
            found.setdefault(same[0][0], tuple(part for _, part in same))
    rows = {address: parts for address, parts in other.items() if parts[0].block.row and address not in found}
    return found | rows  # a variable may name another file with rows; a patch of a row that is not in it is left out


def _where(part: Part) -> tuple[str, tuple[str | int, ...], str]:
    return part.document.file, part.block.path, part.block.row
