"""What the tests of manifests share: loading files, and the codes of their diagnostics."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from kiamo_iac.core.capabilities import Capabilities
from kiamo_iac.core.diagnostics import Diagnostic, Severity
from kiamo_iac.manifest.loader import Loaded, load
from tests.manifest.packaged import CAPABILITIES


def loaded(root: Path, files: Mapping[str, str] | str, capabilities: Capabilities = CAPABILITIES) -> Loaded:
    """The manifests of `files` (name → text; a text alone stands in m.yaml), loaded."""
    named = {"m.yaml": files} if isinstance(files, str) else files
    paths = [root / name for name in named]
    for path, text in zip(paths, named.values(), strict=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return load(paths, root=root, capabilities=capabilities)


def codes(diagnostics: Iterable[Diagnostic]) -> list[str]:
    """`m.yaml:3:5 KIA0202`, warnings with a question mark behind."""
    return [f"{d.source} {d.code}{'?' if d.severity is Severity.WARNING else ''}" for d in diagnostics]
