"""Which request of a collection is which operation of the contract, by evidence on its page, for and against."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

from pydantic import JsonValue

from kiamo_iac.contract.collection.requests import Collection, CollectionRequest
from kiamo_iac.contract.collection.route import PARENTS, RequestRoute, is_id_name, is_plain_id, route_of, shared_start
from kiamo_iac.contract.collection.words import (
    ATTRIBUTE_WORDS,
    CODES,
    COMMAND_CODES,
    COMMAND_WORDS,
    FOREIGN_FOLDERS,
    LOOSE_WORDS,
    NESTING,
    OLD_WORDS,
    OTHER_WORDS,
    REACHED_WORDS,
    SEARCH_WORDS,
    VERB_WORDS,
    compact,
    kind_of,
    meaning_of,
    without_kind,
    without_own_kind,
    words,
)

COMMANDS: Final = ("start", "pause", "stop", "resume")
_DIALS: Final = frozenset({"start", "resume"})
"""One other request that may be it makes these a question."""
OPERATIONS: Final = ("list", "create", "read", "update", "delete")
CERTAIN: Final = 9
"""The least score of a match that is certain; it must also lead by `LEAD` and have nothing strong against it."""
LEAD: Final = 3
POSSIBLE: Final = 4
"""The least score of a candidate."""
LIKELY: Final = 9
"""The least of what speaks for a candidate, where much is against it."""
_STRONG: Final = -4
_COMMAND_KEYS: Final = frozenset({"command", "commande", "action", "state", "statu", "status", "statut", "etat"})
_IMPERATIVE: Final = frozenset({"command", "commande", "action"})
_ACTION_KEYS: Final = frozenset({"action", "command", "commande", "cmd", "op", "operation", "method", "methode", "do"})
_AND: Final = (
    r"\b(?:and|then|et|puis)\s+(?:is\s+|are\s+|it\s+|la\s+|le\s+|les\s+|l')?(?:immediately\s+|automatically\s+)?"
)
_ALSO_STARTS: Final = re.compile(rf"{_AND}(?:start|launch|dial|lanc|d[ée]marr|relanc|resum|repren)\w*", re.IGNORECASE)
_ALSO_DELETES: Final = re.compile(rf"{_AND}(?:delet|remov|purg|supprim|effac|vid)\w*", re.IGNORECASE)
_NOT_REALLY: Final = re.compile(r"\b(?:simulat|simul|preview|aper[çc]u|schedul|planifi|dry.run|test)\w*", re.IGNORECASE)
_ALL: Final = frozenset({"all", "tou", "toute", "every"})
_CODED: Final = re.compile(r"[`\"'«“]\s*([\w-]{1,40})\s*[`\"'»”]")


class Certainty(StrEnum):
    """How sure a match is."""

    CERTAIN = "certain"
    QUESTION = "question"
    NOTHING = "nothing"


class Evidence(NamedTuple):
    """One signal on a page, for (above 0) or against a match."""

    weight: int
    why: str

    @property
    def is_strong_objection(self) -> bool:
        """Whether it alone makes a match uncertain."""
        return self.weight <= _STRONG


@dataclass(frozen=True, slots=True)
class MatchCandidate:
    """A request that may be an operation."""

    request: CollectionRequest
    route: RequestRoute
    evidence: tuple[Evidence, ...]
    command: tuple[str, JsonValue] | None = None
    """Of a run state: the key of the body and the word that stands for the command there."""

    @property
    def score(self) -> int:
        """The sum of the evidence."""
        return sum(each.weight for each in self.evidence)

    @property
    def likelihood(self) -> int:
        """The same without what is against it."""
        return sum(max(each.weight, 0) for each in self.evidence)

    @property
    def objections(self) -> tuple[str, ...]:
        """What is against it, the strong ones alone."""
        return tuple(each.why for each in self.evidence if each.is_strong_objection)


@dataclass(frozen=True, slots=True)
class OperationMatch:
    """The outcome for one operation."""

    kind: str
    operation: str
    candidates: tuple[MatchCandidate, ...]
    """The best first; never those without any likelihood."""
    certainty: Certainty
    why: str = ""
    """Why it is a question."""

    @property
    def best(self) -> MatchCandidate | None:
        """The likeliest candidate."""
        return self.candidates[0] if self.candidates else None


def match_operations(collection: Collection) -> tuple[OperationMatch, ...]:
    """Every operation of every kind, in the order of the contract."""
    start = shared_start(collection.requests)
    requests = collection.requests
    routed = [(each, route) for each in requests if (route := route_of(each, start=start)) is not None]
    unnamed = {"service", "base", "field", "batch"} - {route.kind for _, route in routed}
    if unnamed:
        loose = {word: kind for word, kind in LOOSE_WORDS.items() if kind in unnamed}
        routed = [(each, route) for each in requests if (route := route_of(each, loose, start=start)) is not None]
    found = []
    for kind in ("service", "base", "field", "batch"):
        mine = [(request, route) for request, route in routed if route.kind == kind]
        found += [_match(kind, operation, mine) for operation in OPERATIONS]
        if kind == "batch":
            commands = [_match(kind, command, mine) for command in COMMANDS]
            found += [match for match in commands if match.operation != "resume" or _is_named(match)]
    return tuple(found)


def _is_named(match: OperationMatch) -> bool:
    """Whether a path or a word of the collection says the command."""
    return match.certainty is Certainty.CERTAIN or any(each.route.command for each in match.candidates)


def _match(kind: str, operation: str, mine: list[tuple[CollectionRequest, RequestRoute]]) -> OperationMatch:
    candidates: list[MatchCandidate] = []
    for request, route in mine:
        if operation in COMMANDS:
            candidates += _as_command(operation, request, route)
        elif shape := _shape(operation, request, route):
            evidence = (shape, *_of_operation(operation, request, route), *_of_page(operation, request, route))
            candidates.append(MatchCandidate(request, route, evidence))
    candidates = [each for each in candidates if each.score >= POSSIBLE or each.likelihood >= LIKELY]
    candidates.sort(key=lambda each: -each.score)
    certainty, why = _verdict(operation, candidates)
    return OperationMatch(kind, operation, tuple(candidates), certainty, why)


def _verdict(operation: str, candidates: list[MatchCandidate]) -> tuple[Certainty, str]:
    if not candidates:
        return Certainty.NOTHING, "no request of the collection looks like it"
    best = candidates[0]
    if best.objections:
        return Certainty.QUESTION, "; ".join(best.objections)
    if best.score < CERTAIN:
        return Certainty.QUESTION, "too little evidence"
    rivals = [each for each in candidates[1:] if not _is_same_call(each, best)]
    if operation in _DIALS:
        rivals = [each for each in rivals if not each.objections]
    if rivals and (operation in _DIALS or best.score - rivals[0].score < LEAD):
        return Certainty.QUESTION, f"{1 + len(rivals)} requests look like it"
    return Certainty.CERTAIN, ""


def _is_same_call(one: MatchCandidate, other: MatchCandidate) -> bool:
    """Two examples of one request."""
    calls = [(each.request.method, each.route.prefix, each.route.path, each.command) for each in (one, other)]
    return calls[0] == calls[1]


def names_object(request: CollectionRequest, route: RequestRoute) -> bool:
    """Whether a request names its object: in its path, its query or its body."""
    return route.has_id or any(_is_id_of(name, route.kind) for name in (*request.query, *_keys(request.body)))


def _is_id_of(name: str, kind: str) -> bool:
    return is_plain_id(name) or (is_id_name(name, kind) and compact(name) != kind)


def _shape(operation: str, request: CollectionRequest, route: RequestRoute) -> Evidence | None:
    """Whether method, id and verb of a request are those of the operation; None: they are not."""
    if route.command is not None or route.is_state:
        return None
    return _with_verb(operation, request, route) if route.verb is not None else _plain(operation, request, route)


def _with_verb(operation: str, request: CollectionRequest, route: RequestRoute) -> Evidence | None:
    named = names_object(request, route)
    is_read = operation in {"list", "read"}
    if operation == "list" and route.verb == "read" and not named and request.method == "GET":
        return Evidence(3, "GET with a verb in the path")
    if route.verb != operation or (operation in {"list", "create"} and route.has_id):
        return None
    if operation in {"read", "update", "delete"} and not named:
        return None
    if request.method == "GET" and not is_read:
        return Evidence(_STRONG, f"a GET that would {operation}")
    return Evidence(4, f"the verb {operation} in the path")


def _plain(operation: str, request: CollectionRequest, route: RequestRoute) -> Evidence | None:
    method, named = request.method, route.has_id
    by_query = not named and any(is_plain_id(name) for name in request.query)
    call = f"{method} {'with' if named else 'without'} an id"
    usual = {
        "list": method == "GET" and not named and not by_query,
        "create": method == "POST" and not named,
        "read": method == "GET" and named,
        "update": method in {"PUT", "PATCH"} and named,
        "delete": method == "DELETE" and named,
    }
    if usual[operation]:
        return Evidence(4, call)
    unusual = {
        "read": method == "GET" and by_query,
        "update": (method == "POST" and named) or (method == "PUT" and names_object(request, route)),
        "create": method == "PUT" and not named and not by_query,
        "delete": method == "DELETE" and names_object(request, route),
    }
    return Evidence(2 if by_query else 1, call) if unusual.get(operation) else None


def _of_operation(operation: str, request: CollectionRequest, route: RequestRoute) -> Iterator[Evidence]:
    """Signals for or against an operation, beside the shape of the call."""
    answer = request.answer
    if operation == "list" and answer is not None:
        rows = _rows(answer)
        yield Evidence(2, "answers a list") if rows is not None else Evidence(_STRONG, "answers no list")
    elif operation in {"read", "create", "update"} and isinstance(answer, list):
        yield Evidence(_STRONG if operation == "read" else -2, "answers an array")
    elif operation == "read" and isinstance(answer, dict):
        yield Evidence(1, "answers an object")
    if operation in {"create", "update"}:
        yield from _of_body(operation, request, route)
    for code, (kind, of) in CODES.items():
        if kind == route.kind and _has_code(request, code):
            yield Evidence(3, f"names error {code}") if of == operation else Evidence(-2, f"names error {code}")


def _of_body(operation: str, request: CollectionRequest, route: RequestRoute) -> Iterator[Evidence]:
    """Signals of what a create or an update sends."""
    body = request.body
    if isinstance(body, list):
        yield Evidence(_STRONG, "sends an array")
    elif isinstance(body, dict) and len(body) == 1 and isinstance(next(iter(body.values())), list):
        yield Evidence(_STRONG, "sends an array alone")
    keys = {word for key in _keys(body) for word in (compact(key), without_own_kind(key, route.kind))}
    known = [name for name, spellings in ATTRIBUTE_WORDS.items() if keys & spellings and name != "contacts"]
    if known:
        yield Evidence(min(len(known), 3), f"sends {', '.join(known)}")
    if keys & {"contact", "contacts"} and not known:
        yield Evidence(_STRONG, "sends contacts")
    if operation == "create" and keys and "name" not in known:
        yield Evidence(_STRONG, "sends no name")
    if operation == "update" and keys and keys <= {"state", "status", "statu", "etat", "command", "commande"}:
        yield Evidence(_STRONG, "sends a run state alone")


def _has_code(request: CollectionRequest, code: str) -> bool:
    return re.search(rf"(?<!\d){code}(?!\d)", request.text) is not None


def _of_page(operation: str, request: CollectionRequest, route: RequestRoute) -> Iterator[Evidence]:
    """Signals of the page that any operation may have."""
    yield Evidence(3, f"{route.kind} in the path")
    if parent := PARENTS.get(route.kind):
        named = any(is_id_name(name, parent) for name in (*request.query, *_keys(request.body)))
        if route.has_parent:
            yield Evidence(2, f"below a {parent}")
        elif named:
            yield Evidence(1, f"names a {parent}")
    if route.loose:
        yield Evidence(_STRONG, f"a word that may name a kind: {', '.join(route.loose)}")
    if route.others:
        yield Evidence(-8, f"left over in the path: {', '.join(route.others)}")
    yield from _of_title(operation, request, route)
    if said := [name for name in request.query if compact(name) in _ACTION_KEYS]:
        yield Evidence(_STRONG, f"its query says what it does: {', '.join(said)}")
    yield from _of_side_effects(operation, request)
    yield from _of_folders(request, route)


def _of_title(operation: str, request: CollectionRequest, route: RequestRoute) -> Iterator[Evidence]:
    title = title_of(request, route)
    if kind_of(title) == route.kind:
        yield Evidence(1, "the kind in its name")
    yield from _of_other_requests(title)
    is_listed = request.method == "GET" and not ({"list", "liste", "lister"} | _ALL).isdisjoint(title)
    if not SEARCH_WORDS.isdisjoint(words(route.path)) or not (is_listed or SEARCH_WORDS.isdisjoint(title)):
        yield Evidence(_STRONG, "it searches")
    if operation in COMMANDS:
        return
    if operation not in {"list", "create"} and not _ALL.isdisjoint(title):
        yield Evidence(_STRONG, "its name says all")
    if operation in {"list", "read"} and not VERB_WORDS["delete"].isdisjoint(title):
        yield Evidence(_STRONG, "its name says deleted")
    verb = meaning_of(without_kind(title), VERB_WORDS)
    if verb == operation or (verb == "read" and operation == "list"):
        yield Evidence(2, "the operation in its name")
    elif verb is not None and not (operation == "read" and verb == "list"):
        yield Evidence(-3, f"its name says {verb}")


def _of_side_effects(operation: str, request: CollectionRequest) -> Iterator[Evidence]:
    """What a name or a text says that a call does too, or only in a test."""
    text = f"{request.name}\n{request.text}"
    if operation not in _DIALS and (found := _ALSO_STARTS.search(text)):
        yield Evidence(_STRONG, f"it may start too: {found[0]}")
    if operation != "delete" and (found := _ALSO_DELETES.search(text)):
        yield Evidence(_STRONG, f"it may delete too: {found[0]}")
    if operation in _DIALS and (found := _NOT_REALLY.search(text)):
        yield Evidence(_STRONG, f"its text says {found[0]}")


def _of_other_requests(title: tuple[str, ...]) -> Iterator[Evidence]:
    """The words of a name that say that a request does something else, or with something else."""
    for word in dict.fromkeys(without_kind(title)):
        if word in OTHER_WORDS or word in FOREIGN_FOLDERS:
            yield Evidence(_STRONG, f"its name says {word}")


def title_of(request: CollectionRequest, route: RequestRoute) -> tuple[str, ...]:
    """The words of a request's name; of one that has none but its path, those of its route."""
    return words(route.path if request.name.startswith("/") else request.name)


