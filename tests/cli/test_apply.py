"""`kiamo-iac apply`: asks before it writes, starts nothing unasked, and reports what it did."""

from __future__ import annotations

import json
import re
import signal
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime

import jsonschema
import pytest

from kiamo_iac.emulator import FULL_TOKEN, READ_ONLY_TOKEN, EmulatorRequest, EmulatorResponse
from kiamo_iac.emulator.server import Server
from kiamo_iac.render.run import report_schema
from tests.cli.conftest import MANIFEST, Desk, starting
from tests.cli.program import COMMAND, variables

Typing = Callable[[str], None]


def test_yes_applies_and_a_second_time_writes_nothing(desk: Desk) -> None:
    code, out, err = desk.run("apply", "-e", "staging", "--yes")
    assert code == 0
    assert "+ create bases/prospects (base)" in out
    assert out.endswith("\n\nApplied: 3 done.\n")
    assert [line.split("]")[0] for line in err.splitlines()] == ["[1/3", "[2/3", "[3/3"]
    assert [base["name"] for base in desk.emulator.dump()["bases"]] == ["prospects"]
    written = len(desk.writes())
    code, out, err = desk.run("apply", "-e", "staging", "--yes")
    assert (code, err) == (0, "")
    assert out.endswith("No changes: staging matches its manifests.\n")
    assert len(desk.writes()) == written


def test_without_a_terminal_it_wants_yes(desk: Desk) -> None:
    code, out, err = desk.run("apply", "-e", "staging")
    assert code == 64
    assert "Plan: 3 to create" in out
    assert "No terminal to confirm on: pass --yes" in err
    assert desk.writes() == []


def test_nothing_to_do_needs_no_yes(desk: Desk) -> None:
    assert desk.run("apply", "-e", "staging", "--yes")[0] == 0
    assert desk.run("apply", "-e", "staging")[0] == 0


def test_at_a_terminal_it_asks_and_yes_is_the_only_yes(desk: Desk, typing: Typing) -> None:
    for answer in ("", "y\n", "no\n", "YES\n"):
        typing(answer)
        code, _, err = desk.run("apply", "-e", "staging")
        assert code == 1
        assert 'Type "yes" to apply this to staging: ' in err
        assert err.endswith("Not applied.\n")
    assert desk.writes() == []
    typing("yes\n")
    code, out, _ = desk.run("apply", "-e", "staging")
    assert code == 0
    assert out.endswith("Applied: 3 done.\n")


def test_a_start_that_nobody_allowed_is_6_and_nothing_is_written(desk: Desk, typing: Typing) -> None:
    desk.manifest(starting())
    typing("yes\n")
    for arguments in (("--yes",), ()):
        code, out, err = desk.run("apply", "-e", "staging", *arguments)
        assert (code, out) == (6, "")
        assert "    of bases/prospects/batches/relance\n" in err
        assert "manifests/a.yaml:" in err
        assert "--allow-start" in err
        assert 'Type "yes"' not in err
    assert desk.writes() == []


@pytest.mark.parametrize("arguments", [("-e", "staging", "--allow-start"), ("-e", "eager")])
def test_a_start_that_is_allowed_is_made(desk: Desk, arguments: tuple[str, ...]) -> None:
    desk.manifest(starting())
    assert desk.run("apply", *arguments, "--yes")[0] == 0
    (base,) = desk.emulator.dump()["bases"]
    assert [batch["state"] for batch in base["batches"]] == ["started"]


