"""What a run does, told to the ledger: before the first write, after every step, and at its end.

before    old ∪ new: whatever is about to be made or changed is ours from here on, so that a crash forgets nothing
a step    created, changed, renamed, commanded: recorded as it is then; deleted: forgotten, with all that stood in it
the end   everything that is ours and declared is as it was declared; what is gone from both sides is forgotten
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from kiamo_iac.core.address import Address, identity
from kiamo_iac.core.errors import KiamoIacError
from kiamo_iac.core.resource import Ensure
from kiamo_iac.core.sensitive import masked
from kiamo_iac.core.state import Owned
from kiamo_iac.executor.report import Report, Status, StepResult
from kiamo_iac.planner.plan import Action, Step

if TYPE_CHECKING:
    from kiamo_iac.app.planning import PlanResult
    from kiamo_iac.core.state import Instance, RemoteId, State
    from kiamo_iac.executor.scheduler import Observer
    from kiamo_iac.ledger.ledger import Ledger

_COMMANDS = frozenset({Action.START, Action.PAUSE, Action.STOP})


class Recorder:
    """An observer of a run that keeps the ledger, and tells every step on to another observer.

    A ledger that cannot be written ends the run: nothing new is begun, and `error` says why.
    """

    def __init__(
        self,
        ledger: Ledger,
        result: PlanResult,
        *,
        stamp: Callable[[Owned], Owned],
        onward: Observer | None = None,
        end: Callable[[], object] = lambda: None,
    ) -> None:
        self._ledger = ledger
        self._result = result
        self._stamp = stamp
        self._onward = onward
        self._end = end
        self._names = _names_before(result.plan.steps)
        self.error: KiamoIacError | None = None
        """Why the ledger could not be written, once that has happened."""

    def begin(self) -> None:
        """Put right what a run that died could not say; then write down what is about to be made or changed.

        Raises:
            KiamoIacError: the ledger cannot be written; so nothing else may be.
        """
        self._catch_up()
        entries: dict[Address, Owned] = {}
        for step in self._result.plan.steps:
            at = self._at(step.address)
            if self._declared(step.address) is None or at in entries:
                continue
            known = self._ledger.owned.get(at)
            if known is None:
                entries[at] = self._stamp(Owned(at, None))
            elif step.action is Action.CREATE:  # it was deleted by somebody: its id says nothing any more
                self._ledger.record(replace(known, remote_id=None))
        self._ledger.intend(entries.values())

    def _catch_up(self) -> None:
        """Things that were renamed stand where they live: by a run that died before it could say so, or by somebody
        whose rename this plan takes back. Others that somebody renamed keep the address that they were known by."""
        lives = {(thing.address.collection, thing.remote_id): thing.address for thing in self._result.inputs.live}
        finals = {self._at(s.address): s.address for s in self._result.plan.steps if s.action is Action.RENAME}

        def final(address: Address) -> Address:
            if address in finals or address.parent is None:
                return finals.get(address, address)
            return final(address.parent).child(address.collection, address.name)

        def now(address: Address) -> Address:
            parent = now(address.parent) if address.parent is not None else None
            entry = self._ledger.owned.get(address)
            there = lives.get((address.collection, entry.remote_id)) if entry is not None else None
            is_known = there is not None and (there in finals or self._declared(final(there)) is not None)
            if there is not None and there.parent == parent and is_known:
                return there
            return Address.of(address.collection, address.name, parent)

        moves = {address: now(address) for address in self._ledger.owned}
        self._readdress({old: new for old, new in moves.items() if old != new})

    # --- the observer ------------------------------------------------------------------------------------------------

    def started(self, step: Step) -> None:
        """Tell it on."""
        if self._onward is not None:
            self._onward.started(step)

    def finished(self, result: StepResult) -> None:
        """Record a step that is done; tell it on."""
        if result.status is Status.DONE and self.error is None:
            self._guarded(lambda: self._record(result))
        if self._onward is not None:
            self._onward.finished(result)

    def close(self, report: Report) -> None:
        """Bring the ledger level with what was declared, when all of it was done; and write what is not written yet."""
        if report.ok and self.error is None and not self._result.options.targets:
            self._guarded(self._level)
        self._guarded(self._ledger.flush)

    def _guarded(self, write: Callable[[], None]) -> None:
        try:
            write()
        except KiamoIacError as error:
            if self.error is None:
                self.error = error
            self._end()

    # --- a step ------------------------------------------------------------------------------------------------------

    def _record(self, result: StepResult) -> None:
        step = result.step
        match step.action:
            case Action.DELETE:
                for address in self._below(self._at(step.address)):
                    self._ledger.forget(address)
                return
            case Action.RENAME:
                self._move(step)
            case _:
                pass
        declared = self._declared(step.address)
        if declared is not None:
            self._ledger.record(self._after(step, declared, result.outcome.remote_id if result.outcome else None))

    def _after(self, step: Step, declared: Instance, remote_id: RemoteId | None) -> Owned:
        """What the ledger says of a thing after a step of it."""
        address = self._at(step.address)
        before = self._ledger.owned.get(address)
        attributes = dict(before.attributes) if before is not None else {}
        done: tuple[str, ...] = before.renamed_from if before is not None else ()
        match step.action:
            case Action.CREATE | Action.UPDATE:
                attributes = _without_state(declared_attributes(declared)) | _state_of(attributes)
                if step.action is Action.CREATE:
                    done = declared.lifecycle.renamed_from
            case Action.RENAME:
                attributes["name"] = step.after["name"]
                # A name of the moment says whose place it keeps: whoever finds it finishes what was begun.
                done = declared.lifecycle.renamed_from if address == step.address else (identity(step.before["name"]),)
            case _ if step.action in _COMMANDS and "state" in declared.attributes:
                attributes["state"] = step.after["state"]
            case _:
                pass
        return self._stamp(
            Owned(
                address,
                remote_id if remote_id is not None else (before.remote_id if before is not None else None),
                attributes,
                protect=declared.lifecycle.protect,
                renamed_from=done,
            )
        )

    def _move(self, step: Step) -> None:
        """Take a renamed thing, and all that stands below it, to its new address."""
        old = self._at(step.address)
        self._names[step.address] = step.after["name"]
        new = self._at(step.address)
        self._readdress({address: Address(new + address[len(old) :]) for address in self._below(old)})

    def _readdress(self, moves: Mapping[Address, Address]) -> None:
        """Take entries from address to address, all at once."""
        entries = {new: replace(self._ledger.owned[old], address=new) for old, new in moves.items()}
        for entry in entries.values():
            self._ledger.record(entry)
        for old in moves.keys() - entries.keys():
            self._ledger.forget(old)

    def _below(self, address: Address) -> list[Address]:
        """`address` and what stands below it, as far as it is ours."""
        return [a for a in self._ledger.owned if a == address or a.startswith(f"{address}/")]

    def _at(self, address: Address) -> Address:
        """Where the thing that stands at `address` when the plan is done stands at this moment."""
        parent = address.parent
        name = self._names.get(address, address.name)
        return Address.of(address.collection, name, self._at(parent) if parent is not None else None)

    def _declared(self, address: Address) -> Instance | None:
        """The declaration of a thing that is to be there and to be ours."""
        return managed_declaration(self._result.inputs.desired, address)

    # --- the end -----------------------------------------------------------------------------------------------------

    def _level(self) -> None:
        desired, live = self._result.inputs.desired, self._result.inputs.live
        alive = {(thing.address.collection, thing.remote_id) for thing in live}
        for address, entry in self._ledger.owned.items():
            declared = managed_declaration(desired, address)
            if declared is not None:
                self._level_one(entry, declared)
            elif self._is_reference(address) or (
                address not in live and (address.collection, entry.remote_id) not in alive
            ):
                self._ledger.forget(address)

    def _level_one(self, entry: Owned, declared: Instance) -> None:
        live = self._result.inputs.live.get(entry.address)
        level = replace(
            entry,
            remote_id=entry.remote_id if entry.remote_id is not None or live is None else live.remote_id,
            attributes=declared_attributes(declared),
            protect=declared.lifecycle.protect,
            renamed_from=declared.lifecycle.renamed_from,
        )
        if level != entry:
            self._ledger.record(self._stamp(level))

    def _is_reference(self, address: Address) -> bool:
        """Whether it is declared, and nobody's to manage any more."""
        declared = self._result.inputs.desired.get(address)
        return declared is not None and not declared.lifecycle.managed


def managed_declaration(desired: State, address: Address) -> Instance | None:
    """What is declared at `address`, when it is declared to be there and to be managed."""
    declared = desired.get(address)
    if declared is None or declared.lifecycle.ensure is not Ensure.PRESENT or not declared.lifecycle.managed:
        return None
    return declared


def declared_attributes(declared: Instance) -> dict[str, Any]:
    """A declaration as the ledger keeps it: references as names, pass-through attributes under `settings`, and in place
    of sensitive values the text that stands for them."""
    attributes = dict(declared.attributes)
    if declared.settings:
        attributes["settings"] = dict(masked(declared.settings))
    return attributes


def _state_of(attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {"state": attributes["state"]} if "state" in attributes else {}


def _without_state(attributes: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in attributes.items() if key != "state"}


def _names_before(steps: Iterable[Step]) -> dict[Address, str]:
    """Of everything that is renamed: final address → the name that it has now."""
    names: dict[Address, str] = {}
    for step in steps:
        if step.action is Action.RENAME:
            names.setdefault(step.address, step.before["name"])
    return names
