"""The cost of the commands beside plan and apply, and of what each of them imports."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks import documents
from benchmarks.harness import Outcome, Pairs, Row, Scale, alternate
from benchmarks.live import LATENCY, Live, live
from benchmarks.process import KIAMO_IAC, ROOT, inside, quiet, run
from benchmarks.rows.live import READS, plan

ROW_BLOCK = """\
bases:
  - use: base
    for_each: {{csv: bases.csv}}
    name: "base ${{each.number}}"
    label: "The contacts of base ${{each.number}}"
templates:
  base:
    fields:
{fields}
    batches:
{batches}
"""


def command(project: Path, *arguments: str, instance: Live | None = None) -> float:
    """Seconds of a command on a project."""
    environment = instance.environment if instance is not None else {}
    return run((*KIAMO_IAC, "--project", str(project), *arguments), environment=environment).wall


def beside_plan(scale: Scale, pairs: int, *arguments: str) -> Outcome:
    """A command that reads what a plan reads, beside that plan, with nothing to do."""
    count = scale.of(500, 6)
    project = documents.project(scale.folder / f"beside-plan-{arguments[0]}-{len(arguments)}", count)
    with live(latency=LATENCY) as instance:
        instance.seed(count)
        return Pairs(
            alternate(
                pairs,
                lambda: command(project, *arguments, "-e", "bench", instance=instance),
                lambda: plan(project, instance).wall,
            )
        )


def export(scale: Scale, pairs: int) -> Outcome:
    """An export to stdout of an instance, beside the floor under its reads."""
    count = scale.of(500, 6)
    project = documents.project(scale.folder / "export", 0)
    with live(latency=LATENCY) as instance:
        instance.seed(count)
        return Pairs(
            alternate(
                pairs,
                lambda: command(project, "export", "-e", "bench", instance=instance),
                lambda: float(
                    inside("floor", "reads", str(count), str(READS), environment=instance.environment),
                ),
            )
        )


def promote(scale: Scale, pairs: int) -> Outcome:
    """A promotion between two environments with nothing to promote, beside the check of the same files."""
    count = scale.of(500, 6)
    project = documents.project(scale.folder / "promote", count)
    project.write_text(
        project.read_text(encoding="utf-8") + "  other:\n    url: http://127.0.0.1:2\n", encoding="utf-8"
    )
    with live() as instance:
        instance.seed(count)
        urls = {"KIAMO_OTHER_URL": instance.url, "KIAMO_OTHER_TOKEN": instance.environment["KIAMO_BENCH_TOKEN"]}

        def promoted() -> float:
            arguments = ("--project", str(project), "promote", "--from", "bench", "--to", "other")
            return run((*KIAMO_IAC, *arguments), environment={**instance.environment, **urls}).wall

        return Pairs(alternate(pairs, promoted, lambda: plan(project, instance).wall))


def bulk(scale: Scale, pairs: int) -> Outcome:
    """Documents that one block generates from a CSV, beside the same written out, each in its file."""
    count = scale.of(700, 10)  # one block has at most 10,000 resources
    written = documents.project(scale.folder / "written-out", count)
    generated = documents.project(scale.folder / "generated", 0)
    numbers = "".join(f"{number:05}\n" for number in range(count))
    (generated.parent / "bases.csv").write_text(f"number\n{numbers}", encoding="utf-8")
    _, _, rest = documents.text(0).partition("    fields:\n")
    fields, _, batches = rest.partition("    batches:\n")
    block = ROW_BLOCK.format(fields=fields.rstrip("\n"), batches=batches.rstrip("\n"))
    (generated.parent / "manifests" / "all.yaml").write_text(block, encoding="utf-8")
    own, peer = (resources(project) for project in (generated, written))
    if own != peer:
        raise AssertionError(f"{own} generated, {peer} written out")
    return Pairs(alternate(pairs, lambda: command(generated, "validate"), lambda: command(written, "validate")))


def resources(project: Path) -> str:
    """How many resources a project declares, as `validate` counts them."""
    done = subprocess.run(
        (*KIAMO_IAC, "--project", str(project), "validate"),
        capture_output=True, text=True, check=True, cwd=ROOT, env=quiet(),
    )  # fmt: skip
    found = re.search(r"[\d,]+ resources", done.stderr)
    return found[0] if found else done.stderr


def start_of(*words: str) -> Callable[[Scale, int], Outcome]:
    """Measures a command on one document, beside the smallest program that imports click: mostly what it imports."""

    def measured(scale: Scale, pairs: int) -> Outcome:
        project = documents.project(scale.folder / f"start-{words[0]}", 1)
        with live() as instance:
            instance.seed(1)
            return Pairs(
                alternate(
                    pairs,
                    lambda: command(project, *words, instance=instance),
                    lambda: run((sys.executable, "-c", "import click")).wall,
                )
            )

    return measured


_FLOOR = "the floor under its reads"
ROWS = (
    Row("drift", "`drift` of 500 documents at 20 ms", "`plan`", 1.2, lambda s, n: beside_plan(s, n, "drift"), pairs=3),
    Row(
        "rehearse",
        "`plan --rehearse` of 500 documents at 20 ms",
        "`plan`",
        2,
        lambda s, n: beside_plan(s, n, "plan", "--rehearse"),
        pairs=3,
    ),
    Row("export", "`export` of 500 bases at 20 ms", _FLOOR, 1.8, export, pairs=3),
    Row("promote", "`promote` of 500 documents, nothing to do", "`plan` of one side", 2.5, promote, pairs=3),
    Row("bulk", "`validate` of 700 documents from a CSV", "written out", 1, bulk),
    *(
        Row(
            f"start-{words[0]}",
            f"`{' '.join(words)}` of one document",
            "`import click`",
            bar,
            start_of(*words),
            pairs=7,
        )
        for bar, words in (
            (5, ("fmt", "--check")),
            (12, ("plan", "-e", "bench")),
            (12, ("drift", "-e", "bench")),
            (12, ("export", "-e", "bench")),
        )
    ),
)
