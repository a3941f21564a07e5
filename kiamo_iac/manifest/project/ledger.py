"""`ledger` of an environment in the project file: a backend and the keys that its settings declare."""

from __future__ import annotations

from typing import Any

from kiamo_iac.core.diagnostics import SourceRange
from kiamo_iac.core.ledger_settings import BACKENDS, FileSettings, LedgerSettings, SettingKey, ValueKind
from kiamo_iac.core.printable import quote
from kiamo_iac.manifest.project.reader import KeyReader, wrong_type


def ledger(reader: KeyReader, value: Any, source: SourceRange) -> LedgerSettings:
    """The settings under `ledger`; a key with a problem is as if it were not set."""
    if not isinstance(value, dict):
        reader.report("KIA0301", wrong_type("ledger", "a mapping", value), source, "write ledger: {backend: file}")
        return FileSettings()
    if "backend" not in value:
        reader.report("KIA0304", 'missing key "backend" in ledger', source, f"add backend: {' or '.join(BACKENDS)}")
        return FileSettings()
    name = reader.choice(value, "backend", tuple(BACKENDS))
    if name is None:
        return FileSettings()
    chosen = BACKENDS[name]
    reader.check_keys(value, known=("backend", *chosen.keys), what=f"a ledger with backend: {name}")
    for key, declared in chosen.keys.items():
        if declared.required and key not in value:
            reader.report("KIA0304", f'missing key "{key}" in ledger', source, f"add {key}: {declared.example}")
    found = {key: _value(reader, value, key, declared) for key, declared in chosen.keys.items()}
    settings = chosen(**{key: setting for key, setting in found.items() if setting is not None})
    for problem in settings.problems(value.keys()):
        reader.report(problem.code, problem.summary, reader.place(value).at(problem.key), problem.hint)
    return settings


def _value(reader: KeyReader, node: dict[str, Any], key: str, declared: SettingKey) -> str | None:
    """The value of one key; None too where it is not set, or has a problem."""
    if declared.kind is ValueKind.PATH:
        return _path(reader, node, key, declared) if key in node else None
    if declared.choices:
        return reader.choice(node, key, declared.choices)
    value = reader.text(node, key, example=declared.example)
    problem = declared.problem(value) if value is not None else None
    if problem is not None:
        reader.report("KIA0312", problem, reader.place(node).at(key), declared.hint)
        return None
    return value


def _path(reader: KeyReader, node: dict[str, Any], key: str, declared: SettingKey) -> str | None:
    source = reader.place(node).at(key)
    path = reader.path(node[key], source, what=key)
    if path is None:
        return None
    if path.is_dir():
        reader.report("KIA0306", f"{quote(node[key])} is a folder", source, declared.hint)
    value: str = node[key]
    return value
