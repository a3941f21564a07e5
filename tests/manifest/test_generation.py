"""Templates, `use` and `for_each`: what they generate, where it comes from, and every problem at its place."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from kiamo_iac.core.address import Address
from kiamo_iac.core.resource import Ensure
from kiamo_iac.manifest import generation
from kiamo_iac.manifest.loader import Loaded, compose
from kiamo_iac.manifest.project.file import load_project
from kiamo_iac.manifest.sources import SourceFiles
from tests.manifest.loading import codes, loaded
from tests.manifest.packaged import CAPABILITIES

HEAD = """\
services: [{name: Ventes}]
bases:
  - name: prospects
    fields: [{name: mobile, label: M, datatype: string}, {name: fixe, label: F, datatype: string}]
"""
TEMPLATES = """\
templates:
  relance:
    service: Ventes
    association: {destination: mobile}
    settings: {pace: 1, note: "Agence ${each.ville}"}
"""
CSV = "code;ville;ancien\na;Paris;\nb;Lyon;vieux-b\n"


def batch(name: str) -> Address:
    return Address.parse(f"bases/prospects/batches/{name}")


def with_rows(root: Path, text: str, csv: str | bytes = CSV, more: Mapping[str, str] | None = None) -> Loaded:
    (root / "agences.csv").write_bytes(csv.encode() if isinstance(csv, str) else csv)
    return loaded(root, {"m.yaml": text, **(more or {})})


def places(found: Loaded) -> list[str]:
    """As `codes`, with the place that `related` names, and the hint."""
    return codes(found.diagnostics)


@pytest.mark.parametrize(
    ("block", "places"),
    [
        ('for_each: [1.10, 2], name: "R ${each}"', []),
        ('for_each: [{v: 1.10, w: 1e3}], name: "R ${each.v}"', []),
        ('for_each: [1.10], name: "R ${each}", settings: {pace: "${each}"}', ["m.yaml:1:24 KIA0123?"]),
        ('for_each: [{v: 1.10, w: 1e3}], name: "R ${each.v}", settings: {pace: "${each.w}"}', ["m.yaml:1:37 KIA0123?"]),
        ('for_each: [{v: 1.10}], name: "R ${each.v}", settings: {pace: 1.20}', ["m.yaml:1:74 KIA0123?"]),
    ],
)
def test_a_number_of_a_row_keeps_its_spelling_in_texts_and_warns_where_it_is_sent(
    tmp_path: Path, block: str, places: list[str]
) -> None:
    found = loaded(tmp_path, f"services: [{{{block}, managed: true}}]\n")
    assert Address("services/R 1.10") in found.state
    assert codes(found.diagnostics) == places


def test_a_block_for_each_row_over_its_template(tmp_path: Path) -> None:
    text = f"""{TEMPLATES}{HEAD}batches:
  - base: prospects
    use: relance
    for_each: {{csv: agences.csv}}
    name: "relance-${{each.code}}"
    association: {{secours: fixe}}
    settings: {{note: "${{each.ville}} et $${{each.ville}}"}}
    renamed_from: ["${{each.ancien}}"]
"""
    found = with_rows(tmp_path, text)
    assert places(found) == []
    first, second = found.state[batch("relance-a")], found.state[batch("relance-b")]
    assert first.attributes["service"] == "Ventes"
    assert first.attributes["association"] == {"destination": "mobile", "secours": "fixe"}, "entry by entry"
    assert second.settings == {"pace": 1, "note": "Lyon et ${each.ville}"}, "the keys of the block win"
    assert (first.lifecycle.renamed_from, second.lifecycle.renamed_from) == ((), ("vieux-b",))
    assert str(second.source) == "m.yaml:11:5 (agences.csv:3)"
    assert str(second.source_of("service")) == "m.yaml:3:14 (agences.csv:3)", "where the template has it"
    assert [path.name for path in found.inputs] == ["agences.csv"]


def test_all_kinds_at_the_top_and_nested_with_what_is_nested_in_them(tmp_path: Path) -> None:
    text = """\
services:
  - {for_each: [Ventes, Accueil], name: "${each}", managed: true}
