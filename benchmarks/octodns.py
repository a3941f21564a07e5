"""octoDNS as a peer: a zone of N records in YAML on both sides, so a sync finds nothing to do and needs no network."""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.process import Run, run

_CONFIG = """\
providers:
  source: {class: octodns.provider.yaml.YamlProvider, directory: ./zones, enforce_order: false}
  target: {class: octodns.provider.yaml.YamlProvider, directory: ./zones, enforce_order: false}
zones:
  example.com.: {sources: [source], targets: [target]}
"""


def configuration(folder: Path, records: int) -> Path:
    """A folder with a zone of `records` A records; returns its configuration file."""
    (folder / "zones").mkdir(parents=True)
    zone = "".join(
        f"host-{n:05}:\n  type: A\n  ttl: 300\n  value: 192.0.{n // 250 % 250}.{n % 250 + 1}\n" for n in range(records)
    )
    (folder / "zones" / "example.com.yaml").write_text(f"---\n{zone}", encoding="utf-8")
    file = folder / "config.yaml"
    file.write_text(_CONFIG, encoding="utf-8")
    return file


def sync(file: Path) -> Run:
    """A dry `octodns-sync` of it."""
    command = (sys.executable, "-c", "from octodns.cmds.sync import main; main()", f"--config-file={file.name}")
    return run(command, cwd=file.parent)
