"""What mkdocs is told beyond mkdocs.yml: pages that stand outside of docs/, and links that lead there."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parent.parent
MOVED = {"CHANGELOG.md": "changelog.md", "CONTRIBUTING.md": "contributing.md", "SECURITY.md": "security.md"}
"""Files of the top level that are pages of the site too, and what they are called there."""
LINK = re.compile(r"(?<!!)\[(?P<text>[^\]\n]+)\]\((?P<target>[^)#:\s]+)(?P<anchor>#[^)\s]*)?\)")


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Add what stands outside of docs/, and each decision to the navigation."""
    for source, target in MOVED.items():
        files.append(File.generated(config, target, content=(ROOT / source).read_text(encoding="utf-8")))
    decisions = sorted(file.src_uri for file in files if re.fullmatch(r"adr/\d{4}-.*\.md", file.src_uri))
    for section in config.nav or []:
        for entries in section.values():
            for entry in entries if isinstance(entries, list) else []:
                if entry.get("Decisions") == "adr/README.md":
                    entry["Decisions"] = ["adr/README.md", *decisions]
    return files


def on_page_markdown(markdown: str, *, page: Page, **_: object) -> str:
    """A link that leaves docs/ leads to the page of the site, where there is one, and is plain text elsewhere."""
    here = page.file.src_uri
    # Where the page stands in the checkout, seen from docs/.
    folder = ".." if here in MOVED.values() else posixpath.dirname(here)

    def led(link: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(folder, link["target"]))
        if not target.startswith("../"):
            moved = posixpath.relpath(target, posixpath.dirname(here) or ".")
            return f"[{link['text']}]({moved}{link['anchor'] or ''})"
        if target[3:].startswith("docs/"):
            return f"[{link['text']}]({target[8:]}{link['anchor'] or ''})"
        if target[3:] in MOVED:
            moved = posixpath.relpath(MOVED[target[3:]], posixpath.dirname(here) or ".")
            return f"[{link['text']}]({moved}{link['anchor'] or ''})"
        return f"{link['text']} (`{target[3:]}`)" if link["text"].strip("`") != target[3:] else f"`{target[3:]}`"

    fences = re.split(r"(^```.*?^```$)", markdown, flags=re.MULTILINE | re.DOTALL)
    return "".join(part if part.startswith("```") else LINK.sub(led, part) for part in fences)
