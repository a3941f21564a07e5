"""All environments over one set of edited files: what each declares of a resource, and edits that change it for some.

base file ──────────────┬─► from      a file may belong to several environments: an edit of it is
patch of from ──────────┤             kept only where no other environment changes by it
patch of to  ─────────► to
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from kiamo_iac.authoring.comments import above
from kiamo_iac.authoring.promoting.block_bodies import alike, leaf_of, names_of, written
from kiamo_iac.authoring.promoting.environments import ComposedEnvironments, shown
from kiamo_iac.authoring.promoting.promotion import NOTHING, Body, Leaf
from kiamo_iac.authoring.sheet import REMOVED, BlockRef, EditTransaction, is_removed
from kiamo_iac.core.address import Address
from kiamo_iac.core.safe_files import real
from kiamo_iac.core.strict_json import same
from kiamo_iac.manifest.blocks import BlockType, block_types
from kiamo_iac.manifest.composition import merge_bodies


class LayerBlock(NamedTuple):
    """A block, and the layer that an environment has it in."""

    layer: int
    """0: the base."""
    ref: BlockRef
    names: Mapping[str, str] = MappingProxyType({})
    """Of a generated block: its name, and those of its ancestors that it has itself, by kind."""
    generated: Mapping[str, Any] | None = None
    """Of a generated block, which is never edited: its body."""


class EnvironmentOverlay:
    """What every environment declares while files are edited. Addresses are those of `to`."""

    def __init__(self, environments: ComposedEnvironments, edits: EditTransaction, *, root: Path) -> None:
        self.environments = environments
        self.edits = edits
        self.root = root
        self.shapes = block_types()
        self._stacks: dict[str, dict[Address, list[LayerBlock]]] = {}
        """Environment → its own address → its blocks, the lowest first."""
        self._uses: dict[str, dict[str, int]] = {}
        """File → environment → layer."""
        self._places: dict[BlockRef, list[tuple[str, Address]]] = {}
        """Block → the environments that have it, each with its own address for it."""
        for name, loaded in environments.loaded.items():
            composition = environments.compositions[name]
            for layer, files in enumerate((composition.files, *composition.patches)):
                for path in files:
                    self._uses.setdefault(shown(path, root), {})[name] = layer
            stacks = self._stacks[name] = {}
            for address, parts in loaded.parts.items():
                stacks[address] = []
                for part in parts:
                    ref = BlockRef(part.document.file, part.block.path)
                    if part.block.generated:
                        stacks[address].append(LayerBlock(part.layer, ref, names_of(part), written(part)))
                        continue
                    stacks[address].append(LayerBlock(part.layer, ref))
                    self._places.setdefault(ref, []).append((name, address))

    # --- looking --------------------------------------------------------------------------------------------------

    def shape(self, address: Address) -> BlockType:
        """How blocks of such a resource are read."""
        return self.shapes[address.collection]

    def stack(self, environment: str, address: Address) -> list[LayerBlock]:
        """The blocks that an environment has of a resource, the lowest first."""
        found = self._stacks[environment].get(self.environments.named(environment, address), [])
        return [part for part in found if self._is_alive(part)]

    def _is_alive(self, part: LayerBlock) -> bool:
        return part.generated is not None or self.edits.node(part.ref) is not REMOVED

    def base(self, address: Address) -> BlockRef | None:
        """The block of a resource in the base, as `from` has it."""
        stack = self.stack(self.environments.source, address) or self.stack(self.environments.target, address)
        lowest = stack[0] if stack else None
        if lowest is None or lowest.layer or lowest.generated is not None or not self.edits.may_change(lowest.ref.file):
            return None
        return lowest.ref

    def body(self, part: LayerBlock, address: Address) -> Mapping[str, Any]:
        """The keys of a block without its name, the names of its parents, and its children."""
        if part.generated is not None:
            return part.generated
        ref, shape = part.ref, self.shape(address)
        out = {"name", *shape.children, *(kind.kind for kind in shape.ancestors if len(ref.path) == 2)}
        node = self.edits.node(ref)
        return {key: _without_removed(value) for key, value in node.items() if key not in out and value is not REMOVED}

    def effective(self, environment: str, address: Address) -> dict[str, Any] | None:
        """What an environment declares of a resource, as it is written; None: nothing."""
        stack = self.stack(environment, address)
        return merge_bodies(self.body(part, address) for part in stack) if stack else None

    def own(self, address: Address) -> list[BlockRef]:
        """The blocks of a resource in patches of `to` that no other environment has, the highest first."""
        target = self.environments.target
        return [p.ref for p in reversed(self.stack(target, address)) if p.layer and self.is_own(p.ref.file)]

    def patched(self, address: Address) -> list[BlockRef]:
        """The blocks of a resource in patches of `from`, the highest first."""
        return [part.ref for part in reversed(self.stack(self.environments.source, address)) if part.layer]

    def is_own(self, file: str) -> bool:
        """Whether `to` alone has that file."""
        return self._uses[file].keys() == {self.environments.target} and self.edits.may_change(file)

    def snapshot(self, address: Address) -> dict[str, dict[str, Any] | None]:
        """What every environment declares of a resource."""
        return {name: self.effective(name, address) for name in self.environments.loaded}

    def achieves(self, address: Address, before: dict[str, dict[str, Any] | None], desired: Body | None) -> bool:
        """Whether `to` declares what is desired, and all other environments what they did `before`."""
        for name, was in before.items():
            wanted = desired if name == self.environments.target else was
            if not alike(self.effective(name, address), wanted):
                return False
        return True

    def repeated(self, address: Address, leaf: Leaf) -> Iterator[str]:
        """The files of patches, of any environment, that have a leaf as the layers below them have it."""
        for environment in self.environments.loaded:
            bodies = [(part.ref.file, self.body(part, address)) for part in self.stack(environment, address)]
            for number, (file, body) in enumerate(bodies[1:], start=1):
                value = leaf_of(body, leaf)
                below = leaf_of(merge_bodies(inner for _, inner in bodies[:number]), leaf)
                if value is not NOTHING and same(value, below):
                    yield file

    # --- changing -------------------------------------------------------------------------------------------------

    def new_file(self, file: str, environments: Iterable[str], *, layer: int) -> None:
        """Record a new file, already in the transaction, as one of these environments."""
        self._uses[file] = dict.fromkeys(environments, layer)
        self.edits.on_undo(lambda: self._uses.pop(file))

    def put_leaf(self, ref: BlockRef, leaf: Leaf, value: Any, *, order: Iterable[str]) -> None:
        """Write a leaf into a block. `order`: keys in the order to write them."""
        node = self.edits.node(ref)
        if len(leaf) == 2 and isinstance(node.get(leaf[0]), dict):
            self.edits.put(node[leaf[0]], leaf[1], value)
            return
        after = "name"
        for key in order:
            if key == leaf[0]:
                break
            if node.get(key, REMOVED) is not REMOVED:
                after = key
        self.edits.put(node, leaf[0], value if len(leaf) == 1 else {leaf[1]: value}, after=after)

    def remove_leaf(self, ref: BlockRef, leaf: Leaf) -> bool:
        """Remove a leaf from a block, with what is empty after it; False when the block does not have it."""
        if not self.edits.may_change(ref.file):
            return False
        holder = self.edits.node(ref)  # REMOVED where a step before took the whole block
        for step in leaf[:-1]:
            holder = holder.get(step) if isinstance(holder, dict) else None
        if not isinstance(holder, dict) or holder.get(leaf[-1], REMOVED) is REMOVED:
            return False
        self.edits.remove(holder, leaf[-1])
        if len(leaf) == 2 and all(value is REMOVED for value in holder.values()):
            self.edits.remove(self.edits.node(ref), leaf[0])
        self.remove_if_empty(ref)
        return True

    def remove_null(self, ref: BlockRef, key: str) -> bool:
        """Remove a null from a block, which hides a key; False when there is none."""
        return self.edits.node(ref).get(key, REMOVED) is None and self.remove_leaf(ref, (key,))

    def carry_comments(self, gone: BlockRef, to: BlockRef, address: Address) -> None:
        """Move the comments above a removed block of `from` to another block."""
        parts = self.environments.loaded[self.environments.source].parts.get(
            self.environments.named(self.environments.source, address), ()
        )
        for part in parts:
            if (part.document.file, part.block.path) == gone and self.edits.node(gone) is REMOVED:
                place = part.document.place(part.block.node).range
                lines = above(self.edits[gone.file].text(), place)
                if lines:
                    self.edits.comment(to, lines)

    def remove_if_empty(self, ref: BlockRef) -> None:
        """Remove a block of a patch that declares nothing more, and each block around it that is empty then."""
        while ref.path and self.edits.node(ref) is not REMOVED and self._is_empty(ref):
            ref = self.edits.remove_block(ref)

    def _is_empty(self, ref: BlockRef) -> bool:
        """Whether a block has nothing but names, and what it names is declared elsewhere wherever the block counts."""
        shape = self.shapes[str(ref.path[-2])]
        names = {"name", *(kind.kind for kind in shape.ancestors if len(ref.path) == 2)}
        if any(not is_removed(value) and key not in names for key, value in self.edits.node(ref).items()):
            return False
        for environment, address in self._places.get(ref, ()):
            alive = list(filter(self._is_alive, self._stacks[environment][address]))
            if len(alive) < 2 or alive[0].ref == ref:
                return False
        return True

    def add_block(self, holder: BlockRef, collection: str, block: dict[str, Any], *, address: Address) -> BlockRef:
        """A new block in a collection of `holder` (of the top of a file, with an empty path), for all who have it."""
        ref = self.edits.add_block(holder, collection, block)
        for environment, layer in self._uses[holder.file].items():
            own = self.environments.named(environment, address)
            self._register(environment, own, LayerBlock(layer, ref))
        return ref

    def _register(self, environment: str, address: Address, part: LayerBlock) -> None:
        stack = self._stacks[environment].setdefault(address, [])
        at = sum(other.layer < part.layer for other in stack)
        stack.insert(at, part)
        places = self._places.setdefault(part.ref, [])
        places.append((environment, address))

        def undo() -> None:
            stack.remove(part)
            places.remove((environment, address))

        self.edits.on_undo(undo)

    # --- files ----------------------------------------------------------------------------------------------------

    def files_of(self, environment: str, layer: int) -> Iterator[str]:
        """The files that an environment has in a layer, by name."""
        return (file for file in sorted(self._uses) if self._uses[file].get(environment) == layer)

    def new_files(self) -> Iterator[tuple[Path, dict[str, int]]]:
        """Files that are not there yet: the path, and the layer that each environment has it in."""
        for file, environments in self._uses.items():
            if file in self.edits and not self.edits[file].exists:
                yield self.edits[file].path, environments

    def names(self, environment: str, address: Address) -> dict[str, str]:
        """The name of a resource as an environment writes it, after those of its ancestors, by kind."""
        found: dict[str, str] = {}
        at: Address | None = address
        while at is not None:
            stack = self.stack(environment, at)
            name = self._name(stack[0], "name") if stack else self._named_by_child(environment, address, at)
            found[self.shape(at).noun if at != address else "name"] = name
            at = at.parent
        return dict(reversed(found.items()))

    def _named_by_child(self, environment: str, address: Address, at: Address) -> str:
        """The name of something that no manifest declares, as the block of a resource below it has it."""
        for part in self.stack(environment, address):
            if len(part.ref.path) == 2:
                return self._name(part, self.shape(at).noun)
        return at.name

    def _name(self, part: LayerBlock, key: str) -> str:
        """`name` of a block, or the name of an ancestor that it has."""
        found: str = part.names[key] if part.generated is not None else self.edits.node(part.ref)[key]
        return found


def _without_removed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: inner for key, inner in value.items() if inner is not REMOVED}
    return value


def linked_files(environments: ComposedEnvironments, root: Path) -> frozenset[str]:
    """Files that are one on disk, by a link: an edit of one would be an edit of all."""
    paths = {path for c in environments.compositions.values() for files in (c.files, *c.patches) for path in files}
    names: dict[Path, list[str]] = {}
    for path in paths:
        names.setdefault(real(path), []).append(shown(path, root))
    return frozenset(name for several in names.values() if len(several) > 1 for name in several)
