"""Misleading names: invisible characters, and names that are easily confused."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import Final

from kiamo_iac.core.diagnostics import Diagnostic, Severity
from kiamo_iac.core.printable import quote
from kiamo_iac.core.state import ResourceState
from kiamo_iac.manifest.relations import Siblings, is_absent, related

_DIRECTION: Final = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that change the direction of writing (Unicode, UAX 9)."""

_LOOK_ALIKES: Final = str.maketrans(
    # Cyrillic, then Greek, then dashes; capitals and small letters resemble different letters
    "АВЕКМНОРСТУХЅІЈаеорсухѕіјһԁԛԝΑΒΕΖΗΙΚΜΝΟΡΤΥΧαικνορυχı‐‑‒–—−",
    "ABEKMHOPCTYXSIJaeopcyxsijhdqwABEZHIKMNOPTYXaikvopuxi------",
)

_NO_DIGITS: Final = str.maketrans("", "", "0123456789")
_NEARLY: Final = 0.8
"""One letter in ten, two in twenty: "north" and "south" differ more."""


def misleading(name: str) -> str | None:
    """The first control character, or character that changes the direction of writing, or None."""
    if name.isprintable():
        return None
    return next((c for c in name if c in _DIRECTION or unicodedata.category(c) == "Cc"), None)


def skeleton(name: str) -> str:
    """A name without case, extra spaces, invisible characters and look-alikes: equal for names that look alike."""
    if not name.isascii():
        name = unicodedata.normalize("NFKC", name).translate(_LOOK_ALIKES)
        name = "".join(c for c in name if unicodedata.category(c) != "Cf")
    return " ".join(name.casefold().split())


def may_be_mistyped(name: str, other: str) -> bool:
    """Whether `name` may be a typo of `other`: a letter more, less, or another. `spring-1` is not one of `spring-2`."""
    if abs(len(name) - len(other)) > 1 or name.translate(_NO_DIGITS) == other.translate(_NO_DIGITS):
        return False
    import difflib  # only where a patch adds something

    return difflib.SequenceMatcher(None, name, other).ratio() >= _NEARLY


def check_similar_names(siblings: Siblings) -> Iterator[Diagnostic]:
    """A warning for every name that is easily confused with one before it."""
    skeletons: dict[str, str] = {}
    for resources in siblings.values():
        seen: dict[str, ResourceState] = {}
        for resource in resources:
            if is_absent(resource):
                continue
            name = resource.name
            form = skeletons.get(name)
            if form is None:
                form = skeletons[name] = skeleton(name)
            first = seen.setdefault(form, resource)
            if first is not resource:
                yield Diagnostic(
                    "KIA0208",
                    f"{quote(resource.name)} is easily confused with {quote(first.name)}",
                    Severity.WARNING,
                    hint="they differ only in case, spaces, invisible or similar characters: rename one of them",
                    address=resource.address,
                    source=resource.source_of("name"),
                    related=related("the other one is here", first),
                )
