"""An instance examined: it is read, and held against the contract in force; nothing is written to it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from kiamo_iac.api.doctor.connection import judge_calls
from kiamo_iac.api.doctor.examination import Examination, Findings
from kiamo_iac.api.doctor.visit import ATTEMPTS, InstanceVisit
from kiamo_iac.contract.recording import MAX_BYTES, AnswerRecorder, Recording, read_recording, recording_text
from kiamo_iac.core.errors import KiamoIacError
from kiamo_iac.core.safe_files import real, write_private
from kiamo_iac.document.files import read_bytes
from kiamo_iac.http.retry import Limits

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kiamo_iac.app.project import Workspace


def examine_instance(
    workspace: Workspace, environment: str | None, *, record: Path | None = None
) -> tuple[Examination, Recording | None]:
    """The examination of an environment's instance; with `record`, what it answered, without names and contact data,
    to be written to that file.

    Raises:
        UsageError: the environment, its address or its token is missing or refused.
        KiamoIacError: `record` is a file that git tracks.
    """
    target = workspace.target(environment)
    if record is not None:
        _check_place(record, workspace.environ)
    contract, findings = workspace.contract, Findings(workspace.contract)
    recorder = AnswerRecorder(contract) if record is not None else None
    visit = InstanceVisit(contract, findings, recorder, workspace.now)
    budget = workspace.budget(target)
    limits = Limits(body=budget.largest_response, unanswered=ATTEMPTS)
    with (
        workspace.interruption.interruptible(),
        workspace.client(target, budget=budget, limits=limits, watch=visit.watch) as client,
    ):
        visit.visit(client)
    judge_calls(visit, url=target.url, is_https=target.url.startswith("https:"))
    examination = Examination(
        target.name,
        target.url,
        contract.name,
        contract.origin,
        tuple(findings.checks),
        findings.judged(),
        findings.override(),
        visit.calls,
    )
    return examination, recorder.recording() if recorder is not None else None


def _check_place(file: Path, environ: Mapping[str, str]) -> None:
    """
    Raises:
        KiamoIacError: a commit would have the file, or git fails.
    """
    from kiamo_iac.git.tracking import why_tracked

    why = why_tracked(real(file.parent), (file.name,), environ)
    if why is not None:
        msg = f"The recording is not written to {file}: {why}."
        raise KiamoIacError(msg, hint="name a file that is not in git; no call was made")


def write_recording(recording: Recording, file: Path) -> None:
    """Write a recording to `file`, readable for its owner only.

    Raises:
        KiamoIacError: it cannot be written.
    """
    try:
        write_private(file, recording_text(recording).encode("ascii"))
    except OSError as error:
        msg = f"The recording cannot be written to {file}: {error.strerror or error}."
        raise KiamoIacError(msg, hint="pass a file in a folder that you may write to") from error


def recording_from_file(file: Path) -> Recording:
    """The recording in a file.

    Raises:
        ManifestError: it cannot be read.
    """
    return read_recording(read_bytes(file, shown=str(file), max_bytes=MAX_BYTES), shown=str(file))
