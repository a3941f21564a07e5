"""Results of `validate` made by hand, that every format is tried on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from kiamo_iac.core.address import Address
from kiamo_iac.core.diagnostics import Diagnostic, Severity, SourceRange
from kiamo_iac.render.base import CheckReport, Style, check_renderer
from tests.render.hostile import HOSTILE, checked_of

GOLDEN_CHECK: Final = Path(__file__).parent / "golden_check"

CHECK_SUFFIXES: Final[Mapping[str, str]] = {
    "txt": "text",
    "json": "json",
    "github.txt": "github",
    "gitlab.json": "gitlab",
    "junit.xml": "junit",
    "sarif": "sarif",
}
"""Suffix of the golden file → format."""


def _full() -> CheckReport:
    """Every severity, another place that matters, two alike, one without a place, and a file without problems."""
    unknown = Diagnostic(
        "KIA0202",
        'unknown key "lables"',
        detail="A field takes name, label and datatype.",
        hint='did you mean "label"?',
        address=Address("bases/prospects/fields/city"),
        source=SourceRange("telephony/manifests/a.yaml", 12, 5),
    )
    return CheckReport(
        (
            unknown,
            replace(unknown, source=SourceRange("telephony/manifests/a.yaml", 30, 5)),
            Diagnostic(
                "KIA0207",
                'base "prospects" is declared twice',
                source=SourceRange("telephony/manifests/dossier été/b.yaml", 3, 1),
                related=(("first declared here", SourceRange("telephony/manifests/a.yaml", 1, 3)),),
            ),
            Diagnostic(
                "KIA0227",
                'no manifest declares the service "Ventes"',
                Severity.WARNING,
                source=SourceRange("telephony/manifests/a.yaml", 14, 18),
            ),
            Diagnostic("KIA0308", '"a" and "A" would share their environment variables', Severity.NOTE),
        ),
        files=3,
        things=9,
        names=(
            "telephony/manifests/a.yaml",
            "telephony/manifests/c.yaml",
            "telephony/manifests/dossier été/b.yaml",
        ),
        home="telephony/kiamo.yaml",
    )


CHECKS: Final[Mapping[str, CheckReport]] = {
    "full": _full(),
    "strict": replace(_full(), strict=True),
    "valid": CheckReport((), files=1, things=4, names=("manifests/a.yaml",)),
    "hostile": checked_of(" ".join(HOSTILE.values())),
}


def rendered_check(name: str, suffix: str) -> str:
    """A result in the format of a golden file's suffix."""
    return check_renderer(CHECK_SUFFIXES[suffix], Style()).render(CHECKS[name])
