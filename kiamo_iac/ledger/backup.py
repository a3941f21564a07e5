"""The local backup of a ledger that could not be written to its place, and how the next run restores it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from kiamo_iac.core.diagnostics import Diagnostic, Severity
from kiamo_iac.core.errors import LedgerError
from kiamo_iac.core.ledger_settings import backup_file_of
from kiamo_iac.core.safe_files import MisplacedError, RootedFile
from kiamo_iac.ledger.content import APPLIED_PLANS_KEPT, MAX_BYTES, Content
from kiamo_iac.ledger.document import RemoteContent, document_text, parse_document, read_json, revision_of
from kiamo_iac.ledger.entry import dump
from kiamo_iac.ledger.errors import corruption_error, link_error
from kiamo_iac.ledger.tracked import check_backup

_NAMED: Final = 8
"""Addresses in one message."""


@dataclass(frozen=True, slots=True)
class LocalBackup:
    """The backup of one environment."""

    file: RootedFile
    environ: Mapping[str, str]
    """The environment of git, which shows whether a commit can bring the backup."""

    @property
    def path(self) -> Path:
        """For messages."""
        return self.file.path

    def save(self, content: Content, *, base_revision: str | None) -> Path | None:
        """Write the backup of `content`, which was to replace `base_revision`. None: it could not be written."""
        text = document_text(content).rstrip("\n")
        try:
            self.file.write(f'{{"follows":{dump(base_revision)},"ledger":{text}}}\n'.encode())
        except OSError:
            return None
        return self.path

    def remove(self) -> None:
        """Remove the backup, once its content is written.

        Raises:
            LedgerError: it cannot be removed.
        """
        try:
            self.file.remove()
        except OSError as error:
            msg = (
                f"The backup {self.path.as_posix()} of the ledger is restored, but cannot be removed: {error.strerror}."
            )
            raise LedgerError(msg, hint="remove it") from error

    def resolve(
        self, found: RemoteContent | None, *, environment: str | None, or_absent: bool = False
    ) -> tuple[RemoteContent | None, bool]:
        """The backup, where it follows the remote content; else that. The second value: whether it is the backup,
        which has yet to be written. Plans that the remote content has as applied stay applied. `or_absent`: it is the
        backup also where there is no ledger any more.

        Raises:
            LedgerError: the backup is damaged, of another ledger, tracked by git, or a link; or another run has written
                the ledger since.
        """
        data = self._read()
        if data is None:
            return found, False
        shown = self.path.as_posix()
        content = parse_document(dump(data["ledger"]), shown, environment=environment)
        base_revision, revision = data["follows"], found.revision if found is not None else None
        if found is not None and revision_of(found.content) == revision_of(content):
            return found, False
        if base_revision != revision and not (or_absent and found is None):
            before = found.content.entries if found is not None else {}
            lacking = sorted(address for address in content.entries if address not in before)
            only = f" Only the backup has {_counted(len(lacking))}: {_listed(lacking)}." if lacking else ""
            since = "has been written since" if found is not None else "is not there any more"
            raise LedgerError(
                f"An earlier run could not write the ledger and left the local backup {shown}, but the ledger {since}."
                f"{only} Both are unchanged, and nothing was written.",
                hint="move the backup out of .kiamo, run plan, and add what only the backup has with adopt",
            )
        if found is None:
            return RemoteContent(content, ""), True
        return RemoteContent(self._following(found.content, content), found.revision), True

    def restored(self, content: Content, there: RemoteContent | None, *, shown: str, now: bool) -> Diagnostic:
        """The note on a backup that is used instead of the remote content. `content`: the backup; `there`: the remote
        content; `now`: the backup has been written to the remote, not only read."""
        before = there.content.entries if there is not None else {}
        changed = sorted(address for address, entry in content.entries.items() if before.get(address) != entry)
        removed = sorted(address for address in before if address not in content.entries)
        parts = [f"{_counted(len(changed))}: {_listed(changed)}"] if changed else []
        parts += [f"{_counted(len(removed))} removed: {_listed(removed)}"] if removed else []
        what = "is restored from" if now else "is read from"
        return Diagnostic(
            "KIA0913",
            f"the ledger {shown} {what} the local backup of an interrupted run",
            severity=Severity.NOTE,
            detail=f"{self.path.as_posix()} differs from the ledger in {'; '.join(parts) or 'no resource'}.",
        )

    def _read(self) -> Any:
        """The data of the backup; None where there is none."""
        shown = self.path.as_posix()
        try:
            read = self.file.read(limit=MAX_BYTES)
        except FileNotFoundError:
            return None
        except MisplacedError as error:
            raise link_error(shown, "read", error) from error
        except OSError as error:
            raise corruption_error(shown, "it cannot be read") from error
        check_backup(self.file, self.environ)
        try:
            text = (read if read is not None else b"\xff").decode()
        except UnicodeDecodeError as error:
            raise corruption_error(shown, "it cannot be read") from error
        data = read_json(text, shown)
        if not isinstance(data, dict) or data.keys() != {"follows", "ledger"}:
            raise corruption_error(shown, 'it must have the keys "follows" and "ledger"')
        return data

    def _following(self, there: Content, copy: Content) -> Content:
        """The backup `copy`, which follows the content `there`, with all applied plans of both.

        Raises:
            LedgerError: the backup is of another ledger, or not newer.
        """
        if copy.lineage != there.lineage or copy.serial <= there.serial:
            what = "is of another ledger" if copy.lineage != there.lineage else "is not newer than the ledger"
            raise LedgerError(
                f"The local backup {self.path.as_posix()} {what}. Nothing was written.",
                hint="remove it, and add what the ledger lacks with adopt",
                diagnostics=[Diagnostic("KIA0914", f"the local backup of the ledger {what}")],
            )
        applied = {**copy.applied_plans, **there.applied_plans}
        kept = dict(sorted(applied.items(), key=lambda item: item[1])[-APPLIED_PLANS_KEPT:])
        content = copy.copy()
        content.serial += kept != copy.applied_plans
        content.applied_plans = kept
        return content


def backup_of(environment: str, root: Path, environ: Mapping[str, str]) -> LocalBackup:
    """The local backup of the ledger of an environment."""
    return LocalBackup(RootedFile.below(root, backup_file_of(environment)), environ)


def _counted(number: int) -> str:
    return f"{number} resource" if number == 1 else f"{number} resources"


def _listed(addresses: list[Any]) -> str:
    more = f" and {len(addresses) - _NAMED} more" if len(addresses) > _NAMED else ""
    return f"{', '.join(addresses[:_NAMED])}{more}"
