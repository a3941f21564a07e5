"""Checks for secrets in the settings of one resource, and of its list `sensitive`."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from kiamo_iac.core.diagnostics import Diagnostic, Severity, SourceRange, did_you_mean
from kiamo_iac.core.place import Place
from kiamo_iac.core.printable import quote
from kiamo_iac.core.sensitive import MASK, Path, Sensitive, listed_paths, names_secret, sensitive_paths
from kiamo_iac.core.state import ResourceState
from kiamo_iac.manifest.composition import Locator
from kiamo_iac.manifest.variables import Variables

_PREFIX: Final = "settings."


def check_sensitive(resource: ResourceState, written: Mapping[str, Any], places: Locator) -> Iterator[Diagnostic]:
    """A warning for each key that is named like a secret and not listed; an error for the mask as a value.

    `written`: its settings as the manifests have them, whose places `places` knows.
    """
    settings = resource.settings
    if settings is written and MASK not in written.values() and not _is_nested(written):
        return
    listed = set(listed_paths(written, resource.lifecycle.sensitive))
    yield from _Walk(resource, places, listed).below(written, settings, (), within=False)


def _is_nested(settings: Mapping[str, Any]) -> bool:
    return any(isinstance(value, Mapping | list) for value in settings.values())


class _Walk:
    """Walks the settings of one resource: as written, beside the same with secrets hidden."""

    def __init__(self, resource: ResourceState, places: Locator, listed: set[Path]) -> None:
        self._resource = resource
        self._places = places
        self._listed = listed

    def below(self, written: Any, hidden: Any, path: Path, *, within: bool) -> Iterator[Diagnostic]:
        place = self._places.place(written)
        if isinstance(written, list):
            for index, value in enumerate(written):
                yield from self._value(value, _inner(hidden, index), path, within=within, at=place.at(str(index)))
            return
        for key, value in written.items():
            inner, here = _inner(hidden, key), (*path, key)
            known = within or here in self._listed
            if not known and names_secret(key) and sensitive_paths(inner):
                yield self._named(here, place.at(key))
                known = True
            yield from self._value(value, inner, here, within=known, at=place.at(key))

    def _value(self, value: Any, hidden: Any, path: Path, *, within: bool, at: SourceRange) -> Iterator[Diagnostic]:
        if isinstance(value, Mapping | list):
            yield from self.below(value, hidden, path, within=within)
        elif value == MASK:
            summary = f"{quote(_dotted(path))} is {quote(MASK)}, the placeholder for sensitive values"
            hint = "write the value, or remove the key to keep the value on the instance"
            yield Diagnostic("KIA0244", summary, hint=hint, address=self._resource.address, source=at)

    def _named(self, path: Path, source: SourceRange) -> Diagnostic:
        dotted = _dotted(path)
        return Diagnostic(
            "KIA0241",
            f"{quote(dotted)} is named like a secret, but git keeps its value; outputs mask it",
            Severity.WARNING,
            hint=f'remove it and set it in Kiamo by hand; or add "sensitive: [{dotted}]" to manage it',
            address=self._resource.address,
            source=source,
        )


def _inner(hidden: Any, step: str | int) -> Any:
    return hidden if isinstance(hidden, Sensitive) else hidden[step]


def _dotted(path: Path) -> str:
    return _PREFIX + ".".join(path)


def check_listed(resource: ResourceState, keys: Mapping[str, Any], places: Locator) -> Iterator[Diagnostic]:
    """The problems of the entries of `sensitive`; `keys` are the valid keys of the block."""
    written = keys.get("settings") or {}
    place: Place = places.place(keys["sensitive"])
    for index, entry in enumerate(keys["sensitive"]):
        source = place.at(str(index))
        if entry != "settings" and not entry.startswith(_PREFIX):
            if entry in written:
                hint = f'did you mean "{_PREFIX}{entry}"?'
            else:
                hint = f"write {_PREFIX}KEY: only settings can be sensitive"
            summary = f"{quote(entry)} is not a setting"
            yield Diagnostic("KIA0242", summary, hint=hint, address=resource.address, source=source)
        elif not listed_paths(written, [entry]):
            near = did_you_mean(entry, [_dotted(path) for path in _all_paths(written, ())])
            yield Diagnostic(
                "KIA0243",
                f"{quote(entry)} is not declared",
                Severity.WARNING,
                hint=near or "declare it under settings, or remove it from the list",
                address=resource.address,
                source=source,
            )


def check_variables(
    resource: ResourceState, places: Locator, variables: Variables, secrets: Collection[str]
) -> Iterator[Diagnostic]:
    """A warning for each attribute with one of the variables `secrets`: attributes are not masked."""
    for key, value in resource.attributes.items():
        place = resource.place
        source = place.at(key) if place is not None else None
        if isinstance(value, dict | list):
            is_filled = bool(filled_paths(value, places, variables, secrets))
        else:
            is_filled = source is not None and not set(secrets).isdisjoint(variables.names_at(source))
        if is_filled:
            yield Diagnostic(
                "KIA0246",
                f"{quote(key)} uses a variable named like a secret; outputs and the ledger show its value",
                Severity.WARNING,
                hint="move the secret to settings, where it is masked, or rename the variable",
                address=resource.address,
                source=source,
            )


def filled_paths(
    written: Any, places: Locator, variables: Variables, secrets: Collection[str], path: Path = ()
) -> list[Path]:
    """The paths of settings with one of the variables `secrets`."""
    found: list[Path] = []
    place = places.place(written)
    for key, value in written.items() if isinstance(written, Mapping) else enumerate(written):
        here = (*path, str(key)) if isinstance(written, Mapping) else path
        if value and isinstance(value, dict | list):
            found += filled_paths(value, places, variables, secrets, here)
        elif not set(secrets).isdisjoint(variables.names_at(place.at(str(key)))):
            found.append(here)
    return found


def _all_paths(data: Any, path: Path) -> Iterator[Path]:
    if isinstance(data, Mapping):
        for key, value in data.items():
            yield (*path, key)
            yield from _all_paths(value, (*path, key))
    elif isinstance(data, list):
        for item in data:
            yield from _all_paths(item, path)
