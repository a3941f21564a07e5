"""Files: encodings, sizes, and those that are not there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kiamo_iac.core.errors import ManifestError
from kiamo_iac.document.files import read_text, write_text
from kiamo_iac.document.parser import parse


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_encodings_that_are_read(tmp_path: Path, encoding: str, end: str) -> None:
    path = tmp_path / "m.yaml"
    path.write_bytes(f"a: é{end}b: 1{end}".encode(encoding))
    document = parse(read_text(path, shown="m.yaml"), file="m.yaml")
    assert document.diagnostics == ()
    assert document.data == {"a": "é", "b": 1}
    assert str(document.place(document.data).of_key("b")) == "m.yaml:2:1"


@pytest.mark.parametrize(
    ("data", "code", "place"),
    [
        ("a: 1\nb: été\n".encode("cp1252"), "KIA0102", "m.yaml:2:4"),
        ("a".encode("utf-32"), "KIA0102", "m.yaml:1:1"),
        (b"\xff\xfea\x00b", "KIA0102", "m.yaml:1:2"),
        (b"x" * 101, "KIA0103", "m.yaml:1:1"),
    ],
)
def test_files_that_are_not_read(tmp_path: Path, data: bytes, code: str, place: str) -> None:
    path = tmp_path / "m.yaml"
    path.write_bytes(data)
    with pytest.raises(ManifestError) as caught:
        read_text(path, shown="m.yaml", max_bytes=100)
    (diagnostic,) = caught.value.diagnostics
    assert (diagnostic.code, str(diagnostic.source)) == (code, place)
    assert diagnostic.hint


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    for path in (tmp_path / "none.yaml", tmp_path):
        with pytest.raises(ManifestError) as caught:
            read_text(path, shown="m.yaml")
        assert [d.code for d in caught.value.diagnostics] == ["KIA0104"]


def test_what_is_no_regular_file_is_not_waited_for(tmp_path: Path) -> None:
    """Nobody writes into the pipe, and nobody would ever say so; a device of Windows is its like there."""
    if os.name != "nt":
        os.mkfifo(tmp_path / "m.yaml")
    with pytest.raises(ManifestError) as caught:
        read_text(tmp_path / "m.yaml" if os.name != "nt" else Path("NUL"), shown="m.yaml")
    assert [d.code for d in caught.value.diagnostics] == ["KIA0104"]


def test_no_link_leads_out_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside" / "link.yaml").symlink_to("../outside.yaml")
    with pytest.raises(OSError, match="leads out"):
        write_text(tmp_path / "inside" / "link.yaml", "a: 1\n", within=tmp_path / "inside")
    assert [entry.name for entry in tmp_path.iterdir()] == ["inside"]


def test_a_text_is_written_whole_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "m.yaml"
    path.write_bytes(b"a: 1\n")
    path.chmod(0o640)
    write_text(path, "a: é\r\nb: 1\n", within=tmp_path)
    assert path.read_bytes() == "a: é\r\nb: 1\n".encode()
    assert path.stat().st_mode & 0o777 == 0o640 or os.name == "nt"
    assert [entry.name for entry in tmp_path.iterdir()] == ["m.yaml"]


def test_a_link_stays_and_what_it_leads_to_is_written(tmp_path: Path) -> None:
    (tmp_path / "real.yaml").write_text("a: 1\n", encoding="utf-8")
    (tmp_path / "link.yaml").symlink_to("real.yaml")
    write_text(tmp_path / "link.yaml", "a: 2\n", within=tmp_path)
    assert (tmp_path / "link.yaml").is_symlink()
    assert (tmp_path / "real.yaml").read_text(encoding="utf-8") == "a: 2\n"


def test_what_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    with pytest.raises(OSError, match="taken"):
        write_text(tmp_path / "taken", "a: 1\n", within=tmp_path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["taken"]
