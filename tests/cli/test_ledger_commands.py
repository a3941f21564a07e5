"""The ledger as a person meets it: made by apply, listed, adopted into, forgotten, left alone when it is broken."""

from __future__ import annotations

import json
import subprocess
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from kiamo_iac import __version__
from kiamo_iac.app.ownership import lock_ledger
from kiamo_iac.app.project import Workspace
from kiamo_iac.core.address import Address
from kiamo_iac.core.state import OwedState
from tests.cli.conftest import MANIFEST, Desk, starting

THINGS = ["bases/prospects", "bases/prospects/batches/relance", "bases/prospects/fields/ville"]


def seed(desk: Desk) -> None:
    """What the manifest declares, made by somebody else."""
    field = {"name": "ville", "label": "Ville", "datatype": "string"}
    batch = {"name": "relance", "service": "Ventes", "association": {"destination": "phone"}, "state": "new"}
    desk.emulator.seed({"bases": [{"name": "prospects", "label": "Base", "fields": [field], "batches": [batch]}]})


def test_apply_writes_down_what_it_makes(desk: Desk) -> None:
    code, out, err = desk.run("ledger", "list", "-e", "staging")
    assert (code, out) == (0, "")
    assert "staging has no ledger" in err
    assert not desk.ledger.exists()
    desk.apply()
    owned = desk.owned()
    assert sorted(owned) == THINGS
    (base,) = desk.emulator.dump(ids=True)["bases"]
    assert owned["bases/prospects"]["id"] == base["id"]
    assert owned["bases/prospects"]["attributes"] == {"name": "prospects", "label": "Prospects"}
    assert owned["bases/prospects/batches/relance"]["attributes"]["service"] == "Ventes"
    assert owned["bases/prospects"]["version"] == __version__
    assert owned["bases/prospects"]["applied_at"].endswith("Z")
    code, out, err = desk.run("ledger", "list", "-e", "staging")
    assert (code, err) == (0, "")
    assert [line.split()[0] for line in out.splitlines()[1:4]] == THINGS
    assert out.endswith("\n3 managed resources.\n")


def test_a_second_apply_writes_nothing_into_it(desk: Desk) -> None:
    desk.apply()
    before = desk.ledger.read_bytes()
    desk.apply()
    assert desk.ledger.read_bytes() == before


def test_it_says_which_commit_it_was(desk: Desk) -> None:
    def git(*arguments: str) -> str:
        identity = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"]
        command = ["git", *identity, *arguments]
        return subprocess.run(command, cwd=desk.folder, capture_output=True, check=True, text=True).stdout.strip()

    desk.apply()
    assert {thing["commit"] for thing in desk.owned().values()} == {None}
    git("init", "-q")
    git("add", "manifests", "kiamo.yaml")
    git("commit", "-q", "-m", "one")
    desk.manifest(MANIFEST.replace("label: Prospects", "label: Autre"))
    git("commit", "-q", "-a", "-m", "two")
    desk.apply()
    commits = {address: thing["commit"] for address, thing in desk.owned().items()}
    assert commits["bases/prospects"] == git("rev-parse", "HEAD")
    assert commits["bases/prospects/fields/ville"] is None


def test_an_update_adopts_and_what_is_level_is_left_to_adopt(desk: Desk) -> None:
    seed(desk)
    desk.apply()
    assert sorted(desk.owned()) == ["bases/prospects"]
    code, out, err = desk.run("adopt", "-e", "staging", *THINGS[1:])
    assert (code, err) == (0, "Adopted: 2.\n")
    assert out.splitlines() == THINGS[1:]
    owned = desk.owned()
    assert sorted(owned) == THINGS
    assert owned["bases/prospects/fields/ville"]["attributes"] == {
        "name": "ville",
        "label": "Ville",
        "datatype": "string",
    }


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("bases/prospects/fields/villes", 'did you mean "bases/prospects/fields/ville"?'),
        ("services/Ventes", "is not declared"),  # a reference: it is not ours to manage
        ("bases/prospects", "is missing on the instance"),
        ("fields/ville", "fields are below bases"),
        ("bases", "is not an address"),
    ],
)
def test_only_what_is_declared_and_live_is_adopted(desk: Desk, address: str, said: str) -> None:
    code, out, err = desk.run("adopt", "-e", "staging", address)
    assert (code, out) == (64, "")
    assert said in err
    assert not desk.ledger.exists()
    assert desk.writes() == []