def test_d04_dry_run_is_plan(desk: Desk) -> None:
    planned = desk.run("plan", "-e", "staging")
    assert desk.run("apply", "-e", "staging", "--dry-run") == planned
    assert desk.run("apply", "-e", "staging", "--dry-run", "--yes", "--compact")[1] != planned[1]
    as_json = desk.run("apply", "-e", "staging", "--dry-run", "--format", "json")[1]
    assert json.loads(as_json)["summary"]["create"] == 3
    assert desk.writes() == []
    assert not desk.ledger.exists()
    desk.manifest(MANIFEST.replace("service: Ventes", "service: Inconnu"))
    assert desk.run("apply", "-e", "staging", "--dry-run")[0] == 1
    assert desk.run("apply", "--dry-run")[0] == 64
    code, _, err = desk.run("apply", "--dry-run", "manifests/a.yaml")
    assert (code, "kiamo-iac show PLANFILE" in err) == (64, True)


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("undo", "-e", "staging", "--dry-run"), "undo shows its plan and asks"),
        (("undo", "-e", "staging", "--yes", "--what-if"), "without --yes, and answered with no, it writes nothing"),
        (("ledger", "move", "-e", "staging", "--dry-run"), "ledger move shows what it changes and asks"),
        (("apply", "-e", "staging", "--check"), "see the plan first: kiamo-iac plan, or kiamo-iac apply --dry-run"),
        (("plan", "-e", "staging", "--dry-run"), "plan is the dry run"),
        (("promote", "--from", "a", "--to", "b", "--dry-run"), "without --write, promote shows"),
        (("fmt", "--dry-run"), "fmt --check and fmt --diff write no file"),
        (("export", "-e", "staging", "--dry-run"), "without -o, export writes to stdout alone"),
    ],
)
def test_an_unknown_option_for_a_trial_names_the_way_to_see_it_first(
    desk: Desk, arguments: tuple[str, ...], hint: str
) -> None:
    code, _, err = desk.run(*arguments)
    assert (code, "No such option" in err, arguments[-1] in err) == (64, True, True)  # in words of click's version
    assert hint in err.partition("Hint: ")[2], err
    assert "Hint: " not in desk.run(*arguments[:-1], "--nonsense")[2]


@pytest.mark.parametrize(
    "typo",
    ["--prun", "--prod", "--profile", "--allow-strt", "--allow-data-los", "--ye", "--yess", "--allow-stp", "--p"],
)
def test_d04_no_suggestion_is_destructive(desk: Desk, typo: str) -> None:
    for command in ("apply", "plan", "undo", "promote", "export"):
        code, _, err = desk.run(command, typo)
        assert code == 64
        _, _, suggested = err.partition("Did you mean")
        assert not re.search("--(prune|yes|allow|write|owed|adopt|into)", suggested)
    assert re.search("Did you mean '?--parallelism", desk.run("apply", "--paralelism")[2])


def test_json_is_the_report_alone_and_meets_its_schema(desk: Desk) -> None:
    code, out, err = desk.run("apply", "-e", "staging", "--yes", "--format", "json")
    data = json.loads(out)
    jsonschema.Draft202012Validator(report_schema()).validate(data)
    assert code == 0
    assert data["summary"] == {"done": 3, "failed": 0, "not_tried": 0}
    assert "Plan: 3 to create" in err
    code, out, _ = desk.run("apply", "-e", "staging", "--yes", "--format", "json")
    assert (code, json.loads(out)["results"]) == (0, [])


