"""The cost of loading, comparing and ordering, with the live state in a file."""

from __future__ import annotations

from pathlib import Path

from benchmarks import documents, octodns, terraform
from benchmarks.harness import Missing, Outcome, Pairs, Row, Scale, alternate
from benchmarks.live import live
from benchmarks.process import Run, inside, offline_plan
from benchmarks.rows.live import plan

MEGABYTE = 1_000_000


def load(scale: Scale, pairs: int) -> Outcome:
    """YAML to data, in one process."""
    return Pairs(inside("load", str(scale.of(1000, 20)), str(pairs)))


def planner_growth(scale: Scale, pairs: int) -> Outcome:
    """The planner alone, in one process."""
    return Pairs(inside("planner", str(scale.of(10_000, 100)), str(pairs)))


def offline(scale: Scale, count: int) -> tuple[Path, Path]:
    """A project with so many documents, and a file with the live state that matches."""
    folder = scale.folder / f"offline-{count}"
    project = folder / "kiamo.yaml"
    snapshot = folder / "live.json"
    if not folder.exists():
        documents.project(folder, count)
        inside("offline", "--snapshot", str(count), str(snapshot))
    return project, snapshot


def against_terraform(scale: Scale, pairs: int) -> Outcome:
    """A whole process that loads, compares and prints; terraform's state is a file as well."""
    if not terraform.installed():
        return Missing(terraform.NOT_INSTALLED)
    count = scale.of(1000, 10)
    project, snapshot = offline(scale, count)
    peer = terraform.configuration(scale.folder / "terraform", count)
    return Pairs(alternate(pairs, lambda: offline_plan(project, snapshot).wall, lambda: terraform.plan(peer).wall))


def against_octodns(scale: Scale, pairs: int) -> Outcome:
    """The same, compared with a sync of as many DNS records."""
    count = scale.of(1000, 10)
    project, snapshot = offline(scale, count)
    peer = octodns.configuration(scale.folder / "octodns", count)
    return Pairs(alternate(pairs, lambda: offline_plan(project, snapshot).wall, lambda: octodns.sync(peer).wall))


def over_http(scale: Scale, pairs: int) -> Outcome:
    """The real command, which makes 2,002 API calls, compared with terraform, which makes none."""
    if not terraform.installed():
        return Missing(terraform.NOT_INSTALLED)
    count = scale.of(1000, 10)
    project = documents.project(scale.folder / "over-http", count)
    peer = terraform.configuration(scale.folder / "terraform-http", count)
    with live() as instance:
        instance.seed(count)
        return Pairs(alternate(pairs, lambda: plan(project, instance).wall, lambda: terraform.plan(peer).wall))


def memory(scale: Scale, pairs: int) -> Outcome:
    """Peak memory of the real command, which reads the instance over HTTP, and of terraform."""
    if not terraform.installed():
        return Missing(terraform.NOT_INSTALLED)
    count = scale.of(5000, 10)
    project = documents.project(scale.folder / "memory", count)
    peer = terraform.configuration(scale.folder / "terraform-memory", count)
    taken = []
    with live() as instance:
        instance.seed(count)
        for _ in range(pairs):
            own, peers = _peak(plan(project, instance)), _peak(terraform.plan(peer))
            if own is None or peers is None:
                return Missing("this system does not report the memory of a child process")
            taken.append((own, peers))
    return Pairs(taken, unit="MB")


def _peak(done: Run) -> float | None:
    return None if done.peak is None else done.peak / MEGABYTE


ROWS = (
    Row("load", "load 1,000 documents with places", "PyYAML CSafeLoader, without", 0.75, load, pairs=9),
    Row("planner", "the planner alone, 10,000 documents", "1,000", 11.5, planner_growth),
    Row("terraform", "plan of 1,000 documents, live state at hand", "terraform plan", 0.15, against_terraform),
    Row("terraform-http", "`plan` of 1,000 documents over HTTP", "terraform plan", 0.3, over_http, pairs=3),
    Row("memory", "peak memory, `plan` of 5,000 documents", "terraform plan", 0.1, memory, pairs=1),
    Row("octodns", "plan of 1,000 documents, live state at hand", "octodns-sync, 1,000 records", None, against_octodns),
)
