"""A comment that is posted once: found by its marker and its author, then updated; else created.

list ─► own, with the marker? ─ yes ─► the same text? ─ yes ─► nothing to do
                 │                            └─ no ──► update ─ deleted meanwhile ─┐
                 └─ no ─────────────────────────────────────────────────────────────┴─► create
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Final, Protocol

from kiamo_iac.core.errors import RefusedError, TransportError, UsageError
from kiamo_iac.forge.calls import TransientError

_MARKER: Final = re.compile(r"<!-- kiamo-iac:[a-z]+(?:-[a-z]+)*(?::[A-Za-z0-9._-]+)* -->")
_WAITS: Final = (1.0, 4.0)
"""Seconds before a write with an unknown outcome is checked, and repeated if the comment is missing."""
_DELETED: Final = frozenset({403, 404, 410})


@dataclass(frozen=True, slots=True)
class MergeRequestComment:
    """A comment to be posted."""

    marker: str
    """Its first line, an HTML comment, which is not displayed."""
    body: str
    """All of it, with the marker."""

    @classmethod
    def of(cls, text: str) -> MergeRequestComment:
        """The comment in `text`, which begins with its marker.

        Raises:
            UsageError: it does not.
        """
        marker = first_line(text)
        if not _MARKER.fullmatch(marker):
            msg = "The file does not begin with a marker: each run would post a new comment."
            raise UsageError(msg, hint="create it with: kiamo-iac plan -e ENV --format markdown")
        return cls(marker, text)


def text_of(body: object) -> str:
    """The body of a comment in a response; empty where it is not a string."""
    return body if isinstance(body, str) else ""


def first_line(body: object) -> str:
    """The line that may be a marker; forges may keep CRLF."""
    return text_of(body).split("\n", 1)[0].rstrip("\r")


@dataclass(frozen=True, slots=True)
class ExistingComment:
    """A comment of the token's own user on the forge."""

    id: int
    body: str
    page: str | None
    """Its address for people, where that is known."""


class PostOutcome(Enum):
    """What was done with a comment."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class PostedComment:
    """What was done with a comment, and its address."""

    outcome: PostOutcome
    page: str | None


class Forge(Protocol):
    """The comments of one merge request."""

    limit: int
    """The longest text of a comment, in characters."""
    name: str

    def find(self, marker: str) -> ExistingComment | None:
        """The first comment that begins with `marker` and was written by the user of the token.

        Raises:
            ApiError: the forge gave no usable response, or refused.
        """

    def create(self, body: str) -> ExistingComment:
        """
        Raises:
            ApiError: as `find`.
        """

    def update(self, found: ExistingComment, body: str) -> ExistingComment:
        """
        Raises:
            ApiError: as `find`.
        """


def post(forge: Forge, comment: MergeRequestComment, *, pause: Callable[[float], object] = time.sleep) -> PostedComment:
    """Create the comment, or update the one with its marker. `pause`: waits that many seconds.

    Raises:
        UsageError: it is longer than the forge allows.
        ApiError: the forge gave no usable response, or refused.
    """
    if len(comment.body) > forge.limit:
        msg = f"The comment has {len(comment.body):,} characters, and {forge.name} allows {forge.limit:,}."
        raise UsageError(
            msg, hint="post the output of kiamo-iac plan --format markdown as it is: it stays within the limit"
        )
    for wait in _WAITS:
        found = forge.find(comment.marker)
        try:
            return _written(forge, comment, found)
        except TransportError as error:
            if not error.sent:
                raise
            asked = error.wait if isinstance(error, TransientError) else None
        pause(wait if asked is None else asked)
    return _written(forge, comment, forge.find(comment.marker))


def _written(forge: Forge, comment: MergeRequestComment, found: ExistingComment | None) -> PostedComment:
    if found is not None:
        if _same(found.body, comment.body):
            return PostedComment(PostOutcome.UNCHANGED, found.page)
        try:
            return PostedComment(PostOutcome.UPDATED, forge.update(found, comment.body).page)
        except RefusedError as error:
            if error.status not in _DELETED:
                raise
    return PostedComment(PostOutcome.CREATED, forge.create(comment.body).page)


def _same(there: str, wanted: str) -> bool:
    """Apart from line ends and white space at the end, which forges change."""
    return there.replace("\r\n", "\n").rstrip() == wanted.replace("\r\n", "\n").rstrip()
