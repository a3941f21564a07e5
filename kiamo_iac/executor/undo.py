"""The desired state that undoes a run, from the journal of that run: what it created is absent, what it deleted is
declared as it was, and what it changed has its former values. What cannot come back is listed.

    created            absent, if it still is the same object
    deleted            created again, with what was below it; not its contacts, and not a batch that had ended
    renamed            its former name
    updated            the former value of each attribute that the run changed
    started, paused    the former run state; a stopped batch stays stopped

What has been renamed or changed again since the run is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from kiamo_iac.core.address import Address, identity
from kiamo_iac.core.diagnostics import Diagnostic, Severity, by_place
from kiamo_iac.core.printable import printable
from kiamo_iac.core.resource import PRESENT, Ensure, Lifecycle, Resource, is_temporary
from kiamo_iac.core.secret import HIDDEN
from kiamo_iac.core.sensitive import MASK
from kiamo_iac.core.state import EMPTY, Owned, Ownership, RemoteId, ResourceState, State
from kiamo_iac.core.strict_json import same
from kiamo_iac.ledger.journal import Journal, JournalStep
from kiamo_iac.planner.kept import alike, original
from kiamo_iac.planner.matching import is_as_sent
from kiamo_iac.planner.plan import Action
from kiamo_iac.planner.renames import before_renames
from kiamo_iac.resources import kinds

_ABSENT: Final = Lifecycle(ensure=Ensure.ABSENT)
_PROTECTED: Final = Lifecycle(protect=True)
_REFERENCE: Final = Lifecycle(managed=False)
_BY_HAND: Final = "change it by hand"
_GONE: Final = "(gone: "
"""How a journal has a reference whose target was missing already."""


@dataclass(frozen=True, slots=True)
class UndoGoal:
    """What an undo plans for."""

    desired: State
    owned: Ownership
    """The ledger, without what it has of the renames that are undone."""
    impossible: tuple[Diagnostic, ...]
    """What cannot be undone, by address."""


def named_by(journal: Journal) -> State:
    """Every address that an undo of a journal may be about, for reading the live state."""
    return _Undo(journal, State(), {}).everything()


def undo_goal(journal: Journal, live: State, owned: Ownership) -> UndoGoal:
    """The desired state that undoes a journal. `live`: what `named_by` it is on the instance; `owned`: the ledger."""
    undo = _Undo(journal, live, owned)
    undo.build()
    return UndoGoal(State(undo.declared.values()), undo.entries(), by_place(undo.impossible))


@dataclass(slots=True)
class _Run:
    """What a run did to one resource."""

    address: Address
    """After the run."""
    kind: type[Resource]
    steps: list[JournalStep] = field(default_factory=list)

    def first(self, *actions: Action) -> JournalStep | None:
        return next((step for step in self.steps if Action(step.action) in actions), None)

    @property
    def created(self) -> bool:
        return self.first(Action.CREATE) is not None

    @property
    def deleted(self) -> bool:
        return self.first(Action.DELETE) is not None and not self.created

    @property
    def remote_id(self) -> RemoteId | None:
        return next((step.remote_id for step in self.steps if step.remote_id is not None), None)

    @property
    def former_name(self) -> str | None:
        """Its exact name before the run; None: the run did not rename it."""
        renamed = self.first(Action.RENAME)
        return str(renamed.before["name"]) if renamed is not None else None

    @property
    def former_state(self) -> str | None:
        """Its run state before the run; None: the run did not change it."""
        command = self.first(Action.START, Action.PAUSE, Action.STOP)
        return str(command.before["state"]) if command is not None else None


class _Undo:
    def __init__(self, journal: Journal, live: State, owned: Ownership) -> None:
        self._journal = journal
        self._live = live
        self._owned = owned
        self._by_id = {(each.kind.kind, each.remote_id): each for each in live}
        self._entry_of = {(each.address.collection, each.remote_id): each for each in owned.values()}
        self._runs: dict[Address, _Run] = {}
        for step in journal.steps.values():
            if self._may_have_happened(step):
                self._runs.setdefault(step.address, _Run(step.address, kinds()[step.kind])).steps.append(step)
        self._run_of = {
            (run.kind.kind, id_): run for run in self._runs.values() if (id_ := self._id_after(run)) is not None
        }
        self._renamed = [run for run in self._runs.values() if run.former_name is not None]
        self._protected_at = [address for address, entry in sorted(owned.items()) if entry.protect]
        self.declared: dict[Address, ResourceState] = {}
        self.impossible: list[Diagnostic] = []
        self._kept: set[Address] = set()
        """Addresses after the run of what keeps its new name."""
        self._former_names: dict[Address, str] = {}
        """Names before the run of what it renamed, or was to rename, by address after it."""
        for step in journal.steps.values():
            if step.action == Action.RENAME:
                self._former_names.setdefault(step.address, str(step.before["name"]))

    def _may_have_happened(self, step: JournalStep) -> bool:
        """As far as the journal says, and the instance: what is there was not deleted."""
        if step.kind not in kinds() or not self._journal.may_have_happened(step.id):
            return False
        return Action(step.action) is not Action.DELETE or (step.kind, step.remote_id) not in self._by_id

    # --- addresses ---------------------------------------------------------------------------------------------------

    def former(self, address: Address) -> Address:
        """The address before the run of a resource whose address after it is, or was to be, `address`."""
        name = self._former_names.get(address) if address not in self._kept else None
        parent = self.former(address.parent) if address.parent is not None else None
        return Address.of(address.collection, identity(name or address.name), parent)

    def everything(self) -> State:
        """All addresses before and after the run, as references."""
        for address, run in self._runs.items():
            for at in (address, self.former(address)):
                self._declare(at, run.kind, {"name": at.name}, _ABSENT if run.created else _REFERENCE)
            for step in run.steps:
                for image in step.with_it:
                    self._declare(image.address, kinds()[image.kind], {"name": image.address.name}, _REFERENCE)
        return State(self.declared.values())

    def entries(self) -> Ownership:
        """The ledger, for which no rename of the run is done. It keeps those that a run has begun and not ended: they
        are taken back as such. What it lacks of the renamed objects is added: the journal has their ids."""
        renamed = {address: run for address, run in self._runs.items() if run.former_name is not None}
        entries = {
            address: replace(entry, renamed_from=()) if address in renamed and entry.renaming_to is None else entry
            for address, entry in self._owned.items()
        }
        recorded = {(entry.address.collection, entry.remote_id) for entry in entries.values()}
        for run in renamed.values():
            there = self._by_id.get((run.kind.kind, run.remote_id))
            if there is not None and (there.address.collection, there.remote_id) not in recorded:
                entries.setdefault(there.address, Owned(there.address, there.remote_id))
        return entries

    # --- the desired state -------------------------------------------------------------------------------------------

    def build(self) -> None:
        """Declare what the instance is to have."""
        for run in (self._runs[address] for address in sorted(self._runs)):
            if self._went_with_its_parent(run):
                continue
            if run.created:
                self._remove(run)
            elif run.deleted:
                self._create_again(run)
            else:
                self._restore(run)

    def _id_after(self, run: _Run) -> RemoteId | None:
        """The id of its object after the run, as far as the journal has it."""
        created = run.first(Action.CREATE)
        result = self._journal.results.get(created.id) if created is not None else None
        return result.remote_id if result is not None else run.remote_id

    def _remove(self, run: _Run) -> None:
        parent = self._runs.get(run.address.parent) if run.address.parent is not None else None
        if parent is not None and parent.created:
            return  # it is deleted with its parent
        at, known = self.former(run.address), self._id_after(run)
        there = self._by_id.get((run.kind.kind, known)) if known is not None else self._live_at(run, at.name)
        if there is None:
            self._refuse_without_parent(run)
            return
        if known is None and not self._is_recorded(run, there):
            self._refuse(run, "no answer says whether the run created it", hint="if it did, delete it on the instance")
            return
        if (protected := self._protected(run.address)) is not None:
            hint = "declare it with protect: false, apply, and undo this run by its id"
            self._refuse(run, f"{printable(protected, 120)} is protected", hint=hint)
        elif there.address.name != at.name:
            self._refuse(run, f'it is called "{printable(there.name, 60)}" now', hint="delete it on the instance")
        elif at in {self.former(other.address) for other in self._renamed if other is not run}:
            self._refuse(run, "the run has renamed another object that had its name", hint="rename one of them by hand")
        else:
            self._declare(at, run.kind, {"name": there.name}, _ABSENT)

    def _protected(self, address: Address) -> Address | None:
        """What is protected, of an object and all below it."""
        return next((at for at in self._protected_at if address.covers(at)), None)

    def _is_recorded(self, run: _Run, there: ResourceState) -> bool:
        """Whether the ledger has this object, or says that one like it was to be created."""
        entries = [self._owned.get(at) for at in (run.address, self.former(run.address), there.address)]
        return any(
            is_as_sent(entry, there) if entry.remote_id is None else _is_of(entry, there)
            for entry in entries
            if entry is not None
        )

    def _live_at(self, run: _Run, name: str) -> ResourceState | None:
        """The live object of a name that stands where the resource stands, whatever its parent is called now."""
        above, parent = run.address.parent, None
        if above is not None:
            there = self._runs.get(above)
            known = self._id_after(there) if there is not None else None
            parent = self._by_id.get((run.kind.parent or "", known)) if known is not None else None
            parent = parent or self._there(self.former(above), run.kind.parent)
            if parent is None:
                return None
        return self._live.get(Address.of(run.address.collection, name, parent.address if parent is not None else None))

    def _create_again(self, run: _Run) -> None:
        step = run.first(Action.DELETE)
        if step is None or self._has_other_parent(run) or self._refuse_without_parent(run):
            return
        if (other := self._taken(run)) is not None:
            self._refuse(run, f'another object is called "{printable(other.name, 60)}" now')
            return
        if step.lost:
            self._note(self.former(run.address), f"{step.lost} cannot be brought back", hint="import them again")
        self._declare_image(run.address, run.kind, step.before, state=run.former_state)
        for image in step.with_it:
            below = self._runs.get(image.address)
            state = below.former_state if below is not None else None
            if below is None or not (below.created or below.deleted):
                self._declare_image(image.address, kinds()[image.kind], image.attributes, state=state)

    def _refuse_without_parent(self, run: _Run) -> bool:
        """Whether the object above it is not there, and is not created again; then that is refused."""
        parent = run.address.parent
        if parent is None or (at := self.former(parent)) in self.declared or self._there(at, run.kind.parent):
            return False
        self._refuse(run, f"{printable(at, 120)} does not exist any more")
        return True

    def _there(self, at: Address, kind: str | None) -> ResourceState | None:
        """The live object of an address, also if it has another name than in the ledger."""
        entry = self._owned.get(at)
        known = entry.remote_id if entry is not None else None
        return self._live.get(at) or (self._by_id.get((kind or "", known)) if known is not None else None)

    def _has_other_parent(self, run: _Run) -> bool:
        """Whether others have made another object in the place of its parent; then that is refused."""
        parent = run.address.parent
        above = self._runs.get(parent) if parent is not None else None
        if above is not None and (run.kind.parent, above.remote_id) in self._by_id:
            return False  # it is known by its id, whatever it is called
        there, entry = (self._live.get(parent), self._owned.get(parent)) if parent is not None else (None, None)
        if there is None or entry is None or entry.remote_id in {None, there.remote_id}:
            return False
        self._refuse(run, f'another object is called "{printable(there.name, 60)}" now')
        return True

    def _went_with_its_parent(self, run: _Run) -> bool:
        """Whether it was deleted by the step of an object above it."""
        if run.created or run.deleted:
            return False
        parent = run.address.parent
        while parent is not None:
            if parent in self._runs and self._runs[parent].deleted:
                return True
            parent = parent.parent
        return False

    def _declare_image(
        self, address: Address, kind: type[Resource], image: Mapping[str, Any], *, state: str | None
    ) -> None:
        at, machine = self.former(address), kind.machine
        former_state = state or image.get("state")
        if machine is not None and former_state in machine.terminal:
            self._note(at, f"the {kind.kind} was {former_state}, and is not created again: it would be new")
            return
        if machine is not None and former_state not in {None, machine.initial}:
            self._note(at, f"the {kind.kind} is created again as new; it was {former_state}")
        attributes = {
            key: value for key, value in image.items() if key not in {"state", "settings"} and value is not None
        }
        attributes.setdefault("name", address.name)
        for reference in kind.references:
            if any(str(name).startswith(_GONE) for name in reference.names(attributes)):
                self._note(at, f"its {reference.attribute} referred to an object that was missing already")
                attributes.pop(reference.attribute)
        settings = self._settings(at, image.get("settings"))
        self._declare(at, kind, attributes, self._lifecycle(address), settings)

    def _restore(self, run: _Run) -> None:
        there = self._by_id.get((run.kind.kind, run.remote_id))
        if there is None:
            self._refuse(run, "it does not exist any more")
            return
        former = self._name_before(run, there)
        at = self.former(run.address)
        attributes, settings = self._values_before(run, there)
        if (state := self._former_state(run, there)) is not None:
            attributes["state"] = state
        lifecycle = self._lifecycle(run.address)
        if former is not None and at.name != (now := self._name_of(there)):
            lifecycle = replace(lifecycle, renamed_from=(now,))
        attributes["name"] = former or there.name
        self._declare(at, run.kind, attributes, lifecycle, self._settings(at, settings))

    def _name_before(self, run: _Run, there: ResourceState) -> str | None:
        """The name that an object gets back; None: it keeps the one that it has."""
        former = run.former_name
        if former is None:
            return None
        if identity(former) != there.address.name and self._taken(run) is not None:
            why = f'another object is called "{printable(former, 60)}" now'
        elif self._was_renamed_since(run, there):
            why = f'it was renamed to "{printable(there.name, 60)}" after the run'
        elif identity(former) != there.address.name and not _can_be_renamed(there):
            why = f"it is {there.run_state}, and cannot be renamed"
        else:
            return former
        self._kept.add(run.address)
        self._note(self.former(run.address), f"{why}: it keeps its name")
        return None

    def _values_before(self, run: _Run, there: ResourceState) -> tuple[dict[str, Any], dict[str, Any]]:
        """The attributes and the settings that an object gets back."""
        updates = [step for step in run.steps if step.action == Action.UPDATE]
        attributes: dict[str, Any] = {}
        settings: dict[str, Any] = {}
        for step in reversed(updates):
            settings |= _settings_of(step.before)
            attributes |= {key: value for key, value in step.before.items() if key != "settings"}
        for key in [key for key in attributes if self._was_changed_since(run, there, key)]:
            self._note(self.former(run.address), f"{key} was changed after the run, and is kept", hint=_BY_HAND)
            del attributes[key]
        for key in [key for key, value in attributes.items() if value is None]:
            self._note(self.former(run.address), f"{key} was not set, and cannot be removed", hint="remove it in Kiamo")
            del attributes[key]
        for key in [key for key in settings if self._was_changed_since(run, there, key, of_settings=True)]:
            self._note(
                self.former(run.address), f'"settings.{key}" was changed after the run, and is kept', hint=_BY_HAND
            )
            del settings[key]
        machine, state = run.kind.machine, there.run_state
        if machine is not None and state in machine.terminal:
            names = [key for key, value in attributes.items() if not same(value, there.attributes.get(key))]
            names += [f"settings.{key}" for key, value in settings.items() if not same(value, there.settings.get(key))]
            if not names:
                return {}, {}
            self._note(self.former(run.address), f"it is {state}, and cannot be changed any more ({', '.join(names)})")
            return {}, {}
        return attributes, settings

    def _was_renamed_since(self, run: _Run, there: ResourceState) -> bool:
        """Whether the name of an object that the run renamed is neither from before it nor of a rename of this tool."""
        sides = [side for step in run.steps if step.action == Action.RENAME for side in (step.before, step.after)]
        names = {run.address.name, *(identity(str(side["name"])) for side in sides if "name" in side)}
        name = there.address.name
        return name not in names and not is_temporary(name, names) and identity(self._name_of(there)) == name

    def _was_changed_since(self, run: _Run, there: ResourceState, key: str, *, of_settings: bool = False) -> bool:
        """Whether a live value is neither that from before the run nor the one that the run set. A reference may hold a
        name that the run changes, and no journal has a sensitive value: these count as the run left them."""
        reference = next((each for each in run.kind.references if each.attribute == key and not of_settings), None)
        if reference is not None and any(
            at.collection == kinds()[reference.kind].collection for at in self._former_names
        ):
            return False
        updates = [step for step in run.steps if step.action == Action.UPDATE]
        before, after = (
            [inner[key] for side in sides if key in (inner := _settings_of(side) if of_settings else side)]
            for sides in ([step.before for step in updates], [step.after for step in updates])
        )
        now = there.settings.get(key) if of_settings else there.attributes.get(key)
        if any(map(_is_masked, (*before, *after, now))):
            return False
        entry = self._entry_of.get((there.address.collection, there.remote_id))
        now = original(f"settings.{key}" if of_settings else key, now, entry)
        if reference is not None:
            return not any(reference.equal(value, now, _is_same_name) for value in (*before, *after))
        return not any(same(value, now) for value in before) and not any(alike(value, now) for value in after)

    def _name_of(self, there: ResourceState) -> str:
        """The name by which an object is paired: that from before the renames which a run has begun and not ended."""
        collection = there.address.collection
        known = self._entry_of.get((collection, there.remote_id))
        if known is None:
            return there.address.name
        at = known.address
        entries = {a.name: e for a, e in self._owned.items() if (a.parent, a.collection) == (at.parent, collection)}
        if all(entry.renaming_to is None for entry in entries.values()):
            return there.address.name
        live = {each.address.name: each for each in self._live.within(there.address.parent, collection)}
        objects = before_renames(live, entries).live
        return next(name for name, each in objects.items() if each is there)

    def _former_state(self, run: _Run, there: ResourceState) -> str | None:
        state, machine = run.former_state, run.kind.machine
        if state is None or machine is None or there.run_state is None or machine.satisfies(there.run_state, state):
            return None
        if machine.path(there.run_state, state) is None:
            self._note(self.former(run.address), f"it is {there.run_state}, and cannot become {state} again")
            return None
        return state

    def _settings(self, address: Address, settings: Any) -> Mapping[str, Any]:
        """Former settings, without those whose values no journal has."""
        found = dict(settings) if isinstance(settings, Mapping) else {}
        for key in [key for key, value in found.items() if value is None]:
            self._note(address, f'"settings.{key}" was not set, and cannot be removed', hint="remove it in Kiamo")
            del found[key]
        hidden = [key for key, value in found.items() if _is_masked(value)]
        for key in hidden:
            self._note(address, f'"settings.{key}" is sensitive, and no journal has its value', hint="set it again")
        return {key: value for key, value in found.items() if key not in hidden}

    def _taken(self, run: _Run) -> ResourceState | None:
        """The object that has the name which a resource is to get back, and keeps it; None: no other one."""
        other = self._live_at(run, self.former(run.address).name)
        if other is None or other.remote_id == run.remote_id:
            return None
        mover = self._run_of.get((run.kind.kind, other.remote_id)) if other.remote_id is not None else None
        return None if mover is not None and mover.former_name is not None else other

    def _lifecycle(self, address: Address) -> Lifecycle:
        """That of a resource that is to be there; it stays protected if it is."""
        entry = self._owned.get(address) or self._owned.get(self.former(address))
        return _PROTECTED if entry is not None and entry.protect else PRESENT

    # --- parts -------------------------------------------------------------------------------------------------------

    def _declare(
        self,
        at: Address,
        kind: type[Resource],
        attributes: Mapping[str, Any],
        lifecycle: Lifecycle,
        settings: Mapping[str, Any] = EMPTY,
    ) -> None:
        """Declare a resource, and its parents as references where they are not declared."""
        self.declared[at] = ResourceState(at, kind, attributes, settings, lifecycle=lifecycle)
        parent, above = at.parent, kinds().get(kind.parent or "")
        while parent is not None and above is not None:
            there = self._there(parent, above.kind)
            name = there.name if there is not None else parent.name
            self.declared.setdefault(parent, ResourceState(parent, above, {"name": name}, lifecycle=_REFERENCE))
            parent, above = parent.parent, kinds().get(above.parent or "")

    def _refuse(self, run: _Run, why: str, *, hint: str | None = None) -> None:
        parent = self.former(run.address.parent) if run.address.parent is not None else None
        at = Address.of(run.address.collection, run.address.name, parent)
        self._note(at, f"nothing of it is undone: {why}", hint=hint)

    def _note(self, address: Address, what: str, *, hint: str | None = None) -> None:
        summary = f"{printable(address, 120)}: {what}"
        self.impossible.append(Diagnostic("KIA0921", summary, Severity.WARNING, hint=hint, address=address))


def _settings_of(attributes: Mapping[str, Any]) -> Mapping[str, Any]:
    settings = attributes.get("settings")
    return settings if isinstance(settings, Mapping) else EMPTY


def _can_be_renamed(there: ResourceState) -> bool:
    machine = there.kind.machine
    return machine is None or machine.rename_only_in is None or there.run_state in machine.rename_only_in


def _is_of(entry: Owned, there: ResourceState) -> bool:
    """Whether an entry of the ledger is that of an object."""
    return (entry.address.collection, entry.remote_id) == (there.address.collection, there.remote_id)


def _is_same_name(one: Any, other: Any) -> bool:
    return identity(str(one)) == identity(str(other))


def _is_masked(value: Any) -> bool:
    """Whether a value is, or holds, a mask in the place of a sensitive value."""
    if isinstance(value, Mapping):
        return any(map(_is_masked, value.values()))
    if isinstance(value, list | tuple):
        return any(map(_is_masked, value))
    return isinstance(value, str) and value in {MASK, HIDDEN}
