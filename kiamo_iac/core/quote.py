"""Data inside a sentence: in double quotes, short, and never a token."""

from __future__ import annotations

from kiamo_iac.core.secret import conceal, redact

_LONGEST = 60


def quote(text: str) -> str:
    """`text` as a diagnostic shows it: `"city"`; cut after 60 characters, tokens hidden."""
    shown = redact(conceal(text))
    return f'"{shown[:_LONGEST]}…"' if len(shown) > _LONGEST else f'"{shown}"'
