"""After a write: whether what the instance has is what was wanted.

equal            done
kept otherwise   text that was sent (a label, a value of settings), in another form: done, with a note
different        a name, a reference, a datatype, a run state; or an update that changed nothing: failed
the opposite     it dials, or is closed for good, and that was not sent: failed, and the run ends
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from kiamo_iac.contract.entries import KindContract
from kiamo_iac.core.address import identity
from kiamo_iac.core.errors import OppositeError, PostconditionError
from kiamo_iac.core.printable import json_pair
from kiamo_iac.core.resource import Reference, Resource
from kiamo_iac.core.sensitive import hidden_at, masked, sensitive_paths
from kiamo_iac.core.state import KeptValue, Owned
from kiamo_iac.core.strict_json import same
from kiamo_iac.executor.live_lookup import LiveObject
from kiamo_iac.planner.diff import field_changes, leaf_at
from kiamo_iac.planner.kept import alike
from kiamo_iac.planner.masking import comparable, is_sensitive
from kiamo_iac.planner.plan import Action, Step

_WRITTEN: Final = {Action.CREATE: "created", Action.UPDATE: "updated", Action.RENAME: "renamed"}

NameOf = Callable[[Reference, Any], Any]
"""A reference and its target as on the wire (an id, or an exact name) → the name of the target."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the object of a step must have after the write."""

    step: Step
    kind: type[Resource]
    stanza: KindContract
    references: Mapping[str, Any]
    """The references that were sent, as on the wire."""
    name_of: NameOf
    known: tuple[KeptValue, ...] = ()
    """What is known to be kept otherwise."""
    entry: Callable[..., str] | None = None
    """The path of an entry of the kind's contract → how messages name it."""

    def wire_entry(self, path: str) -> str | None:
        """The entry of the contract that has the wire name of an attribute; None where there is none."""
        if self.entry is None or path not in self.stanza.attributes:
            return None
        return self.entry("attributes", path, "wire")

    @property
    def state(self) -> str | None:
        """The run state: of a command the one that it leads to, of a create the initial one; None: any."""
        machine = self.kind.machine
        if machine is None or "state" not in self.stanza.attributes:
            return None
        state: str | None = machine.initial if self.step.action is Action.CREATE else self.step.after.get("state")
        return state

    @property
    def has_unique_name(self) -> bool:
        """Whether two objects with one parent never have the same name."""
        return self.stanza.names is not None and self.stanza.names.taken is not None

    def reference(self, attribute: str) -> Reference | None:
        """The reference that an attribute is."""
        return next((r for r in self.kind.references if r.attribute == attribute), None)

    def is_text(self, attribute: str) -> bool:
        """Whether an attribute is free text, which an instance may keep in another form: a label."""
        entry = self.stanza.attributes[attribute]
        closed = entry.choices is not None or entry.values is not None or entry.refers_to is not None
        return not closed and attribute != "name" and attribute not in self.kind.immutable


class Mismatch(NamedTuple):
    """One value that is not as wanted; references as names."""

    path: str
    wanted: Any
    found: Any


@dataclass(frozen=True, slots=True)
class Judgement:
    """What an object has, held against what was wanted."""

    kept: tuple[KeptValue, ...] = ()
    """Text that the instance has in another form than it was sent in."""
    secret: tuple[str, ...] = ()
    """Paths of sensitive values for which that is so; they are neither shown nor remembered."""
    wrong: tuple[Mismatch, ...] = ()
    untouched: bool = False
    """Nothing of what was sent is there: the object is as before the write."""
    opposite: bool = False

    @property
    def done(self) -> bool:
        """Whether the write is done."""
        return not self.wrong

    @property
    def exact(self) -> bool:
        """Whether all is as it was sent."""
        return not (self.wrong or self.kept or self.secret)

    @property
    def alike(self) -> bool:
        """Whether all is as it was sent, or the same in another spelling."""
        return not self.wrong and all(alike(pair.sent, pair.kept) for pair in self.kept)


class _Text(NamedTuple):
    """A text that is not as it was sent."""

    path: str
    sent: Any
    now: Any
    before: Any


def judge(wanted: Wanted, found: LiveObject, *, answer: LiveObject | None = None) -> Judgement:
    """Hold an object against what was wanted. `answer`: the object as the answer to the write shows it. Text that is as
    before the write is what the instance keeps if its answer has it too; else the write may have had no effect."""
    step, row = wanted.step, found.row
    texts: list[_Text] = []
    wrong: list[Mismatch] = []
    touched = step.action is Action.CREATE
    for name, value in step.after.items():
        if name in {"settings", "state"}:
            continue
        now = row.attributes.get(name)
        if _is_equal(wanted, name, value, now):
            touched = True
        elif wanted.is_text(name):
            texts.append(_Text(name, value, now, step.before.get(name)))
        else:
            reference = wanted.reference(name)
            shown_now = _named(wanted, reference, now) if reference else now
            wrong.append(Mismatch(name, value, shown_now))
            touched = touched or not same(shown_now, step.before.get(name))
    settings, shown = _settings(wanted, found)
    for key, value in settings.items():
        changes = field_changes(f"settings.{key}", shown[key], value)
        touched = touched or not changes
        texts += [_Text(c.path, c.after, c.before, leaf_at(step.before, c.path)) for c in changes]
    touched = touched or any(not same(text.now, text.before) for text in texts)
    kept = [text for text in texts if touched or _is_kept(text, answer)]
    wrong += [Mismatch(text.path, text.sent, text.now) for text in texts if text not in kept]
    opposite, is_state_wrong = _state(wanted, row.attributes.get("state"))
    if is_state_wrong:
        wrong.append(Mismatch("state", wanted.state, row.attributes["state"]))
        touched = touched or not same(row.attributes["state"], step.before.get("state"))
    secret = {text.path for text in kept if is_sensitive(text.sent) or is_sensitive(text.now)}
    return Judgement(
        kept=tuple(KeptValue(text.path, text.sent, text.now) for text in kept if text.path not in secret),
        secret=tuple(sorted(secret)),
        wrong=tuple(wrong),
        untouched=not touched and bool(wrong or texts),
        opposite=opposite,
    )


