"""The rows of `for_each`: those of a CSV file, or a list in the manifest itself."""

from __future__ import annotations

import codecs
import csv
import io
import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final, NamedTuple

from kiamo_iac.core.diagnostics import Diagnostic, SourceRange, SuggestionBudget, has_errors
from kiamo_iac.core.known_forms import forms_in
from kiamo_iac.core.place import Place
from kiamo_iac.core.printable import quote
from kiamo_iac.core.safe_files import RootedFile, real
from kiamo_iac.core.secret import TOKEN
from kiamo_iac.document.reader import LOOKS_LIKE_TOKEN, MAX_TOKENS_SHOWN, REVOKE, ROTATE
from kiamo_iac.document.scalars import Scalar, type_of
from kiamo_iac.document.syntax_errors import UNPRINTABLE
from kiamo_iac.manifest.paths import ROWS, PathProblem, inside
from kiamo_iac.manifest.variables import EACH, ColumnReference, Report, RowText

MAX_ROWS: Final = 10_000
"""Of one `for_each`."""
MAX_BYTES: Final = 16 * 1024 * 1024
"""Of one CSV file."""
_MANY: Final = 20
"""Problems of the rows of one file after which no more are reported."""

_CODE: Final = "KIA0254"
_AS_UTF8: Final = 'save it as "CSV UTF-8"'
_LINES: Final = re.compile("\r\n|\r|\n")


class Row(NamedTuple):
    """One row: a resource is generated from it."""

    label: str
    """`agences.csv:12`: its file and line, the header being line 1; of a list, with its column."""
    values: Mapping[str, Scalar] | Scalar
    """By column; of a list of scalars, the scalar."""

    def value(self, reference: ColumnReference) -> Scalar:
        """What a reference stands for; None: nothing, as of an empty cell.

        Raises:
            KeyError: the row has no such column.
        """
        return self.values[reference.column or ""] if isinstance(self.values, Mapping) else self.values


@dataclass(frozen=True, slots=True)
class RowTable:
    """The rows of one `for_each`."""

    rows: tuple[Row, ...]
    columns: Mapping[str, None] | None
    """The columns of any of them, in order; None: they are scalars."""

    def refused(self, reference: ColumnReference, suggestions: SuggestionBudget) -> tuple[str, str] | None:
        """Why no row has what a reference names, and a hint; or None."""
        if self.columns is None:
            if reference.column is None:
                return None
            return f"the rows have no columns, such as {quote(reference.column)}", f"write ${{{EACH}}}"
        if reference.column is None:
            return f"${{{EACH}}} names no column of the rows", f"write ${{{EACH}.{next(iter(self.columns))}}}"
        if reference.column in self.columns:
            return None
        hint = (
            suggestions.near(reference.column, self.columns)
            or f"known columns: {', '.join(islice(self.columns, _MANY))}"
        )
        return f"the rows have no column {quote(reference.column)}", hint


def rows_of_list(items: list[Any], place: Place, report: Report) -> RowTable | None:
    """The rows of a list of scalars or of mappings; None where something is reported."""
    rows: list[Row] = []
    found: list[Diagnostic] = []
    columns: dict[str, None] = {}
    shape = dict if items and isinstance(items[0], dict) else object
    for index, item in enumerate(items):
        source = place.at(str(index))
        values = list(item.values()) if isinstance(item, dict) else [item]
        if isinstance(item, list) or (not isinstance(item, dict) and item is None):
            summary = f"a row must be a scalar or a mapping, got {type_of(item)}"
            found.append(Diagnostic("KIA0203", summary, hint="write - a, or - {code: a}", source=source))
        elif item == {}:
            found.append(Diagnostic("KIA0203", "a row has no columns", hint="write {code: a}", source=source))
        elif isinstance(item, dict) is not (shape is dict):
            summary = "some rows are scalars, and others are mappings"
            found.append(Diagnostic("KIA0203", summary, hint="write every row in the same way", source=source))
        elif nested := [value for value in values if isinstance(value, dict | list)]:
            summary = f"a value of a row must be a scalar, got {type_of(nested[0])}"
            found.append(Diagnostic("KIA0203", summary, hint="add a column for each value", source=source))
        elif any(isinstance(value, RowText) for value in values):
            summary = f"a row cannot refer to ${{{EACH}}}"
            found.append(Diagnostic("KIA0255", summary, hint="write its value", source=source))
        rows.append(Row(str(source), item))
        columns |= dict.fromkeys(item) if isinstance(item, dict) else {}
    for problem in found[:_MANY]:
        report(problem)
    return None if found else RowTable(tuple(rows), columns if shape is dict else None)


