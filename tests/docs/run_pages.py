"""Every page that shows commands, run as it stands, against emulators. Run by `make docs`, not by `make test`.

A translation that shows what another page shows, word for word but for comments in files, is run with that page.

`python -m tests.docs.run_pages docs/tutorial.md` prints what the commands of a page really say.
"""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path

import pytest

from tests.docs.page import DOCS, Command, Written, doings, pages
from tests.docs.session import played


def _shown(page: Path) -> tuple[str, ...]:
    """What a page has a reader do and read, without comments in files."""
    return tuple(
        re.sub(r"(?m)#.*$", "#", doing.text) if isinstance(doing, Written)
        else f"$ {doing.typed}\n{doing.said}" if isinstance(doing, Command)
        else repr(doing)
        for doing in doings(page)
    )  # fmt: skip


def _run() -> list[Path]:
    """Every page with commands, once: in English, where the French one shows the same."""
    once: dict[tuple[str, ...], Path] = {}
    for page in sorted(pages(), key=lambda page: page.parent.name == "fr"):
        once.setdefault(_shown(page), page)
    return [page for shown, page in once.items() if any(each.startswith("$ ") for each in shown)]


RUN = _run()


@pytest.mark.parametrize("page", RUN, ids=lambda page: page.relative_to(DOCS).as_posix())
def test_the_page_is_true(page: Path, tmp_path: Path) -> None:
    differences = played(list(doings(page)), tmp_path)
    told = [
        f"{page.name}:{each.command.line}: $ {each.command.typed}\nexit code {each.code}\n{each.said}"
        for each in differences
    ]
    assert not differences, "\n".join(told)


def main(paths: list[str]) -> int:
    """Print what differs, for whoever writes a page."""
    for path in paths:
        with tempfile.TemporaryDirectory() as folder:
            for each in played(list(doings(Path(path))), Path(folder)):
                sys.stdout.write(f"{path}:{each.command.line}: $ {each.command.typed}  → {each.code}\n{each.said}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
