"""Lists in pages: nothing twice, nothing missed, and an end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiamo_iac.api.budget import Budget
from kiamo_iac.api.listing import listed
from kiamo_iac.api.response import ApiResponse
from kiamo_iac.contract.file import load_contract
from kiamo_iac.contract.model import Contract, merge
from kiamo_iac.core.errors import BudgetError, ResponseError
from kiamo_iac.core.settings import LimitSettings
from tests.api.clients import client_of
from tests.http.stubs import Stub, reply

Pages = Callable[[Mapping[str, int]], Any]


def contract_with(listing: dict[str, Any]) -> Contract:
    data = merge(load_contract().model_dump(mode="json"), {"kinds": {"base": {"listing": listing}}})
    return Contract.model_validate(data)


def paged(style: str, limit: int, *, total: bool = True) -> Contract:
    paging = {"style": style, "page": "p", "offset": "from", "size": "max", "first": 0, "limit": limit}
    return contract_with({"items": "d.rows", "total": "d.count" if total else None, "paging": paging})


def take(item: Any, answer: ApiResponse) -> tuple[str, str]:
    return item["id"], item["id"]


def ask(contract: Contract, pages: Pages, budget: Budget | None = None) -> tuple[list[str], Stub]:
    def script(request: httpx.Request) -> httpx.Response:
        query = {key: int(values[0]) for key, values in parse_qs(request.url.query.decode()).items()}
        return reply(pages(query))

    stub = Stub(script)
    return listed(client_of(contract, stub, budget=budget), "base", {}, take=take), stub


def envelope(ids: list[str], total: int) -> dict[str, Any]:
    return {"d": {"rows": [{"id": id_} for id_ in ids], "count": total}}


def server(ids: list[str], style: str, *, most: int = 10_000) -> Pages:
    """A server that keeps to its contract, but gives no more than `most` at a time."""

    def pages(query: Mapping[str, int]) -> Any:
        size = min(query["max"], most)
        start = query["p"] * size if style == "page" else query["from"]
        return envelope(ids[start : start + size], len(ids))

    return pages


@given(
    count=st.integers(0, 23),
    limit=st.integers(1, 8),
    style=st.sampled_from(["page", "offset"]),
    total=st.booleans(),
    most=st.integers(1, 10),
)
def test_every_thing_comes_once_whatever_the_size_of_a_page(
    count: int, limit: int, style: str, total: bool, most: int
) -> None:
    ids = [f"i{n}" for n in range(count)]
    found, stub = ask(paged(style, limit, total=total), server(ids, style, most=most))
    assert found == ids
    pages = -(-count // min(limit, most))
    readings = 2 if pages and not total and len(stub.asked) > 1 else 1  # without a total they are compared
    assert readings * pages <= len(stub.asked) <= readings * (pages + 1)


def test_without_paging_it_is_one_call(contract: Contract) -> None:
    found, stub = ask(contract, lambda query: [{"id": "1"}, {"id": "2"}])
    assert (found, stub.asked) == (["1", "2"], ["GET /api/bases"])


def test_the_query_is_the_contracts() -> None:
    _, stub = ask(paged("page", 2), server(["a", "b", "c"], "page"))
    assert stub.asked == ["GET /api/bases?p=0&max=2", "GET /api/bases?p=1&max=2"]
    _, stub = ask(paged("offset", 2), server(["a", "b", "c"], "offset"))
    assert stub.asked == ["GET /api/bases?from=0&max=2", "GET /api/bases?from=2&max=2"]


@pytest.mark.parametrize("style", ["page", "offset"])
@pytest.mark.parametrize("total", [True, False])
def test_a_server_that_ignores_the_page_is_found_out(style: str, total: bool) -> None:
    with pytest.raises(ResponseError, match="the instance may ignore the page number") as caught:
        ask(paged(style, 2, total=total), lambda query: envelope(["a", "b"], 9))
    assert caught.value.hint is not None
    assert "kinds.base.listing" in caught.value.hint


@pytest.mark.parametrize("style", ["page", "offset"])
def test_a_list_without_an_end_is_given_up(style: str) -> None:
    def pages(query: Mapping[str, int]) -> Any:
        return envelope([f"{query.get('p', query.get('from'))}-{n}" for n in range(5)], 0)

    with pytest.raises(BudgetError, match=r"lists 5 rows, after 50 in earlier responses, and the limit .* is 50\."):
        ask(paged(style, 5, total=False), pages, Budget(LimitSettings(rows=50)))


@pytest.mark.parametrize("style", ["page", "offset"])
@pytest.mark.parametrize("total", [True, False])
def test_f21_a_list_that_grows_at_its_head_is_read_again(style: str, total: bool) -> None:
    ids, calls = ["a", "b", "c", "d", "e"], 0

    def pages(query: Mapping[str, int]) -> Any:
        nonlocal calls
        calls += 1
        if calls == 2:
            ids.insert(0, "new")
        return server(ids, style)(query)

    found, _ = ask(paged(style, 2, total=total), pages)
    assert found == ["new", "a", "b", "c", "d", "e"]


def test_f21_a_list_that_shrinks_at_its_head_is_read_again() -> None:
    ids, calls = ["a", "b", "c", "d", "e"], 0

    def pages(query: Mapping[str, int]) -> Any:
        nonlocal calls
        calls += 1
        if calls == 2:
            ids.pop(0)
        return server(ids, "page")(query)

    found, _ = ask(paged("page", 2), pages)
    assert found == ["b", "c", "d", "e"]


@pytest.mark.parametrize("style", ["page", "offset"])
def test_f21_a_list_without_a_total_that_shrinks_at_its_head_is_read_until_two_readings_agree(style: str) -> None:
    ids, calls = ["a", "b", "c", "d", "e"], 0

    def pages(query: Mapping[str, int]) -> Any:
        nonlocal calls
        calls += 1
        if calls == 2:
            ids.pop(0)
        return server(ids, style)(query)

    found, _ = ask(paged(style, 2, total=False), pages)
    assert found == ["b", "c", "d", "e"]


def test_f21_a_list_that_never_holds_still_is_an_error() -> None:
    calls = 0

    def pages(query: Mapping[str, int]) -> Any:
        nonlocal calls
        calls += 1
        return envelope([f"{calls}a", f"{calls}b"], 10 + calls)

    with pytest.raises(ResponseError, match="change while they are read"):
        ask(paged("page", 2), pages)


@pytest.mark.parametrize("total", [True, False])
def test_the_writes_of_a_run_wait_while_a_list_that_they_shift_is_read_again(total: bool) -> None:
    ids = [f"i{n}" for n in range(60)]
    begun, ended = threading.Event(), threading.Event()

    def script(request: httpx.Request) -> httpx.Response:
        if request.method == "DELETE":
            ids.remove(request.url.path.rpartition("/")[2])
            return reply(None, status=204)
        begun.set()
        time.sleep(0.005)  # in which one write at least is made, unless it waits
        query = {key: int(values[0]) for key, values in parse_qs(request.url.query.decode()).items()}
        return reply(server(ids, "page")(query))

    client = client_of(paged("page", 4, total=total), Stub(script))

    def delete() -> None:
        begun.wait()
        for id_ in list(ids[:40]):
            client.call("base", "delete", {"id": id_})
            time.sleep(0.01)
        ended.set()

    with ThreadPoolExecutor() as pool:
        deleting = pool.submit(delete)
        found = listed(client, "base", {}, take=take)
        assert not ended.is_set(), "the list was read after the writes, which shows nothing"
        deleting.result()
    assert set(found) >= set(ids)
    assert len(ids) == 20


def test_a_total_that_does_not_hold_is_an_error() -> None:
    rows = [["a", "b"], ["c"], []]
    with pytest.raises(ResponseError, match="list 3 objects, but the instance counts 4"):
        ask(paged("page", 2), lambda query: envelope(rows[query["p"]], 4))


SHAPES = [
    ({"d": {"count": 1}}, '"d.rows" must be a list, got nothing'),
    ({"d": None}, '"d.rows" must be a list, got nothing'),
    ([], '"d.rows" must be a list, got nothing'),
    ({"d": {"rows": {"a": 1}, "count": 1}}, '"d.rows" must be a list, got an object'),
    ({"d": {"rows": [], "count": "some"}}, '"d.count" must be a count, got the string "some"'),
    ({"d": {"rows": [], "count": True}}, '"d.count" must be a count, got true'),
    ({"d": {"rows": []}}, '"d.count" must be a count, got nothing'),
]


@pytest.mark.parametrize(("data", "says"), SHAPES)
def test_f17_another_shape_names_the_call(data: Any, says: str) -> None:
    with pytest.raises(ResponseError) as caught:
        ask(paged("page", 2), lambda query: data)
    assert str(caught.value) == f"The response to GET /api/bases does not match the contract: {says}."


def test_the_same_id_twice_in_a_list_of_one_page(contract: Contract) -> None:
    with pytest.raises(ResponseError, match="two objects have the same id"):
        ask(contract, lambda query: [{"id": "1"}, {"id": "1"}])


def test_no_answer_where_a_list_should_be(contract: Contract) -> None:
    with pytest.raises(ResponseError, match="the body must be a list, got null"):
        ask(contract, lambda query: None)
