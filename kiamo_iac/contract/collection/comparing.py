"""A contract beside a collection: where each of its operations stands there, or that it does not."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from kiamo_iac.contract.collection.derive import call_of
from kiamo_iac.contract.collection.matching import Certainty, OperationMatch, match_operations
from kiamo_iac.contract.collection.recorded import settled_matches, with_recording
from kiamo_iac.contract.collection.requests import Collection
from kiamo_iac.contract.entries import Operation
from kiamo_iac.contract.model import Contract
from kiamo_iac.contract.recording import Recording


class Correspondence(StrEnum):
    """What a collection says of an operation of the contract."""

    SAME = "same"
    DIFFERENT = "different"
    """It has another method, path or word."""
    QUESTION = "question"
    """There are candidates, and none is certain."""
    MISSING = "missing"
    """No request looks like it."""
    UNUSED = "unused"
    """The contract does not have it, and the collection does."""


@dataclass(frozen=True, slots=True)
class ComparedOperation:
    """One row: an operation in both."""

    match: OperationMatch
    call: str | None
    """The contract's, with the prefix; None: it has none."""
    found: str | None
    """The best candidate's, in the contract's words; None: there is none."""
    outcome: Correspondence


def compare_contract(
    contract: Contract, collection: Collection, recording: Recording | None = None
) -> tuple[ComparedOperation, ...]:
    """A row for every operation that either side has. `recording`: what an instance answered, in the place of
    examples."""
    if recording is not None:
        collection = with_recording(collection, recording)
    matches = match_operations(collection)
    if recording is not None:
        matches = settled_matches(matches, recording, unknown=collection.unknown_base)
    rows = []
    for match in matches:
        stanza = contract.kinds.get(match.kind)
        own = stanza is not None and stanza.inside is None  # what is inside of its parent has the calls of that
        call = stanza.operations.get(match.operation) if stanza is not None and own else None
        if call is not None or match.candidates:
            rows.append(_compared(contract, match, call))
    return tuple(rows)


def _compared(contract: Contract, match: OperationMatch, call: Operation | None) -> ComparedOperation:
    ours = found = None
    if call is not None:
        ours = _text(call.method, contract.prefix.path + call.path, call.query, call.body)
    best = match.best
    if best is not None:
        theirs, _ = call_of(match, best, "")
        found = _text(theirs["method"], theirs["path"], theirs.get("query"), theirs.get("body"))
    if call is None:
        outcome = Correspondence.UNUSED
    elif best is None:
        outcome = Correspondence.MISSING
    elif match.certainty is Certainty.QUESTION:
        outcome = Correspondence.QUESTION
    else:
        outcome = Correspondence.SAME if ours == found else Correspondence.DIFFERENT
    return ComparedOperation(match, ours, found, outcome)


def _text(method: str, path: str, query: object, body: object) -> str:
    from kiamo_iac.document.writing import flow_text

    return " ".join([method, path.rstrip("/"), *(flow_text(each) for each in (query, body) if each)])
