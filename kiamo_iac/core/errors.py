"""The exception tree; each class carries the exit code that the command line ends with.

    KiamoIacError                     1
    ├── UsageError                   64   the command line or the environment is wrong
    ├── ManifestError                 1   manifests, project file or contract hold problems (diagnostics)
    ├── EditError                     1   a file cannot be changed without risk, and has to be edited by hand
    ├── ApiError                      1   a call to the instance failed
    │   ├── TransportError            1   no usable answer: DNS, refused, timeout, TLS, cut short
    │   ├── ResponseError             1   an answer that the contract does not describe
    │   ├── BudgetError               1   more would be read than the limits of a run allow
    │   └── RefusedError              1   the instance said no (status, ERR_nnnn)
    │       └── AccessError           1   401 or 403: this token may not do that
    ├── LedgerError                   1   the ledger cannot be read or written, or is not this environment's
    ├── GitError                      1   git cannot be run, or the repository cannot be used
    ├── PlanFileError                 1   a saved plan cannot be used
    ├── PlanRefused                   1   the desired state cannot be reached (diagnostics)
    ├── StaleError                    3   what the plan saw has changed
    ├── PartialError                  4   applied in part
    ├── LockedError                   5   another run holds the lock
    ├── GuardError                    6   a guard refused
    └── Interrupted                 130   SIGINT or SIGTERM

A library's exception never leaks: it is the `__cause__` of one of these.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from kiamo_iac.core.diagnostics import Diagnostic


class KiamoIacError(Exception):
    """Everything this tool raises on purpose; `str()` is one full sentence fit to be shown."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str | None = None, diagnostics: Sequence[Diagnostic] = ()) -> None:
        super().__init__(message)
        self.hint = hint
        """What to do about it, one sentence, or None."""
        self.diagnostics = tuple(diagnostics)
        """Every problem found, when the error stands for several."""


class UsageError(KiamoIacError):
    """The command line, an environment variable or the project's choice of environment is wrong."""

    exit_code = 64


class ManifestError(KiamoIacError):
    """Manifests, project file or contract hold problems; they are in `diagnostics`."""


class EditError(KiamoIacError):
    """A file cannot be changed without risk to what stands in it, and has to be edited by hand; nothing was written."""


class ApiError(KiamoIacError):
    """A call to the instance failed."""


class TransportError(ApiError):
    """No usable answer came: DNS, refused connection, TLS, timeout, body cut short.

    `sent` says whether the request may have reached the server: when it may have, the outcome of a write is unknown.
    """

    def __init__(self, message: str, *, sent: bool, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.sent = sent


class ResponseError(ApiError):
    """An answer came that is not what the contract describes (shape, type, size, redirect)."""


class BudgetError(ApiError):
    """The instance has more to read than the limits of a run allow, or claims to."""


class RefusedError(ApiError):
    """The instance answered with an error status.

    `status` is the HTTP status, `code` the vendor's `ERR_nnnn` where one stood in the body.
    """

    def __init__(self, message: str, *, status: int, code: str | None = None, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.code = code


class AccessError(RefusedError):
    """401 or 403: the token is not valid, or has no right for that verb (the vendor's text uses both)."""


class LedgerError(KiamoIacError):
    """The ledger cannot be read or written, or is not this environment's; nothing of it is lost or overwritten."""


class GitError(KiamoIacError):
    """Git cannot be run, or the repository that was found is not one to run it in."""


class PlanFileError(KiamoIacError):
    """A saved plan cannot be used: it is none, was made for something else, or was changed by hand."""


class PlanRefused(KiamoIacError):  # noqa: N818 - a refusal is not a fault of ours
    """The desired state cannot be reached from the live state; `diagnostics` say why and where."""


class StaleError(KiamoIacError):
    """What the plan saw has changed since; nothing was overwritten."""

    exit_code = 3


class PartialError(KiamoIacError):
    """Some steps were done and some were not; the report says which."""

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
