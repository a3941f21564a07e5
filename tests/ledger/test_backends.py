"""A backend is declared once: its settings, with every key; and the factory that opens it."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from types import MappingProxyType

import pytest

from kiamo_iac.core import ledger_settings
from kiamo_iac.core.ledger_settings import BACKENDS, LedgerSettings, Location, SettingKey
from kiamo_iac.ledger import opening
from kiamo_iac.ledger.content import Content
from kiamo_iac.ledger.ledger import Ledger
from kiamo_iac.ledger.lock import LockInfo
from kiamo_iac.ledger.opening import ACCESS, LedgerContext, ledger_access
from kiamo_iac.manifest.project.file import load_project
from kiamo_iac.manifest.project.schema import project_schema
from tests.ledger.entries import identity_of


@pytest.mark.parametrize("name", BACKENDS)
def test_a_backend_declares_its_keys_and_its_factory(name: str) -> None:
    settings = BACKENDS[name]
    assert settings.backend == name
    assert {field.name for field in fields(settings)} == set(settings.keys)  # type: ignore[arg-type]
    module, _, factory = ACCESS[name].partition(":")
    assert callable(getattr(importlib.import_module(module), factory))


def test_every_factory_is_of_a_backend() -> None:
    assert tuple(ACCESS) == tuple(BACKENDS)


@dataclass(frozen=True, slots=True)
class ShelfSettings(LedgerSettings):
    shelf: str = ""

    backend = "shelf"
    summary = "A ledger on a shelf."
    keys = MappingProxyType({"shelf": SettingKey("The name of the shelf.", "top", required=True)})

    def location(self, environment: str) -> Location:
        return ("shelf", self.shelf, environment)


class ShelfAccess:
    def __init__(self, settings: ShelfSettings, context: LedgerContext) -> None:
        self._where = f"shelf {settings.shelf}"
        self._context = context

    @contextmanager
    def locked(self, info: LockInfo, *, timeout: float) -> Iterator[Ledger]:
        del info, timeout
        yield self.read()

    def read(self) -> Ledger:
        return Ledger(Content(self._context.environment), found=False, where=self._where)

    def break_lock(self, lock_id: str) -> LockInfo:
        return LockInfo(lock_id, "nobody")


def test_a_fourth_backend_is_a_declaration_and_two_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    declared = {**BACKENDS, "shelf": ShelfSettings}
    for module in ("core.ledger_settings", "manifest.project.ledger", "manifest.project.schema"):
        monkeypatch.setattr(importlib.import_module(f"kiamo_iac.{module}"), "BACKENDS", declared)
    monkeypatch.setattr(opening, "ACCESS", {**ACCESS, "shelf": f"{__name__}:ShelfAccess"})
    assert ledger_settings.BACKENDS is declared
    (tmp_path / "manifests").mkdir()
    file = tmp_path / "kiamo.yaml"
    file.write_text(
        "manifests: [manifests]\nenvironments:\n  a: {url: 'https://h', ledger: {backend: shelf, shelf: top}}\n",
        encoding="utf-8",
    )
    settings = load_project(file).environments["a"].ledger
    assert settings == ShelfSettings("top")
    assert project_schema()["definitions"]["ledger_shelf"]["required"] == ["backend", "shelf"]
    access = ledger_access(settings, LedgerContext(identity_of("a"), tmp_path, {}))
    assert access.read().where == "shelf top"
    with access.locked(LockInfo.of_this_process("me", "apply"), timeout=0) as ledger:
        assert not ledger.found
