"""The diagnostics of a block that its kind's model does not accept: one sentence, the exact place, and a hint."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from kiamo_iac.core.diagnostics import Diagnostic, SourceRange, did_you_mean
from kiamo_iac.core.printable import quote
from kiamo_iac.document.value_errors import Rule, value_problem
from kiamo_iac.manifest.blocks import Block
from kiamo_iac.manifest.composition import Locator
from kiamo_iac.manifest.generation import GENERATING

CODES_OF_RULES: Final = {Rule.TYPE: "KIA0203", Rule.CHOICE: "KIA0205", Rule.BOUNDS: "KIA0206"}


class _Problem(NamedTuple):
    code: str
    summary: str
    hint: str


def explain(error: ValidationError, block: Block, places: Locator) -> tuple[list[Diagnostic], set[str]]:
    """The diagnostics of an invalid block, and the keys of it that cannot be used."""
    found: list[Diagnostic] = []
    unusable: set[str] = set()
    for detail in error.errors(include_url=False, include_input=False):
        location = detail["loc"]
        unusable.add(str(location[0]))
        path, value, source = _walk(block, places, location)
        if detail["type"] == "extra_forbidden":
            source = places.place(block.node).of_key(str(location[0]))
        problem = _problem(detail, path, value, block)
        found.append(Diagnostic(problem.code, problem.summary, hint=problem.hint, source=source, address=block.address))
    return found, unusable


def _walk(block: Block, places: Locator, location: tuple[int | str, ...]) -> tuple[str, Any, SourceRange]:
    """Follow pydantic's location as far as the data goes; the rest of it names alternatives of a type, not keys."""
    path = ""
    value: Any = block.node
    source = places.place(block.node).range
    for step in location:
        if isinstance(value, dict) and step in value:
            path += f".{step}" if path else str(step)
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            path += f"[{step}]"
        else:
            break
        source = places.place(value).at(str(step))
        value = value[step]
    return path or str(location[0]), value, source


def _problem(detail: ErrorDetails, path: str, value: Any, block: Block) -> _Problem:
    match detail["type"]:
        case "extra_forbidden":
            return _unknown(path, block)
        case "missing":
            summary = f"missing key {quote(path)} in {block.type.with_article}"
            return _Problem("KIA0204", summary, f'add "{path}: …"')
        case kind:
            problem = value_problem(kind, path=path, value=value, context=detail.get("ctx"), message=detail["msg"])
            return _Problem(CODES_OF_RULES[problem.rule], problem.summary, problem.hint)


def _unknown(path: str, block: Block) -> _Problem:
    block_type = block.type
    summary = f"unknown key {quote(path)} in {block_type.with_article}"
    if path in {kind.kind for kind in block_type.ancestors}:
        return _Problem("KIA0202", summary, f"remove it: this {block_type.noun} is already in the block of its {path}")
    keys = block_type.keys | block_type.children.keys() | GENERATING
    return _Problem("KIA0202", summary, did_you_mean(path, keys) or f"known keys: {', '.join(sorted(keys))}")
