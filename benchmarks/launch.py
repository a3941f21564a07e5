"""Runs one command and writes its wall time, CPU time and peak memory as JSON. It is small, because a child inherits
its peak.

On Linux `ru_maxrss` of a child starts at the memory of the process that forked it: a harness holding 200 MB could never
see a child with less. Hence this file: `python -I -S launch.py REPORT COMMAND…`, ten megabytes in all.
"""

import json
import os
import subprocess
import sys
import time


def main() -> int:
    """Run the command of `sys.argv`; this process ends with its exit code."""
    report, command = sys.argv[1], sys.argv[2:]
    started = time.perf_counter()
    child = subprocess.Popen(command)
    cpu: float | None = None
    peak: int | None = None
    if hasattr(os, "wait4"):
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.perf_counter() - started
        child.returncode = os.waitstatus_to_exitcode(status)
        cpu = usage.ru_utime + usage.ru_stime
        peak = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)  # macOS counts bytes, Linux kibibytes
    else:
        child.wait()
        wall = time.perf_counter() - started
    with open(report, "w", encoding="utf-8") as file:  # noqa: PTH123 - pathlib is a third of this file's own start-up
        json.dump({"wall": wall, "cpu": cpu, "peak": peak}, file)
    return child.returncode


if __name__ == "__main__":
    sys.exit(main())
