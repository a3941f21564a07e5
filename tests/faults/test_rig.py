"""The rig itself: the instance keeps the platform's rules, and the proxy plays what it is given."""

from __future__ import annotations

import http.client
import json
import os
import signal
from typing import Any

import pytest

from tests.faults.forks import Forks
from tests.faults.kiamo import TOKEN, Kiamo, RefusalError, adding, dropping, serving, trimmed
from tests.faults.proxy import (
    AFTER,
    BEFORE,
    Fault,
    When,
    cut_chunk,
    cut_short,
    doing,
    dripping,
    dropped,
    gzip_bomb,
    html,
    nth,
    proxying,
    reply,
    reset,
    truncated,
)
from tests.faults.scene import Scene


def asked(url: str, method: str, path: str, body: object = None) -> tuple[int, Any]:
    """Status and JSON of one call."""
    talk = http.client.HTTPConnection(url.removeprefix("http://"), timeout=20)
    try:
        data = None if body is None else json.dumps(body)
        talk.request(method, f"/api{path}", data, {"Kiamo-Api-Token": TOKEN})
        response = talk.getresponse()
        text = response.read()
        return response.status, json.loads(text) if text else None
    finally:
        talk.close()


def refused(kiamo: Kiamo, method: str, path: str, body: object = None) -> str:
    """The code of a refusal."""
    with pytest.raises(RefusalError) as caught:
        kiamo.by_hand(method, path, body)
    return caught.value.code


def test_the_instance_keeps_the_rules_of_the_platform() -> None:
    kiamo = Kiamo()
    service = kiamo.service("Ventes")
    base = kiamo.base("prospects", fields=[{"name": "ville", "label": "Ville", "datatype": "string"}])
    batch = kiamo.batch(base, "relance", service, association={"destination": "ville"})
    at = f"/bases/{base}/batches/{batch}"
    phone = kiamo.id_of("prospects", "phone")
    assert refused(kiamo, "POST", "/services", {}) == "ERR_1040"
    assert refused(kiamo, "POST", "/services", {"name": "<x>"}) == "ERR_1050"
    assert refused(kiamo, "POST", "/services", {"name": "Ventes"}) == "ERR_2060"
    assert refused(kiamo, "POST", "/bases", {"name": "x"}) == "ERR_1060"
    assert refused(kiamo, "POST", f"/bases/{base}/fields", {"name": "x"}) == "ERR_1070"
    assert refused(kiamo, "POST", f"/bases/{base}/fields", {"name": "x", "label": "X"}) == "ERR_1080"
    assert refused(kiamo, "POST", f"/bases/{base}/batches", {"name": "x"}) == "ERR_1100"
    assert refused(kiamo, "PUT", at, {"service": 1}) == "ERR_1110"
    assert refused(kiamo, "PUT", at, {"service": "none"}) == "ERR_3001"
    assert refused(kiamo, "PUT", at, {"association": {"destination": "none"}}) == "ERR_1120"
    assert refused(kiamo, "PUT", f"/bases/{base}/fields/{phone}", {"label": "x"}) == "ERR_2040"
    assert refused(kiamo, "DELETE", f"/bases/{base}/fields/{phone}") == "ERR_2050"
    assert refused(kiamo, "DELETE", f"/bases/{base}/fields/{kiamo.id_of('prospects', 'ville')}") == "ERR_1120"
    assert refused(kiamo, "DELETE", f"/services/{service}") == "ERR_2140"
    assert refused(kiamo, "DELETE", at) == "ERR_2010"
    assert refused(kiamo, "DELETE", f"/bases/{base}") == "ERR_2000"
    assert refused(kiamo, "PUT", f"{at}/command", {}) == "ERR_1130"
    assert refused(kiamo, "PUT", f"{at}/command", {"command": "pause"}) == "ERR_2100"
    assert refused(kiamo, "GET", "/bases/none") == "ERR_3000"
    assert refused(kiamo, "PATCH", "/bases") == "ERR_3100"
    kiamo.by_hand("PUT", f"{at}/command", {"command": "start"})
    assert refused(kiamo, "PUT", at, {"name": "other"}) == "ERR_2080"
    assert refused(kiamo, "PUT", at, {"association": {"destination": "phone"}}) == "ERR_2100"
    kiamo.by_hand("PUT", f"{at}/command", {"command": "stop"})
    assert refused(kiamo, "PUT", at, {"association": {}}) == "ERR_2070"
    assert refused(kiamo, "PUT", f"{at}/command", {"command": "start"}) == "ERR_2090"
    kiamo.by_hand("DELETE", f"/bases/{base}")
    assert kiamo.tree() == {"services": [{"name": "Ventes"}], "bases": []}
    assert kiamo.calls == []


