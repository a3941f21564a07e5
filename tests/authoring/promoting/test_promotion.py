"""Each rule of a promotion, on projects of two or three environments that are small enough to be read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from kiamo_iac.authoring.promoting.promotion import Promotion
from kiamo_iac.authoring.selection import Selection
from kiamo_iac.core.address import Address
from kiamo_iac.core.errors import EditError, KiamoIacError, ManifestError
from kiamo_iac.manifest.project.file import load_project
from tests.authoring.promoting.worlds import EVERYTHING, PROJECT, THIRD, declared, done, project, promoted, write

BASE = """\
services:
  - name: Outbound
bases:
  - name: prospects
    label: ${brand} prospects  # for people
    settings: {limit: 1, keep: 2}
    fields:
      - {name: phone, label: Phone}
      - {name: city, label: City}
    batches:
      - name: spring
        service: Outbound
        association: {destination: phone, town: city}
"""
STAGING = "environments/staging/a.yaml"
PRODUCTION = "environments/production/a.yaml"


def after(promotion: Promotion) -> dict[str, str]:
    return {change.file: change.after for change in promotion.files}


def codes(promotion: Promotion) -> list[str]:
    return [d.code for d in (*promotion.missing, *promotion.notes)]


def promotion_of(
    root: Path,
    staging: str,
    production: str = "",
    *,
    third: bool = False,
    base: str = BASE,
    selection: Selection = EVERYTHING,
) -> Promotion:
    """Promoted, written, and found to be level, with everybody else as before."""
    files = {"manifests/a.yaml": base, STAGING: staging, PRODUCTION: production}
    made = project(root, files, PROJECT + (THIRD if third else ""))
    others = [name for name in made.environments if name != "production"]
    before = {name: declared(made, name) for name in others}
    found = promoted(made, selection)
    write(found)
    assert {name: declared(made, name) for name in others} == before
    again = promoted(made, selection)
    assert (again.changes, again.files) == ((), ())
    return found


# --- which way ------------------------------------------------------------------------------------------


def test_what_differs_in_nothing_is_level(tmp_path: Path) -> None:
    found = promotion_of(tmp_path, "", "")
    assert (found.changes, found.files, found.missing, found.notes) == ((), (), (), ())
    assert found.by_variables == ((Address("bases/prospects"), ("label",)),)


def test_a_key_that_hides_the_base_goes_out_of_the_patch(tmp_path: Path) -> None:
    production = "bases:\n  # special\n  - name: prospects\n    label: Mine\n    settings: {limit: 9}\n"
    found = promotion_of(tmp_path, "", production + "    protect: true\n")
    assert done(found) == ["uncover bases/prospects label", "uncover bases/prospects settings.limit"]
    assert after(found) == {PRODUCTION: "bases:\n  # special\n  - name: prospects\n    protect: true\n"}
    assert codes(found) == ["KIA1024"]


def test_a_patch_that_says_nothing_any_more_is_emptied_and_stays_a_file(tmp_path: Path) -> None:
    production = "# production's own\nbases:\n  - name: prospects\n    batches: [{name: spring, service: Other}]\n"
    found = promotion_of(tmp_path, "", production)
    assert after(found) == {PRODUCTION: "# production's own\n{}\n"}


def test_a_value_moves_from_the_patch_into_the_base(tmp_path: Path) -> None:
    staging = "bases:\n  - name: prospects\n    label: New\n    settings: {limit: 5, more: [1, 2]}\n"
    found = promotion_of(tmp_path, staging)
    assert done(found) == [
        "move bases/prospects label",
        "move bases/prospects settings.limit",
        "move bases/prospects settings.more",
    ]
    base = BASE.replace("${brand} prospects", "New").replace("limit: 1, keep: 2", "limit: 5, keep: 2, more: [1, 2]")
    assert after(found) == {STAGING: "{}\n", "manifests/a.yaml": base}


def test_an_entry_of_an_association_moves_by_itself(tmp_path: Path) -> None:
    staging = "batches:\n  - {base: prospects, name: spring, association: {town: phone}}\n"
    found = promotion_of(tmp_path, staging, "bases: [{name: prospects, batches: [{name: spring, settings: {p: 1}}]}]\n")
    assert done(found) == ["move bases/prospects/batches/spring association.town"]
    assert after(found)["manifests/a.yaml"] == BASE.replace("town: city", "town: phone")
    assert PRODUCTION not in after(found)


def test_where_a_third_environment_would_feel_it_the_value_goes_into_a_patch(tmp_path: Path) -> None:
    staging = "bases:\n  - name: prospects\n    label: New\n"
    found = promotion_of(tmp_path, staging, third=True)
    assert done(found) == ["patch bases/prospects label"]
    assert after(found) == {PRODUCTION: "bases:\n  - name: prospects\n    label: New\n"}


def test_a_third_environment_that_says_so_itself_does_not_feel_it(tmp_path: Path) -> None:
    files = {"manifests/a.yaml": BASE, STAGING: "bases: [{name: prospects, label: New}]\n"}
    files["environments/test/a.yaml"] = "bases: [{name: prospects, label: Test}]\n"
    found = promoted(project(tmp_path, files, PROJECT + THIRD))
    assert done(found) == ["move bases/prospects label"]


def test_a_value_takes_the_place_of_the_one_in_the_patch(tmp_path: Path) -> None:
    production = "bases:\n  - name: prospects\n    settings: {limit: 3} # careful\n    label: Old\n"
    staging = "bases: [{name: prospects, label: New, settings: {limit: 4}}]\n"
    found = promotion_of(tmp_path, staging, production, third=True)
    assert done(found) == ["patch bases/prospects label", "patch bases/prospects settings.limit"]
    assert after(found) == {PRODUCTION: production.replace("3", "4").replace("Old", "New")}


def test_without_a_patch_file_of_its_own_production_gets_one_and_the_project_file_says_so(tmp_path: Path) -> None:
    text = (
        "manifests: [manifests]\nvariables: {brand: A}\nenvironments:\n  staging: {patches: [environments/staging]}\n"
    )
    text += "  production:\n    # the real one\n    url: https://kiamo.example.com\n  test:\n"
    made = project(tmp_path, {"manifests/a.yaml": BASE, STAGING: "bases: [{name: prospects, label: New}]\n"}, text)
    for file in (tmp_path / "environments" / "production").iterdir():
        file.unlink()
    (tmp_path / "environments" / "production").rmdir()
    found = promoted(made)
    write(found)
    assert set(after(found)) == {"environments/production/a.yaml", "kiamo.yaml"}
    assert after(found)["environments/production/a.yaml"] == "bases:\n  - name: prospects\n    label: New\n"
    assert after(found)["kiamo.yaml"].startswith(text.removesuffix("  test:\n"))
    again = load_project(tmp_path / "kiamo.yaml")
    assert [folder.path.name for folder in again.environments["production"].patches] == ["production"]
    assert promoted(again).changes == ()
    assert codes(found) == ["KIA1032"]


def test_a_folder_that_is_there_already_is_not_taken_for_patches(tmp_path: Path) -> None:
    text = (
        "manifests: [manifests]\nvariables: {brand: A}\nenvironments:\n  staging: {patches: [environments/staging]}\n"
    )
    files = {"manifests/a.yaml": BASE, STAGING: "bases: [{name: prospects, label: New}]\n", PRODUCTION: "nonsense\n"}
    found = promoted(project(tmp_path, files, text + "  production:\n  test:\n"))
    assert set(after(found)) == {"environments/production-2/a.yaml", "kiamo.yaml"}


def test_a_layer_that_others_share_is_not_written(tmp_path: Path) -> None:
    shared = PROJECT.replace("[environments/production]", "[environments/production, environments/late.yaml]")
    shared += "  test: {patches: [environments/late.yaml]}\n"
    files = {
        "manifests/a.yaml": BASE,
        "environments/late.yaml": "bases: [{name: prospects, label: Late}]\n",
        STAGING: "bases: [{name: prospects, label: New}]\n",
    }
    found = promoted(project(tmp_path, files, shared))
    assert done(found) == ["left bases/prospects label"]
    assert (found.files, codes(found)) == ((), ["KIA1025"])


def test_a_patch_that_two_share_by_a_link_is_not_written(tmp_path: Path) -> None:
    files = {"manifests/a.yaml": BASE, STAGING: "bases: [{name: prospects, label: New}]\n"}
    files["environments/test/a.yaml"] = "bases: [{name: prospects, label: Old}]\n"
    made = project(tmp_path, files, PROJECT + THIRD)
    (tmp_path / PRODUCTION).unlink()
    (tmp_path / PRODUCTION).symlink_to(tmp_path / "environments/test/a.yaml")
    before = declared(made, "test")
    found = promoted(made)
    assert set(after(found)) == {"environments/production-2/a.yaml", "kiamo.yaml"}
    write(found)
    again = load_project(tmp_path / "kiamo.yaml")
    assert declared(again, "test") == before
    assert promoted(again).changes == ()


def test_null_in_a_patch_of_production_is_taken_out(tmp_path: Path) -> None:
    production = "bases: [{name: prospects, settings: {limit: null}, batches: [{name: spring, association: null}]}]\n"
    found = promotion_of(tmp_path, "", production)
    assert {how.split()[0] for how in done(found)} == {"uncover"}
    assert after(found) == {PRODUCTION: "{}\n"}


# --- whole resources ---------------------------------------------------------------------------------------

NEW = """\
bases:
  - name: prospects
    fields:
      # asked for by sales
      - {name: street, label: Street, datatype: string}
  - name: fresh
    fields:
      - {name: zip, label: Zip}
    batches:
      # the first
      # of many
      - name: one
        service: Outbound
        state: started
