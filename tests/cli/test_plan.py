"""`kiamo-iac plan`: reads what it needs, writes nothing, and its exit code says what it found."""

from __future__ import annotations

import json

import jsonschema
import pytest

from kiamo_iac.cli import output
from kiamo_iac.emulator import READ_ONLY_TOKEN
from kiamo_iac.planner.plan_json import plan_schema
from tests.cli.conftest import MANIFEST, Desk, starting
from tests.cli.program import kiamo


def test_the_plan_goes_to_stdout_and_writes_nothing(desk: Desk) -> None:
    code, out, err = desk.run("plan", "-e", "staging")
    assert (code, err) == (0, "")
    assert "+ create bases/prospects (base)" in out
    assert "manifests/a.yaml:4:5: " in out
    assert out.endswith("Plan: 3 to create.\n")
    assert desk.writes() == []


def test_d16_a_long_plan_is_compact_on_a_terminal(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output, "is_terminal", lambda _stream: True)
    bases = "".join(f"  - {{name: base-{n}, label: Base}}\n" for n in range(1, 62))
    desk.manifest(f"bases:\n{bases}")
    _, out, err = desk.run("plan", "-e", "staging")
    assert "\n  + create bases/base-61\n" in out
    assert "manifests/a.yaml:" not in out
    assert err == "Compact, because the plan has 61 steps: pass --no-compact for all of each step.\n"
    _, full, err = desk.run("plan", "-e", "staging", "--no-compact")
    assert (full.count("manifests/a.yaml:"), err) == (61, "")
    desk.manifest(f"bases:\n{bases}".replace("  - {name: base-61, label: Base}\n", ""))
    _, out, err = desk.run("plan", "-e", "staging")
    assert (out.count("manifests/a.yaml:"), err) == (60, "")
    assert "manifests/a.yaml:" not in desk.run("plan", "-e", "staging", "--compact")[1]


def test_d16_compact_is_a_form_of_text_alone(desk: Desk) -> None:
    for arguments in (("--format", "json"), ("--format", "html")):
        code, _, err = desk.run("plan", "-e", "staging", "--compact", *arguments)
        assert code == 64
        assert "--compact and --no-compact are for --format text." in err
    assert desk.run("plan", "--all-environments", "--compact")[0] == 64


def test_json_meets_its_schema(desk: Desk) -> None:
    code, out, err = desk.run("plan", "-e", "staging", "--format", "json")
    data = json.loads(out)
    jsonschema.Draft202012Validator(plan_schema()).validate(data)
    assert (code, err) == (0, "")
    assert data["applyable"] is True
    assert data["summary"]["create"] == 3
    assert data["steps"][0]["address"] == "bases/prospects"
    assert data["steps"][0]["source"] == "manifests/a.yaml:4:5"


def test_the_exit_code_tells_of_changes_when_it_is_asked_to(desk: Desk) -> None:
    assert desk.run("plan", "-e", "staging", "--detailed-exitcode")[0] == 2
    assert desk.run("apply", "-e", "staging", "--yes")[0] == 0
    code, out, _ = desk.run("plan", "-e", "staging", "--detailed-exitcode")
    assert code == 0
    assert out.endswith("\nNo changes: staging matches its manifests.\n")
    assert desk.run("plan", "-e", "staging")[0] == 0


def test_a_refused_plan_is_printed_with_its_reasons_and_exits_1(desk: Desk) -> None:
    desk.manifest(MANIFEST.replace("service: Ventes", "service: Inconnu"))
    for arguments in ((), ("--detailed-exitcode",)):
        code, out, _ = desk.run("plan", "-e", "staging", *arguments)
        assert code == 1
        assert "error KIA0504: " in out
        assert "\nPlan refused: 1 error.\n" in out
    code, out, _ = desk.run("plan", "-e", "staging", "--format", "json")
    data = json.loads(out)
    jsonschema.Draft202012Validator(plan_schema()).validate(data)
    assert code == 1
    assert data["applyable"] is False
    assert [d["code"] for d in data["diagnostics"] if d["severity"] == "error"] == ["KIA0504"]


