"""A copy of the ledger on this machine, for when the remote one could not be written; and the way back."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from kiamo_iac.errors import LedgerError
from kiamo_iac.ledger.content import Content
from kiamo_iac.ledger.damage import damaged, misplaced, read_json
from kiamo_iac.ledger.document import document_text, parse_document
from kiamo_iac.ledger.entry import dump
from kiamo_iac.ledger.file import MAX_BYTES
from kiamo_iac.ledger.remote import Found, revision_of
from kiamo_iac.rooted import MisplacedError, RootedFile


@dataclass(frozen=True, slots=True)
class Rescue:
    """The place of that copy, for one environment."""

    file: RootedFile

    @property
    def path(self) -> Path:
        """For messages."""
        return self.file.path

    def save(self, content: Content, *, follows: str | None) -> Path | None:
        """Write the copy; `follows` is the revision it was to replace. None: not even that was possible."""
        text = document_text(content).rstrip("\n")
        try:
            self.file.write(f'{{"follows":{dump(follows)},"ledger":{text}}}\n'.encode())
        except OSError:
            return None
        return self.path

    def drop(self) -> None:
        """Remove the copy: what it holds is where it belongs.

        Raises:
            LedgerError: it cannot be removed.
        """
        try:
            self.file.remove()
        except OSError as error:
            msg = f"The rescued ledger {self.path.as_posix()} is written back, but cannot be removed: {error.strerror}."
            raise LedgerError(msg, hint="remove it") from error

    def applied_to(self, found: Found | None, *, environment: str) -> tuple[Found | None, bool]:
        """What is to be taken for the ledger: the copy where it follows what the remote has, else what the remote has.
        The second says that it is the copy, which has yet to be written.

        Raises:
            LedgerError: the copy is damaged, a link stands in its place or on the way, or somebody has written the
                ledger since.
        """
        shown = self.path.as_posix()
        try:
            read = self.file.read(limit=MAX_BYTES)
        except FileNotFoundError:
            return found, False
        except MisplacedError as error:
            raise misplaced(shown, "read", error) from error
        except OSError as error:
            raise damaged(shown, "it cannot be read") from error
        try:
            text = (read if read is not None else b"\xff").decode()
        except UnicodeDecodeError as error:
            raise damaged(shown, "it cannot be read") from error
        data = read_json(text, shown)
        if not isinstance(data, dict) or data.keys() != {"follows", "ledger"}:
            raise damaged(shown, 'it has the keys "follows" and "ledger"')
        content = parse_document(dump(data["ledger"]), shown, environment=environment)
        follows, revision = data["follows"], found.revision if found is not None else None
        if found is not None and revision_of(found.content) == revision_of(content):
            return found, False
        if follows == revision:
            return Found(content, follows or ""), True
        raise LedgerError(
            f"A run before could not write the ledger and left it in {shown}, but the ledger has been written since. "
            "Both are left as they are, and nothing has been written.",
            hint="take in what the ledger lacks of that copy with adopt, then remove the copy",
        )
