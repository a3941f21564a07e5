"""What the contract can say: each manner, with the contract that describes it, through the whole story."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from tests.language.conftest import Scene
from tests.language.platform import Called, Platform, RefusedError, Row, json_response

KINDS = ("service", "base", "field", "batch")


def each(text: str, kinds: tuple[str, ...] = KINDS) -> str:
    """The same stanza for every kind."""
    return "kinds:\n" + "".join(f"  {kind}: {text}\n" for kind in kinds)


# --- requests ---


class Wrapped(Platform):
    """Requests and answers have the object under the kind's name."""

    def taken(self, call: Called) -> Row:
        (key,) = call.body
        assert key == call.kind
        return dict(call.body[key])

    def answered(self, call: Called, row: Row | None) -> Any:
        return {call.kind: self.shown(call.kind, row)} if row is not None else None


WRAPPED = "basis: documented\ncalls: {wrap: $kind}\nkinds:\n" + "".join(
    f"  {kind}: {{item: {kind}, operations: {{delete: {{item: none}}}}}}\n" for kind in KINDS
)


class OneParameter(Platform):
    """One form parameter holds the JSON."""

    def decode(self, request: httpx.Request) -> Any:
        content = request.read().decode()
        if not content:
            return None
        assert request.headers["content-type"] == "application/x-www-form-urlencoded"
        (found,) = parse_qs(content)["parameters"]
        return json.loads(found)


class Form(Platform):
    """Each attribute is a form field."""

    def decode(self, request: httpx.Request) -> Any:
        content = request.read().decode()
        found = {key: values[0] for key, values in parse_qs(content).items()}
        return {key: json.loads(text) if text[:1] in "[{" else text for key, text in found.items()} or None


class Posting(Platform):
    """Everything is a POST, to a path that names it."""

    def resolve(self, method: str, path: str, query: Any, body: Any) -> tuple[str, str, dict[str, str]]:
        verb = path.rpartition("/")[2]
        assert method == "POST", path
        if verb in {"list", "create"}:
            return super().resolve("GET" if verb == "list" else "POST", path.rpartition("/")[0], query, body)
        if verb in {"read", "update", "delete"}:
            methods = {"read": "GET", "update": "PUT", "delete": "DELETE"}
            return super().resolve(methods[verb], path.rpartition("/")[0], query, body)
        return super().resolve(method, path, query, body)


def posting(kind: str) -> str:
    base = "/bases/{base}" if kind in {"field", "batch"} else ""
    path = f"{base}/{ {'batch': 'batches'}.get(kind, kind + 's') }"
    calls = [f"{verb}: {{method: POST, path: '{path}/{verb}'}}" for verb in ("list", "create")]
    calls += [f"{verb}: {{method: POST, path: '{path}/{{id}}/{verb}'}}" for verb in ("read", "update", "delete")]
    if kind == "batch":
        calls += [f"{verb}: {{method: POST}}" for verb in ("start", "pause", "stop")]
    return f"  {kind}: {{operations: {{{', '.join(calls)}}}}}\n"


class Patching(Platform):
    """Updates are PATCH."""

    def resolve(self, method: str, path: str, query: Any, body: Any) -> tuple[str, str, dict[str, str]]:
        assert method != "PUT" or path.endswith("/command")
        return super().resolve(method, path, query, body)


class Replacing(Platform):
    """A PUT replaces the whole object, and wants the version that was read."""

    def make(self, kind: str, row: Row) -> Row:
        return {**super().make(kind, row), "meta": {"version": 1}, "color": "red"}

    def updated(self, row: Row, changes: Row) -> None:
        if changes.pop("meta", None) != row["meta"]:
            raise RefusedError(409, "ERR_1020")
        for key in [*row]:
            if key not in {"id", "base", "state", "default", "contacts", "meta"}:
                del row[key]
        row.update(changes)
        row["meta"] = {"version": row["meta"]["version"] + 1}


class Tongues(Platform):
    """A label per language; what is not sent of it is lost."""

    def make(self, kind: str, row: Row) -> Row:
        made = super().make(kind, row)
        label = made.get("label") or {}
        return {**made, "label": {"en": "E", **(label if isinstance(label, dict) else {"fr": label})}}

    def updated(self, row: Row, changes: Row) -> None:
        assert "label" not in changes or changes["label"]["en"] == "E"
        super().updated(row, changes)


# --- answers ---


