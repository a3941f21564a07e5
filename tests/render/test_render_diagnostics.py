"""Diagnostics as text and as JSON."""

from __future__ import annotations

import json

import jsonschema

from kiamo_iac.core.address import Address
from kiamo_iac.core.diagnostics import Diagnostic, Severity, SourceRange
from kiamo_iac.render.base import Style
from kiamo_iac.render.diagnostics import render_text, tally
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
