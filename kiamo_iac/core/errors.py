"""The exception tree; each class carries the exit code that the command line ends with.

    KiamoIacError                     1
    ├── UsageError                   64   the command line or the environment is wrong
    ├── ManifestError                 1   manifests, project file or contract hold problems (diagnostics)
    ├── EditError                     1   a file cannot be edited without risk, and has to be edited by hand
    ├── ApiError                      1   a call to the instance failed
    │   ├── TransportError            1   no usable response: DNS, refused, timeout, TLS, cut short
    │   ├── ResponseError             1   a response that the contract does not describe
    │   ├── VanishedError             1   a list is empty though the ledger has ids of what was in it
    │   ├── BudgetError               1   more would be read than the limits of a run allow
    │   ├── BusyError                 1   the instance asks to wait longer than a run may
    │   ├── UnknownOutcomeError       1   whether a write took effect could not be established
    │   ├── AbsentError               1   a write had no usable response, and did not take effect
    │   ├── PostconditionError        1   a write took effect in another way than was wanted
    │   │   └── OppositeError         1   it did the opposite of what was sent
    │   └── RefusedError              1   the instance refused a call (status, ERR_nnnn)
    │       └── AccessError           1   401 or 403: the token has no right to it
    ├── LedgerError                   1   the ledger cannot be read or written, or is not of this project and instance
    ├── GitError                      1   git cannot be run, or the repository cannot be used
    ├── PlanFileError                 1   a saved plan cannot be used
    ├── JournalError                  1   a journal cannot be read, written or undone
    ├── StaleError                    3   what the plan saw has changed
    ├── PartialError                  4   a write was sent, and the run did not end as planned
    ├── LockedError                   5   another run holds the lock
    ├── GuardError                    6   a guard refused
    └── Interrupted                 130   a signal: SIGINT, SIGTERM, SIGHUP

A library's exception never leaks: it is the `__cause__` of one of these.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from kiamo_iac.core.diagnostics import Diagnostic


class KiamoIacError(Exception):
    """The base of all errors of this tool; `str()` is one full sentence for the user."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str | None = None, diagnostics: Sequence[Diagnostic] = ()) -> None:
        super().__init__(message)
        self.hint = hint
        """What to do about it, one sentence, or None."""
        self.diagnostics = tuple(diagnostics)
        """All problems, when there are several."""


class UsageError(KiamoIacError):
    """The command line, an environment variable or the project's choice of environment is wrong."""

    exit_code = 64


class ManifestError(KiamoIacError):
    """Manifests, project file or contract hold problems; they are in `diagnostics`."""


class EditError(KiamoIacError):
    """A file cannot be edited without risk to its content, and has to be edited by hand; nothing was written."""


class ApiError(KiamoIacError):
    """A call to the instance failed."""


class TransportError(ApiError):
    """No usable response: DNS, refused connection, TLS, timeout, body cut short.

    `sent`: the request may have reached the server, so the outcome of a write is unknown.
    """

    def __init__(self, message: str, *, sent: bool, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.sent = sent


class ResponseError(ApiError):
    """A response that is not what the contract describes (shape, type, size, redirect).

    `is_redirect`: it points at another address, so the call was most likely not carried out. `entry`: the entry of its
    kind's contract that is the likely cause, such as `("listing", "items")`; empty where none is.
    """

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        diagnostics: Sequence[Diagnostic] = (),
        is_redirect: bool = False,
        entry: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message, hint=hint, diagnostics=diagnostics)
        self.is_redirect = is_redirect
        self.entry = entry


class VanishedError(ApiError):
    """A list is empty, twice, though the ledger has ids of what was in it."""


class BudgetError(ApiError):
    """The instance has more to read than the limits of a run allow, or claims to."""


class BusyError(ApiError):
    """The instance asks to wait, or is not available, for longer than `limits.retry_wait` lets a run wait.

    The call that it is raised for was not made, or not done (429). No further call of the run is made.
    """


class UnknownOutcomeError(ApiError):
    """A write had no usable response, and the instance could not be read to see whether it took effect."""


class AbsentError(ApiError):
    """A write had no usable response; it was looked for on the instance, and did not take effect."""


class PostconditionError(ApiError):
    """A write was made, and what the instance has after it is not what was wanted.

    `remote_id`: the id of the object, where the write was a create.
    """

    def __init__(self, message: str, *, hint: str | None = None, remote_id: str | int | None = None) -> None:
        super().__init__(message, hint=hint)
        self.remote_id = remote_id


class OppositeError(PostconditionError):
    """A write did the opposite of what was sent: no further write is safe."""


class RefusedError(ApiError):
    """The instance answered with an error status.

    `status` is the HTTP status, `code` the vendor's `ERR_nnnn` where the body has one.
    """

    def __init__(self, message: str, *, status: int, code: str | None = None, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.code = code


class AccessError(RefusedError):
    """401 or 403: the token is not valid, or has no right for that verb (the vendor's text uses both)."""


class LedgerError(KiamoIacError):
    """The ledger cannot be read or written, or is not of this project, environment and instance; it is not changed."""


class GitError(KiamoIacError):
    """Git cannot be run, or the repository cannot be used."""


class PlanFileError(KiamoIacError):
    """A saved plan cannot be used: not a plan, a plan for something else, or changed by hand."""


class JournalError(KiamoIacError):
    """A journal cannot be read or written, or its run cannot be undone."""


class StaleError(KiamoIacError):
    """What the plan saw has changed since; nothing was overwritten."""

    exit_code = 3


class PartialError(KiamoIacError):
    """A write was sent, and the run did not end as planned; the report says which steps are done."""

    exit_code = 4


class LockedError(KiamoIacError):
    """Another run holds the lock of this environment."""

    exit_code = 5


class GuardError(KiamoIacError):
    """A guard refused the run before it wrote anything."""

    exit_code = 6


class Interrupted(KiamoIacError):  # noqa: N818 - named as Terraform and the shells name it
    """The run was interrupted by a signal."""

    exit_code = 130
