"""A copy of the ledger on this machine, for when the remote one could not be written; and the way back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from kiamo_iac.core.diagnostics import Diagnostic, Severity
from kiamo_iac.core.errors import LedgerError
from kiamo_iac.core.safe_files import MisplacedError, RootedFile
from kiamo_iac.ledger.content import APPLIED_PLANS_KEPT, Content
from kiamo_iac.ledger.document import RemoteContent, document_text, parse_document, read_json, revision_of
from kiamo_iac.ledger.entry import dump
from kiamo_iac.ledger.errors import corruption_error, link_error
from kiamo_iac.ledger.file import MAX_BYTES
from kiamo_iac.ledger.tracked import check_backup

_NAMED: Final = 8
"""Addresses in one message."""


@dataclass(frozen=True, slots=True)
class LocalBackup:
    """The place of that copy, for one environment."""

    file: RootedFile
    environ: Mapping[str, str]
    """What git runs with, which is asked whether a commit brought the copy."""

    @property
    def path(self) -> Path:
        """For messages."""
        return self.file.path

    def save(self, content: Content, *, base_revision: str | None) -> Path | None:
        """Write the copy; `base_revision` is the revision it was to replace. None: not even that was possible."""
        text = document_text(content).rstrip("\n")
        try:
            self.file.write(f'{{"follows":{dump(base_revision)},"ledger":{text}}}\n'.encode())
        except OSError:
            return None
        return self.path

    def remove(self) -> None:
        """Remove the copy: what it holds is where it belongs.

        Raises:
            LedgerError: it cannot be removed.
        """
        try:
            self.file.remove()
        except OSError as error:
            msg = f"The rescued ledger {self.path.as_posix()} is written back, but cannot be removed: {error.strerror}."
            raise LedgerError(msg, hint="remove it") from error

    def resolve(self, found: RemoteContent | None, *, environment: str) -> tuple[RemoteContent | None, bool]:
        """What is to be taken for the ledger: the copy where it follows what the remote has, else what the remote has.
        The second says that it is the copy, which has yet to be written; the plans that the remote knows to be applied
        stay applied.

        Raises:
            LedgerError: the copy is damaged, of another ledger, tracked by git, a link stands in its place or on the
                way, or somebody has written the ledger since.
        """
        data = self._read()
        if data is None:
            return found, False
        shown = self.path.as_posix()
        content = parse_document(dump(data["ledger"]), shown, environment=environment)
        base_revision, revision = data["follows"], found.revision if found is not None else None
        if found is not None and revision_of(found.content) == revision_of(content):
            return found, False
        if base_revision != revision:
            raise LedgerError(
                f"A run before could not write the ledger and left it in {shown}, but the ledger has been written "
                "since. Both are left as they are, and nothing has been written.",
                hint="take in what the ledger lacks of that copy with adopt, then remove the copy",
            )
        if found is None:
            return RemoteContent(content, ""), True
        return RemoteContent(self._following(found.content, content), found.revision), True

    def restored(self, content: Content, there: RemoteContent | None, *, shown: str, now: bool) -> Diagnostic:
        """What a user is told of a copy that stands for what the remote has. `content`: the copy; `there`: what the
        remote had; `now`: it has been written to the remote, not only read."""
        before = there.content.entries if there is not None else {}
        changed = sorted(address for address, entry in content.entries.items() if before.get(address) != entry)
        gone = sorted(address for address in before if address not in content.entries)
        parts = [f"{_counted(len(changed))}: {_listed(changed)}"] if changed else []
        parts += [f"{_counted(len(gone))} removed: {_listed(gone)}"] if gone else []
        what = "is put back from" if now else "is read from"
        return Diagnostic(
            "KIA0913",
            f"the ledger {shown} {what} the copy that an interrupted run left",
            severity=Severity.NOTE,
            detail=f"{self.path.as_posix()} differs from the ledger in {'; '.join(parts) or 'no resource'}.",
        )

    def _read(self) -> Any:
        """What the copy holds; None where there is none."""
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
            raise corruption_error(shown, 'it has the keys "follows" and "ledger"')
        return data

    def _following(self, there: Content, copy: Content) -> Content:
        """`copy`, which names what the remote holds as what it follows: of the same ledger, later, and with every plan
        applied that the remote knows to be."""
        if copy.lineage != there.lineage or copy.serial <= there.serial:
            what = "another ledger" if copy.lineage != there.lineage else "no later state of it"
            raise LedgerError(
                f"{self.path.as_posix()} is a copy of {what} than the one that is kept. Nothing has been written.",
                hint="remove it, and take in what the ledger lacks with adopt",
                diagnostics=[Diagnostic("KIA0914", f"the local copy of the ledger is of {what}")],
            )
        applied = {**copy.applied_plans, **there.applied_plans}
        kept = dict(sorted(applied.items(), key=lambda item: item[1])[-APPLIED_PLANS_KEPT:])
        content = copy.copy()
        content.serial += kept != copy.applied_plans
        content.applied_plans = kept
        return content


def _counted(number: int) -> str:
    return f"{number} resource" if number == 1 else f"{number} resources"


def _listed(addresses: list[Any]) -> str:
    more = f" and {len(addresses) - _NAMED} more" if len(addresses) > _NAMED else ""
    return f"{', '.join(addresses[:_NAMED])}{more}"