"""


def test_new_things_move_into_the_base_with_the_comments_above_them(tmp_path: Path) -> None:
    found = promotion_of(tmp_path, NEW)
    assert set(after(found)) == {STAGING, "manifests/a.yaml"}
    assert after(found)["manifests/a.yaml"] == (
        BASE.replace(
            "label: City}\n", "label: City}\n      # asked for by sales\n"
            "      - {name: street, label: Street, datatype: string}\n"
        )
        + "  - name: fresh\n    fields:\n      - {name: zip, label: Zip}\n"
        "    batches:\n      - name: one\n        service: Outbound\n"
    )  # fmt: skip
    staging = after(found)[STAGING]
    assert "state: started" in staging
    assert "# of many" in staging
    assert "street" not in staging
    assert codes(found) == ["KIA1028"]


def test_new_things_go_into_the_patch_where_a_third_environment_would_get_them(tmp_path: Path) -> None:
    found = promotion_of(tmp_path, NEW, "bases: [{name: prospects, protect: true}]\n", third=True)
    assert set(after(found)) == {PRODUCTION}
    assert {how.split()[0] for how in done(found)} == {"patch"}


def test_a_thing_without_a_parent_in_the_base_stays_at_the_top_of_a_file(tmp_path: Path) -> None:
    found = promotion_of(tmp_path, "batches: [{base: other, name: b, service: Outbound}]\n")
    assert after(found)["manifests/a.yaml"].endswith("batches:\n  - base: other\n    name: b\n    service: Outbound\n")


def test_a_new_file_of_the_base_is_called_as_the_patch(tmp_path: Path) -> None:
    files = {"manifests/b.yaml": BASE, STAGING: "", "environments/staging/x/desk.yaml": "services: [{name: Desk}]\n"}
    found = promoted(project(tmp_path, files))
    assert after(found) == {
        "environments/staging/x/desk.yaml": "{}\n",
        "manifests/desk.yaml": "services:\n  - name: Desk\n",
    }


def test_what_is_declared_absent_is_promoted_and_told_in_capitals(tmp_path: Path) -> None:
    base = BASE.replace(", town: city", "")
    found = promotion_of(tmp_path, "bases: [{name: prospects, fields: [{name: city, ensure: absent}]}]\n", base=base)
    assert done(found) == ["move bases/prospects/fields/city ensure"]
    (note,) = (note for note in found.notes if note.code != "KIA1034")
    assert (note.code, note.address) == ("KIA1022", "bases/prospects/fields/city")
    assert note.summary.startswith("apply will delete it from production")


def test_what_is_present_comes_back_where_it_was_declared_absent(tmp_path: Path) -> None:
    base = BASE.replace(", town: city", "")
    production = "bases: [{name: prospects, fields: [{name: city, ensure: absent}]}]\n"
    found = promotion_of(tmp_path, "", production, base=base)
    assert done(found) == ["uncover bases/prospects/fields/city ensure"]


def test_below_an_absent_thing_nothing_more_is_said(tmp_path: Path) -> None:
    found = promotion_of(tmp_path, "bases: [{name: prospects, ensure: absent}]\n")
    assert done(found) == ["move bases/prospects ensure"]


def test_an_exclusive_list_is_told_in_capitals(tmp_path: Path) -> None:
    found = promotion_of(tmp_path, "bases: [{name: prospects, exclusive: [fields]}]\n")
    assert sorted(codes(found)) == ["KIA1023", "KIA1034"]
    assert found.notes[-1].summary.startswith("apply will delete all other fields of it")


def test_a_service_becomes_managed(tmp_path: Path) -> None:
    found = promotion_of(tmp_path, "services: [{name: Outbound, managed: true, label: O}]\n")
    assert done(found) == ["move services/Outbound managed", "move services/Outbound label"]


# --- what is left alone ---------------------------------------------------------------------------------


def test_what_production_alone_declares_is_left_alone(tmp_path: Path) -> None:
    production = "bases: [{name: own}, {name: prospects, settings: {own: 1}, fields: [{name: own}]}]\n"
    found = promotion_of(tmp_path, "", production)
    assert found.changes == ()
    assert found.only_target == ("bases/own", "bases/prospects/fields/own")


def test_a_protection_is_raised_and_never_lowered(tmp_path: Path) -> None:
    base = BASE + "  - name: other\n    protect: true\n"
    found = promotion_of(
        tmp_path, "bases: [{name: prospects, protect: true}, {name: other, protect: false}]\n", base=base
    )
    assert done(found) == ["move bases/prospects protect"]
    assert codes(found) == ["KIA1024"]


def test_the_run_state_stays_unless_it_is_asked_for(tmp_path: Path) -> None:
    staging = "batches: [{base: prospects, name: spring, state: started, settings: {x: 1}}]\n"
    production = "batches: [{base: prospects, name: spring, initial_state: paused}]\n"
    found = promotion_of(tmp_path, staging, production)
    assert done(found) == ["move bases/prospects/batches/spring settings.x"]
    assert codes(found) == ["KIA1028"]
    asked = promotion_of(tmp_path, staging, production, selection=Selection(run_state=True))
    assert done(asked) == [
        "move bases/prospects/batches/spring state",
        "move bases/prospects/batches/spring settings.x",
        "uncover bases/prospects/batches/spring initial_state",
    ]


def test_only_and_except_choose(tmp_path: Path) -> None:
    staging = "bases: [{name: prospects, label: New, fields: [{name: city, label: Town}]}]\n"
    only = promotion_of(tmp_path, staging, selection=Selection(only=(Address("bases/prospects/fields/city"),)))
    assert done(only) == ["move bases/prospects/fields/city label"]
    without = promotion_of(tmp_path, staging, selection=Selection(without=(Address("bases/prospects/fields"),)))
    assert "move bases/prospects label" in done(without)


# --- variables ------------------------------------------------------------------------------------------


def test_values_are_promoted_as_they_are_written(tmp_path: Path) -> None:
    staging = "bases: [{name: prospects, label: 'We are ${brand}', settings: {limit: '${brand}'}}]\n"
    found = promotion_of(tmp_path, staging)
    assert "label: We are ${brand}  # for people" in after(found)["manifests/a.yaml"]
    assert found.desired[Address("bases/prospects")].attributes["label"] == "We are ACME"


def test_a_variable_that_production_lacks_is_missing_and_what_needs_it_left(tmp_path: Path) -> None:
    staging = "bases:\n  - name: prospects\n    label: ${trial}\n    settings: {limit: 4}\n  - name: ${trial}\n"
    made = project(tmp_path, {"manifests/a.yaml": BASE, STAGING: staging})
    found = promoted(made)
    assert done(found) == ["move bases/prospects settings.limit"]
    assert [(d.code, str(d.source)) for d in found.missing] == [
        ("KIA1020", f"{STAGING}:3:12"),
        ("KIA1020", f"{STAGING}:5:11"),
    ]
    assert found.missing[0].hint is not None
    assert "environments: production: variables:" in found.missing[0].hint


def test_a_thing_whose_name_has_a_variable_is_the_same_thing_on_both_sides(tmp_path: Path) -> None:
    base = "services:\n  - name: ${brand} desk\n    managed: true\n    label: Desk\n"
    found = promotion_of(tmp_path, "services: [{name: ACME Test desk, label: New}]\n", base=base)
    assert done(found) == ["move services/ACME desk label"]
    assert after(found)["manifests/a.yaml"] == base.replace("label: Desk", "label: New")
    assert found.on_source(Address("services/ACME desk")) == "services/ACME Test desk"


# --- refusals -------------------------------------------------------------------------------------------


def test_a_change_that_makes_production_invalid_is_refused_with_the_reason(tmp_path: Path) -> None:
    files = {
        "manifests/a.yaml": BASE,
        STAGING: "bases: [{name: prospects, ensure: absent}]\n",
        PRODUCTION: "bases: [{name: prospects, protect: true}]\n",
    }
    with pytest.raises(KiamoIacError, match="production") as refused:
        promoted(project(tmp_path, files))
    assert {d.code for d in refused.value.diagnostics} >= {"KIA0216"}


def test_environments_with_errors_are_not_promoted(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="staging"):
        promoted(project(tmp_path, {"manifests/a.yaml": BASE, STAGING: "bases: [{name: prospects, lable: x}]\n"}))


def test_a_third_environment_with_errors_is_in_nobodys_way(tmp_path: Path) -> None:
    files = {
        "manifests/a.yaml": BASE,
        STAGING: "bases: [{name: prospects, label: New}]\n",
        "environments/test/a.yaml": "bases: [{name: prospects, lable: x}]\n",
    }
    assert done(promoted(project(tmp_path, files, PROJECT + THIRD))) == ["patch bases/prospects label"]


def test_a_file_in_another_encoding_is_not_changed(tmp_path: Path) -> None:
    made = project(tmp_path, {"manifests/a.yaml": BASE, STAGING: "bases: [{name: prospects, label: New}]\n"})
    (tmp_path / "manifests" / "a.yaml").write_bytes(b"\xff\xfe" + BASE.encode("utf-16-le"))
    with pytest.raises(EditError, match="not in UTF-8"):
        promoted(made)


@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_line_ends_and_byte_order_mark_stay(tmp_path: Path, mark: str) -> None:
    base = mark + BASE.replace("\n", "\r\n")
    made = project(tmp_path, {"manifests/a.yaml": base, STAGING: NEW})
    text = after(promoted(made))["manifests/a.yaml"]
    assert text.startswith(base[:40])
    assert text.count("\r\n") == text.count("\n")


def test_comments_that_get_lost_are_told(tmp_path: Path) -> None:
    staging = "bases:\n  - name: prospects\n    # because\n    label: New  # so there\n"
    (note,) = (note for note in promotion_of(tmp_path, staging).notes if note.code != "KIA1034")
    assert (note.code, note.summary) == (
        "KIA1031",
        "2 comments are removed with what they describe",
    )


def test_an_alias_is_changed_apart_from_its_anchor(tmp_path: Path) -> None:
    base = "bases:\n  - name: a\n    settings: &s {x: 1}\n  - name: b\n    settings: *s\n"
    found = promotion_of(tmp_path, "bases: [{name: b, settings: {x: 2}}]\n", base=base)
    assert "settings: &s {x: 1}" in after(found)["manifests/a.yaml"]
    assert found.desired[Address("bases/b")].settings == {"x": 2}


def test_the_same_project_gives_the_same_promotion(tmp_path: Path) -> None:
    files: Mapping[str, str] = {"manifests/a.yaml": BASE, STAGING: NEW, PRODUCTION: "bases: [{name: prospects}]\n"}
    made = project(tmp_path, files, PROJECT + THIRD)
    first, second = promoted(made), promoted(made)
    assert (first.changes, first.files, first.notes) == (second.changes, second.files, second.notes)


def test_d20_no_empty_patch_and_no_copy_remains_without_a_word(tmp_path: Path) -> None:
    """From dev to recette, from there to production: what has reached the base is repeated by no patch in silence."""
    files = {
        "manifests/a.yaml": BASE,
        "environments/test/a.yaml": "bases:\n  - {name: prospects, settings: {limit: 5}}\n",
        STAGING: "bases:\n  - {name: prospects, settings: {limit: 5}}\n",
        PRODUCTION: "bases: []\n",
    }
    made = project(tmp_path, files, PROJECT + THIRD)
    found = promoted(made, EVERYTHING)
    assert after(found)[STAGING] == "{}\n"
    notes = {d.code: d for d in found.notes}
    assert str(notes["KIA1034"].source) == f"{STAGING}:1:1"
    assert (str(notes["KIA1033"].source), notes["KIA1033"].address) == (
        "environments/test/a.yaml:1:1",
        "bases/prospects",
    )
    assert notes["KIA1033"].summary == "settings.limit in this patch repeats the base"
