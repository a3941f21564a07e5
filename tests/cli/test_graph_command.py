"""`kiamo-iac graph`: offline what is declared, with --plan or a saved plan its steps."""

from __future__ import annotations

import errno
from xml.etree import ElementTree as ET

import pytest

from tests.cli.conftest import MANIFEST, Desk


def test_what_is_declared_is_drawn_offline_and_without_a_token(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KIAMO_STAGING_TOKEN")
    code, out, err = desk.run("graph")
    assert (code, err) == (0, "")
    assert out.startswith("flowchart LR\n")
    assert '["relance<br/>batch"]:::managed' in out
    assert '["Ventes<br/>reference service"]:::reference' in out
    assert '-->|"service"|' in out
    assert desk.emulator.calls() == []
    assert desk.run("graph", "-e", "staging")[1].splitlines()[1] == "  accTitle: Declared resources of staging"


def test_with_plan_it_draws_the_steps(desk: Desk) -> None:
    code, out, err = desk.run("graph", "--plan", "-e", "staging", "--format", "dot")
    assert (code, err) == (0, "")
    assert "1 · create base" in out
    assert desk.writes() == []


def test_a_saved_plan_is_drawn_without_an_instance(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    assert desk.run("plan", "-e", "staging", "--out", "saved.plan")[0] == 0
    drawn = desk.run("graph", "-e", "staging", "--plan", "--format", "svg")[1]
    monkeypatch.delenv("KIAMO_STAGING_TOKEN")
    code, out, _ = desk.run("graph", "saved.plan", "--format", "svg")
    assert (code, out) == (0, drawn)
    assert ET.fromstring(out).get("role") == "img"


def test_out_writes_a_file(desk: Desk) -> None:
    code, out, err = desk.run("graph", "--format", "svg", "--out", "declared.svg")
    assert (code, out, err) == (0, "", "Written to declared.svg.\n")
    assert (desk.folder / "declared.svg").read_bytes().decode() == desk.run("graph", "--format", "svg")[1]
    code, _, err = desk.run("graph", "--out", "missing/declared.svg")
    assert code == 1
    assert "The graph cannot be written to" in err


def test_what_only_an_environment_knows_asks_for_one(desk: Desk) -> None:
    project = "manifests: [manifests]\nenvironments:\n  staging: {variables: {own: Mine}}\n"
    (desk.folder / "kiamo.yaml").write_text(project, encoding="utf-8")
    desk.manifest("bases:\n  - {name: prospects, label: '${own}'}\n")
    code, _, err = desk.run("graph")
    assert (code, err.splitlines()[-1]) == (
        1,
        "Hint: pass -e ENV to use the variables and patches of an environment",
    )
    assert desk.run("graph", "-e", "staging")[0] == 0


def test_a_disk_that_is_full_leaves_the_old_drawing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    old = desk.folder / "declared.svg"
    old.write_text("old", encoding="utf-8")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("os.fsync", full)
        code, _, err = desk.run("graph", "--out", "declared.svg")
    assert (code, "No space left on device." in err, old.read_text(encoding="utf-8")) == (1, True, "old")


def test_a_refused_plan_is_drawn_and_exits_1(desk: Desk) -> None:
    desk.manifest(MANIFEST.replace("service: Ventes", "service: Inconnu"))
    code, out, err = desk.run("graph", "-e", "staging", "--plan")
    assert code == 1
    assert out.startswith("flowchart LR\n")
    assert "This plan is refused" in err


def test_invalid_manifests_are_no_graph(desk: Desk) -> None:
    desk.manifest("bases:\n  - name: prospects\n    lable: Autres\n")
    code, out, err = desk.run("graph")
    assert (code, out) == (1, "")
    assert "KIA0202" in err


@pytest.mark.parametrize(
    "arguments", [("--plan",), ("kiamo.yaml", "--plan"), ("kiamo.yaml", "-e", "staging"), ("--format", "png")]
)
def test_what_does_not_go_together_is_usage(desk: Desk, arguments: tuple[str, ...]) -> None:
    assert desk.run("graph", *arguments)[0] == 64


def test_a_token_in_a_name_is_in_no_graph(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KIAMO_STAGING_TOKEN", "canary-of-a-token")
    desk.manifest(MANIFEST.replace("relance", "canary-of-a-token"))
    for output in ("mermaid", "dot", "svg"):
        assert "canary-of-a-token" not in desk.run("graph", "--format", output)[1]
        desk.run("graph", "--format", output, "--out", "graph.txt")
        assert "canary-of-a-token" not in (desk.folder / "graph.txt").read_text(encoding="utf-8")


def test_a_link_does_not_lead_the_graph_somewhere_else(desk: Desk) -> None:
    """A pipeline writes into a checkout, and whoever opens a merge request may put a link there."""
    (desk.folder / "charts").mkdir()
    victim = desk.folder / "victim"
    victim.write_text("mine", encoding="utf-8")
    (desk.folder / "charts" / "graph.svg").symlink_to(victim)
    code, _, err = desk.run("graph", "--format", "svg", "--out", "charts/graph.svg")
    assert code == 1
    assert "a link leads out of the folder" in err
    assert victim.read_text(encoding="utf-8") == "mine"
