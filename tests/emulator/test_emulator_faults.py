"""Faults: which calls they hit, and what such a call does and shows."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from kiamo_iac.contract.model import Contract
from kiamo_iac.emulator import FULL_TOKEN, Emulator, EmulatorRequest
from kiamo_iac.emulator.faults import CalledOperation, Fault, FaultKind, Faults, Moment
from kiamo_iac.emulator.server import Server
from tests.emulator.speaker import Ref, Speaker


def play(emulator: Emulator, *specs: str) -> None:
    emulator.faults.add([Fault.parse(spec) for spec in specs])


def names(kiamo: Speaker, kind: str, parent: Ref | None = None) -> list[str]:
    return [found["name"] for found in kiamo.list(kind, parent)]


# --- the description -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("reset", Fault(FaultKind.RESET)),
        ("status=503", Fault(FaultKind.STATUS, "503", when=Moment.BEFORE)),
        (
            "status=429, call=POST /api/*, times=0,retry-after=30",
            Fault(FaultKind.STATUS, "429", "POST /api/*", Moment.BEFORE, times=0, retry_after="30"),
        ),
        ("reset,when=before,skip=3,times=2", Fault(FaultKind.RESET, when=Moment.BEFORE, skip=3, times=2)),
        ("lag,call=create batch", Fault(FaultKind.LAG, "2", "create batch")),
        ("silence=0.5", Fault(FaultKind.SILENCE, "0.5")),
        ("normalise=trim,call=create", Fault(FaultKind.NORMALISE, "trim", "create")),
        ("ignore=done,call=stop", Fault(FaultKind.IGNORE, "done", "stop")),
    ],
)
def test_a_fault_is_described_in_one_line(text: str, fault: Fault) -> None:
    assert Fault.parse(text) == fault
    assert Fault.parse(str(fault)) == fault


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", 'unknown fault ""'),
        ("rest", "known: status, reset"),
        ("status", "status must be 429"),
        ("status=404", "status must be 429"),
        ("status=9e9", "status must be 429"),
        ("silence=-1", "silence takes seconds"),
        ("silence=nan", "silence takes seconds"),
        ("lag=soon", "lag takes seconds"),
        ("normalise", "normalise takes one of trim"),
        ("ignore=half", "ignore takes nothing or done"),
        ("reset=1", "reset takes no value"),
        ("reset,POST", '"POST" is not one of call='),
        ("reset,call=", "call takes METHOD"),
        ("reset,times=-1", "a whole number"),
        ("reset,times=1,times=2", "each once"),
        ("reset,when=during", 'unknown moment "during"'),
        ("lag=2,when=before", "remove when=before"),
        ("reset,retry-after=3", "retry-after belongs to status"),
    ],
)
def test_a_malformed_one_is_refused_with_the_reason(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Fault.parse(text)


def test_the_first_that_concerns_a_call_hits_it_and_counts_it() -> None:
    faults = Faults()
    faults.add(map(Fault.parse, ("reset,call=POST,skip=1,times=2", "status=500,call=create,times=0")))
    request, called = EmulatorRequest("POST", "/bases"), CalledOperation("create", "base")
    hit = [fault.kind if (fault := faults.take(request, called)) else None for _ in range(5)]
    assert hit == [FaultKind.STATUS, FaultKind.RESET, FaultKind.RESET, FaultKind.STATUS, FaultKind.STATUS]
    assert faults.left() == ["status=500,call=create,when=before,skip=0,times=0"]
    assert faults.take(EmulatorRequest("GET", "/bases"), CalledOperation("list", "base")) is None


@pytest.mark.parametrize(
    ("call", "hits"),
    [
        ("*", True),
        ("POST", True),
        ("GET", False),
        ("POST /api/*/bases", True),
        ("POST /api/v2", False),
        ("* */bases", True),
        ("create", True),
        ("create base", True),
        ("create batch", False),
        ("list", False),
    ],
)
def test_calls_are_named_by_method_and_path_or_by_operation_and_kind(call: str, hits: bool) -> None:
    fault = Fault.parse(f"reset,call={call}")
    assert fault.hits(EmulatorRequest("POST", "/api/v2/bases"), CalledOperation("create", "base")) is hits


# --- what a call does ------------------------------------------------------------------------------------------------


def test_a_status_before_a_call_keeps_it_from_taking_effect(kiamo: Speaker, emulator: Emulator) -> None:
    play(emulator, "status=503,call=create service,retry-after=7")
    assert kiamo.try_create("service", name="S").status == 503
    assert names(kiamo, "service") == []
    kiamo.create("service", name="S")
    assert [call.fault for call in emulator.calls()] == ["status", None, None]


def test_a_status_after_a_call_hides_that_it_took_effect(kiamo: Speaker, emulator: Emulator) -> None:
    play(emulator, "status=502,call=create service,when=after")
    assert kiamo.try_create("service", name="S").status == 502
    assert names(kiamo, "service") == ["S"]


@pytest.mark.parametrize("when", Moment)
def test_a_connection_in_the_same_process_is_reset(kiamo: Speaker, emulator: Emulator, when: Moment) -> None:
    play(emulator, f"reset,call=create service,when={when}")
    with pytest.raises(ConnectionResetError):
        kiamo.try_create("service", name="S")
    assert names(kiamo, "service") == (["S"] if when is Moment.AFTER else [])
    assert [(call.fault, call.status) for call in emulator.calls()][:1] == [
        ("reset", 201 if when is Moment.AFTER else 0)
    ]


def test_a_lag_hides_what_is_created_from_lists_for_a_while(contract: Contract) -> None:
    now = [100.0]
    with Emulator(contract, clock=lambda: now[0]) as emulator:
        kiamo = Speaker(contract, emulator)
        play(emulator, "lag=2,call=create base")
        base = kiamo.create("base", name="late", field=[{"name": "city", "label": "City", "datatype": "string"}])
        kiamo.create("base", name="early")
        assert names(kiamo, "base") == ["early"]
        assert kiamo.read(base)["name"] == "late"
        now[0] += 1.9
        assert names(kiamo, "base") == ["early"]
        assert "city" not in names(kiamo, "field", base)
        now[0] += 0.2
        assert names(kiamo, "base") == ["late", "early"]
        assert "city" in names(kiamo, "field", base)


@pytest.mark.parametrize(
    ("form", "label", "setting"),
    [("trim", "A & b", " x\ny"), ("lower", "  a & b ", " x\ny"), ("entities", "  A &amp; b ", " x\ny")],
)
def test_what_is_kept_can_be_another_form_of_what_was_sent(
    kiamo: Speaker, emulator: Emulator, form: str, label: str, setting: str
) -> None:
    play(emulator, f"normalise={form},call=create service")
    made = kiamo.create("service", name="S", label="  A & b ", settings={"note": {"text": [" x\ny"]}})
    shown = kiamo.read(made)
    assert shown["label"] == label
    assert shown["settings"]["note"]["text"] == [setting.strip() if form == "trim" else setting]


def test_settings_can_be_dropped(kiamo: Speaker, emulator: Emulator) -> None:
    play(emulator, "normalise=drop,call=create service")
    made = kiamo.create("service", name="S", settings={"note": "x"})
    assert not kiamo.read(made).get("settings")


def test_a_command_can_be_ignored_and_say_so_or_not(kiamo: Speaker, emulator: Emulator, batch: Ref) -> None:
    play(emulator, "ignore,call=start batch")
    answer = kiamo.do(batch, "start")
    assert (answer.status, answer.body["state"]) == (200, "new")
    play(emulator, "ignore=done,call=start batch")
    answer = kiamo.do(batch, "start")
    assert (answer.status, answer.body["state"]) == (200, "started")
    assert kiamo.read(batch)["state"] == "new"


def test_a_create_and_a_deletion_can_be_ignored(kiamo: Speaker, emulator: Emulator, service: Ref) -> None:
    play(emulator, "ignore,call=create service", "ignore,call=delete service")
    call = kiamo.contract.kinds["service"].operations["create"]
    body = kiamo.encode("service", {"name": "T", "label": "T"})
    answer = kiamo.send(call.method, call.render({})[0], body={**body, **call.render({})[2]})
    assert (answer.status, answer.body) == (200, {})
    assert kiamo.do(service, "delete").status == 204
    assert names(kiamo, "service") == [service.name]


def test_a_reset_of_the_emulator_ends_faults(kiamo: Speaker, emulator: Emulator) -> None:
    play(emulator, "status=500,times=0", "lag=60,call=create")
    emulator.reset()
    assert emulator.faults.left() == []
    kiamo.create("service", name="S")
    assert names(kiamo, "service") == ["S"]


# --- over the network ------------------------------------------------------------------------------------------------


@pytest.fixture
def http(emulator: Emulator, contract: Contract) -> Iterator[httpx.Client]:
    with (
        Server(emulator) as server,
        httpx.Client(base_url=server.url, headers={contract.auth.header: FULL_TOKEN}, trust_env=False) as client,
    ):
        yield client


def get_services(http: httpx.Client, contract: Contract, **options: float) -> httpx.Response:
    return http.get(contract.prefix.path + contract.kinds["service"].operations["list"].path, **options)  # type: ignore[arg-type]


def test_a_status_comes_with_what_is_asked_for(http: httpx.Client, contract: Contract, emulator: Emulator) -> None:
    play(emulator, "status=429,call=list service,retry-after=Wed, 21 Oct 2015 07:28:00 GMT")
    answer = get_services(http, contract)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "Wed, 21 Oct 2015 07:28:00 GMT")
    assert get_services(http, contract).status_code == 200


@pytest.mark.parametrize(
    ("spec", "error"),
    [
        ("reset", (httpx.ReadError, httpx.RemoteProtocolError)),
        ("reset,when=before", (httpx.ReadError, httpx.RemoteProtocolError)),
        ("truncate", httpx.RemoteProtocolError),
        ("silence=0.2", httpx.RemoteProtocolError),
        ("silence=0.2,when=before", httpx.RemoteProtocolError),
    ],
)
def test_a_connection_breaks(
    http: httpx.Client,
    contract: Contract,
    emulator: Emulator,
    kiamo: Speaker,
    service: Ref,
    spec: str,
    error: type[Exception] | tuple[type[Exception], ...],
    capfd: pytest.CaptureFixture[str],
) -> None:
    play(emulator, f"{spec},call=list service")
    with pytest.raises(error):
        get_services(http, contract)
    assert get_services(http, contract).status_code == 200
    last = emulator.calls()[-2]
    assert last.status == (0 if "before" in spec else 200)
    assert capfd.readouterr().err == ""


def test_a_response_can_be_slow(http: httpx.Client, contract: Contract, emulator: Emulator, service: Ref) -> None:
    whole = get_services(http, contract).content
    play(emulator, "slow=0.001,call=list service")
    with http.stream("GET", contract.prefix.path + contract.kinds["service"].operations["list"].path) as response:
        pieces = list(response.iter_raw())
    assert b"".join(pieces) == whole
    assert len(pieces) > 1


def test_faults_are_set_read_and_cleared_over_http(http: httpx.Client, contract: Contract, emulator: Emulator) -> None:
    assert http.post("/_emulator/faults", json={"faults": ["reset,call=POST,times=3"]}).status_code == 204
    assert http.get("/_emulator/faults").json() == {"faults": ["reset,call=POST,when=after,skip=0,times=3"]}
    assert http.delete("/_emulator/faults").status_code == 204
    assert http.get("/_emulator/faults").json() == {"faults": []}
    wrongs: list[dict[str, object]] = [{"faults": "reset"}, {"faults": ["rest"]}, {"fault": []}, {"faults": [1]}]
    for wrong in wrongs:
        assert http.post("/_emulator/faults", json=wrong).status_code == 400
    assert emulator.faults.left() == []
