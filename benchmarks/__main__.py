"""`python -m benchmarks [--smoke] [ROW…]`: measures the rows and prints them as a Markdown table."""

from __future__ import annotations

import argparse
import contextlib
import os
import platform
import re
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.harness import Line, Scale, measure, table
from benchmarks.rows import ROWS

RESULTS = """\
# Results

`make bench ARGS="--results benchmarks/results.md"` on {date}. {machine}. How to read it: [README](README.md).

"""


def machine() -> str:
    """The interpreter, the system and the processor, in one line."""
    model = platform.processor() or "an unnamed processor"
    with contextlib.suppress(OSError):
        found = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text("utf-8"), re.MULTILINE)
        model = found[1] if found else model
    memory = ""
    with contextlib.suppress(ValueError, OSError, AttributeError):
        memory = f", {os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB"
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{python} on {platform.system()} {platform.machine()}, {os.cpu_count()} × {model}{memory}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure; 1 when an exact count is wrong or, in a full run, a bar is missed. A row that cannot run raises."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="kiamo-iac side by side with its peers")
    parser.add_argument(
        "--smoke", action="store_true", help="tiny sizes: does every row run, are the exact counts right"
    )
    parser.add_argument("--results", type=Path, metavar="FILE", help="also write the table to this file")
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"only these: {', '.join(row.key for row in ROWS)}")
    chosen = parser.parse_args(arguments)
    unknown = set(chosen.rows) - {row.key for row in ROWS}
    if unknown:
        parser.error(f"no such row: {', '.join(sorted(unknown))}")
    rows = [row for row in ROWS if not chosen.rows or row.key in chosen.rows]
    lines: list[Line] = []
    with tempfile.TemporaryDirectory(prefix="kiamo-iac-bench-") as folder:
        for line in measure(rows, Scale(smoke=chosen.smoke, folder=Path(folder))):
            lines.append(line)
            print(f"{line.row.key}: {line.seconds:.1f} s", file=sys.stderr)
    print(machine())
    print(table(lines))
    if chosen.results is not None:
        head = RESULTS.format(date=datetime.now(UTC).date(), machine=machine())
        chosen.results.write_text(f"{head}{table(lines)}\n", encoding="utf-8")
    if chosen.smoke:
        print("A smoke run: every row ran, at tiny sizes; only exact counts are judged.")
    return 1 if any(line.verdict == "fail" for line in lines) else 0


if __name__ == "__main__":
    sys.exit(main())
