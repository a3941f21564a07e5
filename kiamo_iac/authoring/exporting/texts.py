"""Edits and new files as texts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from kiamo_iac.authoring.exporting.edits import Append, Edit, Remove, Set
from kiamo_iac.authoring.sheet import in_brackets
from kiamo_iac.document.editing import Editor
from kiamo_iac.document.writing import dump
from kiamo_iac.resources import kinds


def new_text(data: Mapping[str, Any], *, inert: bool = False) -> str:
    """A new file, its collections in the order of the kinds. `inert`: as `dump` takes it."""
    order = [kind.collection for kind in kinds().values()]
    ordered = {key: data[key] for key in sorted(data, key=_rank(order))}
    return dump(ordered, flow=in_brackets(), inert=inert)


def edited_text(text: str, edits: Iterable[Edit], *, file: str) -> str:
    """`text` with all the edits made, one after the other; `file` is its name in messages.

    Raises:
        EditError: the text cannot take one of them.
        ManifestError: the text has errors.
    """
    editor = Editor(text, file=file, flow=in_brackets())
    for edit in edits:
        match edit:
            case Set():
                editor.set(edit.path, edit.value)
            case Append():
                editor.append(edit.path, edit.value)
            case Remove():
                editor.remove(edit.path)
    return editor.text()


def _rank(order: list[str]) -> Any:
    """By-reference kinds come first, as people write them: what others name."""
    referred = {kind.collection for kind in kinds().values() if kind.by_reference}
    return lambda key: (key not in referred, order.index(key))
