"""Manners of lists: envelopes, totals, pages, and what a list shows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from tests.manners.contracts import attributes, both, every, kind
from tests.manners.desk import Call, Item
from tests.manners.story import Manner

SIZE = 2
Listing = Callable[[str, list[Item], Call], Any]
ALL = frozenset({"service", "base", "field", "batch"})


def _lists(form: Listing) -> dict[str, Any]:
    return {"lists": {"list": form}}


def _page(rows: list[Item], call: Call, *, first: int = 1, page: str = "page") -> list[Item]:
    start = (int(call.query.get(page, first)) - first) * SIZE
    return rows[start : start + SIZE]


def _paging(**entries: Any) -> dict[str, Any]:
    listing = {key: entries.pop(key) for key in ("items", "total") if key in entries}
    return every(listing={**listing, "paging": entries})


def _cursor(end: Callable[[Item], None]) -> Listing:
    def form(_kind: str, rows: list[Item], call: Call) -> Any:
        start = int(call.query.get("after") or "0")
        found: Item = {"results": rows[start : start + SIZE], "paging": {"next": {"after": str(start + SIZE)}}}
        if start + SIZE >= len(rows):
            end(found)
        return found

    return form


def _next(form: str) -> Listing:
    def answer(_kind: str, rows: list[Item], call: Call) -> Any:
        start = int(call.query.get("offset") or "0")
        more = start + SIZE < len(rows)
        url = form.format(path=call.path, offset=start + SIZE)
        return {"data": rows[start : start + SIZE], "meta": {"next": url if more else None}}

    return answer


def _link(_kind: str, rows: list[Item], call: Call) -> Any:
    start = int(call.query.get("offset") or "0")
    links = [f'<http://kiamo.internal{call.path}?offset=0>; rel="first"']
    if start + SIZE < len(rows):
        links.insert(0, f'<http://kiamo.internal{call.path}?offset={start + SIZE}>; rel="next"')
    return 200, rows[start : start + SIZE], {"link": ", ".join(links)}


def _keyed(_kind: str, rows: list[Item], _call: Call) -> Any:
    return {str(row["id"]): {key: value for key, value in row.items() if key != "id"} for row in rows}


def _groups(name: str, rows: list[Item], _call: Call) -> Any:
    if name != "field":
        return rows
    return {"default": [r for r in rows if r["default"]], "custom": [r for r in rows if not r["default"]]}


def _hiding(**hidden: str) -> dict[str, Any]:
    return {"list_hides": {name: frozenset(wires.split()) for name, wires in hidden.items()}}


OF_BASE = {
    "batch": lambda _, item: {"baseRef": item["base"]},
    "field": lambda desk, item: {"baseRef": _base_of(desk, item)},
}


def _base_of(desk: Any, item: Item) -> Any:
    return next(base["id"] for base in desk.items["base"].values() if item["id"] in base["fields"])


MANNERS: Final = (
    # --- envelopes and totals
    Manner(
        "rows-in-data-items", every(listing={"items": "data.items"}), _lists(lambda _k, r, _c: {"data": {"items": r}})
    ),
    Manner(
        "a-total-beside-all-rows",
        every(listing={"items": "rows", "total": "total"}),
        _lists(lambda _k, r, _c: {"rows": r, "total": len(r)}),
    ),
    Manner(
        "a-total-as-text",
        every(listing={"items": "rows", "total": "page.total"}),
        _lists(lambda _k, r, _c: {"rows": r, "page": {"total": str(len(r))}}),
    ),
    Manner(
        "a-list-that-says-that-it-is-whole",
        every(listing={"items": "rows"}),
        _lists(lambda _k, r, _c: {"rows": r, "has_more": False, "next": None}),
    ),
    Manner("rows-by-id", every(listing={"keyed": "id"}), _lists(_keyed)),
    Manner(
        "rows-by-id-in-an-envelope",
        every(listing={"items": "objects", "keyed": "id"}),
        _lists(lambda k, r, c: {"objects": _keyed(k, r, c)}),
    ),
    Manner("rows-in-groups", kind("field", listing={"groups": ["default", "custom"]}), _lists(_groups)),
    # --- pages
    Manner("pages-from-1", _paging(style="page", limit=SIZE), _lists(lambda _k, r, c: _page(r, c))),
    Manner(
        "pages-from-0",
        _paging(style="page", page="p", first=0, limit=SIZE),
        _lists(lambda _k, r, c: _page(r, c, first=0, page="p")),
    ),
    Manner(
        "pages-with-a-total",
        _paging(style="page", limit=SIZE, items="rows", total="count"),
        _lists(lambda _k, r, c: {"rows": _page(r, c), "count": len(r)}),
    ),
    Manner(
        "pages-with-a-total-as-text",
        _paging(style="page", limit=SIZE, items="rows", total="count"),
        _lists(lambda _k, r, c: {"rows": _page(r, c), "count": str(len(r))}),
    ),
    Manner(
        "offsets",
        _paging(style="offset", offset="from", size="max", limit=SIZE),
        _lists(lambda _k, r, c: r[int(c.query["from"]) :][: int(c.query["max"])]),
    ),
    Manner(
        "offsets-with-a-total",
        _paging(style="offset", limit=SIZE, items="rows", total="n"),
        _lists(lambda _k, r, c: {"rows": r[int(c.query["offset"]) :][:SIZE], "n": len(r)}),
    ),
    Manner(
        "a-cursor",
        _paging(style="cursor", next="paging.next.after", parameter="after", items="results"),
        _lists(_cursor(lambda found: found.pop("paging"))),
    ),
    Manner(
        "a-cursor-that-ends-with-null",
        _paging(style="cursor", next="paging.next.after", parameter="after", items="results"),
        _lists(_cursor(lambda found: found["paging"].update(next={"after": None}))),
    ),
    Manner(
        "a-cursor-that-ends-empty",
        _paging(style="cursor", next="paging.next.after", parameter="after", items="results"),
        _lists(_cursor(lambda found: found["paging"].update(next={"after": ""}))),
    ),
    Manner(
        "the-url-of-the-next-page",
        _paging(style="next", url="meta.next", items="data"),
        _lists(_next("http://kiamo.internal{path}?offset={offset}")),
    ),
    Manner(
        "the-path-of-the-next-page",
        _paging(style="next", url="meta.next", items="data"),
        _lists(_next("{path}?offset={offset}")),
    ),
    Manner(
        "the-query-of-the-next-page",
        _paging(style="next", url="meta.next", items="data"),
        _lists(_next("?offset={offset}")),
    ),
    Manner("the-link-header", _paging(style="link"), _lists(_link)),
    # --- lists that show less than a read
    Manner("a-list-without-associations", kind("batch", listing={"detail": "read"}), _hiding(batch="association")),
    Manner(
        "a-list-of-ids-and-names",
        every(listing={"detail": "read"}),
        _hiding(
            service="label",
            base="label motd contacts",
            field="label datatype default",
            batch="service association state contacts",
        ),
    ),
    Manner("a-list-without-states", kind("batch", listing={"detail": "read"}), _hiding(batch="state")),
    Manner("a-list-without-labels-undeclared", knobs=_hiding(base="label motd", service="label", field="label")),
    Manner("a-list-without-associations-undeclared", knobs=_hiding(batch="association")),
    # --- one list for all parents
    Manner(
        "one-list-of-all-batches",
        kind(
            "batch",
            parent_wire="baseRef",
            operations={
                "list": {"path": "/batches"},
                "create": {"path": "/batches", "body": {"baseRef": "{base}"}},
            },
        ),
        {
            "routes": {"batch": {"list": "GET /batches", "create": "POST /batches"}},
            "body_ids": {"batch.create": {"base": "baseRef"}},
            "adds": OF_BASE,
        },
        archive={},
    ),
    Manner(
        "one-list-of-all-batches-with-nested-parents",
        kind("batch", parent_wire="parent.id", operations={"list": {"path": "/batches"}}),
        {
            "routes": {"batch": {"list": "GET /batches"}},
            "adds": {"batch": lambda _, item: {"parent": {"id": item["base"], "kind": "base"}}},
        },
        archive={},
    ),
    Manner(
        "lists-by-parent-in-the-query",
        both(
            kind("batch", operations={"list": {"path": "/batches", "query": {"base": "{base}"}}}),
            kind("field", operations={"list": {"path": "/fields", "query": {"base": "{base}"}}}),
        ),
        {"routes": {"batch": {"list": "GET /batches?base={base}"}, "field": {"list": "GET /fields?base={base}"}}},
        archive={},
    ),
    # --- fields
    Manner(
        "fields-only-inside-the-base",
        kind("field", inside={"wire": "fields", "read": "fields", "write": "update"}),
        {
            "inside": True,
            "routes": {"field": dict.fromkeys(("list", "create", "read", "update", "delete"), "GET /nowhere")},
        },
    ),
    Manner(
        "fields-inside-the-base-without-ids",
        kind("field", identity="name", inside={"wire": "fields", "read": "fields", "write": "update"}),
        {
            "inside": True,
            "nameless": frozenset({"field"}),
            "routes": {"field": dict.fromkeys(("list", "create", "read", "update", "delete"), "GET /nowhere")},
        },
    ),
    Manner("fields-are-not-sent-with-the-base", kind("base", embedded=None), {"names": {"base.fields": "columns"}}),
    Manner(
        "fields-are-sent-under-another-name",
        kind("base", embedded={"field": {"wire": "columns"}}),
        {"names": {"base.fields": "columns"}},
    ),
    Manner(
        "another-default-field",
        kind("field", made_with_parent={"things": [{"name": "telephone", "label": "Tel", "datatype": "phone"}]}),
        {"default_field": {"name": "telephone", "label": "Tel", "datatype": "phone", "default": True}},
        first="telephone",
    ),
    Manner("no-default-field", kind("field", made_with_parent=None), {"default_field": None}, first="ville"),
    Manner("flags-are-not-shown", attributes("field", default=None), {"hides": {"field": frozenset({"default"})}}),
)
