"""The check of an export before the first file is written: the manifests as they will be, composed and planned.

Where nothing is declared yet, that is done some new files at a time, beside those that others refer to: what is below
one contact base refers to nothing below another. Everything is checked at once only where a part has a problem, to
report all of them; and in an export into manifests that declare something, for these are in memory anyway.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from kiamo_iac.app.export_folder import Destination
from kiamo_iac.authoring.exporting.report import ExportReport
from kiamo_iac.authoring.exporting.target_folder import NewFile
from kiamo_iac.authoring.sheet import ChangedFile
from kiamo_iac.core.address import Address
from kiamo_iac.core.diagnostics import Severity, has_errors
from kiamo_iac.core.errors import KiamoIacError, ManifestError
from kiamo_iac.core.state import Owned, Ownership, ResourceState, State
from kiamo_iac.document.files import MAX_BYTES
from kiamo_iac.manifest.loader import Loaded, compose
from kiamo_iac.resources import children_of, kinds

if TYPE_CHECKING:
    from kiamo_iac.core.capabilities import Capabilities
    from kiamo_iac.manifest.environment import Target
    from kiamo_iac.planner.plan import Plan

_SHOWN: Final = 5
_PART: Final = 128 * 1024
"""Characters of new files that are checked at a time."""


def check_size(change: ChangedFile) -> None:
    """
    Raises:
        KiamoIacError: the file would be too large for a manifest.
    """
    if sum(len(text.encode("utf-8")) for text in change.texts()) > MAX_BYTES:
        msg = f"{change.file} would be larger than {MAX_BYTES // 1024**2} MiB, the limit for a manifest."
        raise KiamoIacError(msg, hint="export one file a base, or a part with --only; nothing was written")


@dataclass(frozen=True, slots=True)
class ExportCheck:
    """What the files of an export are checked with."""

    target: Target
    place: Destination
    capabilities: Capabilities
    live: State
    owned: Ownership | None

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
        if planned:
            live = State(sorted(self.live, key=lambda resource: resource.address))
            _report_remaining_changes(self._plan(loaded.state, live, self.owned), report)

    def _composed(self, files: Sequence[ChangedFile], beside: Sequence[ChangedFile] = ()) -> Loaded:
        """The manifests with the texts of `files`; those of `beside` are put in their places already."""
        for change in files:
            self.place.sources.put(change.path, change.after)
        created = [change.path for change in (*beside, *files) if change.before is None]
        return compose(self.place.with_files(created), sources=self.place.sources, capabilities=self.capabilities)

    def _plan(self, desired: State, live: State, owned: Ownership | None) -> Plan:
        from kiamo_iac.planner.planner import build_plan

        return build_plan(
            desired,
            live,
            capabilities=self.capabilities,
            environment=self.target.name,
            url=self.target.url,
            owned=owned,
        )

    # --- part by part ------------------------------------------------------------------------------------------------

    def _is_level(self, files: Sequence[ChangedFile], *, planned: bool) -> bool:
        """Whether parts that are checked one by one have nothing to report; False where they cannot be."""
        new = [change for change in files if isinstance(change, NewFile)]
        if self.place.parts or len(new) < len(files) or not self._agrees_with_ledger():
            return False
        shared = [change for change in new if any(change.holds(collection) for collection in _shared_collections())]
        for change in shared:
            self.place.sources.put(change.path, change.after)
        entries = _by_top(self.owned or {})
        for part in _parts([change for change in new if change not in shared]):
            loaded = self._composed(part, shared)
            if has_errors(loaded.diagnostics):
                return False
            if planned:
                tops = [*self._tops(loaded.state)]
                owned = {address: one for top in tops for address, one in entries.get(top.address, {}).items()}
                plan = self._plan(
                    loaded.state, State(self._with_children(tops)), owned if self.owned is not None else None
                )
                if plan.steps or has_errors(plan.diagnostics):
                    return False
            for change in part:
                self.place.sources.forget(change.path)
        return True

    def _agrees_with_ledger(self) -> bool:
        """Whether all managed resources with others below them are live, under the names and ids in the ledger."""
        for address, entry in (self.owned or {}).items():
            if address.parent is None and address.collection not in _shared_collections():
                live = self.live.get(address)
                if live is None or live.remote_id != entry.remote_id:
                    return False
        return True

    def _tops(self, desired: State) -> Iterator[ResourceState]:
        """The live resources without a parent that a part needs: the declared ones, and those that others refer to."""
        for kind in kinds().values():
            if kind.parent is not None:
                continue
            if kind.collection in _shared_collections():
                yield from self.live.within(None, kind.collection)
            else:
                found = (self.live.get(one.address) for one in desired.within(None, kind.collection))
                yield from (one for one in found if one is not None)

    def _with_children(self, resources: Iterable[ResourceState]) -> Iterator[ResourceState]:
        for resource in resources:
            yield resource
            for kind in children_of(resource.kind.kind):
                yield from self._with_children(self.live.within(resource.address, kind.collection))


def _shared_collections() -> frozenset[str]:
    """Collections of the top level whose resources have none below them, and that others refer to."""
    return frozenset(k.collection for k in kinds().values() if k.parent is None and not children_of(k.kind))


def _parts(files: Iterable[NewFile]) -> Iterator[list[NewFile]]:
    """The files, some at a time; at least one part."""
    part: list[NewFile] = []
    size = 0
    for change in files:
        part.append(change)
        size += sum(map(len, change.texts()))
        if size >= _PART:
            yield part
            part, size = [], 0
    yield part


def _by_top(owned: Ownership) -> dict[Address, dict[Address, Owned]]:
    """Address without a parent → the entries of the ledger at it, and below."""
    found: dict[Address, dict[Address, Owned]] = {}
    for address, entry in owned.items():
        found.setdefault(Address("/".join(address.split("/")[:2])), {})[address] = entry
    return found


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
