"""Taking over an instance that people made: 50 contact bases with French names, exported and managed."""

from __future__ import annotations

import unicodedata
from collections import Counter
from typing import Any, Literal

import pytest

from kiamo_iac.core.address import Address
from tests.cli.conftest import Desk

NAMES = (
    "L'Oréal – vague {}",
    "Clients fidèles ({})",
    "Été “spécial” — n° {}",
    "Prospects d'Île-de-France {}",
    "Où / quand ? {}",
    "50 % déjà : {}",
    "# à rappeler {}",
    "- liste {}",
    "Œuvres & mécénat {}",
    "’apostrophe’ {}",
)


def instance(count: int = 50) -> dict[str, Any]:
    """An instance with `count` bases; every other name is decomposed (NFD), as macOS types it."""
    bases = []
    for number in range(count):
        name = NAMES[number % len(NAMES)].format(number)
        form: Literal["NFC", "NFD"] = "NFD" if number % 2 else "NFC"
        bases.append(
            {
                "name": unicodedata.normalize(form, name),
                "label": f"Base n° {number} : « {name} »",
                "fields": [
                    {"name": unicodedata.normalize(form, "code d'activité"), "label": "Activité", "datatype": "string"},
                    {"name": "élu–local", "label": "", "datatype": "string"},
                ],
                "batches": [
                    {
                        "name": unicodedata.normalize(form, f"Relance d’été – {number}"),
                        "service": "Ventes à l'étranger",
                        "association": {"destination": "phone"},
                    }
                ],
            }
        )
    return {"services": [{"name": "Ventes à l'étranger", "label": "Étranger"}], "bases": bases}


@pytest.fixture
def taken(desk: Desk) -> Desk:
    """A project without manifests, and an instance with 10 bases."""
    desk.emulator.seed(instance(10))
    (desk.folder / "manifests" / "a.yaml").unlink()
    (desk.folder / "manifests").rmdir()
    return desk


def check_taken(desk: Desk, bases: int) -> None:
    """Everything is declared and managed, and there is nothing to do."""
    code, out, err = desk.run("plan", "-e", "staging", "--detailed-exitcode")
    assert (code, err) == (0, ""), out + err
    assert out.splitlines()[1:] == ["No changes: staging matches its manifests."]
    code, out, _ = desk.run("drift", "-e", "staging", "--detailed-exitcode")
    assert code == 0
    assert out.endswith(f"No drift: {bases * 4} unchanged.\n")
    kinds = Counter(Address(address).collection for address in desk.owned())
    assert kinds == {"bases": bases, "fields": bases * 2, "batches": bases}
    assert desk.writes() == []


def test_it_takes_one_command(taken: Desk) -> None:
    """And a second time there is nothing to change and nothing to adopt."""
    taken.emulator.seed({"bases": instance()["bases"][10:]})
    code, out, err = taken.run("export", "-e", "staging", "-o", "manifests", "--adopt")
    assert code == 0, out + err
    assert err.endswith("Exported: 51 files created, 202 resources added.\nAdopted: 200.\n")
    check_taken(taken, 50)
    before = taken.ledger.read_bytes()
    code, _, err = taken.run("export", "-e", "staging", "-o", "manifests", "--adopt")
    assert (code, err) == (0, "Exported: nothing to change.\nAdopted: 0.\n")
    assert taken.ledger.read_bytes() == before


def test_or_two(taken: Desk) -> None:
    assert taken.run("export", "-e", "staging", "-o", "manifests")[0] == 0
    code, out, err = taken.run("adopt", "-e", "staging", "--all")
    assert (code, err) == (0, "Adopted: 40.\n")
    assert len(out.splitlines()) == 40
    check_taken(taken, 10)
    assert taken.run("adopt", "-e", "staging", "--all") == (0, "", "Adopted: 0.\n")


def test_a_part_is_adopted_where_a_part_is_exported(taken: Desk) -> None:
    only = "bases/L'Oréal – vague 0"
    code, _, err = taken.run("export", "-e", "staging", "-o", "manifests", "--only", only, "--adopt")
    assert (code, err.splitlines()[-1]) == (0, "Adopted: 4."), err
    assert {Address(address).covers(Address(only)) or address.startswith(only) for address in taken.owned()} == {True}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("export", "--adopt"), "--adopt needs a folder"),
        (("export", "-o", "copy", "--adopt"), "not a folder of the project's manifests"),
        (("adopt",), "pass one or more addresses, or --all"),
        (("adopt", "--all", "bases/prospects"), "pass --all or addresses, not both"),
    ],
)
def test_what_cannot_be_adopted_is_refused_before_anything_is_written(
    taken: Desk, arguments: tuple[str, ...], said: str
) -> None:
    (taken.folder / "manifests").mkdir()
    taken.manifest('services: [{name: "Ventes à l\'étranger"}]\n', "s.yaml")
    code, out, err = taken.run(*arguments, "-e", "staging")
    assert (code, out) == (64, "")
    assert said in err
    assert not taken.ledger.exists()
    assert not (taken.folder / "copy").exists()


def test_a_locked_ledger_ends_it_before_anything_is_written(taken: Desk) -> None:
    from kiamo_iac.app.ownership import lock_ledger
    from kiamo_iac.app.project import Workspace

    (taken.folder / "manifests").mkdir()
    with lock_ledger(Workspace.open(), "staging"):
        code, _, err = taken.run("export", "-e", "staging", "-o", "manifests", "--adopt")
    assert code == 5, err
    assert list((taken.folder / "manifests").iterdir()) == []
