"""The cost of the ledgers that are not files: an apply with each, beside the same with a file."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

from benchmarks import documents
from benchmarks.harness import Outcome, Pairs, Row, Scale, alternate
from benchmarks.live import LATENCY, live
from benchmarks.process import quiet
from benchmarks.rows.live import applied
from tests.ledger.state_server import PASSWORD, USER, State, serving

COUNT = 400


def http(scale: Scale, pairs: int) -> Outcome:
    """A ledger behind Terraform's HTTP state protocol, on loopback."""
    with serving(State()) as server:
        credentials = {"KIAMO_BENCH_LEDGER_USERNAME": USER, "KIAMO_BENCH_LEDGER_PASSWORD": PASSWORD}

        def empty() -> None:
            server.body = server.lock = None
            server.serials.clear()

        return _beside_a_file(
            scale, pairs, f'{{backend: http, address: "{server.address}"}}', clear=empty, more=credentials
        )


def git(scale: Scale, pairs: int) -> Outcome:
    """A ledger on a git ref, in a remote on the same disk."""
    remote = scale.folder / "ledger.git"

    def empty() -> None:
        shutil.rmtree(remote, ignore_errors=True)
        _git("init", "--quiet", "--bare", str(remote))

    return _beside_a_file(scale, pairs, "{backend: git}", clear=empty, remote=remote)


def _beside_a_file(
    scale: Scale,
    pairs: int,
    ledger: str,
    *,
    clear: Callable[[], None],
    more: Mapping[str, str] | None = None,
    remote: Path | None = None,
) -> Outcome:
    count = scale.of(COUNT, 4)
    kind = "git" if remote else "http"
    file, other = (documents.project(scale.folder / f"ledger-{kind}-{which}", count) for which in ("file", "other"))
    other.write_text(other.read_text(encoding="utf-8") + f"    ledger: {ledger}\n", encoding="utf-8")
    if remote is not None:
        _git("init", "--quiet", str(other.parent))
        _git("-C", str(other.parent), "remote", "add", "origin", str(remote))
    with live(latency=LATENCY) as instance:

        def own() -> float:
            clear()
            return applied(other, instance, count, more=more)

        return Pairs(alternate(pairs, own, lambda: applied(file, instance, count)))


def _git(*arguments: str) -> None:
    subprocess.run(("git", *arguments), check=True, capture_output=True, env=quiet())


ROWS = (
    Row("ledger-http", "`apply` of 400 with a ledger behind HTTP", "with a file", 1.2, http, pairs=3),
    Row("ledger-git", "`apply` of 400 with a ledger on a git ref", "with a file", 1.2, git, pairs=3),
)
