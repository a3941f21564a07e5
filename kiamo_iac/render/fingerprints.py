"""A fingerprint for each diagnostic: the same from run to run while lines move, and never the same for two."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from hashlib import blake2b

from kiamo_iac.core.diagnostics import Diagnostic


def fingerprinted(diagnostics: Iterable[Diagnostic]) -> Iterator[tuple[Diagnostic, str]]:
    """Every diagnostic by place, with 32 hexadecimal characters.

    They are made of its file, code, address and summary. Lines are left out, so that a problem stays the same one when
    something is written above it; of several that agree in all four, the second and later are told apart by their rank.
    """
    seen: Counter[tuple[str, ...]] = Counter()
    for diagnostic in sorted(diagnostics, key=Diagnostic.sort_key):
        file = diagnostic.source.file if diagnostic.source else ""
        what = (file, diagnostic.code, diagnostic.address or "", diagnostic.summary)
        text = "\0".join((*what, str(seen[what])))
        seen[what] += 1
        yield diagnostic, blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
