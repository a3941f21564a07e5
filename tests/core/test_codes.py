"""Diagnostic codes: each is in the registry, each is used, and each of the manifests' is shown by a test."""

from __future__ import annotations

import re
from pathlib import Path

from kiamo_iac.core.codes import CODES

ROOT = Path(__file__).resolve().parents[2]
CODE = re.compile(r"KIA\d{4}")


SHOWING = ("tests/document", "tests/manifest", "tests/security", "tests/cli")
"""Where tests show what is wrong with files, manifests and projects."""


def codes_in(*folders: str, suffixes: tuple[str, ...] = (".py",)) -> set[str]:
    found: set[str] = set()
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in suffixes and path.name != "codes.py":
                found |= set(CODE.findall(path.read_text(encoding="utf-8")))
    return found


def test_every_code_that_is_used_is_in_the_registry() -> None:
    assert codes_in("kiamo_iac") - set(CODES) == set()


def test_every_code_of_the_registry_is_used() -> None:
    assert set(CODES) - codes_in("kiamo_iac") == set()


def test_every_meaning_is_a_sentence() -> None:
    for code, meaning in CODES.items():
        assert CODE.fullmatch(code)
        assert meaning[0].isupper() or meaning[0] == "`"
        assert meaning.endswith(".")
    assert list(CODES) == sorted(CODES)


def test_every_code_of_files_manifests_and_projects_is_shown_by_a_test() -> None:
    expected = {code for code in CODES if code[:5] in {"KIA01", "KIA02", "KIA03"}}
    assert expected - codes_in(*SHOWING, suffixes=(".py", ".txt")) == set()
