"""The cost of reading and writing an instance: an emulator in its own process, in some rows 20 ms away."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from benchmarks import documents
from benchmarks.harness import Counts, Missing, Outcome, Pairs, Row, Scale, alternate
from benchmarks.live import LATENCY, Live, generated, live
from benchmarks.process import KIAMO_IAC, Run, inside, run

IN_FLIGHT = 16
"""Reads at a time in the row that measures reading alone."""
READS = 10
"""Reads that the program makes at a time."""
WRITES = 4
"""Writes that the program makes at a time, by default."""


def plan(project: Path, instance: Live) -> Run:
    """`kiamo-iac plan` of a project against an instance."""
    return run((*KIAMO_IAC, "--project", str(project), "plan", "-e", "bench"), environment=instance.environment)


def apply(project: Path, instance: Live, *, more: Mapping[str, str] | None = None) -> Run:
    """`kiamo-iac apply --yes` of a project to an instance. `more`: environment variables."""
    return run(
        (*KIAMO_IAC, "--project", str(project), "apply", "-e", "bench", "--yes"),
        environment={**instance.environment, **(more or {})},
    )


def read(scale: Scale, pairs: int) -> Outcome:
    """The live state of N bases, read with 16 calls in flight, beside the floor under that."""
    count = scale.of(500, 8)
    with live(latency=LATENCY) as instance:
        instance.seed(count)
        return Pairs(inside("read", str(count), str(IN_FLIGHT), str(pairs), environment=instance.environment))


def plan_wall(scale: Scale, pairs: int) -> Outcome:
    """A plan with nothing to do, compared with the floor under its reads and its offline part."""
    count = scale.of(1000, 8)
    project = documents.project(scale.folder / "plan-wall", count)
    with live(latency=LATENCY) as instance:
        instance.seed(count)

        def parts() -> float:
            reads = inside("floor", "reads", str(count), str(READS), environment=instance.environment)
            return float(reads) + run((*KIAMO_IAC, "--project", str(project), "validate")).wall

        return Pairs(alternate(pairs, lambda: plan(project, instance).wall, parts))


def gets_of_a_plan(scale: Scale, _pairs: int) -> Outcome:
    """Only the bases that manifests name are read, whatever the instance holds beside them."""
    count, beside = scale.of(100, 5), scale.of(200, 7)
    project = documents.project(scale.folder / "gets", count)
    with live() as instance:
        instance.seed(count, beside=beside)
        plan(project, instance)
        return Counts([(instance.count()[0], 2 + 2 * count)])


def writes_of_nothing(scale: Scale, _pairs: int) -> Outcome:
    """An apply with nothing to do writes nothing."""
    count = scale.of(100, 5)
    project = documents.project(scale.folder / "nothing", count)
    with live() as instance:
        instance.seed(count)
        apply(project, instance)
        return Counts([(instance.count()[1], 0)])


def apply_new(scale: Scale, pairs: int) -> Outcome:
    """An apply of documents that are all new, beside the floor under its writes."""
    count = scale.of(400, 4)
    project = documents.project(scale.folder / "apply", count)
    with live(latency=LATENCY) as instance:

        def floor() -> float:
            instance.seed(0)
            return float(inside("floor", "writes", str(count), str(WRITES), environment=instance.environment))

        return Pairs(alternate(pairs, lambda: applied(project, instance, count), floor))


def apply_growth(scale: Scale, pairs: int) -> Outcome:
    """An apply of 2N documents, all new, beside one of N."""
    count = scale.of(300, 3)
    one, two = (documents.project(scale.folder / f"growth-{n}", n * count) for n in (1, 2))
    with live(latency=LATENCY) as instance:
        return Pairs(alternate(pairs, lambda: applied(two, instance, 2 * count), lambda: applied(one, instance, count)))


def applied(project: Path, instance: Live, count: int, *, more: Mapping[str, str] | None = None) -> float:
    """Seconds of an apply to an instance without any base: a base and its batches are a write each."""
    instance.seed(0)
    shutil.rmtree(project.parent / ".kiamo", ignore_errors=True)  # a ledger whose every base is gone is refused
    wall = apply(project, instance, more=more).wall
    writes = count * (1 + len(documents.BATCHES))
    if instance.count()[1] != writes:
        raise AssertionError(f"{instance.count()[1]} writes, expected {writes}")
    return wall


def export_memory(scale: Scale, pairs: int, *, into_folder: bool, large: int = 600, small: int = 100) -> Outcome:
    """Peak memory of an export beyond the start of the program: of many bases, compared with that of fewer."""
    if sys.platform == "win32":
        return Missing("this system does not report the peak memory of a process")
    large, small = scale.of(large, 6), scale.of(small, 2)

    def taken(count: int) -> float:
        folder = Path(tempfile.mkdtemp(dir=scale.folder))
        project = documents.project(folder, 0)
        target = [str(project.parent / "manifests")] if into_folder else []
        with generated(count) as instance:
            return float(inside("export", str(project), *target, environment=instance.environment)) / 1_000_000

    return Pairs(alternate(pairs, lambda: taken(large), lambda: taken(small)), unit="MB")


ROWS = (
    Row("read", "read 1,002 collections, 16 in flight", "the floor under them", 1.2, read),
    Row(
        "plan-wall",
        "`plan` of 1,000 documents at 20 ms",
        "the floor under its reads + `validate`",
        1.15,
        plan_wall,
        pairs=3,
    ),
    Row("gets", "GETs of a plan of 100 bases beside 200 others", "2 + 2 × bases", None, gets_of_a_plan),
    Row("writes", "writes of an apply with nothing to do", "none", None, writes_of_nothing),
    Row("apply", "`apply` of 400 new documents at 20 ms", "the floor under its writes", 1.3, apply_new, pairs=3),
    Row("apply-growth", "`apply` of 600 new documents", "of 300", 2.2, apply_growth, pairs=3),
    Row(
        "export-memory",
        "memory of an `export` of 600 bases, 25 fields and 10 batches each",
        "of 100",
        1.35,
        lambda s, n: export_memory(s, n, into_folder=True),
        pairs=3,
    ),
    Row(
        "export-memory-stdout",
        "the same to stdout",
        "of 100",
        1.35,
        lambda s, n: export_memory(s, n, into_folder=False),
        pairs=3,
    ),
    Row(
        "export-memory-2000",
        "memory of an `export` of 2,000 bases",
        "of 500",
        1.3,
        lambda s, n: export_memory(s, n, into_folder=True, large=2000, small=500),
        pairs=1,
    ),
)
