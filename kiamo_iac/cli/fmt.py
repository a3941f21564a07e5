"""`kiamo-iac fmt`: manifests in the canonical layout."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kiamo_iac.cli.options import NamedPath
from kiamo_iac.cli.session import Session, pass_session
from kiamo_iac.cli.terminal import is_terminal, write_data, write_message, write_unchanged

if TYPE_CHECKING:
    from kiamo_iac.manifest.formatting import FormattedFile

EPILOG = """\b
Examples:
  kiamo-iac fmt
  kiamo-iac fmt manifests/prospects.yaml          (as pre-commit does)
  kiamo-iac fmt --check --diff                    (in a pipeline)
  kiamo-iac fmt - < prospects.yaml                (in an editor)

\b
Exit codes: 0 formatted, 1 error, 2 files would change (--check), 64 usage.
"""


def _check_stdin_alone(
    _context: click.Context, _parameter: click.Parameter, values: tuple[Path, ...]
) -> tuple[Path, ...]:
    if Path("-") in values and len(values) > 1:
        msg = '"-" (standard input) cannot be combined with other paths.'
        raise click.BadParameter(msg)
    return values


@click.command(epilog=EPILOG, short_help="Format manifests; comments are kept.")
@click.argument(
    "paths", nargs=-1, type=NamedPath(manifests=True, exists=True, allow_dash=True), callback=_check_stdin_alone
)
@click.option("--check", is_flag=True, help="Write nothing: list the files that would change, and exit 2.")
@click.option("--diff", is_flag=True, help="Write nothing: show what would change.")
@pass_session
def fmt(session: Session, *, paths: tuple[Path, ...], check: bool, diff: bool) -> int:
    """Format manifests; comments are kept.

    Without PATHS: all manifests and patches of the project, and the project file. A folder means the
    project's files in it; "-" formats standard input to standard output; a file that is neither .yaml nor
    .yml is refused. Data, comments and their order are kept: each result is parsed and compared before it
    is written; a file that cannot be verified is not changed.
    """
    from kiamo_iac.manifest.formatting import format_bytes, format_files
    from kiamo_iac.manifest.paths import ROWS

    piped = paths == (Path("-"),)
    if piped:
        layouts = [format_bytes(sys.stdin.buffer.read(), shown="<stdin>")]
    else:
        layouts = list(format_files(session.project, paths, write=not (check or diff)))
    changed = [layout for layout in layouts if layout.changes]
    refused = [layout for layout in layouts if layout.diagnostics]
    if diff:
        _show_differences(session, changed, layouts)
    elif piped and not check:
        text = "".join(layout.after for layout in layouts if not layout.diagnostics)
        write_unchanged(text, instead="send it to a file (> FILE), or name the file: fmt FILE")
    elif changed:
        _name(changed)
    if refused:
        _show_problems(session, refused)
    if rows := [path.as_posix() for path in paths if path.suffix.casefold() == ROWS]:
        _name_rows(rows)
    if not piped:
        write_message(_summary(len(layouts), len(changed), len(refused), written=not (check or diff)))
    if refused:
        return 1
    return 2 if check and changed else 0


def _show_differences(session: Session, changed: list[FormattedFile], every: list[FormattedFile]) -> None:
    from kiamo_iac.document.masking import sensitive_paths_in
    from kiamo_iac.render.escape import visible
    from kiamo_iac.render.file_diff import unified

    color = session.style(sys.stdout).color
    listed = frozenset().union(*(sensitive_paths_in(layout.after) for layout in every)) if changed else frozenset()
    for layout in changed:
        text = unified(layout.before, layout.after, name=layout.shown, listed=listed, color=color)
        if text:
            write_data(text, utf8=not is_terminal(sys.stdout), verbatim=True)
        else:
            write_message(f"{visible(layout.shown)} would be written as UTF-8 without a byte order mark.")


def _name(changed: list[FormattedFile]) -> None:
    from kiamo_iac.render.escape import document, visible

    write_data(document(visible(layout.shown) for layout in changed))


def _name_rows(paths: list[str]) -> None:
    from kiamo_iac.render.escape import visible

    for path in paths:
        write_message(f"{visible(path)} holds rows: not formatted.")


def _show_problems(session: Session, refused: list[FormattedFile]) -> None:
    from kiamo_iac.render.diagnostics import render_text

    problems = [diagnostic for layout in refused for diagnostic in layout.diagnostics]
    write_message(render_text(problems, session.style(sys.stderr)), nl=False)


def _summary(files: int, changed: int, refused: int, *, written: bool) -> str:
    """`6 files: 2 formatted, 1 not changed (errors), 3 already formatted.`"""
    parts = []
    if changed:
        parts.append(f"{changed} formatted" if written else f"{changed} would change")
    if refused:
        parts.append(f"{refused} not changed (errors)")
    if files - changed - refused or not parts:
        parts.append(f"{files - changed - refused} already formatted")
    noun = "file" if files == 1 else "files"
    return f"{files} {noun}: {', '.join(parts)}."
