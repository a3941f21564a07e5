"""What this project takes an instance to be: an assumption for each entry of the contract in force, and for each rule
of the platform that no entry states.

    for each in assumptions(contract):
        each.key        stable: the path of an entry (`kinds.base.operations.list`), or `behaviour.KIND.RULE`
        each.kind       the kind that it is about; None: all of them
        each.says       one clause, present tense; values of the contract in it, as the contract has them
        each.basis      documented, observed or assumed
        each.breaks     one clause: what goes wrong where it is not so
        each.shown_by   one clause: what `doctor` looks at; None: reading cannot tell, only a write would
        each.entry      the path of the entry that states it, for `contract.entry(*each.entry)` (file and line); empty
                        where none does. The file need not have it (`listing.detail`): its parent is where it goes

Texts hold values of the contract, which a merge request can change: escape them where they are shown.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from kiamo_iac.contract.entries import OBJECT_OPERATIONS, Attribute, Basis, KindContract, Operation, Paging
from kiamo_iac.contract.model import Contract
from kiamo_iac.contract.places import EntryPath
from kiamo_iac.document.writing import flow_text
from kiamo_iac.resources import kinds

READS: Final = frozenset({"list", "read"})
"""Operations that change nothing."""


@dataclass(frozen=True, slots=True)
class Assumption:
    """One assumption, as the module describes it."""

    key: str
    kind: str | None
    says: str
    basis: Basis
    breaks: str
    shown_by: str | None
    entry: EntryPath = ()

    @property
    def is_behaviour(self) -> bool:
        """Whether it is a rule of the platform, which only a write would show."""
        return self.key.startswith("behaviour.")


def assumptions(contract: Contract) -> tuple[Assumption, ...]:
    """Those of a contract, in its order; the behaviours of the platform after the entries of each kind."""
    found = [*_common(contract)]
    for kind, stanza in contract.kinds.items():
        found += _of_kind(kind, stanza)
        found += _of_update(kind, stanza)
        found += (_behaviour(each) for each in _BEHAVIOURS if each.kind == kind)
    return tuple(found)


def _common(contract: Contract) -> Iterator[Assumption]:
    auth, prefix, errors = contract.auth, contract.prefix, contract.errors
    also = f" and in the query parameter {auth.query}" if auth.query is not None else ""
    yield Assumption(
        "auth",
        None,
        f"every call carries the token in the header {auth.header}{also}",
        auth.basis,
        "every call is refused with 401",
        "whether a list is answered, or refused with 401",
        ("auth", "header"),
    )
    yield Assumption(
        "prefix",
        None,
        f"every path begins with {prefix.path or '/'}",
        prefix.basis,
        "every call is answered with 404, or by another server",
        "whether any list is answered with JSON",
        ("prefix", "path"),
    )
    yield Assumption(
        "errors",
        None,
        f"an error has its code under {errors.code}, and its text under {errors.message}",
        errors.basis,
        "messages quote less of what the instance says",
        "the answer to a read of an id that does not exist",
        ("errors",),
    )
    codes = f", or with {', '.join(errors.absent)}" if errors.absent else ""
    yield Assumption(
        "errors.absent",
        None,
        f"an object that does not exist is answered with 404{codes}",
        errors.basis,
        "an object that is gone ends a run with an error, or passes for one that is there",
        "the answer to a read of an id that does not exist",
        ("errors", "absent") if errors.absent else ("errors",),
    )


def _plural(kind: str) -> str:
    return kinds()[kind].collection if kind in kinds() else f"{kind}s"


def _of_kind(kind: str, stanza: KindContract) -> Iterator[Assumption]:
    at = ("kinds", kind)
    if stanza.identity == "name":
        says = f"a {kind} has no id: its name, under {stanza.id.wire}, identifies it"
    else:
        number = "a whole number" if stanza.id.type == "integer" else "a string"
        says = f"the id of a {kind} is under {stanza.id.wire}, {number}"
    yield Assumption(
        f"kinds.{kind}.id",
        kind,
        says,
        stanza.id.basis,
        "no list of this kind can be read",
        "the rows of its list",
        (*at, "id"),
    )
    yield from _of_names(kind, stanza)
    for name, call in stanza.operations.items():
        yield _of_operation(kind, name, call, sources={a.source for a in stanza.attributes.values()})
    yield from _of_listing(kind, stanza)
    for name, attribute in stanza.attributes.items():
        yield from _of_attribute(kind, name, attribute)
    for child, embedded in stanza.embedded.items():
        yield Assumption(
            f"kinds.{kind}.embedded.{child}",
            kind,
            f"a create of a {kind} carries each new {child} in a list under {embedded.wire}",
            embedded.basis,
            f"a create of a {kind} is refused, or its {_plural(child)} are not made with it",
            None,
            (*at, "embedded", child),
        )
    if stanza.made_with_parent is not None:
        made = ", ".join(str(each.get("name")) for each in stanza.made_with_parent.things)
        yield Assumption(
            f"kinds.{kind}.made_with_parent",
            kind,
            f"the platform makes these {_plural(kind)} with every {stanza.parent}: {made}",
            stanza.made_with_parent.basis,
            f"a manifest that refers to one is refused, or plans a {kind} that is there",
            f"the {_plural(kind)} of a few objects of the kind {stanza.parent}",
            (*at, "made_with_parent"),
        )


def _of_names(kind: str, stanza: KindContract) -> Iterator[Assumption]:
    if stanza.names is None:
        return
    at = ("kinds", kind, "names")
    yield Assumption(
        f"kinds.{kind}.names.pattern",
        kind,
        f"the name of a new {kind} matches {stanza.names.pattern}",
        stanza.names.basis,
        "a name that the instance accepts is refused in the plan, or one that it refuses is not",
        "the names of its list: one that does not match contradicts it",
        (*at, "pattern"),
    )
    if stanza.names.taken is not None:
        code = stanza.names.taken
        where = f"of one {stanza.parent}" if stanza.parent is not None else "of the instance"
        yield Assumption(
            f"kinds.{kind}.names.taken",
            kind,
            f"no two {_plural(kind)} {where} have the same name: a create with a name in use is refused with {code}",
            stanza.names.basis,
            f"a create whose answer was lost is sent once more, and the {kind} is there twice",
            "the names of its list: two that are equal contradict it; only a write confirms it",
            (*at, "taken"),
        )


def _of_operation(kind: str, name: str, call: Operation, *, sources: set[str | None]) -> Assumption:
    known = {
        "list": f"the list of {_plural(kind)}",
        "read": f"a read of a {kind}",
        "create": f"a create of a {kind}",
        "update": f"an update of a {kind}",
        "delete": f"a delete of a {kind}",
    }
    reads = name in READS or name in sources
    what = known.get(name, f"the call to {name} a {kind}" if not reads else f"the call {name} of a {kind}")
    shown_by = None
    if reads:
        shown_by = "the call itself" if name == "list" else "the call itself, for a few objects"
    with_body = f" with {flow_text(call.body)}" if call.body and name not in OBJECT_OPERATIONS else ""
    return Assumption(
        f"kinds.{kind}.operations.{name}",
        kind,
        f"{what} is {call.method} {call.path}{with_body}",
        call.basis,
        f"{'no plan can be made' if name == 'list' else 'a plan that needs it fails'}: the instance answers 404 or 405"
        + ("" if reads else ", or does something else"),
        shown_by,
        ("kinds", kind, "operations", name, "path"),
    )


def _of_listing(kind: str, stanza: KindContract) -> Iterator[Assumption]:
    listing, at = stanza.listing, ("kinds", kind, "listing")
    if "list" not in stanza.operations:
        return
    place = "are the whole answer" if listing.items is None else f"are under {listing.items}"
    ways = [f", in the groups {', '.join(listing.groups)}"] if listing.groups else []
    ways += [f", keyed by {listing.keyed}"] if listing.keyed is not None else []
    yield Assumption(
        f"kinds.{kind}.listing",
        kind,
        f"the rows of the list of {_plural(kind)} {place}{''.join(ways)}",
        listing.basis,
        "no plan can be made: the answer is not what the contract describes",
        "the answer to the list",
        (*at, "items"),
    )
    yield Assumption(
        f"kinds.{kind}.listing.paging",
        kind,
        _paging(kind, listing.paging),
        listing.basis,
        f"a plan takes a part of the {_plural(kind)} for all of them, unless the answer shows that more follow",
        "totals, keys such as has_more and the header Link beside the rows, and the second page",
        (*at, "paging"),
    )
    if "read" in stanza.operations:
        less = listing.detail == "read"
        yield Assumption(
            f"kinds.{kind}.listing.detail",
            kind,
            f"a row of the list shows {'less than' if less else 'what'} a read of the {kind} shows",
            listing.basis,
            "more calls than are needed" if less else "an export leaves out what only a read shows",
            "a few objects, read and held against their rows",
            (*at, "detail"),
        )


def _of_update(kind: str, stanza: KindContract) -> Iterator[Assumption]:
    update = stanza.operations.get("update")
    if update is None:
        return
    whole = update.send == "whole"
    what = "replaces it: what is not sent is emptied" if whole else "changes what is sent alone"
    yield Assumption(
        f"behaviour.{kind}.update",
        kind,
        f"an update of a {kind} {what}",
        update.basis,
        "none: every attribute is sent as it was read"
        if whole
        else "an update empties what was not sent; the check after the write sees it, and the run ends with 4",
        None,
        ("kinds", kind, "operations", "update", "send"),
    )


def _paging(kind: str, paging: Paging) -> str:
    if paging.style == "none":
        return f"the list of {_plural(kind)} is whole in one answer"
    how = {
        "page": f"by a page number, {paging.page}, from {paging.first}",
        "offset": f"by the number of rows to skip, {paging.offset}",
        "cursor": f"by a cursor, from {paging.next} to {paging.parameter}",
        "next": f"by an address under {paging.url}",
        "link": "by the header Link",
    }
    return f"the list of {_plural(kind)} comes in pages, {how[paging.style]}"


def _of_attribute(kind: str, name: str, attribute: Attribute) -> Iterator[Assumption]:
    key, at = f"kinds.{kind}.attributes.{name}", ("kinds", kind, "attributes", name)
    read = attribute.read or attribute.wire
    by = f", by the {attribute.by} of a {attribute.refers_to}" if attribute.refers_to is not None else ""
    yield Assumption(
        key,
        kind,
        f"a {kind} shows its {name} under {read}{by}",
        attribute.basis,
        f"its {name} reads as not set" + ("" if attribute.read_only else ", and is not changed by a write"),
        "the rows of its list, and a few objects read" if attribute.source is None else f"the call {attribute.source}",
        (*at, "read" if attribute.read is not None else "wire"),
    )
    if attribute.choices is not None:
        yield Assumption(
            f"{key}.choices",
            kind,
            f"the {name} of a {kind} is one of {', '.join(attribute.choices)}",
            attribute.basis,
            f"a {name} that the instance accepts is refused in the plan, or one that it refuses is not",
            "the values of its list: one that is not listed contradicts it",
            (*at, "choices"),
        )
    if attribute.values is not None:
        words = ", ".join(f"{word}: {value}" for word, value in attribute.values.items())
        yield Assumption(
            f"{key}.values",
            kind,
            f"the values of the {name} of a {kind} are {words}",
            attribute.basis,
            f"an object with another value is not managed, and its {name} is misread",
            "the values of its list: one that is not listed contradicts it",
            (*at, "values"),
        )


# --- rules of the platform -------------------------------------------------------------------------------------------


class _Rule(NamedTuple):
    kind: str
    name: str
    says: str
    basis: Basis
    breaks: str
    shown_by: str | None = None


def _behaviour(rule: _Rule) -> Assumption:
    key = f"behaviour.{rule.kind}.{rule.name}"
    return Assumption(key, rule.kind, rule.says, rule.basis, rule.breaks, rule.shown_by)


_BEHAVIOURS: Final = (
    _Rule(
        "service",
        "in_use",
        "a service that an unfinished batch uses cannot be deleted (ERR_2140)",
        Basis.ASSUMED,
        "the plan refuses a delete that the instance accepts; no batch loses its service by it",
    ),
    _Rule(
        "base",
        "delete_cascades",
        "deleting a base deletes its fields, its finished and stopped batches and its contacts",
        Basis.ASSUMED,
        "a delete of a base is refused, or leaves batches without a base; contacts are guarded in any case",
    ),
    _Rule(
        "base",
        "unfinished_batches",
        "a base with batches that are neither finished nor stopped cannot be deleted (ERR_2000)",
        Basis.DOCUMENTED,
        "none: the plan stops such batches first, or is refused",
    ),
    _Rule(
        "base",
        "contacts",
        "the contacts that a base shows are all those that are lost with it",
        Basis.ASSUMED,
        "a base is deleted without --allow-data-loss though it has contacts",
    ),
    _Rule(
        "field",
        "immutable",
        "the name and the datatype of a field never change; its label can",
        Basis.ASSUMED,
        "a change of them is refused in the plan though the instance would accept it",
    ),
    _Rule(
        "field",
        "defaults",
        "default fields can be neither updated nor deleted (ERR_2040, ERR_2050)",
        Basis.DOCUMENTED,
        "none: the plan leaves them as they are",
    ),
    _Rule(
        "field",
        "in_use",
        "a field that the association of an unfinished batch names cannot be deleted (ERR_1120)",
        Basis.ASSUMED,
        "a batch dials with an association to a field that is gone",
    ),
    _Rule(
        "field",
        "delete_takes_values",
        "deleting a field deletes what contacts have in it",
        Basis.ASSUMED,
        "none: --allow-data-loss is asked for more often than needed",
    ),
    _Rule(
        "batch",
        "moves",
        "a batch goes from new to started, between started and paused, and from each of the three to stopped; "
        "start dials its contacts, and no other command does",
        Basis.ASSUMED,
        "a command is refused and the run ends with 4; one that dials unasked is seen only after it",
    ),
    _Rule(
        "batch",
        "terminal",
        "a stopped batch is closed: no change of state, and no update (ERR_2070, ERR_2090)",
        Basis.DOCUMENTED,
        "none: the plan never leaves a terminal state",
    ),
    _Rule(
        "batch",
        "finished",
        "a started batch becomes finished when every contact is done, and stays so; finished is as good as started",
        Basis.ASSUMED,
        "a batch that could run again is not started again",
    ),
    _Rule(
        "batch",
        "delete",
        "a batch is stopped or finished before it is deleted (ERR_2010)",
        Basis.DOCUMENTED,
        "none: the plan stops it first",
    ),
    _Rule(
        "batch",
        "rename",
        "only a new batch can be renamed (ERR_2080)",
        Basis.DOCUMENTED,
        "a rename is refused in the plan though the instance would accept it",
    ),
    _Rule(
        "batch",
        "frozen_while_started",
        "a started batch keeps its service and its association (ERR_2100): it is paused, changed, and started again",
        Basis.ASSUMED,
        "a pause and a start, which dials, that were not needed; or an update that is refused in other states too",
    ),
    _Rule(
        "batch",
        "association_to_start",
        "a batch needs an association before it is started (ERR_2015)",
        Basis.DOCUMENTED,
        "none: the plan is refused",
    ),
    _Rule(
        "batch",
        "resume_keeps_contacts",
        "a batch that is paused and started again dials the contacts that are left, none twice",
        Basis.ASSUMED,
        "contacts are dialled twice after a change of the association or the service",
    ),
    _Rule(
        "batch",
        "done_when_answered",
        "a command is done when it is answered",
        Basis.ASSUMED,
        "the check after the write sees the former state, and the run ends with 4",
    ),
)
"""From the vendor's table of errors, and this project's reading of it. `documented`: an error code says so."""
