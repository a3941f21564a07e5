"""What `validate` found as SARIF 2.1.0, for GitHub's code scanning and for editors.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/. Places count from the root of the repository (`%SRCROOT%`), columns
in characters. What GitHub does not take is left out, and counted in a notification; a check reaches only its limit of
results: https://docs.github.com/en/code-security/reference/code-scanning/sarif-files/sarif-support.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence
from typing import Any, Final, assert_never
from urllib.parse import quote_from_bytes

from kiamo_iac import PROJECT_URL, __version__
from kiamo_iac.core.codes import CODES
from kiamo_iac.core.diagnostics import Diagnostic, Severity, SourceRange
from kiamo_iac.render.base import CheckReport, Style
from kiamo_iac.render.diagnostics import fingerprinted
from kiamo_iac.render.escape import json_document, visible

_SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_MOST: Final = 5_000
"""Results that GitHub shows of one run; of more it takes those that weigh most."""
_MOST_RELATED: Final = 100
"""Related places of one result, far below the limit of 1,000."""
_CODES_PAGE: Final = f"{PROJECT_URL}/blob/main/docs/reference/diagnostics.md"
_WEIGHT: Final = (Severity.ERROR, Severity.WARNING, Severity.NOTE)
_PLACEHOLDER: Final = re.compile(r"\{(\d+)\}")


class SarifCheck:
    """The SARIF format; the style of text does not touch it."""

    def __init__(self, style: Style) -> None:
        del style

    def render(self, report: CheckReport) -> str:
        """A SARIF log of one run, ending with a newline."""
        found = list(fingerprinted(report.diagnostics))
        left_out = len(found) - _MOST
        heaviest = sorted(range(len(found)), key=lambda number: _WEIGHT.index(found[number][0].severity))[:_MOST]
        found = [found[number] for number in sorted(heaviest)]
        rules = sorted({diagnostic.code for diagnostic, _ in found})
        driver = {
            "name": "kiamo-iac",
            "semanticVersion": __version__,
            "informationUri": PROJECT_URL,
            "rules": [_rule(code) for code in rules],
        }
        run = {
            "tool": {"driver": driver},
            # Code scanning keeps the results of projects apart, and closes those of one that are gone.
            "automationDetails": {"id": f"kiamo-iac/validate/{_uri(posixpath.dirname(report.home)) or '.'}/"},
            "invocations": [{"executionSuccessful": True, **_notification(left_out)}],
            "columnKind": "unicodeCodePoints",
            "results": [_result(diagnostic, name, rules, home=report.home) for diagnostic, name in found],
        }
        return json_document({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]})


def _notification(left_out: int) -> dict[str, Any]:
    if left_out <= 0:
        return {}
    text = f"{left_out:,} further results are not in this file, which has {_MOST:,}: run kiamo-iac validate to see all."
    return {"toolExecutionNotifications": [{"level": "warning", "message": {"text": text}}]}


def _rule(code: str) -> dict[str, Any]:
    meaning = CODES.get(code, "A code that this version does not know.")
    return {
        "id": code,
        "shortDescription": {"text": _plain(meaning)},
        "helpUri": f"{_CODES_PAGE}#:~:text={code}",
        "help": {"text": _plain(f"{meaning} The message of each result has the hint, where there is one.")},
    }


def _result(diagnostic: Diagnostic, fingerprint: str, rules: Sequence[str], *, home: str) -> dict[str, Any]:
    lines = [
        diagnostic.summary,
        diagnostic.of_row,
        diagnostic.detail,
        f"hint: {diagnostic.hint}" if diagnostic.hint else None,
    ]
    location = _location(diagnostic.source or SourceRange(home, 1, 1))
    if diagnostic.address:
        location["logicalLocations"] = [{"fullyQualifiedName": visible(diagnostic.address)}]
    result: dict[str, Any] = {
        "ruleId": diagnostic.code,
        "ruleIndex": rules.index(diagnostic.code),
        "level": _level(diagnostic.severity),
        "message": {"text": "\n".join(_plain(line) for line in lines if line)},
        "locations": [location],
        "partialFingerprints": {"diagnostic/v1": fingerprint},
    }
    if diagnostic.related:
        result["relatedLocations"] = [
            {"id": number, **_location(place), "message": {"text": _plain(message)}}
            for number, (message, place) in enumerate(diagnostic.related[:_MOST_RELATED], start=1)
        ]
    return result


def _location(place: SourceRange) -> dict[str, Any]:
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": _uri(place.file), "uriBaseId": "%SRCROOT%"},
            "region": {"startLine": place.line, "startColumn": place.column},
        }
    }


def _uri(file: str) -> str:
    """A relative reference (RFC 3986) of the file's own bytes, also where its name is no UTF-8."""
    try:
        octets = file.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        octets = file.encode("utf-8", "surrogatepass")
    return quote_from_bytes(octets, safe="/")


def _plain(text: str) -> str:
    """`text` that is no link (`[text](target)`, SARIF §3.11.6) and no placeholder (`{0}`, §3.11.5)."""
    return _PLACEHOLDER.sub(r"{{\1}}", visible(text).replace("](", "] ("))


def _level(severity: Severity) -> str:
    match severity:
        case Severity.ERROR | Severity.WARNING | Severity.NOTE:
            return severity.value
        case _:
            assert_never(severity)
