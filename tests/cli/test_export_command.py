"""`export` as a person types it: folders, comments, what is told, and what is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from kiamo_iac.cli.main import run
from kiamo_iac.cli.session import Session
from kiamo_iac.emulator import FULL_TOKEN, EmulatorRequest, EmulatorResponse
from kiamo_iac.http.transport import InProcess
from tests.cli.conftest import Desk

LIVE = {
    "services": [{"name": "Sales", "label": "Desk"}, {"name": "Care"}],
    "bases": [
        {
            "name": "prospects",
            "label": "0612345678",
            "contacts": 3,
            "fields": [{"name": "city", "label": "2026-01-01", "datatype": "string"}],
            "batches": [
                {
                    "name": "spring",
                    "service": "Sales",
                    "association": {"destination": "phone"},
                    "state": "started",
                    "settings": {"pace": 3},
                },
                {"name": "old", "service": "Sales", "association": {"destination": "phone"}, "state": "finished"},
            ],
        },
        {"name": "clients", "label": ""},
    ],
}
PROSPECTS = """\
bases:
  - name: prospects
    label: "0612345678"
    fields:
      - {name: city, label: "2026-01-01", datatype: string}
    batches:
      - name: spring
        service: Sales
        association: {destination: phone}
        settings:
          pace: 3
"""
SERVICES = "services:\n  - name: Care\n  - name: Sales\n"


@pytest.fixture
def live(desk: Desk) -> Desk:
    """An instance with two bases, and a project without manifests."""
    desk.emulator.reset()
    desk.emulator.seed(LIVE)
    (desk.folder / "manifests" / "a.yaml").unlink()
    return desk


def level(desk: Desk) -> None:
    code, out, err = desk.run("plan", "-e", "staging", "--detailed-exitcode")
    assert (code, err) == (0, ""), out


def manifests(desk: Desk) -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in (desk.folder / "manifests").iterdir()}


def test_one_file_a_base(live: Desk) -> None:
    code, out, err = live.run("export", "-e", "staging", "-o", "manifests")
    assert (code, out) == (0, "")
    assert manifests(live) == {
        "clients.yaml": 'bases:\n  - name: clients\n    label: ""\n',
        "prospects.yaml": PROSPECTS,
        "services.yaml": SERVICES,
    }
    assert "created: manifests/prospects.yaml\n" in err
    assert "KIA1005: 1 stopped or finished object is omitted: bases/prospects/batches/old\n" in err
    assert err.endswith("Exported: 3 files created, 6 resources added.\n")
    level(live)
    before = manifests(live)
    assert live.run("export", "-e", "staging", "-o", "manifests")[2].endswith("Exported: nothing to change.\n")
    assert manifests(live) == before
    assert live.writes() == []


@pytest.mark.parametrize("folder", ["manifests", "manifests/phone"])
def test_the_folder_of_the_manifests_need_not_be_there(live: Desk, folder: str) -> None:
    (live.folder / "manifests").rmdir()
    code, out, _ = live.run("export", "-e", "staging")
    assert (code, out.count("- name: prospects")) == (0, 1)
    assert not (live.folder / "manifests").exists()
    code, _, err = live.run("export", "-e", "staging", "-o", folder)
    assert (code, err.splitlines()[0]) == (0, f"created: {folder}/clients.yaml")
    level(live)


def test_another_folder_of_the_manifests_has_to_be_there(live: Desk) -> None:
    (live.folder / "manifests").rmdir()
    code, _, err = live.run("export", "-e", "staging", "-o", "copy")
    assert (code, "KIA0306" in err, (live.folder / "copy").exists()) == (1, True, False)


def test_a_name_that_the_contract_does_not_allow_is_exported(live: Desk) -> None:
    """What is live is valid."""
    live.emulator.seed({"services": [{"name": "L'équipe"}], "bases": [{"name": "a/b"}]})
    code, _, err = live.run("export", "-e", "staging", "-o", "manifests")
    assert (code, "the contract does not allow" in err) == (0, False)
    code, out, _ = live.run("validate")
    where = 'set "kinds: service: names: pattern:" in a contract file (contract: in kiamo.yaml)'
    assert (code, where in out) == (0, True)
    level(live)


def test_one_document_on_stdout(live: Desk) -> None:
    code, out, err = live.run("export", "-e", "staging", "--only", "bases/prospects", "--only", "services")
    assert (code, out) == (0, SERVICES + PROSPECTS)
    assert "created" not in err
    assert manifests(live) == {}


def test_a_single_file_with_everything_asked_for(live: Desk) -> None:
    arguments = ("--single", "--with-closed", "--run-state", "--skip-defaults")
    code, _, err = live.run("export", "-e", "staging", "-o", "manifests", *arguments)
    assert code == 0
    (text,) = manifests(live).values()
    assert "  - name: clients\n" in text
    assert 'label: ""' not in text
    assert "      - name: old\n" in text
    assert "        state: started\n" in text
    assert "finished" not in text
    assert "KIA1005" not in err
    level(live)


def test_what_the_ledger_has_is_managed(live: Desk) -> None:
    live.manifest("services: [{name: Sales, managed: true, label: Desk}]\n")
    assert live.run("adopt", "-e", "staging", "services/Sales")[0] == 0
    (live.folder / "manifests" / "a.yaml").unlink()
    live.run("export", "-e", "staging", "-o", "manifests", "--only", "services")
    assert manifests(live)["services.yaml"] == (
        "services:\n  - name: Care\n  - name: Sales\n    managed: true\n    label: Desk\n"
    )


BY_HAND = """\
# Ask Marie.
services:
  - name: Sales # the desk
  - name: Old desk
