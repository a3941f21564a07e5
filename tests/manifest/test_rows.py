"""CSV files: what spreadsheets write, and every problem with the line of its row."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from kiamo_iac.manifest import rows
from kiamo_iac.manifest.rows import CsvFile, read_csv
from tests.manifest.loading import codes


def read(root: Path, data: str | bytes) -> CsvFile:
    (root / "a.csv").write_bytes(data.encode() if isinstance(data, str) else data)
    return read_csv(root, "a.csv")


GOOD: Mapping[str, tuple[str | bytes, list[tuple[str, dict[str, str | None]]]]] = {
    "commas": ("a,b\n1,2\n", [("a.csv:2", {"a": "1", "b": "2"})]),
    "semicolons, with a mark and Windows lines": (
        b"\xef\xbb\xbfa;b\r\n1,5;2\r\n",
        [("a.csv:2", {"a": "1,5", "b": "2"})],
    ),
    "one column": ("a\nx\n", [("a.csv:2", {"a": "x"})]),
    "quotes in quotes and lines in cells": (
        'a,b\n"x ""y""","two\r\nlines"\nz,\n',
        [("a.csv:2", {"a": 'x "y"', "b": "two\r\nlines"}), ("a.csv:4", {"a": "z", "b": None})],
    ),
    "a header of two lines": ('"a\nb",c\n1,2\n', [("a.csv:3", {"a\nb": "1", "c": "2"})]),
    "empty rows": ("\na;b\n;\n\n1;2\n  ;\n", [("a.csv:5", {"a": "1", "b": "2"})]),
    "a semicolon in a quoted name": ('"a;b",c\n1,2\n', [("a.csv:2", {"a;b": "1", "c": "2"})]),
    "all is text": ("a,b,c\n007,true,1e3\n", [("a.csv:2", {"a": "007", "b": "true", "c": "1e3"})]),
    "no line break at the end": ("a\nx", [("a.csv:2", {"a": "x"})]),
    "accents and spaces in names": (
        "Code agence;Ville\n1;Évry\n",
        [("a.csv:2", {"Code agence": "1", "Ville": "Évry"})],
    ),
}


@pytest.mark.parametrize("case", GOOD)
def test_it_reads(case: str, tmp_path: Path) -> None:
    data, expected = GOOD[case]
    found = read(tmp_path, data)
    assert found.problems == ()
    assert found.rows is not None
    assert [(row.label, row.values) for row in found.rows.rows] == expected


TOKEN = "0123456789abcdef" * 2 + "01234567"
PROBLEMS: Mapping[str, tuple[str | bytes, str, str]] = {
    "nothing": ("", "a.csv:1:1 KIA0256", "the file has no rows"),
    "a header alone": ("a,b\n", "a.csv:1:1 KIA0256", "no rows below its header"),
    "a cell too many": ('a,b\n"1\n",2\n1,2,3\n', "a.csv:4:1 KIA0254", "the row has 3 cells, and the header has 2"),
    "a cell too few": ("a;b\n1\n", "a.csv:2:1 KIA0254", "the row has 1 cell, and the header has 2"),
    "a name twice": ("a,b,a \n1,2,3\n", "a.csv:1:1 KIA0254", 'the header has the column "a" twice'),
    "no name": ("a,,b\n1,2,3\n", "a.csv:1:1 KIA0254", "column 2 has no name"),
    "a quote that is open": ('a\nx\n"y\nz\n', "a.csv:3:1 KIA0254", "a quoted cell is not closed"),
    "text behind a quote": ('a\n"x"y\n', "a.csv:2:1 KIA0254", "a quoted cell is followed by more text"),
    "a long cell": ("a\n" + "x" * 200_000, "a.csv:2:1 KIA0254", "a cell is too long"),
    "tabs": ("a\tb\n1\t2\n", "a.csv:1:1 KIA0254", "the columns are separated by tabs"),
    "both": ("a;b,c\n1;2,3\n", "a.csv:1:1 KIA0254", 'the header has as many ";" as ","'),
    "a line for Excel": ("sep=;\na;b\n1;2\n", "a.csv:1:1 KIA0254", 'the line "sep=" is not supported'),
    "NUL": ("a,b\n1,x\0y\n", "a.csv:2:4 KIA0254", "the character U+0000 is not allowed in a cell"),
    "an escape": ("a\n\x1b[31m\n", "a.csv:2:1 KIA0254", "the character U+001B is not allowed in a cell"),
    "Windows": ("a\nÉvry\nMâcon\n".encode("cp1252"), "a.csv:2:1 KIA0102", "it may be in a Windows encoding"),
    "UTF-16": ("a\nx\n".encode("utf-16"), "a.csv:1:1 KIA0102", "the file is in UTF-16"),
    "a token": (f"a,b\n1,{TOKEN}\n", "a.csv:2:3 KIA0117", "looks like an API token"),
    "a password": ("a\nhttps://u:s3cr3tpass@h.example\n", "a.csv:2:9 KIA0240", "this looks like"),
}


@pytest.mark.parametrize("case", PROBLEMS)
def test_it_refuses(case: str, tmp_path: Path) -> None:
    data, expected, summary = PROBLEMS[case]
    found = read(tmp_path, data)
    assert found.rows is None
    assert codes(found.problems) == [expected]
    assert summary in found.problems[0].summary
    assert found.problems[0].hint
    assert TOKEN not in repr(found.problems)
    assert "s3cr3tpass" not in repr(found.problems)


def test_rows_and_bytes_are_limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "MAX_ROWS", 2)
    found = read(tmp_path, "a\n1\n2\n3\n4\n")
    assert (found.rows, codes(found.problems)) == (None, ["a.csv:4:1 KIA0256"])
    monkeypatch.setattr(rows, "MAX_BYTES", 3)
    found = read(tmp_path, "a\n1\n2\n")
    assert (found.rows, [problem.code for problem in found.problems]) == (None, ["KIA0103"])


def test_not_every_broken_row_is_listed(tmp_path: Path) -> None:
    assert len(read(tmp_path, "a\n" + "1,2\n" * 5000).problems) == 20
