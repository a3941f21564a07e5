"""The check of an export before the first file is written: the manifests as they will be, composed and planned.

Where nothing is declared yet, that is done some new files at a time, beside those that others refer to: what is below
one contact base refers to nothing below another. Manifests that declare something already are in memory: they are
composed at once, and planned some bases at a time. Everything is checked at once only where a part has something to
report, to report all of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cache, cached_property
from typing import TYPE_CHECKING, Final

from kiamo_iac.app.export_folder import Destination
from kiamo_iac.authoring.exporting.report import ExportReport
from kiamo_iac.authoring.exporting.target_folder import NewFile
from kiamo_iac.authoring.sheet import ChangedFile
from kiamo_iac.core.address import Address
from kiamo_iac.core.diagnostics import Severity, has_errors
from kiamo_iac.core.errors import KiamoIacError, ManifestError
from kiamo_iac.core.resource import Ensure
from kiamo_iac.core.state import Owned, Ownership, ResourceState, State
from kiamo_iac.document.files import MAX_BYTES
from kiamo_iac.manifest.loader import Loaded, compose
from kiamo_iac.resources import children_of, kinds

if TYPE_CHECKING:
    from kiamo_iac.core.capabilities import Capabilities
    from kiamo_iac.manifest.environment import Target
    from kiamo_iac.planner.plan import Plan

_SHOWN: Final = 5
_COMPOSED: Final = 128 * 1024
"""Characters of new files that are composed at a time."""
_PLANNED: Final = 1000
"""Resources that are planned at a time."""


def check_size(change: ChangedFile) -> None:
    """
    Raises:
        KiamoIacError: the file would be too large for a manifest.
    """
    if sum(len(text.encode("utf-8")) for text in change.texts()) > MAX_BYTES:
        msg = f"{change.file} would be larger than {MAX_BYTES // 1024**2} MiB, the limit for a manifest."
        raise KiamoIacError(msg, hint="export one file a base, or a part with --only; nothing was written")


class ExportCheck:
    """Checks the files of an export."""

    def __init__(
        self, target: Target, place: Destination, capabilities: Capabilities, *, live: State, owned: Ownership | None
    ) -> None:
        self._target = target
        self._place = place
        self._capabilities = capabilities
        self._live = live
        self._owned = owned

    def check(self, files: Sequence[ChangedFile], report: ExportReport, *, planned: bool) -> None:
        """Compose the manifests with the new texts; if `planned`, report what a plan would still change or refuse.

        Raises:
            ManifestError: the manifests would hold errors.
        """
        if self._is_level(files, planned=planned):
            return
        loaded = self._composed(files)
        if has_errors(loaded.diagnostics):
            errors = [d for d in loaded.diagnostics if d.severity is Severity.ERROR]
            msg = "The export would leave manifests with errors: nothing was written."
            raise ManifestError(msg, hint="correct these places first", diagnostics=errors)
        if planned and not self._plans_nothing(loaded.state):
            live = State(sorted(self._live, key=lambda resource: resource.address))
            _report_remaining_changes(self._plan(loaded.state, live, self._owned), report)

    def _composed(self, files: Sequence[ChangedFile], beside: Sequence[ChangedFile] = ()) -> Loaded:
        """The manifests with the texts of `files`; those of `beside` are put in their places already."""
        for change in files:
            self._place.sources.put(change.path, change.after)
        created = [change.path for change in (*beside, *files) if change.before is None]
        return compose(self._place.with_files(created), sources=self._place.sources, capabilities=self._capabilities)

    def _plan(self, desired: State, live: State, owned: Ownership | None) -> Plan:
        from kiamo_iac.planner.planner import build_plan

        return build_plan(
            desired,
            live,
            capabilities=self._capabilities,
            environment=self._target.name,
            url=self._target.url,
            owned=owned,
        )

    # --- part by part ------------------------------------------------------------------------------------------------

    def _is_level(self, files: Sequence[ChangedFile], *, planned: bool) -> bool:
        """Whether parts of the files that are checked one by one have nothing to report; False where they cannot be."""
        new = [change for change in files if isinstance(change, NewFile)]
        if self._place.parts or len(new) < len(files):
            return False
        shared = [change for change in new if any(change.holds(collection) for collection in _shared_collections())]
        for change in shared:
            self._place.sources.put(change.path, change.after)
        for part in _parts([change for change in new if change not in shared]):
            loaded = self._composed(part, shared)
            if has_errors(loaded.diagnostics) or (planned and not self._plans_nothing(loaded.state)):
                return False
            for change in part:
                self._place.sources.forget(change.path)
        return True

    def _plans_nothing(self, desired: State) -> bool:
        """Whether plans of some contact bases at a time have no step and no error.

        False also where a plan of all could have one nevertheless: with a base of another name, or a service to delete.
        """
        if not self._agrees_with_ledger or not all(map(_stays, _tops(desired))):
            return False
        for part in _divided(desired):
            owned = {
                address: entry
                for top, entries in self._entries.items()
                if top.collection in _shared_collections() or top in part
                for address, entry in entries.items()
            }
            plan = self._plan(part, State(self._live_beside(part)), owned if self._owned is not None else None)
            if plan.steps or has_errors(plan.diagnostics):
                return False
        return True

    def _live_beside(self, desired: State) -> Iterator[ResourceState]:
        """What is live of a part of the desired state, and all that others refer to."""
        for kind in kinds().values():
            if kind.collection in _shared_collections():
                yield from self._live.tops(kind.collection)
        for top in _tops(desired):
            live = self._live.get(top.address)
            if live is not None and top.kind.collection not in _shared_collections():
                yield from _with_children(self._live, live)

    @cached_property
    def _entries(self) -> dict[Address, dict[Address, Owned]]:
        """Address without a parent → the entries of the ledger at it, and below."""
        found: dict[Address, dict[Address, Owned]] = {}
        for address, entry in (self._owned or {}).items():
            found.setdefault(Address("/".join(address.split("/")[:2])), {})[address] = entry
        return found

    @cached_property
    def _agrees_with_ledger(self) -> bool:
        """Whether all managed contact bases are live, under the names and ids in the ledger."""
        for address, entry in (self._owned or {}).items():
            if address.parent is None and address.collection not in _shared_collections():
                live = self._live.get(address)
                if live is None or live.remote_id != entry.remote_id:
                    return False
        return True


@cache
def _shared_collections() -> frozenset[str]:
    """Collections of the top level whose resources have none below them: others refer to them, as to services."""
    return frozenset(k.collection for k in kinds().values() if k.parent is None and not children_of(k.kind))


def _tops(state: State) -> Iterator[ResourceState]:
    for kind in kinds().values():
        if kind.parent is None:
            yield from state.tops(kind.collection)


def _with_children(state: State, resource: ResourceState) -> Iterator[ResourceState]:
    yield resource
    for kind in children_of(resource.kind.kind):
        for child in state.within(resource.address, kind.collection):
            yield from _with_children(state, child)


def _stays(top: ResourceState) -> bool:
    """Whether no plan makes a declared resource that has no parent matter to what is below others."""
    if top.kind.collection in _shared_collections():
        return top.lifecycle.ensure is Ensure.PRESENT
    return not top.lifecycle.renamed_from


def _divided(desired: State) -> Iterator[State]:
    """Parts of a desired state, each with all that others refer to; at least one."""
    shared = [top for top in _tops(desired) if top.kind.collection in _shared_collections()]
    part: list[ResourceState] = []
    for top in _tops(desired):
        if top.kind.collection not in _shared_collections():
            part += _with_children(desired, top)
        if len(part) >= _PLANNED:
            yield State((*shared, *part))
            part = []
    yield State((*shared, *part))


def _parts(files: Iterable[NewFile]) -> Iterator[list[NewFile]]:
    """The files, some at a time; at least one part."""
    part: list[NewFile] = []
    size = 0
    for change in files:
        part.append(change)
        size += sum(map(len, change.texts()))
        if size >= _COMPOSED:
            yield part
            part, size = [], 0
    yield part


def _report_remaining_changes(plan: Plan, report: ExportReport) -> None:
    left = [d for d in plan.diagnostics if d.severity is Severity.ERROR]
    for problem in left:
        report.warn(
            "KIA1012",
            f"a plan is still refused: {problem.summary}",
            hint=problem.hint or "run plan",
            address=problem.address,
            source=problem.source,
        )
    if plan.steps:
        shown = ", ".join(f"{step.action} {step.address}" for step in plan.steps[:_SHOWN])
        more = f" and {len(plan.steps) - _SHOWN} more" if len(plan.steps) > _SHOWN else ""
        hint = "run plan to see why: the ledger, or manifests outside the folder, say otherwise"
        report.warn("KIA1012", f"a plan still has changes: {shown}{more}", hint=hint)
