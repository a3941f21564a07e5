"""`kiamo-iac schema`: the JSON Schemas, for editors and CI."""

from __future__ import annotations

from pathlib import Path

import click

from kiamo_iac.cli.options import NamedPath, schema_names
from kiamo_iac.cli.session import Session, pass_session
from kiamo_iac.cli.terminal import write_data, write_message

EPILOG = """\b
Examples:
  kiamo-iac schema
  kiamo-iac schema manifest > manifest.schema.json
  kiamo-iac schema --out .schemas
  # and as the first line of a manifest, for editors with a YAML language server:
  # yaml-language-server: $schema=../.schemas/manifest.schema.json

\b
Exit codes: 0 printed or written, 1 error, 64 usage, or no such schema.
"""


@click.command(epilog=EPILOG, short_help="Print the JSON Schema of a format, for editors and CI.")
@click.argument("name", required=False, shell_complete=schema_names)
@click.option("--out", type=NamedPath(file_okay=False), metavar="DIR", help="Write into this folder.")
@pass_session
def schema(session: Session, *, name: str | None, out: Path | None) -> int:
    """Print the JSON Schema NAME, or list the names.

    With --out, write it, or all schemas without NAME, into DIR. In a project, schemas of manifests list the
    values that its contract allows. JSON Schema draft-07. Makes no API call.
    """
    from kiamo_iac.app.schemas import catalogue_in_force, find_schema, write_schemas
    from kiamo_iac.render.escape import json_document

    known = catalogue_in_force(session.project)
    wanted = known if name is None else {name: find_schema(name, known)}
    if out is not None:
        written = write_schemas(wanted, out, json_document)
        write_message(f"{len(wanted)} schema{'' if len(wanted) == 1 else 's'} in {out}: {written} written.")
    elif name is not None:
        write_data(json_document(known[name].make()), utf8=True)
    else:
        width = max(map(len, known))
        write_data("".join(f"{each:{width}}  {entry.line}\n" for each, entry in known.items()))
    return 0
