"""JUnit XML: the grammar of Jenkins' plugin, what GitLab reads of it, and data that is never markup."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest

from kiamo_iac.core.diagnostics import Diagnostic, SourceRange
from kiamo_iac.render.base import CheckReport, Style
from kiamo_iac.render.escape import visible
from kiamo_iac.render.junit import JunitCheck
from tests.render.checks import CHECKS, rendered_check
from tests.render.hostile import HOSTILE, HUGE, checked_of
from tests.render.xsd import Schema

SCHEMA = Schema(Path(__file__).parent / "published" / "junit-10.xsd")


def parsed(checked: CheckReport) -> Xml.Element:
    """Through bytes, as a CI system reads it."""
    return Xml.fromstring(JunitCheck(Style()).render(checked).encode("utf-8"))


@pytest.mark.parametrize("name", CHECKS)
def test_every_result_meets_the_published_schema(name: str) -> None:
    assert list(SCHEMA.problems(Xml.fromstring(rendered_check(name, "junit.xml").encode()))) == []


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda suite: suite.set("colour", "red"), "<testsuite> has colour"),
        (lambda suite: suite.attrib.pop("failures"), "<testsuite> lacks failures"),
        (lambda suite: suite[0].append(Xml.Element("testsuite")), "<testcase> holds"),
        (lambda suite: suite[0].append(Xml.Element("nonsense")), "<nonsense> is not declared"),
        (lambda suite: suite.set("time", "soon"), "time of <testsuite> is soon"),
        (lambda suite: setattr(suite[0], "text", "out"), "<testcase> holds text"),
    ],
)
def test_the_schema_refuses_what_is_no_report(change: Callable[[Xml.Element], object], problem: str) -> None:
    root = parsed(CHECKS["full"])
    change(root[1])
    assert any(said.startswith(problem) for said in SCHEMA.problems(root))


def test_d29_the_times_of_cases_add_up_to_that_of_the_check() -> None:
    root = parsed(replace(CHECKS["full"], seconds=1.5))
    assert root.get("time") == "1.500"
    for nodes in (root, list(root.iter("testcase"))):
        assert sum(float(node.get("time", "0")) for node in nodes) == pytest.approx(1.5)


def test_errors_fail_and_the_rest_is_told() -> None:
    root = parsed(CHECKS["full"])
    counts = {"tests": "6", "failures": "3", "errors": "0"}
    assert root.attrib == {"name": "kiamo-iac validate", "time": "0.000", **counts}
    assert len(root.findall(".//failure")) == 3
    assert [node.text for node in root.findall(".//system-out")] == [
        'note KIA0308: "a" and "A" would share their environment variables',
        'telephony/manifests/a.yaml:14:18: warning KIA0227: no manifest declares the service "Ventes"',
    ]
    valid = next(suite for suite in root if suite.get("name") == "telephony/manifests/c.yaml")
    assert [case.get("name") for case in valid] == ["no problems"]


def test_warnings_fail_when_strict() -> None:
    failures = parsed(CHECKS["strict"]).findall(".//failure")
    assert [f.get("type") for f in failures] == ["KIA0202", "KIA0227", "KIA0202", "KIA0207"]


def test_no_two_cases_have_one_name() -> None:
    """GitLab drops the second one."""
    cases = [(c.get("classname"), c.get("name")) for c in parsed(CHECKS["full"]).iter("testcase")]
    assert len(set(cases)) == len(cases) == 6


def test_a_case_keeps_its_name_when_lines_move() -> None:
    """So that a merge request tells new failures from old ones."""
    one = CheckReport((Diagnostic("KIA0202", "a", source=SourceRange("a.yaml", 1, 1)),))
    moved = CheckReport((Diagnostic("KIA0202", "a", source=SourceRange("a.yaml", 7, 1)),))
    names = [next(parsed(checked).iter("testcase")).attrib for checked in (one, moved)]
    assert names[0] == names[1] == {"classname": "a.yaml", "name": "KIA0202: a", "time": "0.000"}


@pytest.mark.parametrize("trick", [*HOSTILE, "huge"])
def test_data_is_never_markup(trick: str) -> None:
    text = HOSTILE.get(trick, HUGE)
    root = parsed(checked_of(text))
    assert list(SCHEMA.problems(root)) == []
    assert {node.tag for node in root.iter()} == {"testsuites", "testsuite", "testcase", "failure", "system-out"}
    failure = root.find(".//failure")
    assert failure is not None
    shown = visible(text).replace("\ufffe", "\\ufffe").replace("\uffff", "\\uffff")
    assert failure.get("message") == f'there is no "{shown}"'
    assert failure.text is not None
    assert f"\n{shown}" in failure.text
