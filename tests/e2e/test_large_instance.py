"""An instance of 2,000 bases, 50,000 fields and 20,000 batches: what a plan reads of it, and what an export has."""

from __future__ import annotations

import gc
import tracemalloc
from pathlib import Path
from typing import Any

from kiamo_iac.app.exporting import ExportResult, export_instance
from kiamo_iac.app.project import Workspace
from kiamo_iac.authoring.sheet import bracketed_keys
from kiamo_iac.contract.file import load_contract
from kiamo_iac.document.writing import dump
from kiamo_iac.manifest.project.file import load_project
from tests.cli.program import kiamo
from tests.generated_instance import TOKEN, GeneratedInstance, base, rows, serving


def project(folder: Path, instance: GeneratedInstance) -> Path:
    (folder / "manifests").mkdir(parents=True)
    file = folder / "kiamo.yaml"
    file.write_text(f"manifests: [manifests]\nenvironments:\n  test:\n    url: {instance.url}\n", encoding="utf-8")
    return file


def test_a_plan_of_200_bases_among_2000_reads_402_lists(tmp_path: Path) -> None:
    with serving(2000) as instance:
        file = project(tmp_path, instance)
        declared = {"bases": [{"name": base(number)} for number in range(0, 2000, 10)]}
        (tmp_path / "manifests" / "bases.yaml").write_text(dump(declared), encoding="utf-8")
        done = kiamo("--project", str(file), "plan", "-e", "test", "--detailed-exitcode", KIAMO_TEST_TOKEN=TOKEN)
        assert (done.returncode, done.stderr.count("\n"), "note KIA0409" in done.stderr) == (0, 1, True)
        assert instance.calls.total() == len(instance.calls) == 2 + 2 * 200
        below = {f"bases/b{number}/{kind}" for number in range(0, 2000, 10) for kind in ("fields", "batches")}
        assert set(instance.calls) == {"services", "bases"} | below


def exported(folder: Path, bases: int, *, into: str | None) -> tuple[ExportResult, int]:
    """An export, and the peak of the memory that it took."""
    with serving(bases) as instance:
        workspace = Workspace(load_project(project(folder, instance)), load_contract(None), {"KIAMO_TEST_TOKEN": TOKEN})
        gc.collect()
        tracemalloc.start()
        try:
            result = export_instance(workspace, "test", folder=folder / into if into is not None else None)
            for _ in result.texts():
                pass
            return result, tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()


def block(number: int) -> dict[str, Any]:
    """A base as an export declares it."""
    services = {row["id"]: row["name"] for row in rows("services", 0)}
    fields = sorted(rows(f"bases/b{number}/fields", 0), key=lambda row: str(row["name"]))
    batches = sorted(rows(f"bases/b{number}/batches", 0), key=lambda row: str(row["name"]))
    return {
        "name": base(number),
        "label": f"The contacts of base {number}",
        "fields": [{key: row[key] for key in ("name", "label", "datatype")} for row in fields],
        "batches": [
            {"name": row["name"], "service": services[row["service"]], "association": row["association"]}
            for row in batches
        ],
    }


def test_the_document_is_one_whatever_it_is_put_together_from(tmp_path: Path) -> None:
    result, _ = exported(tmp_path / "one", 30, into=None)
    services = [{"name": row["name"]} for row in rows("services", 0)]
    whole = {"services": services, "bases": [block(number) for number in range(30)]}
    assert "".join(result.texts()) == dump(whole, flow=bracketed_keys(), inert=True)


def test_each_file_holds_one_base(tmp_path: Path) -> None:
    result, _ = exported(tmp_path / "files", 12, into="manifests")
    found = {path.name: path.read_text(encoding="utf-8") for path in (tmp_path / "files" / "manifests").iterdir()}
    bases = {f"base-{n:05}.yaml": dump({"bases": [block(n)]}, flow=bracketed_keys()) for n in range(12)}
    services = {"services.yaml": dump({"services": [{"name": row["name"]} for row in rows("services", 0)]})}
    assert found == bases | services
    assert sorted(result.created) == [f"manifests/{name}" for name in sorted(found)]
