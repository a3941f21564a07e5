"""`python -m tests.committed_files`: no path of a machine, package index, token or too large a file is committed."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LINES = 500
"""The longest a file of the program may be."""
PICTURE = 200_000
"""The largest a picture may be, in bytes."""
ACTION = re.compile(
    r"(?:# +)?(?:- )?uses: (?![0-9a-f]{40})[\w.-]{1,39}/(?![0-9a-f]{40})[\w.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+"
)
"""A line of a workflow that names an action by its commit, with its version in a comment: these are allowed."""

_HOMES = "|".join(("root", "home/[a-z]", "Users/[A-Za-z]", "opt/py", "opt/wh", "work/"))
_OPTIONS = "|".join(("index" + "-url", "find" + "-links", "trusted" + "-host"))
FORBIDDEN = {
    "a path of a machine": re.compile(rf"(?<![\w.:{{}}/])/(?:{_HOMES})|[A-Z]:\\\\?Users"),
    "the address of a package index": re.compile(rf"https?://\S+/simple\b|--(?:extra-)?(?:{_OPTIONS})"),
    "what looks like a token (40 hex digits)": re.compile(r"(?<![0-9A-Za-z])[0-9A-Fa-f]{40}(?![0-9A-Za-z])"),
}


def committed() -> list[Path]:
    """Every file that git tracks, without the corpus, which is hostile on purpose."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True).stdout
    return [
        path for name in listed.split("\0") if name and "corpus" not in (path := ROOT / name).parts and path.exists()
    ]


def problems_of(path: Path) -> Iterator[str]:
    """Each line of `path` that may not be committed, as `file:line: why`."""
    name = path.relative_to(ROOT).as_posix()
    if path.suffix == ".png":
        if path.stat().st_size > PICTURE:
            yield f"{name}: {path.stat().st_size} bytes; a picture has at most {PICTURE}"
        return
    lines = path.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines, start=1):
        if not ACTION.fullmatch(line.strip()):
            yield from (f"{name}:{number}: {what}" for what, pattern in FORBIDDEN.items() if pattern.search(line))
    if path.suffix == ".py" and name.startswith(("kiamo_iac/", "benchmarks/")) and len(lines) > LINES:
        yield f"{name}: {len(lines)} lines; a file has at most {LINES}"


def main() -> int:
    """Print every problem; 1 when there is one."""
    files = committed()
    problems = [problem for path in files for problem in problems_of(path)]
    for problem in problems:
        sys.stderr.write(f"{problem}\n")
    sys.stdout.write(f"{len(files)} committed files read, {len(problems)} problems\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
