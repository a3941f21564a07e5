"""`variables` in the project file: names and plain values, for the whole project or for one environment."""

from __future__ import annotations

from typing import Any

from kiamo_iac.core.diagnostics import SourceRange
from kiamo_iac.core.quote import quote
from kiamo_iac.manifest.project.nodes import Nodes
from kiamo_iac.manifest.variables import MARK, VARIABLE_NAME, Variable


def variables(nodes: Nodes, value: Any, source: SourceRange) -> dict[str, Variable]:
    """The variables of a mapping; whatever cannot be one has been told."""
    if not isinstance(value, dict):
        nodes.say("KIA0301", '"variables" is a mapping of names', source, 'write "brand: ACME" below it')
        return {}
    place = nodes.place(value)
    found: dict[str, Variable] = {}
    for name, given in value.items():
        if not VARIABLE_NAME.fullmatch(name):
            hint = "use letters of ASCII, digits and underscores, and begin with no digit"
            nodes.say("KIA0323", f"{quote(name)} is not a name for a variable", place.of_key(name), hint)
        elif not isinstance(given, str | int | float | bool):
            hint = "write one value; for a longer difference between environments, write a patch"
            nodes.say(
                "KIA0323", f"the variable {quote(name)} is text, a number, or true or false", place.at(name), hint
            )
        elif isinstance(given, str) and MARK in given:
            hint = "write its value out"
            nodes.say("KIA0323", f"the variable {quote(name)} refers to another one", place.at(name), hint)
        else:
            found[name] = Variable(given, place.at(name))
    return found
