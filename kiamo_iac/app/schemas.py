"""The catalogue of JSON Schemas."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kiamo_iac.app.project import contract_of_project, project_above
from kiamo_iac.core.diagnostics import did_you_mean
from kiamo_iac.core.errors import UsageError
from kiamo_iac.document.files import write_text
from kiamo_iac.resources import kinds

if TYPE_CHECKING:
    from kiamo_iac.core.capabilities import Capabilities

Schema = dict[str, Any]


@dataclass(frozen=True, slots=True)
class SchemaEntry:
    """A schema of the catalogue."""

    line: str
    """What it describes, in one line."""
    file: str
    """Its file below the folder of schemas, with forward slashes."""
    make: Callable[[], Schema]


def catalogue(capabilities: Capabilities | None = None) -> Mapping[str, SchemaEntry]:
    """Name → schema. With `capabilities`, the schemas of manifests allow only the values of that contract."""
    from kiamo_iac.contract import schema as contract_schema
    from kiamo_iac.contract.recording import recording_schema
    from kiamo_iac.ledger.journal import journal_schema
    from kiamo_iac.ledger.lines import ledger_schema
    from kiamo_iac.manifest import schema
    from kiamo_iac.manifest.project.schema import project_schema
    from kiamo_iac.planner.plan_file import saved_plan_schema
    from kiamo_iac.planner.plan_json import plan_schema
    from kiamo_iac.render.composed import composed_schema
    from kiamo_iac.render.doctor import doctor_schema
    from kiamo_iac.render.environments import plans_schema
    from kiamo_iac.render.journal import run_schema, runs_schema
    from kiamo_iac.render.json_formats import drift_schema, validate_schema
    from kiamo_iac.render.ledger import owned_schema
    from kiamo_iac.render.promotion import promotion_schema
    from kiamo_iac.render.run import report_schema

    whole: dict[str, tuple[str, Callable[[], Schema]]] = {
        "manifest": ("a manifest", partial(schema.manifest_schema, capabilities)),
        "patch": ("a patch: a manifest in which null removes a value", partial(schema.patch_schema, capabilities)),
        "project": ("the project file, kiamo.yaml", project_schema),
        "contract": ("a complete contract, as printed by contract show --format json", contract_schema.contract_schema),
        "contract-override": (
            "an override of the contract: the file of contract: in kiamo.yaml",
            contract_schema.override_schema,
        ),
        "plan": ("plan --format json", plan_schema),
        "plans": ("plan --all-environments --format json", plans_schema),
        "composed": ("render --format json", composed_schema),
        "saved-plan": ("the file of plan --out", saved_plan_schema),
        "promotion": ("promote --format json", promotion_schema),
        "report": ("apply --format json", report_schema),
        "drift": ("drift --format json", drift_schema),
        "validate": ("validate --format json", validate_schema),
        "doctor": ("doctor --format json", doctor_schema),
        "recording": ("the file of doctor --record", recording_schema),
        "owned": ("ledger list --format json", owned_schema),
        "ledger": ("the ledger, and each line of its file", ledger_schema),
        "journal": ("a line of the journal of a run", journal_schema),
        "runs": ("journal list --format json", runs_schema),
        "run": ("journal show --format json", run_schema),
    }
    found = {name: SchemaEntry(line, f"{name}.schema.json", make) for name, (line, make) in whole.items()}
    for kind in kinds():
        line = f"one {kind}: a block at the top of a manifest"
        make = partial(schema.kind_schema, kind, capabilities)
        found[kind] = SchemaEntry(line, f"kinds/{kind}.schema.json", make)
    return found


def catalogue_in_force(project: Path | None) -> Mapping[str, SchemaEntry]:
    """The schemas for the contract of a project (None: the nearest one); outside a project, for any contract.

    Raises:
        UsageError: `project` is given and does not exist.
        ManifestError: project file or contract holds problems.
    """
    from kiamo_iac.manifest.project.file import load_project

    found = project or project_above(Path.cwd())
    if found is None:
        return catalogue()
    return catalogue(contract_of_project(load_project(found)).capabilities())


def find_schema(name: str, known: Mapping[str, SchemaEntry]) -> SchemaEntry:
    """One of `known` by its name.

    Raises:
        UsageError: there is no such schema.
    """
    if name not in known:
        msg = f'There is no schema "{name}".'
        raise UsageError(msg, hint=did_you_mean(name, known) or f"choose one of {', '.join(known)}")
    return known[name]


def write_schemas(wanted: Mapping[str, SchemaEntry], folder: Path, text_of: Callable[[Schema], str]) -> int:
    """Write each into its file below `folder`, unless the file has that content; returns the number of files written.

    Raises:
        UsageError: a file cannot be written.
    """
    written = 0
    for entry in wanted.values():
        path = folder / entry.file
        content = text_of(entry.make())
        try:
            if path.is_file() and path.read_bytes() == content.encode("utf-8"):
                continue
            folder.mkdir(parents=True, exist_ok=True)
            write_text(path, content, within=folder)
        except OSError as error:
            msg = f"{path} cannot be written: {error.strerror or error}."
            raise UsageError(msg, hint="pass a folder that you may write to") from error
        written += 1
    return written
