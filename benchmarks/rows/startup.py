"""The cost of the program's start, and of one file."""

from __future__ import annotations

import sys

from benchmarks import documents
from benchmarks.harness import Outcome, Pairs, Row, Scale, alternate
from benchmarks.process import KIAMO_IAC, ROOT, run

SCHEMA = str(ROOT / "schemas" / "manifest.schema.json")
CHECK_JSONSCHEMA = (sys.executable, "-m", "check_jsonschema", "--schemafile", SCHEMA)


def start_up(_scale: Scale, pairs: int) -> Outcome:
    """The smallest command of kiamo-iac, beside the one library that it always imports."""
    return Pairs(
        alternate(
            pairs,
            lambda: run((*KIAMO_IAC, "--version")).wall,
            lambda: run((sys.executable, "-c", "import click")).wall,
        )
    )


def validate(scale: Scale, pairs: int, *, count: int) -> Outcome:
    """The same manifests under `validate`, references included, and under the JSON Schema alone."""
    project = documents.project(scale.folder / f"validate-{count}", count)
    manifests = sorted(str(path) for path in (project.parent / "manifests").iterdir())
    return Pairs(
        alternate(
            pairs,
            lambda: run((*KIAMO_IAC, "--project", str(project), "validate")).wall,
            lambda: run((*CHECK_JSONSCHEMA, *manifests)).wall,
        )
    )


ROWS = (
    Row("start-up", "`--version`", "`import click`", 1.25, start_up, pairs=15),
    Row(
        "validate-one",
        "`validate` of one file",
        "check-jsonschema",
        0.95,
        lambda s, n: validate(s, n, count=1),
        pairs=11,
    ),
    Row(
        "validate-many",
        "`validate` of 1,000 files",
        "check-jsonschema, C YAML",
        0.35,
        lambda s, n: validate(s, n, count=s.of(1000, 20)),
    ),
)
