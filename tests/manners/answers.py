"""Manners of answers: errors, envelopes, what a write answers, and where a create says the id."""

from __future__ import annotations

from typing import Any, Final

from tests.manners.contracts import Answer, answering, both, enveloped, every, kind, operations, rows_in
from tests.manners.desk import Desk, Item, RefusalError, Reply
from tests.manners.story import Manner


def _failed(error: RefusalError) -> Reply:
    return 200, {"success": False, "error": {"code": error.code, "text": error.message}}, {}


def _ko(error: RefusalError) -> Reply:
    return 200, {"status": "KO", "errors": [{"code": error.code, "message": error.message}]}, {}


def _fault(error: RefusalError) -> Reply:
    return error.status, {"fault": {"errCode": error.code, "text": error.message}}, {}


def _listed(error: RefusalError) -> Reply:
    return error.status, {"errors": [{"code": error.code, "message": error.message}]}, {}


def _created(answer: Answer) -> dict[str, Any]:
    return {"answers": {"create": answer}}


def _located(_desk: Desk, kind_: str, item: Item, _shown: Item) -> Reply:
    return 201, None, {"location": f"/api/{kind_}s/{item['id']}"}


def _absolute(desk: Desk, kind_: str, item: Item, _shown: Item) -> Reply:
    return 201, None, {"location": f"{desk.url}/api/{kind_}s/{item['id']}?fresh=1"}


def _id(_desk: Desk, _kind: str, item: Item, _shown: Item) -> Reply:
    return 201, item["id"], {}


def _in_list(_desk: Desk, _kind: str, _item: Item, shown: Item) -> Reply:
    return 201, [shown], {}


def _result(_desk: Desk, _kind: str, item: Item, _shown: Item) -> Reply:
    return 201, {"result": item["id"]}, {}


def _result_id(_desk: Desk, _kind: str, item: Item, _shown: Item) -> Reply:
    return 201, {"result": {"id": item["id"]}}, {}


def _entity(_desk: Desk, _kind: str, item: Item, shown: Item) -> Reply:
    return 201, {"createdResourceId": item["id"], "entity": shown}, {}


def _id_alone(_desk: Desk, _kind: str, item: Item, _shown: Item) -> Reply:
    return 201, {"id": item["id"]}, {}


def _own_key(_desk: Desk, kind_: str, _item: Item, shown: Item) -> Reply:
    return 200, {kind_: shown}, {}


def _rows_by_kind(name: str, rows: list[Item], _call: object) -> Any:
    return {f"{name}s": rows}


def _writes(answer: Answer, *, create: Answer | None = None) -> dict[str, Any]:
    found = dict.fromkeys(("update", "delete", "command"), answer)
    return {"answers": found | ({"create": create} if create else {})}


SUCCESS = {
    "answers": {"*": enveloped("data", success=True), "read": enveloped("data", success=True)},
    "lists": {"*": rows_in("data", success=True), "list": rows_in("data", success=True)},
}
OK = {
    "answers": {"*": enveloped("data", status=200), "read": enveloped("data")},
    "lists": {"list": rows_in("data", status="OK")},
}
IN_DATA = every(item="data", listing={"items": "data"})

