"""Templates and rows from the command line: plan, apply, saved plans, export, promote, validate and fmt."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Desk

TEMPLATES = """\
templates:
  relance: # every batch of this kind
    service: Ventes
    association: {destination: phone}
"""
GENERATED = """\
services:
  - name: Ventes
bases:
  - name: prospects
    label: Prospects
batches:
  - base: prospects
    use: relance
    for_each: {csv: agences.csv} # one batch an agency
    name: "relance-${each.code}"
    settings: {note: "${each.ville}"}
"""
CSV = "code;ville\na;Paris\nb;Lyon\n"
ROW_B = "manifests/a.yaml:11:5 (agences.csv:3)"


@pytest.fixture
def bulk(desk: Desk) -> Desk:
    """A project with two generated batches, which are on the instance."""
    desk.manifest(TEMPLATES + GENERATED)
    (desk.folder / "agences.csv").write_text(CSV, encoding="utf-8")
    assert desk.run("apply", "-e", "staging", "--yes")[0] == 0
    return desk


def test_a_step_has_the_place_of_the_block_and_of_the_row(desk: Desk) -> None:
    desk.manifest(TEMPLATES + GENERATED)
    (desk.folder / "agences.csv").write_text(CSV, encoding="utf-8")
    code, out, _ = desk.run("plan", "-e", "staging", "--format", "json")
    sources = {step["address"]: step["source"] for step in json.loads(out)["steps"]}
    assert (code, sources["bases/prospects/batches/relance-b"]) == (0, ROW_B)
    assert desk.run("apply", "-e", "staging", "--yes")[0] == 0
    assert desk.run("plan", "-e", "staging", "--detailed-exitcode")[0] == 0
    code, out, _ = desk.run("ledger", "list", "-e", "staging")
    assert (code, out.count("relance-")) == (0, 2), "what is generated is declared, and managed"
    (desk.folder / "agences.csv").write_text(CSV.replace("Lyon", "Nice"), encoding="utf-8")
    code, out, _ = desk.run("drift", "-e", "staging")
    assert (code, "relance-b" in out, "relance-a" in out) == (0, True, False)


def test_a_saved_plan_is_stale_when_a_row_was_changed(bulk: Desk) -> None:
    rows = bulk.folder / "agences.csv"
    rows.write_text(CSV + "c;Lille\n", encoding="utf-8")
    saved = str(bulk.folder / "p.plan")
    assert bulk.run("plan", "-e", "staging", "--out", saved)[0] == 0
    rows.write_text(CSV + "c;Rouen\n", encoding="utf-8")
    code, _, err = bulk.run("apply", "--yes", saved)
    assert (code, "Manifests changed since the plan was saved" in err) == (3, True)
    rows.write_text(CSV + "\nc;Lille\n", encoding="utf-8")
    assert bulk.run("apply", "--yes", saved)[0] == 0, "what is declared is the same"


def test_a_block_whose_name_changed_has_one_hint_and_following_it_renames(bulk: Desk) -> None:
    renamed = TEMPLATES + GENERATED.replace("relance-${each.code}", "rappel-${each.code}")
    bulk.manifest(renamed)
    for option, what in (((), "are not declared"), (("--prune",), "will be deleted")):
        code, out, _ = bulk.run("plan", "-e", "staging", *option)
        assert (code, out.count("KIA0625")) == (0, 1)
        assert (
            "manifests/a.yaml:11:5: note KIA0625: new batches of this block "
            f'("rappel-a" and 1 more) look like "relance-a" and 1 more, which {what}\n'
        ) in out
        assert 'the former name of each row, as in its name: "relance-a" for "rappel-a"' in " ".join(out.split())
    former = '    renamed_from: ["relance-${each.code}"]\n'
    bulk.manifest(renamed + former)
    code, out, _ = bulk.run("plan", "-e", "staging", "--detailed-exitcode")
    assert (code, "2 to rename" in out, "KIA0625" in out) == (2, True, False), out


def test_a_row_whose_name_changed_is_not_advised_a_fixed_former_name(bulk: Desk) -> None:
    (bulk.folder / "agences.csv").write_text(CSV.replace("b;", "B;"), encoding="utf-8")
    code, out, _ = bulk.run("plan", "-e", "staging")
    text = " ".join(out.split())
    assert (code, text.count("KIA0625")) == (0, 1)
    assert 'the new batch "relance-B" looks like "relance-b", which is not declared' in text
    assert (
        "if it is the same batch under a new name, declare renamed_from in the block, by a column of its rows, such as "
        'renamed_from: ["${each.former}"] (a fixed name would apply to every row), so that it is renamed'
    ) in text
    assert 'renamed_from: ["relance-b"]' not in text


def test_an_export_reports_what_is_generated_and_does_not_write_it(bulk: Desk) -> None:
    before = (bulk.folder / "manifests" / "a.yaml").read_bytes()
    live = {
        "services": [{"name": "Ventes", "label": "Ventes"}],
        "bases": [
            {
                "name": "prospects",
                "label": "Autre",
                "batches": [
                    {
                        "name": "relance-a",
                        "service": "Ventes",
                        "association": {"destination": "phone"},
                        "settings": {"note": "Marseille"},
                    }
                ],
            }
        ],
    }
    bulk.emulator.reset()
    bulk.emulator.seed(live)
    code, _, err = bulk.run("export", "-e", "eager", "-o", "manifests")
    assert code == 0
    assert 'manifests/a.yaml:15:15 (agences.csv:2): warning KIA1014: "settings.note" of the generated batch is' in err
    assert "the generated batch is not updated: its block stands for several" in err
    after = (bulk.folder / "manifests" / "a.yaml").read_bytes()
    assert after == before.replace(b"label: Prospects", b"label: Autre"), "what is not generated is written"


def test_validate_takes_the_files_with_rows(bulk: Desk, tmp_path: Path) -> None:
    code, _, err = bulk.run("validate", "agences.csv")
    assert (code, err) == (0, "1 manifest, 4 resources: valid.\n")
    (bulk.folder / "other.csv").write_text("x\n", encoding="utf-8")
    code, _, err = bulk.run("validate", "other.csv")
    assert (code, err.splitlines()[-1]) == (0, "other.csv is not a manifest of its project: not checked.")
    (bulk.folder / "agences.csv").write_text(CSV + "d\n", encoding="utf-8")
    code, out, _ = bulk.run("validate", "--format", "json")
    (problem,) = json.loads(out)["diagnostics"]
    assert (code, problem["source"], problem["code"]) == (1, "agences.csv:4:1", "KIA0254")
    assert problem["related"] == [{"message": "its rows are used here", "source": "manifests/a.yaml:13:21"}]


def test_fmt_keeps_templates_rows_and_comments(bulk: Desk) -> None:
    path = bulk.folder / "manifests" / "a.yaml"
    bulk.run("fmt")
    before = path.read_text(encoding="utf-8")
    path.write_text(
        before.replace("{csv: agences.csv}", '{  "csv":   agences.csv }').replace("  use", "  use"), "utf-8"
    )
    assert bulk.run("fmt")[0] == 0
    assert path.read_text(encoding="utf-8") == before
    assert "# one batch an agency" in before
    assert "# every batch of this kind" in before


@pytest.mark.parametrize("output", ["text", "json", "github", "gitlab", "junit", "sarif"])
def test_every_format_names_the_row_of_a_problem(desk: Desk, output: str) -> None:
    desk.manifest(TEMPLATES + GENERATED)
    (desk.folder / "agences.csv").write_text(CSV + "a;Nice\n", encoding="utf-8")
    code, out, _ = desk.run("validate", "--format", output)
    assert (code, "KIA0207" in out, "agences.csv:4" in out) == (1, True, True)


@pytest.mark.parametrize("output", ["text", "json", "markdown", "html"])
def test_every_format_of_a_plan_names_the_row_of_what_is_generated(desk: Desk, output: str) -> None:
    desk.manifest(TEMPLATES + GENERATED)
    (desk.folder / "agences.csv").write_text(CSV, encoding="utf-8")
    code, out, _ = desk.run("plan", "-e", "staging", "--format", output)
    assert code == 0
    assert "agences.csv:3" in out


def test_what_a_cell_says_is_data_in_every_output(desk: Desk) -> None:
    desk.manifest(TEMPLATES + GENERATED)
    hostile = "::error::stop <script>alert(1)</script> ${brand} [x](http://h.example)"
    (desk.folder / "agences.csv").write_text(f'code;ville\na;"{hostile}"\n', encoding="utf-8")
    for output in ("text", "markdown", "html", "github"):
        _, out, _ = desk.run("plan", "-e", "staging", "--format", output)
        assert not [line for line in out.splitlines() if line.startswith("::error::stop")]
        assert "alert(1)" in out or output == "github"
        assert "<script>alert(1)" not in out or output != "html"
    code, out, _ = desk.run("render", "-e", "staging")
    assert (code, out.count("$${brand}")) == (0, 1), "as a manifest would have to write it"


def test_what_is_nested_in_a_block_with_a_template_is_written(bulk: Desk) -> None:
    text = """\