def _of_folders(request: CollectionRequest, route: RequestRoute) -> Iterator[Evidence]:
    for folder in request.folders:
        parts = words(folder)
        if foreign := next((word for word in parts if word in FOREIGN_FOLDERS), None):
            yield Evidence(-8, f"in a folder of another API: {foreign}")
        elif kind_of(parts) == route.kind:
            yield Evidence(1, "in a folder of its kind")
    texts = (" ".join((*request.folders, request.name)), request.folder_text, request.text)
    if request.deprecated or any(OLD_WORDS.search(text) for text in texts):
        yield Evidence(-8, "it is deprecated")


def _as_command(operation: str, request: CollectionRequest, route: RequestRoute) -> Iterator[MatchCandidate]:
    """The candidates for a command of a batch that one request gives."""
    if request.method == "GET" or not names_object(request, route) or route.verb is not None:
        return
    page = list(_of_page(operation, request, route))
    if any(_has_code(request, code) for code in COMMAND_CODES):
        page.append(Evidence(2, "names an error of run states"))
    page += _of_command_words(operation, request, route)
    if route.command is not None:
        if route.command == operation:
            yield MatchCandidate(request, route, (Evidence(6, f"{operation} in the path"), *page))
        return
    keys = [key for key in _keys(request.body) if compact(key) in _COMMAND_KEYS]
    if len(keys) != 1 or not (route.is_state or len(_keys(request.body)) == 1):
        return
    yield from _by_word(operation, request, route, keys[0], tuple(page))