MANNERS: Final = (
    # --- errors
    Manner(
        "errors-of-another-form", {"errors": {"code": "fault.errCode", "message": "fault.text"}}, {"refused": _fault}
    ),
    Manner(
        "errors-in-a-list", {"errors": {"code": "errors.0.code", "message": "errors.0.message"}}, {"refused": _listed}
    ),
    Manner(
        "codes-of-another-form",
        both(
            {"errors": {"code_pattern": "E-[0-9]{4}", "meanings": {"codes": {"E-2060": "Nom deja pris"}}}},
            every(names={"taken": "E-2060"}),
        ),
        {
            "refused": lambda error: (
                error.status,
                {"code": error.code.replace("ERR_", "E-"), "message": error.message},
                {},
            )
        },
        refusal="E-2060",
    ),
    Manner(
        "errors-with-status-200",
        both(
            {
                "errors": {
                    "failed": {"path": "success", "is": False},
                    "absent": ["ERR_3000"],
                    "code": "error.code",
                    "message": "error.text",
                }
            },
            IN_DATA,
        ),
        {"refused": _failed, **SUCCESS},
    ),
    Manner(
        "errors-with-status-200-and-a-word",
        both(
            {
                "errors": {
                    "failed": {"path": "status", "is": "KO"},
                    "absent": ["ERR_3000"],
                    "code": "errors.0.code",
                    "message": "errors.0.message",
                }
            },
            IN_DATA,
        ),
        {"refused": _ko, **OK},
    ),
    # --- envelopes
    Manner(
        "everything-in-data",
        IN_DATA,
        {"answers": {"*": enveloped("data"), "read": enveloped("data")}, "lists": {"list": rows_in("data")}},
    ),
    Manner(
        "envelopes-by-kind",
        {
            "kinds": {
                name: {"item": name, "listing": {"items": f"{name}s"}} for name in ("service", "base", "field", "batch")
            }
        },
        {"answers": {"*": _own_key, "read": _own_key}, "lists": {"list": _rows_by_kind}},
    ),
    Manner(
        "deep-envelopes",
        every(item="answer.body.object", listing={"items": "answer.body.rows"}),
        {
            "answers": {
                "*": enveloped("answer", "body", "object"),
                "read": enveloped("answer", "body", "object"),
            },
            "lists": {"list": rows_in("answer", "body", "rows")},
        },
    ),
    Manner(
        "another-envelope-for-each-operation",
        operations(create={"item": "created"}, read={"item": "found.object"}, update={"item": "none"}),
        {
            "answers": {
                "create": enveloped("created", status=201),
                "read": enveloped("found", "object"),
                "update": answering({"changed": 1}),
            }
        },
    ),
    Manner(
        "only-reads-are-wrapped",
        operations(read={"item": "data"}),
        {"answers": {"read": enveloped("data")}},
    ),
    # --- answers to writes without the object
    Manner("writes-answer-204", knobs=_writes(answering(None, 204))),
    Manner("writes-answer-nothing-with-200", knobs=_writes(answering(None, 200))),
    Manner("writes-answer-success", knobs=_writes(answering({"success": True}))),
    Manner("writes-answer-true", knobs=_writes(answering(True))),
    Manner("writes-answer-ok", knobs=_writes(answering("OK"))),
    Manner("writes-answer-202", knobs=_writes(answering(None, 202))),
    Manner("writes-answer-a-count", knobs=_writes(answering(1))),
    Manner("writes-answer-an-empty-object", knobs=_writes(answering({}))),
    Manner("writes-answer-an-empty-list", knobs=_writes(answering([]))),
    Manner(
        "writes-are-said-to-answer-none",
        operations(update={"item": "none"}, delete={"item": "none"}),
        {"answers": {"update": answering({"id": "of-the-job"}), "delete": answering({"id": "of-the-job"})}},
    ),
    # --- where a create says the id
    Manner("a-create-answers-the-id-alone", knobs=_created(_id_alone)),
    Manner("a-create-answers-a-result", operations(create={"id": "result"}), _created(_result)),
    Manner("a-create-answers-a-result-with-an-id", operations(create={"id": "result.id"}), _created(_result_id)),
    Manner("a-create-answers-its-location", operations(create={"id": "$location"}), _created(_located)),
    Manner("a-create-answers-an-absolute-location", operations(create={"id": "$location"}), _created(_absolute)),
    Manner("a-create-answers-the-bare-id", operations(create={"id": "$answer"}), _created(_id)),
    Manner(
        "a-create-answers-a-bare-number",
        both(every(id={"type": "integer"}), operations(create={"id": "$answer"})),
        {**_created(_id), "numbered": frozenset({"service", "base", "field", "batch"})},
    ),
    Manner("a-create-answers-a-list-of-one", operations(create={"item": "0"}), _created(_in_list)),
    Manner(
        "a-create-answers-id-and-entity",
        operations(create={"id": "createdResourceId", "item": "entity"}),
        _created(_entity),
    ),
    Manner("a-create-answers-nothing", operations(create={"id": "$name"}), _created(answering(None, 201))),
    Manner("a-create-answers-success", operations(create={"id": "$name"}), _created(answering({"success": True}, 201))),
    Manner(
        "all-writes-answer-nothing",
        operations(create={"id": "$name"}),
        {"answers": {"*": answering(None, 204)}},
    ),
    Manner(
        "only-bases-answer-nothing",
        kind("base", operations={"create": {"id": "$name"}}),
        {"answers": {"base.create": answering(None, 201)}},
    ),
)
