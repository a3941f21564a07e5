"""Calls that stay within the process."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from kiamo_iac.api.client import Client
from kiamo_iac.contract.model import Contract
from kiamo_iac.core.secret import Secret
from kiamo_iac.http.transport import InProcess
from tests.http.stubs import CANARY, URL


class Asked(NamedTuple):
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


class Told(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: bytes


def test_a_call_reaches_the_function_as_it_would_a_server(contract: Contract) -> None:
    asked: list[Asked] = []

    def handle(request: Asked) -> Told:
        asked.append(request)
        return Told(201, {"content-type": "application/json"}, b'{"id": "1"}')

    transport = InProcess(handle, request=Asked)
    with Client(URL, Secret(CANARY), contract, transport=transport) as client:
        answer = client.call("field", "create", {"base": "a é"}, body={"name": "x"}, query={"q": "a&b=", "empty": ""})
    (request,) = asked
    assert (answer.status, answer.data) == (201, {"id": "1"})
    assert (request.method, request.path) == ("POST", "/api/bases/a%20%C3%A9/fields")
    assert request.query == {"q": "a&b=", "empty": ""}
    assert request.body == b'{"name":"x"}'
    headers: dict[str, Any] = {key.lower(): value for key, value in request.headers.items()}
    assert headers["kiamo-api-token"] == CANARY
    assert headers["content-type"] == "application/json"
