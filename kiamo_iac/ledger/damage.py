"""A ledger that cannot be used: errors that name file and line, and leave it as it is."""

from __future__ import annotations

import json
from typing import Any

from kiamo_iac.core.diagnostics import Diagnostic, SourceRange
from kiamo_iac.core.errors import LedgerError
from kiamo_iac.core.printable import printable
from kiamo_iac.core.quote import quote
from kiamo_iac.core.rooted import MisplacedError
from kiamo_iac.ledger.content import FORMAT_VERSION
from kiamo_iac.ledger.entry import WORD, has_form, load

_UNTOUCHED = "It is left as it is, and nothing has been written."
_HINT = "bring back a copy of it, or correct the line; if it is lost, move it away and take things in with adopt"
_MOST = 2**63
"""Records of a ledger, and more."""
_MOST_VALUES = 10_000_000
"""A ledger of 250,000 batches with ten roles each has some 8 million; what has more is counted before it is built."""


def damaged(file: str, what: str, *, line: int = 1, column: int = 1, hint: str = _HINT) -> LedgerError:
    """The error for a ledger that is not one; `what` is half a sentence on why."""
    found = Diagnostic("KIA0901", f"the ledger is damaged: {what}", source=SourceRange(file, line, column))
    return LedgerError(
        f"The ledger {file} cannot be read. {_UNTOUCHED}",
        hint=hint,
        diagnostics=[found],
    )


def misplaced(shown: str, what: str, error: MisplacedError) -> LedgerError:
    """The error for a link, or something else than a file, in the place of a file of the ledger or on the way to it."""
    return LedgerError(
        f"The ledger {shown} cannot be {what}: {error.strerror} within the project. Nothing has been written.",
        hint=f"remove {error.place}; where the repository holds it, a merge request may have brought it",
        diagnostics=[Diagnostic("KIA0340", f"{error.strerror}", source=SourceRange(error.place, 1, 1))],
    )


def read_json(text: str, file: str, *, line: int = 1) -> Any:
    """The JSON that `text` holds, which begins in `line` of `file`.

    Raises:
        LedgerError: it is not JSON, and where; or it would take all memory.
    """
    if text.count(",") + text.count("[") + text.count("{") > _MOST_VALUES:
        raise damaged(file, f"it holds more than {_MOST_VALUES:,} values", line=line)
    try:
        return load(text)
    except json.JSONDecodeError as error:
        what, line, column = f"it is not JSON ({error.msg})", line + error.lineno - 1, error.colno
        raise damaged(file, what, line=line, column=column) from None
    except ValueError as error:
        raise damaged(file, str(error), line=line) from None


def check_head(data: Any, file: str, *, environment: str) -> None:
    """
    Raises:
        LedgerError: `data` is not what begins a ledger, one of another version, or one of another environment.
    """
    version = data.get("format_version") if isinstance(data, dict) else None
    if type(version) is not int:
        raise damaged(file, 'it does not begin with a "format_version"')
    where = SourceRange(file, 1, 1)
    if version != FORMAT_VERSION:
        newer = version > FORMAT_VERSION
        summary = f"the ledger has format {printable(str(version), 20)}, and this version reads {FORMAT_VERSION}"
        found = Diagnostic("KIA0902", summary, source=where)
        hint = "use the version of kiamo-iac that wrote it, or a newer one" if newer else "no version ever wrote that"
        raise LedgerError(f"The ledger {file} cannot be read. {_UNTOUCHED}", hint=hint, diagnostics=[found])
    if type(data.get("environment")) is not str or not has_form(data.get("lineage"), WORD):
        raise damaged(file, 'its "environment" is not text, or its "lineage" not an id')
    if type(data.get("serial")) is not int or not 0 <= data["serial"] < _MOST:
        raise damaged(file, 'its "serial" is not a count')
    if data["environment"] != environment:
        summary = f"the ledger is of the environment {quote(data['environment'])}, not of {quote(environment)}"
        raise LedgerError(
            f"The ledger {file} is of another environment. {_UNTOUCHED}",
            hint="give each environment a ledger of its own: another path, address or ref",
            diagnostics=[Diagnostic("KIA0903", summary, source=where)],
        )
