"""Writes: makes the API calls of a step, from its address and attributes to path, body and checked outcome."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Final, assert_never

from kiamo_iac.api.client import Client
from kiamo_iac.api.wire import encode, written_by
from kiamo_iac.contract.entries import KindContract
from kiamo_iac.contract.model import Contract
from kiamo_iac.core.address import Address, identity
from kiamo_iac.core.errors import ApiError
from kiamo_iac.core.resource import Reference, Scope
from kiamo_iac.core.state import Ownership, RemoteId, State
from kiamo_iac.core.strict_json import same
from kiamo_iac.executor.delivery import Delivered, Delivery, Polling
from kiamo_iac.executor.live_lookup import NEVER, LiveObject
from kiamo_iac.executor.report import Outcome
from kiamo_iac.executor.step_errors import add_diagnostic
from kiamo_iac.executor.verification import Wanted
from kiamo_iac.planner.plan import Action, Binding, Plan, Step
from kiamo_iac.resources import kinds

RESUME: Final = "resume"
"""The command that starts a paused batch, where that is another one than `start`."""
NONE_OWNED: Final[Ownership] = {}

_Key = tuple[str, RemoteId | None, RemoteId]
"""An object: its kind, the id of its parent, its id."""


class Writer:
    """The performer that makes the API calls. It keeps the ids of created objects for later steps."""

    def __init__(
        self,
        client: Client,
        contract: Contract,
        plan: Plan,
        *,
        live: State = State(),  # noqa: B008 - never changed
        owned: Ownership = NONE_OWNED,
        polling: Polling = Polling(),  # noqa: B008 - frozen
        may_write: Callable[[], object] = lambda: None,
    ) -> None:
        """`live`: what the plan was made of, for names in messages. `owned`: what was applied before. `polling`: how
        outcomes are looked for. `may_write`: called before each step that writes; raises where it may not."""
        self._client = client
        self._contract = contract
        self._live = live
        self._owned = owned
        self._polling = polling
        self._may_write = may_write
        self._delivery = Delivery(client, contract, polling)
        self._embedded = _embedded_steps(plan, contract)
        self._embedded_ids = {step.id for steps in self._embedded.values() for step in steps}
        self._lists: dict[tuple[Address, str], _Children] = {}
        self._made_alone: set[str] = set()
        """Kinds whose objects this instance does not create with their parent, though they are sent inside it."""
        self._lock = threading.Lock()
        self._bindings = dict(plan.bindings)
        self._known = _known_ids(live)
        """The objects that are there: the id of one of them is not that of a new one."""

    def perform(self, step: Step) -> Outcome:
        """Make the calls of `step`.

        Raises:
            ApiError: a call failed; it has one diagnostic, with the address and source of the step.
            KiamoIacError: as `may_write`; nothing was sent.
        """
        try:
            return self._perform(step)
        except ApiError as error:
            add_diagnostic(error, step)
            raise

    def verification_group(self, step: Step) -> Hashable | None:
        """For `execute`: the steps of children sent inside one parent's create are verified in one list."""
        return (step.address.parent, step.kind) if step.id in self._embedded_ids else None

    def _perform(self, step: Step) -> Outcome:
        if step.id in self._embedded_ids:
            return self._verify_embedded(step)
        self._may_write()
        match step.action:
            case Action.CREATE:
                return self._create(step)
            case Action.UPDATE:
                return self._write(step, "update", body=self._body(step))
            case Action.RENAME:
                outcome = self._write(step, "update", body=self._body(step))
                name = outcome.shown.row.name if outcome.shown is not None else step.after["name"]
                now = outcome.remote_id if outcome.remote_id is not None else self._binding(step.address).remote_id
                self._bind(step.address, Binding(now, name))
                return outcome
            case Action.DELETE:
                remote_id = self._binding(step.address).remote_id
                done = self._delivery.delete(self._wanted(step), remote_id, self._parent_ids(step))
                self._known.discard(self._key(step, remote_id))  # some instances give it to a new object
                return Outcome(remote_id, notes=done.notes)
            case Action.START | Action.PAUSE | Action.STOP:
                return self._write(step, self._command(step))
            case other:
                assert_never(other)

    # --- creating ----------------------------------------------------------------------------------------------------

    def _create(self, step: Step, *, again: bool = False) -> Outcome:
        stanza = self._stanza(step)
        own = self._body(step)
        body = dict(own)
        for child, embedded in stanza.embedded.items():
            steps = (s for s in self._embedded.get(step.address, ()) if s.kind == child)
            body[embedded.wire] = [self._client.shaped(child, self._body(s)) for s in steps]
        return self._created(
            step,
            self._delivery.create(
                self._wanted(step, own),
                self._parent_ids(step),
                body,
                again=again,
                is_other=lambda remote_id: self._key(step, remote_id) in self._known,
            ),
        )

    def _created(self, step: Step, done: Delivered, *, found: bool = False) -> Outcome:
        if done.found is None:
            raise AssertionError
        remote_id = done.found.row.remote_id
        self._bind(step.address, Binding(remote_id, done.found.row.name))
        self._known.add(self._key(step, remote_id))
        outcome = _outcome(done, remote_id, found=found)
        return replace(outcome, notes=(*outcome.notes, *self._notes_on_flag(step, done.found)))

    def _notes_on_flag(self, step: Step, found: LiveObject) -> Iterator[str]:
        """A note where what this run made reads as an object that the platform made."""
        system = kinds()[step.kind].system
        if system is not None and found.row.extras.get(system.flag):
            entry = self._contract.entry("kinds", step.kind, "attributes", system.flag)
            what = f"{step.address} was created, and the instance shows it as a default {step.kind}"
            yield f"{what}, which is neither changed nor deleted. If it is none, correct {entry}."

    def _verify_embedded(self, step: Step) -> Outcome:
        """Verify that the create of the parent created this child; create it otherwise."""
        parent = step.address.parent or step.address
        is_learnt = step.kind in self._made_alone
        found = self._child(parent, step.kind, step.after["name"], seconds=0 if is_learnt else None)
        if found is None:
            self._may_write()
            outcome = self._create(step, again=True)
            if not outcome.notes:
                self._made_alone.add(step.kind)
            return outcome
        wanted = self._wanted(step, self._body(step))
        done = self._delivery.verified(wanted, found.row.remote_id, self._parent_ids(step), found)
        return self._created(step, done, found=True)

    def _child(self, parent: Address, kind: str, name: str, *, seconds: float | None = None) -> LiveObject | None:
        """An object below a parent created in this run; None when it is not there. A list may lag behind the create:
        it is read again until it shows the object, for that many seconds (None: as long as for a lost answer)."""
        parents = {kinds()[kind].parent or "": self._binding(parent).remote_id}
        with self._lock:
            children = self._lists.setdefault((parent, kind), _Children(self._polling.clock()))
        most = self._polling.patience.lost if seconds is None else seconds
        return children.get(
            identity(name),
            lambda: self._delivery.reader.listed(kind, parents),
            polling=self._polling,
            until=children.since + most,
        )

    # --- other writes ------------------------------------------------------------------------------------------------

    def _write(self, step: Step, operation: str, *, body: Mapping[str, Any] | None = None) -> Outcome:
        remote_id = self._binding(step.address).remote_id
        wanted, parents = self._wanted(step, body or {}), self._parent_ids(step)
        reread = self._was_applied(step)
        done = self._delivery.write(wanted, operation, remote_id, parents, body=body, reread=reread)
        return _outcome(done, done.found.row.remote_id if done.found is not None else remote_id)

    def _command(self, step: Step) -> str:
        """The operation of a command: a paused batch is resumed where the contract has a call for that."""
        resumes = step.action is Action.START and step.before.get("state") == "paused"
        return RESUME if resumes and RESUME in self._stanza(step).operations else step.action.value

    def _was_applied(self, step: Step) -> bool:
        """Whether a step leads to what was applied before: then the instance did not keep it, whatever it answered."""
        entry = self._owned.get(step.address)
        if entry is None:
            return False
        settings: Any = entry.attributes.get("settings")
        before: Mapping[str, Any] = settings if isinstance(settings, Mapping) else {}
        return any(
            key in entry.attributes and same(value, entry.attributes[key])
            for key, value in step.after.items()
            if key != "settings"
        ) or any(key in before and same(value, before[key]) for key, value in step.after.get("settings", {}).items())

    def _wanted(self, step: Step, body: Mapping[str, Any] | None = None) -> Wanted:
        kind, stanza = kinds()[step.kind], self._stanza(step)
        sent = {
            reference.attribute: body[stanza.attributes[reference.attribute].wire]
            for reference in kind.references
            if body is not None and reference.attribute in step.after and reference.attribute in stanza.attributes
        }

        entry = self._owned.get(step.address)
        known = entry.kept if entry is not None else ()
        name_entry = partial(self._contract.entry, "kinds", step.kind)
        return Wanted(step, kind, stanza, sent, self._name_of, known, name_entry)

    def _name_of(self, reference: Reference, target: Any) -> Any:
        """The name of a target on the wire, as far as it is known."""
        collection = kinds()[reference.kind].collection
        with self._lock:
            bindings = list(self._bindings.items())
        named = ((a.collection, b.remote_id, b.name) for a, b in bindings)
        lived = ((each.address.collection, each.remote_id, each.name) for each in self._live)
        return next((name for where, id_, name in (*named, *lived) if (where, id_) == (collection, target)), target)

    def _body(self, step: Step) -> dict[str, Any]:
        """The body of all of `after`, which for an update holds only what changes."""

        def refer(reference: Reference, name: str, by_id: bool) -> RemoteId:
            above = step.address.parent if reference.scope is Scope.SIBLING else None
            address = Address.of(kinds()[reference.kind].collection, name, above)
            if above is not None and address not in self._bindings:
                # Not read and not written: the platform created it with its parent, in this run.
                child = self._child(above, reference.kind, name) if by_id else None
                return name if not by_id else child.row.remote_id if child else self._binding(address).remote_id
            if written_by(self._contract, step.kind, reference.attribute) == "key":
                return self._key_of(address, reference.kind)
            binding = self._binding(address)
            return binding.remote_id if by_id else binding.name

        return encode(self._contract, kinds()[step.kind], step.after, refer=refer)

    def _key_of(self, address: Address, kind: str) -> RemoteId:
        """The key of an object that others refer to by it."""
        live = self._live.get(address)
        key = live.extras.get("key") if live is not None else None
        if key is None:
            found = self._delivery.reader.find(kind, self._binding(address).remote_id, {})
            key = found.row.extras.get("key") if found is not None else None
        if isinstance(key, str | int):
            return key
        msg = f"{address} has no key, by which the contract refers to it."
        raise ApiError(msg, hint=f"compare kinds.{kind}.attributes.key of {self._contract.origin} with the instance")

    def _parent_ids(self, step: Step) -> dict[str, RemoteId]:
        parent, kind = step.address.parent, kinds()[step.kind].parent
        return {kind: self._binding(parent).remote_id} if parent is not None and kind is not None else {}

    def _key(self, step: Step, remote_id: RemoteId) -> _Key:
        return step.kind, next(iter(self._parent_ids(step).values()), None), remote_id

    def _stanza(self, step: Step) -> KindContract:
        return self._contract.kinds[step.kind]

    def _binding(self, address: Address) -> Binding:
        with self._lock:
            found = self._bindings.get(address)
        if found is None:
            msg = f"The id of {address} is unknown: it was neither read nor created in this run."
            raise ApiError(msg, hint="run plan again")
        return found

    def _bind(self, address: Address, binding: Binding) -> None:
        with self._lock:
            self._bindings[address] = binding


