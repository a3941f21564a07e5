"""What is kept otherwise is told once, remembered and never rewritten: F20."""

from __future__ import annotations

import json

import pytest

from tests.faults.kiamo import Item, Keeping, dropping, each_text, lower_case, trimmed, unix_lines
from tests.faults.scene import Scene, shown


def label(text: str) -> str:
    """A manifest of one base with a label, in JSON's spelling."""
    return f"bases:\n  - {{name: clients, label: {json.dumps(text)}}}\n"


def settings(value: object) -> str:
    """A manifest of one base with a setting."""
    return f"bases:\n  - {{name: clients, label: Clients, settings: {{motd: {json.dumps(value)}}}}}\n"


def sorted_lists(sent: Item) -> Item:
    """Lists come back sorted."""
    return {key: sorted(value) if key == "motd" else value for key, value in sent.items()}


def texts_of_numbers(sent: Item) -> Item:
    """A number comes back as a text."""
    return {key: str(value) if key == "motd" else value for key, value in sent.items()}


KEPT: dict[str, tuple[str, Keeping]] = {
    "trimmed": (label("Clients "), trimmed),
    "lines": (label("A\r\nB"), unix_lines),
    "lower": (label("Clients"), lower_case),
    "entities": (label("A & B"), each_text(lambda text: text.replace("&", "&amp;"))),
    "dropped setting": (settings("x"), dropping("motd")),
    "number as text": (settings(3), texts_of_numbers),
    "sorted": (settings(["b", "a"]), sorted_lists),
}


@pytest.mark.parametrize("how", KEPT)
def test_f20_what_is_kept_otherwise_is_told_once_and_never_written_again(scene: Scene, how: str) -> None:
    manifest, scene.kiamo.keeping = KEPT[how]
    scene.manifest(manifest)
    first = scene.apply(expect=0)
    assert len(scene.kiamo.writes) == 1
    assert "kept" in first.stdout + first.stderr, shown(first)
    for _ in range(2):
        again = scene.apply(expect=0)
        assert "No changes" in again.stdout, shown(again)
    assert len(scene.kiamo.writes) == 1
    drift = scene.run("drift", "-e", "staging")
    assert (drift.returncode, "on the instance" in drift.stdout) == (0, False), shown(drift)
    scene.converges()


def test_f20_an_update_that_is_kept_otherwise(scene: Scene) -> None:
    scene.manifest(label("Clients"))
    scene.converges()
    scene.kiamo.keeping = trimmed
    scene.manifest(label("Clients 2026 "))
    scene.apply(expect=0)
    scene.apply(expect=0)
    assert len([call for call in scene.kiamo.writes if call.method == "PUT"]) == 1
    scene.converges()


def test_f25_a_change_on_either_side_ends_what_was_remembered(scene: Scene) -> None:
    scene.kiamo.keeping = trimmed
    scene.manifest(label("Clients "))
    scene.converges()
    base = f"/bases/{scene.kiamo.id_of('clients')}"
    scene.kiamo.by_hand("PUT", base, {"label": "by hand"})
    planned = scene.plan("--detailed-exitcode")
    assert planned.returncode == 2, shown(planned)
    scene.converges()
    assert scene.kiamo.tree()["bases"][0]["label"] == "Clients"
    scene.manifest(label("Clients 2026 "))
    scene.converges()
    assert scene.kiamo.tree()["bases"][0]["label"] == "Clients 2026"
