"""The packaged contract, with a user's override merged over it; every problem has its place."""

from __future__ import annotations

import typing
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from pkgutil import get_data  # importlib.resources imports tempfile, and takes 5 ms
from typing import Any, Final

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from kiamo_iac.contract.checks import ContradictionError
from kiamo_iac.contract.entries import HEADER_REFUSED, OBJECT_OPERATIONS, PATH_REFUSED, PATTERN_REFUSED
from kiamo_iac.contract.expansion import expanded_override
from kiamo_iac.contract.model import Contract, merge
from kiamo_iac.contract.places import EntryPlaces
from kiamo_iac.core.diagnostics import Diagnostic, SourceRange, SuggestionBudget, has_errors
from kiamo_iac.core.errors import ManifestError
from kiamo_iac.core.printable import quote
from kiamo_iac.core.resource import COMMON_KEYS, Resource
from kiamo_iac.document.files import decode_text, read_text
from kiamo_iac.document.parser import Document, parse
from kiamo_iac.document.scalars import type_of
from kiamo_iac.document.value_errors import value_problem
from kiamo_iac.resources import kinds

MAX_BYTES: Final = 1024 * 1024
"""Of an override; the packaged contract has about a fortieth of it."""
PACKAGED: Final = "kiamo_iac/contract/contract.yaml"
"""The name of the packaged contract in diagnostics."""

_REFUSED: Final[Mapping[str, tuple[str, str]]] = {
    HEADER_REFUSED: (
        "KIA0406",
        "use a header such as Kiamo-Api-Token, X-Api-Key or Authorization",
    ),
    PATH_REFUSED: ("KIA0407", "write segments of letters, digits and hyphens, each after one slash"),
    PATTERN_REFUSED: (
        "KIA0408",
        "write it without look-around, backreferences and large repetitions: (?=…), \\1, (a{1,90}){1,90}",
    ),
}
"""Type of pydantic's error → code and hint."""

Path_ = tuple[str, ...]


def load_contract(
    override: Path | None = None, *, shown: str | None = None, below: Mapping[str, Any] | None = None
) -> Contract:
    """The packaged contract, with the file `override` merged over it; `shown` is that file's name in diagnostics.
    `below`: an override that lies between the two.

    Raises:
        ManifestError: a file cannot be read, or the result is not a valid contract; `diagnostics` has all problems.
    """
    if override is None:
        return _packaged()
    shown = shown or override.as_posix()
    document = parse(read_text(override, shown=shown, max_bytes=MAX_BYTES), file=shown)
    problems = list(document.diagnostics)
    if not has_errors(problems):
        data = {} if document.data is None else document.data
        if isinstance(data, dict):
            under = _packaged_document().data if below is None else merge(_packaged_document().data, below)
            merged = merge(under, expanded_override(data, Contract))
            found = _validated(merged, document)
            if isinstance(found, Contract):
                return found.from_file(shown, EntryPlaces(document), EntryPlaces(_packaged_document()))
            problems += found
        else:
            hint = "see the packaged contract: kiamo-iac contract show"
            problems.append(
                Diagnostic(
                    "KIA0403",
                    f"a contract must be a mapping, got {type_of(data)}",
                    hint=hint,
                    source=SourceRange(shown, 1, 1),
                )
            )
    problems.sort(key=Diagnostic.sort_key)
    msg = f"The contract {shown} has {len(problems)} problem{'s' if len(problems) > 1 else ''}."
    raise ManifestError(msg, diagnostics=problems)


def override_data(override: Path) -> dict[str, Any]:
    """The data of an override that `load_contract` has read."""
    text = read_text(override, shown=override.as_posix(), max_bytes=MAX_BYTES)
    data: dict[str, Any] = parse(text, file=override.as_posix()).data or {}
    return data


@cache
def _packaged_document() -> Document:
    content = get_data("kiamo_iac.contract", "contract.yaml")
    if content is None:
        msg = "Python's loader of this package gives no access to its files"
        raise RuntimeError(msg)
    return parse(decode_text(content, shown=PACKAGED), file=PACKAGED)


@cache
def _packaged() -> Contract:
    document = _packaged_document()
    return Contract.model_validate(document.data).placed(EntryPlaces(document))


def _validated(merged: Any, document: Document) -> Contract | list[Diagnostic]:
    report = _Report(document)
    merged, unknown = _without_unknown_names(merged, report)
    try:
        contract = Contract.model_validate(merged)
    except ValidationError as error:
        details = error.errors(include_url=False)
        return [*unknown, *(problem for detail in details for problem in _problems(detail, report))]
    for path, text, hint in _unknown_attributes(contract, report.suggestions):
        unknown.append(report.at(path, code="KIA0405", text=text, hint=hint))
    return unknown or contract


def _without_unknown_names(merged: Any, report: _Report) -> tuple[Any, list[Diagnostic]]:
    """A contract without the kinds that manifests do not have, and without operations that no plan uses; a diagnostic
    for each. Their entries are not checked: a contract with thousands of kinds might have thousands of patterns."""
    if not isinstance(merged, dict) or not isinstance(stanzas := merged.get("kinds"), dict):
        return merged, []
    unknown: list[Diagnostic] = []
    kept: dict[str, Any] = {}
    for kind, stanza in stanzas.items():
        if kind not in kinds():
            hint = report.suggestions.near(kind, kinds()) or f"known kinds: {', '.join(kinds())}"
            unknown.append(report.at(("kinds", kind), code="KIA0405", text=f"unknown kind {quote(kind)}", hint=hint))
            continue
        kept[kind] = stanza
        if isinstance(stanza, dict) and isinstance(calls := stanza.get("operations"), dict):
            known = _operations_of(kinds()[kind], stanza)
            kept[kind] = {**stanza, "operations": {name: call for name, call in calls.items() if name in known}}
            for name in calls:
                if name not in known:
                    hint = report.suggestions.near(name, known) or f"known operations: {', '.join(known)}"
                    text = f"unknown operation {quote(name)} of a {kind}"
                    unknown.append(report.at(("kinds", kind, "operations", name), code="KIA0405", text=text, hint=hint))
    return {**merged, "kinds": kept}, unknown


