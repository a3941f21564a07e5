"""Instances that show a secret masked, or not at all: it is sent once, and no plan goes on about it for ever."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from kiamo_iac.cli.main import run
from kiamo_iac.cli.session import Session
from kiamo_iac.emulator import EmulatorRequest
from kiamo_iac.emulator.messages import EmulatorResponse
from kiamo_iac.http.transport import InProcess
from tests.cli.conftest import Desk

MASKS: dict[str, Any] = {
    "stars": "********",
    "three": "***",
    "bullets": "••••",
    "dots": "●●●●●",
    "x": "XXXXXXXX",
    "small x": "xxxxx",
    "hidden": "<hidden>",
    "redacted": "[REDACTED]",
    "in brackets": "(hidden)",
    "underscores": "__masked__",
    "braces": "{{secret}}",
    "French": "[masqué]",
    "a part": "sk_****c42",
    "bare": "hidden",
    "ellipsis": "…",
    "only that there is one": True,
    "empty": "",
    "null": None,
    "absent": ...,
}


def masked(value: dict[str, Any], mask: Any) -> dict[str, Any]:
    """An object as such an instance shows it."""
    shown = {k: masked(v, mask) if isinstance(v, dict) else v for k, v in value.items()}
    secret = {"smtp_password", "secret"} & shown.keys()
    if mask is ...:
        return {key: inner for key, inner in shown.items() if key not in secret}
    return shown | dict.fromkeys(secret, mask)


@dataclass
class Foreign:
    """A Kiamo that shares no code with the tool: bases and their batches, one service, and secrets that it masks."""

    mask: Any
    echoes: bool = False
    """The answer to a write shows the secret, once."""
    bases: dict[str, dict[str, Any]] = field(default_factory=dict)
    batches: dict[str, dict[str, Any]] = field(default_factory=dict)
    calls: list[tuple[str, str, Any]] = field(default_factory=list)

    def handle(self, request: EmulatorRequest) -> EmulatorResponse:
        body = json.loads(request.body) if request.body else None
        if request.method != "GET":
            self.calls.append((request.method, request.path, body))
        status, data = self._answer(request.method, request.path.removeprefix("/api").split("/")[1:], body)
        return EmulatorResponse(status, {"content-type": "application/json"}, json.dumps(data).encode())

    def _answer(self, method: str, path: list[str], body: Any) -> tuple[int, Any]:
        match method, path:
            case "GET", ["services"]:
                return 200, [{"id": "s", "name": "Ventes", "label": "Ventes"}]
            case "GET", ["services", _]:
                return 200, {"id": "s", "name": "Ventes", "label": "Ventes"}
            case "GET", ["bases"]:
                return 200, [masked(base, self.mask) for base in self.bases.values()]
            case "GET", ["bases", base]:
                return (200, masked(self.bases[base], self.mask)) if base in self.bases else (404, {})
            case "GET", ["bases", _, "fields"]:
                return 200, [{"id": "f", "name": "phone", "label": "Phone", "datatype": "phone", "default": True}]
            case "GET", ["bases", _, "batches"]:
                return 200, [masked(batch, self.mask) for batch in self.batches.values()]
            case "GET", ["bases", _, "batches", batch]:
                return 200, masked(self.batches[batch], self.mask)
            case "POST", ["bases"]:
                body.pop("fields", None)
                return self._made(self.bases, body)
            case "POST", ["bases", _, "batches"]:
                return self._made(self.batches, {"state": "new", **body})
            case "PUT", ["bases", _, "batches", batch, "command"]:
                self.batches[batch]["state"] = {"start": "started", "pause": "paused"}[body["command"]]
                return 200, masked(self.batches[batch], self.mask)
            case "PUT", ["bases", _, "batches", batch]:
                return self._changed(self.batches[batch], body)
            case "PUT", ["bases", base]:
                return self._changed(self.bases[base], body)
            case _:
                return 404, {}

    def _made(self, things: dict[str, dict[str, Any]], body: dict[str, Any]) -> tuple[int, Any]:
        made = things[f"i{len(things)}"] = {"id": f"i{len(things)}", **body}
        return 201, made if self.echoes else masked(made, self.mask)

    def _changed(self, thing: dict[str, Any], body: dict[str, Any]) -> tuple[int, Any]:
        thing.update(body)
        return 200, thing if self.echoes else masked(thing, self.mask)


Run = Callable[..., tuple[int, str, str]]


def running(desk: Desk, foreign: Foreign) -> Run:
    def go(*arguments: str) -> tuple[int, str, str]:
        code = run(arguments, session=Session(transport=InProcess(foreign.handle, request=EmulatorRequest)))
        captured = desk.capture.readouterr()
        assert "Kanari" not in captured.out + captured.err
        return code, captured.out, captured.err

    return go


MANIFEST = """\
services: [{{name: Ventes}}]
bases:
  - name: prospects
    label: {label}
    settings:
      smtp_password: {secret}
      deep: {{host: mail, secret: Kanari-43}}
    batches:
      - name: relance
        service: Ventes
        association: {{destination: phone}}
        state: started
        settings: {{secret: Kanari-44}}
