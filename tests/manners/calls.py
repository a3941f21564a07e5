"""Manners of calls: token, prefix, routes, methods, bodies, commands."""

from __future__ import annotations

import json
from typing import Any, Final
from urllib.parse import parse_qsl

from tests.manners.contracts import KINDS, PATHS, answering, both, commands, kind, operations, wires
from tests.manners.desk import TOKEN, Call, RefusalError
from tests.manners.story import Manner

FRENCH = {"demarrer": "start", "suspendre": "pause", "arreter": "stop"}
STATE_WORDS = {"started": "start", "paused": "pause", "stopped": "stop"}


def _routes(**texts: str) -> dict[str, dict[str, str]]:
    """The same operations of all kinds: `METHOD suffix`, after the path of the kind."""
    return {
        name: {op: text.split(" ")[0] + " " + PATHS[name] + text.split(" ")[1] for op, text in texts.items()}
        for name in KINDS
    }


def _calls(**texts: str) -> dict[str, Any]:
    """The same in a contract."""
    found = _routes(**texts)
    return {
        "kinds": {
            name: {
                "operations": {
                    op: dict(zip(("method", "path"), text.split(" "), strict=True)) for op, text in each.items()
                }
            }
            for name, each in found.items()
        }
    }


def _same(**texts: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Contract and knobs of routes."""
    return _calls(**texts), {"routes": _routes(**texts)}


def _of_header(name: str) -> dict[str, Any]:
    return {"is_admitted": lambda call: TOKEN in call.headers.get(name, "")}


def _form(_kind: str, call: Call) -> Any:
    if call.headers.get("content-type", "").split(";")[0] != "application/x-www-form-urlencoded":
        raise RefusalError(415, "ERR_1000", "not a form")
    return json.loads(dict(parse_qsl(call.raw.decode()))["parameters"])


def _wrapped(key: str | None = None) -> Any:
    def read(name: str, call: Call) -> Any:
        (found,) = [value for k, value in call.json.items() if k == (key or name)]
        if len(call.json) != 1:
            raise RefusalError(400, "ERR_1020", "one key is expected")
        return found

    return read


def _wrapped_commands(key: str) -> dict[str, Any]:
    """Commands whose whole body the contract writes, under a key."""
    return commands(**{word: {"body": {key: {"command": word}}} for word in STATE_WORDS.values()})


def _each_command(method: str, path: str, **body: Any) -> dict[str, Any]:
    """Commands whose path, query or body differ by their name."""
    return {
        word: {"method": method, "path": path.replace("COMMAND", word), "body": body or None}
        for word in ("start", "pause", "stop")
    }


BATCH = "/bases/{base}/batches/{id}"
RESUME = {"resume": {"method": "PUT", "path": f"{BATCH}/command", "body": {"command": "resume"}, "basis": "assumed"}}

MANNERS: Final = (
    Manner("as-packaged"),
    # --- the token and the prefix
    Manner("token-in-another-header", {"auth": {"header": "X-Desk-Key"}}, _of_header("x-desk-key")),
    Manner("token-in-authorization", {"auth": {"header": "Authorization"}}, _of_header("authorization")),
    Manner(
        "token-in-the-query-too",
        {"auth": {"query": "token"}},
        {"is_admitted": lambda call: call.headers.get("kiamo-api-token") == call.query.get("token") == TOKEN},
    ),
    Manner("another-prefix", {"prefix": {"path": "/kiamo/rest/v9"}}, {"prefix": "/kiamo/rest/v9"}),
    Manner("no-prefix", {"prefix": {"path": ""}}, {"prefix": ""}),
    Manner(
        "one-basis-for-the-file",
        {
            "basis": "documented",
            "kinds": {"batch": {"operations": {"start": {"path": f"{BATCH}/go", "method": "POST", "body": {}}}}},
        },
        {"routes": {"batch": {"start": f"POST {BATCH}/go"}}},
    ),
    # --- routes and methods
    Manner(
        "routes-in-one-line",
        both(
            kind("service", routes={"all": "/files", "one": "/files/{id}"}),
            kind("base", routes={"all": "/listes", "one": "/listes/{id}"}),
        ),
        {
            "routes": {
                "service": {
                    "list": "GET /files",
                    "create": "POST /files",
                    "read": "GET /files/{id}",
                    "update": "PUT /files/{id}",
                    "delete": "DELETE /files/{id}",
                },
                "base": {
                    "list": "GET /listes",
                    "create": "POST /listes",
                    "read": "GET /listes/{id}",
                    "update": "PUT /listes/{id}",
                    "delete": "DELETE /listes/{id}",
                },
            }
        },
    ),
    Manner("patch", *_same(update="PATCH /{id}")),
    Manner("post-updates-an-object", *_same(update="POST /{id}")),
    Manner("post-to-update-and-to-delete", *_same(update="POST /{id}/update", delete="POST /{id}/delete")),
    Manner("put-creates", *_same(create="PUT ")),
    Manner("a-list-by-post", *_same(list="POST /search")),
    Manner("a-read-by-post", *_same(read="POST /{id}/get")),
    Manner(
        "paths-without-the-parent",
        both(
            kind(
                "field",
                operations={op: {"path": "/fields/{id}"} for op in ("read", "update", "delete")},
            ),
            kind("batch", operations={op: {"path": "/batches/{id}"} for op in ("read", "update", "delete")}),
        ),
        {
            "routes": {
                "field": {"read": "GET /fields/{id}", "update": "PUT /fields/{id}", "delete": "DELETE /fields/{id}"},
                "batch": {"read": "GET /batches/{id}", "update": "PUT /batches/{id}", "delete": "DELETE /batches/{id}"},
            }
        },
    ),
    Manner(
        "the-id-in-the-query",
        {
            "kinds": {
                name: {
                    "operations": {
                        op: {"path": PATHS[name], "query": {"key": "{id}"}} for op in ("read", "update", "delete")
                    }
                }
                for name in KINDS
            }
        },
        {"routes": _routes(read="GET ?key={id}", update="PUT ?key={id}", delete="DELETE ?key={id}")},
    ),
    Manner(
        "the-id-in-the-body",
        both(
            kind("service", operations={"update": {"path": "/services", "body": {"ref": "{id}"}}}),
            kind("base", operations={"delete": {"path": "/bases", "body": {"ref": "{id}"}}}),
        ),
        {
            "routes": {"service": {"update": "PUT /services"}, "base": {"delete": "DELETE /bases"}},
            "body_ids": {"service.update": {"id": "ref"}, "base.delete": {"id": "ref"}},
        },
    ),
    Manner(
        "create-and-update-are-one-call",
        kind("service", operations={"update": {"method": "POST", "path": "/services", "body": {"id": "{id}"}}}),
        {"routes": {"service": {"update": "POST /nowhere/{id}"}}, "upserts": {"service": "id"}},
    ),
    Manner(
        "a-put-of-a-name-makes-or-changes",
        both(
            kind(
                "service",
                identity="name",
                operations={
                    "create": {"method": "PUT", "path": "/services"},
                    "read": {"path": "/services/{name}"},
                    "update": {"path": "/services", "send": "whole"},
                    "delete": {"path": "/services/{name}"},
                },
            ),
            kind("batch", attributes={"service": {"by": "name"}}),
        ),
        {
            "routes": {"service": {"create": "PUT /services", "update": "PUT /nowhere/{id}"}},
            "upserts": {"service": "name"},
            "nameless": frozenset({"service"}),
        },
    ),
    Manner(
        "the-id-goes-back-with-an-update",
        kind("service", operations={"update": {"method": "POST", "path": "/services/save", "carry": ["id"]}}),
        {"routes": {"service": {"update": "POST /services/save"}}, "body_ids": {"service.update": {"id": "id"}}},
    ),
    Manner(
        "the-parent-in-the-body",
        both(
            kind("batch", operations={"create": {"path": "/batches", "body": {"base": "{base}"}}}),
            kind("field", operations={"create": {"path": "/fields", "body": {"ofBase": "{base}"}}}),
        ),
        {
            "routes": {"batch": {"create": "POST /batches"}, "field": {"create": "POST /fields"}},
            "body_ids": {"batch.create": {"base": "base"}, "field.create": {"base": "ofBase"}},
        },
    ),
    # --- bodies
    Manner(
        "a-create-with-a-fixed-value",
        kind("service", operations={"create": {"body": {"type": "voice"}}}),
        {"accepts": {"service": frozenset({"type"})}},
    ),
    Manner(
        "wrapped-by-kind",
        both({"calls": {"wrap": "$kind"}}, _wrapped_commands("batch")),
        {"unwrap": {"*": _wrapped()}},
    ),
    Manner(
        "wrapped-in-data",
        both({"calls": {"wrap": "data"}}, _wrapped_commands("data")),
        {"unwrap": {"*": _wrapped("data")}},
    ),
    Manner(
        "one-kind-is-wrapped",
        kind("base", calls={"wrap": "$kind"}),
        {"unwrap": {"base": _wrapped()}},
    ),
    Manner(
        "only-creates-are-wrapped",
        operations(create={"wrap": "$kind"}),
        {"unwrap": {"create": _wrapped()}},
    ),
    Manner("a-form-that-holds-json", {"calls": {"form": "parameters"}}, {"unwrap": {"*": _form}}),
    Manner(
        "one-operation-is-a-form",
        operations(update={"form": "parameters"}),
        {"unwrap": {"update": _form}},
    ),
    Manner(
        "a-form-with-wrapped-json",
        both({"calls": {"form": "parameters", "wrap": "$kind"}}, _wrapped_commands("batch")),
        {"unwrap": {"*": lambda name, call: _form(name, call)[name]}},
    ),
    # --- whole objects and versions
    Manner("a-put-replaces", operations(update={"send": "whole"}), {"is_whole": True}),
    Manner(
        "a-put-replaces-with-other-names",
        both(operations(update={"send": "whole"}), wires(base__label="title", batch__association="mapping")),
        {"is_whole": True, "names": {"base.label": "title", "batch.association": "mapping"}},
    ),
    Manner("a-version-goes-back", operations(update={"carry": ["version"]}), {"has_versions": True}),
    Manner(
        "a-version-goes-back-with-the-whole",
        operations(update={"carry": ["version"], "send": "whole"}),
        {"has_versions": True, "is_whole": True},
    ),
    Manner(
        "a-patch-with-a-version",
        both(_calls(update="PATCH /{id}"), operations(update={"carry": ["version"]})),
        {"routes": _routes(update="PATCH /{id}"), "has_versions": True},
    ),
    # --- commands
    Manner(
        "a-route-for-each-command",
        commands(**_each_command("POST", f"{BATCH}/COMMAND")),
        {"routes": {"batch": {word: f"POST {BATCH}/{word}" for word in ("start", "pause", "stop")}}},
    ),
    Manner(
        "commands-in-the-query",
        commands(
            **{w: {"method": "POST", "path": BATCH, "query": {"do": w}, "body": None} for w in STATE_WORDS.values()}
        ),
        {"routes": {"batch": {word: f"POST {BATCH}?do={word}" for word in STATE_WORDS.values()}}},
    ),
    Manner(
        "commands-as-updates-of-the-state",
        commands(**{w: {"path": BATCH, "body": {"state": state}} for state, w in STATE_WORDS.items()}),
        {"command": lambda body: STATE_WORDS.get(body.get("state"))},
    ),
    Manner(
        "commands-as-patches",
        commands(**{w: {"method": "PATCH", "path": BATCH, "body": {"state": s}} for s, w in STATE_WORDS.items()}),
        {
            "routes": {"batch": {"command": f"PATCH {BATCH}"}},
            "command": lambda body: STATE_WORDS.get(body.get("state")),
        },
    ),
    Manner(
        "commands-in-a-nested-body",
        commands(**{w: {"body": {"action": {"name": w, "force": False}}} for w in STATE_WORDS.values()}),
        {"command": lambda body: body["action"]["name"] if body.keys() == {"action"} else None},
    ),
    Manner(
        "commands-as-numbers",
        commands(start={"body": {"cmd": 1}}, pause={"body": {"cmd": 2}}, stop={"body": {"cmd": 3}}),
        {"command": lambda body: {1: "start", 2: "pause", 3: "stop"}.get(body.get("cmd"))},
    ),
    Manner(
        "commands-in-french",
        commands(
            start={"body": {"commande": "demarrer"}},
            pause={"body": {"commande": "suspendre"}},
            stop={"body": {"commande": "arreter"}},
        ),
        {
            "command": lambda body: {"demarrer": "start", "suspendre": "pause", "arreter": "stop"}.get(
                body.get("commande")
            )
        },
    ),
    Manner(
        "stop-is-a-call-of-another-form",
        commands(stop={"method": "POST", "path": "/batches/{id}/closing", "body": None}),
        {"routes": {"batch": {"stop": "POST /batches/{id}/closing"}}},
    ),
    Manner(
        "commands-with-the-id-in-the-body",
        commands(**{w: {"path": "/commands", "body": {"batch": "{id}", "command": w}} for w in STATE_WORDS.values()}),
        {"routes": {"batch": {"command": "PUT /commands"}}, "body_ids": {"batch.command": {"id": "batch"}}},
    ),
    Manner("resume-is-another-command", commands(**RESUME), {"has_resume": True}, resumes=True),
    Manner("start-also-resumes", resumes=True),
    Manner(
        "services-are-made-by-hand",
        kind("service", operations={"create": None, "update": None, "delete": None}),
        {"routes": {"service": dict.fromkeys(("create", "update", "delete"), "GET /nowhere")}},
        writes_services=False,
    ),
    Manner(
        "commands-are-answered-without-a-body",
        knobs={"answers": {"command": answering(None, 202)}},
    ),
)
