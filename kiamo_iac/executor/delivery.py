"""Makes one write, and establishes its outcome: what the instance answers is not believed unread.

an answer with the object      held against what was wanted; read again where it differs
an answer without it           the object is read
no usable answer               it is looked for, and the write is repeated where that is safe:
    create     by name and parent, until the patience ends; sent once more where names are unique
    update     read; sent again while the object is as before
    command    the run state is read before it is sent again
    delete     sent again; a 404 is the wanted answer
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final, TypeVar

from kiamo_iac.api.client import Client
from kiamo_iac.contract.model import Contract
from kiamo_iac.core.address import identity
from kiamo_iac.core.errors import (
    AbsentError,
    AccessError,
    ApiError,
    BudgetError,
    BusyError,
    OppositeError,
    PostconditionError,
    RefusedError,
    ResponseError,
    TransportError,
    UnknownOutcomeError,
)
from kiamo_iac.core.printable import json_pair, printable, shell_word
from kiamo_iac.core.state import RemoteId
from kiamo_iac.executor.live_lookup import LiveObject, ObjectReader
from kiamo_iac.executor.sending import Sender
from kiamo_iac.executor.verification import Judgement, Mismatch, Wanted, failure_of, judge, notes_on
from kiamo_iac.planner.plan import Action

T = TypeVar("T")
Ids = Mapping[str, RemoteId]
Body = Mapping[str, Any]

_AFTER: Final = "run plan to see whether it was created"
_UNSHOWN: Final = 2.0
"""Seconds of waiting that are not shown."""
_FIRST_WAIT: Final = 0.1
_LONGEST_WAIT: Final = 5.0
_CREATES: Final = 2
_SENDS: Final = 3
"""Times that a create, and that any other write, is sent where no usable answer comes."""
_BUSY_SENDS: Final = 8
"""Times that a write is sent where the instance answers 503; the gate of the run ends that earlier."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long the effect of a write is looked for, in seconds."""

    lost: float = 30.0
    """Of a write without a usable answer, or of an object that is not listed yet."""
    accepted: float = 5.0
    """Of a write that was accepted, and has no effect yet."""


@dataclass(frozen=True, slots=True)
class Polling:
    """Looks again and again, with growing waits."""

    patience: Patience = field(default_factory=Patience)
    clock: Callable[[], float] = time.monotonic
    pause: Callable[[float], object] = time.sleep
    """Waits that many seconds; true when the run is stopped."""
    show: Callable[[str], object] = lambda _: None
    """Receives one line when a wait takes longer than `_UNSHOWN` seconds."""

    def until(self, look: Callable[[], T | None], seconds: float) -> T | None:
        """What `look` returns once that is not None; None after that many seconds, or when the run is stopped."""
        deadline, wait, shown = self.clock() + seconds, _FIRST_WAIT, False
        while (found := look()) is None:
            left = deadline - self.clock()
            if not shown and seconds - left >= _UNSHOWN < left:
                self.show(f"waiting up to {round(left)} s: the instance does not show yet what became of a call")
                shown = True
            if left <= 0 or self.pause(min(wait, left)):
                return None
            wait = min(2 * wait, _LONGEST_WAIT)
        return found


class Doubt(Enum):
    """Why the outcome of a write is unknown."""

    LOST = "lost"
    """No usable answer: it may take effect later."""
    FAILED = "failed"
    """The instance says with one of its codes that it failed while it handled the call, or points elsewhere."""
    BUSY = "busy"
    """503: most likely it was not handled, and may be later."""


def doubt_about(error: ApiError) -> Doubt | None:
    """Why the outcome of a write that failed with `error` is unknown; None: it was not made, or was refused."""
    match error:
        case TransportError():
            return Doubt.LOST if error.sent else None
        case ResponseError():
            return Doubt.FAILED if error.is_redirect else Doubt.LOST
        case RefusedError(status=503):
            return Doubt.BUSY
        case RefusedError(status=status, code=code) if status == 408 or (status >= 500 and status not in {501, 505}):
            return Doubt.FAILED if code is not None and status == 500 else Doubt.LOST
        case _:
            return None


