"""A page of the documentation, taken apart into what a reader does: write a file, type a command, read the answer.

    ```yaml title="manifests/a.yaml"     the file is written, as a reader would
    ```diff title="manifests/a.yaml"      lines of it are replaced: those after `-` by those after `+`
    ```console                           `$ ` begins a command, `> ` goes on with it, the rest is what is said
    <!-- run                             the same, unseen: what a reader has already, and what others do meanwhile
    -->

`…` in what is said stands for anything: alone on a line, for any number of lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tests.cli.program import ROOT

DOCS = ROOT / "docs"
_BLOCK = re.compile(
    r"^(?P<indent> *)```(?P<language>[\w-]*)(?P<about>[^\n`]*)\n(?P<body>.*?)^(?P=indent)```$|"
    r"^<!-- run\n(?P<hidden>.*?)^-->$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Command:
    """What is typed, and what is said."""

    typed: str
    said: str
    line: int
    """Where it stands on its page, from 1."""
    hidden: bool = False
    """What an unseen command says is not compared."""


@dataclass(frozen=True, slots=True)
class Written:
    """A file as a reader would write it."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Edited:
    """Lines of a file replaced by others, as a reader would."""

    name: str
    before: str
    after: str

    @classmethod
    def of(cls, name: str, diff: str) -> Self:
        """From a block in which each line begins with `-`, `+` or a space."""
        lines = diff.splitlines(keepends=True)
        kept = ["".join(line[1:] for line in lines if line[0] in signs) for signs in ("- ", "+ ")]
        return cls(name, *kept)

    def apply(self, folder: Path) -> None:
        """Edit the file.

        Raises:
            ValueError: it does not have these lines exactly once.
        """
        file = folder / self.name
        text = file.read_text(encoding="utf-8")
        if (count := text.count(self.before)) != 1:
            msg = f"{self.name} has these lines {count} times:\n{self.before}"
            raise ValueError(msg)
        file.write_text(text.replace(self.before, self.after), encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Fence:
    """A block of code."""

    language: str
    about: str
    body: str
    line: int


def fences(page: Path) -> Iterator[Fence]:
    """Every block of code of a page; unseen ones have the language `run`."""
    text = page.read_text(encoding="utf-8")
    for found in _BLOCK.finditer(text):
        line = text.count("\n", 0, found.start()) + 1
        if found["hidden"] is not None:
            yield Fence("run", "", found["hidden"], line)
        else:
            body = re.sub(rf"^{found['indent']}", "", found["body"], flags=re.MULTILINE)
            yield Fence(found["language"], found["about"].strip(), body, line)


Doing = Command | Written | Edited


def doings(page: Path) -> Iterator[Doing]:
    """What a reader of the page does, in order."""
    for fence in fences(page):
        title = re.search(r'title="([^"]+)"', fence.about)
        if title:
            is_edit = fence.language == "diff"
            yield Edited.of(title[1], fence.body) if is_edit else Written(title[1], fence.body)
        elif fence.language in {"console", "run"}:
            yield from commands(fence)


def commands(fence: Fence) -> Iterator[Command]:
    """The commands of a block."""
    typed, said, start = "", "", 0
    for number, line in enumerate(fence.body.splitlines(), fence.line + 1):
        if line.startswith("$ "):
            if typed:
                yield Command(typed, said, start, fence.language == "run")
            typed, said, start = line[2:], "", number
        elif line.startswith("> ") and not said:
            typed += f"\n{line[2:]}"
        else:
            said += f"{line}\n"
    if typed:
        yield Command(typed, said, start, fence.language == "run")


def pattern(said: str) -> str:
    """A regular expression for what is said."""
    lines = (
        "(?:.*\n)*" if line == "…" else f"{'.*'.join(map(re.escape, line.split('…')))}\n" for line in said.splitlines()
    )
    return "".join(lines)


def pages() -> list[Path]:
    """Every page of docs/."""
    return sorted(DOCS.rglob("*.md"))
