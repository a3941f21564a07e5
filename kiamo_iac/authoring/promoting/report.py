"""The report of a promotion: what `to` needs first, what an apply will delete, what is not promoted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from kiamo_iac.authoring.comments import lost
from kiamo_iac.authoring.promoting.block_bodies import ENSURE, every_leaf, leaf_of
from kiamo_iac.authoring.promoting.comparing import Comparison, DeclaredBlock
from kiamo_iac.authoring.promoting.environments import ComposedEnvironments
from kiamo_iac.authoring.promoting.overlay import EnvironmentOverlay
from kiamo_iac.authoring.promoting.promotion import NOTHING, Difference, Leaf, PromotedDifference, Strategy
from kiamo_iac.authoring.sheet import FileChange
from kiamo_iac.core.address import Address
from kiamo_iac.core.diagnostics import Diagnostic, Severity, SourceRange, by_place
from kiamo_iac.core.printable import quote
from kiamo_iac.core.strict_json import same

_EXCLUSIVE: Leaf = ("exclusive",)


def missing(compared: Comparison, target: str) -> tuple[Diagnostic, ...]:
    """The variables that `to` does not have; what needs them is not promoted."""
    found = {}
    for missing in compared.missing:
        said = f"{target} has no variable {quote(missing.name)}, which {'.'.join(missing.leaf)} refers to"
        hint = f'add "{missing.name}: …" under environments: {target}: variables: in the project file'
        found[missing] = Diagnostic("KIA1020", said, hint=hint, address=missing.address, source=missing.source)
    return by_place(found.values())


def notes(
    environments: ComposedEnvironments,
    compared: Comparison,
    changes: Sequence[PromotedDifference],
    files: Sequence[FileChange],
    *,
    project_file: Path,
) -> tuple[Diagnostic, ...]:
    """Everything else, by place."""
    target = environments.target
    found = [*_deletions(changes, target)]
    found += [_left(change.difference, target) for change in changes if change.how is Strategy.NOT_PROMOTED]
    for address in compared.unprotected:
        summary = f"it stays protected in {target}, though {environments.source} does not protect it"
        found.append(
            _of(
                "KIA1024",
                summary,
                address,
                environments,
                hint="promote never removes protection: edit the manifests",
            )
        )
    for address in dict.fromkeys(address for address, _ in compared.sensitive):
        paths = [".".join(leaf) for of, leaf in compared.sensitive if of == address]
        verb = "is" if len(paths) == 1 else "are"
        summary = f"{' and '.join(paths)} {verb} sensitive, and not promoted"
        hint = f"each environment has its own value: add it to the manifests of {target} if needed"
        found.append(_of("KIA0436", summary, address, environments, hint=hint))
    for address in compared.run_state:
        summary = f"its run state in {environments.source} is not promoted"
        found.append(_of("KIA1028", summary, address, environments, hint="pass --run-state to promote it"))
    return by_place([*found, *_of_files(environments, files, project_file)])


def leftovers(
    overlay: EnvironmentOverlay, changes: Sequence[PromotedDifference], files: Sequence[FileChange]
) -> Iterator[Diagnostic]:
    """What is left in patches without need: copies of what was promoted into the base, and files without a block."""
    repeated: dict[tuple[str, Address], list[str]] = {}
    for change in changes:
        if change.how is not Strategy.MOVE:
            continue
        difference = change.difference
        for leaf in [difference.leaf] if difference.leaf else every_leaf(difference.wanted):
            for file in overlay.repeated(difference.address, leaf):
                paths = repeated.setdefault((file, difference.address), [])
                paths += [".".join(leaf)] if ".".join(leaf) not in paths else []
    for (file, address), paths in repeated.items():
        yield Diagnostic(
            "KIA1033",
            f"{' and '.join(paths)} in this patch {'repeats' if len(paths) == 1 else 'repeat'} the base",
            Severity.NOTE,
            hint="remove it, unless the environment is to keep the value when the base changes",
            address=address,
            source=SourceRange(file, 1, 1),
        )
    for change_of in files:
        if change_of.before is not None and overlay.edits.is_empty(change_of.file):
            hint = "delete it; a folder of patches without a file counts as empty (KIA0319)"
            summary = "the patch file declares nothing any more"
            yield Diagnostic("KIA1034", summary, Severity.NOTE, hint=hint, source=SourceRange(change_of.file, 1, 1))


def _of_files(
    environments: ComposedEnvironments, files: Sequence[FileChange], project_file: Path
) -> Iterator[Diagnostic]:
    """Notes on the files."""
    count = lost([change.before or "" for change in files], [change.after for change in files])
    if count:
        summary = f"{count} comments are removed with what they describe"
        if count == 1:
            summary = "1 comment is removed with what it describes"
        yield Diagnostic("KIA1031", summary, Severity.NOTE, hint="check the diff, and restore what still applies")
    if any(change.path == project_file for change in files):
        summary = f"{environments.target} has no patches of its own: a folder of patches is added to the project file"
        yield Diagnostic("KIA1032", summary, Severity.NOTE, hint="check the diff")


def _deletions(changes: Iterable[PromotedDifference], target: str) -> Iterator[Diagnostic]:
    """What deletes resources when it is applied."""
    for change in changes:
        difference = change.difference
        body = difference.wanted if not difference.leaf else {difference.leaf[0]: difference.wanted}
        if change.how is Strategy.NOT_PROMOTED:
            continue
        if leaf_of(body, ENSURE) == "absent":
            summary = f"apply will delete it from {target}: it becomes absent there"
            yield _warning("KIA1022", summary, difference, f"pass --except {difference.address} to exclude it")
        if (exclusive := leaf_of(body, _EXCLUSIVE)) is not NOTHING and exclusive:
            lists = " and ".join(map(str, exclusive))
            summary = f"apply will delete all other {lists} of it from {target}: the list becomes exclusive there"
            yield _warning("KIA1023", summary, difference, f"pass --except {difference.address} to exclude it")


def _left(difference: Difference, target: str) -> Diagnostic:
    what = difference.path or "it"
    summary = f"{what} cannot be written for {target} alone"
    return _warning("KIA1025", summary, difference, f"edit the manifests of {target}")


def _warning(code: str, summary: str, difference: Difference, hint: str) -> Diagnostic:
    return Diagnostic(code, summary, Severity.WARNING, hint=hint, address=difference.address, source=difference.source)


def _of(code: str, summary: str, address: Address, environments: ComposedEnvironments, *, hint: str) -> Diagnostic:
    place = DeclaredBlock.of(environments.wanted[address]).source_of(())
    return Diagnostic(code, summary, Severity.NOTE, hint=hint, address=address, source=place)


def by_variables(environments: ComposedEnvironments, compared: Comparison) -> tuple[tuple[Address, Leaf], ...]:
    """What both environments write alike, and what comes to another value in each."""
    source, target = environments.loaded[environments.source], environments.loaded[environments.target]
    differing = {(difference.address, difference.leaf) for difference in compared.differences}
    differing |= set(compared.sensitive)
    found: list[tuple[Address, Leaf]] = []
    for address in sorted(environments.wanted):
        theirs = source.parts.get(environments.named(environments.source, address))
        if address not in target.parts or theirs is None:
            continue
        wanted, there = DeclaredBlock.of(environments.wanted[address]), DeclaredBlock.of(theirs)
        found += [
            (address, leaf)
            for leaf, value in wanted.filled.items()
            if (address, leaf) not in differing and not same(value, there.filled.get(leaf))
        ]
    return tuple(found)


def only_target(environments: ComposedEnvironments) -> tuple[Address, ...]:
    """What `to` declares and `from` does not."""
    return tuple(sorted(environments.loaded[environments.target].parts.keys() - environments.wanted.keys()))
