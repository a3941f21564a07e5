"""What an editor says of an attribute beside its description: the rules and limits that the models know."""

from __future__ import annotations

from collections.abc import Iterator

from kiamo_iac.core.capabilities import KindCapabilities
from kiamo_iac.manifest.shapes import Shape


def remarks(shape: Shape, key: str, said: KindCapabilities | None) -> Iterator[str]:
    """Full sentences, with the vendor's codes; `said`: what the contract in force says of the kind, where one is."""
    kind = shape.kind
    machine = kind.machine
    if key in kind.immutable:
        code = kind.immutable[key]
        yield f"A {kind.kind} keeps it for life{_behind(code)}: another one is refused, and nothing is made anew."
    for reference in kind.references:
        if reference.attribute == key and reference.missing:
            yield f"Each {reference.kind} that it names has to exist ({reference.missing})."
    if machine is None:
        pass
    elif key in {"name", "renamed_from"} and machine.rename_only_in is not None and "name" not in kind.immutable:
        states = " or ".join(sorted(machine.rename_only_in))
        yield f"A {kind.kind} is renamed only while it is {states}{_behind(machine.rename)}."
    elif key in machine.frozen_in:
        states = " or ".join(sorted(machine.frozen_in[key]))
        yield f"It cannot change while the {kind.kind} is {states}: the plan leaves that state first, and comes back."
    elif key in {"state", "initial_state"}:
        needs = {needed.attribute: needed.code for needed in machine.requires.values()}
        for attribute, code in needs.items():
            yield f"A start needs {attribute}{_behind(code)}, dials people, and is not done without --allow-start."
    if said is not None:
        yield from _of_contract(key, said)


def _of_contract(key: str, said: KindCapabilities) -> Iterator[str]:
    if key in said.required:
        yield f"Needed when it is created{_behind(said.required[key])}."
    if key == "name" and said.name_pattern is not None:
        yield f"The contract allows {said.name_pattern}."


def _behind(code: str | None) -> str:
    return f" ({code})" if code else ""
