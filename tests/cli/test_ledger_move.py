"""`ledger move`: a ledger follows its project or its instance on purpose; and whose git refs are."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from kiamo_iac.app.ownership import lock_ledger
from kiamo_iac.app.project import Workspace
from tests.cli.conftest import MANIFEST, PROJECT, Desk
from tests.git_by_hand import git, leave_the_job
from tests.ledger.state_server import PASSWORD, USER, State, serving

NEW_URL = "https://kiamo.example.com"
OLD, NEW = "http://127.0.0.1:8090", f"{NEW_URL}:443"
REF, LOCK = "refs/kiamo-iac/staging", "refs/kiamo-iac-lock/staging"
OUTBOUND = "refs/kiamo-iac/outbound/staging"


@dataclass
class Kept:
    """Where a ledger is kept, seen without the program."""

    ledger: str
    """Its settings in the project file."""
    read: Callable[[], str]
    write: Callable[[str], object]

    def head(self) -> dict[str, Any]:
        """Its first line."""
        found: dict[str, Any] = json.JSONDecoder().raw_decode(self.read())[0]
        return found

    def make_older(self) -> None:
        """Write it as an older version did."""
        first, rest = self.read().split("\n", 1)
        tail = "" if first.endswith("}") else ',"entries":['
        head = json.loads(first if first.endswith("}") else f"{first.removesuffix(tail)}}}")
        head = {key: value for key, value in head.items() if key not in {"project", "instance"}}
        text = json.dumps({**head, "format_version": 1}, separators=(",", ":"))
        self.write(f"{text.removesuffix('}') + tail if tail else text}\n{rest}")


@pytest.fixture
def file(desk: Desk) -> Kept:
    return Kept("{backend: file}", lambda: desk.ledger.read_text("utf-8"), desk.ledger.write_text)


@pytest.fixture
def http(monkeypatch: pytest.MonkeyPatch) -> Iterator[Kept]:
    monkeypatch.setenv("KIAMO_STAGING_LEDGER_USERNAME", USER)
    monkeypatch.setenv("KIAMO_STAGING_LEDGER_PASSWORD", PASSWORD)
    with serving(State()) as state:

        def read() -> str:
            found: str = json.loads(state.body or b"")["outputs"]["kiamo_iac"]["value"]
            return found

        def write(text: str) -> None:
            whole = json.loads(state.body or b"")
            whole["outputs"]["kiamo_iac"]["value"] = text
            state.body = json.dumps(whole).encode()

        yield Kept(f"{{backend: http, address: '{state.address}'}}", read, write)


@pytest.fixture
def hosted(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The project is the root of a checkout, whose remote is a bare repository."""
    leave_the_job(monkeypatch)
    bare = desk.folder / "origin.git"
    git(desk.folder, "init", "-q", "--bare", str(bare))
    git(desk.folder, "init", "-q", "-b", "main")
    git(desk.folder, "remote", "add", "origin", str(bare))
    return bare


@pytest.fixture(name="git")
def in_git(hosted: Path) -> Kept:
    def write(text: str) -> None:
        (hosted / "text").write_text(text, encoding="utf-8")
        blob = git(hosted, "hash-object", "-w", "text")
        (hosted / "tree").write_text(f"100644 blob {blob}\tledger.json\n", encoding="utf-8")
        tree = git(hosted, "-c", "alias.mk=!git mktree < tree", "mk")
        git(hosted, "update-ref", REF, git(hosted, "commit-tree", tree, "-m", "older"))

    return Kept("{backend: git}", lambda: git(hosted, "show", f"{REF}:ledger.json") + "\n", write)


@pytest.fixture(params=["file", "http", "git"])
def kept(request: pytest.FixtureRequest, desk: Desk) -> Kept:
    """Each backend, and a project that uses it."""
    found: Kept = request.getfixturevalue(request.param)
    desk.project(
        PROJECT.replace('staging: {url: "http://127.0.0.1:8090"', f"staging: {{url: '{OLD}', ledger: {found.ledger}")
    )
    return found