"""
APPLY = ("apply", "-e", "staging", "--yes", "--allow-start")


def declared(desk: Desk, *, label: str = "A", secret: str = "Kanari-42") -> None:
    desk.manifest(MANIFEST.format(label=label, secret=secret))


@pytest.mark.parametrize("echoes", [False, True])
@pytest.mark.parametrize("mask", MASKS)
def test_s16_a_secret_that_reads_back_masked_is_sent_once_and_then_not_compared(
    desk: Desk, mask: str, echoes: bool
) -> None:
    foreign = Foreign(MASKS[mask], echoes)
    go = running(desk, foreign)
    declared(desk)
    code, out, err = go(*APPLY)
    assert code == 0, out + err
    assert foreign.bases["i0"]["smtp_password"] == "Kanari-42"
    assert foreign.bases["i0"]["deep"] == {"host": "mail", "secret": "Kanari-43"}
    assert foreign.batches["i0"]["secret"] == "Kanari-44"
    assert foreign.batches["i0"]["state"] == "started"
    foreign.calls.clear()
    code, out, err = go("plan", "-e", "staging", "--detailed-exitcode")
    assert code == 0, out + err
    assert "No changes" in out
    assert out.count("note KIA0610") == 2
    assert '"settings.smtp_password" and "settings.deep.secret" of bases/prospects read back masked' in out
    assert (
        '"settings.secret" of bases/prospects/batches/relance reads back masked: it is sent once and not compared'
        in out
    )
    assert "kiamo-iac adopt bases/prospects, then apply" in out
    assert "No drift" in go("drift", "-e", "staging")[1]
    assert go(*APPLY)[0] == 0
    assert foreign.calls == []


@pytest.mark.parametrize("mask", MASKS)
def test_s16_an_update_of_something_else_neither_drops_it_nor_sends_the_mask(desk: Desk, mask: str) -> None:
    foreign = Foreign(MASKS[mask])
    go = running(desk, foreign)
    declared(desk)
    go(*APPLY)
    foreign.calls.clear()
    declared(desk, label="B")
    foreign.bases["i0"]["deep"] = {**foreign.bases["i0"]["deep"], "host": "elsewhere"}
    code, out, err = go(*APPLY)
    assert code == 0, out + err
    assert [call[:2] for call in foreign.calls] == [("PUT", "/api/bases/i0")]
    assert foreign.calls[0][2] == {"label": "B", "deep": {"host": "mail", "secret": "Kanari-43"}}
    assert foreign.bases["i0"]["smtp_password"] == "Kanari-42"
    assert foreign.batches["i0"]["state"] == "started"


def test_s16_without_a_ledger_it_is_sent_again_since_nothing_says_that_it_ever_was(desk: Desk) -> None:
    foreign = Foreign("****")
    go = running(desk, foreign)
    declared(desk)
    go(*APPLY)
    desk.ledger.unlink()
    code, out, _ = go("plan", "-e", "staging", "--detailed-exitcode")
    assert code == 2
    assert "settings.smtp_password: (sensitive) → (sensitive)" in out


def test_s16_a_key_that_is_declared_later_is_sent_once(desk: Desk) -> None:
    foreign = Foreign("****")
    go = running(desk, foreign)
    foreign.bases["i0"] = {"id": "i0", "name": "prospects", "label": "A", "smtp_password": "somebody's"}
    desk.manifest("bases: [{name: prospects, label: A}]")
    go("adopt", "-e", "staging", "bases/prospects")
    desk.manifest("bases: [{name: prospects, label: A, settings: {smtp_password: Kanari-42}}]")
    assert go(*APPLY)[0] == 0
    assert foreign.bases["i0"]["smtp_password"] == "Kanari-42"
    foreign.calls.clear()
    assert go(*APPLY)[0] == 0
    assert foreign.calls == []


def test_s16_adopt_and_apply_send_it_again(desk: Desk) -> None:
    """As the note says: after the secret was changed in the manifest, which nobody can see."""
    foreign = Foreign("****")
    go = running(desk, foreign)
    declared(desk)
    go(*APPLY)
    declared(desk, secret="Kanari-52")
    assert "No changes" in go("plan", "-e", "staging")[1]
    assert go("adopt", "-e", "staging", "bases/prospects")[0] == 0
    foreign.calls.clear()
    assert go(*APPLY)[0] == 0
    assert foreign.bases["i0"]["smtp_password"] == "Kanari-52"
    assert [call[:2] for call in foreign.calls] == [("PUT", "/api/bases/i0")]
    foreign.calls.clear()
    assert go(*APPLY)[0] == 0
    assert foreign.calls == []


def test_s16_a_value_that_only_looks_masked_under_an_innocent_key_is_compared(desk: Desk) -> None:
    foreign = Foreign("****")
    go = running(desk, foreign)
    desk.manifest("bases: [{name: prospects, label: A, settings: {pattern: plain}}]")
    go(*APPLY)
    foreign.bases["i0"]["pattern"] = "****"
    code, out, _ = go("plan", "-e", "staging", "--detailed-exitcode")
    assert code == 2
    assert 'settings.pattern: "****" → "plain"' in out


def test_s16_a_secret_that_really_differs_is_written_also_where_others_are_masked(desk: Desk) -> None:
    foreign = Foreign("****")
    go = running(desk, foreign)
    desk.manifest("bases: [{name: prospects, label: A, settings: {smtp_password: Kanari-42, api_token: Kanari-43}}]")
    go(*APPLY)
    foreign.bases["i0"]["api_token"] = "not Kanari"
    foreign.calls.clear()
    assert go(*APPLY)[0] == 0
    assert [call[2] for call in foreign.calls] == [{"api_token": "Kanari-43"}]


def test_s16_a_rehearsal_does_not_ask_for_what_reads_back_masked(desk: Desk) -> None:
    foreign = Foreign("****")
    go = running(desk, foreign)
    declared(desk)
    go(*APPLY)
    declared(desk, label="B")
    code, out, err = go("plan", "-e", "staging", "--rehearse")
    assert code == 0
    assert "nothing left to do" in out + err


@pytest.mark.parametrize("mask", ["stars", "absent"])
def test_s16_what_is_made_inside_its_parent_may_read_back_masked(desk: Desk, mask: str) -> None:
    """The field was sent with the create of its base, and only looked for."""
    made: dict[str, Any] = {}

    class WithFields(Foreign):
        def _answer(self, method: str, path: list[str], body: Any) -> tuple[int, Any]:
            if method == "POST" and path == ["bases"]:
                made.update({"id": "g", **body["fields"][0]})
            if method == "GET" and path[2:] == ["fields", "g"]:
                return 200, masked(made, self.mask)
            status, data = super()._answer(method, path, body)
            if method == "GET" and path[2:] == ["fields"] and made:
                data = [*data, masked(made, self.mask)]
            return status, data

    go = running(desk, WithFields(MASKS[mask]))
    desk.manifest(
        "bases: [{name: prospects, label: A, "
        "fields: [{name: ville, label: V, datatype: string, settings: {secret: Kanari-42}}]}]"
    )
    code, out, err = go(*APPLY)
    assert code == 0, out + err
    assert made["secret"] == "Kanari-42"
    assert "No changes" in go("plan", "-e", "staging")[1]
