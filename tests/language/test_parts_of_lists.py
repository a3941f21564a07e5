"""A contract that describes a list wrongly: a part never passes for the whole, and nothing is restarted for it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.language.conftest import Scene
from tests.language.platform import Called, Platform, RefusedError, Row, json_response
from tests.language.test_harm import Poor

BASES = ("clients", "prospects", "archives")


class TwoRows(Platform):
    """Two rows a page, with what `more` says of further ones."""

    more: dict[str, Any]

    def list_of(self, call: Called, rows: list[Any]) -> Any:
        at = (int(call.query.get("page", 1)) - 1) * 2
        page = rows[at : at + 2]
        return {"data": page, "count": len(page), **(self.more if at + 2 < len(rows) else {})}


def planned(scene: Scene, listing: str, platform: Platform) -> str:
    """What a plan says that must be refused."""
    scene.platform = platform
    for name in BASES:
        platform.seed("base", name=name)
    scene.contract(f"kinds:\n  base:\n    listing: {listing}\n  service: {{listing: {{items: data, whole: true}}}}\n")
    scene.manifest("bases: [{name: archives}]\n")
    code, said = scene.run("plan", "-e", "staging")
    assert code == 1, said
    return said


@pytest.mark.parametrize(
    ("paging", "more", "says"),
    [
        ("style: cursor, next: after", {"paging": {"next": "b"}}, '"paging.next" is the string "b"'),
        ("style: cursor, next: after", {"suivant": 3}, '"suivant" is the number 3'),
        ("style: next, url: next", {"links": {"next": "x"}}, '"links.next" is the string "x"'),
        ("style: link", {"has_more": True}, '"has_more" is true'),
        ("style: page, limit: 100", {"total": 3}, 'lists 2 objects, and "total" is 3'),
    ],
)
def test_the_last_page_does_not_say_that_more_follow(
    scene: Scene, paging: str, more: dict[str, Any], says: str
) -> None:
    platform = TwoRows()
    platform.more = more
    counted = ", total: count" if "page" in paging.split(",", maxsplit=1)[0] else ""
    said = planned(scene, f"{{items: data, paging: {{{paging}}}{counted}}}", platform)
    assert says in said
    assert "is a part of a list" in said


def test_an_address_that_is_elsewhere_names_the_entry(scene: Scene) -> None:
    platform = TwoRows()
    platform.more = {"meta": {"url": "/api/bases?page=2"}}
    said = planned(scene, "{items: data, paging: {style: next, url: meta.next}}", platform)
    assert '"meta.next" is missing, and "meta.url" is an address' in said
    assert "correct kinds.base.listing.paging.url (mine.yaml:3)" in said


def test_a_total_that_counts_a_page_ends_no_list(scene: Scene) -> None:
    platform = TwoRows()
    platform.more = {}
    said = planned(scene, "{items: data, total: count, paging: {style: page, limit: 2}}", platform)
    assert "correct kinds.base.listing.total (mine.yaml:3), which may count one page" in said


@pytest.mark.parametrize("beyond", ["empty", "refused", "the last again"])
def test_a_full_page_that_is_all_is_a_list(scene: Scene, beyond: str) -> None:
    class Full(Platform):
        def list_of(self, call: Called, rows: list[Any]) -> Any:
            if call.kind != "base":
                return rows
            at = (int(call.query["page"]) - 1) * 2
            if at >= len(rows) > 0 and beyond == "refused":
                raise RefusedError(404, "ERR_3000")
            return {"data": rows[at : at + 2] or (rows[-2:] if beyond != "empty" else []), "n": len(rows)}

    scene.platform = Full()
    for name in BASES[:2]:
        scene.platform.seed("base", name=name)
    paging = "{items: data, total: n, paging: {style: page, limit: 2}}"
    scene.contract(f"kinds: {{base: {{listing: {paging}}}}}\n")
    scene.manifest("bases: [{name: clients}, {name: prospects}]\n")
    scene.is_level()


def test_a_list_has_fewer_objects_than_were_asked_for(scene: Scene) -> None:
    class Limited(Platform):
        def list_of(self, call: Called, rows: list[Any]) -> Any:
            return {"data": rows[: int(call.query.get("limit", 100))]} if call.kind == "base" else rows

    scene.platform = Limited()
    for name in BASES:
        scene.platform.seed("base", name=name)
    contract = "kinds:\n  base:\n    listing: {items: data%s}\n    operations: %s\n"
    scene.manifest("bases: [{name: archives}]\n")
    scene.contract(contract % ("", "{list: {query: {limit: '2'}}}"))
    code, said = scene.run("plan", "-e", "staging")
    assert (code, 'it lists 2 objects, and the call asks for 2 by "limit"' in said) == (1, True), said
    scene.contract(contract % ("", "{list: {query: {limit: '4'}}}"))
    scene.is_level()
    scene.contract(contract % (", whole: true", "{list: {query: {limit: '3'}}}"))
    scene.is_level()


def test_rows_of_a_group_that_the_contract_lacks_are_not_left_out(scene: Scene) -> None:
    class Grouped(Platform):
        def list_of(self, call: Called, rows: list[Any]) -> Any:
            if call.kind != "field":
                return rows
            return {"default": rows[:1], "custom": [], "system": rows[1:], "tags": [{"id": 1}]}

    scene.platform = Grouped()
    base = scene.platform.seed("base", name="prospects", label="P")
    for name in ("phone", "city"):
        scene.platform.seed("field", base=base["id"], name=name, label=name, datatype="string")
    scene.manifest("bases: [{name: prospects, fields: [{name: city, label: city, datatype: string}]}]\n")
    listing = "kinds: {field: {listing: {groups: [default, custom%s]}}}\n"
    scene.contract(listing % "")
    code, said = scene.run("plan", "-e", "staging")
    assert (code, 'there are rows under "system", too' in said) == (1, True), said
    assert "correct kinds.field.listing.groups (mine.yaml:1)" in said
    scene.contract(listing % ", system")
    scene.is_level()
    code, said = scene.run("export", "-e", "staging")
    assert (code, "$group" in said) == (0, False), said


# --- a read that finds nothing ---


class Unreadable(Poor):
    """Its reads of some kinds have another address than the contract's."""

    kinds = ("batch",)

    def resolve(self, method: str, path: str, query: Any, body: Any) -> tuple[str, str, dict[str, str]]:
        found = super().resolve(method, path, query, body)
        if found[:2] in {(kind, "read") for kind in self.kinds}:
            raise RefusedError(404, "ERR_3000")
        return found


