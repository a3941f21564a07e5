"""Which golden files there are: every plan and every drift in every one of these formats and styles.

Of an HTML page the file has the body alone: what all pages share, its style and script among it, is one file, SHELL.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from kiamo_iac.render.base import ASCII, UNICODE, Style

GOLDEN = Path(__file__).parent / "golden"
GOLDEN_DRIFT = Path(__file__).parent / "golden_drift"
SHELL = Path(__file__).parent / "html" / "shell.html"

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

_OWN: Final = re.compile(r"(?<=<title>)[^<]*(?=</title>)|(?<=<body>\n).*(?=<footer )", re.DOTALL)
"""What a page has for itself: its title, and what stands between the start of its body and its footer."""


def shell_of(page: str) -> str:
    """What an HTML page shares with all others."""
    return _OWN.sub("", page)


def golden_text(rendered: str, suffix: str) -> str:
    """What of a rendered text is in its golden file: all of it, or the own part of a page."""
    return "\n".join(_OWN.findall(rendered)) if suffix == "html" else rendered
