"""The pages that lead through the code name files, functions, rooms and layers that exist."""

from __future__ import annotations

import re
import tomllib

from tests.cli.program import ROOT

PACKAGE = ROOT / "kiamo_iac"
HOUR = (ROOT / "docs" / "code-in-an-hour.md").read_text(encoding="utf-8")
MAP = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
NAMED = re.findall(r"`((?:[\w]+/)*\w+\.(?:py|md))`(?: `(\w+)`)?", HOUR)


def test_every_file_and_name_of_the_code_in_an_hour_exists() -> None:
    assert len(NAMED) > 20
    lost = []
    for path, name in NAMED:
        file = ROOT / path if (ROOT / path).exists() else PACKAGE / path
        text = file.read_text(encoding="utf-8") if file.exists() else ""
        if not text or (name and not re.search(rf"^\s*(?:class|def) {name}\b", text, re.MULTILINE)):
            lost.append((path, name))
    assert lost == []


def test_every_path_that_a_decision_names_exists() -> None:
    pages = sorted((ROOT / "docs" / "adr").glob("*.md"))
    named = [
        (page.name, path) for page in pages for path in re.findall(r"`(\w+(?:/\w+)+\.py)", page.read_text("utf-8"))
    ]
    assert len(named) > 20
    assert [(page, path) for page, path in named if not any((at / path).exists() for at in (ROOT, PACKAGE))] == []


def test_every_room_has_its_row_and_its_layer() -> None:
    rooms = sorted(path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists())
    rows = {
        name
        for row in re.findall(r"^\| (`\w+/`(?:, `\w+/`)*) \|", MAP, re.MULTILINE)
        for name in re.findall(r"\w+", row)
    }
    assert sorted(rows) == rooms
    drawn = re.search(r"```\n(cli\n.*?)```", MAP, re.DOTALL)
    assert drawn is not None
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    assert drawn[1].replace("│", "|").splitlines() == contracts[0]["layers"]