def test_f29_a_ledger_follows_an_instance_to_its_new_url(
    desk: Desk, kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.apply()
    before = kept.head()
    monkeypatch.setenv("KIAMO_STAGING_URL", NEW_URL)
    code, _, err = desk.run("plan", "-e", "staging", "--prune")
    assert code == 1
    assert "belongs to another instance" in err
    assert "kiamo-iac ledger move -e staging" in err
    assert kept.head() == before

    code, out, err = desk.run("ledger", "move", "-e", "staging", "--yes")
    assert (code, err) == (0, "Moved.\n")
    assert out == f'The ledger has 3 resources. It will be of:\n  instance: "{OLD}" -> "{NEW}"\n'
    assert kept.head() == {**kept.head(), "project": before["project"], "instance": NEW, "lineage": before["lineage"]}
    code, out, err = desk.run("plan", "-e", "staging", "--detailed-exitcode")
    assert (code, err) == (0, "")
    assert desk.run("ledger", "move", "-e", "staging", "--yes") == (
        0,
        "",
        "Nothing to move: the ledger is of this project, environment and instance.\n",
    )
    monkeypatch.delenv("KIAMO_STAGING_URL")
    assert desk.run("plan", "-e", "staging")[0] == 1


def test_f29_an_older_ledger_is_claimed_by_the_first_apply_in_every_backend(desk: Desk, kept: Kept) -> None:
    desk.apply()
    kept.make_older()
    assert kept.head()["format_version"] == 1
    owned = desk.owned()
    assert desk.run("plan", "-e", "staging", "--prune", "--detailed-exitcode")[0] == 0
    assert kept.head()["format_version"] == 1
    desk.apply()
    assert (kept.head()["format_version"], kept.head()["instance"]) == (2, OLD)
    assert desk.owned() == owned


def test_f29_an_older_ledger_of_another_instance_is_not_claimed_but_moved(desk: Desk, kept: Kept) -> None:
    desk.apply()
    kept.make_older()
    desk.emulator.reset()
    desk.emulator.seed({"services": [{"name": "Ventes"}], "bases": [{"name": "first"}, {"name": "prospects"}]})
    before, writes = kept.read(), len(desk.writes())
    for command in (("apply", "--yes", "--prune"), ("adopt", "bases/prospects")):
        code, _, err = desk.run(command[0], "-e", "staging", *command[1:])
        assert code == 1
        assert "KIA0915" in err
        assert "kiamo-iac ledger move -e staging" in err
    assert (kept.read(), len(desk.writes())) == (before, writes)
    code, out, _ = desk.run("ledger", "move", "-e", "staging", "--yes")
    assert code == 0
    assert f'  instance: not recorded -> "{OLD}"\n' in out
    assert (kept.head()["format_version"], kept.head()["instance"]) == (2, OLD)


def test_a_move_is_confirmed(desk: Desk, monkeypatch: pytest.MonkeyPatch, typing: Callable[[str], None]) -> None:
    desk.apply()
    before, calls = desk.ledger.read_bytes(), len(desk.emulator.calls())
    monkeypatch.setenv("KIAMO_STAGING_URL", NEW_URL)
    code, _, err = desk.run("ledger", "move", "-e", "staging")
    assert (code, err.splitlines()[0]) == (64, "Error: No terminal to confirm on: pass --yes. Nothing was written.")
    typing("no\n")
    code, _, err = desk.run("ledger", "move", "-e", "staging")
    assert (code, err) == (1, 'Type "yes" to move the ledger: Not moved.\n')
    assert desk.ledger.read_bytes() == before
    typing("yes\n")
    assert desk.run("ledger", "move", "-e", "staging")[0] == 0
    assert desk.ledger.read_bytes() != before
    assert len(desk.emulator.calls()) == calls


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            ("--from-instance", "https://other.example.com"),
            f'of the instance "{OLD}", not of "https://other.example.com:443"',
        ),
        (("--from-project", "calls"), 'of the project ".", not of "calls"'),
        (("--from-environment", "eager"), 'of the environment "staging", not of "eager"'),
    ],
)
def test_what_a_ledger_was_of_is_checked(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...], said: str
) -> None:
    git(desk.folder, "init", "-q")
    desk.apply()
    before = desk.ledger.read_bytes()
    monkeypatch.setenv("KIAMO_STAGING_URL", NEW_URL)
    code, _, err = desk.run("ledger", "move", "-e", "staging", "--yes", *options)
    assert code == 64
    assert said in err
    assert desk.ledger.read_bytes() == before
    assert (
        desk.run("ledger", "move", "-e", "staging", "--yes", "--from-instance", f"{OLD}/", "--from-project", ".")[0]
        == 0
    )


