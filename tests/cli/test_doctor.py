"""`kiamo-iac doctor`: an instance held against the contract, on the emulator and on servers that differ from it."""

from __future__ import annotations

import json
import re
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from kiamo_iac.api.doctor.visit import ATTEMPTS
from kiamo_iac.app.schemas import catalogue
from kiamo_iac.cli.session import Session
from kiamo_iac.contract.file import load_contract
from kiamo_iac.emulator import FULL_TOKEN, Emulator, EmulatorRequest
from kiamo_iac.http.transport import InProcess
from tests.cli.conftest import Desk
from tests.cli.program import Completed, kiamo
from tests.faults.kiamo import TOKEN, Kiamo, serving
from tests.faults.wire import Message, answer
from tests.http.servers import CERTIFICATES, always, wild
from tests.http.servers import answer as http_answer

PROJECT = "manifests: [manifests]\nenvironments:\n  staging:\n    url: http://127.0.0.1:1\n"
OTHER = Path(__file__).parents[1] / "contract" / "other.yaml"
LIVE = Path(__file__).parents[2] / "examples" / "02-outbound-campaigns" / "live.json"

Change = Callable[[Message, Any], Message | Any]
"""Request and the JSON of its answer → another answer, or other JSON."""


@dataclass
class Differing(Kiamo):
    """An instance whose answers are changed."""

    change: Change | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def handle(self, request: Message) -> Message:
        reply = super().handle(request)
        if self.change is not None:
            made = self.change(request, json.loads(reply.body) if reply.body else None)
            if isinstance(made, Message):
                return made
            reply = replace(reply, body=json.dumps(made).encode())
        return replace(reply, headers={**reply.headers, **self.headers})


@dataclass
class Examined:
    """One run of doctor."""

    code: int
    data: dict[str, Any]
    shown: str
    """stdout and stderr."""

    def verdict(self, key: str) -> str:
        return str(self.one(key)["verdict"])

    def one(self, key: str) -> dict[str, Any]:
        (found,) = [each for each in self.data["assumptions"] if each["key"] == key]
        return dict(found)

    @property
    def contradicted(self) -> dict[str, str]:
        return {each["key"]: each["why"] for each in self.data["assumptions"] if each["verdict"] == "contradicted"}

    def check(self, name: str) -> tuple[str, str]:
        (found,) = [each for each in self.data["checks"] if each["name"] == name]
        return found["outcome"], found["text"]


@contextmanager
def instance(folder: Path, change: Change | None = None, **knobs: Any) -> Iterator[Differing]:
    """A project, and a served instance with two services, two bases and batches in three states."""
    (folder / "manifests").mkdir(exist_ok=True)
    if not (folder / "kiamo.yaml").exists():
        (folder / "kiamo.yaml").write_text(PROJECT, encoding="utf-8")
    headers = knobs.pop("headers", {})
    made = Differing(**knobs)
    ventes, _ = made.service("Ventes", label="Ventes"), made.service("Support", label="Support")
    for name in ("prospects", "clients"):
        base = made.base(name, label=name.title())
        made.by_hand("POST", f"/bases/{base}/fields", {"name": f"ville_{name}", "label": "Ville", "datatype": "string"})
        made.batch(base, f"relance-{name}", ventes)
        made.batch(base, f"hiver-{name}", ventes, "start")
        made.batch(base, f"ete-{name}", ventes, "start", "pause")
    made.change, made.headers = change, headers
    with serving(made):
        yield made


def program(folder: Path, kiamo_: Kiamo, *arguments: str, **more: str) -> Completed:
    environ = {"KIAMO_STAGING_TOKEN": TOKEN, "KIAMO_STAGING_URL": kiamo_.url} | more
    return kiamo("doctor", "-e", "staging", *arguments, cwd=folder, **environ)


def examined(folder: Path, change: Change | None = None, *arguments: str, **knobs: Any) -> Examined:
    """What doctor says of an instance; every call that reaches it reads."""
    with instance(folder, change, **knobs) as made:
        done = program(folder, made, "--format", "json", *arguments)
        assert done.stdout, done.stderr
        assert made.writes == []
    assert TOKEN not in done.stdout + done.stderr
    return Examined(done.returncode, json.loads(done.stdout), done.stdout + done.stderr)


