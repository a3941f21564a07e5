"""The bodies of requests: JSON, or forms that hold it, below a key or not, as an operation of the contract has it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final
from urllib.parse import parse_qsl

from kiamo_iac.contract.entries import EVERY_FIELD, Operation
from kiamo_iac.emulator.messages import EmulatorRequest
from kiamo_iac.emulator.refusal import Refusal

_FORM: Final = "application/x-www-form-urlencoded"


def body_of(request: EmulatorRequest, call: Operation) -> dict[str, Any]:
    """The JSON object in the body of a request.

    Raises:
        Refusal: ERR_1000 for a body that is not of the form of the operation, ERR_1020 for one that is not an object
            or too deep, ERR_1010 for one that lacks its key.
    """
    document = request.document() if call.form is None else _in_form(request, call.form)
    if call.wrap is None:
        return document
    inner = document.get(call.wrap, {} if call.body else None)
    if not isinstance(inner, dict):
        raise Refusal("ERR_1010")
    return {**{key: value for key, value in document.items() if key != call.wrap}, **inner}


def _in_form(request: EmulatorRequest, form: str) -> dict[str, Any]:
    if (request.header("content-type") or "").partition(";")[0].strip().lower() != _FORM:
        raise Refusal("ERR_1000")
    try:
        fields = dict(parse_qsl(request.body.decode(), keep_blank_values=True, strict_parsing=bool(request.body)))
    except ValueError as error:
        raise Refusal("ERR_1000") from error
    if form == EVERY_FIELD:
        return {key: _value(text) for key, text in fields.items()}
    return replace(request, body=fields.get(form, "").encode()).document()


def _value(text: str) -> Any:
    """What a field of a form holds: JSON where that is an object or a list, else a text."""
    try:
        return json.loads(text) if text[:1] in {"{", "["} else text
    except ValueError:
        return text


class RequestBody:
    """The body of one request, read once for each form that the contract has for its address."""

    def __init__(self, request: EmulatorRequest) -> None:
        self._request = request
        self._read: dict[tuple[str | None, str | None], dict[str, Any]] = {}

    def of(self, call: Operation) -> Mapping[str, Any]:
        """As `body_of`."""
        key = (call.form, call.wrap)
        if key not in self._read:
            self._read[key] = body_of(self._request, call)
        return self._read[key]
