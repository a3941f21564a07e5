"""The packaged contract, with a user's override merged over it: read, checked, and every problem with its place."""

from __future__ import annotations

import typing
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from kiamo_iac.api.consistency import ContradictionError
from kiamo_iac.api.contract import Contract, merge
from kiamo_iac.diagnostics import Diagnostic, SourceRange, did_you_mean, has_errors
from kiamo_iac.document.files import read_text
from kiamo_iac.document.parser import Document, parse
from kiamo_iac.document.quote import quote
from kiamo_iac.errors import ManifestError
from kiamo_iac.resources import kinds
from kiamo_iac.resources.base import COMMON_KEYS

PACKAGED: Final = "kiamo_iac/api/contract.yaml"
"""How the packaged contract is named in diagnostics."""

Path_ = tuple[str, ...]


def load_contract(override: Path | None = None, *, shown: str | None = None) -> Contract:
    """The packaged contract, with the file `override` merged over it; `shown` is that file's name in diagnostics.

    Raises:
        ManifestError: a file cannot be read, or what comes out is not a contract; all problems are in its diagnostics.
    """
    if override is None:
        return _packaged()
    shown = shown or override.as_posix()
    document = parse(read_text(override, shown=shown), file=shown)
    problems = list(document.diagnostics)
    if not has_errors(problems):
        data = {} if document.data is None else document.data
        if isinstance(data, dict):
            merged = merge(_packaged_document().data, data)
            found = _validated(merged, document)
            if isinstance(found, Contract):
                return found.from_file(shown)
            problems += found
        else:
            hint = "write it as the packaged contract is written: kiamo-iac contract show"
            problems.append(
                Diagnostic("KIA0403", "a contract is a mapping", hint=hint, source=SourceRange(shown, 1, 1))
            )
    problems.sort(key=Diagnostic.sort_key)
    msg = f"The contract {shown} has {len(problems)} problem{'s' if len(problems) > 1 else ''}."
    raise ManifestError(msg, diagnostics=problems)


@cache
def _packaged_document() -> Document:
    with as_file(files("kiamo_iac.api") / "contract.yaml") as path:
        return parse(read_text(path, shown=PACKAGED), file=PACKAGED)


@cache
def _packaged() -> Contract:
    return Contract.model_validate(_packaged_document().data)


def _validated(merged: Any, document: Document) -> Contract | list[Diagnostic]:
    try:
        contract = Contract.model_validate(merged)
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
        return [problem for detail in details for problem in _problems(detail, document)]
    unknown = [_at(document, path, code="KIA0405", text=text, hint=hint) for path, text, hint in _unknown(contract)]
    return unknown or contract


def _unknown(contract: Contract) -> Iterable[tuple[Path_, str, str | None]]:
    """Kinds and attributes that manifests have no word for: most likely slips of the pen."""
    for kind, stanza in contract.kinds.items():
        model = kinds().get(kind)
        if model is None:
            yield ("kinds", kind), f"there is no kind {quote(kind)}", did_you_mean(kind, kinds())
            continue
        known = model.model_fields.keys() - COMMON_KEYS
        for name, attribute in stanza.attributes.items():
            if name not in known and not attribute.read_only:
                hint = (
                    did_you_mean(name, known) or "attributes that are not listed here go under settings in a manifest"
                )
                yield ("kinds", kind, "attributes", name), f"a {kind} has no attribute {quote(name)}", hint


def _problems(detail: ErrorDetails, document: Document) -> Iterable[Diagnostic]:
    path = tuple(str(part) for part in detail["loc"] if part != "[key]")
    where = ".".join(path)
    match detail["type"]:
        case "extra_forbidden":
            hint = did_you_mean(path[-1], _keys_at(path[:-1])) or _list_of(_keys_at(path[:-1]))
            yield _at(document, path, code="KIA0401", text=f"unknown key {quote(where)}", hint=hint)
        case "missing":
            hint = "every entry says on what it rests: documented, observed or assumed" if path[-1] == "basis" else None
            yield _at(document, path, code="KIA0402", text=f"{quote(where)} is missing", hint=hint)
        case "value_error" if isinstance(error := detail.get("ctx", {}).get("error"), ContradictionError):
            for at, why in error.found:
                yield _at(document, at, code="KIA0404", text=f"{'.'.join(at)}: {why}")
        case _:
            why = detail["msg"].removeprefix("Value error, ")
            yield _at(document, path, code="KIA0403", text=f"{where}: {why[:1].lower()}{why[1:]}")


def _at(document: Document, path: Path_, *, code: str, text: str, hint: str | None = None) -> Diagnostic:
    """At the entry of the override, or the last one above it that the override has."""
    node = document.data
    source = SourceRange(document.file, 1, 1)
    for part in path:
        if not isinstance(node, dict) or part not in node:
            break
        source = document.place(node).of_key(part)
        node = node[part]
    return Diagnostic(code, text, hint=hint, source=source)


def _list_of(keys: Iterable[str]) -> str | None:
    known = ", ".join(sorted(keys))
    return f"possible: {known}" if known else None


def _keys_at(path: Path_) -> frozenset[str]:
    """The keys that the contract's language has under `path`."""
    model: Any = Contract
    for part in path:
        if isinstance(model, type) and issubclass(model, BaseModel):
            info = model.model_fields.get(part)
            model = _inner(info.annotation) if info is not None else None
        elif typing.get_origin(model) in {dict, Mapping}:
            model = _inner(typing.get_args(model)[1])
    return frozenset(model.model_fields) if isinstance(model, type) and issubclass(model, BaseModel) else frozenset()


def _inner(annotation: Any) -> Any:
    """Without the `| None`."""
    choices = [choice for choice in typing.get_args(annotation) if choice is not type(None)]
    is_union = type(None) in typing.get_args(annotation)
    return choices[0] if is_union and len(choices) == 1 else annotation
