"""Files in the canonical layout: which ones, and how they are replaced."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from kiamo_iac.core.errors import ManifestError, UsageError
from kiamo_iac.manifest.formatting import FormattedFile, format_bytes, format_files

PROJECT = """\
manifests: [manifests]
environments:
  staging: {url: "http://127.0.0.1:8090", patches: [environments/staging]}
"""
UNTIDY, TIDY = "bases:\n- name:   a # one\n", "bases:\n  - name: a  # one\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "kiamo.yaml").write_text(PROJECT, encoding="utf-8")
    for folder in ("manifests", "environments/staging", "other"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "a.yaml").write_text(UNTIDY, encoding="utf-8", newline="")
    return tmp_path


def names(layouts: list[FormattedFile]) -> list[str]:
    return [layout.shown for layout in layouts if layout.changes]


def done(*paths: str, write: bool = True) -> list[FormattedFile]:
    return list(format_files(None, [Path(path) for path in paths], write=write))


def test_the_whole_project_is_laid_out_patches_too(project: Path) -> None:
    assert names(done()) == ["environments/staging/a.yaml", "manifests/a.yaml"]
    assert (project / "manifests" / "a.yaml").read_text(encoding="utf-8") == TIDY
    assert (project / "other" / "a.yaml").read_text(encoding="utf-8") == UNTIDY
    assert (project / "kiamo.yaml").read_text(encoding="utf-8") == PROJECT
    assert names(done()) == []


def test_nothing_is_written_unless_wanted(project: Path) -> None:
    (found,) = (layout for layout in done(write=False) if layout.shown == "manifests/a.yaml")
    assert (found.before, found.after, found.changes) == (UNTIDY, TIDY, True)
    assert (project / "manifests" / "a.yaml").read_text(encoding="utf-8") == UNTIDY


def test_a_folder_stands_for_what_of_the_project_lies_in_it(project: Path) -> None:
    assert names(done("environments")) == ["environments/staging/a.yaml"]
    assert names(done("other")) == []
    assert names(done("other/a.yaml")) == ["other/a.yaml"]
    assert names(done(".")) == ["manifests/a.yaml"]


def test_without_a_project_a_folder_stands_for_every_yaml_file(project: Path) -> None:
    (project / "kiamo.yaml").unlink()
    (project / ".git").mkdir()
    (project / "other" / "b.txt").write_text(UNTIDY, encoding="utf-8")
    assert names(done("other", "other/a.yaml", write=False)) == ["other/a.yaml"]
    with pytest.raises(UsageError, match=r"No kiamo\.yaml"):
        done()


def test_a_project_file_with_problems_stops_it(project: Path) -> None:
    (project / "kiamo.yaml").write_text("manifest: []\n", encoding="utf-8")
    with pytest.raises(ManifestError):
        done()
    assert names(done("manifests/a.yaml")) == ["manifests/a.yaml"]


def test_one_with_errors_does_not_hold_up_the_others(project: Path) -> None:
    (project / "manifests" / "0.yaml").write_text("a:   [1\n", encoding="utf-8")
    (project / "manifests" / "z.yaml").write_bytes("é".encode("cp1252"))
    layouts = done()
    assert names(layouts) == ["environments/staging/a.yaml", "manifests/a.yaml"]
    refused = {layout.shown: [d.code for d in layout.diagnostics] for layout in layouts if layout.diagnostics}
    assert refused == {"manifests/0.yaml": ["KIA0101"], "manifests/z.yaml": ["KIA0102"]}
    assert (project / "manifests" / "0.yaml").read_text(encoding="utf-8") == "a:   [1\n"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-be"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_it_is_written_as_utf_8_and_line_ends_stay(project: Path, encoding: str, end: str) -> None:
    path = project / "manifests" / "a.yaml"
    tidy = f"a: é{end}b:{end}  - 1{end}"
    mark = b"\xfe\xff" if encoding == "utf-16-be" else b""
    path.write_bytes(mark + tidy.encode(encoding))
    assert names(done("manifests")) == ["manifests/a.yaml"]
    assert path.read_bytes() == tidy.encode()
    assert names(done("manifests")) == []


def test_mode_and_links_stay(project: Path) -> None:
    real, link = project / "other" / "a.yaml", project / "manifests" / "link.yaml"
    real.chmod(0o640)
    link.symlink_to(real)
    assert names(done("manifests/link.yaml", "other/a.yaml")) == ["manifests/link.yaml"]
    assert link.is_symlink()
    assert real.read_text(encoding="utf-8") == TIDY
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    assert {path.name for path in real.parent.iterdir()} == {"a.yaml"}


def test_one_that_cannot_be_written_is_told(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, text: str, *, within: Path | None) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("kiamo_iac.manifest.formatting.write_text", refuse)
    (layout,) = done("manifests/a.yaml")
    assert [d.code for d in layout.diagnostics] == ["KIA0122"]
    assert layout.diagnostics[0].summary == "the file cannot be written: Permission denied"
    assert layout.changes is False


def test_bytes_of_no_file() -> None:
    assert format_bytes(UNTIDY.encode(), shown="<stdin>").after == TIDY
    assert format_bytes(TIDY.encode("utf-8-sig"), shown="<stdin>").changes
    assert [d.code for d in format_bytes(b"\xff", shown="<stdin>").diagnostics] == ["KIA0102"]