class Saying(Platform):
    """No answer shows the object; a create answers as `said` has it."""

    said = "result"

    def answered(self, call: Called, row: Row | None) -> Any:
        if call.operation == "read":
            return self.shown(call.kind, row or {})
        if call.operation != "create" or row is None:
            return {"success": True}
        match self.said:
            case "result":
                return {"result": row["id"]}
            case "location":
                return json_response(None, 201, location=f"http://elsewhere.example/api/x/{row['id']}")
            case "bare":
                return row["id"]
            case "list":
                return [self.shown(call.kind, row)]
            case "entity":
                return {"createdResourceId": row["id"], "entity": self.shown(call.kind, row)}
            case _:
                return json_response(None, 202)


def creating(text: str) -> str:
    return each(f"{{operations: {{create: {{{text}}}, update: {{item: none}}, delete: {{item: none}}}}}}")


class Succeeding(Platform):
    """Errors have status 200."""

    def list_of(self, call: Called, rows: list[Any]) -> Any:
        return {"success": True, "data": rows}

    def answered(self, call: Called, row: Row | None) -> Any:
        return {"success": True, "data": self.shown(call.kind, row) if row is not None else None}

    def refused(self, error: RefusedError) -> httpx.Response:
        return json_response({"success": False, "errors": [{"code": error.code, "text": "No"}]})


# --- lists ---


class Pages(Platform):
    """Two rows a page; `style` says how the next one is reached."""

    style = "cursor"

    def list_of(self, call: Called, rows: list[Any]) -> Any:
        sent = call.body if self.style == "body" else call.query
        at = int((sent or {}).get("after", 0))
        more = at + 2 < len(rows)
        page = rows[at : at + 2]
        address = f"http://elsewhere.example/other?after={at + 2}&api_token=x" if more else None
        if self.style == "link":
            return json_response(page, link=f'<{address}>; rel="next"' if more else "")
        if self.style == "next":
            return {"data": page, "meta": {"next": address}}
        return {"data": page, "paging": {"next": {"after": at + 2}} if more else {}}

    def resolve(self, method: str, path: str, query: Any, body: Any) -> tuple[str, str, dict[str, str]]:
        is_search = path.endswith("/search")
        return super().resolve("GET" if is_search else method, path.removesuffix("/search"), query, body)


class Keyed(Platform):
    """Rows keyed by id."""

    def list_of(self, call: Called, rows: list[Any]) -> Any:
        return {"data": {row.pop("id"): row for row in rows}, "total": str(len(rows))}


class Grouped(Platform):
    """Fields in two groups, which say what is a default field."""

    def shown(self, kind: str, row: Row) -> Any:
        return {key: value for key, value in super().shown(kind, row).items() if key != "default"}

    def list_of(self, call: Called, rows: list[Any]) -> Any:
        if call.kind != "field":
            return rows
        default = [row for row in rows if row["name"] == "phone"]
        return {"fields": {"default": default, "custom": [row for row in rows if row not in default]}}


class Nested(Platform):
    """Each row has the object under a key."""

    def listed(self, kind: str, row: Row) -> Any:
        return {"score": 1, "entity": self.shown(kind, row)}


class Stateless(Platform):
    """No list shows a run state, nor anything but the name."""

    def listed(self, kind: str, row: Row) -> Any:
        return {"id": row["id"], "name": row["name"]}


# --- attributes ---


class Shapes(Platform):
    """A service as an object, an association as a list."""

    def taken(self, call: Called) -> Row:
        sent = dict(call.body)
        if "service" in sent:
            sent["service"] = sent["service"]["id"]
        if "association" in sent:
            sent["association"] = {entry["role"]: entry["field"]["name"] for entry in sent["association"]}
        return sent

    def shown(self, kind: str, row: Row) -> Any:
        found = super().shown(kind, row)
        if kind == "batch":
            found["service"] = {"id": row["service"], "name": "x"}
            roles = row.get("association") or {}
            found["association"] = [{"role": r, "field": {"name": f, "x": 1}, "y": 2} for r, f in roles.items()]
        return found


class Hrefs(Platform):
    """A service as an address, an association from role to object."""

    def taken(self, call: Called) -> Row:
        sent = dict(call.body)
        if "service" in sent:
            assert sent["service"].startswith("/api/services/")
            sent["service"] = sent["service"].rpartition("/")[2]
        if "association" in sent:
            sent["association"] = {role: entry["column"] for role, entry in sent["association"].items()}
        return sent

    def shown(self, kind: str, row: Row) -> Any:
        found = super().shown(kind, row)
        if kind == "batch":
            found["service"] = f"http://x.example/api/services/{row['service']}"
            found["association"] = {r: {"column": f} for r, f in (row.get("association") or {}).items()}
        return found


