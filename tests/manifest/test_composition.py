"""Variables and patches: the composed manifests of an environment, the places of values, and diagnostics."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from kiamo_iac.core.address import Address
from kiamo_iac.core.diagnostics import Diagnostic, SuggestionBudget
from kiamo_iac.core.resource import Ensure
from kiamo_iac.core.state import ResourceState
from kiamo_iac.manifest.loader import Loaded, compose
from kiamo_iac.manifest.paths import manifests_below
from kiamo_iac.manifest.project.file import load_project
from kiamo_iac.manifest.project.model import Project
from kiamo_iac.manifest.project_checks import CheckedManifests, check_project_manifests
from kiamo_iac.manifest.sources import SourceFiles
from tests.manifest.loading import codes
from tests.manifest.packaged import CAPABILITIES

PROJECT = """\
manifests: [manifests]
variables: {brand: ACME, limit: 5}
environments:
  staging:
    variables: {brand: ACME Test, quiet: true}
    patches: [environments/staging]
  production:
    patches: [environments/production, environments/late.yaml]
"""
BASE = """\
bases:
  - name: prospects
    label: ${brand} prospects
    settings: {limit: 1, keep: 2}
    fields:
      - {name: phone, label: Phone}
      - {name: city, label: City}
    batches:
      - name: spring
        service: Outbound
        association: {destination: phone, town: city}
"""


def project(root: Path, files: Mapping[str, str], text: str = PROJECT) -> Project:
    defaults = {"environments/staging/a.yaml": "", "environments/production/a.yaml": "", "environments/late.yaml": ""}
    for name, content in {"manifests/a.yaml": BASE, **defaults, **files, "kiamo.yaml": text}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    return load_project(root / "kiamo.yaml")


def composed(made: Project, environment: str | None) -> Loaded:
    chosen = made.environments[environment] if environment else None
    return compose(made.composition(chosen), sources=SourceFiles(made.root), capabilities=CAPABILITIES, keep_parts=True)


def thing(loaded: Loaded, address: str) -> ResourceState:
    return loaded.state[Address(address)]


def place(instance: ResourceState, key: str) -> str:
    assert instance.place is not None
    return str(instance.place.at(key))


def checked(root: Path, files: Mapping[str, str], text: str = PROJECT) -> CheckedManifests:
    return check_project_manifests(project(root, files, text), CAPABILITIES)


def problems(root: Path, files: Mapping[str, str], text: str = PROJECT) -> list[str]:
    return codes(without_unused(checked(root, files, text).diagnostics))


def without_unused(diagnostics: tuple[Diagnostic, ...]) -> list[Diagnostic]:
    return [d for d in diagnostics if d.code not in {"KIA0321", "KIA0227"}]


def test_variables_take_the_value_of_the_environment(tmp_path: Path) -> None:
    made = project(tmp_path, {})
    assert thing(composed(made, "staging"), "bases/prospects").attributes["label"] == "ACME Test prospects"
    assert thing(composed(made, "production"), "bases/prospects").attributes["label"] == "ACME prospects"
    assert thing(composed(made, None), "bases/prospects").attributes["label"] == "ACME prospects"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${limit}", 5),
        ("${limit}0", "50"),
        ("${quiet}", True),
        ("it is ${quiet}", "it is true"),
        ("$${brand}", "${brand}"),
        ("$${brand} of ${brand}", "${brand} of ACME Test"),
        ("${brand}${brand}", "ACME TestACME Test"),
        ("$brand $ {brand}", "$brand $ {brand}"),
    ],
)
def test_what_stands_for_a_variable(tmp_path: Path, text: str, value: Any) -> None:
    files = {"manifests/b.yaml": f"bases: [{{name: b, settings: {{deep: [{{x: '{text}'}}]}}}}]\n"}
    assert thing(composed(project(tmp_path, files), "staging"), "bases/b").settings == {"deep": [{"x": value}]}


def test_a_name_with_a_variable_is_another_thing_on_each_instance(tmp_path: Path) -> None:
    files = {"manifests/b.yaml": "services: [{name: '${brand} desk'}]\n"}
    made = project(tmp_path, files)
    assert Address("services/ACME desk") in composed(made, "production").state
    assert Address("services/ACME Test desk") in composed(made, "staging").state


def test_an_alias_is_filled_in_like_its_anchor(tmp_path: Path) -> None:
    files = {"manifests/b.yaml": "bases: [{name: b, settings: &s {x: '${brand}'}}, {name: c, settings: *s}]\n"}
    loaded = composed(project(tmp_path, files), "staging")
    assert thing(loaded, "bases/b").settings == thing(loaded, "bases/c").settings == {"x": "ACME Test"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("${brnd}", "2:12 KIA0320"),
        ("${brand", "2:12 KIA0322"),
        ("${ brand }", "2:12 KIA0322"),
        ("${}", "2:12 KIA0322"),
        ("${quiet}", "2:12 KIA0320"),
    ],
)
def test_what_is_no_variable_is_told_at_its_place(tmp_path: Path, text: str, expected: str) -> None:
    files = {"manifests/b.yaml": f"bases: [{{name: b,\n    label: '{text}'}}]\n"}
    made = composed(project(tmp_path, files), "production")
    assert [s for s in codes(made.diagnostics) if s.startswith("manifests/b")] == [f"manifests/b.yaml:{expected}"]


def test_a_hint_names_the_variable_that_was_meant(tmp_path: Path) -> None:
    made = composed(project(tmp_path, {"manifests/b.yaml": "bases: [{name: b, label: '${brnd}'}]\n"}), "staging")
    assert [d.hint for d in made.diagnostics if d.code == "KIA0320"] == ['did you mean "brand"?']


def test_guesses_end_before_they_take_minutes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each compares a name with every variable there is: square, thousands of both would take minutes."""
    monkeypatch.setattr(SuggestionBudget, "MOST", 5)
    text = "bases: [{name: p, label: P, settings: {a: '${brend}', b: '${brond}', c: '${brind}'}}]\n"
    made = project(tmp_path, {"manifests/a.yaml": text}, "manifests: [manifests]\nvariables: {brand: A, other: B}\n")
    added = 'add "brind: …" under variables: in the project file'
    hints = [diagnostic.hint for diagnostic in composed(made, None).diagnostics]
    assert hints == ['did you mean "brand"?', 'did you mean "brand"?', added]