def test_the_instance_logs_every_call_and_turns_its_knobs() -> None:
    now = [100.0]
    with serving(Kiamo(clock=lambda: now[0], lists_behind=1, keeping=trimmed)) as kiamo:
        status, made = asked(kiamo.url, "POST", "/services", {"name": "Ventes", "label": " V "})
        assert (status, made["label"]) == (201, "V")
        assert asked(kiamo.url, "GET", "/services")[1] == []
        assert asked(kiamo.url, "GET", "/services")[1] == [made]
        assert asked(kiamo.url, "POST", "/services", {"name": "Ventes"})[0] == 400
        kiamo.names_unique, kiamo.list_lag, kiamo.lists_behind = False, 5, 0
        assert asked(kiamo.url, "POST", "/services", {"name": "Ventes"})[0] == 201
        assert kiamo.duplicates() == ["services: Ventes"]
        assert len(asked(kiamo.url, "GET", "/services")[1]) == 1
        now[0] += 5
        assert len(asked(kiamo.url, "GET", "/services")[1]) == 2
        kiamo.writes_per_second = 1
        kiamo.keeping = dropping("label")
        assert [asked(kiamo.url, "PUT", f"/services/{made['id']}", {"label": "W"})[0] for _ in range(2)] == [200, 429]
        now[0] += 1
        kiamo.keeping = adding("colour", "red")
        assert asked(kiamo.url, "PUT", f"/services/{made['id']}", {"label": "V"})[1]["colour"] == "red"
        kiamo.denied = {"DELETE"}
        assert asked(kiamo.url, "DELETE", f"/services/{made['id']}")[0] == 403
        kiamo.expires_after = 0
        assert asked(kiamo.url, "GET", "/services")[0] == 401
    assert [str(call) for call in kiamo.committed] == [
        'POST /api/services {"name": "Ventes", "label": " V "} → 201',
        'POST /api/services {"name": "Ventes"} → 201',
        f'PUT /api/services/{made["id"]} {{"label": "V"}} → 200',
    ]
    assert [call.status for call in kiamo.calls] == [201, 200, 200, 400, 201, 200, 200, 200, 429, 200, 403, 401]


def test_commands_may_be_ignored_or_turned_round() -> None:
    kiamo = Kiamo(ignored={"stop"}, instead={"pause": "stop"}, bare_commands=b"{}")
    batch = f"/bases/{kiamo.base('b')}/batches"
    batch += "/" + kiamo.batch(kiamo.id_of("b"), "x", kiamo.service("s"), "start")
    with serving(kiamo):
        assert asked(kiamo.url, "PUT", f"{batch}/command", {"command": "stop"}) == (200, {})
        assert kiamo.state_of("b", "x") == "started"
        assert asked(kiamo.url, "PUT", f"{batch}/command", {"command": "pause"}) == (200, {})
    assert kiamo.state_of("b", "x") == "stopped"
    assert [call.committed for call in kiamo.calls] == [False, True]