class ReadElsewhere(Platform):
    """Written as `service_id`, read as an object; the state is nested, in several words."""

    def taken(self, call: Called) -> Row:
        sent = dict(call.body)
        if "service_id" in sent:
            sent["service"] = sent.pop("service_id")
        return sent

    def shown(self, kind: str, row: Row) -> Any:
        found = super().shown(kind, row)
        if kind == "batch":
            found["service"] = {"id": row["service"], "name": "x"}
            state = found.pop("state")
            found["status"] = {"code": {"new": 0, "started": "EN COURS", "paused": "PAUSE", "stopped": 9}[state]}
        return found


class StatusCall(Platform):
    """The run state has an endpoint of its own."""

    def shown(self, kind: str, row: Row) -> Any:
        return {key: value for key, value in super().shown(kind, row).items() if key != "state"}

    def resolve(self, method: str, path: str, query: Any, body: Any) -> tuple[str, str, dict[str, str]]:
        if path.endswith("/status"):
            kind, _, ids = super().resolve("GET", path.removesuffix("/status"), query, body)
            return kind, "read", {**ids, "status": "1"}
        return super().resolve(method, path, query, body)

    def answered(self, call: Called, row: Row | None) -> Any:
        if "status" in call.ids and row is not None:
            return {"data": {"state": row["state"]}}
        return super().answered(call, row)


class Resuming(Platform):
    """What is paused is resumed; a start is refused."""

    def resolve(self, method: str, path: str, query: Any, body: Any) -> tuple[str, str, dict[str, str]]:
        kind, operation, ids = super().resolve(method, path, query, body)
        if operation == "start" and self.rows["batch"][ids["id"]]["state"] == "paused":
            raise RefusedError(409, "ERR_2100")
        return kind, operation, ids


class Named(Platform):
    """No ids: the name identifies."""

    def shown(self, kind: str, row: Row) -> Any:
        return {key: value for key, value in super().shown(kind, row).items() if key != "id"}

    def make(self, kind: str, row: Row) -> Row:
        base = self.rows["base"].get(row.get("base", ""))
        made = super().make(kind, row)
        return {**made, "id": f"{base['name']}~{row['name']}" if base else row["name"]}

    def resolve(self, method: str, path: str, query: Any, body: Any) -> tuple[str, str, dict[str, str]]:
        kind, operation, ids = super().resolve(method, path, query, body)
        if "base" in ids and "id" in ids:
            ids["id"] = f"{ids['base']}~{ids['id']}"
        return kind, operation, ids


class Inside(Platform):
    """Fields exist only inside their base, and have no id; an update of the base replaces them."""

    def resolve(self, method: str, path: str, query: Any, body: Any) -> tuple[str, str, dict[str, str]]:
        assert "/fields" not in path
        return super().resolve(method, path, query, body)

    def fields_of(self, base: Row) -> list[Row]:
        below = [row for row in self.rows["field"].values() if row["base"] == base["id"]]
        return [{key: value for key, value in row.items() if key not in {"id", "base"}} for row in below]

    def answered(self, call: Called, row: Row | None) -> Any:
        if call.kind == "base" and row is not None:
            return {"base": {**self.shown("base", row), "fields": self.fields_of(row)}}
        return super().answered(call, row)

    def updated(self, row: Row, changes: Row) -> None:
        fields = changes.pop("fields", None)
        if fields is not None:
            assert any(field["name"] == "phone" and field["default"] for field in fields)
            for key in [key for key, field in self.rows["field"].items() if field["base"] == row["id"]]:
                del self.rows["field"][key]
            for field in fields:
                self.seed("field", **field, base=row["id"])
        super().updated(row, changes)


def manner(platform: type[Platform], **attributes: Any) -> type[Platform]:
    """The manner with other settings."""
    return type(platform.__name__, (platform,), attributes)


