"""Changed files are written together, or not at all where one is stale."""

from __future__ import annotations

from pathlib import Path

import pytest

from kiamo_iac.authoring.sheet import FileChange
from kiamo_iac.authoring.writing import write_files
from kiamo_iac.core.errors import KiamoIacError


def change(folder: Path, name: str, before: str | None) -> FileChange:
    return FileChange(name, folder / name, before, "new: é\n")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_a_file_is_compared_in_its_encoding_and_written_in_utf_8(tmp_path: Path, encoding: str, mark: str) -> None:
    (tmp_path / "a.yaml").write_bytes("old: é\r\n".encode(encoding))
    assert write_files([change(tmp_path, "a.yaml", f"{mark}old: é\r\n")], within=tmp_path) == ("a.yaml",)
    assert (tmp_path / "a.yaml").read_bytes() == "new: é\n".encode()


def test_a_folder_is_created_for_new_files_alone(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    assert write_files([], within=folder) == ()
    assert not folder.exists()
    write_files([change(folder, "a.yaml", None)], within=folder)
    assert (folder / "a.yaml").read_text(encoding="utf-8") == "new: é\n"


@pytest.mark.parametrize(
    ("before", "why"), [("old: 1\n", "has changed since it was read"), (None, "was created meanwhile")]
)
def test_where_one_file_is_stale_none_is_written(tmp_path: Path, before: str | None, why: str) -> None:
    (tmp_path / "b.yaml").write_text("old: 2\n", encoding="utf-8")
    with pytest.raises(KiamoIacError, match=f"b.yaml {why}; nothing was written"):
        write_files([change(tmp_path, "a.yaml", None), change(tmp_path, "b.yaml", before)], within=tmp_path)
    assert not (tmp_path / "a.yaml").exists()
    assert (tmp_path / "b.yaml").read_text(encoding="utf-8") == "old: 2\n"