LOST: list[tuple[Fault, When, type[Exception], int]] = [
    (reset, BEFORE, ConnectionError, 0),
    (reset, AFTER, ConnectionError, 1),
    (dropped, BEFORE, http.client.RemoteDisconnected, 0),
    (dropped, AFTER, http.client.RemoteDisconnected, 1),
    (cut_short, AFTER, http.client.IncompleteRead, 1),
    (cut_chunk, AFTER, http.client.IncompleteRead, 1),
]


@pytest.mark.parametrize(("fault", "when", "error", "reached"), LOST)
def test_an_answer_is_lost_before_or_after_the_server(
    fault: Fault, when: When, error: type[Exception], reached: int
) -> None:
    with serving(Kiamo()) as kiamo, proxying(kiamo.url) as proxy:
        rule = proxy.play(fault, "POST", on=nth(2), when=when)
        assert asked(proxy.url, "POST", "/services", {"name": "a"})[0] == 201
        with pytest.raises(error):
            asked(proxy.url, "POST", "/services", {"name": "b"})
        assert asked(proxy.url, "GET", "/services")[0] == 200
        assert asked(proxy.url, "POST", "/services", {"name": "c"})[0] == 201
        assert (rule.seen, rule.played, len(kiamo.committed)) == (3, 1, 2 + reached)


def test_other_answers() -> None:
    with serving(Kiamo()) as kiamo, proxying(kiamo.url) as proxy:
        done: list[str] = []
        kiamo.service("Ventes")
        for fault in (
            truncated(b"[]"),
            dripping(0),
            reply(503, retry_after="7"),
            doing(lambda: done.append("now")),
        ):
            proxy.peace()
            proxy.play(fault, "GET")
            status, data = asked(proxy.url, "GET", "/services")
            done.append(f"{status} {len(data)}")
        assert done == ["200 0", "200 1", "503 1", "now", "200 1"]
        for fault, kind in ((html(), "text/html"), (gzip_bomb(1), "application/json")):
            proxy.peace()
            proxy.play(fault, "GET", when=BEFORE)
            page = http.client.HTTPConnection(proxy.url.removeprefix("http://"), timeout=20)
            page.request("GET", "/api/bases")
            assert page.getresponse().headers["content-type"] == kind
            page.close()


def test_the_program_applies_through_the_proxy(scene: Scene) -> None:
    assert scene.report(expect=0) == {
        "create services/Ventes": "done",
        "create bases/prospects": "done",
        "create bases/prospects/fields/ville": "done",
        "create bases/prospects/batches/relance": "done",
        "create bases/clients": "done",
    }
    scene.converges(
        to={
            "services": [{"name": "Ventes", "label": "Ventes"}],
            "bases": [
                {"name": "clients", "label": "Clients", "fields": [], "batches": []},
                {
                    "name": "prospects",
                    "label": "Prospects",
                    "fields": [{"name": "ville", "label": "Ville", "datatype": "string"}],
                    "batches": [
                        {
                            "name": "relance",
                            "service": "Ventes",
                            "association": {"destination": "phone"},
                            "state": "new",
                        }
                    ],
                },
            ],
        }
    )
    assert len(scene.created("/bases")) == 2


def test_a_run_can_be_a_process_that_is_killed(scene: Scene, forking: Forks) -> None:
    child = forking.start("apply", "-e", "staging", "--yes", cwd=scene.folder, **scene.variables)
    code, out, err = child.wait()
    assert (code, out.endswith("Applied: 5 done.\n")) == (0, True), err
    scene.manifest("services:\n  - {name: Autres, managed: true}\n", "b.yaml")
    pids: list[int] = []
    scene.proxy.play(doing(lambda: os.kill(pids[0], signal.SIGKILL)), "POST")
    child = forking.start("apply", "-e", "staging", "--yes", cwd=scene.folder, **scene.variables)
    pids.append(child.pid)
    assert child.wait()[0] == -signal.SIGKILL
    assert len(scene.created("/services")) == 2
    scene.converges()
