"""Where a plan comes from: shown and saved with it, and never compared. All of its text is data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from kiamo_iac.core.record import Record, boolean, nullable, text

SHORT_COMMIT: Final = 12
"""Characters of a commit that people read."""


@dataclass(frozen=True, slots=True)
class ContractName:
    """Which contract a plan follows."""

    name: str
    version: str


@dataclass(frozen=True, slots=True)
class PlanProvenance:
    """What made a plan, when, and of what; None where it is unknown."""

    tool_version: str
    created_at: str
    """RFC 3339, UTC, to the second."""
    commit: str | None
    dirty: bool | None
    """Whether a file that the plan depends on is not in `commit` as it is."""
    branch: str | None
    author: str | None
    """Of the commit."""
    pipeline_url: str | None
    contract: ContractName
    digest: str
    """64 hexadecimal characters over the plan alone: two equal plans have the same."""

    @property
    def of_git(self) -> tuple[tuple[str, str], ...]:
        """What is known of the commit and its pipeline, as (label, text) for people; texts are data."""
        commit = self.commit and f"{self.commit[:SHORT_COMMIT]}{' with uncommitted changes' if self.dirty else ''}"
        found = (
            ("Commit", commit),
            ("Branch", self.branch),
            ("Author", self.author),
            ("Pipeline", self.pipeline_url),
        )
        return tuple((label, known) for label, known in found if known)

    @property
    def facts(self) -> tuple[tuple[str, str], ...]:
        """All that is known, in the same form."""
        return (
            *self.of_git,
            ("Created", self.created_at),
            ("Contract", f"{self.contract.name}, version {self.contract.version}"),
            ("Plan digest", self.digest),
            ("kiamo-iac", self.tool_version),
        )


CONTRACT: Final = Record(
    ContractName,
    "The contract that the plan follows.",
    {"name": text("Its name."), "version": text("The version of its format.")},
)
PROVENANCE: Final = Record(
    PlanProvenance,
    "Where the plan comes from; null: unknown. It is never compared.",
    {
        "tool_version": text("The version of kiamo-iac."),
        "created_at": text("When: RFC 3339, UTC, to the second."),
        "commit": nullable(text("The commit of the manifests.")),
        "dirty": nullable(boolean("Whether a file that the plan depends on is not in the commit as it is.")),
        "branch": nullable(text("The branch.")),
        "author": nullable(text("The author of the commit.")),
        "pipeline_url": nullable(text("The address of the pipeline or job for people.")),
        "contract": CONTRACT,
        "digest": text("SHA-256 over the plan without its provenance.", pattern="^[0-9a-f]{64}$"),
    },
)