def running(platform: Platform) -> str:
    """A running batch, and its manifest."""
    sales = platform.seed("service", name="Sales")
    base = platform.seed("base", name="prospects")
    platform.seed("field", base=base["id"], name="phone", label="Phone", datatype="phone", default=True)
    row: Row = {"name": "spring", "service": sales["id"], "association": {"a": "phone"}, "state": "started"}
    platform.seed("batch", base=base["id"], **row)
    return (
        "services: [{name: Sales}]\nbases: [{name: prospects, batches: "
        "[{name: spring, service: Sales, association: {a: phone}, state: started}]}]\n"
    )


@pytest.mark.parametrize("detail", [False, True])
def test_what_is_listed_and_cannot_be_read_is_neither_changed_nor_gone(scene: Scene, detail: bool) -> None:
    scene.platform = Unreadable()
    scene.manifest(running(scene.platform))
    scene.contract("kinds: {batch: {listing: {detail: read}}}\n" if detail else "{}\n")
    code, said = scene.run("apply", "-e", "staging", "--yes", "--allow-start")
    assert (code, scene.platform.writes()) == (1, []), said
    assert 'The batch with the id "batch-4" is listed, and its read answers that it does not exist.' in said
    assert "correct kinds.batch.operations.read.path (" in said


@pytest.mark.parametrize("detail", [False, True])
def test_what_is_deleted_between_its_list_and_its_read_is_gone(scene: Scene, detail: bool) -> None:
    class Racing(Poor):
        def resolve(self, method: str, path: str, query: Any, body: Any) -> tuple[str, str, dict[str, str]]:
            found = super().resolve(method, path, query, body)
            if found[:2] == ("batch", "read"):
                self.rows["batch"].clear()
            return found

    scene.platform = Racing()
    scene.manifest(running(scene.platform))
    scene.contract("kinds: {batch: {listing: {detail: read}}}\n" if detail else "{}\n")
    code, said = scene.run("plan", "-e", "staging")
    assert (code, "+ create bases/prospects/batches/spring" in said) == (0, True), said


def test_a_status_that_is_not_found_is_no_object_that_is_gone(scene: Scene) -> None:
    class Stateless(Platform):
        def shown(self, kind: str, row: Row) -> Any:
            return {key: value for key, value in super().shown(kind, row).items() if key != "state"}

    scene.platform = Stateless()
    scene.manifest(running(scene.platform))
    status = "{method: GET, path: '/bases/{base}/batches/{id}/status', basis: assumed}"
    scene.contract(
        f"kinds: {{batch: {{operations: {{status: {status}}}, attributes: {{state: {{from: status}}}}, "
        "listing: {detail: read}}}\n"
    )
    code, said = scene.run("plan", "-e", "staging")
    assert (code, "check kinds.batch.operations.status.path (mine.yaml:1)" in said) == (1, True), said


def test_a_cursor_that_says_that_nothing_follows_is_believed(scene: Scene) -> None:
    class Ending(Platform):
        def list_of(self, call: Called, rows: list[Any]) -> Any:
            if call.kind != "base":
                return rows
            return json_response({"data": rows, "after": None, "next": {"limit": 2}, "paging": {"next": {"a": None}}})

    scene.platform = Ending()
    scene.platform.seed("base", name="prospects")
    listing = "{listing: {items: data, paging: {style: cursor, next: after}}}"
    scene.contract(f"kinds: {{base: {listing}}}\n")
    scene.manifest("bases: [{name: prospects}]\n")
    scene.is_level()
