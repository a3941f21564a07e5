"""Which revision of an English page a page in docs/fr follows, and whether that is the page as it is today.

    *Traduction de [Run it in pipelines](../how-to/pipelines.md), révision `1f2e3d4c5b`.*

The revision is a digest of the words of the English page: how lines are broken and where links lead does not count.
When an English page has changed, carry the change over, and then:

    python -m tests.translations --changes docs/fr/pipelines.md    # what has changed since, from git
    python -m tests.translations --follow docs/fr/pipelines.md     # writes the revision of today
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tests.cli.program import ROOT
from tests.docs.page import DOCS

FRENCH = DOCS / "fr"
_LINE = re.compile(
    r"^\*.+ \[[^\]\n]+\]\((?P<target>[^)#\s]+\.md)\), "
    r"révision `(?P<revision>[\w-]+)`\.\*$",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Followed:
    """The English page that a translation names, and the revision that it was made from."""

    page: Path
    english: Path
    revision: str

    @classmethod
    def of(cls, page: Path) -> Self:
        """What a translation says of itself, in its third line.

        Raises:
            ValueError: it names no English page, or does so elsewhere.
        """
        text = page.read_text(encoding="utf-8")
        found = _LINE.search(text)
        if found is None or text.count("\n", 0, found.start()) != 2:
            msg = f"{_short(page)}:3: name the page that it follows: *Traduction de [TITLE](PAGE.md), révision `-`.*"
            raise ValueError(msg)
        return cls(page, (page.parent / found["target"]).resolve(), found["revision"])

    @property
    def today(self) -> str:
        """The revision of the English page as it is."""
        return revision_of(self.english.read_text(encoding="utf-8"))

    @property
    def problem(self) -> str | None:
        """What to do about a translation that has fallen behind; None for one that has not."""
        if self.revision == self.today:
            return None
        page, english = _short(self.page), _short(self.english)
        return (
            f"{page} follows {english} at {self.revision}, which is {self.today} now.\n"
            f"See what has changed: python -m tests.translations --changes {page}\n"
            f"Carry it over, then: python -m tests.translations --follow {page}"
        )

    def follow(self) -> None:
        """Write the revision of today into the translation."""
        text = self.page.read_text(encoding="utf-8")
        line = _LINE.search(text)
        assert line is not None
        self.page.write_text(
            text[: line.start("revision")] + self.today + text[line.end("revision") :], encoding="utf-8"
        )

    def changes(self) -> str:
        """How the English page differs from the revision that is followed, or that no commit has it."""
        name = _short(self.english)
        for commit in _git("log", "--format=%h", "--", name).split():
            if revision_of(_git("show", f"{commit}:{name}")) == self.revision:
                return _git("diff", commit, "--", name)
        return f"No commit has {name} at {self.revision}.\n"


def revision_of(text: str) -> str:
    """A digest of ten hexadecimal digits."""
    words = re.sub(r"\]\([^)\s]*\)", "]", text).split()
    return hashlib.sha256(" ".join(words).encode()).hexdigest()[:10]


def translations() -> list[Path]:
    """Every page in French."""
    return sorted(FRENCH.glob("*.md"))


def _short(path: Path) -> str:
    return Path(os.path.relpath(path, ROOT)).as_posix()


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, check=False)
    return done.stdout.decode("utf-8", "replace")


def main(arguments: list[str]) -> int:
    """`--follow PAGE…`, `--changes PAGE…`, or nothing: name the pages that have fallen behind and exit 1."""
    match arguments:
        case ["--follow", *pages] if pages:
            for page in pages:
                Followed.of(Path(page).resolve()).follow()
        case ["--changes", *pages] if pages:
            sys.stdout.writelines(Followed.of(Path(page).resolve()).changes() for page in pages)
        case []:
            problems = [problem for page in translations() if (problem := Followed.of(page).problem)]
            sys.stdout.writelines(f"{problem}\n" for problem in problems)
            return 1 if problems else 0
        case _:
            sys.stderr.write(f"{__doc__}\n")
            return 64
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
