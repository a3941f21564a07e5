"""What looks like a rename without `renamed_from`: an object that is to be created, and a live one that no manifest
declares, below one parent. Only a clear likeness between two that are like no others is noted.

`spring-2026` and `spring-2027`, `north` and `south`, `june` and `july` are two objects each: names that differ in
digits or in a short word are not alike. `prospect` and `prospects` are, as are two of the same children, or of a label
that no other has, if nothing that is declared differs. So are the objects of a block with rows and others that have the
same names but for a prefix or suffix (`relance-${each}`, now `rappel-${each}`): one note for the block.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping
from itertools import islice, takewhile
from typing import Final

from kiamo_iac.core.address import Address, identity
from kiamo_iac.core.diagnostics import Diagnostic, Severity, SourceRange
from kiamo_iac.core.printable import quote
from kiamo_iac.core.strict_json import same
from kiamo_iac.planner.matching import ResourcePair, ResourcePairs

_WORD: Final = re.compile(r"[^\W_]+")
_PART: Final = re.compile(r"\d+|\D+")
_LETTERS_FOR_ONE_EDIT: Final = 6
"""Letters of a word in which one may differ."""
_CHILDREN: Final = 2
"""Least number of children that make two parents alike."""
_ALIKE: Final = 0.75
"""Least part of all their children that both have."""
_BOTH: Final = 2
"""How many have a label that only the two have."""
_ROWS: Final = 2
"""Least number of rows of a block that have former names."""
_MOST: Final = 10_000
"""Comparisons below one parent; above, nothing is noted but of blocks with rows."""
_MOST_NAMES: Final = 100_000
"""The same for blocks with rows: blocks times live names, or places in them that are tried."""
_TRIED: Final = 10
"""Texts that are tried for all rows of a block, and about as many rows that they are tried for first."""
_Match = tuple[ResourcePair, ResourcePair]
"""A new resource, and the live one that it looks like."""


def likely_renames(pairs: ResourcePairs, deleted: Collection[ResourcePair]) -> list[Diagnostic]:
    """A note for each pair, or block with rows, that looks like a rename. `deleted`: what the plan deletes."""
    new: defaultdict[tuple[Address | None, str], list[ResourcePair]] = defaultdict(list)
    old: defaultdict[tuple[Address | None, str], list[ResourcePair]] = defaultdict(list)
    children: defaultdict[int, set[str]] = defaultdict(set)
    labels: defaultdict[tuple[Address | None, str], Counter[str]] = defaultdict(Counter)
    for pair in pairs.ordered if any(pair.live is None for pair in pairs.ordered) else ():
        where = pair.parent.address if pair.parent is not None else None, pair.kind.collection
        if pair.parent is not None and not pair.made_with_parent and not pair.is_default:
            children[id(pair.parent)].add(pair.address.name)
        if "name" in pair.kind.immutable:
            continue
        labels[where].update(_labels(pair))
        if pair.live is None and pair.declared_present and pair.declaration.lifecycle.managed:
            new[where].append(pair)
        elif pair.live is not None and pair.desired is None and not pair.is_default and not pair.made_with_parent:
            old[where].append(pair)
    found: list[_Match] = []
    for where, created in new.items():
        others = old.get(where, [])
        of_blocks = list(_of_blocks(created, others)) if others else []
        found += of_blocks
        done = {pair for match in of_blocks for pair in match}
        created = [one for one in created if one not in done]  # noqa: PLW2901
        others = [one for one in others if one not in done]
        if not others or len(created) * len(others) > _MOST:
            continue
        like = [(a, b) for a in created for b in others if _alike(a, b, children=children, labels=labels[where])]
        times = Counter(pair for match in like for pair in match)
        found += [(one, other) for one, other in like if times[one] == times[other] == 1]
    return _notes(found, deleted)


def _notes(found: list[_Match], deleted: Collection[ResourcePair]) -> list[Diagnostic]:
    """A note for each match; one for all of a block with rows."""
    blocks: dict[object, list[_Match]] = {}
    for new, old in found:
        source = new.declaration.source
        blocks.setdefault(source.written if source is not None and source.row else new.address, []).append((new, old))
    return [_note(matches, is_deleted=any(old in deleted for _, old in matches)) for matches in blocks.values()]


def _of_blocks(created: list[ResourcePair], others: list[ResourcePair]) -> Iterator[_Match]:
    """The new resources of blocks with rows whose names are those of others, but for a prefix or suffix of all."""
    blocks: dict[SourceRange, list[ResourcePair]] = {}
    for one in created:
        source = one.declaration.source
        if source is not None and source.row and not one.declaration.lifecycle.renamed_from:
            blocks.setdefault(source.written, []).append(one)
    by_name = {identity(other.live_object.name): other for other in others}
    loops = [pairs for pairs in blocks.values() if len(pairs) >= _ROWS]
    for pairs in loops if len(loops) * len(others) <= _MOST_NAMES else ():
        names = [pair.address.name for pair in pairs]
        start = _common_start(names)
        end = _common_start([name[len(start) :][::-1] for name in names])[::-1]
        rows = [name[len(start) : len(name) - len(end)] for name in names]
        matches = _by_other_text(pairs, rows, start + end, by_name, most=_MOST_NAMES // len(loops))
        yield from matches
        for _, other in matches:
            del by_name[identity(other.live_object.name)]


def _by_other_text(
    pairs: list[ResourcePair], rows: list[str], text: str, by_name: Mapping[str, ResourcePair], *, most: int
) -> list[_Match]:
    """The new resources of a block, and those whose names have other text around the same rows. `text`: what is around
    them now. `most`: how many places of a row in names are tried."""
    longest = max(rows, key=len)
    some = rows[:: len(rows) // _TRIED + 1]
    tried = 0
    places = ((name, at) for name in by_name for at in _places_of(longest, name))
    for name, at in islice(places, most):
        before, after = name[:at], name[at + len(longest) :]
        if not _is_other_text(text, before + after):
            continue
        if 2 * sum(before + row + after in by_name for row in some) < len(some):
            continue
        names = [before + row + after for row in rows]
        found = [(pair, by_name[old]) for pair, old in zip(pairs, names, strict=True) if old in by_name]
        if len(found) >= max(_ROWS, _ALIKE * len(pairs)) and all(_equal(a, b) is not None for a, b in found):
            return found
        tried += 1
        if tried == _TRIED:
            break
    return []


def _places_of(part: str, text: str) -> Iterator[int]:
    """Where a part begins in a text, wherever it is in it."""
    at = text.find(part)
    while at >= 0:
        yield at
        at = text.find(part, at + 1)


def _common_start(texts: list[str]) -> str:
    return "".join(a for a, _ in takewhile(lambda pair: pair[0] == pair[1], zip(min(texts), max(texts), strict=False)))


def _is_other_text(one: str, other: str) -> bool:
    """Whether two texts differ, and not in a digit."""
    return one != other and re.findall(r"\d+", one) == re.findall(r"\d+", other)


def _labels(pair: ResourcePair) -> set[str]:
    """Its labels, as declared and as live, that say more than its name."""
    sides = [side for side in (pair.desired, pair.live) if side is not None]
    names = {side.name.casefold() for side in sides}
    labels = {label for side in sides if isinstance(label := side.attributes.get("label"), str)}
    return {label for label in labels if label.casefold() not in names}


def _alike(
    new: ResourcePair, old: ResourcePair, *, children: Mapping[int, set[str]], labels: Mapping[str, int]
) -> bool:
    declared, live = new.declaration, old.live_object
    equal = _equal(new, old)
    if declared.lifecycle.renamed_from or equal is None:
        return False
    same_label = any(labels.get(label) == _BOTH for label in _labels(new) & _labels(old))
    same_children = _share(children.get(id(new), set()), children.get(id(old), set()))
    return same_label or same_children or (equal > 0 and is_respelled(declared.name, live.name))


def _equal(new: ResourcePair, old: ResourcePair) -> int | None:
    """How many declared attributes are as they are live, without the name and the run state; None: one is not."""
    declared, live = new.declaration, old.live_object
    equal = 0
    for attributes, others in ((declared.attributes, live.attributes), (declared.settings, live.settings)):
        for key, value in attributes.items():
            if key in {"name", "state"}:
                continue
            if not same(value, others.get(key)):
                return None
            equal += 1
    return equal


def _share(some: set[str], others: set[str]) -> bool:
    common, every = some & others, some | others
    return len(common) >= _CHILDREN and len(common) / len(every) >= _ALIKE


def is_respelled(one: str, other: str) -> bool:
    """Whether two names differ in case, separators, accents of one letter, or one letter of a long word, and not in a
    digit."""
    words, others = _words(one), _words(other)
    if "".join(words) == "".join(others):
        return True
    if len(words) != len(others):
        return False
    different = [(a, b) for a, b in zip(words, others, strict=True) if a != b]
    return len(different) == 1 and _is_one_edit(*different[0])


def _words(name: str) -> list[str]:
    return [part for word in _WORD.findall(name.casefold()) for part in _PART.findall(word)]


def _is_one_edit(one: str, other: str) -> bool:
    """Whether one letter was added, left out or replaced in a long word."""
    short, long = sorted((one, other), key=len)
    if short.isdigit() or long.isdigit() or len(short) < _LETTERS_FOR_ONE_EDIT or len(long) - len(short) > 1:
        return False
    same_start = next((n for n, (a, b) in enumerate(zip(short, long, strict=False)) if a != b), len(short))
    rest = short[same_start + 1 :] if len(short) == len(long) else short[same_start:]
    return rest == long[same_start + 1 :]


def _note(matches: list[_Match], *, is_deleted: bool) -> Diagnostic:
    """`matches`: one, or all of a block with rows."""
    new, old = matches[0]
    name, former, kind = quote(new.declaration.name), quote(old.live_object.name), new.kind
    source = new.declaration.source
    what = "will be deleted" if is_deleted else f"{'is' if len(matches) == 1 else 'are'} not declared"
    if len(matches) > 1:
        more = f"and {len(matches) - 1} more"
        hint = f"renamed_from: [{former}] in the block"
        if len({old.live_object.name for _, old in matches}) > 1:
            hint = (
                f"renamed_from in the block, with the former name of each row, as in its name: {former} for {name}; a "
                "fixed name would apply to every row"
            )
        return Diagnostic(
            "KIA0625",
            f"new {kind.collection} of this block ({name} {more}) look like {former} {more}, which {what}",
            Severity.NOTE,
            hint=f"if they are the same {kind.collection} under new names, declare {hint}",
            source=source.written if source is not None else None,
        )
    hint = f"declare renamed_from: [{former}]"
    if source is not None and source.row:
        hint = (
            'declare renamed_from in the block, by a column of its rows, such as renamed_from: ["${each.former}"] (a '
            "fixed name would apply to every row)"
        )
    return Diagnostic(
        "KIA0625",
        f"the new {kind.kind} {name} looks like {former}, which {what}",
        Severity.NOTE,
        hint=f"if it is the same {kind.kind} under a new name, {hint}, so that it is renamed",
        address=new.address,
        source=source,
    )
