"""Every page that shows commands, run as it stands, against emulators. Run by `make docs`, not by `make test`.

`python -m tests.docs.run_pages docs/tutorial.md` prints what the commands of a page really say.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import pytest

from tests.docs.page import DOCS, Command, doings, pages
from tests.docs.session import played

RUN = [page for page in pages() if any(isinstance(doing, Command) for doing in doings(page))]


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
