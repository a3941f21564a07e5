"""What the tests of the reader share."""

from __future__ import annotations

from kiamo_iac.document.parser import Document

TOKEN = ("0123456789abcdef" * 3)[:40].replace("f0", "F0")


def codes(document: Document) -> list[str]:
    return [diagnostic.code for diagnostic in document.diagnostics]


def where(document: Document) -> list[str]:
    return [f"{d.source}" for d in document.diagnostics]