def test_a_ledger_of_another_environment_is_moved_only_if_that_is_named(desk: Desk) -> None:
    desk.apply()
    kept = desk.folder / ".kiamo" / "eager.ledger.jsonl"
    desk.ledger.rename(kept)
    code, _, err = desk.run("ledger", "move", "-e", "eager", "--yes")
    assert code == 64
    assert "--from-environment staging" in err
    code, out, _ = desk.run("ledger", "move", "-e", "eager", "--yes", "--from-environment", "staging")
    assert (code, out.splitlines()[1]) == (0, '  environment: "staging" -> "eager"')
    assert json.loads(kept.read_text("utf-8").splitlines()[0])["environment"] == "eager"


def test_without_a_ledger_nothing_is_moved(desk: Desk) -> None:
    code, out, err = desk.run("ledger", "move", "-e", "staging", "--yes")
    assert (code, out) == (64, "")
    assert "There is no ledger to move to .kiamo/staging.ledger.jsonl" in err
    desk.project(PROJECT.replace('{url: "http://127.0.0.1:8090"}', "{}"))
    code, _, err = desk.run("ledger", "move", "-e", "staging", "--yes")
    assert code == 64
    assert "has no url" in err


# --- the refs of a project -------------------------------------------------------------------------------------------


def refs(bare: Path) -> list[str]:
    return git(bare, "for-each-ref", "--format=%(refname)").splitlines()


def in_git_with(desk: Desk, *, name: str | None = None, ref: str = "") -> None:
    """The project file of a ledger on a git ref."""
    text = f"manifests: [manifests]\nenvironments: {{staging: {{url: '{OLD}', ledger: {{backend: git{ref}}}}}}}\n"
    desk.project(text if name is None else f"name: {name}\n{text}")


def test_f29_two_projects_of_one_repository_never_prune_each_others_resources(desk: Desk, hosted: Path) -> None:
    """Without names the second is refused; with names each has a ref of its own."""
    in_git_with(desk)
    desk.apply()
    second = desk.folder / "second"
    (second / "manifests").mkdir(parents=True)
    (second / "manifests" / "a.yaml").write_text("bases: [{name: surveys}]\n", encoding="utf-8")

    def in_second(*arguments: str) -> tuple[int, str, str]:
        return desk.run("--project", str(second / "kiamo.yaml"), *arguments)

    project = (desk.folder / "kiamo.yaml").read_text("utf-8")
    (second / "kiamo.yaml").write_text(project, encoding="utf-8")
    code, _, err = in_second("apply", "-e", "staging", "--yes", "--prune")
    assert code == 1
    assert 'KIA0903: the ledger is of the project ".", not of "second"' in err
    (second / "kiamo.yaml").write_text(f"name: surveys\n{project}", encoding="utf-8")
    code, _, err = in_second("apply", "-e", "staging", "--yes", "--prune")
    assert code == 0, err
    assert refs(hosted) == ["refs/kiamo-iac/staging", "refs/kiamo-iac/surveys/staging"]
    desk.apply("--prune")
    assert in_second("plan", "-e", "staging", "--prune", "--detailed-exitcode")[0] == 0
    assert sorted(base["name"] for base in desk.emulator.dump()["bases"]) == ["prospects", "surveys"]


def test_o10_a_project_with_a_new_name_moves_its_ledger_to_the_ref_of_the_name(desk: Desk, hosted: Path) -> None:
    in_git_with(desk)
    desk.apply()
    in_git_with(desk, name="outbound")
    for command in ("plan", "drift"):
        code, _, err = desk.run(command, "-e", "staging")
        assert code == 1
        assert "KIA0916" in err
        assert f"There is no ledger at {OUTBOUND} of origin, but one at {REF}." in err
    assert desk.run("apply", "-e", "staging", "--yes")[0] == 1
    assert refs(hosted) == [REF]
    tip = git(hosted, "rev-parse", REF)
    code, out, err = desk.run("ledger", "move", "-e", "staging", "--yes")
    assert (code, err) == (0, "Moved.\n")
    assert out.splitlines()[1:] == [
        '  project: "." -> "outbound"',
        f'  ledger: "{REF} of origin" -> "{OUTBOUND} of origin"',
    ]
    assert refs(hosted) == [OUTBOUND]  # never two, and no lock is left
    assert git(hosted, "rev-parse", f"{OUTBOUND}~1") == tip  # with its history
    assert desk.run("plan", "-e", "staging", "--prune", "--detailed-exitcode")[0] == 0

    in_git_with(desk, name="calls")
    desk.run("ledger", "move", "-e", "staging", "--yes", "--from-project", "outbound")
    assert refs(hosted) == ["refs/kiamo-iac/calls/staging"]
    in_git_with(desk)
    code, _, err = desk.run("ledger", "move", "-e", "staging", "--yes")
    assert code == 64
    assert "--from-project" in err
    assert desk.run("ledger", "move", "-e", "staging", "--yes", "--from-project", "calls")[0] == 0
    assert refs(hosted) == [REF]
    assert desk.run("plan", "-e", "staging", "--prune", "--detailed-exitcode")[0] == 0