def test_a_variable_in_a_key_is_refused(tmp_path: Path) -> None:
    files = {"manifests/b.yaml": "bases: [{name: b, settings: {'${brand}': 1}}]\n"}
    assert problems(tmp_path, files) == ["manifests/b.yaml:1:30 KIA0322"]


def test_a_value_of_another_type_is_checked_like_a_written_one(tmp_path: Path) -> None:
    files = {"manifests/b.yaml": "bases: [{name: b, label: '${limit}'}]\n"}
    assert problems(tmp_path, files) == ["manifests/b.yaml:1:26 KIA0203"]


def test_what_is_wrong_with_a_variable_names_where_it_has_its_value(tmp_path: Path) -> None:
    files = {"manifests/b.yaml": "bases: [{name: b, label: '${limit}'}, {name: 'a/${brand}', label: B}]\n"}
    found = composed(project(tmp_path, files), "staging").diagnostics
    typed, named = (d for d in found if d.code in {"KIA0203", "KIA0209"})
    assert (typed.code, typed.hint) == ("KIA0203", "put it in quotes, where the variable is set")
    assert [(text, str(place)) for text, place in typed.related] == [('"limit" is set here', "kiamo.yaml:2:33")]
    assert named.code == "KIA0209"
    assert [(text, str(place)) for text, place in named.related] == [('"brand" is set here', "kiamo.yaml:5:24")]


@pytest.mark.parametrize(
    "settings",
    [
        f'{{x: "{"${big}" * 300}"}}',
        "{" + ", ".join(f'k{n}: "${{big}}"' for n in range(300)) + "}",
        '{a: &a ["${big}"], ' + ", ".join(f"k{n}: *a" for n in range(300)) + "}",
    ],
)
def test_variables_do_not_make_something_large_of_something_small(tmp_path: Path, settings: str) -> None:
    """In one string, in many, and through aliases; nothing is filled in any more once there is too much of it."""
    text = f"bases: [{{name: p, label: P, settings: {settings}}}]\n"
    other = text.replace("name: p", "name: q")
    big = f'manifests: [manifests]\nvariables: {{big: "{"y" * 100_000}"}}\n'
    loaded = composed(project(tmp_path, {"manifests/a.yaml": text, "manifests/b.yaml": other}, big), None)
    assert [d.code for d in loaded.diagnostics] == ["KIA0112"] * 2
    assert sum(len(json.dumps(dict(instance.settings))) for instance in loaded.state) < 17_000_000


def test_what_no_manifest_refers_to_is_told_once(tmp_path: Path) -> None:
    found = checked(tmp_path, {}).diagnostics
    assert codes(d for d in found if d.code == "KIA0321") == ["kiamo.yaml:2:33 KIA0321?", "kiamo.yaml:5:42 KIA0321?"]


