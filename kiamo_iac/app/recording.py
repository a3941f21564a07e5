"""The ledger kept during an apply: before the first write, after each step, and at the end.

before    every resource that will be created or changed gets an entry, with the run state that is owed to it on the
          way, so a crash loses nothing
a step    created, updated, renamed, started, paused, stopped: recorded; deleted: removed, with its children
the end   each managed declared resource is recorded as declared; entries that are neither declared nor live are removed
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from kiamo_iac.app.owing import COMMANDS, OwedStates
from kiamo_iac.core.address import Address
from kiamo_iac.core.errors import KiamoIacError, LedgerError
from kiamo_iac.core.resource import Ensure
from kiamo_iac.core.sensitive import masked
from kiamo_iac.core.state import KeptValue, Owned
from kiamo_iac.core.strict_json import same
from kiamo_iac.executor.report import Effect, Outcome, Report, Status, StepResult
from kiamo_iac.planner.diff import leaf_at
from kiamo_iac.planner.matching import is_as_sent
from kiamo_iac.planner.plan import Action, Step
from kiamo_iac.planner.run_state import still_owed
from kiamo_iac.resources import by_collection, kinds

if TYPE_CHECKING:
    from kiamo_iac.app.planning import PlanResult
    from kiamo_iac.core.capabilities import Capabilities
    from kiamo_iac.core.state import ResourceState, State
    from kiamo_iac.executor.scheduler import Observer
    from kiamo_iac.ledger.ledger import Ledger


class Recorder:
    """An observer of a run that writes the ledger and forwards each event to another observer (`forward_to`).

    A ledger that cannot be written stops the run (`end`), and `error` holds the reason.
    """

    def __init__(
        self,
        ledger: Ledger,
        result: PlanResult,
        *,
        stamp: Callable[[Owned], Owned],
        capabilities: Capabilities,
        run_id: str,
        since: str,
        forward_to: Observer | None = None,
        end: Callable[[], object] = lambda: None,
    ) -> None:
        self._ledger = ledger
        self._result = result
        self._stamp = stamp
        self._forward_to = forward_to
        self._end = end
        self._names = _names_before(result.plan.steps)
        self._new_names = {s.address: s.after["name"] for s in result.plan.steps if s.action is Action.RENAME}
        self._owed = OwedStates(result.plan.steps, result.inputs.desired, since=since, run=run_id)
        self._capabilities = capabilities
        self._created = {step.address for step in result.plan.steps if step.action is Action.CREATE}
        self._before: dict[Address, Owned | None] = {}
        """What the ledger had of the resources whose entries this run wrote before its first step."""
        self.error: KiamoIacError | None = None
        """Why the ledger could not be written; None so far."""
        ledger.watch(self._fail)

    def begin(self) -> None:
        """Repair what a dead run has left; then record the resources that will be created or changed.

        Raises:
            KiamoIacError: the ledger cannot be written; the instance must not be written either.
        """
        self._follow_renames()
        self._settle_intents()
        self._drop_lapsed()
        owned = self._ledger.owned
        entries: dict[Address, Owned] = {}
        for step in self._result.plan.steps:
            address, declared = step.address, self._declared(step.address)
            if declared is None or address in entries:
                continue
            at = self._current_address(address)
            known, owed = owned.get(at), self._owed.at_first(address)
            new_name = self._new_names.get(address)
            if known is None or step.action is Action.CREATE:  # what was deleted outside kiamo-iac has a void id
                attributes = _without_state(declared_attributes(declared))
                entry = self._stamp(Owned(at, None, attributes, protect=declared.lifecycle.protect, owed=owed))
                live = self._result.inputs.live.get(at)
                if step.action is not Action.CREATE and live is not None and (owed or new_name) is not None:
                    # What is paused is started again, and what is renamed is found again: both are managed from now on.
                    entry = replace(entry, remote_id=live.remote_id)
            elif owed is not None or new_name is not None:
                entry = replace(known, owed=owed or known.owed)
            else:
                continue
            if new_name is not None:
                former = entry.renamed_from if entry.renaming_to is not None else (at.name, *entry.renamed_from)
                entry = replace(entry, renaming_to=new_name, renamed_from=former)
            entries[address], self._before[address] = entry, known
        self._ledger.intend(entries.values())

    def _settle_intents(self) -> None:
        """Give entries without an id, of a run that was killed, the id of the object that is as it was to be sent; drop
        those that there is none for. Whatever else has such a name is unmanaged. What this run creates keeps its entry:
        the call of the killed run may take effect yet, before that of this one."""
        intents = {address: entry for address, entry in self._ledger.owned.items() if entry.remote_id is None}
        creating = {self._current_address(address) for address in self._created} if intents else set()
        for address, entry in intents.items():
            now = self._result.inputs.live.get(address)
            if now is not None and is_as_sent(entry, now):
                self._ledger.record(replace(entry, remote_id=now.remote_id))
            elif address not in creating:
                self._ledger.forget(address)

    def _drop_lapsed(self) -> None:
        """Drop what earlier runs owe no more: the plan does not pay it."""
        finals = {self._current_address(address): address for address in self._names}
        live = {(each.address.collection, each.remote_id): each for each in self._result.inputs.live}
        for address, entry in self._ledger.owned.items():
            now = live.get((address.collection, entry.remote_id))
            if entry.owed is None or now is None:
                continue
            if still_owed(entry, self._declared(finals.get(address, address)), now) is None:
                self._ledger.record(replace(entry, owed=None))

    def _follow_renames(self) -> None:
        """Move entries to the live address of objects renamed by a dead run, or outside kiamo-iac if this plan reverts
        that. Other objects renamed outside kiamo-iac keep the address of their entry."""
        live_addresses = {(each.address.collection, each.remote_id): each.address for each in self._result.inputs.live}
        finals = {
            self._current_address(s.address): s.address for s in self._result.plan.steps if s.action is Action.RENAME
        }

        def final(address: Address) -> Address:
            if address in finals or address.parent is None:
                return finals.get(address, address)
            return final(address.parent).child(address.collection, address.name)

        owned = self._ledger.owned

        def now(address: Address) -> Address:
            parent = now(address.parent) if address.parent is not None else None
            entry = owned.get(address)
            there = live_addresses.get((address.collection, entry.remote_id)) if entry is not None else None
            is_known = there is not None and (
                there in finals
                or self._declared(final(there)) is not None
                or (entry is not None and entry.renaming_to is not None)
            )
            if there is not None and there.parent == parent and is_known:
                return there
            return Address.of(address.collection, address.name, parent)

        moves = {address: now(address) for address in owned}
        self._readdress({old: new for old, new in moves.items() if old != new})

    # --- the observer ------------------------------------------------------------------------------------------------

    def started(self, step: Step) -> None:
        """Forward the event."""
        if self._forward_to is not None:
            self._forward_to.started(step)

    def finished(self, results: Sequence[StepResult]) -> None:
        """Record completed steps; forward the event."""
        self._write(lambda: self._record_all(results))
        if self._forward_to is not None:
            self._forward_to.finished(results)

    def close(self, report: Report) -> None:
        """Record all declarations if the whole plan was applied; flush the ledger."""
        if report.ok and self.error is None and not self._result.options.targets and not self._result.inputs.partial:
            self._write(self._record_declared)
        if not report.ok and self.error is None:
            self._write(lambda: self._drop_unbegun(report))
        if self.error is None:
            self._write(lambda: self._end_renames(report))
        failed, self.error = self.error, None
        if self._write(self._ledger.flush) and failed is not None:
            self.error = LedgerError(f"{failed} It is written now.", hint="run plan to see what is left to do")

    def _write(self, write: Callable[[], None]) -> bool:
        try:
            write()
        except KiamoIacError as error:
            self._fail(error)
            return False
        return True

    def _fail(self, error: KiamoIacError) -> None:
        if self.error is None:
            self.error = error
        self._end()

    def _drop_unbegun(self, report: Report) -> None:
        """Put back what was in the ledger of each resource that this run certainly has not written: it was refused,
        looked for and not found, or not tried. Where only the first step of a detour was not done, nothing is owed."""
        begun: dict[Address, set[int]] = {}
        for result in report.results:
            if _may_be_written(result):
                begun.setdefault(result.step.address, set()).add(result.step.id)
        for address, before in self._before.items():
            at = self._current_address(address)
            now, first = self._ledger.entry(at), self._owed.first_steps.get(address)
            if now is None or (address not in begun and self._may_be_created_with_parent(address, begun)):
                continue
            if address not in begun and before is None:
                self._ledger.forget(at)
            elif address not in begun and before is not None:
                self._ledger.record(replace(before, address=at))
            elif first is not None and first.id not in begun[address]:
                self._ledger.record(replace(now, owed=before.owed if before is not None else None))

    def _end_renames(self, report: Report) -> None:
        """Record the renames as ended in every collection in which all of them are done. Until then the entries have
        the names from before, so that the next run can end them or take them back."""
        open_ = {
            (address.parent, address.collection)
            for result in report.results
            if result.step.action is Action.RENAME and result.status is not Status.DONE
            for address in [self._current_address(result.step.address)]
        }
        is_part = bool(self._result.options.targets) or self._result.inputs.partial
        if is_part:  # renames that the targets left out, or that an undo has nothing to do with, are not in the report
            open_ |= {
                (address.parent, address.collection)
                for address, entry in self._ledger.owned.items()
                if entry.renaming_to not in {None, address.name}
            }
        for address, entry in self._ledger.owned.items():
            if entry.renaming_to is None or (address.parent, address.collection) in open_:
                continue
            declared = self._declared(address)
            if declared is not None:
                done = declared.lifecycle.renamed_from
                self._ledger.record(replace(entry, renaming_to=None, renamed_from=done))
            elif not is_part:
                self._ledger.record(replace(entry, renaming_to=None, renamed_from=()))

    def _may_be_created_with_parent(self, address: Address, begun: Collection[Address]) -> bool:
        """Whether the create of its parent, which sends it too, may have taken effect."""
        kind, parent = by_collection()[address.collection], address.parent
        return (
            parent in begun
            and parent in self._created
            and address in self._created
            and kind.parent is not None
            and kind.kind in self._capabilities.of(kind.parent).embedded
        )

    # --- a step ------------------------------------------------------------------------------------------------------

    def _record_all(self, results: Sequence[StepResult]) -> None:
        with self._ledger.together():
            for result in results:
                if result.status is Status.DONE:
                    self._record(result)
                elif result.outcome is not None:
                    self._record_id(result.step, result.outcome)

    def _record(self, result: StepResult) -> None:
        step = result.step
        match step.action:
            case Action.DELETE:
                for address in self._below(self._current_address(step.address)):
                    self._ledger.forget(address)
                return
            case Action.RENAME:
                self._move(step)
            case _:
                pass
        declared = self._declared(step.address)
        if declared is not None:
            self._ledger.record(self._entry_after(step, declared, result.outcome or Outcome()))

    def _record_id(self, step: Step, outcome: Outcome) -> None:
        """Record an object that a failed step made: it is managed, and none of its attributes counts as applied."""
        if self._declared(step.address) is not None:
            at = self._current_address(step.address)
            intent = self._ledger.entry(at)
            owed = intent.owed if intent is not None else None
            self._ledger.record(self._stamp(Owned(at, outcome.remote_id, owed=owed)))

    def _entry_after(self, step: Step, declared: ResourceState, outcome: Outcome) -> Owned:
        """The entry of a resource after a step that is done."""
        address = self._current_address(step.address)
        before = self._ledger.entry(address)
        attributes = dict(before.attributes) if before is not None else {}
        done: tuple[str, ...] = before.renamed_from if before is not None else ()
        match step.action:
            case Action.CREATE | Action.UPDATE:
                known = attributes if self._result.inputs.partial else _state_of(attributes)
                attributes = known | _without_state(declared_attributes(declared))
                if step.action is Action.CREATE:
                    done = declared.lifecycle.renamed_from
            case Action.RENAME:
                attributes["name"] = step.after["name"]
            case _ if step.action in COMMANDS and "state" in declared.attributes:
                attributes["state"] = step.after["state"]
            case _:
                pass
        before = before if before is not None else Owned(address, None)
        return self._stamp(
            replace(
                before,
                remote_id=outcome.remote_id if outcome.remote_id is not None else before.remote_id,
                attributes=attributes,
                protect=declared.lifecycle.protect,
                renamed_from=done,
                kept=_kept_after(before.kept, step, outcome),
                owed=self._owed.after(step, before.owed),
                left_in=self._left_in(step, before.left_in),
            )
        )

    def _left_in(self, step: Step, before: str | None) -> str | None:
        """The run state of a resource after a step that is done; `before`: what its entry has."""
        machine = kinds()[step.kind].machine
        if machine is None:
            return None
        if step.action is Action.CREATE:
            return machine.initial
        if step.action in COMMANDS:
            state: str = step.after["state"]
            return state
        live = self._result.inputs.live.get(self._current_address(step.address))
        return before or (live.run_state if live is not None else None)

    def _move(self, step: Step) -> None:
        """Move the entries of a renamed resource and its children to the new address."""
        old = self._current_address(step.address)
        self._names[step.address] = step.after["name"]
        new = self._current_address(step.address)
        self._readdress({address: Address(new + address[len(old) :]) for address in self._below(old)})

    def _readdress(self, moves: Mapping[Address, Address]) -> None:
        """Move entries to new addresses, all at once."""
        if moves:
            self._ledger.readdress(moves)

    def _below(self, address: Address) -> list[Address]:
        """The entries at `address` and below it."""
        return [a for a in self._ledger.owned if address.covers(a)]

    def _current_address(self, address: Address) -> Address:
        """The present address of the resource whose final address is `address`."""
        parent = address.parent
        name = self._names.get(address, address.name)
        return Address.of(address.collection, name, self._current_address(parent) if parent is not None else None)

    def _declared(self, address: Address) -> ResourceState | None:
        """The declaration at `address`, if the resource is to exist and be managed."""
        return managed_declaration(self._result.inputs.desired, address)

    # --- the end -----------------------------------------------------------------------------------------------------

    def _record_declared(self) -> None:
        desired, live = self._result.inputs.desired, self._result.inputs.live
        live_ids = {(each.address.collection, each.remote_id) for each in live}
        for address, entry in self._ledger.owned.items():
            declared = managed_declaration(desired, address)
            if declared is not None:
                self._record_one(entry, declared)
            elif self._is_reference(address) or (
                address not in live and (address.collection, entry.remote_id) not in live_ids
            ):
                self._ledger.forget(address)

    def _record_one(self, entry: Owned, declared: ResourceState) -> None:
        attributes = declared_attributes(declared)
        level = replace(
            entry,
            attributes=attributes,
            protect=declared.lifecycle.protect,
            renamed_from=declared.lifecycle.renamed_from,
            renaming_to=None,
            kept=tuple(pair for pair in entry.kept if same(pair.sent, leaf_at(attributes, pair.path))),
            owed=None,
        )
        if level != entry:
            self._ledger.record(self._stamp(level))

    def _is_reference(self, address: Address) -> bool:
        """Whether it is declared, but not as managed."""
        declared = self._result.inputs.desired.get(address)
        return declared is not None and not declared.lifecycle.managed


def managed_declaration(desired: State, address: Address) -> ResourceState | None:
    """The declaration at `address`, if it is to be present and managed."""
    declared = desired.get(address)
    if declared is None or declared.lifecycle.ensure is not Ensure.PRESENT or not declared.lifecycle.managed:
        return None
    return declared


def declared_attributes(declared: ResourceState) -> dict[str, Any]:
    """A declaration as a ledger entry: references as names, pass-through attributes under `settings`, and sensitive
    values replaced with their mask; without what is set at creation alone."""
    declared = declared.compared
    attributes = dict(declared.attributes)
    if declared.settings:
        attributes["settings"] = dict(masked(declared.settings))
    return attributes


def _may_be_written(result: StepResult) -> bool:
    """Whether a step has written the instance, or may have."""
    return result.status is Status.DONE or result.effect not in {None, Effect.NONE}


def _kept_after(before: tuple[KeptValue, ...], step: Step, outcome: Outcome) -> tuple[KeptValue, ...]:
    """The values kept otherwise after a step: of what it sent, those of its outcome; of all else, those before it."""
    if step.action not in {Action.CREATE, Action.UPDATE}:
        return before
    sent = [key for key in step.after if key != "settings"] + [
        f"settings.{key}" for key in step.after.get("settings", {})
    ]
    unsent = (pair for pair in before if not any(pair.path == key or pair.path.startswith(f"{key}.") for key in sent))
    return tuple(sorted((*unsent, *outcome.kept), key=lambda pair: pair.path))


def _state_of(attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {"state": attributes["state"]} if "state" in attributes else {}


def _without_state(attributes: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in attributes.items() if key != "state"}


def _names_before(steps: Iterable[Step]) -> dict[Address, str]:
    """Final address → present name, for each resource that is renamed."""
    names: dict[Address, str] = {}
    for step in steps:
        if step.action is Action.RENAME:
            names.setdefault(step.address, step.before["name"])
    return names
