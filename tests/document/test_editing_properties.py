"""Any edits of any text: never wrong, never refused, and every line that they do not concern stays."""

from __future__ import annotations

import copy
from random import Random
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from kiamo_iac.core.diagnostics import has_errors
from kiamo_iac.document.editing import Editor
from kiamo_iac.document.equality import Path, difference
from kiamo_iac.document.parser import parse
from kiamo_iac.document.tree import Tree
from tests.document.commented import Writer, paths

RANDOMS = st.randoms(use_true_random=False)


def edit(editor: Editor, writer: Writer, random: Random) -> Any:
    """One edit, and what the data should be after it; the same where there is nothing to be done at the place."""
    expected = copy.deepcopy(editor.data)
    path, found = random.choice(list(paths(editor.data)))
    kind = random.random()
    value = writer.value()
    if kind < 0.35 and path:
        editor.set(path, value)
        return stored(expected, path, value)
    if kind < 0.6 and (isinstance(found, dict) or (found is None and not path)):
        key = random.choice(["new", "a b", "yes"])
        after = random.choice(list(found)) if found and random.random() < 0.5 else None
        editor.set((*path, key), value, after=after)
        data = dict(found or {})
        if key in data or after is None:
            data[key] = value
        else:
            data = {k: v for old in data for k, v in [(old, data[old]), *([(key, value)] if old == after else [])]}
        return stored(expected, path, data)
    if kind < 0.8 and path:
        editor.remove(path)
        holder = at(expected, path[:-1])
        del holder[path[-1]]
        return expected
    if isinstance(found, list):
        editor.append(path, value)
        at(expected, path).append(value)
    return expected


def at(data: Any, path: Path) -> Any:
    for step in path:
        data = data[step]
    return data


def stored(data: Any, path: Path, value: Any) -> Any:
    if not path:
        return value
    at(data, path[:-1])[path[-1]] = value
    return data


@given(RANDOMS, st.booleans())
@settings(max_examples=200, deadline=None)
def test_any_edits_of_any_text(random: Random, anchors: bool) -> None:
    writer = Writer(random, anchors=anchors)
    text = writer.document()
    assume(not has_errors(parse(text, file="m.yaml").diagnostics))
    editor = Editor(text, file="m.yaml")
    for _ in range(random.randint(1, 6)):
        expected = edit(editor, writer, random)
        assert difference(editor.data, expected) is None
    result = editor.text()
    assert difference(parse(result, file="m.yaml").data, editor.data) is None
    assert result.startswith("\ufeff") == text.startswith("\ufeff")
    assert ("\r\n" in result) <= ("\r\n" in text)


@given(RANDOMS)
@settings(max_examples=150, deadline=None)
def test_what_is_added_takes_nothing_away(random: Random) -> None:
    """Every comment, and every character of the old text in its order, is still there."""
    writer = Writer(random, anchors=False)
    text = f"{writer.document()}\n"
    assume(not has_errors(parse(text, file="m.yaml").diagnostics))
    editor = Editor(text, file="m.yaml")
    places = [path for path, found in paths(editor.data) if found and isinstance(found, dict | list)]
    assume(places)
    path = random.choice(places)
    if isinstance(at(editor.data, path), list):
        editor.append(path, writer.value())
    else:
        editor.set((*path, "new"), writer.value())
    remaining = iter(editor.text())
    assert all(character in remaining for character in text)


@given(RANDOMS)
@settings(max_examples=150, deadline=None)
def test_a_value_that_is_set_leaves_all_around_it(random: Random) -> None:
    writer = Writer(random, anchors=False)
    text = writer.document()
    assume(not has_errors(parse(text, file="m.yaml").diagnostics))
    editor = Editor(text, file="m.yaml")
    places = [path for path, found in paths(editor.data) if path and not isinstance(found, dict | list)]
    assume(places)
    path = random.choice(places)
    node = Tree(text.removeprefix("\ufeff")).root
    entry = None
    for step in path:
        entry = node.entry(step) if node is not None else None
        node = entry.value if entry is not None else None
    assert entry is not None
    offset = len(text) - len(text.removeprefix("\ufeff"))
    editor.set(path, random.choice(["v", "new text", 17, True]))
    result = editor.text()
    before, after = text[: entry.sign_end + offset], text[max(entry.end, entry.sign_end) + offset :]
    assert result.startswith(before)
    assert result.endswith(after)