bases:
  - name: prospects
    exclusive: [batches] # all of them
    fields:
      - { label: Town, name: city } # label first, our habit
    batches:
      - name: autumn # was it ever there?
      - name: fresh
        renamed_from: [spring]
        association: &roles {destination: phone, backup: phone}
        service: Old desk
        state: paused # for now
        settings:
          pace: 5 # a minute
          volume: 11
  - name: clients
    ensure: absent # at last
"""
LEVEL = """\
# Ask Marie.
services:
  - name: Sales # the desk
  - name: Care
bases:
  - name: prospects
    exclusive: [batches] # all of them
    fields:
      - { label: "2026-01-01", name: city } # label first, our habit
    batches:
      - name: spring
        association: &roles {destination: phone}
        service: Sales
        state: started # for now
        settings:
          pace: 3 # a minute
      - name: old
        service: Sales
        association: {destination: phone}
        settings: {}
  - name: clients
"""


def test_into_what_somebody_wrote(live: Desk) -> None:
    live.manifest(BY_HAND)
    code, _, err = live.run("export", "-e", "staging", "-o", "manifests")
    assert code == 0
    (text,) = manifests(live).values()
    assert text == LEVEL.replace("        settings: {}\n", "")
    assert '~ bases/prospects/batches/fresh name: "fresh" → "spring"\n' in err
    assert "~ bases/prospects/batches/fresh settings.pace: 5 → 3\n" in err
    assert 'manifests/a.yaml:11:9: warning KIA1006: the batch "autumn" is missing on the instance' in err
    assert "KIA1010" in err
    assert err.endswith("Exported: 1 file changed, 2 resources added, 9 values changed, 2 blocks removed.\n")
    level(live)


def test_a_base_that_is_gone_is_told_once(live: Desk) -> None:
    live.run("export", "-e", "staging", "-o", "manifests")
    live.emulator.reset()
    live.emulator.seed({"services": [{"name": "Sales"}, {"name": "Care"}], "bases": [{"name": "clients", "label": ""}]})
    code, _, err = live.run("export", "-e", "staging", "-o", "manifests")
    assert (code, err.count("KIA1006")) == (0, 1)
    assert 'the base "prospects" is missing on the instance' in err
    assert err.endswith("Exported: 1 file changed, 3 blocks removed.\n")


def test_a_batch_by_itself_names_its_base(live: Desk) -> None:
    live.run("export", "-e", "staging", "-o", "manifests", "--only", "bases/prospects/batches/spring")
    (text,) = manifests(live).values()
    assert text.startswith("batches:\n  - base: prospects\n    name: spring\n")
    level(live)
    live.run("export", "-e", "staging", "-o", "manifests")
    assert sorted(manifests(live)) == ["clients.yaml", "prospects.yaml", "services.yaml"]
    assert manifests(live)["prospects.yaml"].startswith(text)
    level(live)


def test_variables_are_written_out_and_told(live: Desk) -> None:
    live.project(
        'manifests: [manifests]\nvariables: {brand: ACME}\nenvironments:\n  staging: {url: "http://127.0.0.1:1"}\n'
    )
    path = live.manifest(
        'bases:\n  - name: clients\n    label: "${brand}"\n  - name: prospects\n    label: "06${brand}"\n'
    )
    live.emulator.reset()
    live.emulator.seed({"bases": [{"name": "clients", "label": "ACME"}, {"name": "prospects", "label": "${x}"}]})
    _, _, err = live.run("export", "-e", "staging", "-o", "manifests")
    text = path.read_text(encoding="utf-8")
    assert text == 'bases:\n  - name: clients\n    label: "${brand}"\n  - name: prospects\n    label: $${x}\n'
    assert 'a.yaml:5:12: warning KIA1008: "label" used the variable "brand"' in err
    level(live)


def test_a_state_that_no_manifest_asks_for(live: Desk) -> None:
    path = live.manifest(
        "bases:\n  - name: prospects\n    batches:\n"
        "      - {name: old, state: paused, association: {destination: phone}}\n"
        "      - {name: empty, state: started, association: {destination: phone}}\n"
    )
    live.emulator.seed({"bases": [{"name": "clients2"}]})
    live.by_hand(
        "POST", f"/api/bases/{live.id_of('prospects')}/batches", {"name": "empty", "service": service_id(live)}
    )
    _, _, err = live.run("export", "-e", "staging", "-o", "manifests", "--only", "bases/prospects/batches")
    text = path.read_text(encoding="utf-8")
    assert "{name: old, association: {destination: phone}}" in text
    assert (
        'KIA1009: "state" of the batch "old" is declared paused, but is finished, which no manifest can declare' in err
    )
    assert "{name: empty, state: new, association: {}}" in text


def service_id(desk: Desk) -> str:
    found: str = next(s["id"] for s in desk.emulator.dump(ids=True)["services"] if s["name"] == "Sales")
    return found


def test_ids_and_tokens_stay_out(live: Desk) -> None:
    id_ = live.id_of("prospects")
    live.emulator.seed(
        {"bases": [{"name": "new", "label": FULL_TOKEN, "settings": {"peer": {"at": [id_]}, "kept": 1}}]}
    )
    _, out, err = live.run("export", "-e", "staging", "--only", "bases/new")
    assert out == "bases:\n  - name: new\n    settings:\n      kept: 1\n"
    assert 'KIA1004: "settings.peer" of the base "new" is an id of this instance: omitted' in err
    assert FULL_TOKEN not in err


def test_what_stands_outside_of_the_folder_is_told_and_left(live: Desk) -> None:
    (live.folder / "manifests" / "mine").mkdir()
    path = live.manifest("bases:\n  - name: prospects\n    label: P # theirs\n")
    before = path.read_bytes()
    code, _, err = live.run("export", "-e", "staging", "-o", "manifests/mine")
    assert code == 0
    assert path.read_bytes() == before
    assert 'a.yaml:3:12: warning KIA1011: "label" of the base "prospects" is not updated' in err
    assert 'KIA1011: new fields of "prospects" are omitted' in err
    assert "KIA1012: a plan still has changes: update bases/prospects\n" in err
    assert sorted(p.name for p in (live.folder / "manifests" / "mine").iterdir()) == ["clients.yaml", "services.yaml"]


def test_manifests_of_other_environments_are_told(live: Desk) -> None:
    _, _, err = live.run("export", "-e", "staging", "-o", "manifests")
    assert 'KIA1013: the changed manifests are also used by "eager"' in err


def test_a_folder_that_no_environment_reads(live: Desk, tmp_path: Path) -> None:
    code, _, err = live.run("export", "-e", "staging", "-o", "copies/today")
    assert (code, "KIA1013" in err) == (0, False)
    assert sorted(p.name for p in (tmp_path / "copies" / "today").iterdir()) == [
        "clients.yaml",
        "prospects.yaml",
        "services.yaml",
    ]
    assert live.run("export", "-e", "staging", "-o", "copies/today")[2].endswith("Exported: nothing to change.\n")


def test_names_that_are_one_on_some_system(live: Desk) -> None:
    live.emulator.seed({"bases": [{"name": name} for name in ("Clients", "CON", "services", "clients 2", "clients-2")]})
    live.run("export", "-e", "staging", "-o", "manifests")
    names = [name.casefold() for name in manifests(live)]
    assert len(set(names)) == len(names) == 8  # seven bases, and the services
    assert {"_con.yaml", "services.yaml", "prospects.yaml"} < set(names)
    level_code, _, err = live.run("plan", "-e", "staging", "--detailed-exitcode")
    assert (level_code, err) == (0, "")


def test_a_line_end_and_a_byte_order_mark_stay(live: Desk) -> None:
    path = live.manifest("")
    path.write_bytes("bases:\r\n  - name: prospects # é\r\n    label: P\r\n".encode())
    live.run("export", "-e", "staging", "-o", "manifests", "--only", "bases/prospects")
    data = path.read_bytes()
    assert data.startswith('bases:\r\n  - name: prospects # é\r\n    label: "0612345678"\r\n    fields:\r\n'.encode())
    assert b"\n" not in data.replace(b"\r\n", b"")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("-o", "."), "Error: . contains more than manifests.\n"),
        (("-o", "kiamo.yaml"), "Error: kiamo.yaml is not a folder.\n"),
        (("--single",), "Error: --single needs a folder.\n"),
        (("--only", "bases/nobody"), "Error: bases/nobody is neither on the instance nor declared.\n"),
        (("--only", "contacts"), 'there is no collection "contacts"'),
        (("--only", "bases//x"), '"bases//x" is not an address'),
        (("--only", "prospects"), '"prospects" is not an address: there is no collection "prospects"'),
    ],
)
def test_what_cannot_be_meant(live: Desk, arguments: tuple[str, ...], told: str) -> None:
    code, out, err = live.run("export", "-e", "staging", *arguments)
    assert (code, out) == (64, "")
    assert told in err


def test_a_link_out_of_the_folder_is_refused(live: Desk, tmp_path: Path) -> None:
    (tmp_path / "elsewhere.yaml").write_text("bases: [{name: prospects, label: P}]\n", encoding="utf-8")
    (tmp_path / "manifests" / "a.yaml").symlink_to(tmp_path / "elsewhere.yaml")
    code, _, err = live.run("export", "-e", "staging", "-o", "manifests")
    assert (code, "leads out of manifests" in err) == (64, True)
    assert (tmp_path / "elsewhere.yaml").read_text(encoding="utf-8") == "bases: [{name: prospects, label: P}]\n"


def test_patches_of_another_environment_are_not_touched(live: Desk, tmp_path: Path) -> None:
    (tmp_path / "env").mkdir()
    live.project(
        'manifests: [manifests]\nenvironments:\n  staging: {url: "http://127.0.0.1:1"}\n'
        '  eager: {url: "http://127.0.0.1:1", patches: [env]}\n'
    )
    code, _, err = live.run("export", "-e", "staging", "-o", "env")
    assert (code, 'patches of the environment "eager"' in err) == (64, True)
    assert live.run("export", "-e", "eager", "-o", "env")[0] == 0
    assert len(list((tmp_path / "env").iterdir())) == 3


def test_manifests_with_errors_stop_it(live: Desk) -> None:
    live.manifest("bases: [{name: prospects, lable: P}]\n")
    code, _, err = live.run("export", "-e", "staging", "-o", "manifests")
    assert (code, "KIA0202" in err) == (1, True)
    assert list(manifests(live)) == ["a.yaml"]


@pytest.mark.parametrize("arguments", [(), ("-o", "elsewhere")])
def test_a_manifest_that_cannot_be_read_stops_it(live: Desk, arguments: tuple[str, ...]) -> None:
    """It may list settings as sensitive."""
    live.manifest("bases: [{name: prospects, sensitive: [settings.zone]}\n")
    code, out, err = live.run("export", "-e", "staging", *arguments)
    assert (code, out) == (1, "")
    assert "Error: A manifest cannot be read; it may list settings as sensitive." in err
    assert "manifests/a.yaml:" in err
    assert not (live.folder / "elsewhere").exists()


def test_a_disk_that_is_full(live: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[Path] = []

    def full(path: Path, text: str, *, within: Path) -> None:
        if done:
            raise OSError(28, "No space left on device", str(path))
        done.append(path)

    monkeypatch.setattr("kiamo_iac.authoring.writing.write_text", full)
    code, _, err = live.run("export", "-e", "staging", "-o", "manifests")
    assert (code, "No space left on device" in err) == (1, True)
    assert "written so far: manifests/clients.yaml" in err


def test_what_changed_meanwhile_is_not_overwritten(live: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    path = live.manifest("bases:\n  - {name: prospects, label: P}\n")

    def meanwhile(*_: object) -> None:
        path.write_text("bases:\n  - {name: prospects, label: Q}\n", encoding="utf-8")

    monkeypatch.setattr("kiamo_iac.app.exporting.read_owned", meanwhile)
    code, _, err = live.run("export", "-e", "staging", "-o", "manifests")
    assert (code, "manifests/a.yaml has changed since it was read; nothing was written" in err) == (1, True)
    assert list(manifests(live)) == ["a.yaml"]


def test_no_line_of_stdout_is_a_command_to_a_pipeline(live: Desk) -> None:
    live.emulator.seed({"bases": [{"name": "b", "label": "x\n::error::y\n"}]})
    code, out, _ = live.run("export", "-e", "staging")
    assert code == 0
    assert '    label: "x\\n::error::y\\n"\n' in out
    assert not any(line.lstrip().startswith("::") for line in out.splitlines())
    assert live.run("export", "-e", "staging", "-o", "elsewhere")[0] == 0
    assert "label: |\n" in (live.folder / "elsewhere" / "b.yaml").read_text(encoding="utf-8")


def test_d19_what_is_odd_on_the_instance_does_not_end_an_export(
    desk: Desk, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    desk.emulator.seed(LIVE)

    def handle(request: EmulatorRequest) -> EmulatorResponse:
        response = desk.emulator.handle(request)
        rows = json.loads(response.body)
        if request.path.endswith("/fields"):
            rows = [row | ({"label": True} if row["name"] == "city" else {}) for row in rows]
        elif request.path.endswith("/bases"):
            rows += [rows[0] | {"id": letter * 24, "name": "twin"} for letter in "ab"]
        return replace(response, body=json.dumps(rows).encode())

    session = Session(transport=InProcess(handle, request=EmulatorRequest))
    assert run(("export", "-e", "staging", "-o", str(tmp_path / "out")), session=session) == 0
    err = capsys.readouterr().err
    assert 'warning KIA0421: two bases on the instance have the name "twin"' in err
    assert 'warning KIA0424: the label of a field ("city") must be a string, got true' in err
    written = "".join(file.read_text() for file in (tmp_path / "out").rglob("*.yaml"))
    assert "name: prospects" in written
    assert "name: city" in written
    assert "twin" not in written
    assert "label: true" not in written