def rows(change: Callable[[dict[str, Any]], dict[str, Any]], *, of: str = "") -> Change:
    """Each row of the lists whose path ends with `of`."""

    def changed(request: Message, data: Any) -> Any:
        if isinstance(data, list) and request.path.endswith(of):
            return [change(row) for row in data]
        return data

    return changed


def everywhere(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Change:
    """Each row, and each object that is read."""

    def changed(_request: Message, data: Any) -> Any:
        if isinstance(data, list):
            return [change(row) for row in data]
        return change(data) if isinstance(data, dict) and "id" in data else data

    return changed


# --- instances that are as the contract says -------------------------------------------------------------------------


def test_an_instance_that_is_as_the_contract_says(tmp_path: Path) -> None:
    found = examined(tmp_path)
    assert found.code == 0
    assert found.contradicted == {}
    assert found.data["sound"] is True
    for key in ("auth", "prefix", "errors.absent", "kinds.base.operations.list", "kinds.batch.operations.read"):
        assert found.verdict(key) == "confirmed", key
    assert found.one("kinds.batch.attributes.state.values")["why"] == "seen: new, started, paused (3 of 5)"
    assert found.check("list of batches") == ("ok", "6 objects below 2 of 2 bases, 2 responses")
    assert found.check("url")[0] == found.check("token")[0] == "ok"
    only_writes = found.one("behaviour.base.delete_cascades")
    assert (only_writes["verdict"], only_writes["shown_by"]) == ("not_seen", None)
    assert found.data["summary"]["confirmed"] > 40


@pytest.mark.parametrize("contract", [None, OTHER])
def test_the_emulator_contradicts_nothing_of_its_contract(
    contract: Path | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from kiamo_iac.cli.main import run

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KIAMO_STAGING_TOKEN", FULL_TOKEN)
    (tmp_path / "manifests").mkdir()
    text = "" if contract is None else "contract: c.yaml\n"
    (tmp_path / "kiamo.yaml").write_text(text + PROJECT, encoding="utf-8")
    if contract is not None:
        (tmp_path / "c.yaml").write_text(contract.read_text(encoding="utf-8"), encoding="utf-8")
    with Emulator(load_contract(contract)) as emulator:
        emulator.seed(json.loads(LIVE.read_text(encoding="utf-8")))
        transport = InProcess(emulator.handle, request=EmulatorRequest)
        code = run(["doctor", "-e", "staging", "--format", "json"], session=Session(transport=transport))
        assert [call for call in emulator.calls() if call.method != "GET"] == []
    data = json.loads(capsys.readouterr().out)
    assert [each["key"] for each in data["assumptions"] if each["verdict"] == "contradicted"] == []
    assert code == 0
    state = [each for each in data["assumptions"] if each["key"] == "kinds.batch.attributes.state.values"]
    assert state[0]["verdict"] == "confirmed"


def test_text_has_a_line_a_check_and_a_line_an_assumption(tmp_path: Path) -> None:
    with instance(tmp_path, everywhere(lambda row: row | ({"state": "archived"} if "state" in row else {}))) as made:
        done = program(tmp_path, made)
    assert done.returncode == 1
    assert re.search(r"^ok       token +recognised$", done.stdout, re.MULTILINE)
    assert re.search(r"^  kinds\.base\.id +2 objects have one$", done.stdout, re.MULTILINE)
    assert "  kinds.batch.attributes.state.values (assumed)\n    the contract says: " in done.stdout
    assert "    correct kinds.batch.attributes.state.values (kiamo_iac/contract/contract.yaml:" in done.stdout
    assert re.search(r"^Only a write would show: \d+ \(service \d+", done.stdout, re.MULTILINE)
    assert re.search(r"^\d+ confirmed, 1 contradicted, \d+ not seen$", done.stdout, re.MULTILINE)


def test_json_is_as_its_schema_says(tmp_path: Path) -> None:
    found = examined(tmp_path, everywhere(lambda row: row | {"id": 7}))
    jsonschema.Draft7Validator(catalogue()["doctor"].make()).validate(found.data)


def test_an_empty_instance_is_sound_and_shows_little(tmp_path: Path, desk: Desk) -> None:
    code, out, _ = desk.run("doctor", "-e", "staging", "--format", "json")
    data = json.loads(out)
    by_key = {each["key"]: each for each in data["assumptions"]}
    assert code == 0
    assert by_key["kinds.base.operations.list"]["verdict"] == "confirmed"
    assert by_key["kinds.batch.operations.list"]["why"] == "no base was seen"
    assert by_key["kinds.batch.attributes.state.values"]["verdict"] == "not_seen"


# --- instances that are not ------------------------------------------------------------------------------------------


def test_another_prefix(tmp_path: Path) -> None:
    def elsewhere(request: Message, data: Any) -> Any:
        return data if request.path.startswith("/rest/") else answer(404, '{"message": "no such address"}')

    found = examined(tmp_path, elsewhere)
    assert found.code == 1
    assert list(found.contradicted) == ["prefix"]
    assert found.one("prefix")["mend"] == "correct prefix.path (kiamo_iac/contract/contract.yaml:18)"
    assert found.verdict("kinds.base.operations.list") == "not_seen"


def test_another_path_of_one_list(tmp_path: Path) -> None:
    found = examined(
        tmp_path, lambda request, data: answer(404, "{}") if request.path.startswith("/api/services") else data
    )
    assert "kinds.service.operations.list" in found.contradicted
    assert found.verdict("prefix") == found.verdict("kinds.base.operations.list") == "confirmed"


def test_another_envelope(tmp_path: Path) -> None:
    found = examined(tmp_path, lambda _, data: {"data": data} if isinstance(data, list) else data)
    assert found.contradicted.keys() == {f"kinds.{kind}.listing" for kind in ("service", "base", "field", "batch")}
    assert 'there is a list under "data"' in found.contradicted["kinds.base.listing"]
    assert found.one("kinds.base.listing")["mend"].startswith("write items: data at kinds.base.listing (")
    assert found.verdict("kinds.base.operations.list") == "confirmed"
    assert found.check("list of fields")[0] == "failed"
    assert found.verdict("kinds.batch.attributes.state.values") == "confirmed"


def test_an_item_in_an_envelope(tmp_path: Path) -> None:
    found = examined(tmp_path, lambda _, data: {"item": data} if isinstance(data, dict) and "id" in data else data)
    why = "the answer to a read has neither id nor name, but item"
    assert found.contradicted["kinds.service.operations.read"].startswith(why)
    assert found.one("kinds.service.operations.read")["mend"].startswith("write item: item at kinds.service (")


def test_a_total_that_differs_is_a_list_in_pages(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("kinds: {base: {listing: {items: items}}}\n", encoding="utf-8")
    (tmp_path / "kiamo.yaml").write_text(f"contract: c.yaml\n{PROJECT}", encoding="utf-8")

    def part(request: Message, data: Any) -> Any:
        return {"items": data["items"], "total": 9} if request.path == "/api/bases" else data

    found = examined(tmp_path, part, counted=True)
    assert list(found.contradicted) == ["kinds.base.listing.paging"]
    assert '"total" is 9' in found.contradicted["kinds.base.listing.paging"]
    assert found.one("kinds.base.listing.paging")["mend"].startswith("correct kinds.base.listing.paging (")
    assert found.verdict("kinds.field.operations.list") == "confirmed"


def test_a_total_that_agrees_confirms_that_a_list_is_whole(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("kinds: {base: {listing: {items: items}}}\n", encoding="utf-8")
    (tmp_path / "kiamo.yaml").write_text(f"contract: c.yaml\n{PROJECT}", encoding="utf-8")
    found = examined(tmp_path, counted=True)
    assert found.one("kinds.base.listing.paging")["why"] == '2 rows, and "total" counts them too'


def test_a_list_that_shows_less_than_a_read(tmp_path: Path) -> None:
    def less(row: dict[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in row.items() if key != "association"}

    found = examined(tmp_path, rows(less))
    assert found.contradicted == {"kinds.batch.listing.detail": "only a read shows association"}
    assert "detail: read" in found.one("kinds.batch.listing.detail")["mend"]


def test_ids_of_another_type(tmp_path: Path) -> None:
    numbers: dict[str, int] = {}

    def numbered(row: dict[str, Any]) -> dict[str, Any]:
        return row | {"id": numbers.setdefault(row["id"], 1000 + len(numbers))}

    found = examined(tmp_path, rows(numbered, of="/services"))
    assert next(iter(found.contradicted)) == "kinds.service.id"
    assert found.one("kinds.service.id")["mend"] == "correct kinds.service.id (kiamo_iac/contract/contract.yaml:101)"
    assert found.verdict("kinds.batch.operations.list") == "confirmed"


def test_unknown_states_and_datatypes(tmp_path: Path) -> None:
    def other(row: dict[str, Any]) -> dict[str, Any]:
        if row.get("state") == "paused":
            return row | {"state": "EN_PAUSE"}
        return row | {"datatype": "chaine"} if row.get("datatype") == "string" else row

    found = examined(tmp_path, everywhere(other))
    assert found.contradicted.keys() == {
        "kinds.batch.attributes.state.values",
        "kinds.field.attributes.datatype.choices",
    }
    assert "EN_PAUSE is not listed (" in found.contradicted["kinds.batch.attributes.state.values"]


def test_another_wire_name_is_suggested(tmp_path: Path) -> None:
    def french(row: dict[str, Any]) -> dict[str, Any]:
        return {"libelle" if key == "label" else key: value for key, value in row.items()}

    found = examined(tmp_path, everywhere(french))
    assert found.contradicted.keys() == {f"kinds.{kind}.attributes.label" for kind in ("service", "base", "field")}
    assert found.one("kinds.base.attributes.label")["mend"].startswith(
        "write wire: libelle at kinds.base.attributes.label ("
    )


def test_unknown_attributes_are_a_note(tmp_path: Path) -> None:
    found = examined(tmp_path, everywhere(lambda row: row | {"priority": 3}))
    assert found.code == 0
    assert found.check("bases: attributes") == ("note", "the contract does not know priority: settings of a manifest")


def test_references_by_name(tmp_path: Path) -> None:
    found = examined(tmp_path, everywhere(lambda row: row | ({"service": "Ventes"} if "service" in row else {})))
    assert list(found.contradicted) == ["kinds.batch.attributes.service"]
    assert found.one("kinds.batch.attributes.service")["mend"].startswith("write by: name at")


def test_names(tmp_path: Path) -> None:
    found = examined(
        tmp_path, everywhere(lambda row: row | ({"name": "SAV (n° 1)"} if row["name"] in {"Ventes", "Support"} else {}))
    )
    assert found.contradicted.keys() == {"kinds.service.names.pattern", "kinds.service.names.taken"}
    assert "taken: null" in found.one("kinds.service.names.taken")["mend"]


def test_other_default_fields(tmp_path: Path) -> None:
    found = examined(tmp_path, everywhere(lambda row: row | ({"name": "tel"} if row["name"] == "phone" else {})))
    why = found.contradicted["kinds.field.made_with_parent"]
    assert why == "2 of 2 objects of the kind base lack phone; flagged in all of them: tel"


@pytest.mark.parametrize(
    ("reply", "key", "mend"),
    [
        (answer(400, '{"code": "ERR_3000", "message": "x"}'), "errors.absent", "write absent: [ERR_3000] at errors ("),
        (answer(200, '{"id": "x", "name": "x"}'), "errors.absent", "correct errors ("),
        (answer(404, '{"fault": {"text": "ERR_3000"}}'), "errors", "correct errors ("),
    ],
)
def test_an_id_that_does_not_exist(reply: Message, key: str, mend: str, tmp_path: Path) -> None:
    found = examined(tmp_path, lambda request, data: reply if request.path.endswith("/no-such-id") else data)
    assert list(found.contradicted) == [key]
    assert found.one(key)["mend"].startswith(mend)


def test_a_list_that_the_token_may_not_read(tmp_path: Path) -> None:
    found = examined(
        tmp_path,
        lambda request, data: answer(403, '{"message": "Forbidden"}') if "/services" in request.path else data,
    )
    assert (found.code, found.contradicted) == (0, {})
    assert found.check("rights") == ("note", "lists of bases, batches, fields; not allowed: services")
    assert found.check("list of services")[0] == "note"
    assert found.one("kinds.service.operations.list")["why"] == "the token may not read it (403)"
    assert found.verdict("kinds.batch.operations.list") == "confirmed"


def test_a_token_that_is_not_recognised(tmp_path: Path) -> None:
    with instance(tmp_path) as made:
        done = program(tmp_path, made, "--format", "json", KIAMO_STAGING_TOKEN="0" * 40)
        calls = len(made.calls)
    found = Examined(done.returncode, json.loads(done.stdout), "")
    assert (found.code, found.contradicted, calls) == (1, {}, 1)
    assert found.check("token") == ("failed", "every list is refused with 401")
    assert found.check("url")[0] == "ok"
    assert "0" * 40 not in done.stdout + done.stderr


def test_a_page_in_html(tmp_path: Path) -> None:
    found = examined(tmp_path, lambda *_: answer(200, "<html><h1>Welcome</h1></html>", content_type="text/html"))
    assert found.code == 1
    assert found.contradicted == {"prefix": "what answers below it is not an API that speaks JSON"}


def test_a_redirect_ends_it(tmp_path: Path) -> None:
    with instance(tmp_path, lambda *_: answer(301, "", location="https://elsewhere.example/api")) as made:
        done = program(tmp_path, made, "--format", "json")
        assert len(made.calls) == 1
    found = Examined(done.returncode, json.loads(done.stdout), "")
    assert found.code == 1
    assert "elsewhere.example" in found.check("list of bases")[1]


def test_one_list_that_fails_does_not_end_it(tmp_path: Path) -> None:
    found = examined(
        tmp_path, lambda request, data: answer(500, '{"code": "ERR_4080"}') if "/fields" in request.path else data
    )
    assert found.code == 1
    assert found.check("list of fields")[0] == "failed"
    assert found.verdict("kinds.batch.operations.list") == found.verdict("errors.absent") == "confirmed"


def test_a_host_that_does_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kiamo_iac.http.caller.wait_before", lambda *_: 0.0)
    with instance(tmp_path) as made:
        pass
    done = program(tmp_path, made, "--format", "json")
    found = Examined(done.returncode, json.loads(done.stdout), "")
    assert found.code == 1
    assert found.check("url")[0] == "failed"
    assert "no connection to 127.0.0.1:" in found.check("url")[1]
    assert {each["verdict"] for each in found.data["assumptions"]} == {"not_seen"}
    assert found.data["calls"] == 0


def test_a_server_that_closes_every_connection_is_reported_after_a_few_attempts(tmp_path: Path) -> None:
    (tmp_path / "manifests").mkdir()
    (tmp_path / "kiamo.yaml").write_text(PROJECT, encoding="utf-8")
    environ = {"KIAMO_STAGING_TOKEN": TOKEN}
    with wild(always(b"")) as server:
        done = kiamo("doctor", "-e", "staging", cwd=tmp_path, KIAMO_STAGING_URL=server.url, **environ)
    assert (done.returncode, len(server.requests)) == (1, ATTEMPTS)
    assert "GET /api/bases failed: the connection closed before the response was complete" in done.stdout
    assert "hint: check the address, http or https, and the firewalls and proxies on the way to it" in done.stdout
    assert "skipped  list of services  the instance does not answer" in done.stdout


def test_a_certificate_that_is_trusted(tmp_path: Path) -> None:
    (tmp_path / "manifests").mkdir()
    (tmp_path / "kiamo.yaml").write_text(PROJECT, encoding="utf-8")
    trust = ("--ca-bundle", str(CERTIFICATES / "authority.pem"))
    with wild(always(http_answer(b"[]")), tls=True) as server:
        environ = {"KIAMO_STAGING_TOKEN": TOKEN, "KIAMO_STAGING_URL": server.url.replace("http:", "https:")}
        done = kiamo(*trust, "doctor", "-e", "staging", "--format", "json", cwd=tmp_path, **environ)
    found = Examined(done.returncode, json.loads(done.stdout), "")
    assert found.check("tls") == ("ok", "the certificate is trusted")
    assert found.verdict("prefix") == "confirmed"


def test_a_certificate_that_is_not_trusted(tmp_path: Path) -> None:
    (tmp_path / "manifests").mkdir()
    (tmp_path / "kiamo.yaml").write_text(PROJECT, encoding="utf-8")
    with wild(always(b""), tls=True) as server:
        url = server.url.replace("http:", "https:")
        done = kiamo(
            "doctor",
            "-e",
            "staging",
            "--format",
            "json",
            cwd=tmp_path,
            KIAMO_STAGING_TOKEN=TOKEN,
            KIAMO_STAGING_URL=url,
        )
    found = Examined(done.returncode, json.loads(done.stdout), "")
    assert found.code == 1
    assert found.check("url") == ("ok", url)
    assert found.check("tls")[0] == "failed"


def test_clocks_that_differ(tmp_path: Path) -> None:
    late = format_datetime(datetime.now(UTC) - timedelta(hours=2), usegmt=True)
    found = examined(tmp_path, headers={"date": late})
    assert found.code == 0
    assert re.fullmatch(r"the instance's is 7,[12]\d\d s behind this machine's", found.check("clock")[1])


def test_the_correction_that_it_shows_is_a_contract_that_the_instance_confirms(tmp_path: Path) -> None:
    def other(request: Message, data: Any) -> Any:
        if request.path.endswith("/no-such-id"):
            return answer(400, '{"code": "ERR_3000", "message": "No."}')
        french = {"label": "libelle", "contacts": "nbContacts"}
        if isinstance(data, list):
            kept = [{french.get(key, key): row[key] for key in row if key != "association"} for row in data]
            return {"resultat": {"lignes": [row | ({"service": "Ventes"} if "service" in row else {}) for row in kept]}}
        if isinstance(data, dict):
            item = {french.get(key, key): value for key, value in data.items()}
            return {"objet": item | ({"service": "Ventes"} if "service" in item else {})}
        return data

    found = examined(tmp_path, other)
    assert len(found.contradicted) > 8
    base = found.data["override"]["kinds"]["base"]
    assert base["listing"] == {"items": "resultat.lignes", "basis": "observed"}
    assert base["item"] == "objet"
    assert found.data["override"]["kinds"]["batch"]["attributes"]["service"] == {"by": "name", "basis": "observed"}
    (tmp_path / "c.yaml").write_text(json.dumps(found.data["override"]), encoding="utf-8")
    (tmp_path / "kiamo.yaml").write_text(f"contract: c.yaml\n{PROJECT}", encoding="utf-8")
    again = examined(tmp_path, other)
    assert (again.code, again.contradicted, again.data["override"]) == (0, {}, None)


def test_the_limits_of_the_environment_hold(tmp_path: Path) -> None:
    (tmp_path / "kiamo.yaml").write_text(f"{PROJECT}    limits: {{rows: 3}}\n", encoding="utf-8")
    found = examined(tmp_path)
    assert found.code == 1
    assert "the limit of a run is 3" in found.shown
    assert found.check("list of bases")[0] == "ok"


def test_live_names_are_shown_escaped(tmp_path: Path) -> None:
    name = f"\x1b[31m::error::x {TOKEN}"
    with instance(tmp_path, everywhere(lambda row: row | {"name": name, name: name})) as made:
        for form in ("text", "json"):
            done = program(tmp_path, made, "--format", form)
            shown = done.stdout + done.stderr
            assert done.returncode == 1
            assert "\x1b" not in shown
            assert TOKEN not in shown
            assert not re.search(r"^\s*::", shown, re.MULTILINE)


# --- a recording -----------------------------------------------------------------------------------------------------


def test_a_recording_has_neither_names_nor_ids_nor_tokens(tmp_path: Path) -> None:
    def contact(row: dict[str, Any]) -> dict[str, Any]:
        return row | {"owner": {"login": "jdupont", "phone": "+33612345678"}, "note": TOKEN, "tags": ["Paris"]}

    file = tmp_path / "r.json"
    found = examined(tmp_path, everywhere(contact), "--record", str(file))
    assert found.shown.endswith(f"Written to {file}.\n")
    text = file.read_text(encoding="ascii")
    data = json.loads(text)
    jsonschema.Draft7Validator(catalogue()["recording"].make()).validate(data)
    for secret in ("Ventes", "prospects", "relance", "jdupont", "33612345678", "Paris", TOKEN, "login"):
        assert secret.lower() not in text.lower(), secret
    assert not re.search(r'"k\d+"', text)
    assert {"started", "paused", "new", "phone", "string"} <= set(re.findall(r'"(\w+)"', text))
    if sys.platform != "win32":
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_recording_is_not_written_over_a_file_in_git(tmp_path: Path) -> None:
    with instance(tmp_path) as made:
        (tmp_path / "r.json").write_text("mine", encoding="utf-8")
        subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
        subprocess.run(["git", "add", "r.json"], cwd=tmp_path, check=True)
        done = program(tmp_path, made, "--record", "r.json")
        assert (done.returncode, made.calls) == (1, [])
    assert "git tracks r.json" in done.stderr
    assert (tmp_path / "r.json").read_text(encoding="utf-8") == "mine"