def test_adopting_one_that_cannot_be_adopts_none(desk: Desk) -> None:
    seed(desk)
    assert desk.run("adopt", "-e", "staging", "bases/prospects", "bases/autre")[0] == 64
    assert desk.owned() == {}


def test_forget_lets_go_of_a_thing_and_what_is_in_it(desk: Desk) -> None:
    desk.apply()
    calls = len(desk.emulator.calls())
    code, out, err = desk.run("ledger", "forget", "-e", "staging", "bases/prospects")
    assert (code, err) == (0, "Removed from the ledger: 3.\n")
    assert out.splitlines() == THINGS
    assert desk.owned() == {}
    assert len(desk.emulator.calls()) == calls
    code, _, err = desk.run("ledger", "forget", "-e", "staging", "bases/prospects")
    assert code == 64
    assert "is not in the ledger" in err


def test_nobody_holds_a_lock_that_could_be_broken(desk: Desk) -> None:
    code, out, err = desk.run("ledger", "unlock", "-e", "staging", "0")
    assert (code, out) == (64, "")
    assert "is not locked" in err


@pytest.mark.parametrize("spoil", ["nonsense", "newer", "foreign"])
def test_a_ledger_that_cannot_be_used_ends_the_run_and_stays_as_it_is(desk: Desk, spoil: str) -> None:
    desk.apply()
    header, _, rest = desk.ledger.read_text(encoding="utf-8").partition("\n")
    head = json.loads(header)
    match spoil:
        case "nonsense":
            text = f"{header}\nnonsense\n{rest}"
        case "newer":
            text = json.dumps({**head, "format_version": 99}) + f"\n{rest}"
        case _:
            text = json.dumps({**head, "environment": "production"}) + f"\n{rest}"
    desk.ledger.write_text(text, encoding="utf-8")
    desk.manifest(MANIFEST.replace("label: Prospects", "label: Autre"))
    written = len(desk.writes())
    for words in (("plan",), ("apply", "--yes"), ("adopt", "bases/prospects"), ("ledger", "forget", "bases/prospects")):
        code, _, err = desk.run(*words, "-e", "staging")
        assert code == 1, words
        assert "staging.ledger.jsonl" in err
    assert desk.ledger.read_text(encoding="utf-8") == text
    assert len(desk.writes()) == written


def test_a_ledger_that_cannot_be_written_fails_before_the_first_write(desk: Desk) -> None:
    desk.folder.joinpath(".kiamo").write_text("a file where a folder should be", encoding="utf-8")
    code, _, err = desk.run("apply", "-e", "staging", "--yes")
    assert code == 1, err
    assert "ledger" in err
    assert desk.writes() == []


