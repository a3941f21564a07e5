"""What looks like a rename without `renamed_from`: an object that is to be created, and a live one that no manifest
declares, below one parent. Only a clear likeness between two that are like no others is noted.

`spring-2026` and `spring-2027`, `north` and `south`, `june` and `july` are two objects each: names that differ in
digits or in a short word are not alike. `prospect` and `prospects` are, as are two of the same children, or of a label
that no other has, if nothing that is declared differs.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from typing import Final

from kiamo_iac.core.address import Address
from kiamo_iac.core.diagnostics import Diagnostic, Severity
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
_MOST: Final = 10_000
"""Comparisons below one parent; above, nothing is noted."""


def likely_renames(pairs: ResourcePairs, deleted: Collection[ResourcePair]) -> list[Diagnostic]:
    """A note for each pair that looks like a rename. `deleted`: what the plan deletes."""
    new: defaultdict[tuple[Address | None, str], list[ResourcePair]] = defaultdict(list)
    old: defaultdict[tuple[Address | None, str], list[ResourcePair]] = defaultdict(list)
    children: defaultdict[int, set[str]] = defaultdict(set)
    labels: defaultdict[tuple[Address | None, str], Counter[str]] = defaultdict(Counter)
    for pair in pairs.ordered:
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
    found = []
    for where, created in new.items():
        others = old.get(where, [])
        if not others or len(created) * len(others) > _MOST:
            continue
        like = [(a, b) for a in created for b in others if _alike(a, b, children=children, labels=labels[where])]
        for one, other in like:
            if sum(one is a or other is b for a, b in like) == 1:
                found.append(_note(one, other, is_deleted=other in deleted))
    return found


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
    if declared.lifecycle.renamed_from:
        return False
    equal = 0
    for attributes, others in ((declared.attributes, live.attributes), (declared.settings, live.settings)):
        for key, value in attributes.items():
            if key in {"name", "state"}:
                continue
            if not same(value, others.get(key)):
                return False
            equal += 1
    same_label = any(labels.get(label) == _BOTH for label in _labels(new) & _labels(old))
    same_children = _share(children.get(id(new), set()), children.get(id(old), set()))
    return same_label or same_children or (equal > 0 and is_respelled(declared.name, live.name))


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


def _note(new: ResourcePair, old: ResourcePair, *, is_deleted: bool) -> Diagnostic:
    name, kind = quote(old.live_object.name), new.kind.kind
    what = "will be deleted" if is_deleted else "is not declared"
    return Diagnostic(
        "KIA0625",
        f"the new {kind} {quote(new.declaration.name)} looks like {name}, which {what}",
        Severity.NOTE,
        hint=f"if it is the same {kind} under a new name, declare renamed_from: [{name}], so that it is renamed",
        address=new.address,
        source=new.declaration.source,
    )
