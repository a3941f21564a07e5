"""Which golden files there are: every plan and every drift in every one of these formats and styles.

Of an HTML page the file has the body alone. What all pages share is one file, SHELL, without the style and script: they
are the files of `kiamo_iac/render`, and one test compares them.
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


_EMBEDDED: Final = re.compile(r"(?<=<style>).*?(?=</style>)|(?<=<script>).*?(?=</script>)", re.DOTALL)
_DIGEST: Final = re.compile(r"(?<=sha256-)[A-Za-z0-9+/=]+")


def shell_of(page: str) -> str:
    """What an HTML page shares with all others, with `…` for style, script and their digests."""
    return _DIGEST.sub("…", _EMBEDDED.sub("…", _OWN.sub("", page)))


def embedded(page: str) -> list[str]:
    """The style and the script of an HTML page."""
    return _EMBEDDED.findall(page)


def golden_text(rendered: str, suffix: str) -> str:
    """What of a rendered text is in its golden file: all of it, or the own part of a page."""
    return "\n".join(_OWN.findall(rendered)) if suffix == "html" else rendered