def test_a_ledger_that_fails_in_the_middle_ends_the_run(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from kiamo_iac.core.errors import LedgerError
    from kiamo_iac.ledger.ledger import Ledger

    def full(self: Ledger, entry: object) -> None:
        msg = "The disk is full."
        raise LedgerError(msg, hint="make room")

    monkeypatch.setattr(Ledger, "record", full)
    code, out, err = desk.run("apply", "-e", "staging", "--yes", "--parallelism", "1")
    assert code == 4
    assert "Applied in part: 1 done, 2 not tried." in out
    assert "The ledger could not be written" in err
    assert "The disk is full." in err
    monkeypatch.undo()
    monkeypatch.setenv("KIAMO_STAGING_TOKEN", "0123456789" * 4)
    monkeypatch.chdir(desk.folder)
    assert sorted(desk.owned()) == THINGS  # all of it was about to be made: nothing is forgotten
    assert desk.owned()["bases/prospects"]["id"] is None
    desk.apply()
    assert all(thing["id"] is not None for thing in desk.owned().values())


def test_the_run_state_is_kept_as_far_as_it_was_reached(desk: Desk) -> None:
    desk.manifest(starting())
    desk.apply("--allow-start")
    assert desk.owned()["bases/prospects/batches/relance"]["attributes"]["state"] == "started"
    desk.manifest(MANIFEST)
    desk.apply()
    assert "state" not in desk.owned()["bases/prospects/batches/relance"]["attributes"]


def test_a_rename_takes_what_is_below_along(desk: Desk) -> None:
    desk.apply()
    before = {address: thing["id"] for address, thing in desk.owned().items()}
    desk.manifest(MANIFEST.replace("- name: prospects", "- name: clients\n    renamed_from: [prospects]"))
    desk.apply()
    owned = desk.owned()
    assert {address: thing["id"] for address, thing in owned.items()} == {
        address.replace("prospects", "clients"): id_ for address, id_ in before.items()
    }
    assert owned["bases/clients"]["renamed_from"] == ["prospects"]
    assert owned["bases/clients"]["attributes"]["name"] == "clients"


def test_swapped_names_are_swapped_once(desk: Desk) -> None:
    desk.manifest("bases:\n  - {name: a, label: A}\n  - {name: b, label: B}\n")
    desk.apply()
    ids = {address: thing["id"] for address, thing in desk.owned().items()}
    swapped = "bases:\n  - {name: b, label: A, renamed_from: [a]}\n  - {name: a, label: B, renamed_from: [b]}\n"
    desk.manifest(swapped)
    desk.apply()
    owned = desk.owned()
    assert (owned["bases/b"]["id"], owned["bases/a"]["id"]) == (ids["bases/a"], ids["bases/b"])
    assert len(owned) == 2
    assert desk.run("plan", "-e", "staging", "--detailed-exitcode")[0] == 0


def test_nothing_secret_stands_in_it(desk: Desk) -> None:
    desk.apply()
    assert "0123456789" * 4 not in desk.ledger.read_text(encoding="utf-8")


def test_where_it_is_kept_can_be_said(desk: Desk) -> None:
    desk.project(
        'manifests: [manifests]\nenvironments:\n  staging: {url: "http://127.0.0.1:8090", '
        "ledger: {backend: file, path: ledgers/s.jsonl}}\n"
    )
    desk.apply()
    assert Path("ledgers/s.jsonl").is_file()
    assert not desk.ledger.exists()
    assert sorted(desk.owned()) == THINGS


def test_what_is_owed_is_listed_and_waived(desk: Desk) -> None:
    desk.apply()
    address = Address(THINGS[1])
    owed = OwedState("started", "paused", "2026-11-28T09:30:12Z", "20261128T093012Z-c0ffee")
    workspace = Workspace.open(desk.folder / "kiamo.yaml", environ={})
    with lock_ledger(workspace, "staging") as ledger:
        ledger.record(replace(ledger.owned[address], owed=owed))
        ledger.flush()
    assert desk.owned()[address]["owed"] == asdict(owed)
    assert "owed" not in desk.owned()["bases/prospects"]
    code, out, err = desk.run("ledger", "list", "-e", "staging")
    assert (code, err) == (0, "")
    (line,) = (line for line in out.splitlines() if line.startswith(address))
    assert line.endswith("left paused by the run of 2026-11-28 09:30 UTC, to be started")
    code, out, err = desk.run("ledger", "forget", "-e", "staging", "--owed", "bases/other")
    assert (code, out) == (64, "")
    assert "No run state is owed to bases/other." in err
    assert desk.run("ledger", "forget", "-e", "staging", "--owed", "bases/prospects") == (
        0,
        f"{address}\n",
        "Run states no longer owed: 1.\n",
    )
    assert sorted(desk.owned()) == THINGS
    assert "owed" not in desk.owned()[address]