class _Children:
    """The objects of one kind below a parent created in this run, listed once for all threads, and again while one that
    is looked for is missing."""

    def __init__(self, since: float) -> None:
        self.since = since
        """When they were looked for first, by the clock."""
        self._lock = threading.Lock()
        self._by_name: dict[str, LiveObject] = {}
        self._fetched = NEVER

    def get(
        self, name: str, fetch: Callable[[], list[LiveObject]], *, polling: Polling, until: float
    ) -> LiveObject | None:
        """The object with a name in NFC; None when it is in no list until that time.

        Raises:
            ApiError: they could not be listed.
        """

        def look() -> LiveObject | None:
            if name not in self._by_name and self._fetched < until:
                fetched = polling.clock()
                self._by_name = {identity(found.row.name): found for found in fetch()}
                self._fetched = fetched
            return self._by_name.get(name)

        with self._lock:
            return polling.until(look, max(until - polling.clock(), 0.0))


def _outcome(done: Delivered, remote_id: RemoteId, *, found: bool = False) -> Outcome:
    return Outcome(remote_id, found, done.found, done.judged.kept, done.notes)


def _known_ids(live: State) -> set[_Key]:
    found: set[_Key] = set()
    for each in live:
        above = live.get(each.address.parent) if each.address.parent is not None else None
        if each.remote_id is not None:
            found.add((each.kind.kind, above.remote_id if above is not None else None, each.remote_id))
    return found


def _embedded_steps(plan: Plan, contract: Contract) -> dict[Address, list[Step]]:
    """Created parent → the creates of children that are sent inside its own create."""
    created = {step.address: step for step in plan.steps if step.action is Action.CREATE}
    inside: dict[Address, list[Step]] = {}
    for step in created.values():
        parent = created.get(step.address.parent) if step.address.parent is not None else None
        if parent is not None and step.kind in contract.kinds[parent.kind].embedded:
            inside.setdefault(parent.address, []).append(step)
    return inside
