"""`--format html` of plan, show and drift: one page on stdout, in UTF-8, and no token in it."""

from __future__ import annotations

import pytest

from tests.cli.conftest import MANIFEST, Desk
from tests.cli.program import kiamo
from tests.render.html.parsed import Page


def test_plan_and_show_print_the_same_page(desk: Desk) -> None:
    code, out, err = desk.run("plan", "-e", "staging", "--format", "html", "--out", "saved.plan")
    assert (code, err) == (0, "Plan saved to saved.plan. To apply it (once): kiamo-iac apply saved.plan\n")
    assert "<title>Plan for staging</title>" in out
    assert [row["id"] for row in Page(out).of("tr") if "data-action" in row] == ["step-1", "step-2", "step-3"]
    assert desk.run("show", "saved.plan", "--format", "html")[:2] == (0, out)


def test_a_refused_plan_is_a_page_and_exits_1(desk: Desk) -> None:
    desk.manifest(MANIFEST.replace("service: Ventes", "service: Inconnu"))
    code, out, _ = desk.run("plan", "-e", "staging", "--format", "html")
    assert code == 1
    assert "<title>Refused plan for staging</title>" in out


def test_a_plan_that_a_guard_would_refuse_says_so(desk: Desk) -> None:
    desk.manifest(MANIFEST.replace("destination: phone}}", "destination: phone}, state: started}"))
    assert "Blocked by a guard" in desk.run("plan", "-e", "staging", "--format", "html")[1]
    assert "Can be applied" in desk.run("plan", "-e", "eager", "--format", "html")[1]


def test_drift_is_a_page(desk: Desk) -> None:
    desk.apply()
    desk.manifest(MANIFEST.replace("label: Prospects", "label: Autres"))
    code, out, err = desk.run("drift", "-e", "staging", "--format", "html", "--detailed-exitcode")
    assert (code, err) == (2, "")
    assert "<title>Drift of staging</title>" in out
    assert [row["data-side"] for row in Page(out).of("tr") if "data-side" in row] == ["git"]


def test_a_token_in_a_value_is_in_no_page(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither whole nor in part: the folded row shows no piece of it either."""
    desk.apply()
    base = desk.id_of("prospects")
    canary = "fedcba9876" * 4
    monkeypatch.setenv("KIAMO_OTHER_TOKEN", canary)
    desk.by_hand("PUT", f"/api/bases/{base}", {"label": f"x {canary} y"})
    for command in ("plan", "drift"):
        code, out, _ = desk.run(command, "-e", "staging", "--format", "html")
        assert code == 0
        assert "(hidden)" in out
        assert canary[:10] not in out


def test_the_page_is_utf_8_on_any_console(desk: Desk) -> None:
    desk.manifest(MANIFEST.replace("label: Prospects", "label: Prospects d’été ▶"))
    assert desk.run("plan", "-e", "staging", "--out", "saved.plan")[0] == 0
    shown = ("show", "saved.plan", "--format", "html")
    page = kiamo(*shown, cwd=desk.folder, PYTHONIOENCODING="cp1252")
    assert page.returncode == 0
    assert "Prospects d’été ▶" in page.stdout.encode("cp1252").decode("utf-8")