def _of_command_words(operation: str, request: CollectionRequest, route: RequestRoute) -> Iterator[Evidence]:
    """Whether name and text of a request say this command, or only another one."""
    title = title_of(request, route)
    if operation in (said := _commands_in(title)):
        yield Evidence(2, "the command in its name")
    elif said:
        yield Evidence(_STRONG, f"its name says {', '.join(said)}")
    if not _ALL.isdisjoint(title):
        yield Evidence(_STRONG, "its name says all")
    if (said := _commands_in(words(request.text))) and operation not in said:
        yield Evidence(_STRONG, f"its text says {', '.join(said)}")


def _commands_in(parts: tuple[str, ...]) -> tuple[str, ...]:
    """The commands that words name; starting and going on are one, for a batch that was paused is started again."""
    found = [name for name, spellings in COMMAND_WORDS.items() if not spellings.isdisjoint(parts)]
    return (*found, *(_DIALS - {*found})) if not _DIALS.isdisjoint(found) else tuple(found)


def _by_word(
    operation: str, request: CollectionRequest, route: RequestRoute, key: str, page: tuple[Evidence, ...]
) -> Iterator[MatchCandidate]:
    """A run state that is set by a word in the body: in its example, a closed list, or the text in code or quotes."""
    where = Evidence(3, "sets a run state") if route.is_state else Evidence(1, f"sends {key} alone")
    example = request.body.get(key) if isinstance(request.body, dict) else None
    listed = (request.enums or {}).get(key, ())
    sources: Mapping[str, tuple[str, ...]] = {
        "in the example": (example,) if isinstance(example, str) else (),
        "in the closed list": listed,
        "in the text": tuple(_CODED.findall(request.text)),
    }
    for source, spellings in sources.items():
        values = _words_for(operation, key, spellings)
        if values:
            evidence = (where, Evidence(4, f'"{values[0]}" {source}'), *page)
            if len(values) > 1:
                evidence = (*evidence, Evidence(_STRONG, f"several words {source}: {', '.join(values)}"))
            yield MatchCandidate(request, route, evidence, (key, values[0]))
            return
    if isinstance(example, str) and example.startswith("<"):
        unknown = Evidence(_STRONG, f"no value of {key} for {operation} is documented")
        shown = _words_for(operation, key, (request.answer_enums or {}).get(key, ())) or [operation]
        yield MatchCandidate(request, route, (where, unknown, Evidence(4, f"sends {key}"), *page), (key, shown[0]))