def test_markdown_is_the_report_alone(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.manifest(starting())
    failing(desk, monkeypatch, method="POST", path="/batches")
    code, out, err = desk.run("apply", "-e", "staging", "--yes", "--allow-start", "--format", "markdown")
    assert code == 4
    assert out.startswith(
        "<!-- kiamo-iac:apply:staging -->\n### Apply to `staging`\n\n**Applied in part: 2 done, 1 failed"
    )
    assert "**What to do next:** `run plan to see what is left to do`\n" in out
    assert "ERR_1020" in out
    assert "Plan: 3 to create" in err
    assert "Error: The plan was applied in part" in err
    monkeypatch.undo()


def test_the_report_names_its_run_and_when_each_step_began(desk: Desk) -> None:
    at = datetime(2026, 11, 28, 9, 30, 12, tzinfo=UTC)
    code, out, _ = desk.run("apply", "-e", "staging", "--yes", "--format", "json", now=lambda: at)
    data = json.loads(out)
    assert code == 0
    assert re.fullmatch(r"20261128T093012Z-[0-9a-f]{6}", data["run_id"])
    assert data["started_at"] == "2026-11-28T09:30:12Z"
    assert data["seconds"] >= max(result["seconds"] for result in data["results"]) > 0
    assert all(re.fullmatch(r"[0-9T:-]{19}Z", result["started_at"]) for result in data["results"])
    desk.manifest(MANIFEST.replace("label: Prospects", "label: Leads"))
    out = desk.run("apply", "-e", "staging", "--yes", now=lambda: at)[1]
    assert re.search(
        r"\nRun 20261128T093012Z-[0-9a-f]{6}: started at 2026-11-28T09:30:12Z, \d+\.\d s\.\n\nApplied: 1", out
    )


def test_a_refused_plan_is_not_applied(desk: Desk) -> None:
    desk.manifest(MANIFEST.replace("service: Ventes", "service: Inconnu"))
    code, out, _ = desk.run("apply", "-e", "staging", "--yes")
    assert code == 1
    assert "Plan refused: 1 error." in out
    assert desk.writes() == []


def failing(desk: Desk, monkeypatch: pytest.MonkeyPatch, *, method: str, path: str) -> None:
    """Make the instance refuse one kind of call."""
    handle = desk.emulator.handle

    def refuse(request: EmulatorRequest) -> EmulatorResponse:
        if request.method == method and path in request.path:
            return EmulatorResponse(
                400, {"content-type": "application/json"}, b'{"code": "ERR_1020", "message": "No."}'
            )
        return handle(request)

    monkeypatch.setattr(desk.emulator, "handle", refuse)


def test_a_failed_step_takes_what_depends_on_it_and_nothing_else(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.emulator.seed({"bases": [{"name": "clients", "label": "Clients"}]})
    desk.manifest(starting() + "  - {name: clients, label: Clients fidélité}\n")
    failing(desk, monkeypatch, method="POST", path="/batches")
    code, out, err = desk.run("apply", "-e", "staging", "--yes", "--allow-start")
    assert code == 4
    table = out[out.index("\ndone ") :]
    assert "done       + create bases/prospects\n" in table
    assert "done       ~ update bases/clients\n" in table
    assert "failed     + create bases/prospects/batches/relance\n" in table
    assert "ERR_1020" in table
    assert "not tried  ▶ start bases/prospects/batches/relance\n" in table
    assert table.endswith("Applied in part: 3 done, 1 failed, 1 not tried.\n")
    assert "Error: The plan was applied in part: 1 failed, 1 not tried.\n" in err


def test_the_json_of_a_failed_run_tells_why(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.manifest(starting())
    failing(desk, monkeypatch, method="POST", path="/batches")
    code, out, _ = desk.run("apply", "-e", "staging", "--yes", "--allow-start", "--format", "json")
    data = json.loads(out)
    jsonschema.Draft202012Validator(report_schema()).validate(data)
    assert code == 4
    outcomes = {result["id"]: result["outcome"] for result in data["results"]}
    assert sorted(outcomes.values()) == ["done", "done", "failed", "not_tried"]
    assert all((result["detail"] is None) is (result["outcome"] == "done") for result in data["results"])


def test_a_token_that_may_only_read_writes_nothing_and_stops(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KIAMO_STAGING_TOKEN", READ_ONLY_TOKEN)
    code, out, _ = desk.run("apply", "-e", "staging", "--yes", "--parallelism", "1")
    assert code == 4
    assert "Not applied: 1 failed, 2 not tried.\n" in out
    assert desk.emulator.dump().get("bases", []) == []


@pytest.mark.parametrize("number", ["0", "33", "many"])
def test_the_parallelism_has_bounds(desk: Desk, number: str) -> None:
    assert desk.run("apply", "-e", "staging", "--yes", "--parallelism", number)[0] == 64


def test_the_live_display_is_used_on_a_terminal(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kiamo_iac.cli.apply.is_terminal", lambda stream: True)
    code, _, err = desk.run("--no-color", "apply", "-e", "staging", "--yes")
    assert code == 0
    assert "done: + create bases/prospects\n" in err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("times", [1, 2])
def test_a_signal_stops_gently_and_a_second_one_at_once(desk: Desk, number: signal.Signals, times: int) -> None:
    many = "".join(f"  - {{name: b{n:02}, label: B}}\n" for n in range(40))
    desk.manifest(f"bases:\n{many}")
    desk.emulator.latency = 0.25
    with Server(desk.emulator) as server:
        process = subprocess.Popen(
            [*COMMAND, "apply", "-e", "staging", "--yes", "--parallelism", "2"],
            cwd=desk.folder,
            env=variables(KIAMO_STAGING_TOKEN=FULL_TOKEN, KIAMO_STAGING_URL=server.url),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stderr is not None
        while "done: " not in process.stderr.readline():
            assert process.poll() is None
        process.send_signal(number)
        if times == 2:
            while "Stopping: " not in process.stderr.readline():
                assert process.poll() is None
            process.send_signal(number)
        out, err = process.communicate(timeout=60)
    made = len(desk.emulator.dump()["bases"])
    assert process.returncode == 130
    assert 0 < made < 40
    if times == 1:
        assert f"Applied in part: {made} done, {40 - made} not tried.\n" in out
        assert f"Error: The run was interrupted: {made} done, 0 failed, {40 - made} not tried.\n" in err
        assert "The run was stopped before this step.\n" in out
    else:
        assert "Aborted. " in err
        assert "Applied" not in out
