"""`python -m tests.regenerate`: write every generated file; with `--check`, name the stale ones and exit 1.

Files are generated whole; README.md has generated blocks between `<!-- BEGIN generated: NAME -->` and
`<!-- END generated -->`.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from kiamo_iac.app.schemas import catalogue
from kiamo_iac.cli import reference
from kiamo_iac.core.codes import CODES
from kiamo_iac.render.base import plan_renderer
from kiamo_iac.render.escape import json_document
from tests import assumption_page, schema_pages
from tests.faults import rows
from tests.render.checks import CHECK_SUFFIXES, CHECKS, GOLDEN_CHECK, rendered_check
from tests.render.drifts import DRIFTS, rendered
from tests.render.goldens import GOLDEN, GOLDEN_DRIFT, SHELL, STYLES, golden_text, shell_of
from tests.render.plans import PLANS

ROOT = Path(__file__).resolve().parent.parent

BLOCKS: Mapping[str, Callable[[], str]] = {"commands": reference.command_table}
"""The generators of blocks, by name."""

BLOCK = re.compile(r"(<!-- BEGIN generated: (?P<name>[\w-]+) -->\n).*?(<!-- END generated -->)", re.DOTALL)


def with_blocks(text: str) -> str:
    """`text` with every generated block regenerated.

    Raises:
        KeyError: a block has an unknown name.
    """
    return BLOCK.sub(lambda found: f"{found[1]}{BLOCKS[found['name']]()}\n{found[3]}", text)


def diagnostic_page() -> str:
    """Every diagnostic code with its meaning."""
    rows = ((f"`{code}`", meaning) for code, meaning in sorted(CODES.items()))
    table = reference.table(rows, heads=("code", "meaning"))
    return f"# Diagnostics\n\nEvery code that `validate`, `plan` and `apply` may show.\n\n{table}\n"


def exit_code_page() -> str:
    """Every exit code."""
    more = "What to do about each of them: [when a run fails half-way](../how-to/failed-runs.md)."
    return f"# Exit codes\n\nThe same for every command.\n\n{reference.exit_code_table()}\n\n{more}\n"


def environment_page() -> str:
    """Every environment variable."""
    more = (
        "Tokens are never written to a file, an option, a plan or a log. An empty variable is unset.\n\n"
        "`HTTPS_PROXY` and `NO_PROXY` apply to https. For a private certificate authority, pass `--ca-bundle FILE`;\n"
        "certificate checks cannot be turned off.\n\n"
        "How to set pins: [tokens of a pipeline](../how-to/pipelines.md#tokens). The credentials of a ledger:\n"
        "[the ledger](../how-to/ledger.md#credentials)."
    )
    return f"# Environment variables\n\n{reference.variable_table()}\n\n{more}\n"


def generated() -> Iterator[tuple[Path, str]]:
    """Every generated file and its text."""
    for entry in catalogue().values():
        yield ROOT / "schemas" / entry.file, json_document(entry.make())
    yield ROOT / "docs" / "reference" / "diagnostics.md", diagnostic_page()
    yield ROOT / "docs" / "reference" / "commands.md", reference.command_pages()
    yield ROOT / "docs" / "reference" / "exit-codes.md", exit_code_page()
    yield ROOT / "docs" / "reference" / "environment.md", environment_page()
    yield ROOT / "docs" / "reference" / "assumptions.md", assumption_page.page()
    for page_name, text in schema_pages.pages():
        yield ROOT / "docs" / "reference" / page_name, text
    yield ROOT / "README.md", with_blocks((ROOT / "README.md").read_text(encoding="utf-8"))
    for plan_name, make in PLANS.items():
        for suffix, (format_name, style) in STYLES.items():
            text = plan_renderer(format_name, style).render(make())
            yield GOLDEN / f"{plan_name}.{suffix}", golden_text(text, suffix)
    yield SHELL, shell_of(rendered(DRIFTS["none"], "html"))
    for drift_name, drift in DRIFTS.items():
        for suffix in STYLES:
            yield GOLDEN_DRIFT / f"{drift_name}.{suffix}", golden_text(rendered(drift, suffix), suffix)
    for check_name in CHECKS:
        for suffix in CHECK_SUFFIXES:
            yield GOLDEN_CHECK / f"{check_name}.{suffix}", rendered_check(check_name, suffix)
    yield ROOT / "tests" / "faults" / "README.md", rows.page()


def stale() -> list[tuple[Path, str]]:
    """The generated files that are not up to date, with their text."""
    return [(path, text) for path, text in generated() if not path.is_file() or path.read_bytes() != text.encode()]


def main(arguments: list[str]) -> int:
    """Write or check; 1 when `--check` finds a stale file, 64 for an unknown argument."""
    if arguments not in ([], ["--check"]):
        sys.stderr.write("usage: python -m tests.regenerate [--check]\n")
        return 64
    found = stale()
    for path, text in found:
        sys.stdout.write(f"{'stale' if arguments else 'written'}: {path.relative_to(ROOT).as_posix()}\n")
        if not arguments:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode())
    if found and arguments:
        sys.stderr.write("Run `make regenerate` and commit the result.\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
