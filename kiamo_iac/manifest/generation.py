"""Blocks that are generated: `use` merges templates under a block, `for_each` makes a block of it for each row.

templates ─► merged, the block's own keys on top ─► one block a row, `${each}` filled in ─► blocks, as if written out
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, Final

from kiamo_iac.core.diagnostics import Diagnostic, Severity, SourceRange, SuggestionBudget
from kiamo_iac.core.place import JoinedPlace, MergedPlace, Place, RowPlace
from kiamo_iac.core.printable import quote
from kiamo_iac.core.resource import Resource
from kiamo_iac.core.secret import redact
from kiamo_iac.core.sensitive import names_secret
from kiamo_iac.document.parser import Document, Node
from kiamo_iac.document.scalars import SpelledFloat, type_of
from kiamo_iac.manifest.composition import PlacedMerge
from kiamo_iac.manifest.rows import MAX_ROWS, Row, RowTable, rows_of_list
from kiamo_iac.manifest.sources import SourceFiles
from kiamo_iac.manifest.variables import (
    EACH,
    MAX_FILLED,
    ColumnReference,
    Report,
    RowText,
    Value,
    as_text,
    secret_in,
)
from kiamo_iac.resources import children_of

TEMPLATES: Final = "templates"
"""The key at the top of a manifest: name → keys of a block."""
USE: Final = "use"
FOR_EACH: Final = "for_each"
GENERATING: Final = frozenset({USE, FOR_EACH})
"""The keys of a block that another one is generated from."""
_OWN: Final = GENERATING | {"name"}
"""The keys of a block that no template has."""
MAX_GENERATED: Final = MAX_ROWS
"""Resources that one block may generate, those nested in it counted."""
_MANY: Final = 20
"""Problems of one block after which no more are reported."""
MAX_VALUES: Final = 2_000_000
"""Values that all blocks of an environment may generate; each resource counts as `_COUNTED` more."""
_COUNTED: Final = 8


@dataclass(slots=True)
class BlockTemplate:
    """Keys that blocks share."""

    body: dict[str, Any]
    place: Place
    """Of the body."""
    document: Document
    """Its file."""
    source: SourceRange
    """Of its name."""
    used: bool = False


@dataclass(slots=True)
class Generator:
    """The templates of one environment, and the blocks that come of them and of rows. Problems go to `report`."""

    sources: SourceFiles
    templates: dict[str, BlockTemplate] = field(default_factory=dict)
    inputs: dict[Path, None] = field(default_factory=dict)
    """The files with rows that were read."""
    secrets: set[str] = field(default_factory=set)
    """The columns that are named like secrets, as `each.password`."""
    spelled: dict[SourceRange, bool] = field(default_factory=dict)
    """Place of a number in a row that JSON writes otherwise → whether it is ever a value by itself: texts keep it as it
    is written."""
    incomplete: bool = False
    """A block could not be generated: what it declares is unknown."""
    _values: int = 0
    _characters: int = 0
    _is_full: bool = False
    """More was generated than is allowed: nothing more is."""
    _reported: set[Diagnostic] = field(default_factory=set)
    _suggestions: SuggestionBudget = field(default_factory=SuggestionBudget)

    # --- templates ---------------------------------------------------------------------------------------------------

    def collect(self, document: Document, report: Report) -> None:
        """Add the templates of a file."""
        data = document.data
        found = data.get(TEMPLATES, {}) if isinstance(data, dict) else {}
        if not isinstance(found, dict):
            summary = f"templates must be a mapping of names, got {type_of(found)}"
            hint = "write a name and a colon, and the keys below it"
            report(Diagnostic("KIA0203", summary, hint=hint, source=document.place(data).at(TEMPLATES)))
            return
        for name, body in found.items():
            place = document.place(found)
            source = place.of_key(name)
            if not isinstance(body, dict):
                summary, hint = f"a template must be a mapping, got {type_of(body)}", "write keys of a block below it"
                report(Diagnostic("KIA0203", summary, hint=hint, source=place.at(name)))
                continue
            for key in sorted(_OWN & body.keys()):
                hint = f"write {key} in the block that uses the template"
                source_of_key = document.place(body).of_key(key)
                report(Diagnostic("KIA0252", f"a template takes no {quote(key)}", hint=hint, source=source_of_key))
            first = self.templates.get(name)
            if first is None:
                own = {key: value for key, value in body.items() if key not in _OWN}
                self.templates[name] = BlockTemplate(own, document.place(body), document, source)
            else:
                summary = f"the template {quote(name)} is defined twice"
                related = (("first defined here", first.source),)
                report(Diagnostic("KIA0250", summary, hint="keep one of them", source=source, related=related))

    def unused(self) -> Iterator[Diagnostic]:
        """A warning for each template that no block uses."""
        for name, template in self.templates.items():
            if not template.used:
                summary, hint = f"no block uses the template {quote(name)}", f'write "use: {name}" in a block'
                yield Diagnostic(
                    "KIA0251", summary, Severity.WARNING, hint=f"{hint}, or remove it", source=template.source
                )

    # --- blocks ------------------------------------------------------------------------------------------------------

    def generate(
        self, kind: type[Resource], node: dict[str, Any], document: Document, report: Report
    ) -> Iterator[tuple[dict[str, Any], str]]:
        """The blocks that come of one with `use` or `for_each`, each with its row (empty without rows); `document`
        gets their places. With an error, none."""
        merged = self._merged(node, document, report) if not self._is_full else None
        if merged is None:
            self.incomplete = True
        elif FOR_EACH in node:
            yield from self._of_rows(kind, node, merged, document, report)
        else:
            yield merged, ""

    def _merged(self, node: dict[str, Any], document: Document, report: Report) -> dict[str, Any] | None:
        """The block over its templates, without `use` and `for_each`; None where it cannot be merged."""
        own = {key: value for key, value in node.items() if key not in GENERATING}
        place = document.place(node)
        templates = self._used(node, document, report)
        if not templates:
            document.add(own, place)
            return own if templates is not None else None

        def without_effect(key: str, where: Place) -> None:
            summary, source = f"null removes {quote(key)}, but no template sets it", where.of_key(key)
            report(Diagnostic("KIA0325", summary, Severity.WARNING, hint="remove it, or correct it", source=source))

        lowest, *others = templates
        merging = PlacedMerge(lowest.body, lowest.place, lowest.document, without_effect)
        for template in others:
            merging.add_layer(template.body, template.place, template.document)
        merging.add_layer(own, place, document)
        body, holders = dict(merging.body), {key: merging.holder(key) for key in merging.body}
        if "name" in own:  # which a merge leaves out
            body, holders["name"] = {**body, "name": own["name"]}, place
        document.add(body, MergedPlace(place, holders))
        made = len(body) + _add_places(body, merging, document)
        return body if self._affords(made, 0, place.at(USE), report) else None

    def _used(self, node: dict[str, Any], document: Document, report: Report) -> list[BlockTemplate] | None:
        """The templates that a block names; None where one of them is not there."""
        if USE not in node:
            return []
        names = node[USE]
        place = document.place(node)
        if isinstance(names, str) or not isinstance(names, list):
            names, places = [names], [place.at(USE)]
        else:
            list_place = document.place(names)
            places = [list_place.at(str(index)) for index in range(len(names))]
        found: list[BlockTemplate] = []
        for name, source in zip(names, places, strict=True):
            if not isinstance(name, str) or isinstance(name, RowText):
                what = f"a reference to ${{{EACH}}}" if isinstance(name, RowText) else type_of(name)
                summary, hint = f"use must name a template, got {what}", "write use: NAME, or use: [NAME, OTHER]"
                report(Diagnostic("KIA0203", summary, hint=hint, source=source))
            elif name not in self.templates:
                near = self._suggestions.near(name, self.templates)
                hint = near or f'define it under "{TEMPLATES}:" at the top of a manifest'
                report(Diagnostic("KIA0250", f"there is no template {quote(name)}", hint=hint, source=source))
            else:
                self.templates[name].used = True
                found.append(self.templates[name])
        return found if len(found) == len(names) else None

    # --- rows --------------------------------------------------------------------------------------------------------

    def _of_rows(
        self, kind: type[Resource], node: dict[str, Any], merged: dict[str, Any], document: Document, report: Report
    ) -> Iterator[tuple[dict[str, Any], str]]:
        source = document.place(node).at(FOR_EACH)
        rows = self._rows(node[FOR_EACH], source, document, report)
        whole = self._with_children(kind, merged, document, report)
        pattern = _Pattern(kind, whole, document) if whole is not None else None
        if rows is None or pattern is None or not self._fits(pattern, rows, source, report):
            self.incomplete = True
            return
        self._note_spelled(node[FOR_EACH], pattern, document)
        filling = _Filling(pattern, document, report, left=MAX_FILLED - self._characters)
        for row in rows.rows:
            try:
                made = filling.filled(pattern.node, row)
            except _TooLongError:
                self.incomplete = True
                self._affords(0, MAX_FILLED + 1, source, report)
                return
            yield made, row.label
        self._characters += filling.characters

    def _note_spelled(self, given: Any, pattern: _Pattern, document: Document) -> None:
        for index, item in enumerate(given) if isinstance(given, list) else ():
            cells = item.items() if isinstance(item, dict) else [(None, item)]
            for column, value in cells:
                if isinstance(value, SpelledFloat):
                    place = document.place(given if column is None else item)
                    source = place.at(str(index) if column is None else column)
                    self.spelled[source] = self.spelled.get(source, False) or ColumnReference(column) in pattern.alone

    def _rows(self, given: Any, source: SourceRange, document: Document, report: Report) -> RowTable | None:
        """The rows of `for_each`; None where there are none, which is reported."""
        if isinstance(given, list) and given:
            return rows_of_list(given, document.place(given), report)
        if isinstance(given, list):
            hint = "add an item for each resource, or remove the block"
            report(Diagnostic("KIA0256", "for_each has no rows", hint=hint, source=source))
            return None
        path = given.get("csv") if isinstance(given, dict) and len(given) == 1 else None
        if not isinstance(path, str) or isinstance(path, RowText) or not path:
            what = type_of(given) if not isinstance(given, dict) else "another mapping"
            summary = f"for_each must be a list of rows, or {{csv: FILE}}, got {what}"
            report(Diagnostic("KIA0203", summary, hint="write for_each: {csv: agences.csv}", source=source))
            return None
        where = document.place(given).at("csv")
        found = self.sources.csv(path)
        if found.path is not None:
            self.inputs[found.path] = None
        for problem in found.problems:
            if problem.source is None:
                report(replace(problem, source=where))
            elif problem not in self._reported:
                self._reported.add(problem)
                report(replace(problem, related=(*problem.related, ("its rows are used here", where))))
        return found.rows

    def _with_children(
        self, kind: type[Resource], node: dict[str, Any], document: Document, report: Report
    ) -> dict[str, Any] | None:
        """A block in which those that are nested in it are merged over their templates; None: one cannot be."""
        for child in children_of(kind.kind):
            items = node.get(child.collection)
            if not isinstance(items, list):
                continue
            made = [self._child(child, item, document, report) for item in items]
            if None in made:
                return None
            if any(new is not item for new, item in zip(made, items, strict=True)):
                document.add(made, document.place(items))
                place = document.place(node)
                node = {**node, child.collection: made}
                document.add(node, place)
        return node

    def _child(self, kind: type[Resource], item: Any, document: Document, report: Report) -> Any:
        if not isinstance(item, dict):
            return item
        if FOR_EACH in item:
            summary, hint = "for_each cannot be nested in for_each", "list every combination as a row of its own"
            source = document.place(item).of_key(FOR_EACH)
            report(Diagnostic("KIA0252", summary, hint=hint, source=source))
            return None
        merged = self._merged(item, document, report) if USE in item else item
        return self._with_children(kind, merged, document, report) if merged is not None else None

    def _fits(self, pattern: _Pattern, rows: RowTable, source: SourceRange, report: Report) -> bool:
        """Whether every reference of the block names a column, and there are not too many resources."""
        problems = 0
        for reference, where in dict.fromkeys(pattern.references):
            why = rows.refused(reference, self._suggestions)
            if why is not None:
                problems += 1
                if problems <= _MANY:
                    report(Diagnostic("KIA0255", why[0], hint=why[1], source=where))
            elif reference.column is not None and names_secret(reference.column):
                self.secrets.add(f"{EACH}.{reference.column}")
        resources = pattern.resources * len(rows.rows)
        if resources > MAX_GENERATED:
            summary = f"the block generates {resources:,} resources; at most {MAX_GENERATED:,} are allowed"
            hint = "split its rows between several blocks"
            report(Diagnostic("KIA0256", summary, hint=hint, source=source))
            problems += 1
        values = (pattern.values + _COUNTED * pattern.resources) * len(rows.rows)
        return not problems and self._affords(values, 0, source, report)

    def _affords(self, values: int, characters: int, source: SourceRange, report: Report) -> bool:
        """Count what is generated; False, which is reported, where it is too much."""
        self._values += values
        self._characters += characters
        if self._values <= MAX_VALUES and self._characters <= MAX_FILLED:
            return True
        self._is_full = True
        summary = f"the blocks generate more than {MAX_VALUES:,} values, or {MAX_FILLED:,} characters"
        report(Diagnostic("KIA0112", summary, hint="generate fewer resources, or shorter texts", source=source))
        return False


def _add_places(node: Node, places: PlacedMerge, document: Document) -> int:
    """Give the nodes below one, which come of a merge, their places in `document`; returns the number of values."""
    count = 0
    for value in node.values() if isinstance(node, dict) else node:
        if isinstance(value, dict | list) and not document.has(value):
            document.add(value, places.place(value))
            count += len(value) + _add_places(value, places, document)
    return count


class _Pattern:
    """A block with references to columns: what of it varies by row."""

    def __init__(self, kind: type[Resource], node: dict[str, Any], document: Document) -> None:
        self.node = node
        self.references: list[tuple[ColumnReference, SourceRange]] = []
        """Each with the place of its string."""
        self.alone: set[ColumnReference] = set()
        """Those that are a whole string: their value keeps its type."""
        self.resources = 0
        self.values = 0
        """Those that are made for each row."""
        self.places: dict[int, Place] = {}
        """id of a node that is made for each row → its place."""
        self._document = document
        self._block(kind, node)

    def _block(self, kind: type[Resource], node: dict[str, Any]) -> None:
        """A block is made for each row, even if nothing of it varies: it has the row as its place."""
        self.resources += 1
        if self.resources > MAX_GENERATED:
            return  # through aliases: too many by themselves
        nested = {child.collection: child for child in children_of(kind.kind)}
        for collection, child in nested.items():
            items = node.get(collection)
            if isinstance(items, list):
                self._varies(items)
                for item in items:
                    if isinstance(item, dict):
                        self._block(child, item)
        if not self._node(node, nested):
            self._varies(node)

    def _node(self, node: Node, nested: Mapping[str, object] = MappingProxyType({})) -> bool:
        """Whether anything below a node varies."""
        varies = False
        for key, value in node.items() if isinstance(node, dict) else enumerate(node):
            if isinstance(value, RowText):
                source = self._document.place(node).at(str(key))
                self.references += ((reference, source) for reference in value.references)
                self.alone |= {*value.references} if len(value.parts) == 1 else set()
                varies = True
            elif isinstance(value, dict | list) and key not in nested:
                varies |= self._node(value)
        if varies:
            self._varies(node)
        return varies

    def _varies(self, node: Node) -> None:
        self.values += len(node)  # also where it comes again, by an alias
        if id(node) not in self.places:
            self.places[id(node)] = self._document.place(node)


class _TooLongError(Exception):
    """The texts of all rows are too long together."""


class _Filling:
    """Fills the columns of rows into a pattern. Nodes that do not vary are shared by all rows."""

    def __init__(self, pattern: _Pattern, document: Document, report: Report, *, left: int) -> None:
        """`left`: how many characters there may be."""
        self._left = left
        self.characters = 0
        """Of the texts that were made."""
        self._varying = pattern.places
        self._document = document
        self._report = report

    def filled(self, node: Any, row: Row) -> Any:
        """The node for one row."""
        place = self._varying.get(id(node))
        if place is None:
            return node
        made: Node
        if isinstance(node, dict):
            made = {}
            for key, value in node.items():
                new = self._value(value, row, place, key)
                if new is not None or value is None:
                    made[key] = new
        else:
            made, kept = [], []
            for index, value in enumerate(node):
                new = self._value(value, row, place, str(index))
                if new is not None or value is None:
                    made.append(new)
                    kept.append((place, index))
            if len(kept) < len(node):
                place = JoinedPlace(place, tuple(kept))
        self._document.add(made, RowPlace(place, row.label))
        return made

    def _value(self, value: Any, row: Row, place: Place, key: str) -> Any:
        """A value for one row; None: it is nothing but a reference to an empty cell, and is left out."""
        if isinstance(value, dict | list):
            return self.filled(value, row)
        if not isinstance(value, RowText):
            return value
        parts: list[Value | None] = []
        for part in value.parts:
            try:
                parts.append(row.value(part) if isinstance(part, ColumnReference) else part)
            except KeyError:
                summary, source = f"the row has no value for {part}", RowPlace(place, row.label).at(key)
                hint = "add it to the row; null leaves out what is made of it alone"
                self._report(Diagnostic("KIA0255", summary, hint=hint, source=source))
                return None
        if len(parts) == 1 and not isinstance(parts[0], str):
            return parts[0]
        texts = [as_text(part) for part in parts if part is not None]
        self.characters += sum(map(len, texts))
        if self.characters > self._left:
            raise _TooLongError
        text = "".join(texts)
        problem = secret_in(text)
        if problem is not None:
            self._report(replace(problem, source=RowPlace(place, row.label).at(key)))
            return redact(text)
        return text


@dataclass(frozen=True, slots=True)
class FileGenerator:
    """What is generated in one file."""

    generator: Generator
    document: Document
    """It gets the places of what is generated."""
    report: Report
    is_patch: bool

    top_key: ClassVar[str] = TEMPLATES
    keys: ClassVar[frozenset[str]] = GENERATING

    def at_top(self, data: dict[str, Any]) -> None:
        """Report templates in a patch; those of other files were collected."""
        if self.is_patch:
            self._refuse(TEMPLATES, data)

    def blocks(self, kind: type[Resource], node: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str]]:
        """The blocks that come of one in the file, each with its row, see `Generator.generate`."""
        if self.is_patch:
            for key in sorted(GENERATING & node.keys()):
                self._refuse(key, node)
            own = {key: value for key, value in node.items() if key not in GENERATING}
            self.document.add(own, self.document.place(node))
            yield own, ""
            return
        yield from self.generator.generate(kind, node, self.document, self.report)

    def check(self, kind: type[Resource], node: dict[str, Any]) -> None:
        """Report each reference to a column in a block that is not made of a row."""
        nested = {child.collection for child in children_of(kind.kind)} | {FOR_EACH, USE}
        self._check({key: value for key, value in node.items() if key not in nested}, self.document.place(node))

    def _check(self, node: Node, place: Place) -> None:
        for key, value in node.items() if isinstance(node, dict) else enumerate(node):
            if isinstance(value, RowText):
                reference = next(value.references)
                summary, hint = f"{reference} is used in a block without for_each", "add for_each, with its rows"
                self.report(Diagnostic("KIA0255", summary, hint=hint, source=place.at(str(key))))
            elif isinstance(value, dict | list):
                self._check(value, self.document.place(value))

    def _refuse(self, key: str, node: dict[str, Any]) -> None:
        summary, hint = f"a patch takes no {quote(key)}", "write it in the manifests, and patch a resource by its name"
        source = self.document.place(node).of_key(key)
        self.report(Diagnostic("KIA0252", summary, hint=hint, source=source))
