"""A recording of doctor beside a collection: what an instance answered takes the place of examples, and settles
questions.

It settles which request a list and a read are, where rows and objects are in the answers, the type of ids, whether a
list pages and whether it shows less than a read; and it names the run states and datatypes that were seen. It settles
nothing of a write.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Final

from pydantic import JsonValue

from kiamo_iac.contract.collection.derive_attributes import state_words
from kiamo_iac.contract.collection.matching import (
    Certainty,
    Evidence,
    MatchCandidate,
    OperationMatch,
    rows_path,
)
from kiamo_iac.contract.collection.questions import ContractQuestion, Entry
from kiamo_iac.contract.collection.requests import Collection, CollectionRequest, SavedResponse
from kiamo_iac.contract.collection.route import route_of
from kiamo_iac.contract.collection.words import ATTRIBUTE_WORDS, STATE_SPELLINGS, compact
from kiamo_iac.contract.page_signs import page_signs
from kiamo_iac.contract.recording import RecordedCall, Recording
from kiamo_iac.document.writing import flow_text

_READS: Final = ("list", "read")


def with_recording(collection: Collection, recording: Recording) -> Collection:
    """A collection whose examples of lists and reads are what the instance answered."""
    answers = {(call.method, call.path): call for call in _merged(recording)}
    requests = tuple(_with_answer(request, answers, unknown=collection.unknown_base) for request in collection.requests)
    return replace(collection, requests=requests)


def _with_answer(
    request: CollectionRequest, answers: Mapping[tuple[str, str], RecordedCall], *, unknown: bool
) -> CollectionRequest:
    call = _call_of(request, answers, unknown=unknown)
    if call is None:
        return request
    return replace(request, answers=(SavedResponse(call.status, call.answer), *request.answers))


def _call_of(
    request: CollectionRequest, answers: Mapping[tuple[str, str], RecordedCall], *, unknown: bool
) -> RecordedCall | None:
    """The recorded call that a request is. `unknown`: its path begins behind a variable without a value."""
    route = route_of(request)
    if route is None:
        return None
    path = route.prefix + route.path
    for (method, recorded), call in answers.items():
        if method == request.method and call.kind == route.kind and _is_path(path, recorded, unknown=unknown):
            return call
    return None


def _is_path(path: str, recorded: str, *, unknown: bool) -> bool:
    path, recorded = path.rstrip("/"), recorded.rstrip("/")
    return path == recorded or (unknown and recorded.endswith(path))


def _merged(recording: Recording) -> Iterator[RecordedCall]:
    """One call for each list and read that was answered: its answer has every key that any of them has."""
    for kind in dict.fromkeys(call.kind for call in recording.calls):
        for operation in _READS:
            found = recording.answered(kind, operation)
            if found:
                yield replace(found[0], answer=_joined([call.answer for call in found], is_list=operation == "list"))


def _joined(answers: list[JsonValue], *, is_list: bool) -> JsonValue:
    first = answers[0]
    if not is_list:
        return _union(answers)
    rows = [row for answer in answers if (found := rows_path(answer)) is not None for row in found[1]]
    found = rows_path(first)
    if found is None or not rows:
        return first
    return _replaced(first, found[0], [_union(rows)])


def _union(values: Iterable[JsonValue]) -> JsonValue:
    """Objects as one, with every key that any of them has, and the first value of it that is set."""
    merged: dict[str, JsonValue] = {}
    last: JsonValue = None
    for value in values:
        last = value if last is None else last
        for key, each in value.items() if isinstance(value, dict) else ():
            old = merged.get(key)
            if old is None or old in ([], {}):
                merged[key] = each
            elif isinstance(old, dict) and isinstance(each, dict):
                merged[key] = _union([old, each])
    return merged or last


def _replaced(answer: JsonValue, path: str | None, rows: list[JsonValue]) -> JsonValue:
    """An answer with other rows under a dotted path."""
    if path is None or not isinstance(answer, dict):
        return rows
    key, _, rest = path.partition(".")
    return {**answer, key: _replaced(answer.get(key), rest or None, rows)}


def settled_matches(
    matches: tuple[OperationMatch, ...], recording: Recording, *, unknown: bool
) -> tuple[OperationMatch, ...]:
    """The matches, of which lists and reads that the instance answers are certain. `unknown`: as in `_call_of`."""
    answers = {(call.method, call.path): call for call in _merged(recording)}
    return tuple(_settled(match, answers, unknown=unknown) for match in matches)


def _settled(
    match: OperationMatch, answers: Mapping[tuple[str, str], RecordedCall], *, unknown: bool
) -> OperationMatch:
    if match.operation not in _READS:
        return match
    found = [
        each
        for each in match.candidates
        if (call := _call_of(each.request, answers, unknown=unknown)) is not None and call.operation == match.operation
    ]
    if not found:
        return match
    best = found[0]
    answered = MatchCandidate(best.request, best.route, (*best.evidence, Evidence(6, "the instance answers it")))
    others = tuple(each for each in match.candidates if each is not best)
    return OperationMatch(match.kind, match.operation, (answered, *others), Certainty.CERTAIN)


def settle(
    data: Entry, questions: Iterable[ContractQuestion], matches: tuple[OperationMatch, ...], recording: Recording
) -> tuple[ContractQuestion, ...]:
    """Mark what the instance showed as observed in the data of a derived contract; the questions that are left."""
    answers = {(call.method, call.path): call for call in _merged(recording)}
    prefixes: set[str] = set()
    observed: set[str] = set()
    for match in matches:
        best = match.best
        call = _call_of(best.request, answers, unknown=True) if best is not None else None
        if best is None or call is None or call.operation != match.operation or match.operation not in _READS:
            continue
        behind = (best.route.prefix + best.route.path).rstrip("/")
        prefixes.add(call.path.rstrip("/").removesuffix(behind) + best.route.prefix)
        observed |= {match.kind} if match.operation == "list" else set()
    for kind in observed:
        for key in ("id", "listing"):
            if (entry := data["kinds"][kind].get(key)) and entry.get("basis") == "documented":
                entry["basis"] = "observed"
    left = settled_questions(questions, data["kinds"], recording)
    if len(prefixes) == 1 and "prefix" in data and "{" not in (prefix := prefixes.pop()):
        data["prefix"] = {"path": prefix, "basis": "observed"}
        left = tuple(question for question in left if question.path != ("prefix",))
    return left


def settled_questions(
    questions: Iterable[ContractQuestion], stanzas: Mapping[str, Entry], recording: Recording
) -> tuple[ContractQuestion, ...]:
    """The questions that a recording leaves open, with what was seen."""
    left = []
    for question in questions:
        if len(question.path) < 3 or question.path[0] != "kinds":
            left.append(question)
        elif (settled := _left_of(question, stanzas.get(question.path[1], {}), recording)) is not None:
            left.append(settled)
    return tuple(left)


def _left_of(question: ContractQuestion, stanza: Entry, recording: Recording) -> ContractQuestion | None:
    lists = recording.answered(question.path[1], "list")
    if question.path[2:] == ("listing",) and question.about == {"paging"} and not question.candidates and lists:
        return _pages(question, stanza, lists)
    if question.path[2] == "attributes" and question.about & {"choices", "values"}:
        return _words(question, (stanza.get("attributes") or {}).get(question.path[3]) or {}, recording)
    return question


def _words(question: ContractQuestion, entry: Entry, recording: Recording) -> ContractQuestion:
    """A question for words, with those that the instance showed."""
    kind, name = question.path[1], question.path[3]
    words = seen_words(recording, kind, name, entry.get("wire"))
    if not words:
        return question
    known = state_words(words) if name == "state" else {}
    shown = [f"{word} ({state})" for state, word in known.items()]
    shown += [word for word in words if word not in known.values()]
    candidates = question.candidates
    if known and not candidates:
        values = {state: known.get(state, "?") for state in STATE_SPELLINGS}
        candidates = (f"{name}: {flow_text({**entry, 'values': values})}",)
    return replace(question, text=f"{question.text} The instance has {', '.join(shown)}", candidates=candidates)


def _pages(question: ContractQuestion, stanza: Entry, lists: tuple[RecordedCall, ...]) -> ContractQuestion | None:
    """Whether a list pages when it is not asked to; None: it does not."""
    if (stanza.get("listing") or {}).get("paging", {}).get("style") != "none":
        return question
    signs = [sign for call in lists for sign in page_signs(call.answer, call.rows)]
    longest = max(call.rows for call in lists)
    if any(call.is_followed for call in lists) or any(sign.is_further for sign in signs):
        shown = ", ".join(dict.fromkeys(sign.path for sign in signs if sign.is_further)) or "the header Link"
        return replace(question, text=f"the list comes in pages, by {shown}: how is the next page asked for?")
    if longest and signs:
        return None
    return replace(
        question, text=f"{question.text} The longest that was read has {longest}, and nothing beside its rows"
    )


def seen_words(recording: Recording, kind: str, attribute: str, wire: str | None) -> tuple[str, ...]:
    """The words of an attribute that the instance showed."""
    found: dict[str, None] = {}
    for operation in _READS:
        for call in recording.answered(kind, operation):
            for key, value in _leaves(call.answer):
                is_it = key == (wire or "").rpartition(".")[2] or compact(key) in ATTRIBUTE_WORDS[attribute]
                if is_it and isinstance(value, str) and not value.startswith("<"):
                    found.setdefault(value)
    return tuple(sorted(found))


def _leaves(value: JsonValue, key: str = "") -> Iterator[tuple[str, JsonValue]]:
    if isinstance(value, dict):
        for inner, each in value.items():
            yield from _leaves(each, inner)
    elif isinstance(value, list):
        for each in value:
            yield from _leaves(each, key)
    else:
        yield key, value
