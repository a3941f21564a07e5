"""The composed manifests of an environment: as a manifest with the origin of each value beside it, and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any, Final, NamedTuple

import click

from kiamo_iac.core.common_records import ADDRESS, ENVIRONMENT, KIND, PLACE, major, version_of
from kiamo_iac.core.json_schema import Schema, schema_document
from kiamo_iac.core.record import Form, Record, anything, derived, list_of, text
from kiamo_iac.document.writing import scalar
from kiamo_iac.manifest.provenance import ComposedResource, ComposedValue, Provenance, as_written
from kiamo_iac.render.base import Style
from kiamo_iac.render.escape import document, json_document, visible

FORMAT_VERSION = "1.0"
"""Of the JSON; the first number changes when a reader of the old form would misread the new one."""

_COLUMN = 48
"""At which origins begin, where the line is not longer than that."""

_STEP: Final[Form[str | int]] = Form({"type": ["string", "integer"]}, lambda value: value)

ResourcesByCollection = Mapping[str, Sequence[ComposedResource]]


_VARIABLE: Final = Record(
    tuple,
    "A variable that was filled in.",
    {"name": derived(text("Its name."), itemgetter(0)), "source": derived(PLACE, itemgetter(1))},
)
_VALUE: Final = Record(
    ComposedValue,
    "A value and its origin.",
    {
        "path": list_of(_STEP, "Keys, and from 0 on indices, below the resource.", minItems=1),
        "value": anything("A scalar, or an empty mapping or list; variables filled in."),
        "source": derived(PLACE, "origin.source"),
        "variables": derived(list_of(_VARIABLE, "Those that its text refers to, in their order."), "origin.variables"),
    },
)
_RESOURCE: Final = Record(
    ComposedResource,
    "One declared resource.",
    {
        "address": ADDRESS,
        "kind": derived(KIND, "type.noun"),
        "values": derived(list_of(_VALUE, "In the order in which they are shown."), "leaves"),
    },
)


class _Composed(NamedTuple):
    environment: str
    resources: Sequence[ComposedResource]


COMPOSED: Final = Record(
    _Composed,
    "The manifests as one environment composes them.",
    {
        "format_version": version_of(FORMAT_VERSION),
        "environment": ENVIRONMENT,
        "things": derived(
            list_of(_RESOURCE, "Every resource that its manifests declare, parents before their children."), "resources"
        ),
    },
)


def composed_schema() -> Schema:
    """The schema of `render --format json`."""
    return schema_document("composed", major(FORMAT_VERSION), title="Manifests, composed", body=COMPOSED.body)


def composed_text(resources: ResourcesByCollection, style: Style, *, environment: str) -> str:
    """A manifest that declares the same, with every variable filled in."""
    lines = [_Line(f"# The composed manifests of {visible(environment)}, with the origin of each value.")]
    for collection, found in resources.items():
        lines.append(_Line(f"{collection}:"))
        lines += (line.indented(2) for resource in found for line in _resource(resource))
    return document(_with_origin(line, style) for line in lines)


def composed_json(resources: ResourcesByCollection, *, environment: str) -> str:
    """Every resource with its values; a path is a list of keys and indices."""
    listed = [resource for found in resources.values() for resource in _flat(found)]
    return json_document(COMPOSED.data(_Composed(environment, listed)))


class _Line(NamedTuple):
    text: str
    origin: Provenance | None = None

    def indented(self, width: int) -> _Line:
        return _Line(" " * width + self.text, self.origin)


def _resource(resource: ComposedResource) -> Iterator[_Line]:
    lines = [_Line(f"{kind}: {_scalar(name)}") for kind, name in resource.parents.items()]
    lines += _mapping(resource.leaves, 0)
    for collection, children in resource.children.items():
        lines.append(_Line(f"{collection}:"))
        lines += (line.indented(2) for child in children for line in _resource(child))
    yield from _item(lines)


def _item(lines: Sequence[_Line]) -> Iterator[_Line]:
    """Lines as one item of a list."""
    for number, line in enumerate(lines):
        yield _Line(f"{'  ' if number else '- '}{line.text}", line.origin)


def _mapping(leaves: Sequence[ComposedValue], depth: int) -> list[_Line]:
    lines: list[_Line] = []
    for key, found in groupby(leaves, lambda leaf: leaf.path[depth]):
        group = list(found)
        name = scalar(key, inert=True)
        if len(group[0].path) == depth + 1:
            lines.append(_Line(f"{name}: {_scalar(group[0].value)}", group[0].origin))
        else:
            lines.append(_Line(f"{name}:"))
            lines += (line.indented(2) for line in _below(group, depth + 1))
    return lines


def _below(leaves: Sequence[ComposedValue], depth: int) -> list[_Line]:
    if not isinstance(leaves[0].path[depth], int):
        return _mapping(leaves, depth)
    lines: list[_Line] = []
    for _, found in groupby(leaves, lambda leaf: leaf.path[depth]):
        group = list(found)
        alone = len(group[0].path) == depth + 1
        inner = [_Line(_scalar(group[0].value), group[0].origin)] if alone else _below(group, depth + 1)
        lines += _item(inner)
    return lines


def _scalar(value: Any) -> str:
    if isinstance(value, dict | list):  # an empty one
        return "{}" if isinstance(value, dict) else "[]"
    return scalar(as_written(value), inert=True)


def _with_origin(line: _Line, style: Style) -> str:
    if line.origin is None:
        return line.text
    origins = [str(line.origin.source), *(f"${{{name}}} {source}" for name, source in line.origin.variables)]
    comment = f"# {visible(', '.join(origins))}"
    return f"{line.text.ljust(_COLUMN)}  {click.style(comment, dim=True) if style.color else comment}"


def _flat(resources: Sequence[ComposedResource]) -> Iterator[ComposedResource]:
    for resource in resources:
        yield resource
        for children in resource.children.values():
            yield from _flat(children)
