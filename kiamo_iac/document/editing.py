"""Surgical edits of one YAML text: what an edit does not concern stays as it is, byte for byte."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from typing import Any, Final

from ruamel.yaml.error import YAMLError

from kiamo_iac.diagnostics import Diagnostic, Severity, has_errors
from kiamo_iac.document.parser import parse
from kiamo_iac.document.pending import Change, Pending
from kiamo_iac.document.place import Lines
from kiamo_iac.document.quote import quote
from kiamo_iac.document.sameness import Path, copied, difference, spelled
from kiamo_iac.document.splices import Splicer, Spot
from kiamo_iac.document.tree import Kind, Node, Tree
from kiamo_iac.errors import EditError, ManifestError

__all__ = ["EditError", "Editor", "Path"]

_BOM: Final = "\ufeff"
_Ids = set[int]
_LOOKED_AT: Final = 50
"""Items of a list whose style is looked at."""


class Editor:
    """One text and the edits that it has been given.

    Edits are kept aside as long as they do not touch each other, and woven in at once: a text is read anew only where
    one edit builds on another.
    """

    def __init__(self, text: str, *, file: str, flow: Collection[str] = ()) -> None:
        """Read `text`; `file` is its name in messages; `flow` names keys as `writing.dump` takes them, for new values.

        Raises:
            ManifestError: it has errors.
        """
        self._bom = _BOM if text.startswith(_BOM) else ""
        self._text = text.removeprefix(_BOM)
        self._file = file
        self._flow = flow
        document = parse(self._text, file=file)
        if has_errors(document.diagnostics):
            errors = [d for d in document.diagnostics if d.severity is Severity.ERROR]
            msg = f"{file} has errors and cannot be edited."
            raise ManifestError(msg, diagnostics=errors)
        self.data: Any = copied(document.data)
        """As `parse` gives it, with the edits applied; nothing in it stands twice. Not to be changed by others."""
        self._read()

    def set(self, path: Path, value: Any, *, after: str | None = None) -> None:
        """Make `value` the value at `path`.

        A key that is missing is added to its mapping: behind the key `after`, else as the last one. What the last step
        leads into must exist; where it is null, it becomes a mapping. A value that is there already is not touched.

        Raises:
            EditError: the path leads nowhere, or the text cannot take it.
        """
        value = copied(value)
        if not path:
            self._change((), value, lambda: self._put(()), goes=())
            return
        parent, step = self._holder(path), path[-1]
        data = _with(parent, step, value, after=after)
        if isinstance(parent, dict) and step not in parent:
            if parent:
                self._change(path[:-1], data, lambda: self._add(path, after))
            else:
                self._change(path[:-1], data, lambda: self._put(path[:-1]), goes=path[:-1])
        elif difference(parent[step], value) is not None:
            self._change(path[:-1], data, lambda: self._put(path), goes=path)

    def remove(self, path: Path) -> None:
        """Take away the key with its value, or the list item, at `path`, with the comments that belong to it.

        Those are the comments directly above it in its own column, and the one at the end of its line; what the file
        opens with is about the file, and stays. A mapping or list that is left empty stays, as `{}` or `[]`.

        Raises:
            EditError: the path leads nowhere, or the text cannot take it.
        """
        if not path:
            raise self._refusal(path, "the whole document cannot go")
        data = copied(self._holder(path))
        if isinstance(data, dict) and path[-1] not in data:
            raise self._refusal(path, "there is nothing here")
        del data[path[-1]]
        if data:
            self._change(path[:-1], data, lambda: self._take(path), goes=path)
        else:
            self._change(path[:-1], data, lambda: self._put(path[:-1]), goes=path[:-1])

    def append(self, path: Path, item: Any) -> None:
        """Add `item` to the list at `path`, in the style of that list; null becomes a list.

        Raises:
            EditError: the path leads nowhere or to something else than a list, or the text cannot take it.
        """
        found = self._at(path)
        if found is not None and not isinstance(found, list):
            raise self._refusal(path, "this is not a list")
        data = [*(found or []), copied(item)]
        if found:
            self._change(path, data, lambda: self._extend(path))
        else:
            self._change(path, data, lambda: self._put(path), goes=path)

    def text(self) -> str:
        """The edited text, read again and found to mean what it should.

        Raises:
            EditError: it does not: the file has to be edited by hand. Nothing was changed anywhere.
        """
        self._weave()
        document = parse(self._text, file=self._file)
        for diagnostic in document.diagnostics:
            if diagnostic.severity is Severity.ERROR:
                raise self._refusal((), f"the edited file would be refused ({diagnostic.summary})")
        where = difference(document.data, self.data)
        if where is not None:
            raise self._refusal(where, "the edited file would say something else than it should")
        return self._bom + self._text

    # The data.

    def _at(self, path: Path) -> Any:
        data = self.data
        for index, step in enumerate(path):
            try:
                data = data[step]
            except (KeyError, IndexError, TypeError):
                raise self._refusal(path[: index + 1], "there is nothing here") from None
        return data

    def _holder(self, path: Path) -> Any:
        """The mapping or list that the last step of `path` leads into; null as a new mapping."""
        parent, step = self._at(path[:-1]), path[-1]
        if parent is None and isinstance(step, str):
            return {}
        if isinstance(parent, dict) and isinstance(step, str):
            return parent
        if isinstance(parent, list) and isinstance(step, int) and 0 <= step < len(parent):
            return parent
        raise self._refusal(path, "there is nothing here")

    def _store(self, path: Path, value: Any) -> None:
        if not path:
            self.data = value
        else:
            self._at(path[:-1])[path[-1]] = value

    # The text.

    def _read(self) -> None:
        try:
            self._tree = Tree(self._text)
        except YAMLError as error:
            raise self._refusal((), "the edited file would not be YAML") from error
        self._splicer = Splicer(self._tree, flow=self._flow)
        self._pending = Pending(touching=not self._tree.kept)
        self._replaced = _Ids()
        """ids of nodes that are other ones by now."""

    def _weave(self) -> None:
        """Make the edits kept aside, and read the text anew."""
        if self._pending:
            self._text = self._pending.woven(self._text)
            self._read()

    def _change(self, path: Path, data: Any, plan: Callable[[], Change], *, goes: Path | None = None) -> None:
        """`data` comes to stand at `path`, by what `plan` wants done; what stood at `goes` is gone with it.

        When that fails, all is as it was.
        """
        self._write_out_aliases(path, goes)
        before = self._at(path)
        self._store(path, data)
        try:
            if not self._kept(plan):
                self._weave()
                if not self._kept(plan):
                    raise self._refusal(path, "the place cannot be found in the text")
        except EditError:
            self._store(path, before)
            raise
        except ValueError as error:
            self._store(path, before)
            raise self._refusal(path, f"the new value has no form in YAML: {error}") from error

    def _kept(self, plan: Callable[[], Change]) -> bool:
        """Keep a change aside; False when it touches another one, or builds on it."""
        try:
            change = plan()
        except _Entangled:
            return False
        if not self._pending.take(change):
            return False
        if change.replaced is not None:
            self._replaced.add(id(change.replaced))
        if change.emptied is not None:
            holder, entry = change.emptied
            holder.entries.remove(entry)
        return True

    def _way(self, path: Path) -> list[Spot]:
        """What stands on the way along `path`, from the top of the text; shorter when an alias ends it.

        Raises:
            _Entangled: an edit kept aside stands in the way.
        """
        end = len(self._text)
        spot = Spot(self._tree.root or Node(Kind.SCALAR, end, end, end, end), None, None)
        way = [spot]
        for step in path:
            if id(spot.node) in self._replaced:
                raise _Entangled
            if spot.node.kind is Kind.ALIAS:
                return way
            entry = spot.node.entry(step)
            if entry is None:
                raise _Entangled
            spot = Spot(entry.value, entry, spot.node)
            way.append(spot)
        if id(spot.node) in self._replaced:
            raise _Entangled
        return way

    def _spot(self, path: Path) -> tuple[Spot, Path]:
        """Where `path` leads, and how much of it was gone."""
        way = self._way(path)
        return way[-1], path[: len(way) - 1]

    def _put(self, path: Path) -> Change:
        spot, reached = self._spot(path)
        meant = self._tree.meaning(spot.node)
        like = meant if meant.entries else self._alike(reached)
        return Change(self._splicer.replaced(spot, self._at(reached), like=like), replaced=spot.node)

    def _add(self, path: Path, after: str | None) -> Change:
        spot, reached = self._spot(path[:-1])
        if reached != path[:-1] or spot.node.kind is Kind.ALIAS:
            return self._put(reached)
        key, holder = str(path[-1]), self._at(path[:-1])
        if after not in holder or after == list(holder)[-2]:
            after = None
        if not spot.node.entries or (after is not None and spot.node.entry(after) is None):
            raise _Entangled
        splices = self._splicer.added(spot, key, holder[key], after=after, like=self._alike(path))
        return Change(splices, grown=spot.node if after is None else None)

    def _extend(self, path: Path) -> Change:
        spot, reached = self._spot(path)
        if reached != path or spot.node.kind is Kind.ALIAS:
            return self._put(reached)
        if not spot.node.entries:
            raise _Entangled
        return Change(self._splicer.appended(spot, self._at(path)[-1]), grown=spot.node)

    def _take(self, path: Path) -> Change:
        spot, reached = self._spot(path)
        if reached != path or spot.entry is None or spot.parent is None:
            return self._put(reached)
        if len(spot.parent.entries) == 1:  # what was added to it is not there yet
            raise _Entangled
        return Change(self._splicer.removed(spot), emptied=(spot.parent, spot.entry))

    def _alike(self, path: Path) -> Node | None:
        """What stands in the place of `path` in another item of the same list; its style is the one to follow."""
        for above in (1, 2):
            if len(path) < above or not isinstance(path[-above], int):
                continue
            below = path[len(path) - above + 1 :]
            for entry in self._spot(path[:-above])[0].node.entries[:_LOOKED_AT]:
                node: Node | None = entry.value
                for step in below:
                    found = node.entry(step) if node is not None else None
                    node = found.value if found is not None else None
                if node is not None and node.entries:
                    return node
        return None

    def _write_out_aliases(self, path: Path, goes: Path | None) -> None:
        """Write out the aliases of every anchor that a change is about to reach: other places stay as they are."""
        while self._tree.bindings and self._bound(path, goes):
            self._weave()
            bound = self._bound(path, goes)
            for place, node in _aliases(self._tree.root, ()):
                if id(node) in bound:
                    change = Change(self._splicer.replaced(self._spot(place)[0], self._at(place), like=bound[id(node)]))
                    self._pending.take(change)
            self._weave()

    def _bound(self, path: Path, goes: Path | None) -> dict[int, Node]:
        """ids of the aliases that stand for what a change at `path` reaches or takes along → what they stand for."""
        try:
            way = self._way(path)
            gone = self._way(goes)[-1].node if goes is not None else None
        except _Entangled:
            self._weave()
            way = self._way(path)
            gone = self._way(goes)[-1].node if goes is not None else None
        reached = {id(spot.node) for spot in way}
        lost = {id(node) for node in gone.below()} if gone is not None else _Ids()
        found: dict[int, Node] = {}
        for node, aliases in self._tree.bindings:
            if id(node) in reached or id(node) in lost:
                found |= {id(alias): node for alias in aliases if id(alias) not in lost}
        return found

    def _refusal(self, path: Path, reason: str) -> EditError:
        """What to raise: the place is that of the nearest thing on the way."""
        offset = 0
        with suppress(_Entangled):
            spot = self._nearest(path)
            offset = spot.entry.start if spot.entry is not None else spot.node.start
        where = Lines(self._file, self._text).range(min(offset, len(self._text)))
        hint = f"edit {quote(self._file)} by hand: it is about {quote(spelled(path))}"
        summary = f"{quote(spelled(path))} cannot be changed: {reason}"
        diagnostic = Diagnostic("KIA0121", summary, hint=hint, source=where)
        return EditError(f"{where}: {summary}.", hint=hint, diagnostics=[diagnostic])

    def _nearest(self, path: Path) -> Spot:
        for length in range(len(path), 0, -1):
            with suppress(_Entangled):
                return self._way(path[:length])[-1]
        return self._way(())[-1]


class _Entangled(Exception):  # noqa: N818 - no fault: what is kept aside has to be woven in first
    """An edit builds on another that is not in the text yet."""


def _with(parent: Any, step: str | int, value: Any, *, after: str | None) -> Any:
    """A copy of a mapping or list with another value, or one more key."""
    if isinstance(parent, list):
        return [value if index == step else item for index, item in enumerate(parent)]
    if step in parent or after not in parent:
        return {**parent, step: value}
    data = {}
    for key, old in parent.items():
        data[key] = old
        if key == after:
            data[step] = value
    return data


def _aliases(node: Node | None, path: Path) -> Iterator[tuple[Path, Node]]:
    """Every alias below `node`, with its path."""
    if node is None:
        return
    if node.kind is Kind.ALIAS:
        yield path, node
    for index, entry in enumerate(node.entries):
        yield from _aliases(entry.value, (*path, index if entry.key is None else entry.key.value))