def test_invalid_manifests_are_no_plan(desk: Desk) -> None:
    desk.manifest("bases:\n  - name: prospects\n    lable: Autres\n")
    code, out, err = desk.run("plan", "-e", "staging")
    assert (code, out) == (1, "")
    assert "manifests/a.yaml:3:5: error KIA0202" in err
    assert "Error: The manifests have 1 error.\n" in err


def test_a_token_that_may_only_read_is_enough(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KIAMO_STAGING_TOKEN", READ_ONLY_TOKEN)
    assert desk.run("plan", "-e", "staging")[0] == 0


def test_only_the_bases_that_manifests_name_are_read(desk: Desk) -> None:
    """2 + 2 × bases calls, whatever else the instance holds."""
    others = [{"name": f"other-{n}", "label": "Other"} for n in range(20)]
    mine = [{"name": name, "label": "Mine"} for name in ("prospects", "ancien", "loin")]
    desk.emulator.seed({"bases": [*others, *mine]})
    desk.manifest(
        MANIFEST + "  - {name: neuf, label: Neuf, renamed_from: [ancien]}\n"
        "batches:\n  - {base: loin, name: x, service: Ventes, association: {destination: phone}}\n"
    )
    assert desk.run("plan", "-e", "staging")[0] == 0
    assert len(desk.reads()) == 2 + 2 * 3


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-e", "nowhere"], 'The project has no environment "nowhere".'),
        (["-e", "stagin"], 'Hint: did you mean "staging"?'),
        ([], "Missing option '-e'"),
    ],
)
def test_a_wrong_environment_is_usage(desk: Desk, arguments: list[str], said: str) -> None:
    code, out, err = desk.run("plan", *arguments)
    assert (code, out) == (64, "")
    assert said in err