templates:
  base: {label: Prospects}
services:
  - name: Ventes
bases:
  - name: prospects
    use: base
    fields:
      - {name: ville, label: Town, datatype: string}
    batches:
      - {name: relance-a, service: Ventes, association: {destination: phone}, settings: {note: Lyon}}
"""
    path = bulk.manifest(text)
    code, _, err = bulk.run("apply", "-e", "staging", "--yes")
    assert code == 0, err
    path.write_text(
        text.replace("Town", "Ville").replace("label: Prospects", "label: P").replace("Lyon", "Nice"), "utf-8"
    )
    code, _, err = bulk.run("export", "-e", "staging", "-o", "manifests", "--only", "bases/prospects")
    assert code == 0
    assert '"label" of the generated base is not updated' in err
    written = path.read_text(encoding="utf-8")
    assert ("label: Town" in written, "note: Lyon" in written, "label: P}" in written) == (True, True, True)


def test_what_an_export_may_not_write_goes_into_a_patch(bulk: Desk) -> None:
    rows = bulk.folder / "agences.csv"
    rows.write_text(CSV.replace("Lyon", "Nice"), encoding="utf-8")
    before = (bulk.folder / "manifests" / "a.yaml").read_bytes()
    code, _, err = bulk.run("export", "-e", "staging", "-o", "manifests")
    assert (code, "pass --into-patches" in err) == (0, True)
    code, _, err = bulk.run("export", "-e", "staging", "--into-patches")
    assert code == 0, err
    assert (bulk.folder / "manifests" / "a.yaml").read_bytes() == before
    patches = "".join(path.read_text(encoding="utf-8") for path in bulk.folder.glob("environments/staging/*.yaml"))
    assert ("name: relance-b" in patches, "note: Lyon" in patches, "relance-a" in patches) == (True, True, False)
    assert bulk.run("plan", "-e", "staging", "--detailed-exitcode")[0] == 0


@pytest.mark.parametrize("how", [("-o", "manifests"), ("--into-patches",)])
def test_a_generated_name_that_was_changed_on_the_instance_is_no_matter_of_patches(
    bulk: Desk, how: tuple[str, ...]
) -> None:
    batch = bulk.owned()["bases/prospects/batches/relance-b"]["id"]
    bulk.by_hand("PUT", f"/api/bases/{bulk.id_of('prospects')}/batches/{batch}", {"name": "lyon"})
    code, _, err = bulk.run("export", "-e", "staging", *how)
    assert (code, '"name" of the generated batch is not updated' in err) == (0, True)
    assert "pass --into-patches" not in err


def test_names_of_many_rows_that_the_contract_does_not_allow_are_one_problem(desk: Desk) -> None:
    desk.manifest(TEMPLATES + GENERATED)
    rows = "".join(f"l'agence {number};Paris\n" for number in range(5))
    (desk.folder / "agences.csv").write_text(f"code;ville\n{rows}", encoding="utf-8")
    for command, said in (
        (("validate",), "in a new name"),
        (("plan", "-e", "staging"), "does not allow its characters"),
    ):
        _, out, err = desk.run(*command)
        text = out + err
        assert (text.count(said), text.count("and 4 more of these")) == (1, 1), text
        assert "(agences.csv:3)" in text
