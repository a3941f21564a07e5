"""How the answers to the calls of a kind are read: lists and their pages, single objects, and the id of a new one."""

from __future__ import annotations

from typing import Any, Final

from pydantic import JsonValue

from kiamo_iac.contract.collection.examples import KindExamples, type_of
from kiamo_iac.contract.collection.questions import ContractQuestion, Entry
from kiamo_iac.contract.collection.requests import CollectionRequest
from kiamo_iac.contract.collection.words import compact, words
from kiamo_iac.contract.entries import NO_ITEM
from kiamo_iac.document.writing import flow_text

_PAGE: Final = frozenset({"page", "pagenumber", "numpage"})
_OFFSET: Final = frozenset({"offset", "skip", "start", "debut"})
_SIZE: Final = frozenset({"limit", "size", "pagesize", "perpage", "limite", "taille", "count"})
_CURSOR: Final = frozenset({"cursor", "after", "curseur", "pagetoken", "nexttoken"})
_NEXT: Final = frozenset({"next", "suivant", "suivante", "after", "cursor", "curseur", "continuation"})
_ADDRESS: Final = frozenset({"href", "url", "uri", "link", "lien"})
_SCALARS: Final = frozenset({"string", "integer"})


def derive_answers(kind: str, examples: KindExamples, stanza: Entry) -> list[ContractQuestion]:
    """Fill `listing` and `item` of a stanza, and what its operations say of their answers; the questions that are
    left."""
    reader = _AnswerReader(kind, examples, stanza)
    reader.listing()
    reader.item()
    return reader.questions