def _operations_of(kind: type[Resource], stanza: Mapping[str, Any]) -> tuple[str, ...]:
    """The operations that a kind can have: those of any object, its commands, and the calls that attributes are read
    from."""
    commands = (
        dict.fromkeys(command for moves in kind.machine.moves.values() for command in moves) if kind.machine else {}
    )
    entries = stanza.get("attributes")
    attributes = entries.values() if isinstance(entries, dict) else ()
    sources = [each["from"] for each in attributes if isinstance(each, dict) and isinstance(each.get("from"), str)]
    return (*OBJECT_OPERATIONS, *commands, *(("resume",) if commands else ()), *sources)


def _unknown_attributes(contract: Contract, suggestions: SuggestionBudget) -> Iterable[tuple[Path_, str, str | None]]:
    """Attributes that manifests do not have."""
    for kind, stanza in contract.kinds.items():
        known = kinds()[kind].model_fields.keys() - COMMON_KEYS
        for name, attribute in stanza.attributes.items():
            if name not in known and not attribute.read_only:
                hint = suggestions.near(name, known) or "remove it: a manifest sets such an attribute under settings"
                yield ("kinds", kind, "attributes", name), f"unknown attribute {quote(name)} of a {kind}", hint


def _problems(detail: ErrorDetails, report: _Report) -> Iterable[Diagnostic]:
    path = tuple(str(part) for part in detail["loc"] if part != "[key]")
    where = ".".join(path)
    match detail["type"]:
        case "extra_forbidden":
            hint = report.suggestions.near(path[-1], _keys_at(path[:-1])) or _list_of(_keys_at(path[:-1]))
            yield report.at(path, code="KIA0401", text=f"unknown key {quote(where)}", hint=hint)
        case "missing":
            hint = f"add {path[-1]}: documented, observed or assumed" if path[-1] == "basis" else f'add "{path[-1]}: …"'
            yield report.at(path, code="KIA0402", text=f"missing key {quote(where)}", hint=hint)
        case "value_error" if isinstance(error := detail.get("ctx", {}).get("error"), ContradictionError):
            for at, why, hint, other in error.found:
                yield report.at(at, code="KIA0404", text=f"{'.'.join(at)}: {why}", hint=hint, other=other)
        case kind if kind in _REFUSED:
            code, hint = _REFUSED[kind]
            hint = detail.get("ctx", {}).get("hint", hint)
            yield report.at(path, code=code, text=f"{where}: {detail['msg']}", hint=hint)
        case "value_error":
            why = detail["msg"].removeprefix("Value error, ")
            hint = "see its form: kiamo-iac schema contract-override"
            yield report.at(path, code="KIA0403", text=f"{where}: {why[:1].lower()}{why[1:]}", hint=hint)
        case kind:
            problem = value_problem(
                kind, path=where, value=detail["input"], context=detail.get("ctx"), message=detail["msg"]
            )
            yield report.at(path, code="KIA0403", text=problem.summary, hint=problem.hint)


class _Report:
    """Makes the diagnostics of one file."""

    def __init__(self, document: Document) -> None:
        self.suggestions = SuggestionBudget()
        self._places = EntryPlaces(document)

    def at(self, path: Path_, *, code: str, text: str, hint: str | None = None, other: Path_ = ()) -> Diagnostic:
        """A diagnostic at the entry of the override, or at its innermost parent that the override has. `other`: the
        path of another entry that may be at fault: the one of which the override has more."""
        found = max((self._places.innermost(each) for each in (path, other) if each), key=lambda each: each[1])
        return Diagnostic(code, text, hint=hint, source=found[0])


def _list_of(keys: Iterable[str]) -> str | None:
    known = ", ".join(sorted(keys))
    return f"known keys: {known}" if known else None


def _keys_at(path: Path_) -> frozenset[str]:
    """The keys that a contract may have under `path`."""
    model: Any = Contract
    for part in path:
        if isinstance(model, type) and issubclass(model, BaseModel):
            info = model.model_fields.get(part) or _by_alias(model, part)
            model = _inner(info.annotation) if info is not None else None
        elif typing.get_origin(model) in {dict, Mapping}:
            model = _inner(typing.get_args(model)[1])
    if not isinstance(model, type) or not issubclass(model, BaseModel):
        return frozenset()
    return frozenset(info.alias or key for key, info in model.model_fields.items())


def _by_alias(model: type[BaseModel], alias: str) -> Any:
    return next((info for info in model.model_fields.values() if info.alias == alias), None)


def _inner(annotation: Any) -> Any:
    """An annotation without `| None`."""
    choices = [choice for choice in typing.get_args(annotation) if choice is not type(None)]
    is_union = type(None) in typing.get_args(annotation)
    return choices[0] if is_union and len(choices) == 1 else annotation
