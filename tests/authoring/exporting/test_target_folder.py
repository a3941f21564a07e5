"""Names of files: the same on every system, never out of the folder, never two that are one somewhere."""

from __future__ import annotations

import unicodedata
from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiamo_iac.authoring.exporting.target_folder import folded, safe, unused
from kiamo_iac.manifest.paths import inside

DEVICES = {"CON", "PRN", "AUX", "NUL", *(f"{port}{n}" for port in ("COM", "LPT") for n in range(10))}


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("prospects", "prospects"),
        ("Été 2024", "Été-2024"),
        ("E\u0301te\u0301", "Été"),
        ("CON", "_CON"),
        ("aux.txt", "_aux.txt"),
        ("COM¹", "_COM¹"),
        ("..", "unnamed"),
        (".hidden", "hidden"),
        ("-rf", "rf"),
        ("a/../b", "a-..-b"),
        ('a\\b:c*d?e"f<g>h|i', "a-b-c-d-e-f-g-h-i"),
        ("tail. ", "tail"),
        ("\u202egnp.exe", "gnp.exe"),
        ("☎", "unnamed"),
        ("हिन्दी", "हिन्दी"),
    ],
)
def test_names_on_every_system(name: str, file: str) -> None:
    assert safe(name) == file


@given(st.text(max_size=300))
def test_any_name_is_one_step_below_its_folder(name: str) -> None:
    file = f"{safe(name)}.yaml"
    assert len(file.encode()) <= 105
    assert PurePosixPath(file).parts == (file,)
    assert PureWindowsPath(file).parts == (file,)
    assert unicodedata.normalize("NFKC", file).partition(".")[0].upper() not in DEVICES
    assert file[0] not in ".-"
    assert safe(name) == safe(name)


def test_the_project_reads_them(tmp_path: Path) -> None:
    assert inside(tmp_path, f"{safe('NUL. ')}.yaml") == (tmp_path / "_NUL.yaml").resolve()


def test_long_names_that_differ_late_differ() -> None:
    assert safe("x" * 200 + "a") != safe("x" * 200 + "b")


def test_a_name_that_is_taken_gets_another_one() -> None:
    first = unused("Alpha", [])
    second = unused("alpha", [folded(first)])
    assert (first, second.startswith("alpha-")) == ("Alpha.yaml", True)
    assert unused("alpha", [folded(first)]) == second
    third = unused("alpha", [folded(first), folded(second)])
    assert third == second.replace(".yaml", "-2.yaml")
    assert folded("STRASSE.yaml") == folded("straße.yaml")