def test_a_patch_changes_adds_and_takes_away(tmp_path: Path) -> None:
    patch = """\
bases:
  - name: prospects
    label: Clients
    settings: {limit: 9, keep: null, more: '${limit}'}
    fields:
      - {name: city, ensure: absent}
      - {name: street, label: Street, datatype: string}
    batches:
      - name: spring
        service: null
        association: {town: null, destination: mobile}
"""
    loaded = composed(project(tmp_path, {"environments/staging/a.yaml": patch}), "staging")
    base, spring = thing(loaded, "bases/prospects"), thing(loaded, "bases/prospects/batches/spring")
    assert base.attributes == {"name": "prospects", "label": "Clients"}
    assert base.settings == {"limit": 9, "more": 5}
    assert thing(loaded, "bases/prospects/fields/city").lifecycle.ensure is Ensure.ABSENT
    assert thing(loaded, "bases/prospects/fields/city").attributes["label"] == "City"
    assert thing(loaded, "bases/prospects/fields/phone").lifecycle.ensure is Ensure.PRESENT
    assert thing(loaded, "bases/prospects/fields/street").attributes["label"] == "Street"
    assert spring.attributes == {"name": "spring", "association": {"destination": "mobile"}}


def test_every_key_knows_the_layer_that_it_stands_in(tmp_path: Path) -> None:
    patch = "bases:\n  - {name: prospects, label: Clients, protect: true}\n"
    late = "bases: [{name: prospects, settings: {limit: 7}, protect: false}]\n"
    files = {"environments/production/a.yaml": patch, "environments/late.yaml": late}
    loaded = composed(project(tmp_path, files), "production")
    base = thing(loaded, "bases/prospects")
    assert base.settings == {"limit": 7, "keep": 2}
    assert not base.lifecycle.protect
    assert str(base.source) == "manifests/a.yaml:2:5"
    assert place(base, "name") == "manifests/a.yaml:2:11"
    assert place(base, "label") == "environments/production/a.yaml:2:30"
    assert place(base, "protect") == "environments/late.yaml:1:58"
    assert place(base, "settings") == "environments/late.yaml:1:37"
    assert [part.layer for part in loaded.parts[base.address]] == [0, 1, 2]
    assert loaded.parts[base.address][0].block.path == ("bases", 0)


def test_a_value_of_a_patch_is_refused_where_it_stands(tmp_path: Path) -> None:
    patch = "bases:\n  - name: prospects\n    label: 1\n    batches: [{name: spring, association: {destination: 1}}]\n"
    found = problems(tmp_path, {"environments/staging/a.yaml": patch})
    assert found == ["environments/staging/a.yaml:3:12 KIA0203", "environments/staging/a.yaml:4:57 KIA0203"]


def test_nothing_is_said_of_what_a_file_that_cannot_be_read_may_declare(tmp_path: Path) -> None:
    files = {
        "manifests/a.yaml": f"{BASE}oops: [\n",
        "manifests/b.yaml": "batches: [{base: prospects, name: b, service: Outbound}]\n",
        "environments/staging/a.yaml": "bases: [{name: prospects, label: null, fields: [{name: city, label: null}]}]\n",
    }
    found = composed(project(tmp_path, files), "staging").diagnostics
    assert [d.code for d in found] == ["KIA0101"]


def test_a_reference_of_a_patch_is_told_where_it_stands(tmp_path: Path) -> None:
    patch = "bases:\n  - name: prospects\n    batches: [{name: spring, association: {town: cty}}]\n"
    found = problems(tmp_path, {"environments/staging/a.yaml": patch})
    assert found == ["environments/staging/a.yaml:3:50 KIA0225?"]


def test_a_batch_at_the_top_of_a_patch(tmp_path: Path) -> None:
    patch = "batches: [{base: prospects, name: spring, label: S}]\n"
    loaded = composed(project(tmp_path, {"environments/staging/a.yaml": patch}), "staging")
    spring = thing(loaded, "bases/prospects/batches/spring")
    assert spring.attributes["label"] == "S"
    assert spring.attributes["service"] == "Outbound"


@pytest.mark.parametrize(
    ("patch", "expected"),
    [
        ("bases: [{name: prospect, label: x}]\n", "1:16 KIA0324?"),
        ("bases: [{name: prospects, protect: null}]\n", "1:27 KIA0325?"),
        ("bases: [{name: prospects, settings: {limt: null}}]\n", "1:38 KIA0325?"),
        ("bases: [{name: prospects}, {name: prospects}]\n", "1:28 KIA0207"),
        ("bases: [{label: x}]\n", "1:9 KIA0204"),
        ("bases: [{name: prospects, lable: x}]\n", "1:27 KIA0202"),
        ("bases: [{name: fresh, label: null}]\n", "1:30 KIA0203"),
        ("bases: [\n", "2:1 KIA0101"),
    ],
)
def test_a_patch_that_is_wrong(tmp_path: Path, patch: str, expected: str) -> None:
    assert problems(tmp_path, {"environments/staging/a.yaml": patch}) == [f"environments/staging/a.yaml:{expected}"]


@pytest.mark.parametrize("name", ["prospects-2", "prospects test", "clients", "prospectors"])
def test_a_patch_may_add_what_is_called_otherwise(tmp_path: Path, name: str) -> None:
    assert problems(tmp_path, {"environments/staging/a.yaml": f"bases: [{{name: {name}}}]\n"}) == []


