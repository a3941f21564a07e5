"""Terraform as a peer: the documents as `terraform_data`, which is built in, so that nothing is downloaded.

The state is written here instead of by `terraform apply`, which takes 90 s for 1,000 documents and grows like N^1.8.
"""

from __future__ import annotations

import json
import shutil
import uuid
from pathlib import Path
from typing import Any

from benchmarks import documents
from benchmarks.process import Run, RunFailed, run

NOT_INSTALLED = "terraform is not installed"


def installed() -> bool:
    """Whether there is a terraform on the PATH."""
    return shutil.which("terraform") is not None


def configuration(folder: Path, count: int) -> Path:
    """A folder with `count` documents and the state in which they all exist as declared."""
    folder.mkdir()
    bases = {f"base_{number:05}": documents.base(number) for number in range(count)}
    resources = {"terraform_data": {name: {"input": base} for name, base in bases.items()}}
    (folder / "main.tf.json").write_text(json.dumps({"resource": resources}), encoding="utf-8")
    state = {
        "version": 4,
        "terraform_version": "1.0.0",
        "serial": 1,
        "lineage": str(uuid.UUID(int=1)),
        "outputs": {},
        "resources": [_in_state(name, base, number) for number, (name, base) in enumerate(bases.items())],
        "check_results": None,
    }
    (folder / "terraform.tfstate").write_text(json.dumps(state), encoding="utf-8")
    return folder


def plan(folder: Path) -> Run:
    """`terraform plan` there, which must find nothing to do.

    Raises:
        RunFailed: it failed, or found changes: the work is not comparable.
    """
    done = run(("terraform", "plan", "-input=false", "-no-color", "-lock=false"), cwd=folder)
    if "No changes." not in done.stdout:
        msg = f"terraform plan found changes in a state made to match:\n{done.stdout[-1000:]}"
        raise RunFailed(msg)
    return done


def _in_state(name: str, base: dict[str, Any], number: int) -> dict[str, Any]:
    value = {"value": base, "type": _type_of(base)}
    attributes = {"id": str(uuid.UUID(int=number)), "input": value, "output": value, "triggers_replace": None}
    return {
        "mode": "managed",
        "type": "terraform_data",
        "name": name,
        "provider": 'provider["terraform.io/builtin/terraform"]',
        "instances": [{"schema_version": 0, "attributes": attributes, "sensitive_attributes": []}],
    }


def _type_of(value: Any) -> Any:
    match value:
        case str():
            return "string"
        case list():
            return ["tuple", [_type_of(item) for item in value]]
        case dict():
            return ["object", {key: _type_of(item) for key, item in value.items()}]
        case _:
            msg = f"no type for {value!r}"
            raise TypeError(msg)