LABELS = "".join(f"  {kind}: {{attributes: {{label: {{wire: label.fr}}}}}}\n" for kind in ("service", "base", "field"))
MANNERS: dict[str, tuple[type[Platform], str]] = {
    "wrapped": (Wrapped, WRAPPED),
    "one form parameter": (OneParameter, "calls: {form: parameters}\n"),
    "form fields": (Form, "calls: {form: $fields}\n"),
    "everything is a POST": (Posting, "kinds:\n" + "".join(posting(kind) for kind in KINDS)),
    "PATCH": (Patching, each("{operations: {update: {method: PATCH}}}")),
    "the whole object, with its version": (Replacing, each("{operations: {update: {send: whole, carry: [meta]}}}")),
    "a label per language": (Tongues, "kinds:\n" + LABELS),
    "create answers a result": (Saying, creating("id: result, item: none")),
    "create answers an address": (manner(Saying, said="location"), creating("id: $location, item: none")),
    "create answers the bare id": (manner(Saying, said="bare"), creating("id: $answer, item: none")),
    "create answers a list": (manner(Saying, said="list"), creating("item: '0'")),
    "create answers id and entity": (manner(Saying, said="entity"), creating("item: entity")),
    "create answers another id": (manner(Saying, said="entity"), creating("item: none, id: createdResourceId")),
    "create answers nothing": (manner(Saying, said="nothing"), creating("id: $name, item: none")),
    "errors with status 200": (
        Succeeding,
        "errors: {failed: {path: success, is: false}, code: errors.0.code, absent: [ERR_3000]}\n"
        + each("{item: data, listing: {items: data}, operations: {delete: {item: none}}}"),
    ),
    "cursor": (
        Pages,
        each("{listing: {items: data, paging: {style: cursor, next: paging.next.after, parameter: after}}}"),
    ),
    "next address": (
        manner(Pages, style="next"),
        "auth: {query: api_token}\n" + each("{listing: {items: data, paging: {style: next, url: meta.next}}}"),
    ),
    "Link header": (manner(Pages, style="link"), each("{listing: {paging: {style: link}}}")),
    "a list by POST, its cursor in the body": (
        manner(Pages, style="body"),
        "kinds:\n  base: {operations: {list: {method: POST, path: /bases/search}}, listing: {items: data, paging: "
        "{style: cursor, next: paging.next.after, parameter: after, within: body}}}\n"
        + "".join(f"  {kind}: {{listing: {{items: data, whole: true}}}}\n" for kind in ("service", "field", "batch")),
    ),
    "keyed rows": (Keyed, each("{listing: {items: data, keyed: id, total: total}}")),
    "groups": (
        Grouped,
        (
            "kinds:\n  field: {listing: {items: fields, groups: [default, custom]}, attributes: {default: "
            "{read: $group, values: {'true': default, 'false': custom}}}, operations: {read: null}}\n"
        ),
    ),
    "rows under a key": (Nested, each("{listing: {row: entity}}")),
    "a list without states": (Stateless, each("{listing: {detail: read}}")),
    "objects and lists": (
        Shapes,
        (
            "kinds: {batch: {attributes: {service: {shape: {id: $}}, "
            "association: {shape: [{role: $role, field: {name: $field}}]}}}}\n"
        ),
    ),
    "hrefs": (
        Hrefs,
        (
            "kinds: {batch: {attributes: {service: {shape: /api/services/$}, "
            "association: {shape: {$role: {column: $field}}}}}}\n"
        ),
    ),
    "read elsewhere": (
        ReadElsewhere,
        (
            "kinds: {batch: {attributes: {service: {wire: service_id, read: service.id}, state: {wire: status.code, "
            "values: {new: 0, started: [RUNNING, EN COURS], paused: [PAUSE], stopped: [9, 10], finished: 11}}}}}\n"
        ),
    ),
    "a status call": (
        StatusCall,
        (
            "basis: documented\nkinds: {batch: {operations: {status: {method: GET, "
            "path: '/bases/{base}/batches/{id}/status'}}, "
            "attributes: {state: {from: status, read: data.state}}}}\n"
        ),
    ),
    "resume": (
        Resuming,
        (
            "basis: documented\nkinds: {batch: {operations: {resume: {method: PUT, "
            "path: '/bases/{base}/batches/{id}/command', body: {command: resume}}}}}\n"
        ),
    ),
    "no ids": (Named, each("{identity: name}")),
    "fields inside the base": (
        Inside,
        (
            "kinds:\n  base: {item: base, operations: {delete: {item: none}}}\n"
            "  field: {identity: name, inside: {wire: fields, read: base.fields}}\n"
        ),
    ),
    "routes": (
        Platform,
        (
            "basis: documented\nkinds:\n  base: {routes: {all: /bases, one: '/bases/{id}'}}\n"
            "  batch: {routes: {all: '/bases/{base}/batches', one: '/bases/{base}/batches/{id}'}}\n"
        ),
    ),
}


@pytest.mark.parametrize("name", MANNERS)
def test_a_manner_carries_the_whole_story(scene: Scene, name: str) -> None:
    platform, contract = MANNERS[name]
    scene.platform = platform()
    scene.contract(contract)
    code, said = scene.run("contract", "check", str(scene.folder / "mine.yaml"))
    assert code == 0, said
    scene.story()
