"""Names of things as names of files: the same on every system, and never out of the folder."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from hashlib import blake2b
from typing import Final

SUFFIX: Final = ".yaml"
_LONGEST: Final = 100
"""Bytes of UTF-8 before the suffix; systems take 255, archives and encrypted folders less."""
_DEVICES: Final = re.compile(r"(?:con|prn|aux|nul|conin\$|conout\$|com[0-9]|lpt[0-9])(?:\..*)?", re.IGNORECASE)
"""Names that Windows keeps for devices, with any suffix; its superscript digits are plain ones after NFKC."""


def safe(name: str) -> str:
    """`name` as a file's name, without a suffix: letters, digits, `.`, `_` and `-`; never empty, hidden or a device."""
    text = unicodedata.normalize("NFC", name)
    kept = "".join(c if c in "._-" or unicodedata.category(c)[0] in "LNM" else "-" for c in text)
    kept = re.sub(r"-{2,}", "-", kept).strip("-.")
    if not kept:
        return "unnamed"
    if _DEVICES.fullmatch(unicodedata.normalize("NFKC", kept)):
        kept = f"_{kept}"
    short = _cut(kept, _LONGEST)
    return short if short == kept else f"{_cut(kept, _LONGEST - 9).rstrip('-.')}-{_mark(name)}"


def distinct(name: str) -> str:
    """`safe(name)` with something of its own, for where that is taken."""
    stem = safe(name)
    return f"{_cut(stem, _LONGEST - 9).rstrip('-.')}-{_mark(name)}"


def folded(file: str) -> str:
    """The form in which two names of files are one on some system."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", file).casefold())


def unused(name: str, taken: Iterable[str]) -> str:
    """A file's name for `name`, with its suffix, that is not `taken` (in the form of `folded`)."""
    known = set(taken)
    for stem in (safe(name), distinct(name)):
        if folded(stem + SUFFIX) not in known:
            return stem + SUFFIX
    number = 2
    while folded(f"{distinct(name)}-{number}{SUFFIX}") in known:
        number += 1
    return f"{distinct(name)}-{number}{SUFFIX}"


def _mark(name: str) -> str:
    return blake2b(unicodedata.normalize("NFC", name).encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()


def _cut(text: str, limit: int) -> str:
    return text.encode()[:limit].decode("utf-8", "ignore")