def _is_kept(text: _Text, answer: LiveObject | None) -> bool:
    """Whether a text that is as before the write is what the instance makes of the one that was sent."""
    if text.now is None or alike(text.sent, text.now):
        return True
    shown = {**answer.row.attributes, "settings": answer.row.settings} if answer is not None else {}
    return same(leaf_at(shown, text.path), text.now)


def _is_equal(wanted: Wanted, name: str, value: Any, now: Any) -> bool:
    reference = wanted.reference(name)
    if reference is not None and wanted.stanza.attributes[name].refers_to is not None:
        sent = wanted.references[name]
        if not sent or not now:
            return not sent and not now
        return reference.equal(sent, now, _same_target)
    if name == "name":
        return isinstance(now, str) and identity(now) == identity(value)
    return same(now, value) or (now is None and value in (None, [], {}))


def _same_target(one: Any, other: Any) -> bool:
    if isinstance(one, str) and isinstance(other, str):
        return identity(one) == identity(other)
    return same(one, other)


def _named(wanted: Wanted, reference: Reference, now: Any) -> Any:
    return reference.map(now, lambda target: wanted.name_of(reference, target))


def _settings(wanted: Wanted, found: LiveObject) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """The settings that were sent, and the live values to compare them with."""
    settings: Mapping[str, Any] = wanted.step.after.get("settings", {})
    if not settings:
        return settings, {}
    live = hidden_at(found.row.settings, sensitive_paths(settings))
    applied = Owned(wanted.step.address, None, {"settings": masked(settings)})
    return settings, comparable(settings, live, applied)


def _state(wanted: Wanted, now: str | None) -> tuple[bool, bool]:
    """Whether a run state is the opposite of the one wanted, and whether it is not the one wanted."""
    machine, state = wanted.kind.machine, wanted.state
    if machine is None or state is None or now is None or machine.satisfies(now, state):
        return False, False
    dials = now in machine.running and state not in machine.running
    closes = now in machine.closed_by_command and state not in machine.terminal
    return (dials or closes) and now != wanted.step.before.get("state"), True


# --- in words --------------------------------------------------------------------------------------------------------


def notes_on(wanted: Wanted, judged: Judgement) -> Iterator[str]:
    """A sentence on each value that is kept otherwise, with both forms, unless it is known."""
    for pair in judged.kept:
        if any(pair.path == k.path and same(pair.sent, k.sent) and same(pair.kept, k.kept) for k in wanted.known):
            continue
        sent, kept = json_pair(pair.sent, pair.kept)
        has = "does not have it" if pair.kept is None else f"has {kept}"
        name = wanted.wire_entry(pair.path) if pair.kept is None else None
        note = f"{pair.path} is kept otherwise: {sent} was sent, and the instance {has}. It is not sent again for that."
        yield note if name is None else f"{note} If it knows it under another name, correct {name}."
    for path in judged.secret:
        yield f"{path}, which is sensitive, is kept otherwise than it was sent: the next plan sends it again."


def failure_of(wanted: Wanted, judged: Judgement, *, remote_id: str | int | None) -> PostconditionError:
    """The error for an object that is not as wanted. `remote_id`: its id."""
    step = wanted.step
    created = remote_id if step.action is Action.CREATE else None
    if judged.opposite:
        (state,) = [each for each in judged.wrong if each.path == "state"]
        machine = wanted.kind.machine
        dials = machine is not None and state.found in machine.running
        what = "contacts are being dialled" if dials else "it is closed for good"
        msg = f"The {step.action.value} of {step.address} did the opposite: it is {state.found}, and {what}."
        hint = f"{'pause or stop it in Kiamo at once; then ' if dials else ''}compare the contract with the instance: "
        return OppositeError(msg, hint=f"{hint}kiamo-iac contract show", remote_id=created)
    shown = []
    for path, sent, found in judged.wrong:
        one, other = json_pair(sent, found) if not is_sensitive(sent) else ("as sent", "otherwise")
        shown.append(f"{path} is {'not set' if found is None else other}, not {one}")
    how = _WRITTEN.get(step.action)
    if judged.untouched:
        msg = f"The instance accepted the {step.action.value} of {step.address}, and did not do it: {'; '.join(shown)}."
    elif how is not None:
        msg = f"{step.address} was {how}, and the instance has other values than were sent: {'; '.join(shown)}."
    else:
        msg = f"The instance accepted the {step.action.value} of {step.address}: {'; '.join(shown)}."
    hint = "declare what the instance has, or correct it there; then run plan"
    lost = [path for path, _, found in judged.wrong if found is None and wanted.wire_entry(path) is not None]
    if lost:
        hint += f"; if the instance knows it under another name, correct {wanted.wire_entry(lost[0])}"
    return PostconditionError(msg, hint=hint, remote_id=created)