bases:
  - for_each: [{nom: nord, tel: fixe, garde: true}, {nom: sud, tel: mobile, garde: false}]
    name: "base-${each.nom}"
    protect: ${each.garde}
    fields:
      - {name: "${each.tel}", label: "Le ${each.tel} du ${each.nom}", datatype: string}
    batches:
      - {name: "lot-${each.nom}", service: Ventes, association: {destination: "${each.tel}"}}
  - name: est
    fields:
      - {for_each: [a, b], name: "${each}", datatype: string}
    batches:
      - {for_each: [1, 2], name: "lot ${each}", service: Accueil, association: {destination: a}}
fields:
  - {base: est, for_each: [c], name: "${each}", datatype: string}
batches:
  - {for_each: [{b: est, f: c}], base: "${each.b}", name: ouest, service: Ventes, association: {"x": "${each.f}"}}
"""
    found = loaded(tmp_path, text)
    assert places(found) == []
    assert sorted(resource.address for resource in found.state) == [
        "bases/base-nord",
        "bases/base-nord/batches/lot-nord",
        "bases/base-nord/fields/fixe",
        "bases/base-sud",
        "bases/base-sud/batches/lot-sud",
        "bases/base-sud/fields/mobile",
        "bases/est",
        "bases/est/batches/lot 1",
        "bases/est/batches/lot 2",
        "bases/est/batches/ouest",
        "bases/est/fields/a",
        "bases/est/fields/b",
        "bases/est/fields/c",
        "services/Accueil",
        "services/Ventes",
    ]
    nord = found.state[Address.parse("bases/base-nord")]
    assert nord.lifecycle.protect is True, "a value alone keeps its type"
    field = found.state[Address.parse("bases/base-sud/fields/mobile")]
    assert field.attributes["label"] == "Le mobile du sud"
    assert str(field.source) == "m.yaml:8:9 (m.yaml:4:53)"


def test_templates_stand_in_any_file_and_the_last_of_several_wins(tmp_path: Path) -> None:
    text = f"{HEAD}batches:\n  - {{base: prospects, name: a, use: [eins, zwei], settings: {{own: 1}}}}\n"
    last = "templates:\n  eins: {service: Ventes, settings: {n: 1, m: 1}}\n  zwei: {settings: {n: 2}}\n"
    found = loaded(tmp_path, {"a.yaml": text, "z.yaml": last})
    assert places(found) == []
    assert found.state[batch("a")].settings == {"n": 2, "m": 1, "own": 1}


def test_null_takes_a_key_of_a_template_away(tmp_path: Path) -> None:
    text = f"{TEMPLATES}{HEAD}batches:\n  - {{base: prospects, name: a, use: relance, settings: null, label: null}}\n"
    found = loaded(tmp_path, text)
    assert places(found) == ["m.yaml:11:62 KIA0325?"]
    assert "settings" not in found.state[batch("a")].attributes
    assert not found.state[batch("a")].settings


def test_cells_are_never_filled_in(tmp_path: Path) -> None:
    (tmp_path / "m").mkdir()
    (tmp_path / "kiamo.yaml").write_text("manifests: [m]\nvariables: {brand: ACME}\n", encoding="utf-8")
    (tmp_path / "m" / "a.yaml").write_text(
        f'{HEAD}    settings: {{b: "${{brand}}"}}\nbatches:\n'
        '  - {base: prospects, for_each: {csv: lots/a.csv}, name: "${each.a}", settings: {n: "${brand} ${each.b}"}}\n',
        encoding="utf-8",
    )
    (tmp_path / "lots").mkdir()
    (tmp_path / "lots" / "a.csv").write_text("a,b\nx,${brand} ${each.a} $${brand}\n", encoding="utf-8")
    project = load_project(tmp_path / "kiamo.yaml")
    found = compose(project.composition(), sources=SourceFiles(project.root), capabilities=CAPABILITIES)
    assert places(found) == []
    assert found.state[batch("x")].settings == {"n": "ACME ${brand} ${each.a} $${brand}"}


def test_a_patch_changes_one_of_the_generated_ones_by_name(tmp_path: Path) -> None:
    for name, text in {
        "kiamo.yaml": "manifests: [m]\nenvironments: {prod: {patches: [p]}}\n",
        "m/a.yaml": HEAD + 'batches: [{base: prospects, for_each: [a, b], name: "l-${each}", service: Ventes}]\n',
        "p/a.yaml": "batches:\n  - {base: prospects, name: l-b, ensure: absent}\n",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    project = load_project(tmp_path / "kiamo.yaml")
    composition = project.composition(project.environments["prod"])
    found = compose(composition, sources=SourceFiles(project.root), capabilities=CAPABILITIES)
    assert places(found) == []
    assert [found.state[batch(name)].lifecycle.ensure for name in ("l-a", "l-b")] == [Ensure.PRESENT, Ensure.ABSENT]
    (tmp_path / "p" / "a.yaml").write_text(
        "templates: {x: {service: Ventes}}\nbatches:\n  - {base: prospects, name: l-b, use: x, for_each: [a]}\n",
        encoding="utf-8",
    )
    found = compose(composition, sources=SourceFiles(project.root), capabilities=CAPABILITIES)
    assert places(found) == ["p/a.yaml:1:1 KIA0252", "p/a.yaml:3:34 KIA0252", "p/a.yaml:3:42 KIA0252"]


BLOCK = "{base: prospects, name: x, service: Ventes, "
PROBLEMS: Mapping[str, tuple[str, str, str]] = {
    "an unknown template": (BLOCK + "use: relanse}", "m.yaml:11:54 KIA0250", 'did you mean "relance"?'),
    "a template that is no text": (BLOCK + "use: [1]}", "m.yaml:11:55 KIA0203", "write use: NAME"),
    "no rows": (BLOCK + "for_each: []}", "m.yaml:11:59 KIA0256", "add an item"),
    "a word": (BLOCK + "for_each: agences}", "m.yaml:11:59 KIA0203", "write for_each: {csv: agences.csv}"),
    "another key": (BLOCK + "for_each: {cvs: a.csv}}", "m.yaml:11:59 KIA0203", "write for_each"),
    "rows of two forms": (BLOCK + "for_each: [{a: b}, c]}", "m.yaml:11:68 KIA0203", "in the same way"),
    "a row that is a list": (BLOCK + "for_each: [[a]]}", "m.yaml:11:60 KIA0203", "write - a"),
    "a cell that is a list": (BLOCK + "for_each: [{a: [b]}]}", "m.yaml:11:60 KIA0203", "a column for each"),
    "an empty row": ('{base: prospects, for_each: [{}], name: "${each}"}', "m.yaml:11:34 KIA0203", "write {code: a}"),
    "a row of rows": (BLOCK + 'for_each: ["${each}"]}', "m.yaml:11:60 KIA0255", "write its value"),
    "no file": (BLOCK + "for_each: {csv: b.csv}}", "m.yaml:11:65 KIA0306", "relative to the folder"),
    "a folder": (BLOCK + "for_each: {csv: dir.csv}}", "m.yaml:11:65 KIA0104", "check the file"),
    "another suffix": (BLOCK + "for_each: {csv: m.yaml}}", "m.yaml:11:65 KIA0306", "agences.csv"),
    "a hidden file": (BLOCK + "for_each: {csv: .a.csv}}", "m.yaml:11:65 KIA0306", "agences.csv"),
    "outside": (BLOCK + "for_each: {csv: ../b.csv}}", "m.yaml:11:65 KIA0305", "into the project"),
    "a link out": (BLOCK + "for_each: {csv: out.csv}}", "m.yaml:11:65 KIA0305", "into the project"),
    "an absolute path": (BLOCK + "for_each: {csv: /etc/b.csv}}", "m.yaml:11:65 KIA0305", "relative"),
    "a column that is not there": (
        '{base: prospects, for_each: {csv: agences.csv}, name: "x-${each.vile}"}',
        "m.yaml:11:59 KIA0255",
        'did you mean "ville"?',
    ),
    "no column": (
        '{base: prospects, for_each: {csv: agences.csv}, name: "x-${each}"}',
        "m.yaml:11:59 KIA0255",
        "write ${each.code}",
    ),
    "a column of scalars": (
        '{base: prospects, for_each: [a], name: "x-${each.code}"}',
        "m.yaml:11:44 KIA0255",
        "write ${each}",
    ),
    "a row without the column": (
        '{base: prospects, for_each: [{a: x, b: y}, {a: z}], name: "${each.a}", settings: {a: "${each.b}"}}',
        "m.yaml:11:90 (m.yaml:11:48) KIA0255",
        "null leaves out",
    ),
    "outside of a loop": (BLOCK + 'settings: {a: "${each}"}}', "m.yaml:11:63 KIA0255", "add for_each"),
    "a template without a loop": (
        "{base: prospects, name: x, use: relance}",
        "m.yaml:5:31 KIA0255",
        "add for_each",
    ),
    "a merge key": ("{<<: {a: 1}, base: prospects, name: x, service: Ventes}", "m.yaml:11:6 KIA0110", "use: NAME"),
    "a mistyped key": (BLOCK + "foreach: [a]}", "m.yaml:11:49 KIA0202", 'did you mean "for_each"?'),
}


@pytest.mark.parametrize("case", PROBLEMS)
def test_a_problem_is_reported_at_its_place(case: str, tmp_path: Path) -> None:
    block, expected, hint = PROBLEMS[case]
    (tmp_path / "dir.csv").mkdir()
    (tmp_path / "sub").mkdir()
    (tmp_path / "out.csv").symlink_to("/etc/hostname.csv")
    found = with_rows(tmp_path, f"{TEMPLATES}{HEAD}batches:\n  - {block}\n")
    problems = [d for d in found.diagnostics if d.code != "KIA0251"]
    assert codes(problems) == [expected]
    assert hint in (problems[0].hint or "")


def test_loops_are_not_nested(tmp_path: Path) -> None:
    text = 'bases:\n  - for_each: [a]\n    name: "${each}"\n    fields:\n      - {for_each: [b], name: "${each}"}\n'
    assert places(loaded(tmp_path, text)) == ["m.yaml:5:10 KIA0252"]


def test_templates_have_neither_a_name_nor_other_templates(tmp_path: Path) -> None:
    files = {"m.yaml": "templates:\n  a: {name: x, use: b, for_each: [a]}\n  b: 1\n", "n.yaml": "templates: []\n"}
    assert places(loaded(tmp_path, {**files, "o.yaml": "templates:\n  a: {}\n"})) == [
        "m.yaml:2:3 KIA0251?",
        "m.yaml:2:7 KIA0252",
        "m.yaml:2:16 KIA0252",
        "m.yaml:2:24 KIA0252",
        "m.yaml:3:6 KIA0203",
        "n.yaml:1:12 KIA0203",
        "o.yaml:2:3 KIA0250",
    ]


def test_a_name_of_two_rows_names_both(tmp_path: Path) -> None:
    text = f'{HEAD}batches:\n  - {{base: prospects, for_each: {{csv: agences.csv}}, name: "x-${{each.ville}}"}}\n'
    found = with_rows(tmp_path, text, 'code,ville\na,Paris\nb,"Ly\non"\nc,Paris\n')
    assert [(str(d.source), d.code) for d in found.diagnostics if d.code != "KIA0210"] == [
        ("m.yaml:6:5 (agences.csv:5)", "KIA0207")
    ]
    duplicate = next(d for d in found.diagnostics if d.code == "KIA0207")
    assert [str(place) for _, place in duplicate.related] == ["m.yaml:6:59 (agences.csv:2)"]


def test_a_problem_of_what_all_rows_share_names_the_first_row(tmp_path: Path) -> None:
    block = '{base: prospects, for_each: [a, b], name: "${each}", service: Ventes, association: {destination: mobil}}'
    found = loaded(tmp_path, f"{HEAD}batches:\n  - {block}\n")
    assert places(found) == ["m.yaml:6:102 (m.yaml:6:34) KIA0225?"]


def test_a_text_that_becomes_a_token_is_refused_and_not_shown(tmp_path: Path) -> None:
    half = "0123456789abcdef0123"
    text = f'{HEAD}batches:\n  - {{base: prospects, for_each: [{{a: x{half[1:]}, b: {half}}}], name: "${{each.a}}"}}\n'
    assert places(loaded(tmp_path, text)) == []
    text = (
        text.replace(f"x{half[1:]}", f'"{half}"')
        .replace(f"b: {half}", f'b: "{half}"')
        .replace("each.a}", "each.a}${each.b}")
    )
    found = loaded(tmp_path, text)
    assert places(found)[0] == "m.yaml:6:97 (m.yaml:6:34) KIA0117"
    assert half * 2 not in repr(found)


def test_a_column_named_like_a_secret_is_masked(tmp_path: Path) -> None:
    text = (
        f"{HEAD}batches:\n"
        '  - {base: prospects, for_each: [{n: a, password: hunter2}], name: "${each.n}", service: Ventes, '
        'settings: {x: "${each.password}"}}\n'
    )
    found = loaded(tmp_path, text)
    assert "hunter2" not in repr(found.state[batch("a")].settings)


def test_how_much_is_generated_is_limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generation, "MAX_GENERATED", 3)
    text = 'bases:\n  - {for_each: [a, b], name: "${each}", fields: [{name: f, datatype: string}]}\n'
    found = loaded(tmp_path, text)
    assert places(found) == ["m.yaml:2:16 KIA0256"]
    assert "generates 4 resources; at most 3" in found.diagnostics[0].summary
    monkeypatch.undo()
    monkeypatch.setattr(generation, "MAX_VALUES", 3)
    assert places(loaded(tmp_path, text)) == ["m.yaml:2:16 KIA0112"]
    monkeypatch.undo()
    monkeypatch.setattr(generation, "MAX_FILLED", 1)
    assert places(loaded(tmp_path, text.replace("b]", "bb]"))) == ["m.yaml:2:16 KIA0112"]


def test_an_unused_template_is_a_warning_and_what_lacks_one_declares_what_is_unknown(tmp_path: Path) -> None:
    found = loaded(tmp_path, f"{TEMPLATES}{HEAD}")
    assert places(found) == ["m.yaml:2:3 KIA0251?"]
    lot = "{base: b, name: x, service: Autre, association: {destination: q}}"
    text = f"{HEAD}  - {{name: b, use: nope}}\nbatches: [{lot}]\n"
    found = loaded(tmp_path, text)
    assert [d.code for d in found.diagnostics] == ["KIA0250"], "nothing is reported as missing"
    assert found.unread


def test_merge_keys_are_one_error_a_file(tmp_path: Path) -> None:
    text = "x: &x {a: 1}\nbases:\n" + "".join(f"  - {{<<: *x, name: b{number}}}\n" for number in range(299))
    assert [code for code in places(loaded(tmp_path, text)) if "KIA0110" in code] == ["m.yaml:3:6 KIA0110"]


def test_a_few_lines_cannot_generate_more_than_is_allowed(tmp_path: Path) -> None:
    """Without the limits, each of these is some minutes, or all memory."""
    rows = "a\n" + "".join(f"x{number}\n" for number in range(10_000))
    loops = "".join(
        f'  - {{for_each: {{csv: agences.csv}}, name: "b{n}", label: "${{each.a}}"}}\n' for n in range(1000)
    )
    text = "bases:\n  - {for_each: {csv: agences.csv}, name: b, label: &l [" + '"${each.a}",' * 300 + "]}\n"
    found = with_rows(tmp_path, text + loops, rows)
    assert [code.split()[1] for code in places(found)] == ["KIA0112"]
    text = 'bases:\n  - {for_each: {csv: agences.csv}, name: x, label: "' + "${each.a}" * 100_000 + '"}\n'
    found = with_rows(tmp_path, text, "a\n" + "y" * 100_000)
    assert places(found) == ["m.yaml:2:16 KIA0112"]


def test_many_rows_are_no_slower_for_each(tmp_path: Path) -> None:
    """Neither to load nor where every one is wrong: square, this would be minutes."""
    rows = "a;b\n" + "".join(f"x{number};y\n" for number in range(10_000))
    text = HEAD + 'batches: [{base: prospects, for_each: {csv: agences.csv}, name: "${each.a}", service: Ventes}]\n'
    assert len(with_rows(tmp_path, text, rows).state) == 10_004
    found = with_rows(tmp_path, text.replace("each.a", "each.b"), rows)
    assert len(found.diagnostics) == 9_999
    assert str(found.diagnostics[-1].source) == "m.yaml:5:11 (agences.csv:10001)"
