"""Writes: makes the API calls of a step, from its address and attributes to path, body and checked response."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Mapping
from typing import Any, assert_never

from kiamo_iac.api.client import Client
from kiamo_iac.api.listing import listed
from kiamo_iac.api.response import ApiResponse, kind_of
from kiamo_iac.api.wire import Decoder, encode
from kiamo_iac.contract.entries import KindContract
from kiamo_iac.contract.model import Contract
from kiamo_iac.core.address import Address, identity
from kiamo_iac.core.errors import ApiError, ResponseError
from kiamo_iac.core.resource import Reference, Scope
from kiamo_iac.core.state import RemoteId
from kiamo_iac.executor.postconditions import check_created_with_parent
from kiamo_iac.executor.report import Outcome
from kiamo_iac.executor.step_errors import add_diagnostic
from kiamo_iac.planner.plan import Action, Binding, Plan, Step
from kiamo_iac.resources import kinds

Item = Mapping[str, Any]


class Writer:
    """The performer that makes the API calls. It keeps the ids of created objects for later steps."""

    def __init__(self, client: Client, contract: Contract, plan: Plan) -> None:
        self._client = client
        self._contract = contract
        self._decoders = {kind: Decoder(contract, kinds()[kind]) for kind in {step.kind for step in plan.steps}}
        self._embedded = _embedded_steps(plan, contract)
        self._embedded_ids = {step.id for steps in self._embedded.values() for step in steps}
        self._lists: dict[tuple[Address, str], _Once] = {}
        self._lock = threading.Lock()
        self._bindings = dict(plan.bindings)

    def perform(self, step: Step) -> Outcome:
        """Make the calls of `step`.

        Raises:
            ApiError: a call failed; it has one diagnostic, with the address and source of the step.
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
        match step.action:
            case Action.CREATE:
                return self._verify_embedded(step) if step.id in self._embedded_ids else self._create(step)
            case Action.UPDATE:
                return self._write(step, "update", body=self._body(step))
            case Action.RENAME:
                outcome = self._write(step, "update", body=self._body(step))
                self._bind(step.address, Binding(self._binding(step.address).remote_id, step.after["name"]))
                return outcome
            case Action.DELETE | Action.START | Action.PAUSE | Action.STOP:
                return self._write(step, step.action.value)
            case other:
                assert_never(other)

    # --- creating ----------------------------------------------------------------------------------------------------

    def _create(self, step: Step) -> Outcome:
        stanza = self._stanza(step)
        body = self._body(step)
        for child, embedded in stanza.embedded.items():
            body[embedded.wire] = [self._body(s) for s in self._embedded.get(step.address, ()) if s.kind == child]
        response = self._client.call(step.kind, "create", self._parent_ids(step), body=body)
        try:
            item = response.item(stanza.item)
            remote_id = self._decoders[step.kind].id_of(item, response)
        except ResponseError as error:
            msg = f"The instance created {step.address}, but its response has no id. {error}"
            raise ResponseError(msg, hint=error.hint) from None
        self._bind(step.address, Binding(remote_id, _name_in(item, stanza) or step.after["name"]))
        return Outcome(remote_id, response=response)

    def _verify_embedded(self, step: Step) -> Outcome:
        """Verify that the create of the parent created this child; create it otherwise."""
        children = self._children_of(step.address.parent or step.address, step.kind)
        if (found := children.get(identity(step.after["name"]))) is None:
            return self._create(step)
        remote_id, item = found
        check_created_with_parent(step, self._body(step), item, name_wire=self._stanza(step).attributes["name"].wire)
        self._bind(step.address, Binding(remote_id, _name_in(item, self._stanza(step)) or step.after["name"]))
        return Outcome(remote_id, found=True)

    def _children_of(self, parent: Address, kind: str) -> dict[str, tuple[RemoteId, Item]]:
        """The objects of `kind` below a parent created in this run, listed once: name in NFC → (id, object)."""
        with self._lock:
            once = self._lists.setdefault((parent, kind), _Once())
        return once.get(lambda: self._list_children(parent, kind))

    def _list_children(self, parent: Address, kind: str) -> dict[str, tuple[RemoteId, Item]]:
        stanza = self._contract.kinds[kind]
        decoder = Decoder(self._contract, kinds()[kind])
        parent_id = self._binding(parent).remote_id

        def take(item: object, response: ApiResponse) -> tuple[RemoteId, Item]:
            row = decoder.row(item, response)
            return row.remote_id, item if isinstance(item, dict) else {}

        ids = {stanza.parent or "": parent_id}
        found = listed(self._client, kind, ids, take=lambda item, response: _with_id(take(item, response)))
        return {
            identity(_name_in(item, stanza) or ""): (id_, item)
            for id_, item in found
            if stanza.listed_by_parent or item.get(stanza.parent_wire or "") == parent_id
        }

    # --- other writes ------------------------------------------------------------------------------------------------

    def _write(self, step: Step, operation: str, *, body: Mapping[str, Any] | None = None) -> Outcome:
        remote_id = self._binding(step.address).remote_id
        response = self._client.call(step.kind, operation, {**self._parent_ids(step), "id": remote_id}, body=body)
        stanza = self._stanza(step)
        if response.data is None or operation == "delete":
            return Outcome(remote_id)
        item = response.item(stanza.item)
        if (shown := item.get(stanza.id.wire, remote_id)) != remote_id:
            raise response.mismatch(f"the id must be {kind_of(remote_id)}, got {kind_of(shown)}")
        return Outcome(remote_id, response=response)

    def _body(self, step: Step) -> dict[str, Any]:
        """The body of all of `after`, which for an update holds only what changes."""

        def refer(reference: Reference, name: str, by_id: bool) -> RemoteId:
            above = step.address.parent if reference.scope is Scope.SIBLING else None
            address = Address.of(kinds()[reference.kind].collection, name, above)
            if above is not None and address not in self._bindings:
                # Not read and not written: the platform created it with its parent, in this run.
                child = self._children_of(above, reference.kind).get(identity(name)) if by_id else (name, {})
                return child[0] if child else self._binding(address).remote_id
            binding = self._binding(address)
            return binding.remote_id if by_id else binding.name

        return encode(self._contract, kinds()[step.kind], step.after, refer=refer)

    def _parent_ids(self, step: Step) -> dict[str, RemoteId]:
        parent, kind = step.address.parent, kinds()[step.kind].parent
        return {kind: self._binding(parent).remote_id} if parent is not None and kind is not None else {}

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


class _Once:
    """A value that is fetched once for all threads; when that fails, the next thread tries."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._value: dict[str, tuple[RemoteId, Item]] | None = None

    def get(self, fetch: Callable[[], dict[str, tuple[RemoteId, Item]]]) -> dict[str, tuple[RemoteId, Item]]:
        with self._lock:
            if self._value is None:
                self._value = fetch()
            return self._value


def _embedded_steps(plan: Plan, contract: Contract) -> dict[Address, list[Step]]:
    """Created parent → the creates of children that are sent inside its own create."""
    created = {step.address: step for step in plan.steps if step.action is Action.CREATE}
    inside: dict[Address, list[Step]] = {}
    for step in created.values():
        parent = created.get(step.address.parent) if step.address.parent is not None else None
        if parent is not None and step.kind in contract.kinds[parent.kind].embedded:
            inside.setdefault(parent.address, []).append(step)
    return inside


def _with_id(pair: tuple[RemoteId, Item]) -> tuple[RemoteId, tuple[RemoteId, Item]]:
    return pair[0], pair


def _name_in(item: Item, stanza: KindContract) -> str | None:
    """The exact name in a response, where it has one."""
    name = item.get(stanza.attributes["name"].wire)
    return name if isinstance(name, str) and name else None