def test_a_missing_token_is_usage_and_says_which_variable(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KIAMO_STAGING_TOKEN")
    code, _, err = desk.run("plan", "-e", "staging")
    assert code == 64
    assert "KIAMO_STAGING_TOKEN" in err
    assert desk.emulator.calls() == []


def test_the_project_may_be_named(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    assert desk.run("--project", str(desk.folder / "kiamo.yaml"), "plan", "-e", "staging")[0] == 0
    code, _, err = desk.run("--project", str(desk.folder / "none.yaml"), "plan", "-e", "staging")
    assert code == 64
    assert "none.yaml" in err


def test_no_token_gets_into_any_output(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither into what goes well nor into what goes wrong, nor with -v."""
    canary = "deadbeef" * 5
    desk.manifest(starting())
    for token in (canary, READ_ONLY_TOKEN):
        monkeypatch.setenv("KIAMO_STAGING_TOKEN", token)
        for command in (["plan"], ["plan", "--format", "json"], ["apply", "--yes", "--allow-start"]):
            _, out, err = desk.run("-v", command[0], "-e", "staging", *command[1:])
            assert out + err
            assert token not in out + err


def test_a_token_that_somebody_left_in_a_label_is_not_shown(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from kiamo_iac.emulator import FULL_TOKEN

    desk.emulator.seed({"bases": [{"name": "prospects", "label": f"token {FULL_TOKEN}"}]})
    for arguments in ((), ("--format", "json")):
        code, out, err = desk.run("plan", "-e", "staging", *arguments)
        assert code == 0
        assert "token (hidden)" in out
        assert FULL_TOKEN not in out + err


@pytest.mark.parametrize(("encoding", "start"), [("cp1252", "|> start"), ("ascii", "|> start"), ("utf-8", "▶ start")])
def test_signs_are_those_that_the_console_has(
    desk: Desk, encoding: str, start: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kiamo_iac.emulator import FULL_TOKEN
    from kiamo_iac.emulator.server import Server

    desk.manifest(starting().replace("label: Prospects", "label: Été → 日本"))
    with Server(desk.emulator) as server:
        known = {"KIAMO_STAGING_TOKEN": FULL_TOKEN, "KIAMO_STAGING_URL": server.url}
        text = kiamo("plan", "-e", "staging", cwd=desk.folder, PYTHONIOENCODING=encoding, **known)
        data = kiamo("plan", "-e", "staging", "--format", "json", cwd=desk.folder, PYTHONIOENCODING="utf-8", **known)
    assert (text.returncode, text.stderr) == (0, "")
    assert f"  {start} bases/prospects/batches/relance" in text.stdout
    assert "\x1b[" not in text.stdout
    assert ("\\u65e5\\u672c" in text.stdout) is (encoding != "utf-8")
    assert json.loads(data.stdout)["steps"][0]["after"]["label"] == "Été → 日本"


def test_json_is_utf8_whatever_the_console(desk: Desk) -> None:
    import subprocess
    import sys

    from kiamo_iac.emulator import FULL_TOKEN
    from kiamo_iac.emulator.server import Server
    from tests.cli.program import variables

    desk.manifest(MANIFEST.replace("label: Prospects", "label: Été 日本"))
    with Server(desk.emulator) as server:
        done = subprocess.run(
            [sys.executable, "-m", "kiamo_iac", "plan", "-e", "staging", "--format", "json"],
            cwd=desk.folder,
            env=variables(PYTHONIOENCODING="cp1252", KIAMO_STAGING_TOKEN=FULL_TOKEN, KIAMO_STAGING_URL=server.url),
            capture_output=True,
            check=True,
        )
    assert "Été 日本" in done.stdout.decode("utf-8")
    assert done.stdout.endswith(b"\n}\n")


def test_verbose_tells_every_call_and_quiet_none(desk: Desk) -> None:
    code, quiet, err = desk.run("plan", "-e", "staging")
    assert (code, err) == (0, "")
    code, out, err = desk.run("-v", "plan", "-e", "staging")
    assert (code, out) == (0, quiet)
    assert sorted(line.split(": ", 1)[1].rsplit(",", 1)[0] for line in err.splitlines()) == [
        "GET /api/bases: 200",
        "GET /api/services: 200",
    ]


def test_what_apply_would_refuse_is_said_beforehand(desk: Desk) -> None:
    desk.manifest(starting())
    code, out, _ = desk.run("plan", "-e", "staging")
    assert code == 0
    assert "note KIA0701: apply will be blocked: starting this batch dials contacts; pass --allow-start" in out
    assert "hint: pass --allow-start" in out
    assert "KIA0701" not in desk.run("plan", "-e", "eager")[1]


def test_d24_a_name_in_nfd_is_created_in_nfc_and_is_one_name(desk: Desk) -> None:
    desk.manifest("bases:\n  - {name: cafe\u0301, label: Café}\n")
    desk.apply()
    assert [base["name"] for base in desk.emulator.dump()["bases"]] == ["caf\u00e9"]
    assert "No changes" in desk.run("plan", "-e", "staging")[1]
    desk.manifest("bases:\n  - {name: the\u0301, renamed_from: [café], label: Café}\n")
    desk.apply()
    assert [base["name"] for base in desk.emulator.dump()["bases"]] == ["th\u00e9"]


def test_d08_a_404_of_a_list_names_the_url_the_path_and_the_contract(desk: Desk) -> None:
    desk.project('manifests: [manifests]\nenvironments:\n  staging: {url: "http://127.0.0.1:8090/kiamo"}\n')
    code, _, err = desk.run("plan", "-e", "staging")
    assert code == 1
    assert "was refused with 404" in err
    assert "Hint: http://127.0.0.1:8090/kiamo may not have this address: check kinds." in err
    assert ".operations.list.path (kiamo_iac/contract/contract.yaml:" in err
    assert "after prefix.path" in err
