"""Edits of one YAML text: all other bytes stay as they are."""

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
    """A text and its edits.

    Edits that don't overlap are collected and applied together: the text is parsed again only where one edit builds on
    another.
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
        """As `parse` returns it, with the edits applied and no node shared. Read-only for callers."""
        self._batch = EditBatch(text, flow=flow, at=self._at)

    def set(self, path: Path, value: Any, *, after: str | None = None) -> None:
        """Set the value at `path`.

        A missing key is added to its mapping, behind the key `after`, else as the last one. The mapping or list that
        holds it must exist; null becomes a mapping. A value that is equal already is not rewritten.

        Raises:
            EditError: the path does not exist, or the text cannot be edited there.
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
        """Remove the key with its value, or the list item, at `path`, with its comments.

        Its comments are those directly above it in the same column, and the one at the end of its line; the comment at
        the start of the file is kept. A mapping or list that becomes empty is kept as `{}` or `[]`.

        Raises:
            EditError: the path does not exist, or the text cannot be edited there.
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
            EditError: the path does not exist or is not a list, or the text cannot be edited there.
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
        """The edited text, parsed again and compared with `data`.

        Raises:
            EditError: its data differs: the file has to be edited by hand.
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
        """The mapping or list that holds the last step of `path`; null as a new mapping."""
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
        """Put `data` at `path` with the edit that `plan` returns; what was at `removed` is gone afterwards.

        On an error nothing is changed.
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
        """The error to raise, at the place of the nearest node along `path` in the original text."""
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
