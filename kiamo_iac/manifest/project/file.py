"""Reads the project file: each key is checked, and all problems are reported."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

from kiamo_iac.core.diagnostics import Diagnostic, SourceRange, by_place, has_errors
from kiamo_iac.core.environ import variable_prefix, why_reserved
from kiamo_iac.core.errors import ManifestError, UsageError
from kiamo_iac.core.ledger_settings import PROJECT_NAME, FileSettings
from kiamo_iac.core.place import Place
from kiamo_iac.core.printable import quote
from kiamo_iac.core.safe_files import real
from kiamo_iac.core.settings import DEFAULT_JOURNALS, GuardSettings, LimitSettings
from kiamo_iac.core.urls import origin_of
from kiamo_iac.document.files import read_text
from kiamo_iac.document.parser import Document, parse
from kiamo_iac.manifest.paths import check_way, is_manifest
from kiamo_iac.manifest.project.ledger import ledger
from kiamo_iac.manifest.project.model import Environment, Folder, Project
from kiamo_iac.manifest.project.reader import (
    KeyReader,
    read_guards,
    read_journals,
    read_limits,
    read_variables,
    wrong_type,
)
from kiamo_iac.manifest.variables import Variable

MAX_BYTES: Final = 1024 * 1024
"""Of a project file, enough for some thousand environments."""
_KEYS: Final = ("name", "manifests", "contract", "variables", "environments", "journals")
_ENVIRONMENT_KEYS: Final = ("url", "instance", "variables", "patches", "ledger", "guards", "limits")
INSTANCE_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/\[\]\-]{0,199}")
"""A name, or the origin of a url that the instance had."""
ENVIRONMENT_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._\-]*")


def load_project(file: Path, *, may_be_missing: Callable[[Path], bool] = lambda _: False) -> Project:
    """Read and check a project file.

    `may_be_missing`: whether a folder of manifests (its resolved path) need not be there, since it is about to be made.

    Raises:
        UsageError: there is no such file.
        ManifestError: it has problems, see its `diagnostics`; or a link in its path leads out of the
            repository, see `check_way`.
    """
    check_way(file)
    if not file.is_file():
        msg = f"No project file {file.name} found."
        raise UsageError(msg, hint="pass the path of the file: --project FILE")
    document = parse(read_text(file, shown=file.name, max_bytes=MAX_BYTES), file=file.name)
    root = real(file.parent)
    reading = _ProjectReader(document, root, may_be_missing=may_be_missing)
    project = reading.project(root / file.name)
    read = [problem for problem in document.diagnostics if not _is_reported_again(problem, reading.diagnostics)]
    diagnostics = by_place((*read, *reading.diagnostics))
    if has_errors(diagnostics):
        count = len(diagnostics)
        msg = f"The project file has {'1 problem' if count == 1 else f'{count} problems'}."
        raise ManifestError(msg, diagnostics=diagnostics)
    return project


def _is_reported_again(form: Diagnostic, found: Iterable[Diagnostic]) -> bool:
    """Whether the check of a URL reports the same password, at the start of the same value."""
    if form.code != "KIA0240" or form.source is None:
        return False
    line = form.source[:2]
    urls = (d.source for d in found if d.source is not None and d.code in {"KIA0307", "KIA0312"})
    return any(url[:2] == line and url.column < form.source.column for url in urls)


class _ProjectReader:
    """One pass over the data of a project file."""

    def __init__(self, document: Document, root: Path, *, may_be_missing: Callable[[Path], bool]) -> None:
        self._may_lack = may_be_missing
        self._document = document
        self._reader = KeyReader(document, root)
        self._root = root
        self._top = SourceRange(document.file, 1, 1)

    @property
    def diagnostics(self) -> list[Diagnostic]:
        """The problems so far."""
        return self._reader.diagnostics

    def project(self, file: Path) -> Project:
        """The project, without its invalid values."""
        data = self._document.data
        folders: tuple[Folder, ...] = ()
        contract: Path | None = None
        environments: dict[str, Environment] = {}
        given: dict[str, Variable] = {}
        name: str | None = None
        journals = DEFAULT_JOURNALS
        if isinstance(data, dict):
            place = self._reader.place(data)
            self._reader.check_keys(data, known=_KEYS, what="the project file")
            hint = "use 1 to 40 lower-case letters, digits and hyphens; begin with a letter or digit"
            name = self._name(data, "name", PROJECT_NAME, example="outbound", hint=hint)
            if "manifests" in data:
                folders = tuple(self._folders(data["manifests"], place.at("manifests")))
            else:
                self._reader.report(
                    "KIA0304", 'missing key "manifests" in the project file', place.range, "add manifests: [manifests]"
                )
            if "contract" in data:
                contract = self._contract(data["contract"], place.at("contract"))
            if "variables" in data:
                given = read_variables(self._reader, data["variables"], place.at("variables"))
            if "environments" in data:
                environments = self._environments(data["environments"], place.at("environments"))
            if "journals" in data:
                journals = read_journals(self._reader, data["journals"], place.at("journals"))
        elif data is None and not has_errors(self._document.diagnostics):
            summary = "the project file must not be empty"
            self._reader.report("KIA0301", summary, self._top, "begin it with manifests: [manifests]")
        elif not has_errors(self._document.diagnostics):
            self._reader.report(
                "KIA0301",
                "the project file must not be empty"
                if data is None
                else wrong_type("the project file", "a mapping", data),
                self._top,
                "begin it with manifests: [manifests]",
            )
        return Project(self._root, file, folders, contract, environments, given, name, journals)

    def _name(self, node: dict[str, Any], key: str, form: re.Pattern[str], *, example: str, hint: str) -> str | None:
        """What is called so under `key`; None too where it is not set, or invalid."""
        value = self._reader.text(node, key, example=example)
        if value is None or form.fullmatch(value):
            return value
        self._reader.report("KIA0316", f"invalid {key} {quote(value)}", self._reader.place(node).at(key), hint)
        return None

    def _folders(self, value: Any, source: SourceRange) -> Iterable[Folder]:
        if not isinstance(value, list) or not value:
            self._reader.report(
                "KIA0301",
                wrong_type("manifests", "a list of folders", value),
                source,
                "write manifests: [manifests]",
            )
            return
        yield from self._entries(value, key="manifests")

    def _patches(self, value: Any, source: SourceRange) -> Iterable[Folder]:
        if not isinstance(value, list):
            hint = "write patches: [environments/staging]"
            self._reader.report(
                "KIA0301", wrong_type("patches", "a list of folders and manifests", value), source, hint
            )
            return
        yield from self._entries(value, key="patches", files=True)

    def _entries(self, value: list[Any], *, key: str, files: bool = False) -> Iterable[Folder]:
        place = self._reader.place(value)
        for index, text in enumerate(value):
            where = place.at(str(index))
            path = self._reader.path(text, where, what=f"{key}[{index}]")
            if path is not None and (path.is_dir() or (files and is_manifest(path))):
                yield Folder(path, where)
            elif path is not None and not path.exists() and (files or self._may_lack(path)):
                yield Folder(path, where, lacking=True)
            elif path is not None:
                what = "is not a folder" if path.exists() else "does not exist"
                hint = "name the folder of the manifests" if path.exists() else "create the folder, or correct the path"
                self._reader.report("KIA0306", f"{quote(text)} {what}", where, hint)

    def _contract(self, value: Any, source: SourceRange) -> Path | None:
        path = self._reader.path(value, source, what="contract")
        if path is not None and not path.is_file():
            self._reader.report(
                "KIA0306", f"the contract {quote(value)} is not a file", source, "correct the path, or remove it"
            )
        return path

    def _environments(self, value: Any, source: SourceRange) -> dict[str, Environment]:
        if not isinstance(value, dict):
            hint = 'write "staging:" below it, and "url: https://…" below that'
            self._reader.report("KIA0301", wrong_type("environments", "a mapping of names", value), source, hint)
            return {}
        place = self._reader.place(value)
        found: dict[str, Environment] = {}
        prefixes: dict[str, str] = {}
        for name, node in value.items():
            where = place.of_key(name)
            if not ENVIRONMENT_NAME.fullmatch(name):
                hint = "use ASCII letters, digits, dots, hyphens and underscores; begin with a letter or digit"
                self._reader.report("KIA0309", f"invalid environment name {quote(name)}", where, hint)
                continue
            if (reason := why_reserved(name)) is not None:
                summary = f"invalid environment name {quote(name)}: {reason}"
                self._reader.report("KIA0330", summary, where, "choose another name")
                continue
            first = prefixes.setdefault(variable_prefix(name), name)
            if first != name:
                summary = f"{quote(name)} and {quote(first)} both map to {variable_prefix(name)}_TOKEN"
                related = (("the other one is here", place.of_key(first)),)
                self._reader.report("KIA0308", summary, where, "rename one of them", related=related)
            found[name] = self._environment(name, node, where)
        self._check_ledgers(found, place)
        return found

    def _check_ledgers(self, environments: dict[str, Environment], place: Place) -> None:
        """Report environments with the same ledger: they would prune each other."""
        kept: dict[tuple[str, ...], str] = {}
        for name, environment in environments.items():
            if (beside := environment.ledger.backup_location(name)) is not None:
                kept[beside] = name
        shared: dict[str, str] = {}
        for name, environment in environments.items():
            first = kept.setdefault(environment.ledger.location(name), name)
            if first != name:
                shared[name] = first
        order = {name: number for number, name in enumerate(environments)}
        for name, environment in environments.items():  # one ledger within another: a lock of this is data of that
            for other in {kept[place] for place in environment.ledger.lock_locations() if place in kept} - {name}:
                early, late = sorted((name, other), key=order.__getitem__)
                shared.setdefault(late, early)
        for name in sorted(shared, key=order.__getitem__):
            summary = f"{quote(name)} and {quote(shared[name])} use the same ledger"
            related = (("the other one is here", place.of_key(shared[name])),)
            self._reader.report("KIA0314", summary, place.of_key(name), "give each its own", related=related)

    def _environment(self, name: str, node: Any, where: SourceRange) -> Environment:
        if node is None:
            return Environment(name, None, where)
        if not isinstance(node, dict):
            self._reader.report(
                "KIA0301",
                wrong_type(f"the environment {quote(name)}", "a mapping", node),
                where,
                'write "url: https://…" below it',
            )
            return Environment(name, None, where)
        place = self._reader.place(node)
        self._reader.check_keys(node, known=_ENVIRONMENT_KEYS, what="an environment")
        source = place.at("url") if "url" in node else where
        url = self._url(node["url"], source) if "url" in node else None
        guarded = read_guards(self._reader, node["guards"], place.at("guards")) if "guards" in node else GuardSettings()
        kept = ledger(self._reader, node["ledger"], place.at("ledger")) if "ledger" in node else FileSettings()
        given = read_variables(self._reader, node["variables"], place.at("variables")) if "variables" in node else {}
        patches = tuple(self._patches(node["patches"], place.at("patches"))) if "patches" in node else ()
        bounds = read_limits(self._reader, node["limits"], place.at("limits")) if "limits" in node else LimitSettings()
        hint = "use letters, digits, dots, hyphens, colons and slashes; begin with a letter or digit"
        instance = self._name(node, "instance", INSTANCE_NAME, example="kiamo-prod", hint=hint)
        return Environment(name, url, source, guarded, kept, given, patches, bounds, instance)

    def _url(self, value: Any, source: SourceRange) -> str | None:
        if not isinstance(value, str):
            self._reader.report(
                "KIA0301", wrong_type("url", "a string", value), source, "write url: https://kiamo.example.com"
            )
            return None
        try:
            origin_of(value)
        except ValueError as error:
            hint = "write url: https://kiamo.example.com"
            self._reader.report("KIA0307", f"invalid url: {error}", source, hint)
            return None
        return value.rstrip("/")
