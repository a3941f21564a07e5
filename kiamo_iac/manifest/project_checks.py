"""Checks the manifests of a project for every environment, and says which environments a problem concerns."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Final

from kiamo_iac.core.capabilities import Capabilities
from kiamo_iac.core.diagnostics import Diagnostic, Severity, by_place, has_errors
from kiamo_iac.core.printable import quote
from kiamo_iac.manifest.composition import Composition
from kiamo_iac.manifest.loader import compose
from kiamo_iac.manifest.project.model import Environment, Project
from kiamo_iac.manifest.sources import SourceFiles
from kiamo_iac.manifest.variables import named_as_secret, unused

_OTHER_ENDINGS: Final = (".json", ".yaml.txt", ".yml.txt", ".toml", ".yaml~", ".yaml.j2")
_LOOKED_AT: Final = 1000
_NAMED: Final = 3
"""Other files that are named, of so many that are looked at."""


@dataclass(frozen=True, slots=True)
class CheckedManifests:
    """The diagnostics of the manifests of a project, for all environments."""

    diagnostics: tuple[Diagnostic, ...]
    """Each once, sorted by place; one of only some environments names them."""
    files: int
    resources: int
    """How many resources they declare, each counted once."""
    inputs: frozenset[Path] = frozenset()
    """The files with rows (CSV) that they name."""


def check_project_manifests(project: Project, capabilities: Capabilities) -> CheckedManifests:
    """Compose and check the manifests for every environment; without environments, the base only.

    Raises:
        ManifestError: a folder of manifests cannot be read.
    """
    groups = _groups(project)
    sources = SourceFiles(project.root, keep=len(groups) > 1)
    environments: dict[Diagnostic, list[str]] = {}
    addresses: set[str] = set()
    files: set[Path] = set()
    inputs: set[Path] = set()
    for composition, names in groups:
        loaded = compose(composition, sources=sources, capabilities=capabilities)
        for diagnostic in dict.fromkeys(loaded.diagnostics):
            environments.setdefault(diagnostic, []).extend(names)
        addresses.update(resource.address for resource in loaded.state)
        files.update(composition.files, *composition.patches)
        inputs.update(loaded.inputs)
    found = [_in_environments(diagnostic, names, project) for diagnostic, names in environments.items()]
    found += _named_as_secrets(project)
    found += _sharing_one_url(project)
    found += (problem for environment in project.environments.values() for problem in missing_patches(environment))
    if not has_errors(found):  # a file that could not be read may use any of them
        found += _unused(project, groups)
        found += nothing_declared(project, files=len(files), resources=len(addresses))
    return CheckedManifests(by_place(found), len(files), len(addresses), frozenset(inputs))


def nothing_declared(project: Project, *, files: int, resources: int) -> list[Diagnostic]:
    """A warning if the manifests of a project, which are valid, declare no resource."""
    if resources or not project.folders:
        return []
    folder = project.folders[0]
    summary, hint = "the manifests declare nothing", "declare a resource, or write an instance as manifests: export"
    if not files:
        summary = "there is no manifest in the folders of manifests"
        others = _other_files(folder.path)
        hint = f"names of manifests end in .yaml or .yml: {', '.join(others)} is not read" if others else hint
    return [Diagnostic("KIA0248", summary, Severity.WARNING, hint=hint, source=folder.source)]


def _other_files(folder: Path) -> list[str]:
    """The first files in a folder that look like manifests, and are not read as such."""
    try:
        names = sorted(entry.name for entry in islice(folder.iterdir(), _LOOKED_AT))
    except OSError:
        return []
    return [quote(name) for name in names if name.lower().endswith(_OTHER_ENDINGS)][:_NAMED]


def missing_patches(environment: Environment) -> list[Diagnostic]:
    """A warning for each entry of its patches that does not exist. Git keeps no empty folder: the last file of one may
    have been deleted."""
    return [
        Diagnostic(
            "KIA0319",
            f"{quote(folder.path.name)} of the patches of {quote(environment.name)} does not exist: it counts as empty",
            Severity.WARNING,
            hint="remove it from patches, or correct the path",
            source=folder.source,
        )
        for folder in environment.patches
        if folder.lacking and not folder.path.exists()
    ]


def _sharing_one_url(project: Project) -> list[Diagnostic]:
    first: dict[str, str] = {}
    found = []
    for environment in project.environments.values():
        url = (environment.url or "").rstrip("/")
        other = first.setdefault(url, environment.name)
        if url and other != environment.name:
            summary = f"{quote(environment.name)} has the url of {quote(other)}: both change one instance"
            hint = "correct one of them; each environment has a ledger of its own, and prunes by it"
            found.append(Diagnostic("KIA0317", summary, Severity.WARNING, hint=hint, source=environment.source))
    return found


_Groups = list[tuple[Composition, list[str]]]


def _groups(project: Project) -> _Groups:
    """The distinct compositions, each with the names of its environments."""
    if not project.environments:
        return [(project.composition(), [])]
    groups: dict[object, tuple[Composition, list[str]]] = {}
    manifests = project.manifests
    for environment in project.environments.values():
        made = project.composition(environment, manifests=manifests)
        values = tuple((name, type(v.value), v.value) for name, v in sorted(made.variables.known.items()))
        groups.setdefault((made.patches, values), (made, []))[1].append(environment.name)
    return list(groups.values())


def _in_environments(diagnostic: Diagnostic, names: list[str], project: Project) -> Diagnostic:
    if len(names) == len(project.environments):
        return diagnostic
    where = " and ".join((", ".join(names[:-1]), names[-1]) if len(names) > 1 else names)
    return replace(diagnostic, summary=f"{diagnostic.summary} (in {where})")


def _unused(project: Project, groups: _Groups) -> list[Diagnostic]:
    everywhere = {name for composition, _ in groups for name in composition.variables.used}
    where = "of any environment" if project.environments else "of the project"
    found = [unused(name, v, where=where) for name, v in project.variables.items() if name not in everywhere]
    for composition, names in groups:
        for environment in map(project.environments.__getitem__, names):
            found += [
                unused(name, variable, where=f"of {quote(environment.name)}")
                for name, variable in environment.variables.items()
                if name not in composition.variables.used
            ]
    return found


def _named_as_secrets(project: Project) -> list[Diagnostic]:
    environments = project.environments.values()
    every = [project.variables, *(environment.variables for environment in environments)]
    found = (named_as_secret(name, variable) for variables in every for name, variable in variables.items())
    return [warning for warning in found if warning is not None]