@pytest.mark.parametrize(
    ("name", "told"), [("spring-1", False), ("spring-2", False), ("sprong-2", True), ("north", False)]
)
def test_numbered_names_are_not_mistyped(tmp_path: Path, name: str, told: bool) -> None:
    files = {
        "manifests/b.yaml": "bases: [{name: b, batches: [{name: spring-2}, {name: south}]}]\n",
        "environments/staging/a.yaml": f"bases: [{{name: b, batches: [{{name: {name}}}]}}]\n",
    }
    assert any("KIA0324" in one for one in problems(tmp_path, files)) is told


def test_protected_in_the_base_and_absent_in_a_patch(tmp_path: Path) -> None:
    files = {
        "manifests/a.yaml": "bases:\n  - name: prospects\n    label: ${brand}\n    protect: true\n",
        "environments/staging/a.yaml": "bases: [{name: prospects, ensure: absent}]\n",
    }
    found = checked(tmp_path, files)
    told = [d for d in found.diagnostics if d.code == "KIA0216"]
    assert codes(told) == ["manifests/a.yaml:4:5 KIA0216"]
    assert told[0].summary.endswith("(in staging)")


def test_what_is_wrong_in_every_environment_is_told_once(tmp_path: Path) -> None:
    found = checked(tmp_path, {"manifests/b.yaml": "bases: [{name: b, lable: x}]\n"})
    told = [d for d in found.diagnostics if d.code == "KIA0202"]
    assert len(told) == 1
    assert "(in " not in told[0].summary
    assert found.files == 5


def test_what_an_alias_repeats_is_wrong_in_every_environment_too(tmp_path: Path) -> None:
    found = checked(tmp_path, {"manifests/b.yaml": "templates:\n  one: &one {use: x}\n  other: *one\n"})
    told = [d for d in found.diagnostics if d.code == "KIA0252"]
    assert len(told) == 1
    assert "(in " not in told[0].summary


def test_patches_in_a_folder_of_manifests_are_no_part_of_the_base(tmp_path: Path) -> None:
    text = "manifests: [conf]\nenvironments:\n  a: {patches: [conf/a]}\n  b:\n"
    files = {"conf/base.yaml": "bases: [{name: b}]\n", "conf/a/x.yaml": "bases: [{name: b, label: A}, {name: only}]\n"}
    made = project(tmp_path, files, text)
    assert thing(composed(made, "a"), "bases/b").attributes["label"] == "A"
    assert "label" not in thing(composed(made, "b"), "bases/b").attributes
    assert Address("bases/only") not in composed(made, "b").state
    assert {path.name for path in made.every_manifest} == {"base.yaml", "x.yaml"}


def test_without_environments_the_variables_of_the_project_count(tmp_path: Path) -> None:
    found = checked(tmp_path, {}, "manifests: [manifests]\nvariables: {brand: A, other: 1}\n")
    assert codes(without_unused(found.diagnostics)) == []
    assert [d.summary for d in found.diagnostics if d.code == "KIA0321"] == [
        'no manifest of the project uses the variable "other"'
    ]


def test_many_environments_are_not_looked_for_once_for_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each folder a few times, however many environments there are: square, thousands of them would take minutes."""
    names = [f"e{number}" for number in range(60)]
    lines = "".join(f"  {name}: {{variables: {{brand: {name}}}, patches: [patches/{name}]}}\n" for name in names)
    files = {f"patches/{name}/a.yaml": "" for name in names}
    made = project(tmp_path, files, f"manifests: [manifests]\nvariables: {{limit: 5}}\nenvironments:\n{lines}")
    looked: list[Path] = []

    def looking(folder: Path, root: Path) -> Iterator[tuple[Path, Path]]:
        looked.append(folder)
        return manifests_below(folder, root)

    monkeypatch.setattr("kiamo_iac.manifest.project.model.manifests_below", looking)
    check_project_manifests(made, CAPABILITIES)
    assert len(looked) == 2 * len(names) + 1


def test_d06_a_number_keeps_its_spelling_in_a_text(tmp_path: Path) -> None:
    text = "manifests: [manifests]\nvariables: {release: 1.10, big: 1e3}\nenvironments:\n  staging: {}\n"
    label = 'bases: [{name: a, label: "R ${release}/${big}", settings: {pace: "${release}"}}]\n'
    loaded = composed(project(tmp_path, {"manifests/a.yaml": label}, text), "staging")
    base = loaded.state[Address("bases/a")]
    assert base.attributes["label"] == "R 1.10/1e3"
    assert json.dumps(base.settings) == '{"pace": 1.1}'
    assert codes(loaded.diagnostics) == ["manifests/a.yaml:1:66 KIA0123?"]