def test_o10_an_explicit_ref_wins_over_the_name(desk: Desk, hosted: Path) -> None:
    in_git_with(desk, name="outbound", ref=", ref: calls")
    desk.apply()
    assert refs(hosted) == ["refs/kiamo-iac/calls"]
    in_git_with(desk, name="outbound")
    desk.manifest(MANIFEST.replace("label: Prospects", "label: Others"))
    desk.apply()  # nothing says that the other ref was this project's: without a ledger, nothing is pruned
    assert refs(hosted) == ["refs/kiamo-iac/calls", OUTBOUND]


def test_o10_a_named_project_is_not_kept_up_by_the_ledger_of_another_one(desk: Desk, hosted: Path) -> None:
    desk.project(
        PROJECT.replace('staging: {url: "http://127.0.0.1:8090"', f"staging: {{url: '{OLD}', ledger: {{backend: git}}")
    )
    desk.apply()
    text = git(hosted, "show", f"{REF}:ledger.json").replace('"project":"."', '"project":"elsewhere"')
    (hosted / "text").write_text(text + "\n", encoding="utf-8")
    blob = git(hosted, "hash-object", "-w", "text")
    (hosted / "tree").write_text(f"100644 blob {blob}\tledger.json\n", encoding="utf-8")
    tree = git(hosted, "-c", "alias.mk=!git mktree < tree", "mk")
    git(hosted, "update-ref", REF, git(hosted, "commit-tree", tree, "-m", "theirs"))
    in_git_with(desk, name="outbound")
    desk.manifest(MANIFEST.replace("label: Prospects", "label: Others"))
    desk.apply()
    assert refs(hosted) == [OUTBOUND, REF]
    code, _, err = desk.run("ledger", "move", "-e", "staging", "--yes", "--from-project", "elsewhere")
    assert code == 64
    assert 'is of the project "outbound", not of "elsewhere"' in err


def test_a_ledger_that_another_run_uses_is_not_moved(desk: Desk, hosted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    in_git_with(desk)
    desk.apply()
    workspace = Workspace.open(desk.folder / "kiamo.yaml")
    with lock_ledger(workspace, "staging"):
        in_git_with(desk, name="outbound")
        code, _, err = desk.run("ledger", "move", "-e", "staging", "--yes")
        assert code == 5
        assert f"The ledger {REF} of origin is locked by" in err
        assert refs(hosted) == [LOCK, REF]
    git(hosted, "config", "receive.advertiseAtomic", "false")
    assert desk.run("ledger", "move", "-e", "staging", "--yes")[0] == 0
    assert refs(hosted) == [OUTBOUND]


def test_a_move_that_leaves_two_ledgers_says_so(desk: Desk, hosted: Path) -> None:
    in_git_with(desk)
    desk.apply()
    in_git_with(desk, name="outbound")
    git(hosted, "config", "receive.advertiseAtomic", "false")
    hook = hosted / "hooks" / "update"
    hook.write_text(f'#!/bin/sh\nif [ "$1" = {REF} ]; then exit 1; fi\n', encoding="utf-8")
    hook.chmod(0o755)
    code, _, err = desk.run("ledger", "move", "-e", "staging", "--yes")
    assert code == 1
    assert f"The ledger was copied to {OUTBOUND} of origin, but {REF} could not be deleted" in err
    assert f"git push origin --delete {REF}" in err
    git(hosted, "config", "receive.advertiseAtomic", "true")