def _words_for(operation: str, key: str, spellings: tuple[str, ...]) -> list[str]:
    """The words that stand for a command: of a key such as `command`, imperatives come before states."""
    commands = sorted({word for word in spellings if compact(word) in COMMAND_WORDS[operation]})
    states = sorted({word for word in spellings if compact(word) in REACHED_WORDS.get(operation, ())})
    return commands if commands and compact(key) in _IMPERATIVE else sorted({*commands, *states})


def _keys(body: JsonValue) -> tuple[str, ...]:
    """The keys of a body; of one that is wrapped in a single key, the inner ones too."""
    if isinstance(body, list):
        body = body[0] if body else None
    if not isinstance(body, dict):
        return ()
    inner = next(iter(body.values())) if len(body) == 1 else None
    keys = (*body, *inner) if isinstance(inner, dict) else tuple(body)
    nested = [each for key, each in (inner if isinstance(inner, dict) else body).items() if compact(key) in NESTING]
    return (*keys, *(key for each in nested if isinstance(each, dict) for key in each))


def _rows(answer: JsonValue) -> JsonValue:
    """The array of a list's answer; None: it has none."""
    found = rows_path(answer)
    return None if found is None else found[1]


def rows_path(answer: JsonValue) -> tuple[str | None, list[JsonValue]] | None:
    """The dotted path of the only array of objects in an answer, and the array; None: there is not one."""
    if isinstance(answer, list):
        return None, answer
    if not isinstance(answer, dict):
        return None
    paths = [(key, value) for key, value in answer.items() if isinstance(value, list)]
    for key, value in answer.items():
        if isinstance(value, dict):
            paths += [(f"{key}.{inner}", rows) for inner, rows in value.items() if isinstance(rows, list)]
    if any(is_plain_id(key) for key in answer):
        return None  # an object that has a list
    rows = [(path, value) for path, value in paths if not value or isinstance(value[0], dict)]
    return rows[0] if len(rows) == 1 else None
