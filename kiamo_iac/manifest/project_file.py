"""Reading the project file: each key checked, every problem of it at once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from kiamo_iac.diagnostics import Diagnostic, SourceRange, did_you_mean, has_errors
from kiamo_iac.document.files import read_text
from kiamo_iac.document.parser import Document, parse
from kiamo_iac.document.place import Place
from kiamo_iac.document.quote import quote
from kiamo_iac.errors import ManifestError, UsageError
from kiamo_iac.manifest.environment import variable_prefix
from kiamo_iac.manifest.paths import Refused, inside
from kiamo_iac.manifest.project import Environment, Folder, Project
from kiamo_iac.manifest.urls import origin_of

_KEYS: Final = ("manifests", "contract", "environments")
_ENVIRONMENT_KEYS: Final = ("url", "guards")
_GUARD_KEYS: Final = ("allow_start",)
_LATER: Final = frozenset({"variables"})
_ENVIRONMENT_LATER: Final = frozenset({"variables", "patches", "ledger"})
_GUARD_LATER: Final = frozenset({"max_deletes", "max_delete_percent", "max_update_percent", "change_window"})
_ENVIRONMENT_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._\-]*")


def load_project(file: Path) -> Project:
    """Read and check a project file.

    Raises:
        UsageError: there is no such file.
        ManifestError: it holds problems; they are in `diagnostics`.
    """
    if not file.is_file():
        msg = f"There is no project file {file.name} there."
        raise UsageError(msg, hint="name the file itself with --project FILE")
    document = parse(read_text(file, shown=file.name), file=file.name)
    reading = _Reading(document, file.parent.resolve())
    project = reading.project(file.parent.resolve() / file.name)
    diagnostics = sorted((*document.diagnostics, *reading.diagnostics), key=Diagnostic.sort_key)
    if has_errors(diagnostics):
        count = len(diagnostics)
        msg = f"The project file holds {'1 problem' if count == 1 else f'{count} problems'}."
        raise ManifestError(msg, diagnostics=diagnostics)
    return project


class _Reading:
    """One pass over the data of a project file."""

    def __init__(self, document: Document, root: Path) -> None:
        self.diagnostics: list[Diagnostic] = []
        self._document = document
        self._root = root
        self._top = SourceRange(document.file, 1, 1)

    def project(self, file: Path) -> Project:
        """The project, as far as it could be understood."""
        data = self._document.data
        folders: tuple[Folder, ...] = ()
        contract: Path | None = None
        environments: dict[str, Environment] = {}
        if isinstance(data, dict):
            place = self._document.place(data)
            self._check_keys(data, place, known=_KEYS, later=_LATER, what="the project file")
            if "manifests" in data:
                folders = tuple(self._folders(data["manifests"], place.at("manifests")))
            else:
                self._say("KIA0304", 'the project file has no "manifests"', place.range, "add manifests: [manifests]")
            if "contract" in data:
                contract = self._contract(data["contract"], place.at("contract"))
            if "environments" in data:
                environments = self._environments(data["environments"], place.at("environments"))
        elif not has_errors(self._document.diagnostics):
            self._say("KIA0301", "the project file is a mapping", self._top, "begin it with manifests: [manifests]")
        return Project(self._root, file, folders, contract, environments)

    def _check_keys(
        self, node: Mapping[str, Any], place: Place, *, known: Iterable[str], later: frozenset[str], what: str
    ) -> None:
        for key in node:
            if key in later:
                hint = "remove it: nothing would heed it"
                self._say("KIA0303", f"{quote(key)} is not supported by this version yet", place.of_key(key), hint)
            elif key not in known:
                hint = did_you_mean(key, {*known, *later}) or f"{what} takes {', '.join(known)}"
                self._say("KIA0302", f"{quote(key)} is not a key of {what}", place.of_key(key), hint)

    def _folders(self, value: Any, source: SourceRange) -> Iterable[Folder]:
        if not isinstance(value, list) or not value:
            self._say("KIA0301", '"manifests" is a list of folders', source, "write manifests: [manifests]")
            return
        place = self._document.place(value)
        for index, text in enumerate(value):
            where = place.at(str(index))
            path = self._path(text, where)
            if path is not None and path.is_dir():
                yield Folder(path, where)
            elif path is not None:
                what = "is not a folder" if path.exists() else "does not exist"
                hint = (
                    "name the folder that the manifests stand in" if path.exists() else "make the folder, or correct it"
                )
                self._say("KIA0306", f"{quote(text)} {what}", where, hint)

    def _contract(self, value: Any, source: SourceRange) -> Path | None:
        path = self._path(value, source)
        if path is not None and not path.is_file():
            self._say("KIA0306", f"the contract {quote(value)} is not a file", source, "correct the path, or remove it")
        return path

    def _path(self, value: Any, source: SourceRange) -> Path | None:
        if not isinstance(value, str) or not value:
            self._say("KIA0301", "a path is text", source, 'write it relative to the project file, such as "manifests"')
            return None
        path = inside(self._root, value)
        if isinstance(path, Refused):
            self._say(path.code, f"{path.summary}: {quote(value)}", source, path.hint)
            return None
        return path

    def _environments(self, value: Any, source: SourceRange) -> dict[str, Environment]:
        if not isinstance(value, dict):
            hint = 'write "staging: {url: https://…}" below it'
            self._say("KIA0301", '"environments" is a mapping of names', source, hint)
            return {}
        place = self._document.place(value)
        found: dict[str, Environment] = {}
        prefixes: dict[str, str] = {}
        for name, node in value.items():
            where = place.of_key(name)
            if not _ENVIRONMENT_NAME.fullmatch(name):
                hint = "use letters, digits, dots, hyphens and underscores of ASCII, and begin with a letter or digit"
                self._say("KIA0309", f"{quote(name)} is not a name for an environment", where, hint)
                continue
            first = prefixes.setdefault(variable_prefix(name), name)
            if first != name:
                summary = f"{quote(name)} and {quote(first)} would both be told by {variable_prefix(name)}_TOKEN"
                related = (("the other stands here", place.of_key(first)),)
                self._say("KIA0308", summary, where, "rename one of them", related=related)
            found[name] = self._environment(name, node, where)
        return found

    def _environment(self, name: str, node: Any, where: SourceRange) -> Environment:
        if node is None:
            return Environment(name, None, where)
        if not isinstance(node, dict):
            self._say(
                "KIA0301", f"the environment {quote(name)} is a mapping", where, 'write "url: https://…" below it'
            )
            return Environment(name, None, where)
        place = self._document.place(node)
        what = "an environment"
        self._check_keys(node, place, known=_ENVIRONMENT_KEYS, later=_ENVIRONMENT_LATER, what=what)
        source = place.at("url") if "url" in node else where
        url = self._url(node["url"], source) if "url" in node else None
        allow_start = self._allow_start(node["guards"], place.at("guards")) if "guards" in node else False
        return Environment(name, url, source, allow_start)

    def _url(self, value: Any, source: SourceRange) -> str | None:
        if not isinstance(value, str):
            self._say("KIA0301", '"url" is text', source, "write url: https://kiamo.example.com")
            return None
        try:
            origin_of(value)
        except ValueError as error:
            hint = "write url: https://kiamo.example.com"
            self._say("KIA0307", f"the url cannot be used: {error}", source, hint)
            return None
        return value.rstrip("/")

    def _allow_start(self, value: Any, source: SourceRange) -> bool:
        if not isinstance(value, dict):
            self._say("KIA0301", '"guards" is a mapping', source, "write guards: {allow_start: true}")
            return False
        place = self._document.place(value)
        self._check_keys(value, place, known=_GUARD_KEYS, later=_GUARD_LATER, what="guards")
        allowed = value.get("allow_start", False)
        if not isinstance(allowed, bool):
            self._say("KIA0301", '"allow_start" is true or false', place.at("allow_start"), "write true or false")
            return False
        return allowed

    def _say(
        self,
        code: str,
        summary: str,
        source: SourceRange,
        hint: str,
        *,
        related: tuple[tuple[str, SourceRange], ...] = (),
    ) -> None:
        self.diagnostics.append(Diagnostic(code, summary, hint=hint, source=source, related=related))
