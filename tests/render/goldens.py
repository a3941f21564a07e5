"""Which golden files there are: every plan and every drift in every one of these formats and styles."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from kiamo_iac.render.base import ASCII, UNICODE, Style

GOLDEN = Path(__file__).parent / "golden"
GOLDEN_DRIFT = Path(__file__).parent / "golden_drift"

STYLES: Mapping[str, tuple[str, Style]] = {
    "txt": ("text", Style(UNICODE)),
    "ascii.txt": ("text", Style(ASCII)),
    "ansi.txt": ("text", Style(UNICODE, color=True)),
    "json": ("json", Style()),
    "md": ("markdown", Style()),
    "html": ("html", Style()),
    "github.txt": ("github", Style()),
    "gitlab.json": ("gitlab", Style()),
}
"""Suffix of the file → format and style."""
