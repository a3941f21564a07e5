"""Surgical edits of one YAML text: what an edit does not concern stays as it is, byte for byte."""

from __future__ import annotations

from collections.abc import Callable, Collection
from copy import copy
from typing import Any, Final

from ruamel.yaml.error import YAMLError

from kiamo_iac.core.diagnostics import Diagnostic, Severity, SourceRange
from kiamo_iac.core.errors import EditError, ManifestError
from kiamo_iac.core.printable import quote
from kiamo_iac.document.edit_batch import EditBatch, TextEdit
from kiamo_iac.document.equality import Path, copied, difference, spelled
from kiamo_iac.document.parser import parse

__all__ = ["EditError", "Editor", "Path"]

_BOM: Final = "\ufeff"


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
        self._file = file
        text = text.removeprefix(_BOM)
        self._origin = parse(text, file=file)
        errors = [d for d in self._origin.diagnostics if d.severity is Severity.ERROR]
        if errors:
            msg = f"{file} has errors and cannot be edited."
            raise ManifestError(msg, diagnostics=errors)
        self.data: Any = copied(self._origin.data)
        """As `parse` gives it, with the edits applied; nothing in it stands twice. Not to be changed by others."""
        self._batch = EditBatch(text, flow=flow, at=self._at)

    def set(self, path: Path, value: Any, *, after: str | None = None) -> None:
        """Make `value` the value at `path`.

        A key that is missing is added to its mapping: behind the key `after`, else as the last one. What the last step
        leads into must exist; where it is null, it becomes a mapping. A value that is there already is not touched.

        Raises:
            EditError: the path leads nowhere, or the text cannot take it.
        """
        value = copied(value)
        if not path:
            self._change((), value, lambda: self._batch.replace(()), removed=())
            return
        parent, step = self._holder(path), path[-1]
        data = _with(parent, step, value, after=after)
        if isinstance(parent, dict) and step not in parent:
            if parent:
                self._change(path[:-1], data, lambda: self._batch.insert(path, after))
            else:
                self._change(path[:-1], data, lambda: self._batch.replace(path[:-1]), removed=path[:-1])
        elif difference(parent[step], value) is not None:
            self._change(path[:-1], data, lambda: self._batch.replace(path), removed=path)

    def remove(self, path: Path) -> None:
        """Take away the key with its value, or the list item, at `path`, with the comments that belong to it.

        Those are the comments directly above it in its own column, and the one at the end of its line; what the file
        opens with is about the file, and stays. A mapping or list that is left empty stays, as `{}` or `[]`.

        Raises:
            EditError: the path leads nowhere, or the text cannot take it.
        """
        if not path:
            raise self._refusal(path, "the whole document cannot be removed")
        data = copy(self._holder(path))
        if isinstance(data, dict) and path[-1] not in data:
            raise self._refusal(path, "it does not exist")
        del data[path[-1]]
        if data:
            self._change(path[:-1], data, lambda: self._batch.remove(path), removed=path)
        else:
            self._change(path[:-1], data, lambda: self._batch.replace(path[:-1]), removed=path[:-1])

    def append(self, path: Path, item: Any) -> None:
        """Add `item` to the list at `path`, in the style of that list; null becomes a list.

        Raises:
            EditError: the path leads nowhere or to something else than a list, or the text cannot take it.
        """
        found = self._at(path)
        if found is not None and not isinstance(found, list):
            raise self._refusal(path, "it is not a list")
        data = [*(found or []), copied(item)]
        if found:
            self._change(path, data, lambda: self._batch.append(path))
        else:
            self._change(path, data, lambda: self._batch.replace(path), removed=path)

    def text(self) -> str:
        """The edited text, read again and found to mean what it should.

        Raises:
            EditError: it does not: the file has to be edited by hand. Nothing was changed anywhere.
        """
        text = self._batch.text()
        document = parse(text, file=self._file)
        for diagnostic in document.diagnostics:
            if diagnostic.severity is Severity.ERROR:
                raise self._refusal((), f"the edited file would be invalid ({diagnostic.summary})")
        where = difference(document.data, self.data)
        if where is not None:
            raise self._refusal(where, "the edited file would not contain the intended data")
        return self._bom + text

    # The data.

    def _at(self, path: Path) -> Any:
        data = self.data
        for index, step in enumerate(path):
            try:
                data = data[step]
            except (KeyError, IndexError, TypeError):
                raise self._refusal(path[: index + 1], "it does not exist") from None
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
        raise self._refusal(path, "it does not exist")

    def _store(self, path: Path, value: Any) -> None:
        if not path:
            self.data = value
        else:
            self._at(path[:-1])[path[-1]] = value

    # The text.

    def _change(self, path: Path, data: Any, plan: Callable[[], TextEdit], *, removed: Path | None = None) -> None:
        """`data` comes to stand at `path`, by what `plan` wants done; what was at `removed` goes with it.

        When that fails, all is as it was.
        """
        before = self._at(path)
        try:
            self._batch.write_out_aliases(path, removed)
            self._store(path, data)
            if self._batch.add(plan):
                return
            reason = "its place in the text was not found"
        except YAMLError:
            reason = "the edited file would not be valid YAML"
        except ValueError as error:
            reason = f"the new value cannot be written as YAML: {error}"
        self._store(path, before)
        raise self._refusal(path if removed is None else removed, reason)

    def _refusal(self, path: Path, reason: str) -> EditError:
        """What to raise: the place is that of the nearest thing on the way in the text as it was given."""
        data: Any = self._origin.data
        where = SourceRange(self._file, 1, 1)
        for step in path:
            if not isinstance(data, dict | list):
                break
            where = self._origin.place(data).of_key(str(step))
            try:
                data = data[step]  # type: ignore[index]  # of the wrong type, it is not there either
            except (LookupError, TypeError):
                break
        hint = f"edit {quote(self._file)} by hand"
        summary = f"{quote(spelled(path))} cannot be changed: {reason}"
        diagnostic = Diagnostic("KIA0121", summary, hint=hint, source=where)
        return EditError(f"{where}: {summary}.", hint=hint, diagnostics=[diagnostic])


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
