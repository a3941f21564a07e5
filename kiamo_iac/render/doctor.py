"""An examination of an instance, as text and as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from kiamo_iac.api.doctor.examination import (
    AssumptionVerdict,
    CheckOutcome,
    Examination,
    ExaminationCheck,
    JudgedAssumption,
)
from kiamo_iac.contract.entries import Basis
from kiamo_iac.core.common_records import ENVIRONMENT, URL, count, major, version_of
from kiamo_iac.core.json_schema import Schema, schema_document
from kiamo_iac.core.record import Record, boolean, counts, derived, enum, list_of, mapping_of, nullable, text
from kiamo_iac.document.writing import flow_text, scalar
from kiamo_iac.render.escape import document, json_document, visible

FORMAT_VERSION: Final = "1.0"
"""Of the JSON; the first number changes when a reader of the old form would misread the new one."""


def examination_text(examination: Examination) -> str:
    """A line a check, then a line an assumption, the contradicted ones first, with what to do about them."""
    return document(visible(line) if line else "" for line in _lines(examination))


def _lines(examination: Examination) -> Iterator[str]:
    yield f"{examination.environment}: {examination.url} under the contract {examination.contract}"
    yield ""
    width = max(len(check.name) for check in examination.checks)
    for check in examination.checks:
        yield f"{check.outcome.value:8} {check.name:{width}}  {check.text}"
        if check.hint is not None:
            yield f"{'':8} {'':{width}}  hint: {check.hint}"
    summary = examination.summary
    contradicted = examination.of(AssumptionVerdict.CONTRADICTED)
    if contradicted:
        yield ""
        yield f"Contradicted: {len(contradicted)}"
        for each in contradicted:
            yield f"  {each.assumption.key} ({each.assumption.basis.value})"
            yield f"    the contract says: {each.assumption.says}"
            yield f"    the instance shows: {each.why}"
            yield f"    if it stays: {each.assumption.breaks}"
            if each.mend is not None:
                yield f"    {each.mend}"
    yield from _section("Confirmed", examination.of(AssumptionVerdict.CONFIRMED))
    unseen = examination.of(AssumptionVerdict.NOT_SEEN)
    yield from _section("Not seen", [each for each in unseen if each.assumption.shown_by is not None])
    if writes := [each for each in unseen if each.assumption.shown_by is None]:
        yield ""
        yield f"Only a write would show: {len(writes)} ({_by_kind(writes)}; --format json lists them)"
    yield ""
    yield ", ".join(f"{number} {_words(verdict)}" for verdict, number in summary.items())
    if examination.override is not None:
        yield ""
        yield "The correction, as far as the instance shows it (for the file of contract: in kiamo.yaml):"
        yield from _block(examination.override, "  ")
        yield ""
    if contradicted:
        yield f"Correct {examination.origin}, and run doctor again. Or record what it answers (--record FILE),"
        yield "and derive the contract from it: kiamo-iac contract derive COLLECTION --recording FILE."


def _block(data: Mapping[str, Any], indent: str) -> Iterator[str]:
    """An override, with a line for each entry of a kind."""
    for key, value in data.items():
        if isinstance(value, Mapping) and "basis" not in value:
            yield f"{indent}{scalar(key)}:"
            yield from _block(value, f"{indent}  ")
        else:
            yield f"{indent}{scalar(key)}: {flow_text(value, inert=True)}"


def _section(title: str, judged: Iterable[JudgedAssumption]) -> Iterator[str]:
    found = list(judged)
    if not found:
        return
    yield ""
    yield f"{title}: {len(found)}"
    width = max(len(each.assumption.key) for each in found)
    for each in found:
        yield f"  {each.assumption.key:{width}}  {each.why}"


def _by_kind(judged: Iterable[JudgedAssumption]) -> str:
    counted = Counter(each.assumption.kind or "all" for each in judged)
    return ", ".join(f"{kind} {number}" for kind, number in counted.items())


def _words(verdict: AssumptionVerdict) -> str:
    return verdict.value.replace("_", " ")


_CHECK: Final = Record(
    ExaminationCheck,
    "One look at the instance.",
    {
        "name": text("`url`, `tls`, `token`, `rights`, `latency`, `clock`, or what was read."),
        "outcome": enum(CheckOutcome, "`note`: nothing is wrong; `skipped`: it could not be made."),
        "text": text("What was found."),
        "hint": nullable(text("What to do about it.")),
    },
)
_JUDGED: Final = Record(
    JudgedAssumption,
    "One assumption of the contract, or of a rule of the platform.",
    {
        "key": derived(text("Stable: the path of an entry, or `behaviour.KIND.RULE`."), "assumption.key"),
        "kind": derived(nullable(text("The kind that it is about; null: all.")), "assumption.kind"),
        "says": derived(text("What it says."), "assumption.says"),
        "basis": derived(enum(Basis, "What it rests on."), "assumption.basis"),
        "breaks": derived(text("What goes wrong where it is not so."), "assumption.breaks"),
        "shown_by": derived(
            nullable(text("What shows it; null: only a write would.")),
            "assumption.shown_by",
        ),
        "verdict": enum(AssumptionVerdict, "What the instance shows."),
        "why": text("What was seen; where nothing was, the reason."),
        "entry": derived(nullable(text("The entry that states it, with file and line; null: none does.")), "place"),
        "mend": nullable(text("What to change; null: nothing.")),
    },
)
EXAMINATION: Final = Record(
    Examination,
    "An instance held against the contract in force by reading it.",
    {
        "format_version": version_of(FORMAT_VERSION),
        "environment": ENVIRONMENT,
        "url": URL,
        "contract": text("The name of the contract."),
        "sound": derived(boolean("False: something is contradicted, or a check failed."), "is_sound"),
        "calls": count("How many responses came."),
        "summary": derived(counts(AssumptionVerdict, "How many assumptions have each verdict."), "summary"),
        "checks": list_of(_CHECK, "In the order in which they are shown."),
        "override": nullable(
            mapping_of(None, "What corrects the contract, as an override; null: nothing is shown to.")
        ),
        "assumptions": derived(list_of(_JUDGED, "In the order of the contract."), "judged"),
    },
)


def examination_json(examination: Examination) -> str:
    """All of it."""
    return json_document(EXAMINATION.data(examination))


def doctor_schema() -> Schema:
    """The schema of `doctor --format json`."""
    return schema_document(
        "doctor", major(FORMAT_VERSION), title="An examination by kiamo-iac doctor", body=EXAMINATION.body
    )