@dataclass(frozen=True, slots=True)
class CsvFile:
    """One CSV file of a project."""

    path: Path | None
    """None: there is none inside the project."""
    rows: RowTable | None
    """None: it has errors."""
    problems: tuple[Diagnostic, ...] = ()
    """With the place of the file; without a place: of its path."""


def read_csv(root: Path, text: str) -> CsvFile:
    """The rows of the file that a manifest names by the path `text`, relative to `root`. No link leads out of it."""
    path = _path(root, text)
    if isinstance(path, Diagnostic):
        return CsvFile(None, None, (path,))
    below = path.relative_to(real(root))
    data = _data(RootedFile.below(real(root), below), text)
    if isinstance(data, Diagnostic):
        return CsvFile(path, None, (data,))
    try:
        reading = _Reading(data.decode("utf-8-sig"), below.as_posix())
    except UnicodeDecodeError as error:
        return CsvFile(path, None, (_not_utf8(data, error.start, below.as_posix()),))
    return CsvFile(path, reading.rows(), tuple(reading.problems))


def _path(root: Path, text: str) -> Path | Diagnostic:
    path = inside(root, text)
    if isinstance(path, PathProblem):
        return Diagnostic(path.code, path.summary, hint=path.hint)
    if path.suffix.lower() != ROWS or any(part.startswith(".") for part in path.relative_to(real(root)).parts):
        summary = f'the path must be that of a visible file with the suffix "{ROWS}"'
        return Diagnostic("KIA0306", summary, hint="write for_each: {csv: agences.csv}")
    return path


def _data(file: RootedFile, text: str) -> bytes | Diagnostic:
    try:
        data = file.read(limit=MAX_BYTES)
    except FileNotFoundError:
        hint = "write the path relative to the folder of the project file"
        return Diagnostic("KIA0306", f"there is no file {quote(text)}", hint=hint)
    except OSError as error:
        summary = f"the file {quote(text)} cannot be read: {error.strerror or type(error).__name__}"
        return Diagnostic("KIA0104", summary, hint="check the file, and its permissions")
    if data is None:
        summary = f"the file {quote(text)} is larger than {MAX_BYTES // 1024**2} MiB"
        return Diagnostic("KIA0103", summary, hint="split it into several files")
    return data


def _not_utf8(data: bytes, at: int, shown: str) -> Diagnostic:
    before = _LINES.split(data.removeprefix(codecs.BOM_UTF8)[:at].decode("utf-8", "replace"))
    summary = "the file is not valid UTF-8: it may be in a Windows encoding"
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        before, summary = [""], "the file is in UTF-16, not in UTF-8"
    source = SourceRange(shown, len(before), len(before[-1]) + 1)
    return Diagnostic("KIA0102", summary, hint=f"in the spreadsheet, {_AS_UTF8}", source=source)


