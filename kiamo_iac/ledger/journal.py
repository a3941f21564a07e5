"""The journal of a run: what it was to do, every call that writes, and what became of each step; a line of JSON each.

    head      the run: environment, instance, project, when, from which commit
    step      one step of the plan, with what it replaces, and what is deleted with it
    call      an attempt of a call that writes, written before it is sent
    answer    what became of it
    result    what became of a step
    end       the run is over

The plan is the truth and the journal a witness: nothing but `undo` reads it. It holds no secret and no contacts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from kiamo_iac.core.address import Address
from kiamo_iac.core.common_records import ADDRESS, ENVIRONMENT, KIND, count, major, version_of
from kiamo_iac.core.errors import JournalError
from kiamo_iac.core.json_schema import Schema, closed, schema_document
from kiamo_iac.core.printable import quote
from kiamo_iac.core.record import (
    Form,
    Record,
    boolean,
    definitions,
    integer,
    list_of,
    mapping_of,
    nullable,
    one_of,
    remote_id,
    text,
    wrong,
)
from kiamo_iac.core.state import RemoteId
from kiamo_iac.core.strict_json import decode_json
from kiamo_iac.ledger.entry import COMMIT, TIME, WORD, address_of, dump, without_secrets
from kiamo_iac.resources import kinds

FORMAT_VERSION: Final = "1.1"
"""The first number changes when a reader of the old form would misread the new one."""
ACTIONS: Final = ("create", "update", "rename", "delete", "start", "pause", "stop")
STATUSES: Final = ("done", "failed", "not_tried")
MAX_BYTES: Final = 256 * 1024 * 1024
"""Of a journal that is read."""


@dataclass(frozen=True, slots=True)
class JournalHead:
    """What a run is."""

    run: str
    operation: str
    """`apply` or `undo`."""
    environment: str
    project: str
    """To whom the ledger belongs."""
    instance: str
    started_at: str
    tool_version: str
    commit: str | None = None
    """Of the manifests."""
    undoes: str | None = None
    """Of an undo: the run that it undoes."""


@dataclass(frozen=True, slots=True)
class ObjectImage:
    """An object that a step deletes together with its own."""

    address: Address
    kind: str
    attributes: Mapping[str, Any]
    """References are names; pass-through attributes are under `settings`."""


@dataclass(frozen=True, slots=True)
class JournalStep:
    """One step of the plan."""

    id: int
    action: str
    """As in a plan: `create`."""
    address: Address
    kind: str
    remote_id: RemoteId | None
    """None: it is created."""
    before: Mapping[str, Any]
    """What it replaces, as in `Step.before`."""
    after: Mapping[str, Any]
    with_it: tuple[ObjectImage, ...] = ()
    """Of a delete: what is below the object."""
    lost: str = ""
    """What no undo can bring back: `12 contacts`."""


@dataclass(frozen=True, slots=True)
class JournalCall:
    """An attempt of a call that writes."""

    n: int
    step: int | None
    """The id of the step; None: of none."""
    method: str
    path: str
    at: str
    also: tuple[int, ...] = ()
    """The ids of further steps that the same call makes."""


@dataclass(frozen=True, slots=True)
class JournalAnswer:
    """What became of an attempt."""

    n: int
    status: int | None
    """None: no whole response came; 0: the attempt was not sent."""
    at: str
    error: str = ""


@dataclass(frozen=True, slots=True)
class JournalResult:
    """What became of a step."""

    step: int
    status: str
    """`done`, `failed` or `not_tried`."""
    remote_id: RemoteId | None = None
    error: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class JournalEnd:
    """The end of a run."""

    at: str
    done: int
    failed: int
    not_tried: int
    interrupted: bool = False


def _attributes(description: str) -> Form[Mapping[str, Any]]:
    return Form(mapping_of(None, description).schema, _mapping, without_secrets)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if type(value) is dict else wrong("must be an object")


_IMAGE: Final = Record(
    ObjectImage,
    "An object that is deleted together with that of the step.",
    {
        "address": ADDRESS,
        "kind": KIND,
        "attributes": _attributes("As it was on the instance."),
    },
    definition="image",
)
_TIME: Final = text("RFC 3339, UTC, to the second.", pattern=TIME)
_NUMBER: Final = integer("The number of the call in this run.", minimum=1)
_STEP_ID: Final = integer("The id of the step in the plan.", minimum=1)
_ID: Final = remote_id("The id on the instance.")


RECORDS: Final[Mapping[str, Record[Any]]] = {
    # By the key of their line.
    "head": Record(
        JournalHead,
        "What the run is.",
        {
            "format_version": version_of(FORMAT_VERSION),
            "run": text("The id of the run.", pattern=WORD),
            "operation": one_of(("apply", "undo"), "What it does."),
            "environment": ENVIRONMENT,
            "project": text("The project."),
            "instance": text("The instance."),
            "started_at": _TIME,
            "tool_version": text("The version of kiamo-iac.", pattern=WORD),
            "commit": nullable(text("The git commit of the manifests.", pattern=COMMIT)),
            "undoes": nullable(text("Of an undo: the id of the run that it undoes.", pattern=WORD)),
        },
        definition="head",
    ),
    "step": Record(
        JournalStep,
        "A step of the plan, before any call.",
        {
            "id": _STEP_ID,
            "action": one_of(ACTIONS, "What is done."),
            "address": ADDRESS,
            "kind": KIND,
            "remote_id": _ID,
            "before": _attributes("The attributes concerned as they were."),
            "after": _attributes("The same as they were to be."),
            "with_it": list_of(_IMAGE, "Of a delete: the objects below."),
            "lost": text("What cannot be brought back: `12 contacts`."),
        },
        definition="step",
        optional={"with_it": [], "lost": ""},
    ),
    "call": Record(
        JournalCall,
        "An attempt of a call that writes; written before it is sent.",
        {
            "n": _NUMBER,
            "step": nullable(_STEP_ID),
            "method": text("The HTTP method."),
            "path": text("The path, without the query."),
            "at": _TIME,
            "also": list_of(_STEP_ID, "Further steps that it makes: the update of what the step renames."),
        },
        definition="call",
        optional={"also": []},
    ),
    "answer": Record(
        JournalAnswer,
        "What became of it.",
        {
            "n": _NUMBER,
            "status": nullable(integer("The HTTP status; 0: not sent; null: no whole response came.", minimum=0)),
            "at": _TIME,
            "error": text("Why there is no whole response."),
        },
        definition="answer",
        optional={"error": ""},
    ),
    "result": Record(
        JournalResult,
        "What became of a step.",
        {
            "step": _STEP_ID,
            "status": one_of(STATUSES, "What became of it."),
            "remote_id": _ID,
            "error": text("Why it failed."),
            "notes": list_of(text("A note."), "What there is to say of it."),
        },
        definition="result",
        optional={"remote_id": None, "error": "", "notes": []},
    ),
    "end": Record(
        JournalEnd,
        "The run is over.",
        {
            "at": _TIME,
            "done": count("Steps that are done."),
            "failed": count("Steps that failed."),
            "not_tried": count("Steps that were not tried."),
            "interrupted": boolean("Whether a signal ended it."),
        },
        definition="end",
    ),
}
_NEEDED: Final[Mapping[str, str]] = {"rename": "name", "start": "state", "pause": "state", "stop": "state"}
"""What a step of an action replaces."""
JournalLine = JournalHead | JournalStep | JournalCall | JournalAnswer | JournalResult | JournalEnd
_KEYS: Final[Mapping[type[JournalLine], str]] = {
    JournalHead: "head",
    JournalStep: "step",
    JournalCall: "call",
    JournalAnswer: "answer",
    JournalResult: "result",
    JournalEnd: "end",
}


def line_of(entry: JournalLine) -> bytes:
    """The line of an entry."""
    key = _KEYS[type(entry)]
    return f"{dump({key: RECORDS[key].data(entry)})}\n".encode()


def journal_schema() -> Schema:
    """The schema of any line of a journal."""
    lines = {key: record.schema for key, record in RECORDS.items()}
    body = closed(lines, "One line: what happened.", required=[]) | {"minProperties": 1, "maxProperties": 1}
    return schema_document(
        "journal",
        major(FORMAT_VERSION),
        title="A line of a journal of kiamo-iac",
        body=body,
        definitions=journal_definitions(),
    )


def journal_definitions() -> Schema:
    """The definitions that a schema with these records needs."""
    return definitions(*RECORDS.values(), _IMAGE)


# --- reading ---------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Journal:
    """A journal as it was read. One of a run that was killed has no end, and may lack its last line."""

    head: JournalHead
    steps: dict[int, JournalStep] = field(default_factory=dict)
    calls: dict[int, JournalCall] = field(default_factory=dict)
    """By their number."""
    answers: dict[int, JournalAnswer] = field(default_factory=dict)
    results: dict[int, JournalResult] = field(default_factory=dict)
    """By the id of the step."""
    end: JournalEnd | None = None
    by_step: dict[int | None, list[JournalCall]] = field(default_factory=dict)
    """The calls by the id of their step; None: of none. A journal may have many thousands of both."""

    def calls_of(self, step: int | None) -> list[JournalCall]:
        """The calls of a step, in their order; None: those of no step."""
        return self.by_step.get(step, [])

    def may_have_happened(self, step: int) -> bool:
        """Whether a step is done, or may have been done: a call of it was sent whose answer is unknown."""
        result = self.results.get(step)
        if result is not None and result.status == "done":
            return True
        return any(self._is_unknown(call) for call in self.calls_of(step))

    def _is_unknown(self, call: JournalCall) -> bool:
        answer = self.answers.get(call.n)
        status = answer.status if answer is not None else None
        return status is None or 200 <= status < 300 or status >= 500


def parse_journal(data: bytes, file: str) -> Journal:
    """The journal in `data`, the bytes of `file`. A last line without its end is left out.

    Raises:
        JournalError: it is damaged, or of another version; the message has the line.
    """
    journal: Journal | None = None
    for number, line in enumerate(data[: data.rfind(b"\n") + 1].split(b"\n")[:-1], start=1):
        try:
            entry = _entry_of(decode_json(line.decode()))
            if isinstance(entry, JournalHead) != (journal is None):
                wrong("the first line, and no other, must be the head")
        except ValueError as error:
            msg = f"The journal {file} is not one, or is damaged: line {number} {error}."
            raise JournalError(msg, hint="choose another run: kiamo-iac journal list") from None
        match entry:
            case JournalHead():
                journal = Journal(entry)
            case _ if journal is not None:
                _add(journal, entry)
    if journal is None:
        msg = f"The journal {file} is empty."
        raise JournalError(msg, hint="choose another run: kiamo-iac journal list")
    return journal


def _add(journal: Journal, entry: JournalLine) -> None:
    match entry:
        case JournalStep():
            journal.steps[entry.id] = entry
        case JournalCall():
            journal.calls[entry.n] = entry
            for step in (entry.step, *entry.also):
                journal.by_step.setdefault(step, []).append(entry)
        case JournalAnswer():
            journal.answers[entry.n] = entry
        case JournalResult():
            journal.results[entry.step] = entry
        case JournalEnd():
            journal.end = entry


def _entry_of(data: Any) -> JournalLine:
    if type(data) is not dict or len(data) != 1:
        wrong("must be an object with one key")
    ((key, value),) = data.items()
    record = RECORDS.get(key)
    if record is None:
        wrong(f"must have one of the keys {', '.join(RECORDS)}")
    entry: JournalLine = record.parse(value)
    if isinstance(entry, JournalStep):
        key = _NEEDED.get(entry.action)
        if key is not None and type(entry.before.get(key)) is not str:
            wrong(f'must have "{key}" in "before", which is replaced')
        for attributes in (entry.before, entry.after):
            _check_object(entry.address, entry.kind, attributes)
        for image in entry.with_it:
            _check_object(image.address, image.kind, image.attributes)
    return entry


def _check_object(address: Address, kind: str, attributes: Mapping[str, Any]) -> None:
    """
    Raises:
        ValueError: no resource of this kind has this address, a name that is not text, or settings that are none.
    """
    known = kinds().get(kind)
    if known is None or known.collection != address_of(str(address)).collection:
        wrong(f"must have a kind of resource and the address of one, not {quote(kind)} and {quote(address)}")
    names = [attributes.get("name", ""), *(name for each in known.references for name in each.names(attributes))]
    if any(type(name) is not str for name in names) or not isinstance(attributes.get("settings", {}), Mapping):
        wrong('must have strings as names, and an object as "settings"')
