"""`python -m tests.docs.vendor PORT`: a vendor whose Kiamo differs, for pages that meet one.

One server is both: the documenter that publishes `tests/contract/collections/francais-v2.1.json`, and an instance that
speaks as that collection says. It is written by hand, and shares no code with the program.
"""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path
from typing import Any

from tests.faults.wire import Message, answer
from tests.manners.contracts import enveloped, rows_in, words
from tests.manners.desk import Call, Desk, Item, serving

COLLECTION = Path(__file__).parents[1] / "contract" / "collections" / "francais-v2.1.json"
PUBLISHED, OWNER = "2sAbCdEfGh", "1234567"
TOKEN = "0123456789" * 4


def _is_admitted(call: Call) -> bool:
    return call.headers.get("x-jeton") == TOKEN


def _roles(_: Desk, value: Item) -> list[Item]:
    return [{"role": role, "champ": name} for role, name in value.items()]


def _mapping(_: Desk, rows: Any) -> Item:
    return {row["role"]: row["champ"] for row in rows}


class Vendor(Desk):
    """The documenter before the instance."""

    def handle(self, message: Message) -> Message:
        """As `Desk.handle`; the documenter needs no token."""
        if message.path == f"/view/metadata/{PUBLISHED}":
            info = {"publicUrl": self.url, "owner": OWNER, "publishedId": PUBLISHED}
            return answer(200, json.dumps({"collection": {"info": info}}))
        if message.path == f"/api/collections/{OWNER}/{PUBLISHED}":
            return answer(200, COLLECTION.read_bytes())
        return super().handle(message)


def vendor() -> Vendor:
    """The instance, with what stands on it."""
    lots = "/fichiers/{base}/lots"
    commands = {"start": "demarrer", "pause": "suspendre", "stop": "arreter"}
    desk = Vendor(
        prefix="/rest/v1",
        is_admitted=_is_admitted,
        routes={
            "service": _routes("/files"),
            "base": _routes("/fichiers"),
            "field": _routes("/fichiers/{base}/champs"),
            "batch": _routes(lots) | {name: f"POST {lots}/{{id}}/{verb}" for name, verb in commands.items()},
        },
        names={
            **{f"{kind}.name": "nom" for kind in ("service", "base", "field", "batch")},
            **{f"{kind}.label": "libelle" for kind in ("service", "base", "field")},
            "base.contacts": "nbContacts",
            "base.fields": "champs",
            "field.datatype": "type",
            "field.default": "defaut",
            "batch.service": "fileId",
            "batch.association": "correspondance",
            "batch.state": "etat",
        },
        forms={
            "batch.association": (_roles, _mapping),
            "batch.state": words(
                new="nouveau", started="en_cours", paused="suspendu", stopped="arrete", finished="termine"
            ),
        },
        hides={"base": frozenset({"motd"}), "batch": frozenset({"contacts"})},
        lists={"list": rows_in("donnees")},
        answers={
            "create": enveloped("donnees", status=201),
            **{each: enveloped("donnees") for each in ("read", "update", "command")},
        },
        numbered=frozenset({"service", "base", "field", "batch"}),
        default_field={"name": "telephone", "label": "Téléphone", "datatype": "telephone", "default": True},
    )
    sales = desk.add("service", name="Ventes", label="Ventes")
    desk.add("service", name="Support", label="Support")
    prospects = desk.add("base", name="prospects", label="Prospects", contacts=250)
    desk.add("field", prospects, name="ville", label="Ville", datatype="texte")
    desk.add("field", prospects, name="rappel", label="Rappel", datatype="date")
    for name, state in (("hiver", "finished"), ("printemps", "paused"), ("ete", "new")):
        desk.add(
            "batch", prospects, name=name, service=sales["id"], association={"destination": "telephone"}, state=state
        )
    return desk


def _routes(path: str) -> dict[str, str]:
    one = f"{path}/{{id}}"
    return {
        "list": f"GET {path}",
        "create": f"POST {path}",
        "read": f"GET {one}",
        "update": f"PUT {one}",
        "delete": f"DELETE {one}",
    }


def main(arguments: list[str]) -> int:
    """Serve until it is ended."""
    with serving(vendor(), port=int(arguments[0])) as desk:
        sys.stdout.write(f"{desk.url}, until Ctrl-C\n")
        sys.stdout.flush()
        threading.Event().wait()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