class _Reading:
    """Reads one text. No problem quotes a cell: it may be a secret."""

    def __init__(self, text: str, shown: str) -> None:
        self.problems: list[Diagnostic] = []
        self._text = text
        self._shown = shown
        self._starts = [0, *(found.end() for found in _LINES.finditer(text))]

    def rows(self) -> RowTable | None:
        if self._is_refused():
            return None
        delimiter = self._delimiter()
        reader = csv.reader(io.StringIO(self._text, newline=""), delimiter=delimiter, strict=True)
        rows: list[Row] = []
        header: list[str] | None = None
        for line, cells in self._records(reader):
            if header is None:
                header = [name.strip() for name in cells]
                if not self._is_header(header, line):
                    return None
            elif len(cells) != len(header):
                summary = f"the row has {_cells(len(cells))}, and the header has {len(header)}"
                self._report(line, summary, f'quote a cell that contains "{delimiter}", and write every column')
            elif len(rows) == MAX_ROWS:
                summary = f"the file has more than {MAX_ROWS:,} rows"
                self._report(line, summary, "split it into several files, each with a block", code="KIA0256")
                break
            else:
                rows.append(
                    Row(f"{self._shown}:{line}", dict(zip(header, (cell or None for cell in cells), strict=True)))
                )
        if not rows and not self.problems:
            what = "no rows below its header" if header else "no rows"
            hint = "add a row for each resource; to delete the resources, declare them with ensure: absent"
            self._report(1, f"the file has {what}", hint, code="KIA0256")
        return None if header is None or has_errors(self.problems) else RowTable(tuple(rows), dict.fromkeys(header))

    def _records(self, reader: Any) -> Iterator[tuple[int, list[str]]]:
        """Every record that is not empty, with the line where it begins."""
        while len(self.problems) < _MANY:
            line: int = reader.line_num + 1
            try:
                cells: list[str] = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                self._report(line, *_fault(str(error)))
                return
            if any(cells) and any(cell.strip() for cell in cells):
                yield line, cells

    def _is_refused(self) -> bool:
        """Whether the text as a whole is refused: for a secret, or a character that no text has."""
        if found := re.search(UNPRINTABLE, self._text):
            summary = f"the character U+{ord(found[0]):04X} is not allowed in a cell"
            self._report_at(found.start(), _CODE, summary, f"remove it, or {_AS_UTF8}")
        for match in islice(TOKEN.finditer(self._text), MAX_TOKENS_SHOWN):
            self._report_at(match.start(), "KIA0117", LOOKS_LIKE_TOKEN, REVOKE)
        for form in forms_in(self._text)[:MAX_TOKENS_SHOWN]:
            self._report_at(form.start, "KIA0240", f"this looks like {form.name}", ROTATE)
        if self._text[:4].lower() == "sep=":
            self._report(1, 'the line "sep=" is not supported: the header must be the first line', "remove this line")
        return bool(self.problems)

    def _delimiter(self) -> str:
        """`;` where the header has more of them, outside of quotes, than of `,`."""
        header = re.sub(r'"[^"]*"', "", self._text)[:1_000_000].lstrip("\r\n \t")
        header = _LINES.split(header, maxsplit=1)[0]
        semicolons, commas = header.count(";"), header.count(",")
        if semicolons and semicolons == commas:
            self._report(
                1, 'the header has as many ";" as ","', 'quote a column whose name contains one of them: "a,b"'
            )
        elif not semicolons and not commas and "\t" in header:
            self._report(1, "the columns are separated by tabs", 'save it with "," or ";" between the columns')
        return ";" if semicolons > commas else ","

    def _is_header(self, header: list[str], line: int) -> bool:
        seen: set[str] = set()
        for number, name in enumerate(header, start=1):
            if len(self.problems) == _MANY:
                break
            if not name:
                self._report(line, f"column {number} has no name", "name it in the header, or remove the column")
            elif name in seen:
                self._report(line, f"the header has the column {quote(name)} twice", "rename or remove one of them")
            seen.add(name)
        return not self.problems

    def _report(self, line: int, summary: str, hint: str, *, code: str = _CODE) -> None:
        self.problems.append(Diagnostic(code, summary, hint=hint, source=SourceRange(self._shown, line, 1)))

    def _report_at(self, offset: int, code: str, summary: str, hint: str) -> None:
        line = bisect_right(self._starts, offset)
        source = SourceRange(self._shown, line, offset - self._starts[line - 1] + 1)
        self.problems.append(Diagnostic(code, summary, hint=hint, source=source))


def _cells(count: int) -> str:
    return "1 cell" if count == 1 else f"{count} cells"


def _fault(message: str) -> tuple[str, str]:
    """Python's errors of CSV in plain words, with a hint."""
    if "end of data" in message:
        return "a quoted cell is not closed", "close it with the quote it begins with"
    if "field limit" in message:
        return "a cell is too long", f"shorten it to {csv.field_size_limit():,} characters"
    return "a quoted cell is followed by more text", 'double each quote inside a quoted cell: "a ""b"" c"'