@dataclass(frozen=True, slots=True)
class Delivered:
    """The object after a write that is done."""

    found: LiveObject | None
    """None: it is deleted."""
    judged: Judgement = field(default_factory=Judgement)
    notes: tuple[str, ...] = ()


class _Sends:
    """How often one write was sent, and whether it may be sent again."""

    def __init__(self, polling: Polling, most: int, *, done: int = 0) -> None:
        self._polling = polling
        self._left = {Doubt.LOST: most - done, Doubt.BUSY: _BUSY_SENDS}
        self.number = 1 + done

    def again(self, doubt: Doubt | None) -> bool:
        """Wait, and return whether the write may be sent again."""
        left = self._left.get(doubt, 0) if doubt is not None else 0
        if left <= 1 or doubt is None or self._polling.pause(min(_FIRST_WAIT * 2.0**self.number, _LONGEST_WAIT)):
            return False
        self._left[doubt] = left - 1
        self.number += 1
        return True


class Delivery:
    """Makes writes on one instance. Safe under threads."""

    def __init__(self, client: Client, contract: Contract, polling: Polling) -> None:
        self._client = client
        self._contract = contract
        self._polling = polling
        self.reader = ObjectReader(client, contract)
        self._send = Sender(client, contract, self.reader)

    # --- create ------------------------------------------------------------------------------------------------------

    def create(
        self,
        wanted: Wanted,
        parents: Ids,
        body: Body,
        *,
        again: bool = False,
        is_other: Callable[[RemoteId], bool] = lambda _: False,
    ) -> Delivered:
        """Create an object that did not exist right before. `again`: it was sent before, and not found. `is_other`:
        whether an id is that of another object; an answer with such an id is not believed.

        Raises:
            PostconditionError: it was created, and is not as wanted.
            AbsentError: it was not created.
            ApiError: it was refused, or whether it was created is unknown.
        """
        step = wanted.step
        if again and not wanted.has_unique_name:
            msg = f"Outcome unknown: {step.address} was sent with its parent, and is not on the instance."
            raise AbsentError(msg, hint=_AFTER)
        sends = _Sends(self._polling, _CREATES, done=int(again))
        while True:
            try:
                response = self._send(step.kind, "create", parents, body)
            except ApiError as error:
                problem, doubt = error, doubt_about(error)
                if doubt is None and not (sends.number > 1 and self._is_taken(wanted, error)):
                    raise
            else:
                answer = self.reader.shown(step.kind, "create", response)
                try:
                    made = answer.row.remote_id if answer is not None else self.reader.id_in(step.kind, response)
                except ResponseError as error:
                    if self.reader.shows_refused_id(step.kind, response):
                        raise PostconditionError(f"{step.address} was created. {error}", hint=error.hint) from None
                    return self._adopted(wanted, error, self._named(wanted, parents, Doubt.LOST))
                if made is None:
                    return self._by_name(wanted, parents)
                if not is_other(made):
                    return self.verified(wanted, made, parents, answer)
                wrong = response.mismatch(f'its id "{printable(str(made), 60)}" is that of another {step.kind}')
                return self._adopted(wanted, wrong, self._named(wanted, parents, Doubt.LOST))
            found = self._named(wanted, parents, doubt)
            if found is None and doubt is Doubt.FAILED:
                raise problem
            if found is not None or not wanted.has_unique_name or not sends.again(doubt):
                return self._adopted(wanted, problem, found)

    def _by_name(self, wanted: Wanted, parents: Ids) -> Delivered:
        """The object of a create whose answer has no id, by its name.

        Raises:
            AbsentError: the list does not have it.
        """
        found = self._named(wanted, parents, Doubt.LOST)
        if found is None:
            msg = f"The instance answered that {wanted.step.address} was created, and does not list it."
            raise AbsentError(msg, hint=_AFTER)
        return self.verified(wanted, found.row.remote_id, parents, None)

    def _is_taken(self, wanted: Wanted, error: ApiError) -> bool:
        """Whether a create is refused because its name is in use."""
        names = wanted.stanza.names
        if not isinstance(error, RefusedError) or names is None:
            return False
        return error.code == names.taken if error.code is not None else error.status == 409

    def _named(self, wanted: Wanted, parents: Ids, doubt: Doubt | None) -> LiveObject | None:
        """The object with the name of a create, looked for as long as it may take to be listed. `doubt`: None where the
        instance says that there is one.

        Raises:
            UnknownOutcomeError: the last look failed, or the run was stopped meanwhile.
        """
        name = identity(wanted.step.after["name"])

        def look() -> LiveObject | None:
            listed = self.reader.listed(wanted.step.kind, parents)
            return next((found for found in listed if identity(found.row.name) == name), None)

        return self._looked(wanted, look, self._polling.patience.lost if doubt in {Doubt.LOST, None} else 0.0)

    def _adopted(self, wanted: Wanted, problem: ApiError, found: LiveObject | None) -> Delivered:
        """The object that was found after a create without a usable answer, if it is the one that was sent."""
        address = wanted.step.address
        cause = str(problem).rstrip(".")
        if found is None:
            msg = f"Outcome unknown: {cause}. {address} was looked for, and is not on the instance."
            raise AbsentError(msg, hint=_AFTER)
        judged = judge(wanted, found)
        if not judged.alike:
            msg = f"{cause}. The instance has {address} with other values than were sent: {_listed(judged)}. "
            hint = f"compare it with the manifest, then: kiamo-iac adopt {shell_word(address, 'ADDRESS')}"
            raise AbsentError(f"{msg}It is not managed.", hint=hint)
        note = f"The create had no usable answer, and {address} was found on the instance: {cause}."
        return Delivered(found, judged, (note, *notes_on(wanted, judged)))

    # --- update, rename, command -------------------------------------------------------------------------------------

    def write(
        self,
        wanted: Wanted,
        operation: str,
        remote_id: RemoteId,
        parents: Ids,
        *,
        body: Body | None = None,
        reread: bool = False,
    ) -> Delivered:
        """Update, rename or command an object. `reread`: do not believe the answer even where it is as wanted.

        Raises:
            PostconditionError: the object is not as wanted; OppositeError: it is the opposite.
            AbsentError: the write was looked for, and did not take effect.
            ApiError: it was refused, or whether it took effect is unknown.
        """
        step = wanted.step
        sends = _Sends(self._polling, _SENDS)
        while True:
            try:
                response = self._send(step.kind, operation, {**parents, "id": remote_id}, body)
            except ApiError as error:
                problem, doubt = error, doubt_about(error)
                if doubt is None and (sends.number == 1 or isinstance(error, BusyError | TransportError)):
                    raise
            else:
                answer = self.reader.shown(step.kind, operation, response)
                now = _id_after(wanted, remote_id)
                self._check_id(wanted, answer, now)
                return self.verified(wanted, now, parents, answer, reread=reread)
            may_be_late = doubt is None or (doubt is Doubt.LOST and body is None)
            found = self._found(wanted, remote_id, parents, seconds=self._polling.patience.accepted * may_be_late)
            judged = judge(wanted, found)
            if judged.untouched:
                if doubt not in {Doubt.LOST, Doubt.BUSY}:
                    raise problem
                if sends.again(doubt):
                    continue
                msg = f"{str(problem).rstrip('.')}. {step.address} was read, and is as before the {step.action.value}."
                raise AbsentError(msg, hint=problem.hint or "run plan again")
            if judged.done and not judged.alike:
                msg = (
                    f"Outcome unknown: {str(problem).rstrip('.')}. {step.address} has neither what it had nor what was "
                )
                raise UnknownOutcomeError(f"{msg}sent: {_listed(judged)}.", hint="run plan to see what was done")
            if not judged.done:
                raise failure_of(wanted, judged, remote_id=None)
            note = f"The {step.action.value} had no usable answer, and was found done: {str(problem).rstrip('.')}."
            return Delivered(found, judged, (note, *notes_on(wanted, judged)))

    def _check_id(self, wanted: Wanted, answer: LiveObject | None, remote_id: RemoteId) -> None:
        """
        Raises:
            PostconditionError: the answer shows another object.
        """
        if answer is None or answer.row.remote_id == remote_id:
            return
        shown, own = (printable(str(each), 60) for each in (answer.row.remote_id, remote_id))
        step = wanted.step
        msg = f'The {step.action.value} of {step.address} was answered with another object: its id is "{shown}", '
        raise PostconditionError(
            f'{msg}not "{own}".', hint="compare the contract with the instance: kiamo-iac contract show"
        )

    def _found(self, wanted: Wanted, remote_id: RemoteId, parents: Ids, *, seconds: float) -> LiveObject:
        """The object of a write without a usable answer. `seconds`: how long it may be as before the write.

        Raises:
            OppositeError: it is gone.
            UnknownOutcomeError: it cannot be read.
        """
        last: list[LiveObject] = []

        def look() -> bool | None:
            last.clear()
            found = self.reader.find(wanted.step.kind, remote_id, parents)
            if found is None and (now := _id_after(wanted, remote_id)) != remote_id:
                found = self.reader.find(wanted.step.kind, now, parents)
            if found is not None:
                last.append(found)
            return None if found is None or judge(wanted, found).untouched else True

        self._looked(wanted, look, seconds)
        if not last:
            raise _deleted(wanted)
        return last[0]

    # --- delete ------------------------------------------------------------------------------------------------------

    def delete(self, wanted: Wanted, remote_id: RemoteId, parents: Ids) -> Delivered:
        """Delete an object.

        Raises:
            PostconditionError: the delete was accepted, and the object is still there.
            AbsentError: the delete did not take effect.
            ApiError: it was refused, or whether it took effect is unknown.
        """
        step = wanted.step
        sends = _Sends(self._polling, _SENDS)
        while True:
            try:
                self._send(step.kind, "delete", {**parents, "id": remote_id}, None)
            except ApiError as error:
                problem, doubt = error, doubt_about(error)
                is_missing = isinstance(error, RefusedError) and error.status == 404
                if doubt is None and not is_missing and (sends.number == 1 or isinstance(error, BusyError)):
                    raise
                if self._is_gone(wanted, remote_id, parents, seconds=0.0):
                    why = () if is_missing and sends.number == 1 else (str(problem).rstrip("."),)
                    return Delivered(None, notes=tuple(f"The delete was found done: {each}." for each in why))
                if doubt not in {Doubt.LOST, Doubt.BUSY}:
                    raise
                if sends.again(doubt):
                    continue
                msg = f"{str(problem).rstrip('.')}. {step.address} was read, and is still there."
                raise AbsentError(msg, hint=problem.hint or "run plan again") from None
            if self._is_gone(wanted, remote_id, parents, seconds=self._polling.patience.accepted):
                return Delivered(None)
            msg = f"The instance accepted the delete of {step.address}, and still has it."
            raise PostconditionError(msg, hint="run plan again; it may be deleted later")

    def _is_gone(self, wanted: Wanted, remote_id: RemoteId, parents: Ids, *, seconds: float) -> bool:
        """Whether neither a read nor the list has an object, within that many seconds.

        Raises:
            UnknownOutcomeError: it cannot be read.
        """

        def gone() -> bool | None:
            return True if self.reader.find(wanted.step.kind, remote_id, parents) is None else None

        if self._looked(wanted, gone, seconds):
            return True
        if "list" not in wanted.stanza.operations or not seconds:
            return False
        listed = self._looked(wanted, lambda: self.reader.listed(wanted.step.kind, parents), 0.0) or []
        return all(found.row.remote_id != remote_id for found in listed)

    # --- reading back ------------------------------------------------------------------------------------------------

    def verified(
        self, wanted: Wanted, remote_id: RemoteId, parents: Ids, answer: LiveObject | None, *, reread: bool = False
    ) -> Delivered:
        """The object after a write that was accepted. `answer`: as its answer shows it; None: it does not.

        Raises:
            PostconditionError: it is not as wanted.
            UnknownOutcomeError: it cannot be read.
        """
        judged = judge(wanted, answer, answer=answer) if answer is not None else None
        if answer is not None and judged is not None:
            if judged.opposite:
                raise failure_of(wanted, judged, remote_id=remote_id)
            if judged.exact and not reread:
                return Delivered(answer, judged)
        last: list[tuple[LiveObject, Judgement]] = []

        def look() -> tuple[LiveObject, Judgement] | None:
            last.clear()
            found = self.reader.find(wanted.step.kind, remote_id, parents)
            if found is None:
                return None
            last.append((found, judge(wanted, found, answer=answer)))
            now = last[0][1]
            return last[0] if now.opposite or (now.done and not now.untouched) else None

        patience = self._polling.patience
        self._looked(wanted, look, patience.accepted, created=remote_id)
        if not last and wanted.step.action is Action.CREATE:
            self._looked(wanted, look, patience.lost, created=remote_id)
        if not last:
            raise _deleted(wanted, remote_id)
        found, judged = last[0]
        if not judged.done:
            raise failure_of(wanted, judged, remote_id=remote_id)
        return Delivered(found, judged, tuple(notes_on(wanted, judged)))

    def _looked(
        self, wanted: Wanted, look: Callable[[], T | None], seconds: float, *, created: RemoteId | None = None
    ) -> T | None:
        """As `Polling.until`; a look that fails is repeated too. `created`: the id of an object that a create made.

        Raises:
            UnknownOutcomeError: the last look failed, or the run was stopped before the time was over.
            PostconditionError: so for an object that is known to be created.
        """
        failed: list[ApiError] = []
        began = self._polling.clock()

        def tried() -> tuple[T, ...] | None:
            failed.clear()
            try:
                seen = look()
            except ApiError as error:
                failed.append(error)
                return () if isinstance(error, AccessError | BudgetError | BusyError) else None
            return None if seen is None else (seen,)

        found = self._polling.until(tried, seconds)
        step = wanted.step
        if failed:
            why = f"it could not be read: {str(failed[0]).rstrip('.')}"
        elif found is None and self._polling.clock() - began < seconds:
            why = "the run was stopped before it was found"
        else:
            return found[0] if found else None
        what = f"the outcome of the {step.action.value} of {step.address} is unknown: {why}."
        hint = "run plan to see what was done"
        if created is not None and step.action is Action.CREATE:
            raise PostconditionError(f"{step.address} was created, and {why}.", hint=hint, remote_id=created)
        raise UnknownOutcomeError(what[:1].upper() + what[1:], hint=hint)


def _id_after(wanted: Wanted, remote_id: RemoteId) -> RemoteId:
    """The id of an object after a write: a name that identifies it changes with a rename."""
    if wanted.stanza.identity == "name" and wanted.step.action is Action.RENAME:
        return str(wanted.step.after["name"])
    return remote_id


def _deleted(wanted: Wanted, created: RemoteId | None = None) -> PostconditionError:
    """The error for an object that the instance does not have after a write."""
    step = wanted.step
    if step.action is Action.CREATE:
        msg = f"The instance answered that {step.address} was created, and does not have it."
        return PostconditionError(msg, hint="run plan to see whether it is there", remote_id=created)
    msg = f"{step.address} does not exist any more after the {step.action.value}: it was deleted meanwhile, or by it."
    return OppositeError(msg, hint="compare the contract with the instance: kiamo-iac contract show")


def _listed(judged: Judgement) -> str:
    """Every difference, with both values."""
    found = [*judged.wrong, *(Mismatch(pair.path, pair.sent, pair.kept) for pair in judged.kept)]
    shown = [(path, *json_pair(sent, now)) for path, sent, now in found]
    return "; ".join([*(f"{path} is {now}, not {sent}" for path, sent, now in shown), *judged.secret])
