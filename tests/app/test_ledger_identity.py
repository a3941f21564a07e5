"""A ledger belongs to one project, one environment and one instance: for any other it is refused."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kiamo_iac.app.adopting import adopt_resources
from kiamo_iac.app.applying import start_apply
from kiamo_iac.app.exporting import export_instance
from kiamo_iac.app.ownership import forget_entries, ledger_identity, read_owned
from kiamo_iac.app.planning import detect_drift, plan_environment
from kiamo_iac.app.project import Workspace
from kiamo_iac.authoring.selection import ExportSelection
from kiamo_iac.core.address import Address
from kiamo_iac.core.diagnostics import Severity
from kiamo_iac.core.errors import LedgerError, UsageError
from kiamo_iac.ledger.content import LedgerIdentity
from kiamo_iac.planner.plan_file import Options
from tests.app.conftest import MANIFEST, PROJECT, Site

BASE = Address("bases/prospects")
ELSEWHERE = {"KIAMO_STAGING_URL": "https://kiamo.example.com"}


def at(site: Site, **environ: str) -> Workspace:
    """The project with further environment variables; whatever its url, the same emulator answers."""
    workspace = site.workspace
    return replace(workspace, environ={**workspace.environ, **environ})


def head_of(site: Site) -> dict[str, Any]:
    text = (site.folder / ".kiamo" / "staging.ledger.jsonl").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text.splitlines()[0])
    return found


def apply(workspace: Workspace) -> None:
    with start_apply(workspace, "staging", Options(prune=True)) as run:
        report = run.perform(parallelism=1)
        run.check(report)


USES: dict[str, Callable[[Workspace], object]] = {
    "plan": lambda workspace: plan_environment(workspace, "staging", Options(prune=True)),
    "drift": lambda workspace: detect_drift(workspace, "staging"),
    "export": lambda workspace: export_instance(workspace, "staging", ExportSelection()),
    "apply": apply,
    "adopt": lambda workspace: adopt_resources(workspace, "staging", [BASE]),
    "forget": lambda workspace: forget_entries(workspace, "staging", [BASE]),
    "read": lambda workspace: read_owned(workspace, "staging"),
}


@pytest.mark.parametrize("use", USES.values(), ids=USES.keys())
def test_f29_the_ledger_of_another_instance_is_refused(site: Site, use: Callable[[Workspace], object]) -> None:
    site.apply()
    before, writes = site.owned(), len(site.writes())
    site.manifest("services:\n  - name: Sales\n")  # a base of the same name and id is there, and would be pruned
    with pytest.raises(LedgerError, match="belongs to another instance") as caught:
        use(at(site, **ELSEWHERE))
    (found,) = caught.value.diagnostics
    assert found.code == "KIA0903"
    assert found.summary == (
        'the ledger is of the instance "http://127.0.0.1:8090", not of "https://kiamo.example.com:443"'
    )
    assert "kiamo-iac ledger move -e staging" in (caught.value.hint or "")
    assert (site.owned(), len(site.writes())) == (before, writes)


def test_o10_a_list_of_a_foreign_ledger_warns(site: Site) -> None:
    site.apply()
    assert read_owned(at(site, **ELSEWHERE), "staging", foreign=True) == site.owned()
    (notice,) = site.notices
    assert (notice.code, notice.severity) == ("KIA0903", Severity.WARNING)
    assert "ledger move" in (notice.hint or "")


def test_o10_an_instance_with_a_name_may_change_its_url(site: Site) -> None:
    (site.folder / "kiamo.yaml").write_text(
        PROJECT.replace("staging: {", "staging: {instance: lab, "), encoding="utf-8"
    )
    site.apply()
    assert head_of(site)["instance"] == "lab"
    apply(at(site, **ELSEWHERE))
    assert ledger_identity(at(site, **ELSEWHERE), "staging") == (".", "staging", "lab")


def test_o10_a_project_is_known_by_its_name_or_by_its_folder_in_the_repository(tmp_path: Path) -> None:
    folder = tmp_path / "teams" / "outbound"
    (folder / "manifests").mkdir(parents=True)

    def identity(text: str = PROJECT) -> LedgerIdentity:
        (folder / "kiamo.yaml").write_text(text, encoding="utf-8")
        return ledger_identity(Workspace.open(folder / "kiamo.yaml", environ={}), "staging")

    assert identity() == (".", "staging", "http://127.0.0.1:8090")
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    assert identity().project == "teams/outbound"
    assert identity(f"name: sales\n{PROJECT}").project == "sales"
    subprocess.run(["git", "init", "-q", str(folder)], check=True)
    assert identity().project == "."
    assert identity(PROJECT.replace('{url: "http://127.0.0.1:8090"}', "{}")).instance is None


def test_f29_the_ledger_of_another_project_is_refused(site: Site) -> None:
    site.apply()
    (site.folder / "kiamo.yaml").write_text(f"name: outbound\n{PROJECT}", encoding="utf-8")
    with pytest.raises(LedgerError, match="belongs to another project") as caught:
        plan_environment(site.workspace, "staging")
    assert caught.value.diagnostics[0].summary == 'the ledger is of the project ".", not of "outbound"'


# --- a ledger of format 1, which names neither -----------------------------------------------------------------------


def without_identity(site: Site, change: Callable[[str], str] = lambda text: text) -> Path:
    """The ledger of staging as an older version would have written it."""
    file = site.folder / ".kiamo" / "staging.ledger.jsonl"
    first, _, rest = file.read_text(encoding="utf-8").partition("\n")
    head = {key: value for key, value in json.loads(first).items() if key not in {"project", "instance"}}
    file.write_text(f"{json.dumps({**head, 'format_version': 1})}\n{change(rest)}", encoding="utf-8")
    return file


def test_o10_an_older_ledger_is_read_and_the_first_apply_writes_whose_it_is(site: Site) -> None:
    site.apply()
    file = without_identity(site)
    before = file.read_bytes()
    owned = site.owned()
    plan_environment(site.workspace, "staging", Options(prune=True))
    forget_entries(site.workspace, "staging", [Address("bases/prospects/fields/city")])
    assert file.read_bytes().startswith(before)  # forget knows no instance: the format stays
    apply(site.workspace)
    assert head_of(site)["format_version"] == 2
    assert (head_of(site)["project"], head_of(site)["instance"]) == (".", "http://127.0.0.1:8090")
    assert site.owned().keys() == owned.keys() - {Address("bases/prospects/fields/city")}


@pytest.mark.parametrize("use", [USES["apply"], USES["adopt"]], ids=["apply", "adopt"])
def test_o10_an_older_ledger_with_no_id_that_is_live_is_refused(site: Site, use: Callable[[Workspace], object]) -> None:
    site.apply()
    file = without_identity(site, lambda text: text.replace(f'"remote_id":"{site.base_id()}"', '"remote_id":"other"'))
    lines = [
        line
        for line in file.read_text(encoding="utf-8").splitlines()
        if "/fields/" not in line and "/batches/" not in line
    ]
    file.write_text("\n".join([*lines, ""]), encoding="utf-8")
    before, writes = file.read_bytes(), len(site.writes())
    with pytest.raises(LedgerError, match="may belong to another instance") as caught:
        use(site.workspace)
    assert caught.value.diagnostics[0].code == "KIA0915"
    assert "kiamo-iac ledger move -e staging" in (caught.value.hint or "")
    assert (file.read_bytes(), len(site.writes())) == (before, writes)


def test_o10_an_older_ledger_without_ids_is_claimed(site: Site) -> None:
    site.apply()
    forget_entries(site.workspace, "staging", [BASE])
    without_identity(site)
    site.manifest(MANIFEST.replace("label: City", "label: Town"))
    apply(site.workspace)
    assert head_of(site)["format_version"] == 2


# --- the ledger of a test --------------------------------------------------------------------------------------------


def test_o10_a_test_never_touches_the_ledger_and_the_journals_of_the_project(
    site: Site, tmp_path_factory: pytest.TempPathFactory
) -> None:
    remote = "ledger: {backend: http, address: 'https://states.example.com/kiamo'}, "  # is never called
    (site.folder / "kiamo.yaml").write_text(PROJECT.replace("staging: {", f"staging: {{{remote}"), encoding="utf-8")
    folder = tmp_path_factory.mktemp("ledger")
    environ = {"KIAMO_STAGING_LEDGER_FILE": str(folder / "l.jsonl"), "KIAMO_OTHER_LEDGER_ORIGIN": "https://example.com"}
    apply(at(site, **environ))
    owned = read_owned(at(site, **environ), "staging")
    assert owned is not None
    assert BASE in owned
    assert json.loads((folder / "l.jsonl").read_text(encoding="utf-8").splitlines()[0])["environment"] == "staging"
    assert (folder / ".kiamo" / "journal" / "staging").is_dir()
    assert not (site.folder / ".kiamo").exists()
    assert {notice.code for notice in site.notices} == {"KIA0917"}


def test_the_file_of_a_test_is_an_absolute_path(site: Site) -> None:
    with pytest.raises(UsageError, match="KIAMO_STAGING_LEDGER_FILE is not an absolute path") as caught:
        read_owned(at(site, KIAMO_STAGING_LEDGER_FILE="ledger.jsonl"), "staging")
    assert caught.value.hint is not None
