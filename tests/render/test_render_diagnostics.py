"""Diagnostics as text and as JSON."""

from __future__ import annotations

import json
from dataclasses import replace

import jsonschema
import pytest

from kiamo_iac.core.address import Address
from kiamo_iac.core.diagnostics import Diagnostic, Severity, SourceRange
from kiamo_iac.planner.plan import Plan
from kiamo_iac.render.base import CheckReport, Style, check_renderer, plan_renderer
from kiamo_iac.render.diagnostics import ALIKE, grouped, render_text, tally
from kiamo_iac.render.json_formats import render_json, validate_schema

ERROR = Diagnostic(
    "KIA0102",
    'unknown key "lables"',
    detail="A field takes name, label and datatype.",
    hint='did you mean "label"?',
    address=Address("bases/prospects/fields/city"),
    source=SourceRange("manifests/a.yaml", 12, 5),
    related=(("first declared here", SourceRange("manifests/b.yaml", 3, 1)),),
)
WARNING = Diagnostic("KIA0201", "two names clash", Severity.WARNING, source=SourceRange("manifests/a.yaml", 2, 1))


def test_text_goes_by_place_and_tells_everything() -> None:
    assert render_text([ERROR, WARNING], Style()) == (
        "manifests/a.yaml:2:1: warning KIA0201: two names clash\n"
        "\n"
        'manifests/a.yaml:12:5: error KIA0102: unknown key "lables"\n'
        "    of bases/prospects/fields/city\n"
        "    A field takes name, label and datatype.\n"
        "    manifests/b.yaml:3:1: first declared here\n"
        '    hint: did you mean "label"?\n'
    )


def test_nothing_is_an_empty_text() -> None:
    assert render_text([], Style()) == ""


def test_a_tally_leaves_out_what_there_is_none_of() -> None:
    assert tally([]) == "no problems"
    assert tally([ERROR, WARNING, WARNING]) == "1 error, 2 warnings"


def test_json_meets_its_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(validate_schema())
    validator = jsonschema.Draft202012Validator(validate_schema())
    bad = json.loads(render_json([ERROR, WARNING], files=2, things=7))
    validator.validate(bad)
    assert bad["valid"] is False
    assert bad["summary"] == {"error": 1, "warning": 1, "note": 0}
    assert [d["source"] for d in bad["diagnostics"]] == ["manifests/a.yaml:2:1", "manifests/a.yaml:12:5"]
    assert bad["diagnostics"][1]["related"] == [{"message": "first declared here", "source": "manifests/b.yaml:3:1"}]
    good = json.loads(render_json([WARNING], files=1, things=1))
    validator.validate(good)
    assert good["valid"] is True


# --- identical diagnostics --------------------------------------------------------------------------------------------

HINT = "set it, or remove the reference"


def missing(number: int, name: str = "LABEL") -> Diagnostic:
    """A value that is missing at a line of its own."""
    return Diagnostic("KIA0231", f'no value for "{name}"', hint=HINT, source=SourceRange("manifests/a.yaml", number, 5))


def test_three_hundred_identical_diagnostics_are_one_with_its_first_places() -> None:
    text = render_text([WARNING, *(missing(number) for number in range(10, 310))], Style())
    assert text == (
        "manifests/a.yaml:2:1: warning KIA0201: two names clash\n"
        "\n"
        'manifests/a.yaml:10:5: error KIA0231: no value for "LABEL"\n'
        f"    hint: {HINT}\n"
        "    and 299 more of these: manifests/a.yaml:11:5, manifests/a.yaml:12:5, manifests/a.yaml:13:5, …\n"
    )


def test_three_hundred_diagnostics_that_differ_in_a_name_stay_apart() -> None:
    text = render_text([missing(number, f"LABEL_{number}") for number in range(1, 301)], Style())
    assert text.count("KIA0231") == 300
    assert "more of these" not in text


def test_a_few_identical_diagnostics_are_each_at_their_place() -> None:
    three = [missing(number) for number in range(1, ALIKE)]
    assert render_text(three, Style()).count("KIA0231") == ALIKE - 1
    assert render_text([*three, missing(9)], Style()).count("KIA0231") == 1


@pytest.mark.parametrize(
    "other",
    [
        replace(missing(1), code="KIA0232"),
        replace(missing(1), severity=Severity.WARNING),
        replace(missing(1), summary='no value for "NAME"'),
        replace(missing(1), detail="It is used in a patch."),
        replace(missing(1), hint=None),
    ],
)
def test_diagnostics_that_say_anything_else_are_in_no_group(other: Diagnostic) -> None:
    groups = list(grouped([*(missing(number) for number in range(1, 9)), other]))
    assert [group.count for group in groups] == [8, 1]


def test_groups_come_in_the_order_of_their_first_places() -> None:
    mixed = [missing(number, "AB"[number % 2]) for number in range(1, 21)]
    assert [group.first for group in grouped([WARNING, *mixed, ERROR])] == [WARNING, *mixed[:2], ERROR]
    assert all(group.count == 10 for group in list(grouped(mixed)))


def test_diagnostics_without_a_place_are_named_by_address_or_counted() -> None:
    addresses = [replace(missing(1), source=None, address=Address(f"bases/b{number}")) for number in range(5)]
    (group,) = grouped(addresses)
    assert group.more(places=2) == "and 4 more of these: bases/b1, bases/b2, …"
    (group,) = grouped([replace(one, address=None) for one in addresses])
    assert group.more() == "and 4 more of these"


def test_formats_for_machines_keep_every_place() -> None:
    report = CheckReport(tuple(missing(number) for number in range(1, 301)))
    for name in ("json", "sarif", "junit", "gitlab"):
        text = check_renderer(name, Style()).render(report)
        assert text.count("KIA0231") >= 300, name
        assert "more of these" not in text


def test_annotations_are_grouped_where_github_would_not_show_them_all() -> None:
    ten = check_renderer("github", Style()).render(CheckReport(tuple(missing(number) for number in range(1, 11))))
    assert ten.count("::error file=") == 10
    many = check_renderer("github", Style()).render(CheckReport(tuple(missing(number) for number in range(1, 301))))
    assert many.count("::error file=") == 1
    assert "and 299 more of these: manifests/a.yaml:2:5, manifests/a.yaml:3:5," in many


def test_a_comment_has_identical_diagnostics_once() -> None:
    errors = tuple(missing(number) for number in range(1, 301))
    text = plan_renderer("markdown", Style()).render(Plan("staging", "", (), errors))
    assert "**Plan refused: 300 errors.**" in text
    assert '- **`KIA0231`** at `manifests/a.yaml:1:5`: `no value for "LABEL"`' in text
    assert text.count(" And 299 more of these.") == 1
    assert "      and 299 more of these: manifests/a.yaml:2:5, manifests/a.yaml:3:5, manifests/a.yaml:4:5, …" in text
    assert "<summary>Diagnostics: 300 errors</summary>" in text


def test_a_page_folds_the_other_places_of_identical_diagnostics() -> None:
    errors = tuple(missing(number) for number in range(1, 301))
    text = plan_renderer("html", Style()).render(Plan("staging", "", (), errors))
    assert "<summary>and 299 more of these</summary>" in text
    assert text.count('<p class="place"><code>manifests/a.yaml:') == 300
