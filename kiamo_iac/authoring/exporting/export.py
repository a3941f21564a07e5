"""An export as a whole: declared resources are updated, others get new blocks, and both are reported."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from kiamo_iac.authoring.exporting.blocks import BlockBuilder, in_block_order
from kiamo_iac.authoring.exporting.layered_block import PatchedBlock
from kiamo_iac.authoring.exporting.matching import MatchedBlock, Matcher, Parts
from kiamo_iac.authoring.exporting.report import ExportReport
from kiamo_iac.authoring.exporting.representation import Representations
from kiamo_iac.authoring.exporting.target_folder import FilePlacer, TargetFolder
from kiamo_iac.authoring.exporting.unrepresentable import IsSecret, escaped, no_secrets
from kiamo_iac.authoring.exporting.updating import BlockUpdater
from kiamo_iac.authoring.selection import ExportSelection
from kiamo_iac.authoring.sheet import ChangedFile
from kiamo_iac.core.address import Address, identity
from kiamo_iac.core.capabilities import Capabilities
from kiamo_iac.core.printable import quote
from kiamo_iac.core.resource import Resource
from kiamo_iac.core.sensitive import hidden_at, hidden_repeats, listed_paths, masked_paths, sensitive_paths
from kiamo_iac.core.state import Owned, Ownership, ResourceState, State
from kiamo_iac.resources import by_collection, children_of, kinds

NO_PARTS: Parts = {}
NO_FOLDER = TargetFolder()


@dataclass(frozen=True, slots=True)
class Export:
    """The files to write, and the report."""

    files: tuple[ChangedFile, ...]
    """By name."""
    report: ExportReport = field(default_factory=ExportReport)


def export(
    live: State,
    *,
    capabilities: Capabilities,
    parts: Parts = NO_PARTS,
    folder: TargetFolder = NO_FOLDER,
    selection: ExportSelection | None = None,
    owned: Ownership | None = None,
    is_secret: IsSecret = no_secrets,
) -> Export:
    """The edits that make manifests of a live state.

    `live` holds everything of the instance's top level, and all below the parents that `selection` concerns, its
    settings hidden as `hide_like` does. `parts`: what is declared for the environment already, in any file; `folder`:
    what may be written. `owned`: what the ledger has. `is_secret`: whether a text holds a known token.
    """
    exporting = _Exporting(
        live, capabilities, selection=selection or ExportSelection(), owned=owned or {}, is_secret=is_secret
    )
    return exporting.into(parts, folder)


class _Exporting:
    def __init__(
        self,
        live: State,
        capabilities: Capabilities,
        *,
        selection: ExportSelection,
        owned: Ownership,
        is_secret: IsSecret,
    ) -> None:
        self._live = live
        self._capabilities = capabilities
        self._selection = selection
        self._owned = owned
        self._report = ExportReport()
        self._representations = Representations(live, capabilities, is_secret=is_secret)
        self._blocks = BlockBuilder(
            live,
            capabilities,
            representations=self._representations,
            selection=selection,
            owned=owned,
            report=self._report,
        )

    def into(self, parts: Parts, folder: TargetFolder) -> Export:
        """The export into a folder, beside what is declared."""
        edits = folder.edits()
        matching = Matcher(
            parts,
            self._live,
            capabilities=self._capabilities,
            owned=self._owned,
            edits=edits,
            patched=folder.patched,
        )
        declared = matching.all()
        updater = BlockUpdater(self._representations, self._report)
        chosen = [one for one in declared if self._selection.has(one.address) or self._selection.has(one.live_address)]
        for one in chosen:
            updater.one(one)
        there = {one.live_address: one for one in declared}
        placer = FilePlacer(folder, edits)
        self._add_children(there)
        self._add_top_blocks(there, placer)
        if chosen:
            self._update_lists(declared, chosen, updater, added=set(map(Address, self._report.added)))
        self._add_pending(declared, placer)
        self._report.finish()
        return Export(placer.changes(), self._report)

    def _add_pending(self, declared: list[MatchedBlock], placer: FilePlacer) -> None:
        """New blocks of declared resources in the patches, children in those of their parents."""
        known = {one.address: one for one in declared}
        for one in reversed(declared):
            layers = one.layers
            if not isinstance(layers, PatchedBlock) or not layers.pending:
                continue
            node = layers.parts[0].block.node
            block = {"name": escaped(node["name"]), **layers.pending}
            parent = one.address.parent
            if parent is None:
                placer.add(one.kind, node["name"], block)
            elif parent in known:
                known[parent].layers.append_children(one.kind.collection, [block])
            else:  # its parent is declared by its name alone
                names = {kind.kind: node[kind.kind] for kind in layers.parts[0].block.type.ancestors}
                placer.add(one.kind, node["name"], {**escaped(names), **block}, within=next(iter(names.values())))

    def _add_children(self, there: Mapping[Address, MatchedBlock]) -> None:
        """New blocks in the blocks of declared parents."""
        for parent in there.values():
            live = parent.live
            if live is None:
                continue
            exclusive = parent.layers.body.get("exclusive", ())
            for kind in in_block_order(parent.kind):
                complete = kind.collection in exclusive
                before = len(self._report.added)
                blocks = self._blocks.below(live, kind, there, complete=complete)
                if blocks and not self._appended(parent, kind, blocks):
                    self._report.added.keep(before)

    def _appended(self, parent: MatchedBlock, kind: type[Resource], blocks: list[dict[str, Any]]) -> bool:
        """Whether the block of `parent` may be written; reported where it may not."""
        if parent.layers.append_children(kind.collection, blocks):
            return True
        names = ", ".join(quote(block["name"]) for block in blocks)
        generated = any(part.block.generated for part in parent.layers.parts)
        why = "generated" if generated else "outside the folder"
        by_hand = f"declare them at the top of a manifest, with {parent.kind.kind}: {parent.address.name}"
        self._report.warn(
            "KIA1014" if generated else "KIA1011",
            f"new {kind.collection} of {quote(parent.address.name)} are omitted, because its block is {why}: {names}",
            hint=by_hand if generated else "export into the folder that holds it",
            address=parent.address,
            source=parent.layers.source_of(),
        )
        return False

    def _add_top_blocks(self, there: Collection[Address], placer: FilePlacer) -> None:
        """New blocks at the top of files: of resources without a parent, and of those whose parent is not selected."""
        for kind in kinds().values():
            if kind.parent is not None:
                continue
            for resource in self._live.tops(kind.collection):
                if resource.address in there:
                    continue
                if self._selection.has(resource.address):
                    block = self._blocks.whole(resource, there)
                    if block is not None:
                        placer.add(kind, resource.name, block)
                elif self._selection.concerns(resource.address):
                    self._add_child_blocks(resource, there, placer)

    def _add_child_blocks(self, parent: ResourceState, there: Collection[Address], placer: FilePlacer) -> None:
        """Add blocks that name their parents, where the parents themselves are not selected."""
        for kind in children_of(parent.kind.kind):
            for resource in self._live.within(parent.address, kind.collection):
                if resource.address in there:
                    continue
                if not self._selection.has(resource.address):
                    self._add_child_blocks(resource, there, placer)
            names = _names_to(parent, self._live)
            for block in self._blocks.below(parent, kind, there):
                placer.add(kind, str(block["name"]), {**names, **block}, within=next(iter(names.values())))

    def _update_lists(
        self,
        declared: list[MatchedBlock],
        chosen: list[MatchedBlock],
        updater: BlockUpdater,
        *,
        added: Collection[Address],
    ) -> None:
        """`renamed_from` and `exclusive`, once all declared resources are known."""
        declared_addresses = {one.live_address for one in declared if one.live is not None} | set(added)
        for one in chosen:
            if one.live is None:
                continue
            for former in one.layers.body.get("renamed_from", ()):
                home = Address.of(one.kind.collection, former, one.live_address.parent)
                if home in added and home != one.live_address:
                    updater.forget_former_name(one, identity(former))
            for collection in one.layers.body.get("exclusive", ()):
                if not self._is_complete(one, by_collection()[collection], declared_addresses):
                    updater.not_exclusive(one, collection)

    def _is_complete(self, parent: MatchedBlock, kind: type[Resource], declared_addresses: Collection[Address]) -> bool:
        """Whether every selected resource below it is declared."""
        return all(
            resource.address in declared_addresses or resource.is_default or not self._selection.has(resource.address)
            for resource in self._live.within(parent.live_address, kind.collection)
        )


def hide_like(owned: Ownership, desired: State) -> Callable[[ResourceState], ResourceState]:
    """Makes a live resource one whose settings are hidden also where a manifest lists them as sensitive, or did at the
    last apply. `desired`: what the project declares for the environment, wherever it is exported to."""
    listing = [one for one in desired if one.lifecycle.sensitive or sensitive_paths(one.settings)]
    declared = {
        at: one for one in listing for at in _addresses(one.address, desired) if at == one.address or at not in desired
    }

    def hide(live: ResourceState) -> ResourceState:
        return _one_hidden(live, owned.get(live.address), declared.get(live.address))

    return hide


def _addresses(address: Address, desired: State) -> list[Address]:
    """Where a resource may be live: also under former names, its own and those of its ancestors."""
    declared = desired.get(address)
    former = declared.lifecycle.renamed_from if declared is not None else ()
    above = _addresses(address.parent, desired) if address.parent is not None else [None]
    return [Address.of(address.collection, name, parent) for parent in above for name in (address.name, *former)]


def _one_hidden(live: ResourceState, entry: Owned | None, declared: ResourceState | None) -> ResourceState:
    if not live.settings:
        return live
    paths = masked_paths(entry.attributes.get("settings")) if entry is not None else []
    if declared is not None:
        listed = declared.lifecycle.sensitive
        paths = [*paths, *sensitive_paths(declared.settings), *listed_paths(live.settings, listed)]
    settings = hidden_at(live.settings, paths)
    if declared is not None:
        settings = hidden_repeats(settings, declared.settings)
    return live if settings is live.settings else replace(live, settings=settings)


def _names_to(parent: ResourceState, live: State) -> dict[str, str]:
    """`base: prospects`: what a block at the top of a file says of its parents, the outermost first."""
    names: dict[str, str] = {}
    at: Address | None = parent.address
    while at is not None:
        resource = live[at]
        names = {resource.kind.kind: resource.name, **names}
        at = at.parent
    return names
