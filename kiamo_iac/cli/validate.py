"""`kiamo-iac validate`: the manifests checked offline."""

from __future__ import annotations

import time
from pathlib import Path

import click

from kiamo_iac.cli.options import NamedPath, check_format_option
from kiamo_iac.cli.output import show_check
from kiamo_iac.cli.session import Session, pass_session
from kiamo_iac.cli.terminal import write_message
from kiamo_iac.core.runtime import collector_paused

EPILOG = """\b
Examples:
  kiamo-iac validate
  kiamo-iac validate manifests/prospects.yaml     (as pre-commit does)
  kiamo-iac validate --format json > report.json
  kiamo-iac validate --format gitlab > gl-code-quality-report.json
  kiamo-iac validate --format sarif > kiamo.sarif

\b
Exit codes: 0 valid, 1 errors (with --strict also warnings), 64 usage.
"""


@click.command(epilog=EPILOG, short_help="Check all manifests offline and report every problem.")
@click.argument("paths", nargs=-1, type=NamedPath(manifests=True, exists=True))
@check_format_option
@click.option("--strict", is_flag=True, help="Treat warnings as errors.")
@pass_session
def validate(session: Session, *, paths: tuple[Path, ...], output: str, strict: bool) -> int:
    """Check all manifests offline and report every problem.

    Without PATHS: all manifests of the project. With PATHS: all manifests of the projects that contain
    them, since a problem may involve several files; a folder also means the projects in it. Without a
    project file: the PATHS only. Makes no API call and needs no token.
    """
    with collector_paused():  # also for the imports: classes are not garbage
        from kiamo_iac.app.validation import validate as check
        from kiamo_iac.core.diagnostics import Severity
        from kiamo_iac.render.diagnostics import counted, tally
        from kiamo_iac.render.escape import visible

        begun = time.perf_counter()
        found = check(session.project, paths=paths)
        seconds = time.perf_counter() - begun
    show_check(found, session, output=output, strict=strict, seconds=seconds)
    if output != "json":
        write_message(
            f"{counted(found.files, 'manifest')}, {counted(found.resources, 'resource')}: "
            f"{tally(found.diagnostics) if found.diagnostics else 'valid'}."
        )
    for path in found.ignored:
        write_message(f"{visible(str(path))} is not a manifest of its project: not checked.")
    failing = {Severity.ERROR, Severity.WARNING} if strict else {Severity.ERROR}
    return int(any(d.severity in failing for d in found.diagnostics))
