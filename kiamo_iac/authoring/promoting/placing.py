"""Where a promotion adds new blocks: in which file, and below which block."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Final

from kiamo_iac.authoring.promoting.environments import shown
from kiamo_iac.authoring.promoting.overlay import EnvironmentOverlay
from kiamo_iac.authoring.sheet import BlockRef, Sheet
from kiamo_iac.core.address import Address
from kiamo_iac.manifest.paths import PathProblem, inside
from kiamo_iac.manifest.project.model import Environment, Project

_MANY: Final = 1000
_UNNAMED: Final = "promoted.yaml"
"""Names that are tried for a new file."""


@dataclass(slots=True)
class BlockPlacer:
    """Adds new blocks, and the files and blocks that they need."""

    overlay: EnvironmentOverlay
    project: Project
    folder: str | None = field(default=None, init=False)
    """The entry that `to` gets under `patches` in the project file, when it has no patch file of its own."""

    # --- the base ---------------------------------------------------------------------------------------------------

    def in_base(self, address: Address) -> BlockRef | None:
        """A new block in the base: in that of its parent, or at the top of a file. None: its parent is not there."""
        overlay, source = self.overlay, self.overlay.environments.source
        names = overlay.names(source, address)
        parent = address.parent
        if parent is not None and overlay.stack(source, parent):
            above = overlay.base(parent)
            if above is None:
                return None
            return overlay.add_block(above, address.collection, {"name": names["name"]}, address=address)
        file = self._base_file(overlay.patched(address)[-1].file)
        if file is None:
            return None
        return overlay.add_block(BlockRef(file, ()), address.collection, dict(names), address=address)

    def _base_file(self, like: str) -> str | None:
        """The file of the base that is called as `like` is; a new one in the first folder, where there is none."""
        overlay = self.overlay
        name = PurePosixPath(like).name
        known = [
            file
            for file in overlay.files_of(overlay.environments.source, 0)
            if PurePosixPath(file).name == name and overlay.edits.may_change(file)
        ]
        if known:
            return known[0]
        path = self.project.folders[0].path
        patches = [folder.path for environment in self.project.environments.values() for folder in environment.patches]
        if any(path.is_relative_to(patch) for patch in patches):
            return None
        folder = shown(path, self.project.root)
        return self._new_file(f"{folder}/{name}", overlay.environments.loaded, layer=0)

    # --- patches ----------------------------------------------------------------------------------------------------

    def patch_files(self, address: Address) -> Iterator[str]:
        """Files of patches of `to` that may take a block of a resource: those with blocks of its ancestors, the
        highest first, then that of the top layer; a new one, where there is none."""
        overlay, seen = self.overlay, set()
        above = address.parent
        while above is not None:
            for ref in overlay.own(above):
                if ref.file not in seen:
                    seen.add(ref.file)
                    yield ref.file
            above = above.parent
        file = self._patch_file(address, self._top_layer())
        if file is not None and file not in seen:
            yield file

    def in_patch(self, address: Address, file: str) -> BlockRef:
        """The block of a resource in a file of `to`: the one that is there, or a new one below that of its parent."""
        overlay, source, target = self.overlay, self.overlay.environments.source, self.overlay.environments.target
        for part in overlay.stack(target, address):
            if part.ref.file == file:
                return part.ref
        names = overlay.names(target if overlay.stack(target, address) else source, address)
        if address.parent is not None and overlay.stack(target, address.parent):
            above = self.in_patch(address.parent, file)
            return overlay.add_block(above, address.collection, {"name": names["name"]}, address=address)
        return overlay.add_block(BlockRef(file, ()), address.collection, dict(names), address=address)

    def _top_layer(self) -> int | None:
        """The highest layer of `to` that no other environment has; None: there is none."""
        overlay, target = self.overlay, self.overlay.environments.target
        if self.folder is not None:
            return len(overlay.environments.compositions[target].patches) + 1
        environment = self.project.environments[target]
        for layer in range(len(environment.patches), 0, -1):
            if self._is_own(environment, layer):
                return layer
        return None

    def _is_own(self, environment: Environment, layer: int) -> bool:
        """Whether no other environment, and not the base, reads what is put into a layer."""
        path = environment.patches[layer - 1].path
        others = [
            folder.path
            for one in self.project.environments.values()
            for index, folder in enumerate(one.patches, start=1)
            if one is not environment or index != layer
        ]
        return all(self.overlay.is_own(file) for file in self.overlay.files_of(environment.name, layer)) and not any(
            path.is_relative_to(other) or other.is_relative_to(path) for other in others
        )

    def _patch_file(self, address: Address, layer: int | None) -> str | None:
        """The file of a layer for something new of a resource; a new layer, where there is none."""
        overlay, target = self.overlay, self.overlay.environments.target
        model = self._model(address)
        if layer is None:
            return self._first_patch(model)
        folder = self.project.environments[target].patches[layer - 1].path if self.folder is None else None
        if folder is not None and folder.is_file():
            return shown(folder, self.project.root)
        known = list(overlay.files_of(target, layer))
        same_name = [file for file in known if PurePosixPath(file).name == model]
        if same_name or len(known) == 1:
            return (same_name or known)[0]
        at = shown(folder, self.project.root) if folder is not None else self.folder
        return self._new_file(f"{at}/{model}", [target], layer=layer)

    def _model(self, address: Address) -> str:
        """The name of the file that a new one is called after: that of the patch of `from`, or of the base.

        Where two names become one by the variables of `to`, `from` may have nothing of that address by itself.
        """
        stack = self.overlay.stack(self.overlay.environments.source, address)
        return PurePosixPath(stack[-1].ref.file).name if stack else _UNNAMED

    def _first_patch(self, name: str) -> str | None:
        """The first file of a folder of patches that `to` gets."""
        target = self.overlay.environments.target
        for number in range(1, _MANY):
            folder = f"environments/{target}" if number == 1 else f"environments/{target}-{number}"
            path = inside(self.project.root, folder)
            if isinstance(path, PathProblem):
                return None
            if not path.exists():
                self.folder = folder
                self.overlay.edits.on_undo(self._no_folder)
                layer = len(self.overlay.environments.compositions[target].patches) + 1
                return self._new_file(f"{folder}/{name}", [target], layer=layer)
        return None

    def _no_folder(self) -> None:
        self.folder = None

    # --- files ------------------------------------------------------------------------------------------------------

    def _new_file(self, wanted: str, environments: Iterable[str], *, layer: int) -> str | None:
        """A file that is not there yet; None where the project cannot have one."""
        at = PurePosixPath(wanted)
        for number in range(1, _MANY):
            name = at.name.lstrip(".") if number == 1 else f"{at.stem.lstrip('.')}-{number}{at.suffix}"
            file = (at.parent / name).as_posix()
            if isinstance(inside(self.project.root, file), PathProblem):
                return None
            path = self.project.root / file
            if file not in self.overlay.edits and not os.path.lexists(path):
                self.overlay.edits.create(Sheet(file, path))
                self.overlay.new_file(file, environments, layer=layer)
                return file
        return None
