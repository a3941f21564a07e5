"""A contract beside a collection, as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from kiamo_iac.contract.collection.comparing import ComparedOperation, Correspondence
from kiamo_iac.contract.collection.derive import DerivedContract
from kiamo_iac.contract.collection.matching import OperationMatch
from kiamo_iac.contract.collection.requests import Collection
from kiamo_iac.render.escape import document, json_document, visible

VERSION: Final = "1.0"


def comparison_text(rows: Sequence[ComparedOperation], *, explain: bool) -> str:
    """A line an operation; `explain`: below it, the evidence of each candidate."""
    return document(_lines(rows, explain=explain))


def _lines(rows: Sequence[ComparedOperation], *, explain: bool) -> Iterator[str]:
    kind = None
    for row in rows:
        if row.match.kind != kind:
            kind = row.match.kind
            yield visible(kind)
        yield f"  {row.match.operation:8}{row.outcome.value:11}{visible(_calls(row))}"
        if row.match.why:
            yield f"      {visible(row.match.why)}"
        if explain:
            yield from _evidence(row)
    counts = {each: sum(row.outcome is each for row in rows) for each in Correspondence}
    yield ""
    yield ", ".join(f"{count} {each.value}" for each, count in counts.items() if count) or "no operation"


def _calls(row: ComparedOperation) -> str:
    match row.outcome:
        case Correspondence.SAME | Correspondence.MISSING:
            return row.call or ""
        case Correspondence.UNUSED:
            return f"the collection has {row.found}"
        case _:
            return f"{row.call}; the collection has {row.found}"


def _evidence(row: ComparedOperation) -> Iterator[str]:
    for candidate in row.match.candidates:
        request = candidate.request
        yield f"      {candidate.score:3}  {visible(str(request))}  ({visible(request.name)}, {visible(request.place)})"
        for each in candidate.evidence:
            yield f"          {each.weight:+d} {visible(each.why)}"


def comparison_json(rows: Sequence[ComparedOperation]) -> str:
    """The same as data, always with the evidence."""
    return json_document({"format_version": VERSION, "operations": [_row(row) for row in rows]})


def derivation_json(collection: Collection, derived: DerivedContract) -> str:
    """A derived contract, its operations with their evidence, and its questions."""
    return json_document(
        {
            "format_version": VERSION,
            "collection": {
                "name": collection.name,
                "format": collection.format,
                "requests": len(collection.requests),
            },
            "contract": derived.data,
            "operations": [
                {**_named(match), "certainty": match.certainty.value, **_candidates(match)} for match in derived.matches
            ],
            "questions": [
                {"path": list(each.path), "question": each.text, "candidates": list(each.candidates)}
                for each in derived.questions
            ],
        }
    )


def _row(row: ComparedOperation) -> dict[str, Any]:
    calls = {"outcome": row.outcome.value, "contract": row.call, "collection": row.found}
    return {**_named(row.match), **calls, **_candidates(row.match)}


def _named(match: OperationMatch) -> dict[str, Any]:
    return {"kind": match.kind, "operation": match.operation}


def _candidates(match: OperationMatch) -> dict[str, Any]:
    return {
        "why": match.why or None,
        "candidates": [
            {
                "request": str(candidate.request),
                "name": candidate.request.name,
                "place": candidate.request.place,
                "score": candidate.score,
                "evidence": [{"weight": each.weight, "why": each.why} for each in candidate.evidence],
            }
            for candidate in match.candidates
        ],
    }
