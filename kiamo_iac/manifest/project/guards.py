"""`guards` of an environment in the project file."""

from __future__ import annotations

from typing import Any, Final

from kiamo_iac.core.change_window import WRITTEN, ChangeWindow, WindowError
from kiamo_iac.core.diagnostics import SourceRange
from kiamo_iac.core.settings import GuardSettings
from kiamo_iac.manifest.project.nodes import Nodes

_KEYS: Final = ("max_deletes", "max_delete_percent", "max_update_percent", "allow_start", "change_window")


def guards(nodes: Nodes, value: Any, source: SourceRange) -> GuardSettings:
    """What `guards` says; what it leaves out, or says wrongly, is as without it."""
    if not isinstance(value, dict):
        nodes.say("KIA0301", '"guards" is a mapping', source, "write guards: {allow_start: true}")
        return GuardSettings()
    nodes.check_keys(value, known=_KEYS, what="guards")
    percent = nodes.number(value, "max_delete_percent", most=100)
    return GuardSettings(
        max_deletes=nodes.number(value, "max_deletes"),
        max_delete_percent=GuardSettings().max_delete_percent if percent is None else percent,
        max_update_percent=nodes.number(value, "max_update_percent", most=100),
        allow_start=nodes.switch(value, "allow_start"),
        change_window=_window(nodes, value),
        place=nodes.place(value),
    )


def _window(nodes: Nodes, node: dict[str, Any]) -> ChangeWindow | None:
    text = nodes.text(node, "change_window", example=f'"{WRITTEN}"')
    if text is None:
        return None
    try:
        return ChangeWindow.parse(text)
    except WindowError as error:
        source = nodes.place(node).at("change_window")
        nodes.say("KIA0311", f"the change window cannot be read: {error}", source, error.hint)
        return None
