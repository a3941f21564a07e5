"""The documents that are measured, the same on every run: a base with 10 fields and 2 batches, 29 lines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

FIELDS = 10
BATCHES = ("spring", "autumn")
SERVICE = "Outbound"
ASSOCIATION = {"destination": "phone", "city": "field_1", "name": "field_2"}


def base(number: int) -> dict[str, Any]:
    """Document `number` as the data of a manifest."""
    name = f"base {number:05}"
    return {
        "name": name,
        "label": f"The contacts of {name}",
        "fields": [{"name": f"field_{j}", "label": f"Field {j}", "datatype": "string"} for j in range(FIELDS)],
        "batches": [
            {"name": batch, "service": SERVICE, "association": ASSOCIATION, "initial_state": "new"} for batch in BATCHES
        ],
    }


def text(number: int) -> str:
    """Document `number` as YAML, 29 lines, formatted as people write it."""
    document = base(number)
    lines = ["bases:", f"  - name: {document['name']}", f"    label: {document['label']}", "    fields:"]
    lines += [
        f"      - {{name: {f['name']}, label: {f['label']}, datatype: {f['datatype']}}}" for f in document["fields"]
    ]
    lines.append("    batches:")
    for batch in document["batches"]:
        lines += [f"      - name: {batch['name']}", f"        service: {batch['service']}", "        association:"]
        lines += [f"          {role}: {field}" for role, field in batch["association"].items()]
        lines.append(f"        initial_state: {batch['initial_state']}")
    return "\n".join(lines) + "\n"


def project(folder: Path, documents: int, *, url: str = "http://127.0.0.1:1") -> Path:
    """A project with that many documents, a file each; returns its project file. `url`: of its environment `bench`."""
    manifests = folder / "manifests"
    manifests.mkdir(parents=True)
    for number in range(documents):
        (manifests / f"base-{number:05}.yaml").write_text(text(number), encoding="utf-8")
    file = folder / "kiamo.yaml"
    file.write_text(f"manifests: [manifests]\nenvironments:\n  bench:\n    url: {url}\n", encoding="utf-8")
    return file
