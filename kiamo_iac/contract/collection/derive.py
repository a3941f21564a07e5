"""A collection as an override of the packaged contract: what is certain, and a question for all else.

Nothing of the packaged contract stays in force where the collection is silent: what is not certain is null, or has its
basis `assumed` where a contract cannot be without it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any, Final

from pydantic import ValidationError

from kiamo_iac.contract.checks import ContradictionError
from kiamo_iac.contract.collection.derive_answers import derive_answers
from kiamo_iac.contract.collection.derive_attributes import derive_attributes
from kiamo_iac.contract.collection.examples import KindExamples, type_of, wrapping
from kiamo_iac.contract.collection.matching import (
    COMMANDS,
    Certainty,
    MatchCandidate,
    OperationMatch,
    match_operations,
)
from kiamo_iac.contract.collection.questions import ContractQuestion, Entry, documented
from kiamo_iac.contract.collection.recorded import settle, settled_matches, with_recording
from kiamo_iac.contract.collection.requests import Collection, CollectionRequest
from kiamo_iac.contract.collection.route import PARENTS, is_id_name, is_plain_id
from kiamo_iac.contract.collection.words import compact
from kiamo_iac.contract.file import load_contract
from kiamo_iac.contract.model import Contract, merge
from kiamo_iac.contract.places import EntryPath
from kiamo_iac.contract.recording import Recording
from kiamo_iac.document.writing import flow_text

_PARTIAL: Final = re.compile(
    r"only the (?:attributes|fields|values)[^.]{0,40}(?:sent|given|provided)"
    r"|only (?:the )?(?:sent|given|provided|supplied) (?:attributes|fields|values)|partial|seuls? les|partiel",
    re.IGNORECASE,
)
_WHOLE: Final = re.compile(r"replaces? the whole|every attribute must|remplace (?:tout|enti)", re.IGNORECASE)
_TOKEN_HEADER: Final = re.compile(r"token|jeton|api-?key|auth|cle-?api|api-?cle", re.IGNORECASE)
_HEADER_IN_TEXT: Final = re.compile(r"\b([A-Za-z0-9]+(?:-[A-Za-z0-9]+)+)\s*:\s*[\[<{]")
"""`Kiamo-Api-Token:[API_token]`"""
_VERSIONS: Final = frozenset({"version", "revision", "rev", "etag", "rowversion", "lockversion"})
_SUCCESS: Final = frozenset({"success", "succe", "ok", "reussi", "valid"})
_RETURN_CODES: Final = frozenset({"code", "errorcode", "codeerreur", "returncode", "coderetour", "errno"})
_WITHOUT: Final[Mapping[str, Entry]] = {
    "id": {"wire": "id", "type": "string", "basis": "assumed"},
    "listing": {"paging": {"style": "none"}, "basis": "assumed"},
    "names": {"taken": None},
    "attributes": {"name": {"wire": "name", "basis": "assumed"}},
}
"""What stands for the parts of a kind that no contract can be without."""


@dataclass(frozen=True, slots=True)
class DerivedContract:
    """What a collection says, as an override."""

    data: Entry
    """The override; null stands for what is not certain."""
    questions: tuple[ContractQuestion, ...]
    matches: tuple[OperationMatch, ...]


@dataclass(slots=True)
class _Draft:
    kinds: dict[str, Entry] = field(default_factory=dict)
    questions: list[ContractQuestion] = field(default_factory=list)

    def ask(self, path: EntryPath, text: str, *candidates: str, about: str = "") -> None:
        self.questions.append(ContractQuestion(path, text, candidates, frozenset(about.split())))


def derive_contract(collection: Collection, recording: Recording | None = None) -> DerivedContract:
    """The override that a collection gives. `recording`: what an instance answered, in the place of examples."""
    if recording is not None:
        collection = with_recording(collection, recording)
    matches = match_operations(collection)
    if recording is not None:
        matches = settled_matches(matches, recording, unknown=collection.unknown_base)
    draft = _Draft()
    prefix = _common_prefix(matches)
    data: Entry = {"name": f"{collection.name}, derived from its collection"}
    _auth(collection, matches, data, draft)
    _errors(matches, draft)
    if unset := _unset_beginning(collection):
        text = f"every path begins with {', '.join(unset)}: write its value into the collection, and derive it again"
        draft.ask(("prefix",), text)
    if prefix is None:
        draft.ask(("prefix",), "no request is certain: the beginning of every path is not known")
    else:
        data["prefix"] = documented({"path": prefix})
        if collection.unknown_base:
            draft.ask(("prefix",), "paths begin with a variable that has no value: what stands in it is added here")
    packaged = load_contract().model_dump(mode="json", exclude_unset=True, by_alias=True)
    known: dict[str, KindExamples] = {}
    for kind in packaged["kinds"]:
        examples = KindExamples(kind, matches, _inside(kind, draft, known))
        known[kind] = examples
        stanza: Entry = {}
        draft.kinds[kind] = stanza
        _identity(collection, kind, examples, stanza, draft)
        _operations(kind, matches, prefix or "", stanza, draft)
        draft.questions += derive_answers(kind, examples, stanza)
        stanza["attributes"] = {}
        draft.questions += derive_attributes(kind, examples, packaged["kinds"][kind], stanza, known=known)
        _only_inside(kind, examples, draft)
        _also_sent(kind, examples, stanza, draft)
        if "made_with_parent" in packaged["kinds"][kind]:
            stanza["made_with_parent"] = None
            draft.ask(
                ("kinds", kind, "made_with_parent"), f"which objects of this kind does a new {PARENTS[kind]} have?"
            )
    data["kinds"] = draft.kinds
    if recording is not None:
        draft.questions = [*settle(data, draft.questions, matches, recording)]
    _refuse_what_contradicts(packaged, data, draft)
    return DerivedContract(data, tuple(draft.questions), matches)


def _inside(kind: str, draft: _Draft, known: Mapping[str, KindExamples]) -> tuple[KindExamples, str] | None:
    """The examples of the parent that has objects of this kind in it, and their key there."""
    parent = PARENTS.get(kind)
    embedded = (draft.kinds[parent].get("embedded") or {}).get(kind) if parent is not None else None
    return (known[parent], embedded["wire"]) if parent is not None and embedded else None


def _only_inside(kind: str, examples: KindExamples, draft: _Draft) -> None:
    """Ask whether objects that no request has, and that their parent shows, exist only inside of it."""
    inside = examples.inside
    if inside is None or examples.certain:
        return
    parent, wire = inside
    if "update" in parent.certain and any(wire in seen for seen in parent.answers()):
        draft.ask(
            ("kinds", kind, "inside"),
            f"no request has it, and a {parent.kind} shows its {kind}s: does its update replace the whole list?",
            f"inside: {{wire: {wire}, write: update}}",
            "identity: name  # where it has no id",
        )


def _unset_beginning(collection: Collection) -> list[str]:
    """The placeholders that every path begins with, where one is among its first segments."""
    paths = [request.path.strip("/").split("/") for request in collection.requests]
    shared = takewhile(lambda parts: len(set(parts)) == 1, zip(*paths, strict=False))
    return [parts[0] for parts in shared if parts[0].startswith("{")]


def _common_prefix(matches: tuple[OperationMatch, ...]) -> str | None:
    """The segments that the paths of all certain requests begin with; None: none is certain."""
    found = [match.candidates[0].route.prefix.split("/") for match in matches if match.certainty is Certainty.CERTAIN]
    if not found:
        return None
    shared = takewhile(lambda parts: len(set(parts)) == 1, zip(*found, strict=False))
    return "/".join(parts[0] for parts in shared)


def _auth(collection: Collection, matches: tuple[OperationMatch, ...], data: Entry, draft: _Draft) -> None:
    sent = {
        name
        for match in matches
        if match.certainty is Certainty.CERTAIN
        for name in match.candidates[0].request.headers
        if _TOKEN_HEADER.search(name)
    }
    if collection.header is not None:
        sent.add(collection.header)
    if not sent:
        sent = {name for name in _HEADER_IN_TEXT.findall(collection.text) if _TOKEN_HEADER.search(name)}
    if len(sent) == 1:
        data["auth"] = documented({"header": sent.pop()})
    else:
        choices = tuple(f"auth: {{header: {name}, basis: documented}}" for name in sorted(sent))
        draft.ask(("auth",), "which header carries the token? Until this is answered, Kiamo-Api-Token does", *choices)


def _errors(matches: tuple[OperationMatch, ...], draft: _Draft) -> None:
    """Ask whether a failed call has a status of success, where answers have a key that may say so."""
    certain = [match.candidates[0].request.answer for match in matches if match.certainty is Certainty.CERTAIN]
    answers = [answer for answer in certain if isinstance(answer, dict)]
    for key in dict.fromkeys(key for answer in answers for key in answer):
        seen = [answer[key] for answer in answers if key in answer]
        failed: Entry = {}
        if len(seen) > 1 and compact(key) in _SUCCESS and type_of(seen[0]) == "boolean":
            failed = {"path": key, "is": False}
        elif len(seen) > 1 and compact(key) in _RETURN_CODES and all(type(each) is int and each == 0 for each in seen):
            failed = {"path": key, "unless": 0}
        elif (
            len(seen) > 1
            and isinstance(seen[0], str)
            and compact(seen[0]) in _SUCCESS
            and seen.count(seen[0]) == len(seen)
        ):
            failed = {"path": key, "unless": seen[0]}
        if failed:
            text = f"answers have {key}: has a call that fails a status of success, and says so there?"
            entry = {"failed": failed, "absent": ["ERR_3000"]}
            draft.ask(("errors",), text, f"errors: {flow_text(entry)}  # absent: no such object", about="failed")


def _identity(collection: Collection, kind: str, examples: KindExamples, stanza: Entry, draft: _Draft) -> None:
    at = ("kinds", kind)
    types = {(key, type_of(value)) for seen in examples.answers() for key, value in seen.items() if examples.is_id(key)}
    known = {pair for pair in types if pair[1] in {"string", "integer"}}
    if len(known) == 1:
        wire, of = known.pop()
        stanza["id"] = documented({"wire": wire, "type": of})
    else:
        seen = ", ".join(sorted(key for key, _ in types)) or "none"
        draft.ask(
            (*at, "id"), f"the key and the type of the id are not certain (seen: {seen}); id, a string, is assumed"
        )
        stanza["id"] = {"wire": "id", "type": "string", "basis": "assumed"}
    if re.search(r"(?<!\d)2060(?!\d)", f"{collection.text}\n{examples.text}"):
        # The packaged pattern stays in force beside it, and no collection says it.
        stanza["names"] = {"taken": "ERR_2060", "basis": "assumed"}
    else:
        stanza["names"] = {"taken": None}
        draft.ask((*at, "names"), "are names unique? If so, taken is the code that says that one is in use")


def _operations(kind: str, matches: tuple[OperationMatch, ...], prefix: str, stanza: Entry, draft: _Draft) -> None:
    calls: Entry = {}
    stanza["operations"] = calls
    for match in matches:
        if match.kind != kind:
            continue
        at = ("kinds", kind, "operations", match.operation)
        calls[match.operation] = None
        shown = tuple(_shown(match, each, prefix) for each in match.candidates[:4])
        if match.certainty is not Certainty.CERTAIN:
            draft.ask(at, match.why, *shown)
            continue
        call, why = call_of(match, match.candidates[0], prefix)
        if why:
            draft.ask(at, "; ".join(why), *shown)
            continue
        calls[match.operation] = call
        if match.operation == "update":
            if _update(match.candidates[0], call, at, draft, reads=calls.get("read") is not None, shown=shown):
                calls["update"] = None
            _carry(match, call, KindExamples(kind, matches))
        if any(answer.status == 202 for answer in match.candidates[0].request.answers):
            draft.ask(at, "the answer is 202: is the work done when it comes, or later?", about="path")


def _update(
    candidate: MatchCandidate, call: Entry, at: EntryPath, draft: _Draft, *, reads: bool, shown: tuple[str, ...]
) -> bool:
    """Whether an update may empty what it is not sent, and cannot be made, for no request reads the object first."""
    text = candidate.request.text
    if candidate.request.method == "PATCH" or (_PARTIAL.search(text) and not _WHOLE.search(text)):
        return False
    if not reads:
        draft.ask(at, "does it change only what is sent? No request is certain to read what else it would need", *shown)
        return True
    call["send"] = "whole"
    if not _WHOLE.search(text):
        draft.ask(
            at,
            "does it change only what is sent? Then remove send: whole, which reads and sends every attribute",
            about="send",
        )
    return False


def _carry(match: OperationMatch, call: Entry, examples: KindExamples) -> None:
    """A version that an object is read with, and that its update sends back."""
    body = match.candidates[0].request.body
    sent = body.get(call["wrap"]) if isinstance(body, dict) and "wrap" in call else body
    shown = [key for seen in examples.answers() for key in seen if compact(key) in _VERSIONS]
    if versions := [key for key in dict.fromkeys(shown) if isinstance(sent, dict) and key in sent]:
        call["carry"] = versions


def _also_sent(kind: str, examples: KindExamples, stanza: Entry, draft: _Draft) -> None:
    """Ask for the keys of examples that no entry sends."""
    known = {entry["wire"] for entry in stanza["attributes"].values() if entry}
    known |= {entry["wire"] for entry in (stanza.get("embedded") or {}).values() if entry}
    for operation in ("create", "update"):
        call, request = stanza["operations"].get(operation), examples.requests.get(operation)
        body = examples.body_of(operation)
        if call is None or request is None or body is None:
            continue
        more = [key for key in body if key not in {*known, *call.get("body", {}), *call.get("carry", ())}]
        more = [key for key in more if not examples.is_id(key)]
        if more:
            draft.ask(
                ("kinds", kind, "operations", operation),
                f"the example also sends {', '.join(more)}: body: {{…}} would send them always",
                about="body",
            )


def _shown(match: OperationMatch, candidate: MatchCandidate, prefix: str) -> str:
    call, _ = call_of(match, candidate, prefix)
    why = "; ".join(each.why for each in sorted(candidate.evidence, key=lambda each: each.weight) if each.why)
    return f"{match.operation}: {flow_text(call)}  # {candidate.score}: {why}"


def call_of(match: OperationMatch, candidate: MatchCandidate, prefix: str) -> tuple[Entry, list[str]]:
    """The call of a candidate as a contract has it, and why it cannot be used as it is."""
    request, route = candidate.request, candidate.route
    rest = route.prefix.removeprefix(prefix)
    call: Entry = {"method": request.method, "path": rest + route.path}
    why: list[str] = []
    query: dict[str, str] = {}
    body: dict[str, Any] = {}
    if match.operation not in {"list", "create"} and not route.has_id:
        _name(candidate, match.kind, "{id}", query, body)
        if not query and not body:
            why.append("nothing in the call names the object")
    parent = PARENTS.get(match.kind)
    if parent is not None and match.operation in {"list", "create"} and not route.has_parent:
        _name(candidate, parent, f"{{{parent}}}", query, body)
        if not query and not body:
            why.append(f"nothing in the call names the {parent}")
    if candidate.command is not None:
        key, word = candidate.command
        body[key] = word
    why += _left_over(match.operation, request, query, body)
    if query:
        call["query"] = query
    if body:
        call["body"] = body
    elif match.operation in COMMANDS and match.operation != "resume":
        call["body"] = None  # not the packaged one
    if match.operation in {"create", "update"} and (wrapped := wrapping(request)) is not None:
        call["wrap"] = wrapped
    if request.form is not None and (match.operation != "list" or body):
        call["form"] = "$fields"
    call["basis"] = "documented"
    return call, why


def _left_over(operation: str, request: CollectionRequest, query: Entry, body: Entry) -> Iterator[str]:
    """What a command or a delete sends beside what is known: it may be another call."""
    if operation in COMMANDS and isinstance(request.body, dict) and (more := sorted(request.body.keys() - body)):
        yield f"the body has other keys too: {', '.join(more)}"
    if operation in {*COMMANDS, "delete"} and (more := sorted({*request.query} - query.keys())):
        yield f"the query has other keys too: {', '.join(more)}"


def _name(candidate: MatchCandidate, kind: str, placeholder: str, query: dict[str, str], body: dict[str, Any]) -> None:
    """Name an object in the query or the body of a call, by the key that is the id of its kind."""
    request = candidate.request
    own = kind == candidate.route.kind

    def is_name(name: str) -> bool:
        return (own and compact(name) == "id") or (is_id_name(name, kind) and not (own and compact(name) == kind))

    for name in request.query:
        if is_name(name):
            query[name] = placeholder
            return
    for name in request.body if isinstance(request.body, dict) else ():
        if is_name(name):
            value = request.body[name] if isinstance(request.body, dict) else None
            if isinstance(value, list):
                continue
            inner = [key for key in value if is_plain_id(key)] if isinstance(value, dict) else []
            body[name] = {inner[0]: placeholder} if len(inner) == 1 else placeholder
            return


def _refuse_what_contradicts(packaged: Entry, data: Entry, draft: _Draft) -> None:
    """Make a question of every call and attribute that a contract refuses, until what is left is valid."""
    for _ in range(40):
        refused = list(_refused(packaged, data))
        if not refused:
            return
        for place, why in refused:
            draft.ask(*_withdrawn(data, place, why))


def _withdrawn(data: Entry, place: EntryPath, why: str) -> tuple[EntryPath, str, str]:
    """Take back the entry at `place`; the question that takes its place."""
    asked = f"kiamo-iac cannot use it: {why}"
    if place[0] != "kinds" or len(place) < 3:
        return place[:1], asked, f"{place[0]}: {flow_text(data.pop(place[0], None))}"
    stanza, key = data["kinds"][place[1]], place[2]
    if key in {"operations", "attributes"} and len(place) > 3 and place[3] != "name":
        shown = stanza[key].get(place[3])
        stanza[key][place[3]] = None
        return place[:4], asked, f"{place[3]}: {flow_text(shown)}"
    shown = stanza.get(key)
    stanza[key] = _WITHOUT.get(key)
    if key == "attributes":
        stanza["operations"] = dict.fromkeys(stanza["operations"])
    return place[:3], asked, f"{key}: {flow_text(shown)}"


def _refused(packaged: Entry, data: Entry) -> Iterator[tuple[tuple[str, ...], str]]:
    merged = merge(packaged, data)
    try:
        contract = Contract.model_validate(merged)
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            cause = detail.get("ctx", {}).get("error")
            if isinstance(cause, ContradictionError):
                yield from ((each.path, each.why) for each in cause.found)
            else:
                yield tuple(str(part) for part in detail["loc"]), detail["msg"]
        return
    for kind, stanza in data["kinds"].items():
        for name, call in stanza["operations"].items():
            if call is not None and contract.kinds[kind].operations[name].body != (call.get("body") or {}):
                yield ("kinds", kind, "operations", name), "its body would be merged with the packaged one"
