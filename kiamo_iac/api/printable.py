"""Text that a server sent, made fit for a sentence: one line, short, nothing that a terminal obeys, no token."""

from __future__ import annotations

from kiamo_iac.secret import conceal, redact


def printable(text: str, longest: int) -> str:
    """`text` on one line, control and bidi characters as `\\uXXXX`, tokens hidden, cut after `longest` characters."""
    line = redact(" ".join(conceal(text)[: 8 * longest].split()))
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in line)
    return f"{shown[:longest]}…" if len(shown) > longest else shown
