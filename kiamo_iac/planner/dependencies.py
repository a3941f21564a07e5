"""Dependencies between planned changes: which must be done before which; refuses what no order allows.

creating    create parent ─► create child           create, rename target ─► write a reference to it
            create every field of a base ─► create, start a batch of it
deleting    stop, delete, re-point whatever refers ─► delete target
names       rename away from a name ─► create or rename to that name
            (a cycle of names is broken: one resource of it takes a temporary name first)
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

from kiamo_iac.core.address import Address, identity
from kiamo_iac.core.capabilities import Capabilities
from kiamo_iac.core.diagnostics import SuggestionBudget
from kiamo_iac.core.linear_pattern import linear_pattern
from kiamo_iac.core.resource import Reference, Scope, temporary_names
from kiamo_iac.planner.change_set import ChangeNode, ChangeSet
from kiamo_iac.planner.matching import ResourcePair, ResourcePairs
from kiamo_iac.planner.plan import Action, FieldChange, PlannedChange
from kiamo_iac.planner.references import ReferenceIndex
from kiamo_iac.resources import kinds

_WRITES = (Action.CREATE, Action.UPDATE)


class DependencyBuilder:
    """Adds the dependencies of one plan."""

    def __init__(
        self,
        change_sets: list[ChangeSet],
        pairs: ResourcePairs,
        references: ReferenceIndex,
        capabilities: Capabilities,
    ) -> None:
        self._change_sets = change_sets
        self._pairs = pairs
        self._references = references
        self._capabilities = capabilities
        self._suggestions = SuggestionBudget()
        self._set_of: dict[ResourcePair, ChangeSet] = {}
        self._creates: dict[tuple[ResourcePair | None, str], list[ChangeNode]] = defaultdict(list)
        for change_set in change_sets:
            self._set_of.setdefault(change_set.pair, change_set)
            for node in change_set.nodes:
                if node.pair is not change_set.pair:
                    self._set_of[node.pair] = change_set  # stopped because its parent is deleted
                elif node.action is Action.CREATE:
                    self._creates[change_set.pair.parent, change_set.pair.kind.kind].append(node)

    def add(self) -> None:
        """Add every dependency between resources, and refuse references that no order satisfies."""
        for change_set in self._change_sets:
            if not change_set.nodes:
                continue
            self._after_parent(change_set)
            self._after_siblings(change_set)
            for node in change_set.nodes:
                if node.action in _WRITES:
                    self._after_targets(change_set, node)
                elif node.action is Action.DELETE:
                    self._after_users(change_set, node)

    def _after_parent(self, change_set: ChangeSet) -> None:
        parent = self._set_of.get(change_set.pair.parent) if change_set.pair.parent else None
        create = parent.first(Action.CREATE) if parent else None
        if create is not None:
            change_set.nodes[0].dependencies.append(create)

    def _after_siblings(self, change_set: ChangeSet) -> None:
        """Create and start what refers to siblings after all of them: no batch may start before its fields exist."""
        needed = {r.kind for r in change_set.pair.kind.references if r.scope is Scope.SIBLING}
        creates = [n for kind in sorted(needed) for n in self._creates.get((change_set.pair.parent, kind), [])]
        if creates:
            for node in change_set.nodes:
                if node.action in {Action.CREATE, Action.START}:
                    node.dependencies += creates

    # --- references --------------------------------------------------------------------------------------------------

    def _after_targets(self, change_set: ChangeSet, node: ChangeNode) -> None:
        for reference, name, target in self._references.targets(node.pair, node.change.after):
            if target is None or (target.live is None and not target.declared_present):
                self._refuse_missing(change_set, reference, name)
                continue
            other = self._set_of.get(target)
            if other is None:
                continue
            if other.first(Action.DELETE) is not None:
                change_set.refuse(
                    "KIA0505",
                    f'{reference.attribute} refers to {reference.kind} "{name}", which this plan deletes',
                    hint=f"refer to another {reference.kind}, or keep this one",
                    key=reference.attribute,
                )
            elif (before := other.last(Action.CREATE, Action.RENAME)) is not None:
                node.dependencies.append(before)

    def _refuse_missing(self, change_set: ChangeSet, reference: Reference, name: str) -> None:
        scope = None if reference.scope is Scope.INSTANCE else change_set.pair.parent
        others = [
            p.address.name
            for p in self._pairs.ordered
            if p.kind.kind == reference.kind and (scope is None or p.parent is scope) and not p.declared_absent
        ]
        change_set.refuse(
            "KIA0504",
            f'{reference.attribute} refers to {reference.kind} "{name}", which is neither declared nor on the instance',
            detail=f"The API would return {self._capabilities.meaning(reference.missing)}."
            if reference.missing
            else None,
            hint=self._suggestions.near(name, others)
            or f"declare it under {kinds()[reference.kind].collection}, or correct the name",
            key=reference.attribute,
        )

    def _after_users(self, change_set: ChangeSet, delete: ChangeNode) -> None:
        """A target is deleted after every unfinished user of it is closed, deleted or re-pointed."""
        blocking: dict[str | None, list[str]] = {}
        for user, reference in self._references.users(delete.pair):
            if self._is_closed(user) or self._is_below(user, delete.pair):
                continue
            release = self._release(user, reference, delete.pair)
            if release is not None:
                delete.dependencies.append(release)
            else:
                state = f" ({user.live.run_state})" if user.live and user.live.run_state else ""
                blocking.setdefault(reference.in_use, []).append(f"{user.address}{state}")
        for code, users in blocking.items():
            change_set.refuse(
                "KIA0516",
                f"{delete.pair.address} is still used by {', '.join(users)}",
                detail=f"The API would return {self._capabilities.meaning(code)}." if code else None,
                hint=f"change what they refer to, stop them, or keep {delete.pair.address}",
                key="ensure",
            )

    def _is_closed(self, user: ResourcePair) -> bool:
        machine = user.kind.machine
        return machine is not None and user.live is not None and user.live.run_state in machine.terminal

    def _is_below(self, user: ResourcePair, target: ResourcePair) -> bool:
        """Whether `user` is `target` or below it: deleting `target` deletes it too."""
        above: ResourcePair | None = user
        while above is not None:
            if above is target:
                return True
            above = above.parent
        return False

    def _release(self, user: ResourcePair, reference: Reference, target: ResourcePair) -> ChangeNode | None:
        """The change after which `user` no longer refers to `target`, or None."""
        change_set = self._set_of.get(user)
        own = [n for n in change_set.nodes if n.pair is user] if change_set else []
        for node in own:
            match node.action:
                case Action.DELETE | Action.STOP:
                    return node
                case Action.UPDATE if reference.attribute in node.change.after:
                    names = {identity(n) for n in reference.names(node.change.after)}
                    if target.address.name not in names:
                        return node
                case _:
                    pass
        above = user.parent
        while above is not None:
            change_set = self._set_of.get(above)
            if change_set is not None and (delete := change_set.first(Action.DELETE)) is not None:
                return delete
            above = above.parent
        return None


def order_names(change_sets: list[ChangeSet], pairs: ResourcePairs, capabilities: Capabilities) -> None:
    """Rename away from a name before another resource takes it; break cycles with a temporary name."""
    by_old_name: dict[str, ChangeNode] = {}
    for change_set in change_sets:
        for node in change_set.nodes:
            if node.action is Action.RENAME:
                old = _address_of(node.pair, node.pair.live_object.name)
                by_old_name[old] = node
                by_old_name.setdefault(_folded(old), node)
    taking = [
        (change_set, node)
        for change_set in change_sets
        for node in change_set.nodes
        if node.action in {Action.RENAME, Action.CREATE}
    ]
    for _, node in taking:
        if (rename := _freeing(node, by_old_name)) is not None:
            node.dependencies.append(rename)
    for cycle in _cycles([n for _, n in taking if n.action is Action.RENAME], by_old_name):
        _break_cycle(cycle, {id(n): s for s, n in taking}, pairs, capabilities)


def _address_of(pair: ResourcePair, name: str) -> Address:
    return Address.of(pair.kind.collection, name, pair.parent.address if pair.parent else None)


def _folded(address: Address) -> str:
    """The key of an address whatever its case: an instance may compare names so. No address begins like it."""
    return f"/{address.casefold()}"


def _freeing(node: ChangeNode, by_old_name: dict[str, ChangeNode]) -> ChangeNode | None:
    """The rename away from the name that `node` takes, or from one that differs from it in case alone."""
    found = by_old_name.get(node.pair.address) or by_old_name.get(_folded(node.pair.address))
    return found if found is not node else None


def _cycles(renames: list[ChangeNode], by_old_name: dict[str, ChangeNode]) -> list[list[ChangeNode]]:
    """Cycles of renames, each beginning at its smallest address."""
    found: list[list[ChangeNode]] = []
    done: set[int] = set()
    for start in sorted(renames, key=lambda n: n.pair.address):
        walk: list[ChangeNode] = []
        node = start
        while id(node) not in done:
            done.add(id(node))
            walk.append(node)
            following = _freeing(node, by_old_name)
            if following is None:
                break
            node = following
        else:
            if walk and node is walk[0]:
                found.append(walk)
    return found


def _break_cycle(
    cycle: list[ChangeNode], change_sets: dict[int, ChangeSet], pairs: ResourcePairs, capabilities: Capabilities
) -> None:
    """Rename the first of the cycle to a temporary name, so that the last can take its name."""
    first, last = cycle[0], cycle[-1]
    change_set = change_sets[id(first)]
    old, new = str(first.change.before["name"]), first.change.after["name"]
    temporary = _free_name(old, first.pair, pairs, capabilities)
    if temporary is None:
        change_set.refuse(
            "KIA0519",
            f'the renames form a cycle, and no temporary name for "{old}" is free',
            hint="rename in two applies, through another name",
            key="renamed_from",
        )
        return
    reason = f'temporary name, because the renames of "{old}" form a cycle'
    to_temporary = ChangeNode(first.pair, _renamed(first.change, old, temporary, reason))
    first.change = _renamed(first.change, temporary, new, first.change.reason)
    last.dependencies = [to_temporary if needed is first else needed for needed in last.dependencies]
    first.dependencies.append(to_temporary)
    change_set.nodes.insert(change_set.nodes.index(first), to_temporary)


def _renamed(change: PlannedChange, old: str, new: str, reason: str) -> PlannedChange:
    changes = (FieldChange("name", old, new),)
    return replace(change, reason=reason, before={"name": old}, after={"name": new}, changes=changes)


def _free_name(old: str, pair: ResourcePair, pairs: ResourcePairs, capabilities: Capabilities) -> str | None:
    pattern = capabilities.of(pair.kind.kind).name_pattern
    for name in temporary_names(old):
        if pattern is not None and not linear_pattern(pattern).matches(name):
            continue
        address = _address_of(pair, name)
        if address not in pairs.by_address and address not in pairs.by_live:
            return name
    return None
