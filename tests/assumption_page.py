"""How sure this project is of an instance, as a page: every assumption of the packaged contract, in Markdown."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator

from kiamo_iac.contract.assumptions import Assumption, assumptions
from kiamo_iac.contract.entries import Basis
from kiamo_iac.contract.file import load_contract

_SOURCES = {
    Basis.DOCUMENTED: "the vendor's published metadata: its table of errors",
    Basis.OBSERVED: "a public integration",
    Basis.ASSUMED: "none: it is this project's reading of the table of errors",
}
_OPENING = """\
# How sure are we?

No one on this project has a Kiamo server. What it takes one to be is on this page, a statement a row: {total} for the
packaged [contract](contract.md), {assumed} of them assumed. None of them is more than its basis says.

{counts}

[`doctor`](contract.md#does-the-instance-agree) shows {shown} of them by reading alone, on your instance and with your
contract; the other {unshown} show in a write. What is written is read again, whatever this page says: see
[what is not believed unread](contract.md#what-is-not-believed-unread).

To be surer, derive a contract from the vendor's collection: [your Kiamo differs](../how-to/your-kiamo-differs.md). To
find out without harm, meet a real Kiamo in small steps: [first contact](../how-to/first-contact.md).

With a contract of your own, `kiamo-iac contract show` has its entries, each with its basis.

## What to be sure of first

Where one of these is wrong, contacts may be dialled or data lost: the check after a write comes too late.

{first}"""
_FIRST = (
    "kinds.batch.operations.start",
    "kinds.batch.operations.pause",
    "kinds.batch.operations.stop",
    "behaviour.batch.moves",
    "behaviour.batch.resume_keeps_contacts",
    "kinds.base.operations.delete",
    "behaviour.base.delete_cascades",
    "behaviour.base.contacts",
    "behaviour.base.update",
    "behaviour.batch.update",
)
"""Keys of assumptions."""
_HEADS = ("statement", "basis", "where it is wrong", "what `doctor` looks at")
_ONLY_A_WRITE = "only a write shows it"


def page() -> str:
    """The page."""
    every = assumptions(load_contract())
    counts = Counter(each.basis for each in every)
    unshown = sum(each.shown_by is None for each in every)
    opening = _OPENING.format(
        total=len(every),
        assumed=counts[Basis.ASSUMED],
        counts=_table(
            ("basis", "statements", "source"),
            ((f"`{basis.value}`", str(counts[basis]), source) for basis, source in _SOURCES.items()),
        ),
        first=_rows({each.key: each for each in every}[key] for key in _FIRST),
        shown=len(every) - unshown,
        unshown=unshown,
    )
    return "\n\n".join([opening, *_sections(every)]) + "\n"


def _sections(every: Iterable[Assumption]) -> Iterator[str]:
    groups: dict[tuple[str | None, bool], list[Assumption]] = {}
    for each in every:
        groups.setdefault((each.kind, each.is_behaviour), []).append(each)
    for (kind, is_behaviour), found in groups.items():
        yield "## Every call" if kind is None else f"### Rules of a {kind}" if is_behaviour else f"## {kind.title()}"
        yield _rows(found)


def _rows(found: Iterable[Assumption]) -> str:
    cells = ((each.says, each.basis.value, each.breaks, each.shown_by or _ONLY_A_WRITE) for each in found)
    return _table(_HEADS, (tuple(map(plain, row)) for row in cells))


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (heads, ("---",) * len(heads), *rows))


def plain(text: str) -> str:
    """A text in which nothing is markup."""
    return re.sub(r"([\\`*_{}\[\]<>|])", r"\\\1", text)
