"""`kiamo-iac schema`: the JSON Schemas, for editors and CI."""

from __future__ import annotations

from typing import Any

import click

from kiamo_iac.cli.terminal import write_data

EPILOG = """\b
Examples:
  kiamo-iac schema manifest > manifest.schema.json
  # and as the first line of a manifest, for editors with a YAML language server:
  # yaml-language-server: $schema=../manifest.schema.json
"""

FORMATS = ("drift", "ledger", "manifest", "plan", "report", "validate")


@click.command(epilog=EPILOG, short_help="Print the JSON Schema of a format, for editors and CI.")
@click.argument("which", type=click.Choice(FORMATS), metavar="|".join(FORMATS))
def schema(which: str) -> int:
    """Print the JSON Schema of a format, for editors and CI.

    `manifest` describes manifests; `drift`, `plan`, `report` and `validate` what drift, plan, apply and
    validate write with --format json; `ledger` the ledger, and each line of its file. Draft 2020-12.
    """
    from kiamo_iac.render.escape import json_document

    write_data(json_document(schema_of(which)), utf8=True)
    return 0


def schema_of(which: str) -> dict[str, Any]:
    """One of `FORMATS` as data."""
    from kiamo_iac.render import schemas

    match which:
        case "manifest":
            from kiamo_iac.manifest.schema import manifest_schema

            return manifest_schema()
        case "ledger":
            from kiamo_iac.ledger.schema import ledger_schema

            return ledger_schema()
        case "drift":
            return schemas.drift_schema()
        case "plan":
            return schemas.plan_schema()
        case "report":
            return schemas.report_schema()
        case _:
            return schemas.validate_schema()