class _AnswerReader:
    def __init__(self, kind: str, examples: KindExamples, stanza: Entry) -> None:
        self.questions: list[ContractQuestion] = []
        self._at = ("kinds", kind)
        self._examples = examples
        self._stanza = stanza
        self._calls: Entry = stanza["operations"]

    def _ask(self, *path: str, text: str, candidates: tuple[str, ...] = (), about: str = "") -> None:
        keys = frozenset(about.split())
        self.questions.append(ContractQuestion((*self._at, *path), text, candidates, keys))

    # --- lists

    def listing(self) -> None:
        request = self._examples.requests.get("list")
        if request is None:
            self._stanza["listing"] = {"paging": {"style": "none"}, "basis": "assumed"}
            self._ask("listing", text="no request is certain to be the list; an array without pages is assumed")
            return
        rows = self._examples.rows()
        listing: Entry = {}
        if rows is None:
            self._ask(
                "listing", text="no example shows the answer of the list; an array is assumed", about="items keyed"
            )
        elif rows[0] is not None:
            listing["items"] = rows[0]
        total = self._examples.total()
        if total is not None:
            listing["total"] = total
        listing["paging"] = self._paging(request, is_counted=total is not None)
        self._detail(listing)
        listing["basis"] = "documented" if rows is not None else "assumed"
        self._stanza["listing"] = listing

    def _paging(self, request: CollectionRequest, *, is_counted: bool) -> Entry:
        sent = request.body if isinstance(request.body, dict) else {}
        names = {compact(name): name for name in (*request.query, *sent)}
        within = {"within": "body"} if sent.keys() & names.values() and request.method != "GET" else {}

        def first(known: frozenset[str]) -> str | None:
            return next((name for word, name in names.items() if word in known), None)

        size, cursor = first(_SIZE), first(_CURSOR)
        follows = [(path, is_address(path, value)) for path, value in next_paths(request.answer)]
        styles: list[Entry] = [
            {"style": "next", "url": path} if address else {"style": "cursor", "next": path, "parameter": cursor}
            for path, address in follows
            if address or cursor is not None
        ]
        if len(styles) == len(follows) == 1:
            return {**styles[0], **(within if styles[0]["style"] == "cursor" else {})}
        for style, known in (("page", _PAGE), ("offset", _OFFSET)):
            if (name := first(known)) and size and not follows:
                assumed = "first: 1 and limit: 100 are assumed" if style == "page" else "limit: 100 is assumed"
                most = "the number of the first page, and the most" if style == "page" else "the most"
                text = f"{most} objects that a page may have, are not documented: {assumed}"
                self._ask("listing", text=text, about="paging")
                return {"style": style, style: name, "size": size, **within}
        pages = cursor or first(_PAGE) or first(_OFFSET)
        if pages is None and not follows:
            self._ask("listing", text="does the list come in pages when none is asked for?", about="paging")
            return {"style": "none"}
        self._unknown_pages(pages, [path for path, _ in follows], styles, is_counted=is_counted)
        return {"style": "none"}

    def _unknown_pages(self, takes: str | None, shows: list[str], styles: list[Entry], *, is_counted: bool) -> None:
        """Ask for the pages of a list that has some. Without a total, its first page would pass for all of it: the call
        waits for the answer too."""
        seen = [f"takes {takes}"] if takes is not None else []
        seen += [f"answers {', '.join(shows)}"] if shows else []
        why = f"the list {' and '.join(seen)}"
        self._ask(
            "listing",
            text=f"{why}: how is the next page asked for?",
            candidates=tuple(f"paging: {flow_text(style)}" for style in styles),
            about="paging",
        )
        if is_counted or self._calls.get("list") is None:
            return
        candidate = f"list: {flow_text(self._calls['list'])}"
        self._calls["list"] = None
        self._ask("operations", "list", text=f"{why}: its pages are not known (see listing)", candidates=(candidate,))

    def _detail(self, listing: Entry) -> None:
        rows, read = self._examples.rows(), self._examples.objects().get("read")
        row = rows[1] if rows is not None else None
        if row is None or read is None:
            self._ask("listing", text="does the list show as much of an object as a read?", about="detail")
        elif read.value.keys() - row.keys():
            listing["detail"] = "read"

    # --- single objects

    def item(self) -> None:
        """Where the answers have the object."""
        seen = self._examples.objects()
        paths = {operation: found.path for operation, found in seen.items() if found is not None}
        usual = paths.get("read", next(iter(paths.values()), None))
        if usual is not None:
            self._stanza["item"] = usual
        silent = []
        for operation, request in self._examples.requests.items():
            call = self._calls.get(operation)
            if operation in {"list", "delete"} or call is None:
                continue
            if operation not in seen:
                if not self._is_empty(operation, request, call):
                    silent.append(operation)
                continue
            found = seen[operation]
            if found is None:
                call["item"] = NO_ITEM
                if operation == "create":
                    self._created_id(request, call, usual)
            elif found.path is not None and found.path != usual:
                call["item"] = found.path
            elif found.path != usual:
                self._ask(
                    "item", text=f"the answer to {operation} is the object, and that to read has it under {usual}"
                )
        if silent:
            self._ask("item", text=f"no example shows the answer to {', '.join(sorted(silent))}")

    def _is_empty(self, operation: str, request: CollectionRequest, call: Entry) -> bool:
        """Whether an answer without a body is documented; then the call says so."""
        success = request.success
        if success is None or operation == "read":
            return False
        is_located = operation == "create" and "location" in success.headers
        if success.status != 204 and not is_located:
            return False
        call["item"] = NO_ITEM
        if operation == "create":
            call["id"] = "$location" if is_located else "$name"
        return True

    def _created_id(self, request: CollectionRequest, call: Entry, usual: str | None) -> None:
        """Where the answer to a create that shows no object has the id."""
        answer = request.answer
        values = dict(answer) if isinstance(answer, dict) else {}
        scalars = [key for key, value in values.items() if type_of(value) in _SCALARS]
        named = [key for key in scalars if self._examples.is_id(key)]
        alone = scalars if len(values) == 1 else [key for key in scalars if key == usual]
        success = request.success
        if found := named or alone:
            call["id"] = found[0]
        elif type_of(answer) in _SCALARS:
            call["id"] = "$answer"
        elif success is not None and "location" in success.headers:
            call["id"] = "$location"
        else:
            call["id"] = "$name"
            text = "the answer shows no id: is there a header Location? Until this is answered, the name is looked up"
            self._ask("operations", "create", text=text, about="id")


def next_paths(answer: JsonValue, *, depth: int = 0) -> list[tuple[str, JsonValue]]:
    """The dotted paths in an answer that say where the next page is, outside of its rows, and their values."""
    found: list[tuple[str, JsonValue]] = []
    for key, value in answer.items() if isinstance(answer, dict) and depth < 3 else ():
        if isinstance(value, dict):
            inner = next_paths(value, depth=depth + 1)
            leaves: list[tuple[str, Any]] = [each for each in value.items() if not isinstance(each[1], dict | list)]
            if not inner and _says_next(key):
                inner = [each for each in leaves if compact(each[0]) in _ADDRESS]
            found += [(f"{key}.{path}", each) for path, each in inner]
        elif _says_next(key) and not isinstance(value, list) and type_of(value) not in {"boolean", "integer"}:
            found.append((key, value))
    return found


def _says_next(key: str) -> bool:
    return not _NEXT.isdisjoint(words(key)) and not {"previou", "precedent", "has"} & {*words(key)}


def is_address(path: str, value: JsonValue) -> bool:
    """Whether the value under a path is the address of a page, and no cursor."""
    return (isinstance(value, str) and value.startswith(("http://", "https://", "/", "?"))) or compact(
        path.rpartition(".")[2]
    ) in _ADDRESS
