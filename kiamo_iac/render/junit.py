"""What `validate` found as JUnit XML: a test suite a manifest, a failed test case a problem that fails the run.

Written to the grammar of Jenkins' xUnit plugin (junit-10.xsd). GitLab takes the first of two cases of one name, so
that none is used twice, and adds the times of cases up: each has an equal share of the time that the check took.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Final
from xml.etree import ElementTree as Xml

from kiamo_iac.core.diagnostics import Diagnostic, Severity, by_place
from kiamo_iac.render.base import CheckReport, Style
from kiamo_iac.render.escape import visible

_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What no XML 1.0 document may hold, not even as a reference (https://www.w3.org/TR/xml/#charsets)."""


class JunitCheck:
    """The JUnit format; the style of text does not touch it."""

    def __init__(self, style: Style) -> None:
        del style

    def render(self, report: CheckReport) -> str:
        """An XML document in UTF-8, ending with a newline."""
        by_file: dict[str, list[Diagnostic]] = defaultdict(list, {name: [] for name in report.names})
        for diagnostic in by_place(report.diagnostics):
            by_file[diagnostic.source.file if diagnostic.source else report.home].append(diagnostic)
        failing = {Severity.ERROR, Severity.WARNING} if report.strict else {Severity.ERROR}
        top = Xml.Element("testsuites", {"name": "kiamo-iac validate"})
        suites = [_suite(top, file, found, failing) for file, found in sorted(by_file.items())]
        share = report.seconds / max(sum(map(len, suites)), 1)
        for suite in suites:
            suite.set("time", f"{share * len(suite):.3f}")
            for case in suite:
                case.set("time", f"{share:.3f}")
        top.set("time", f"{report.seconds:.3f}")
        for count in ("tests", "failures", "errors"):
            top.set(count, str(sum(int(suite.get(count, "0")) for suite in suites)))
        Xml.indent(top)
        return f'<?xml version="1.0" encoding="UTF-8"?>\n{Xml.tostring(top, encoding="unicode")}\n'


def _suite(top: Xml.Element, file: str, found: Sequence[Diagnostic], failing: set[Severity]) -> Xml.Element:
    """One file: its failing problems a case each; the others in one case that passes, where a test report is to be."""
    name = _xml(file)
    failures = [diagnostic for diagnostic in found if diagnostic.severity in failing]
    others = [diagnostic for diagnostic in found if diagnostic.severity not in failing]
    suite = Xml.SubElement(top, "testsuite", {"name": name})
    names: Counter[str] = Counter()
    for diagnostic in failures:
        title = _xml(f"{diagnostic.code}: {diagnostic.summary}")
        names[title] += 1
        case = Xml.SubElement(suite, "testcase", {"classname": name, "name": _numbered(title, names[title])})
        failure = Xml.SubElement(case, "failure", {"type": diagnostic.code, "message": _xml(diagnostic.summary)})
        failure.text = _text(diagnostic)
    if others or not failures:
        title = "no problems" if not found else "no other problems" if failures else "no errors"
        case = Xml.SubElement(suite, "testcase", {"classname": name, "name": title})
        if others:
            Xml.SubElement(case, "system-out").text = "\n".join(map(_text, others))
    suite.attrib |= {"tests": str(len(suite)), "failures": str(len(failures)), "errors": "0", "file": name}
    return suite


def _numbered(title: str, rank: int) -> str:
    return title if rank == 1 else f"{title} ({rank})"


def _text(diagnostic: Diagnostic) -> str:
    place = f"{diagnostic.source}: " if diagnostic.source else ""
    lines = [f"{place}{diagnostic.severity.value} {diagnostic.code}: {diagnostic.summary}"]
    lines += [f"of {diagnostic.address}"] if diagnostic.address else []
    lines += [diagnostic.detail] if diagnostic.detail else []
    lines += [f"{where}: {message}" for message, where in diagnostic.related]
    lines += [f"hint: {diagnostic.hint}"] if diagnostic.hint else []
    return "\n".join(map(_xml, lines))


def _xml(text: str) -> str:
    r"""`text` with all that XML or a reader would lose written as `\uXXXX`."""
    return _NOT_XML.sub(lambda found: f"\\u{ord(found[0]):04x}", visible(text))
