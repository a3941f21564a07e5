"""What the demo runs on: a local Kiamo emulator with a live state, a project, and a user of Kiamo's own console."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

ENVIRONMENT = "staging"
TOKEN_VARIABLE = "KIAMO_STAGING_TOKEN"  # noqa: S105 - the name of a variable
_URL = "http://127.0.0.1:8090"
"""The address in the packaged project file; the address of the running server replaces it."""


@dataclass(frozen=True, slots=True)
class DemoProject:
    """A running emulator, and the project for it."""

    folder: Path
    """The folder of kiamo.yaml."""
    url: str
    token: str

    def variables(self) -> Mapping[str, str]:
        """The environment variables of the demo's commands, without the KIAMO_* variables of the user."""
        inherited = {name: text for name, text in os.environ.items() if not name.startswith("KIAMO_")}
        return inherited | {TOKEN_VARIABLE: self.token}


@contextmanager
def demo_project(folder: Path) -> Iterator[DemoProject]:
    """Create the project in `folder`, and run an emulator for it in a thread while the context lasts."""
    from kiamo_iac.contract.file import load_contract
    from kiamo_iac.emulator import FULL_TOKEN, Emulator
    from kiamo_iac.emulator.server import Server

    packaged = resources.files("kiamo_iac.demo").joinpath("project")
    live = json.loads(packaged.joinpath("live.json").read_text(encoding="utf-8"))
    with Emulator(load_contract(), database=folder / "kiamo.sqlite") as emulator, Server(emulator) as server:
        emulator.seed(live)
        project = folder / "project"
        _copy(packaged, project)
        file = project / "kiamo.yaml"
        file.write_text(file.read_text(encoding="utf-8").replace(_URL, server.url), encoding="utf-8", newline="\n")
        yield DemoProject(project, server.url, FULL_TOKEN)


def _copy(source: Traversable, target: Path) -> None:
    target.mkdir()
    for item in source.iterdir():
        if item.is_dir():
            _copy(item, target / item.name)
        elif item.name.endswith(".yaml"):
            (target / item.name).write_bytes(item.read_bytes())


class ConsoleUser:
    """Changes objects as a supervisor at Kiamo's own console does, without the manifests."""

    def __init__(self, project: DemoProject) -> None:
        from kiamo_iac.api.client import Client
        from kiamo_iac.contract.file import load_contract
        from kiamo_iac.core.secret import Secret

        self._contract = load_contract()
        self._client = Client(project.url, Secret(project.token), self._contract)

    def change_label(self, base: str, label: str) -> None:
        """Change the label of a base."""
        attribute = self._contract.kinds["base"].attributes["label"].wire
        self._client.call("base", "update", {"id": self._id("base", base)}, body={attribute: label})

    def pause(self, base: str, batch: str) -> None:
        """Pause a batch."""
        parent = {"base": self._id("base", base)}
        self._client.call("batch", "pause", {**parent, "id": self._id("batch", batch, parent)})

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def _id(self, kind: str, name: str, parent: Mapping[str, Any] | None = None) -> Any:
        stanza = self._contract.kinds[kind]
        listed = self._client.call(kind, "list", parent or {}).items(stanza.listing.items)
        return next(item[stanza.id.wire] for item in listed if item[stanza.attributes["name"].wire] == name)
