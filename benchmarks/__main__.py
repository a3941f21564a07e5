"""`python -m benchmarks [--smoke] [ROW…]`: measures the rows and prints them as a Markdown table."""

from __future__ import annotations

import argparse
import platform
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.harness import Line, Scale, measure, table
from benchmarks.rows import ROWS


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure; 1 when an exact count is wrong or, in a full run, a bar is missed. A row that cannot run raises."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="kiamo-iac side by side with its peers")
    parser.add_argument(
        "--smoke", action="store_true", help="tiny sizes: does every row run, are the exact counts right"
    )
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
    print(f"{platform.python_implementation()} {platform.python_version()} on {platform.system()} {platform.machine()}")
    print(table(lines))
    if chosen.smoke:
        print("A smoke run: every row ran, at tiny sizes; only exact counts are judged.")
    return 1 if any(line.verdict == "fail" for line in lines) else 0


if __name__ == "__main__":
    sys.exit(main())
