"""Updates of declared resources to what is live: only what differs, in the layer that has it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial
from typing import Any

from kiamo_iac.authoring.exporting.blocks import can_declare, needed_for
from kiamo_iac.authoring.exporting.layered_block import NotWritableError, PatchedBlock
from kiamo_iac.authoring.exporting.matching import MatchedBlock
from kiamo_iac.authoring.exporting.report import ChangedValue, ExportReport
from kiamo_iac.authoring.exporting.representation import Omission, Representation, Representations, reference_of
from kiamo_iac.core.address import identity
from kiamo_iac.core.printable import quote
from kiamo_iac.core.resource import COMMON_KEYS, Ensure, Reference
from kiamo_iac.core.sensitive import hidden, sensitive_paths, shows
from kiamo_iac.core.state import DanglingReference, ResourceState
from kiamo_iac.core.strict_json import same


class BlockUpdater:
    """Updates declared resources one by one."""

    def __init__(self, representations: Representations, report: ExportReport) -> None:
        self._representations = representations
        self._report = report

    def one(self, declared: MatchedBlock) -> None:
        """All of one resource but its lists of children."""
        if not declared.known or declared.absent:
            return
        live = declared.live
        if live is None:
            self._remove_missing(declared)
            return
        if declared.name_differs:
            self._renamed(declared, live)
        if declared.layers.body.get("ensure") == Ensure.ABSENT.value:
            self._remove_absent(declared)
        if declared.managed:
            self._attributes(declared, live)

    # --- the resource itself -----------------------------------------------------------------------------------------

    def _remove_missing(self, declared: MatchedBlock) -> None:
        source = declared.layers.source_of()
        noun = declared.kind.kind
        remedy = "to create it, restore the block and apply"
        if self._try_edit(declared, declared.layers.remove):
            self._report.removed.append(declared.address)
            self._report.warn(
                "KIA1006",
                f"the {noun} {quote(declared.address.name)} is missing on the instance: its block is removed",
                hint=remedy if declared.managed else f"if it is needed, create the {noun} in Kiamo",
                address=declared.address,
                source=source,
            )

    def _renamed(self, declared: MatchedBlock, live: ResourceState) -> None:
        source = declared.layers.source_of("name")
        if self._representations.name_refused(live) is not None or not self._try_edit(
            declared, lambda: declared.layers.rename(live.name), "name"
        ):
            return
        self._report.changed.append(ChangedValue(declared.address, "name", declared.address.name, live.name, source))
        if live.address.name in map(identity, declared.layers.body.get("renamed_from", ())):
            self.forget_former_name(declared, live.address.name)

    def _remove_absent(self, declared: MatchedBlock) -> None:
        source = declared.layers.source_of("ensure")
        if self._try_edit(declared, lambda: declared.layers.remove_key("ensure"), "ensure"):
            self._report.changed.append(ChangedValue(declared.address, "ensure", Ensure.ABSENT.value, None, source))
            self._report.warn(
                "KIA1010",
                f"the {declared.kind.kind} {quote(declared.address.name)} is declared absent, but is on the instance: "
                '"ensure" is removed',
                hint="to delete it, restore it and apply",
                address=declared.address,
                source=source,
            )

    def forget_former_name(self, declared: MatchedBlock, name: str) -> None:
        """Remove a former name that another resource has now."""
        source = declared.layers.source_of("renamed_from")
        items = [item for item in declared.layers.body["renamed_from"] if identity(item) == name]
        if self._try_edit(declared, lambda: declared.layers.remove_items("renamed_from", items), "renamed_from"):
            self._report.changed.append(ChangedValue(declared.address, "renamed_from", name, None, source))

    def not_exclusive(self, declared: MatchedBlock, collection: str) -> None:
        """Remove a collection from `exclusive` that cannot be declared completely."""
        source = declared.layers.source_of("exclusive")
        if self._try_edit(declared, lambda: declared.layers.remove_items("exclusive", [collection]), "exclusive"):
            self._report.changed.append(ChangedValue(declared.address, "exclusive", collection, None, source))
            self._report.warn(
                "KIA1010",
                f"not all {collection} of {quote(declared.address.name)} can be declared: the list is no longer "
                "exclusive",
                hint="an exclusive list would delete those that are omitted",
                address=declared.address,
                source=source,
            )

    # --- its attributes ----------------------------------------------------------------------------------------------

    def _attributes(self, declared: MatchedBlock, live: ResourceState) -> None:
        representation = self._representations.of(live)
        self._run_state(declared, live)
        body = declared.layers.body
        ignored = frozenset(body.get("ignore_changes") or ())
        for key, value in body.items():
            if key in COMMON_KEYS or key in {"name", "state"} or key in ignored:
                continue
            if (key,) in representation.omitted or key not in representation.attributes:
                self._remove_key(declared, live, key, representation.omitted.get((key,)))
            elif not equal(declared, key, value, representation.attributes[key]):
                self._put(declared, live, key, representation.attributes[key])
        if body.get("settings") and "settings" not in ignored:
            self._settings(declared, live, representation, ignored)

    def _put(self, declared: MatchedBlock, live: ResourceState, key: str, value: Any) -> None:
        layers = declared.layers
        before = layers.body[key]
        if value == {} and key in set(_needed(declared, live)):
            self._remove_key(declared, live, key, Omission("KIA1009", "is empty, but the declared run state needs it"))
            return
        reference = reference_of(declared.kind, key)
        if reference is not None and reference.holds_several:
            value = _with_spelling_of(before, value, reference)
        if isinstance(value, Mapping):
            self._update_entries(declared, key, value)
            return
        source, variables = layers.source_of(key), layers.variables(key)
        if self._try_edit(declared, lambda: layers.put(key, value), key):
            self._report.changed.append(ChangedValue(declared.address, key, before, value, source))
            self._variables(declared, key, variables)

    def _remove_key(self, declared: MatchedBlock, live: ResourceState, key: str, omitted: Omission | None) -> None:
        layers = declared.layers
        source, before = layers.source_of(key), layers.body[key]
        if not self._try_edit(declared, lambda: layers.remove_key(key), key):
            return
        self._report.changed.append(ChangedValue(declared.address, key, before, None, source))
        if omitted is None:
            omitted = Omission("KIA1007", "is declared, but has no value on the instance")
        self._report.omitted(live, (key,), omitted, source=source)

    def _settings(
        self, declared: MatchedBlock, live: ResourceState, representation: Representation, ignored: Collection[str]
    ) -> None:
        before: Mapping[str, Any] = declared.layers.body["settings"]
        shown = hidden(before, declared.layers.body.get("sensitive") or ())
        wanted: dict[str, Any] = {}
        for key, value in before.items():
            if sensitive_paths(shown[key]) or sensitive_paths(live.settings.get(key)):
                wanted[key] = value
                self._sensitive(declared, key, matches=shows(live.settings.get(key), shown[key]))
            elif f"settings.{key}" in ignored or same(live.settings.get(key), value):
                wanted[key] = value
            elif key in representation.settings:
                wanted[key] = representation.settings[key]
            else:
                omitted = representation.omitted.get(("settings", key))
                omitted = omitted or Omission("KIA1007", "is declared, but has no value on the instance")
                self._report.omitted(live, ("settings", key), omitted, source=declared.layers.source_of("settings"))
        if wanted:
            self._update_entries(declared, "settings", wanted)
        elif self._try_edit(declared, lambda: declared.layers.remove_key("settings"), "settings"):
            source = declared.layers.source_of("settings")
            self._report.changed.append(ChangedValue(declared.address, "settings", shown, None, source))

    def _sensitive(self, declared: MatchedBlock, key: str, *, matches: bool) -> None:
        """A declared sensitive setting is never replaced by the live value."""
        if not matches:
            self._report.warn(
                "KIA0435",
                f'"settings.{key}" of the {declared.kind.kind} {quote(declared.address.name)} is sensitive, and '
                "differs on the instance: the declared value is kept",
                hint="apply writes the declared value; to keep the live value, remove the key",
                address=declared.address,
                source=declared.layers.source_of("settings"),
            )

    def _update_entries(self, declared: MatchedBlock, key: str, wanted: Mapping[str, Any]) -> None:
        """The entries of a mapping, each in the layer that has it."""
        layers = declared.layers
        before: Mapping[str, Any] = layers.body[key]
        for entry in dict.fromkeys((*before, *wanted)):
            path, old, new = f"{key}.{entry}", before.get(entry), wanted.get(entry)
            if entry in before and entry in wanted and same(old, new):
                continue
            variables = layers.variables(key, entry) if entry in before and entry in wanted else ()
            change = (
                partial(layers.put_entry, key, entry, new)
                if entry in wanted
                else partial(layers.remove_entry, key, entry)
            )
            if self._try_edit(declared, change, path):
                self._report.changed.append(ChangedValue(declared.address, path, old, new, layers.source_of(key)))
                self._variables(declared, path, variables)

    # --- its run state -----------------------------------------------------------------------------------------------

    def _run_state(self, declared: MatchedBlock, live: ResourceState) -> None:
        layers, machine = declared.layers, declared.kind.machine
        wanted, state = layers.body.get("state"), live.run_state
        if machine is None or wanted is None or state is None or machine.satisfies(state, wanted):
            return
        source = layers.source_of("state")
        if can_declare(declared.kind, state):
            if self._try_edit(declared, lambda: layers.put("state", state), "state"):
                self._report.changed.append(ChangedValue(declared.address, "state", wanted, state, source))
        elif self._try_edit(declared, lambda: layers.remove_key("state"), "state"):
            self._report.changed.append(ChangedValue(declared.address, "state", wanted, None, source))
            why = Omission("KIA1009", f"is declared {wanted}, but is {state}, which no manifest can declare")
            self._report.omitted(live, ("state",), why, source=source)

    # --- reporting ------------------------------------------------------------------------------------------------

    def _try_edit(self, declared: MatchedBlock, change: Callable[[], object], path: str = "") -> bool:
        """Whether a change could be made; reported where it could not."""
        try:
            change()
        except NotWritableError as error:
            noun = declared.kind.kind
            # Without the name of a generated one: what is the same of many rows is shown once.
            one = f"the generated {noun}" if error.generated else f"the {noun} {quote(declared.address.name)}"
            what = f'"{path}" of {one}' if path else one
            patchable = path != "name" and not isinstance(declared.layers, PatchedBlock)
            code, why, hint = refused_by(error, patchable=patchable)
            self._report.warn(
                code, f"{what} is not updated: {why}", hint=hint, address=declared.address, source=error.source
            )
            return False
        return True

    def _variables(self, declared: MatchedBlock, path: str, names: tuple[str, ...]) -> None:
        if not names:
            return
        listed = " and ".join(f'"{name}"' for name in names)
        source = declared.layers.source_of(path.partition(".")[0])
        self._report.warn(
            "KIA1008",
            f'"{path}" used the variable {listed}, and now has a fixed value',
            hint="change the variable instead, if the value belongs to it",
            address=declared.address,
            source=source,
        )


def refused_by(error: NotWritableError, *, patchable: bool) -> tuple[str, str, str]:
    """The code, the reason and the hint of an edit that was refused. `patchable`: a patch may hold it."""
    if error.generated:
        hint = "change its row, its template or its block by hand"
        patches = ", or pass --into-patches to patch it by its name" if patchable else ""
        return "KIA1014", "its block stands for several", hint + patches
    return "KIA1011", "it is outside the folder", "export into the folder that holds it, or change it there"


def _needed(declared: MatchedBlock, live: ResourceState) -> Iterator[str]:
    """The attributes that the declared run state needs."""
    body = declared.layers.body
    machine, state = declared.kind.machine, body.get("state")
    if machine is not None and state is not None and live.run_state is not None:
        if not machine.satisfies(live.run_state, state):
            state = live.run_state
        yield from needed_for(declared.kind, state)
    if body.get("initial_state") is not None:
        yield from needed_for(declared.kind, body["initial_state"])


def equal(declared: MatchedBlock, key: str, value: Any, live: Any) -> bool:
    """Whether a declared value equals the live one; references are compared as names."""
    reference = reference_of(declared.kind, key)
    if reference is None:
        return same(value, live)
    return reference.equal(value, live, _alike)


def _with_spelling_of(before: Any, value: Any, reference: Reference) -> Any:
    """The live names, each as it is declared under its key where that differs in its Unicode form alone."""
    declared = dict(reference.items(before))

    def spelled(key: str | None, name: str) -> str:
        old: str | None = declared.get(key)
        return old if old is not None and _alike(old, name) else name

    return reference.map_items(value, spelled)


def _alike(declared: Any, live: Any) -> bool:
    if not isinstance(declared, str) or not isinstance(live, str) or isinstance(live, DanglingReference):
        return False
    return identity(declared) == identity(live)
