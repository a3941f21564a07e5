"""The manners of APIs, with the emulator in the place of the instance: it has nothing but the contract to go by."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final
from urllib.parse import parse_qsl

from kiamo_iac.contract.file import load_contract
from kiamo_iac.document.parser import parse
from kiamo_iac.emulator import Emulator, EmulatorRequest
from tests.faults.wire import Message, answer
from tests.language.test_manners import MANNERS
from tests.manners.desk import TOKEN, Call, Desk
from tests.manners.story import Manner
from tests.manners.table import TABLE

PHONE: Final = {"name": "phone", "label": "Phone", "datatype": "phone", "default": True}


class EmulatedDesk(Desk):
    """An emulator that is served, and compared, as the other instance is."""

    emulator: Emulator

    def handle(self, message: Message) -> Message:
        path, _, query = message.target.partition("?")
        fields = dict(parse_qsl(query, keep_blank_values=True))
        self.calls.append(Call(message.method, path, fields, message.headers, message.body))
        found = self.emulator.handle(EmulatorRequest(message.method, path, fields, message.headers, message.body))
        headers = {name.replace("-", "_"): text for name, text in found.headers.items()}
        return answer(found.status, found.body, **headers)

    def tree(self) -> dict[str, Any]:
        found = self.emulator.dump()
        return {
            "services": {item["name"]: item.get("label") for item in found.get("services", ())},
            "bases": {base["name"]: _base(base) for base in found.get("bases", ())},
        }


def _base(base: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "label": base.get("label"),
        "motd": base.get("settings", {}).get("motd"),
        "fields": {f["name"]: (f.get("label"), f.get("datatype")) for f in base.get("fields", ())},
        "batches": {b["name"]: (b["service"], b.get("association", {}), b["state"]) for b in base.get("batches", ())},
    }


@dataclass
class EmulatedManner(Manner):
    """A manner that an emulator has from the contract."""

    def desk(self) -> EmulatedDesk:
        with TemporaryDirectory() as folder:
            path = Path(folder) / "contract.yaml"
            path.write_text(json.dumps(self.contract), encoding="utf-8")
            contract = load_contract(path)
        desk = EmulatedDesk()
        desk.emulator = Emulator(contract, tokens={TOKEN: ["GET", "POST", "PUT", "DELETE"]})
        names = ["Accueil", "Fermeture", "Nuit", *([] if self.writes_services else ["Ventes", "Support"])]
        note = {"name": "note", "label": "Note", "datatype": "text"}
        desk.emulator.seed(
            {
                "services": [{"name": name, "label": name} for name in names],
                "bases": [
                    {"name": "archives", "label": "Archives", "fields": [note]},
                    {"name": "divers", "label": "Divers"},
                ],
            }
        )
        return desk

    @property
    def desk_default(self) -> Mapping[str, Any] | None:
        if "made_with_parent" not in (field := self.contract.get("kinds", {}).get("field", {})):
            return PHONE
        made = field["made_with_parent"]
        return {**made["things"][0], "default": True} if made else None


def emulated() -> Iterator[EmulatedManner]:
    """Each manner that a contract describes, once; those that differ by what no contract says are one."""
    seen: set[str] = set()
    for manner in TABLE:
        text = json.dumps(manner.contract, sort_keys=True)
        if text not in seen:
            seen.add(text)
            more = {key: getattr(manner, key) for key in ("has_motd", "writes_services", "first", "resumes")}
            yield EmulatedManner(manner.name, deepcopy(manner.contract), refusal="", **more)
    for name, (_, text) in MANNERS.items():
        contract = parse(text, file=name).data
        yield EmulatedManner(f"language: {name}", contract, refusal="", resumes=name == "resume")
